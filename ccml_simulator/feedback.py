"""What users let the assistant know: verdicts where they answer it, ratings seldom, corrections where they made one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import erf, sqrt

import numpy as np

from ccml.telemetry.events import Verdict

RATED = 0.24
_RATING_NOISE = 0.1
RATINGS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Opinion:
    """What of a turn's end gets into the log."""

    verdict: Verdict | None
    rating: int | None
    corrected: bool
    """The command that was meant is known."""


def verdict_seen(verdict: Verdict, ran: bool) -> float:
    """Probability that a verdict is logged.

    Where nothing ran the verdict is how the turn ended. Of a command that ran, hardly anybody says that it was fine,
    whether it was confirmed before or not; undoing or changing it is noticed.
    """
    if not ran:
        return 0.93
    return {"accepted": 0.22, "undone": 0.8, "edited": 0.9, "rejected": 0.93}[verdict]


def rating_probabilities(satisfaction: float) -> tuple[float, ...]:
    """Probability of each of `RATINGS`: 1 + 4 × (satisfaction + noise), rounded and clipped."""
    limits = [((k + 0.5 - 1.0) / 4.0 - satisfaction) / (_RATING_NOISE * sqrt(2.0)) for k in RATINGS[:-1]]
    below = [0.0, *(0.5 * (1.0 + erf(limit)) for limit in limits), 1.0]
    return tuple(high - low for low, high in pairwise(below))


def draw_opinion(verdict: Verdict, ran: bool, satisfaction: float, right: bool, rng: np.random.Generator) -> Opinion:
    """`right`: the proposal was the command meant, so there is nothing to correct."""
    seen = rng.random() < verdict_seen(verdict, ran)
    rating = None
    if rng.random() < RATED:
        felt = satisfaction + rng.normal(0.0, _RATING_NOISE)
        rating = int(min(5, max(1, round(1.0 + 4.0 * float(felt)))))
    # A picked or mended command is part of the turn; one typed later, on one's own, is seldom linked to it.
    known = 0.0 if right else 1.0 if verdict == "edited" and seen else 0.3
    return Opinion(verdict if seen else None, rating, bool(rng.random() < known))
