"""Are the served answers as good as the releases promised? Judged only where users said so, and how often they did is
reported beside it: silence is neither praise nor blame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from ccml.datasets.reward import reward_components
from ccml.evaluation.statistics import Interval, bootstrap_interval, wilson

if TYPE_CHECKING:
    import pandas as pd

FEWEST_JUDGED = 30


class QualityFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One model's served figure beside the one its release was published with.

    `relative_drop` is (released − served) / released, with the interval of the served figure; None where fewer than 30
    answers were judged or no release promised anything.
    """

    model: str
    metric: str
    judged: int
    answered: int
    served: Interval | None
    released: float | None
    relative_drop: Interval | None


class QualityReport(msgspec.Struct, frozen=True, kw_only=True):
    findings: list[QualityFinding]
    new_commands: Interval | None
    """Share of the commands that users corrected to which the champion has no class for."""


def quality_report(
    served: pd.DataFrame, released: dict[str, tuple[str, float]], known_templates: frozenset[str]
) -> QualityReport:
    """
    Args:
        served: clean interactions answered by a server.
        released: model → (headline metric, figure) of its champion.
        known_templates: the command champion's classes.
    """
    sessions = served["session_id"].to_numpy(dtype=str)
    return QualityReport(
        findings=[
            _finding("command_predictor", *_command_hits(served), sessions, released),
            _finding("intent_classifier", *_intent_hits(served), sessions, released),
            _finding("policy", *_rewards(served), sessions, released),
        ],
        new_commands=_new_commands(served, known_templates),
    )


def _command_hits(served: pd.DataFrame) -> tuple[Any, Any]:
    """(N,) was the first suggestion what the user wanted?, (N,) did the user say?"""
    corrected = served["corrected_command"].fillna("").ne("")
    same = served["corrected_command"].fillna("") == served["command"]
    accepted = served["verdict"].eq("accepted").fillna(False)
    judged = (corrected | served["verdict"].notna()) & served["command"].ne("")
    return ((accepted & ~corrected) | (corrected & same)).to_numpy(dtype=float), judged.to_numpy(dtype=bool)


def _intent_hits(served: pd.DataFrame) -> tuple[Any, Any]:
    """A corrected intent that differs is a miss; an accepted turn without one is a hit."""
    corrected = served["corrected_intent"].notna()
    hit = (served["corrected_intent"] == served["predicted_intent"]).fillna(False) | (
        ~corrected & served["verdict"].eq("accepted").fillna(False)
    )
    judged = served["predicted_intent"].notna() & (corrected | served["verdict"].eq("accepted").fillna(False))
    return hit.to_numpy(dtype=float), judged.to_numpy(dtype=bool)


def _rewards(served: pd.DataFrame) -> tuple[Any, Any]:
    from ccml.datasets.reward import RewardWeights

    fields = ("succeeded", "recovered", "rating", "verdict", "duration_ms", "recovery_ms", "cpu_ms", "memory_mb")
    rewards = reward_components(**{name: served[name] for name in fields}) @ RewardWeights().vector
    judged = served["verdict"].notna() | served["rating"].notna() | served["succeeded"].notna()
    return rewards, judged.to_numpy(dtype=bool)


def _finding(
    model: str, values: Any, judged: Any, sessions: Any, released: dict[str, tuple[str, float]]
) -> QualityFinding:
    metric, promised = released.get(model, ("", None))
    served = drop = None
    if judged.sum() >= FEWEST_JUDGED and len(np.unique(sessions[judged])) >= 2:
        served = bootstrap_interval(values[judged], clusters=sessions[judged])
        if promised:
            drop = Interval(*((promised - value) / promised for value in (served.estimate, served.high, served.low)))
    return QualityFinding(
        model=model,
        metric=metric or "unreleased",
        judged=int(judged.sum()),
        answered=len(values),
        served=served,
        released=promised,
        relative_drop=drop,
    )


def _new_commands(served: pd.DataFrame, known_templates: frozenset[str]) -> Interval | None:
    from ccml.commands.parse import parse

    corrections = served["corrected_command"].dropna()
    corrections = corrections[corrections != ""]
    if len(corrections) < FEWEST_JUDGED:
        return None
    unknown = sum(parse(line).template not in known_templates for line in corrections)
    return wilson(unknown, len(corrections))
