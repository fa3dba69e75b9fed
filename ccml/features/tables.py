"""Feature tables of the clean interactions: four that exist for each day, and the context vector made of all days.

State, time and outcome features of a day need that day's clean rows alone. What is known of a user depends on all
earlier days, so the daily table holds each outcome and rating with the time at which it became known, and
`assemble_context` adds them up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ccml.features.causal import known_sum
from ccml.features.context import (
    OUTCOME_FIELDS,
    STATE_FIELDS,
    TEMPORAL_FIELDS,
    outcome_matrix,
    state_matrix,
    temporal_matrix,
    user_matrix,
)

if TYPE_CHECKING:
    import pandas as pd

LEDGER_COLUMNS = (
    "interaction_id",
    "day",
    "user_id",
    "session_id",
    "position",
    "time",
    "succeeded",
    "outcome_time",
    "rating",
    "rating_time",
)


def state_vectors(clean: pd.DataFrame) -> pd.DataFrame:
    """interaction_id, day and `STATE_FIELDS` (float32, NaN for unknown): the machine and the place."""
    return _feature_table(clean, STATE_FIELDS, state_matrix(turn_columns(clean)))


def temporal_features(clean: pd.DataFrame) -> pd.DataFrame:
    """interaction_id, day and `TEMPORAL_FIELDS` (float32, NaN for unknown)."""
    return _feature_table(clean, TEMPORAL_FIELDS, temporal_matrix(turn_columns(clean)))


def outcome_features(clean: pd.DataFrame) -> pd.DataFrame:
    """interaction_id, day and `OUTCOME_FIELDS` (float32, NaN for unknown): how the session went until this turn."""
    return _feature_table(clean, OUTCOME_FIELDS, outcome_matrix(turn_columns(clean)))


def user_ledger(clean: pd.DataFrame) -> pd.DataFrame:
    """`LEDGER_COLUMNS`: each turn's outcome and rating with the moment from which they may be counted."""
    return clean[list(LEDGER_COLUMNS)].reset_index(drop=True)


def user_features(ledger: pd.DataFrame) -> pd.DataFrame:
    """interaction_id, user_interactions, user_successes, user_mean_rating, each as known before the turn.

    A rating given, or an outcome known, after a turn's time is not counted for it.
    """
    import pandas as pd

    ledger = ledger.drop_duplicates("interaction_id")
    ledger = ledger.sort_values(["user_id", "time", "session_id", "position"], kind="stable", ignore_index=True)
    user = pd.factorize(ledger["user_id"])[0].astype(np.int64)
    time = moments(ledger["time"])
    succeeded = ledger["succeeded"].to_numpy(dtype=np.float64, na_value=np.nan) == 1.0
    rating = ledger["rating"].to_numpy(dtype=np.float64, na_value=np.nan)
    rated = np.isfinite(rating)
    rating_time = moments(ledger["rating_time"])
    ratings = known_sum(user, time, rating_time, rated.astype(np.float64))
    total = known_sum(user, time, rating_time, np.where(rated, rating, 0.0))
    return pd.DataFrame(
        {
            "interaction_id": ledger["interaction_id"],
            "user_interactions": known_sum(user, time, time, np.ones(len(ledger))),
            "user_successes": known_sum(user, time, moments(ledger["outcome_time"]), succeeded.astype(np.float64)),
            "user_mean_rating": np.divide(total, ratings, out=np.full(len(ledger), np.nan), where=ratings > 0),
        }
    )


def assemble_context(
    temporal: pd.DataFrame, outcome: pd.DataFrame, ledger: pd.DataFrame, state: pd.DataFrame
) -> pd.DataFrame:
    """The four tables over all days → interaction_id, context (list of float32 in the order of `CONTEXT_FIELDS`, raw).

    Each interaction that all four tables know; the same vector as `context_row` computes from the turn's context.
    """
    import pandas as pd

    if not all(len(table) for table in (temporal, outcome, ledger, state)):  # no day has been landed yet
        return pd.DataFrame({"interaction_id": pd.Series(dtype=object), "context": pd.Series(dtype=object)})
    users = user_features(ledger).set_index("interaction_id")
    parts = [
        _by_interaction(temporal, TEMPORAL_FIELDS),
        _by_interaction(outcome, OUTCOME_FIELDS),
        _by_interaction(state, STATE_FIELDS),
    ]
    known = users.index
    for part in parts:
        known = known.intersection(part.index, sort=False)
    users = users.loc[known]
    user_block = user_matrix({name: users[name] for name in users})
    blocks = [parts[0].loc[known], parts[1].loc[known], user_block, parts[2].loc[known]]
    matrix = np.concatenate([np.asarray(block, np.float32) for block in blocks], axis=1)  # (N, F)
    return pd.DataFrame({"interaction_id": np.asarray(known, dtype=object), "context": list(matrix)})


def turn_columns(clean: pd.DataFrame) -> dict[str, Any]:
    """The columns of `ccml.features.context.TURN_COLUMNS` that a day's clean rows hold (all but the user's)."""
    numbers = {
        name: clean[name].to_numpy(dtype=np.float64, na_value=np.nan)
        for name in ("cpu_percent", "memory_percent", "disk_percent", "load_1m", "processes")
    }
    session = {
        "session_position": "session_commands",
        "session_successes": "session_successes",
        "session_failures_in_a_row": "session_failures_in_a_row",
        "previous_succeeded": "previous_succeeded",
        "seconds_since_previous": "seconds_since_previous",
    }
    numbers |= {field: clean[name].to_numpy(dtype=np.float64, na_value=np.nan) for field, name in session.items()}
    text = {name: clean[name].fillna("").to_numpy(dtype=object) for name in ("directory", "platform")}
    return {
        "time": clean["time"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]"),
        **numbers,
        **text,
    }


def moments(times: pd.Series) -> NDArray[np.int64]:
    """Microseconds since the epoch (N,); an unknown moment is the smallest number, and its value is unknown as well."""
    naive = times.dt.tz_convert("UTC").dt.tz_localize(None)
    return np.asarray(naive.to_numpy("datetime64[us]").astype(np.int64))


def _feature_table(clean: pd.DataFrame, fields: tuple[str, ...], matrix: NDArray[np.float32]) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(matrix, columns=list(fields))
    table.insert(0, "day", clean["day"].to_numpy())
    table.insert(0, "interaction_id", clean["interaction_id"].to_numpy())
    return table


def _by_interaction(table: pd.DataFrame, fields: tuple[str, ...]) -> pd.DataFrame:
    return table.drop_duplicates("interaction_id").set_index("interaction_id")[list(fields)]
