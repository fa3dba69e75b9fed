"""Are the served answers as good as the figure that each model is held to?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import sqrt
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from ccml.evaluation.statistics import Interval
from ccml.models.kinds import KINDS
from ccml.monitoring.figures import figure

if TYPE_CHECKING:
    import pandas as pd

    from ccml.models.artifact import Candidate
    from ccml.models.outcomes import ServedOutcomes
    from ccml.profiles import Profile

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
    lacking: str
    """Why there is no served figure, such as `12 answers, 30 needed`; empty where there is one."""
    answered: int
    served: Interval | None
    reference: Interval | None
    against: Against
    relative_drop: Interval | None
    without_class: Interval | None
    """Share of the corrections to what the champion has no class for; None where that is not known."""


class QualityReport(msgspec.Struct, frozen=True, kw_only=True):
    findings: list[QualityFinding]


def quality_report(
    served: pd.DataFrame,
    released: Mapping[str, Interval],
    champion: Callable[[str], Candidate | None],
    profile: Profile,
) -> QualityReport:
    """
    Args:
        served: clean interactions answered by a server.
        released: model → headline figure of its champion.
        champion: loads a model's champion by name.
    """
    fewest = profile.monitoring.fewest_answers
    outcomes = {name: kind.served_outcomes(served, partial(champion, name), profile) for name, kind in KINDS.items()}
    return QualityReport(
        findings=[_finding(name, served, one, released.get(name), fewest) for name, one in outcomes.items()]
    )


def _finding(
    model: str, served: pd.DataFrame, outcomes: ServedOutcomes, released: Interval | None, fewest: int
) -> QualityFinding:
    now = figure(served, outcomes.values, fewest)
    own_past = outcomes.earlier is not None
    reference = figure(served, outcomes.earlier, fewest).value if outcomes.earlier is not None else released
    new = None if outcomes.without_class is None else figure(served, outcomes.without_class, fewest).value
    compared = now.value is not None and reference is not None and reference.estimate > 0
    return QualityFinding(
        model=model,
        metric=outcomes.metric,
        known=now.known,
        lacking=now.lacking,
        answered=len(served),
        served=now.value,
        reference=reference,
        against="its earlier answers" if own_past else "its release",
        relative_drop=relative_drop(reference, now.value) if compared and reference and now.value else None,
        without_class=new,
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
