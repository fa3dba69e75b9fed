"""The drift reference: what a release has to remember of its training data so that served traffic can be compared.

It is a file of the release. A release may be copied to another machine, so it holds no row, no request and no user:
the words and programs that training had seen, the edges of bins, and per session how many rows fell into each bin.
Sessions and users are numbered, because the limits of the drift check are drawn by session and by user.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ccml.cleaning.commands import read_commands
from ccml.commands.shared_templates import shared_templates
from ccml.errors import IntegrityError
from ccml.privacy.shared_words import shared_of

if TYPE_CHECKING:
    import pandas as pd

NUMERIC_BINS = 8
UNKNOWN_WORD_EDGES = [0.5, 1.5, 2.5]
LATER_ROWS = 100
"""Where fewer held-out rows are later than training, all held-out rows count."""

STATE_COLUMNS = ("cpu_percent", "load_1m")
"""Memory and disk are left out: each machine has a level of its own that moves over days, so that in a reference of a
few days an ordinary week looks like a change."""

SEEN, NEW = "seen in training", "new"


class ColumnCounts(msgspec.Struct, frozen=True):
    """One watched column of the held-out rows. `counts` has a row per session and a column per value; rows of which
    the log does not say the value are not counted."""

    values: list[str]
    counts: list[list[int]]

    @property
    def matrix(self) -> np.ndarray:
        return np.asarray(self.counts, dtype=int).reshape(len(self.counts), len(self.values))


class DriftReference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words, programs and bin edges come from the rows that the models were fitted on. The counts come from held-out
    rows of the same data, in which what training had not seen is as frequent as in traffic without drift.
    """

    rows: int
    """Held-out rows that were counted."""
    begins: datetime | None
    ends: datetime | None
    vocabulary: frozenset[str]
    """Words of two training requests at least, as they stand after redaction."""
    programs: frozenset[str]
    edges: dict[str, list[float]]
    typical_duration: dict[str, float]
    """Median of each program, in milliseconds."""
    user_of_session: list[int]
    columns: dict[str, ColumnCounts]

    @classmethod
    def fit(cls, training: pd.DataFrame, held_out: pd.DataFrame) -> DriftReference:
        """Both are clean interactions. Of the held-out rows those count that are later than training: users held out
        whole have earlier ones too, which would give them more weight than they have in traffic. Where sessions ran
        side by side and fewer than 100 rows are later, all count.
        """
        later = held_out[held_out["time"] > training["time"].max()]
        held_out = later if len(later) >= LATER_ROWS else held_out
        asked = [set(words(request)) for request in training["request"]]
        users = training["user_id"].astype(str).tolist()
        counts = Counter(word for found in asked for word in found)
        # The reference is part of the release, which others read: it names no word and no program of one person. Of
        # other words a digest of three bytes is kept, by which one of them is known again and none can be read.
        named = shared_of(asked, users)
        vocabulary = frozenset(word if word in named else digest(word) for word, count in counts.items() if count > 1)
        program = wanted_programs(training)
        shared = shared_templates(program.fillna("").tolist(), users)
        timed = training[(training["duration_ms"] > 0) & program.isin(list(shared))]
        typical = timed.groupby(program)["duration_ms"].median().to_dict()
        edges = {
            name: _quantile_edges(values) for name, values in _measurements(training, program, vocabulary, typical)
        }
        # Among the training rows themselves hardly a word is unknown: their quantiles would all be zero.
        edges["unknown_words"] = UNKNOWN_WORD_EDGES
        bare = cls(
            rows=len(held_out),
            begins=_moment(held_out["time"].min()),
            ends=_moment(held_out["time"].max()),
            vocabulary=vocabulary,
            programs=shared - {""},
            edges=edges,
            typical_duration=typical,
            user_of_session=[],
            columns={},
        )
        sessions, first, session = np.unique(
            held_out["session_id"].to_numpy(dtype=str), return_index=True, return_inverse=True
        )
        users = held_out["user_id"].to_numpy(dtype=str)[first]
        binned = bare.binned(held_out)
        return msgspec.structs.replace(
            bare,
            user_of_session=np.unique(users, return_inverse=True)[1].tolist(),
            columns={name: _counted(binned[name], session, len(sessions)) for name in binned},
        )

    def binned(self, interactions: pd.DataFrame) -> pd.DataFrame:
        """One categorical column per watched quantity, one row per interaction; NA where the log does not say."""
        import pandas as pd

        program = wanted_programs(interactions)
        columns: dict[str, Any] = {}
        for name, values in _measurements(interactions, program, self.vocabulary, self.typical_duration):
            bins = np.searchsorted(np.asarray(self.edges[name]), values, side="right").astype(str)
            columns[name] = pd.Series(bins, interactions.index, object).mask(np.isnan(values))
        seen = program.isin(list(self.programs)).map({True: SEEN, False: NEW})
        columns["program"] = seen.astype(object).mask(program.isna())
        columns["platform"] = interactions["platform"].astype(object).mask(interactions["platform"] == "")
        return pd.DataFrame(columns)

    def values(self, column: str) -> pd.Series:
        """The held-out values of one column, in any order: Evidently wants values, the reference has counts."""
        import pandas as pd

        counted = self.columns[column]
        return pd.Series(np.repeat(np.asarray(counted.values, dtype=object), counted.matrix.sum(axis=0)), dtype=object)

    def encode(self) -> bytes:
        """The same training data gives the same bytes."""
        return msgspec.json.encode(self, order="sorted")


