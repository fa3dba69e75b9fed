"""Decides whether a candidate may replace what is served: better, not better, or not enough data.

All models are scored on the same held-out rows, so each comparison is one of paired differences, and the independent
units are users, else sessions. A comparison is won if the lower end of the two-sided interval of candidate − reference
lies above the margin. With no real difference that should happen in 2.5 % of cases at 95 % confidence. Measured by
`python benchmarks/gate_error_rates.py --repeats 5000` for 8 to 250 users of about 40 rows, alike to three degrees:
between 1.2 % and 2.8 %, at 8 users at most 2.0 %. A real gain of three points is found in 4 % to 8 % of cases with 8
users, in 17 % to 84 % with 60, in 50 % to 100 % with 250; the more alike the differences of a user, the less.

There are several simple baselines, and the one with the highest score on these very rows is picked after looking.
No correction is needed for that: the candidate must win against *every* reference (an intersection–union test, Berger
1982), so passing wrongly against the best one is at most as likely as passing wrongly in that single comparison. The
price is power, not error: the largest of several scores is flattered by chance, which makes it harder to beat.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ccml.evaluation.report import GateAnswer, Unit
from ccml.evaluation.spelling import difference, figure, gain
from ccml.evaluation.statistics import FEWEST_CLUSTERS, Clusters, Interval
from ccml.profiles import GateSettings
from ccml.releases.manifest import GateSummary

Answer: TypeAlias = Literal["better", "not better", "not enough data"]


class Comparison(msgspec.Struct, frozen=True):
    """The candidate against one reference, in the unit of the scores."""

    reference: str
    role: Literal["champion", "baseline"]
    candidate_score: float
    reference_score: float
    difference: Interval
    margin: float
    better: bool


class GateDecision(msgspec.Struct, frozen=True):
    model: str
    score: str
    """What the rows were scored by, such as `top-1 accuracy`."""
    answer: Answer
    reasons: list[str]
    rows: int
    clusters: int
    comparisons: list[Comparison]
    """The champion first, then the baselines from the best down."""
    champion_version: str | None = None
    """Which champion that was; promotion fails if another one has taken its place since."""

    @property
    def passed(self) -> bool:
        return self.answer == "better"

    def on_page(self, version: str | None = None) -> GateAnswer:
        """For the candidate's report; `version` once a release came of it."""
        return GateAnswer(self.answer, self.reasons, self.rows, version)

    def summary(self) -> GateSummary:
        return GateSummary(self.answer, self.reasons)


def decide(
    model: str,
    score: str,
    candidate: ArrayLike,
    *,
    unit: Unit,
    champion: ArrayLike | None,
    baselines: Mapping[str, ArrayLike],
    clusters: Clusters,
    gate: GateSettings,
) -> GateDecision:
    """Gates a candidate by scores of the same N held-out rows; higher is better.

    Args:
        score: what the numbers are, for the reasons.
        candidate: (N,) per-row scores, such as 1 where the top prediction is right, or a row's term of a doubly
            robust reward.
        champion: (N,) scores of the champion on the same rows, None if there is none yet.
        baselines: (N,) scores of each simple model; at least one.
        unit: of the scores, for the reasons.
        clusters: which of the rows belong together.

    Raises:
        ValueError: scores of different lengths, not finite, or no baseline.
    """
    if not baselines:
        raise ValueError("a gate without a baseline cannot say whether a model was worth training")
    ours = _checked("candidate", candidate, clusters.rows)
    scores = {name: _checked(name, values, clusters.rows) for name, values in baselines.items()}
    shortage = _shortage(clusters, gate)
    if shortage is not None:
        return GateDecision(model, score, "not enough data", [shortage], len(ours), clusters.count, [])

    ranked = sorted(scores, key=lambda name: (-scores[name].mean(), name))
    comparisons = [_compare(name, "baseline", ours, scores[name], clusters, gate.margin) for name in ranked]
    if champion is not None:
        theirs = _checked("champion", champion, len(ours))
        comparisons.insert(0, _compare("champion", "champion", ours, theirs, clusters, gate.margin))
    return GateDecision(
        model,
        score,
        "better" if all(one.better for one in comparisons) else "not better",
        _reasons(comparisons, score, unit),
        len(ours),
        clusters.count,
        comparisons,
    )


def _checked(name: str, values: ArrayLike, rows: int) -> NDArray[np.float64]:
    scores = np.asarray(values, np.float64)
    if scores.shape != (rows,):
        raise ValueError(f"{name}: scores of shape {scores.shape}, expected ({rows},)")
    if not np.isfinite(scores).all():
        raise ValueError(f"{name}: {int((~np.isfinite(scores)).sum())} scores are not finite")
    return scores


def _shortage(clusters: Clusters, gate: GateSettings) -> str | None:
    if clusters.rows < gate.minimum_rows:
        return f"{clusters.rows:,} held-out rows; at least {gate.minimum_rows:,} are needed."
    if clusters.lacking:
        return f"The {clusters.rows:,} held-out rows come from {clusters}; at least {FEWEST_CLUSTERS} are needed."
    return None


def _compare(
    name: str,
    role: Literal["champion", "baseline"],
    ours: NDArray[np.float64],
    theirs: NDArray[np.float64],
    clusters: Clusters,
    margin: float,
) -> Comparison:
    difference = clusters.difference(ours, theirs)
    return Comparison(
        reference=name,
        role=role,
        candidate_score=float(ours.mean()),
        reference_score=float(theirs.mean()),
        difference=difference,
        margin=margin,
        better=difference.above(margin),
    )


def _reasons(comparisons: list[Comparison], score: str, unit: Unit) -> list[str]:
    """The champion, the best baseline, and any other baseline that was not beaten.

    What was not beaten comes first, for it decided: where there is room for one reason, the first is shown.
    """
    best = next(one for one in comparisons if one.role == "baseline")
    named = [one for one in comparisons if one.role == "champion" or one is best or not one.better]
    named.sort(key=lambda one: one.better)
    return [_reason(one, score, unit, best=one is best) for one in named]


def _reason(one: Comparison, score: str, unit: Unit, *, best: bool) -> str:
    who = (
        "the champion"
        if one.role == "champion"
        else f"{'the best baseline' if best else 'the baseline'} {one.reference}"
    )
    verdict = "Better than" if one.better else "Not shown to be better than"
    if one.difference.below(0.0):
        verdict = "Worse than"
    needed = gain(one.margin, unit) if one.margin else "0"
    return (
        f"{verdict} {who}: {score} {figure(one.candidate_score, unit)} against "
        f"{figure(one.reference_score, unit)}, difference {difference(one.difference, unit)}, "
        f"needed above {needed}."
    )
