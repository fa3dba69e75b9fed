"""The policy's data: what was known before acting, what was done with which probability, and what it was worth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ccml.datasets.content import Dataset
from ccml.datasets.rules import LENGTH, propensity
from ccml.datasets.splits import SPLITS, Splits
from ccml.errors import NotEnoughDataError
from ccml.intents.tables import OUT_OF_SCOPE
from ccml.models.command.dataset import finish, keep
from ccml.models.policy.acting import acting_level
from ccml.models.policy.features import POLICY_FIELDS, policy_matrix
from ccml.models.policy.reward import COMPONENTS, OUTCOMES, reward, reward_components
from ccml.telemetry.events import ACTIONS

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.expectations import Expectation

    from ccml.profiles import Profile

COLUMNS = (
    *("interaction_id", "session_id", "user_id", "time", "split", "unseen_user", "position"),
    *("features", "action", "action_index", "propensity", "reward", *(f"reward_{name}" for name in COMPONENTS)),
    *("policy_version", "risk", "confidence"),
)


def build_dataset(clean: pd.DataFrame, context: pd.DataFrame, splits: Splits, profile: Profile) -> Dataset:
    return episodes(clean, context, splits)


def episodes(clean: pd.DataFrame, context: pd.DataFrame, splits: Splits) -> Dataset:
    """One row per interaction whose action was drawn with a known propensity; `features` are raw policy features (P,).

    An action that was not drawn, such as a fallback's, says nothing of what another one would have earned in its place.
    Some logs give it no propensity and some a propensity of one; taken for a draw, such rows pull every estimate of
    another policy towards zero.

    Raises:
        NotEnoughDataError: no propensities, one action only, or a split without rows.
    """
    turns = clean.drop_duplicates("interaction_id").reset_index(drop=True)
    split = turns["interaction_id"].map(splits.labels)
    acted = turns["action"].notna()
    drawn = turns["propensity"].notna() & (turns["propensity"] < 1.0).fillna(False)
    if not (acted & drawn).any():
        raise NotEnoughDataError(
            f"Of {int(acted.sum())} logged actions none was drawn with a propensity below one, so no policy can be "
            "learnt or evaluated."
        )
    reasons = {
        "no action": ~acted,
        "action not drawn: no propensity, or one": ~drawn,
        "left out by the split": ~split.isin(SPLITS),
    }
    kept, left_out = keep(turns, reasons)
    turns, split = turns[kept].reset_index(drop=True), split[kept].reset_index(drop=True)
    taken = sorted(turns["action"].unique())
    if len(taken) < 2:
        raise NotEnoughDataError(f"Every logged action is {taken[0]!r}; a policy needs at least two to choose from.")

    vectors = turns["interaction_id"].map(context.set_index("interaction_id")["context"])
    features = policy_matrix(
        np.stack(vectors.tolist()),  # (N, F)
        turns["confidence"].to_numpy(np.float64),
        turns["risk"].tolist(),
        turns["request"].tolist(),
        turns["command"].tolist(),
    )
    components = reward_components(**{name: turns[name] for name in OUTCOMES})  # (N, 4)
    rows = turns.assign(
        split=split,
        unseen_user=turns["user_id"].isin(list(splits.unseen_users)).astype(bool),
        position=turns["position"].astype(np.int64),
        risk=[
            acting_level(risk, request, command, out_of_scope=bool(outside))
            for risk, request, command, outside in zip(
                turns["risk"],
                turns["request"],
                turns["command"],
                (turns["predicted_intent"] == OUT_OF_SCOPE).fillna(False),
                strict=True,
            )
        ],
        features=list(features),
        action_index=turns["action"].map({action: index for index, action in enumerate(ACTIONS)}).astype(np.int64),
        reward=reward(components),
        **{f"reward_{name}": components[:, index] for index, name in enumerate(COMPONENTS)},
    )
    dataset = finish(rows[list(COLUMNS)], left_out, "episodes")
    dataset.facts["drawn_by"] = turns["policy_version"].fillna("unnamed").value_counts().to_dict()
    dataset.facts["actions"] = turns["action"].value_counts().to_dict()
    return dataset


def data_rules() -> Iterator[Expectation]:
    """What the rows keep beside the rules of every data set."""
    from great_expectations import expectations as gxe

    yield gxe.ExpectColumnValuesToBeInSet(column="action", value_set=list(ACTIONS))
    yield gxe.ExpectColumnValuesToNotBeNull(column="propensity")
    yield propensity()
    for name in ("reward", "reward_success", "reward_satisfaction", "reward_execution", "reward_resources"):
        yield gxe.ExpectColumnValuesToNotBeNull(column=name)
        yield gxe.ExpectColumnValuesToBeBetween(column=name, min_value=0.0, max_value=1.0)
    yield gxe.ExpectColumnValuesToBeInSet(column=f"features{LENGTH}", value_set=[len(POLICY_FIELDS)])