def decode_reference(raw: bytes, source: str) -> DriftReference:
    """
    Raises:
        IntegrityError: `source` does not hold a drift reference.
    """
    try:
        return msgspec.json.decode(raw, type=DriftReference)
    except msgspec.DecodeError as error:
        raise IntegrityError(f"{source} is not a drift reference: {error}.") from error


def is_known(word: str, vocabulary: frozenset[str]) -> bool:
    return word in vocabulary or digest(word) in vocabulary


def digest(word: str) -> str:
    """Begins with a sign that no word has. One word in five thousand has that of one of three thousand others."""
    return f"#{hashlib.blake2b(word.encode(), digest_size=3).hexdigest()}"


def words(request: str) -> list[str]:
    return re.findall(r"[^\W\d_]{2,}", request.lower())


def wanted_programs(interactions: pd.DataFrame) -> pd.Series:
    """The program of the command that was wanted; NA where the log does not contain it. A command that was only
    proposed describes the model and not the traffic.
    """
    wanted = interactions["wanted_command"]
    program = read_commands(wanted.fillna(""))["program"]
    return program.where(wanted.notna() & (program != ""))


def _counted(column: pd.Series, session: np.ndarray, sessions: int) -> ColumnCounts:
    known = column.notna().to_numpy()
    values, code = np.unique(column[known].to_numpy(dtype=str), return_inverse=True)
    counts = np.zeros((sessions, len(values)), dtype=int)
    np.add.at(counts, (session[known], code), 1)
    return ColumnCounts(values.tolist(), counts.tolist())


def _measurements(
    interactions: pd.DataFrame, program: pd.Series, vocabulary: frozenset[str], typical: dict[str, float]
) -> list[tuple[str, np.ndarray]]:
    """Numbers with NaN where a row does not say; nothing here is an answer of the models."""
    tokens = [words(request) for request in interactions["request"]]
    length = np.array([len(row) or np.nan for row in tokens], dtype=float)
    unknown = np.array([sum(not is_known(word, vocabulary) for word in row) for row in tokens], dtype=float)
    expected = program.map(typical).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        slowness = np.log2(interactions["duration_ms"].to_numpy(dtype=float) / expected)
    slowness[~np.isfinite(slowness)] = np.nan
    return [
        ("request_words", length),
        ("unknown_words", np.where(np.isnan(length), np.nan, unknown)),
        *((name, interactions[name].to_numpy(dtype=float)) for name in STATE_COLUMNS),
        ("relative_duration", slowness),
    ]


def _quantile_edges(values: np.ndarray) -> list[float]:
    known = values[~np.isnan(values)]
    if not len(known):
        return []
    return sorted({float(edge) for edge in np.quantile(known, np.linspace(0, 1, NUMERIC_BINS + 1)[1:-1])})


def _moment(time: Any) -> datetime | None:
    import pandas as pd

    return None if pd.isna(time) else time.to_pydatetime()
