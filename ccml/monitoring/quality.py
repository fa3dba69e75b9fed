"""Are the served answers as good as they were promised to be?

Users say seldom, and not at random, what they think: few say of a command that worked that it did, and many a wrong
one is never corrected. The share of accepted answers among those with a verdict is therefore more than 0.2 too low, and
agreement with the commands known to have been wanted far too high. Each model has a rule of its own that uses what is
known of every answer; the tests compare the rules with what simulated users in fact wanted.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec
import numpy as np

from ccml.cleaning.commands import read_commands
from ccml.evaluation.statistics import Clusters, Interval
from ccml.intents.rules import OUT_OF_SCOPE
from ccml.models.kinds import COMMAND, INTENT, POLICY
from ccml.models.policy.reward import RewardWeights, reward_components

if TYPE_CHECKING:
    import pandas as pd

    from ccml.profiles import CommandTarget

PUT_TO_THE_TEST = ("execute", "confirm", "suggest")
"""Actions after which the user meets the proposed command. After the others feedback is about something else."""
DECLINED = ("rejected", "undone", "edited")

Against: TypeAlias = Literal["its release", "its earlier answers"]


class QualityFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One model's served figure beside the one it is held to.

    `relative_drop` is (reference − served) / reference, its interval from both; None where the outcome of too few
    answers is known, or there is nothing to hold the model to.
    """

    model: str
    metric: str
    known: int
    """Answers of which it is known whether they were right."""
    needed: int
    """Known answers below which there is no figure."""
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
    *,
    fewest: int,
) -> QualityReport:
    """
    Args:
        served: clean interactions answered by a server.
        released: model → (headline metric, figure) of its champion.
        known: the command champion's classes.
        target: what of a command line these are.
        fewest: answers with a known outcome below which there is no figure.
    """
    sessions = served["session_id"].to_numpy(dtype=str)
    findings = []
    for model, (values, counted) in {
        COMMAND.name: _command_hits(served, target),
        INTENT.name: _intent_hits(served),
    }.items():
        metric, promise = released.get(model, ("unreleased", None))
        figure = _figure(values, counted, sessions, fewest)
        findings.append(_finding(model, metric, counted, fewest, figure, promise, "its release"))
    return QualityReport(
        findings=[*findings, _policy_finding(served, sessions, fewest)],
        new_commands=_new_commands(served, sessions, known, target, fewest),
    )


def _command_hits(served: pd.DataFrame, target: CommandTarget) -> tuple[Any, Any]:
    """(N,) was the first suggestion what the user wanted?, (N,) did the user meet it, and is the outcome known?

    A correction decides: to the same template it fills in the blanks, to another one the suggestion was wrong. Without
    one, a suggestion that was rejected, undone or edited was wrong, and one that ran or was accepted was right. What
    the server took for out of scope is left out, as it is in the released figure.
    """
    corrected = served["corrected_command"].fillna("")
    same = _read(corrected, target) == _read(served["command"], target)
    ran = served["executed"].fillna(False).astype(bool)
    taken = ~served["verdict"].isin(DECLINED) & (ran | served["verdict"].eq("accepted").fillna(False))
    tested = served["action"].isin(PUT_TO_THE_TEST) & served["command"].ne("") & ~_out_of_scope(served)
    counted = tested & (ran | served["verdict"].notna() | corrected.ne(""))
    hit = np.where(corrected.ne(""), same, taken)
    return hit.astype(float), counted.to_numpy(dtype=bool)


def _intent_hits(served: pd.DataFrame) -> tuple[Any, Any]:
    """(N,) is the predicted intent the corrected one, or else the one that the rules read off the wanted command?"""
    label, predicted = served["intent_label"], served["predicted_intent"]
    counted = label.notna() & label.ne(OUT_OF_SCOPE) & predicted.notna() & ~_out_of_scope(served)
    return label.eq(predicted).fillna(False).to_numpy(dtype=float), counted.fillna(False).to_numpy(dtype=bool)


def _policy_finding(served: pd.DataFrame, sessions: Any, fewest: int) -> QualityFinding:
    """The reward of the later half of the sessions, held to that of the earlier half.

    The released figure was estimated on another assistant's commands; with our own, right more or less often, the same
    policy earns something else though nothing has changed.
    """
    fields = ("succeeded", "recovered", "rating", "verdict", "duration_ms", "recovery_ms", "cpu_ms", "memory_mb")
    rewards = reward_components(**{name: served[name] for name in fields}) @ RewardWeights().vector
    # No report about one turn is a part of the reward; sessions of a client that never reports anything do not count.
    reported = served["verdict"].notna() | served["rating"].notna() | served["succeeded"].notna()
    counted = reported.groupby(sessions).transform("any").to_numpy(dtype=bool) & served["action"].notna().to_numpy()
    began = served["time"].groupby(sessions).transform("min")
    earlier = counted & (began < began[counted].median()).to_numpy(dtype=bool)
    later = counted & ~earlier
    before, now = _figure(rewards, earlier, sessions, fewest), _figure(rewards, later, sessions, fewest)
    return _finding(POLICY.name, "reward", later, fewest, now, before, "its earlier answers")


def _figure(values: Any, counted: Any, sessions: Any, fewest: int) -> Interval | None:
    if counted.sum() < fewest:
        return None
    figure = Clusters(sessions[counted], "sessions").mean(values[counted])
    return None if figure.lacking else figure


def _finding(
    model: str,
    metric: str,
    counted: Any,
    fewest: int,
    served: Interval | None,
    reference: Interval | None,
    to: Against,
) -> QualityFinding:
    held = served is not None and reference is not None and reference.estimate > 0
    return QualityFinding(
        model=model,
        metric=metric,
        known=int(counted.sum()),
        needed=fewest,
        answered=len(counted),
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
    if reference.ends is None or served.ends is None:
        return Interval(drop / reference.estimate, None, None, served.lacking or reference.lacking)
    (reference_low, reference_high), (served_low, served_high) = reference.ends, served.ends
    low = drop - sqrt((reference.estimate - reference_low) ** 2 + (served_high - served.estimate) ** 2)
    high = drop + sqrt((reference_high - reference.estimate) ** 2 + (served.estimate - served_low) ** 2)
    return Interval(drop / reference.estimate, low / reference.estimate, high / reference.estimate)


def _new_commands(
    served: pd.DataFrame, sessions: Any, known: frozenset[str], target: CommandTarget, fewest: int
) -> Interval | None:
    if not known:
        return None
    corrected = served["corrected_command"].fillna("")
    unknown = ~_read(corrected, target).isin(list(known))
    return _figure(unknown.to_numpy(dtype=float), corrected.ne("").to_numpy(dtype=bool), sessions, fewest)


def _read(lines: pd.Series, target: CommandTarget) -> pd.Series:
    lines = lines.str.strip()
    return lines if target == "line" else read_commands(lines)[target]


def _out_of_scope(served: pd.DataFrame) -> pd.Series:
    return served["predicted_intent"].eq(OUT_OF_SCOPE).fillna(False).astype(bool)
