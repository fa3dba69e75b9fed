"""Are the served answers as good as they were promised to be?

Users say seldom, and not at random, what they think: of a command that worked hardly anybody says so, and many a wrong
one is never corrected. The share of accepted answers among those judged is therefore far too low, and agreement with
the commands known to have been wanted far too high. Each model is judged by a rule of its own that uses what is known
of every answer; the tests hold the rules to what simulated users in fact wanted.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec
import numpy as np

from ccml.cleaning.commands import read_commands
from ccml.evaluation.statistics import Interval, bootstrap_interval
from ccml.intents.rules import OUT_OF_SCOPE
from ccml.models.kinds import COMMAND, INTENT, POLICY
from ccml.models.policy.reward import RewardWeights, reward_components

if TYPE_CHECKING:
    import pandas as pd

    from ccml.profiles import CommandTarget

FEWEST_JUDGED = 30
PUT_TO_THE_TEST = ("execute", "confirm", "suggest")
"""Actions after which the user meets the proposed command; asked back or handed over, they judge something else."""
DECLINED = ("rejected", "undone", "edited")

Against: TypeAlias = Literal["its release", "its earlier answers"]


class QualityFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One model's served figure beside the one it is held to.

    `relative_drop` is (reference − served) / reference, its interval from both; None where fewer than 30 answers were
    judged, or there is nothing to hold the model to.
    """

    model: str
    metric: str
    judged: int
    answered: int
    served: Interval | None
    reference: Interval | None
    against: Against
    relative_drop: Interval | None


class QualityReport(msgspec.Struct, frozen=True, kw_only=True):
    findings: list[QualityFinding]
    new_commands: Interval | None
    """Share of the commands that users corrected to which the champion has no class for; None without a champion."""


def quality_report(
    served: pd.DataFrame,
    released: dict[str, tuple[str, Interval]],
    known: frozenset[str],
    target: CommandTarget = "template",
) -> QualityReport:
    """
    Args:
        served: clean interactions answered by a server.
        released: model → (headline metric, figure) of its champion.
        known: the command champion's classes.
        target: what of a command line these are.
    """
    sessions = served["session_id"].to_numpy(dtype=str)
    findings = []
    for model, (values, judged) in {
        COMMAND.name: _command_hits(served, target),
        INTENT.name: _intent_hits(served),
    }.items():
        metric, promise = released.get(model, ("unreleased", None))
        figure = _figure(values, judged, sessions)
        findings.append(_finding(model, metric, values, judged, figure, promise, "its release"))
    return QualityReport(
        findings=[*findings, _policy_finding(served, sessions)],
        new_commands=_new_commands(served, sessions, known, target),
    )


def _command_hits(served: pd.DataFrame, target: CommandTarget) -> tuple[Any, Any]:
    """(N,) was the first suggestion what the user wanted?, (N,) was it put to the test, and is the outcome known?

    A correction decides: to the same template it fills in the blanks, to another one the suggestion was wrong. Without
    one, a suggestion that was rejected, undone or edited was wrong, and one that ran or was accepted was right. What
    the server took for out of scope is left out, as it is in the released figure.
    """
    corrected = served["corrected_command"].fillna("")
    same = _read(corrected, target) == _read(served["command"], target)
    ran = served["executed"].fillna(False).astype(bool)
    taken = ~served["verdict"].isin(DECLINED) & (ran | served["verdict"].eq("accepted").fillna(False))
    tested = served["action"].isin(PUT_TO_THE_TEST) & served["command"].ne("") & ~_out_of_scope(served)
    judged = tested & (ran | served["verdict"].notna() | corrected.ne(""))
    hit = np.where(corrected.ne(""), same, taken)
    return hit.astype(float), judged.to_numpy(dtype=bool)


def _intent_hits(served: pd.DataFrame) -> tuple[Any, Any]:
    """(N,) is the predicted intent the corrected one, or else the one that the rules read off the wanted command?"""
    label, predicted = served["intent_label"], served["predicted_intent"]
    judged = label.notna() & label.ne(OUT_OF_SCOPE) & predicted.notna() & ~_out_of_scope(served)
    return label.eq(predicted).fillna(False).to_numpy(dtype=float), judged.fillna(False).to_numpy(dtype=bool)


def _policy_finding(served: pd.DataFrame, sessions: Any) -> QualityFinding:
    """The reward of the later half of the sessions, held to that of the earlier half.

    The released figure was estimated on another assistant's commands; with our own, right more or less often, the same
    policy earns something else though nothing has changed.
    """
    fields = ("succeeded", "recovered", "rating", "verdict", "duration_ms", "recovery_ms", "cpu_ms", "memory_mb")
    rewards = reward_components(**{name: served[name] for name in fields}) @ RewardWeights().vector
    # Silence about one turn is a part of the reward; a client that never reports anything has none to tell.
    told = served["verdict"].notna() | served["rating"].notna() | served["succeeded"].notna()
    judged = told.groupby(sessions).transform("any").to_numpy(dtype=bool) & served["action"].notna().to_numpy()
    began = served["time"].groupby(sessions).transform("min")
    earlier = judged & (began < began[judged].median()).to_numpy(dtype=bool)
    later = judged & ~earlier
    before, now = _figure(rewards, earlier, sessions), _figure(rewards, later, sessions)
    return _finding(POLICY.name, "reward", rewards, later, now, before, "its earlier answers")


def _figure(values: Any, judged: Any, sessions: Any) -> Interval | None:
    if judged.sum() < FEWEST_JUDGED or len(np.unique(sessions[judged])) < 2:
        return None
    return bootstrap_interval(values[judged], clusters=sessions[judged])


def _finding(
    model: str, metric: str, values: Any, judged: Any, served: Interval | None, reference: Interval | None, to: Against
) -> QualityFinding:
    held = served is not None and reference is not None and reference.estimate > 0
    return QualityFinding(
        model=model,
        metric=metric,
        judged=int(judged.sum()),
        answered=len(values),
        served=served,
        reference=reference,
        against=to,
        relative_drop=relative_drop(reference, served) if held and served and reference else None,
    )


def relative_drop(reference: Interval, served: Interval) -> Interval:
    """(reference − served) / reference. The interval of the difference joins the two of its independent parts (MOVER,
    Donner and Zou 2012); the division is by the reference's estimate.
    """
    drop = reference.estimate - served.estimate
    low = drop - sqrt((reference.estimate - reference.low) ** 2 + (served.high - served.estimate) ** 2)
    high = drop + sqrt((reference.high - reference.estimate) ** 2 + (served.estimate - served.low) ** 2)
    return Interval(*(value / reference.estimate for value in (drop, low, high)))


def _new_commands(served: pd.DataFrame, sessions: Any, known: frozenset[str], target: CommandTarget) -> Interval | None:
    if not known:
        return None
    corrected = served["corrected_command"].fillna("")
    unknown = ~_read(corrected, target).isin(list(known))
    return _figure(unknown.to_numpy(dtype=float), corrected.ne("").to_numpy(dtype=bool), sessions)


def _read(lines: pd.Series, target: CommandTarget) -> pd.Series:
    lines = lines.str.strip()
    return lines if target == "line" else read_commands(lines)[target]


def _out_of_scope(served: pd.DataFrame) -> pd.Series:
    return served["predicted_intent"].eq(OUT_OF_SCOPE).fillna(False).astype(bool)
