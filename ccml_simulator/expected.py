"""The reward that an action can expect, by the project's one definition of reward (`ccml.models.policy.reward`).

Nothing of that definition is repeated here: it is asked for every outcome that can be logged, and the answers are
weighted with the probabilities the simulator draws by. So the truth is what a perfect off-policy estimate converges to:
the reward as it can be computed from the log, silence of the users included.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from ccml.models.policy.reward import WEIGHTS, reward_components
from ccml.telemetry.events import Action, Verdict
from ccml_simulator.failures import attempt_probability, draw_recovery_ms, mend_probability
from ccml_simulator.feedback import RATED, RATINGS, rating_probabilities, verdict_seen
from ccml_simulator.outcome import FAILED_SATISFACTION, Branch, Situation, branches, draw_run, run_success

_VERDICTS: tuple[Verdict | None, ...] = (None, "accepted", "edited", "rejected", "undone")
_KNOWN = (None, True, False)
_GRID = 200
"""Steps in which satisfaction is tabulated; its noise is twenty of them wide."""
_COARSE = 20
"""Steps in which strain and expertise are, for the efficiencies; they weigh little and change slowly."""
_SAMPLES = 128


def expected_reward(action: Action, situation: Situation) -> float:
    """Expected reward of `action`, in [0, 1]."""
    return sum(b.probability * _branch_reward(b, action, situation) for b in branches(action, situation))


def _branch_reward(branch: Branch, action: Action, s: Situation) -> float:
    seen = verdict_seen(branch.verdict, branch.runs)
    if not branch.runs:
        return _opinion(None, None, branch.verdict, branch.satisfaction, seen) + _nothing_ran()
    well = run_success(s, branch.right_command, action != "execute")
    attempt = attempt_probability(s)
    mended = attempt * mend_probability(s)
    low = branch.satisfaction * FAILED_SATISFACTION
    quick, recovering = _efficiency(s, recovering=False), _efficiency(s, recovering=True)
    return (
        well * (_opinion(True, None, branch.verdict, branch.satisfaction, seen) + quick)
        + (1 - well) * mended * (_opinion(False, True, branch.verdict, low, seen) + recovering)
        + (1 - well) * (attempt - mended) * (_opinion(False, False, branch.verdict, low, seen) + recovering)
        + (1 - well) * (1 - attempt) * (_opinion(False, None, branch.verdict, low, seen) + quick)
    )


def _opinion(
    succeeded: bool | None, recovered: bool | None, verdict: Verdict, satisfaction: float, seen: float
) -> float:
    """Weighted success and satisfaction, over whether verdict and rating get into the log."""
    level = round(satisfaction * _GRID)
    return seen * _judged(succeeded, recovered, verdict, level) + (1 - seen) * _judged(
        succeeded, recovered, None, level
    )


@cache
def _judged(succeeded: bool | None, recovered: bool | None, verdict: Verdict | None, level: int) -> float:
    values = _outcome_values()
    rated = sum(
        probability * values[succeeded, recovered, verdict, rating]
        for rating, probability in zip(RATINGS, rating_probabilities(level / _GRID), strict=True)
    )
    return RATED * rated + (1 - RATED) * values[succeeded, recovered, verdict, None]


@cache
def _outcome_values() -> dict[tuple[bool | None, bool | None, Verdict | None, int | None], float]:
    """Weighted success and satisfaction of every outcome that a log can hold."""
    keys = [
        (succeeded, recovered, verdict, rating)
        for succeeded in _KNOWN
        for recovered in _KNOWN
        for verdict in _VERDICTS
        for rating in (None, *RATINGS)
    ]
    unknown = [None] * len(keys)
    components = reward_components(
        succeeded=[key[0] for key in keys],
        recovered=[key[1] for key in keys],
        verdict=[key[2] for key in keys],
        rating=[key[3] for key in keys],
        duration_ms=unknown,
        recovery_ms=unknown,
        cpu_ms=unknown,
        memory_mb=unknown,
    )  # (270, 4)
    values = WEIGHTS["success"] * components[:, 0] + WEIGHTS["satisfaction"] * components[:, 1]
    return dict(zip(keys, values.tolist(), strict=True))


@cache
def _nothing_ran() -> float:
    return _weighted_efficiency([None], [None], [None], [None])


def _efficiency(situation: Situation, *, recovering: bool) -> float:
    strain = round(situation.strain * _COARSE) / _COARSE
    expertise = round(situation.expertise * _COARSE) / _COARSE if recovering else 0.0
    return _sampled_efficiency(situation.cost, situation.slowdown, strain, expertise, recovering)


@cache
def _sampled_efficiency(cost: str, slowdown: float, strain: float, expertise: float, recovering: bool) -> float:
    """Mean weighted efficiency of a run under these conditions, from draws that are the same in every process."""
    rng = np.random.default_rng(0)
    situation = Situation(1.0, "safe", cost, 1.0, strain, slowdown, expertise, 0.5)  # type: ignore[arg-type]
    runs = [draw_run(situation, rng) for _ in range(_SAMPLES)]
    waits = [draw_recovery_ms(situation, rng) if recovering else None for _ in runs]
    return _weighted_efficiency(
        [run.duration_ms for run in runs], waits, [run.cpu_ms for run in runs], [run.memory_mb for run in runs]
    )


def _weighted_efficiency(
    duration_ms: Sequence[float | None],
    recovery_ms: Sequence[float | None],
    cpu_ms: Sequence[float | None],
    memory_mb: Sequence[float | None],
) -> float:
    unknown = [None] * len(duration_ms)
    components = reward_components(
        succeeded=unknown,
        recovered=unknown,
        verdict=unknown,
        rating=unknown,
        duration_ms=duration_ms,
        recovery_ms=recovery_ms,
        cpu_ms=cpu_ms,
        memory_mb=memory_mb,
    )  # (N, 4)
    return float((WEIGHTS["execution"] * components[:, 2] + WEIGHTS["resources"] * components[:, 3]).mean())
