"""How often does the release gate err? Simulates held-out rows with a known difference and counts its answers.

    python benchmarks/gate_error_rates.py --repeats 1000

Two models score right or wrong on the same rows. Rows come in sessions of unequal length that share a difficulty, so
rows of a session are alike and the two models often fail together, as real ones do.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from ccml.evaluation.statistics import wilson
from ccml.profiles import EvaluationSettings, GateSettings
from ccml.releases.gate import decide

ACCURACY = 0.75
SESSION_ROWS = 8
"""Mean length of a session."""


def paired_scores(
    rows: int, gain: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """(N,) scores of the candidate and of the reference, and the (N,) session of each row.

    A row is right where its difficulty lies under the model's accuracy. Difficulty is uniform over all rows, half of
    its variance is the session's, and each model sees it with noise of its own.
    """
    ends = np.cumsum(rng.geometric(1.0 / SESSION_ROWS, rows))
    sessions = np.searchsorted(ends, np.arange(rows), side="right")  # (N,)
    shared = rng.normal(size=rows)[sessions] * np.sqrt(0.5) + rng.normal(size=rows) * np.sqrt(0.3)
    ours, theirs = (shared + rng.normal(size=rows) * np.sqrt(0.2) for _ in range(2))  # (N,) standard normal each
    return (_normal_cdf(ours) < ACCURACY + gain) * 1.0, (_normal_cdf(theirs) < ACCURACY) * 1.0, sessions


def _normal_cdf(values: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.stats import norm

    result: NDArray[np.float64] = norm.cdf(values)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=1_000, help="simulated judgements per line")
    repeats = parser.parse_args().repeats
    evaluation = EvaluationSettings()
    print(
        f"{repeats} judgements a line, {evaluation.bootstrap_replicates} replicates, margin 0, 95 % intervals of rates"
    )
    print(f"{'rows':>6} {'true gain':>10} {'says better':>24}   meaning")
    for rows in (500, 2_000, 5_000):
        for gain in (-0.03, 0.0, 0.01, 0.03, 0.05):
            passed = 0
            for repeat in range(repeats):
                ours, theirs, sessions = paired_scores(rows, gain, np.random.default_rng((rows, repeat)))
                decision = decide(
                    "simulated",
                    "accuracy",
                    ours,
                    champion=None,
                    baselines={"reference": theirs},
                    clusters=sessions,
                    gate=GateSettings(margin=0.0, minimum_rows=200),
                    evaluation=evaluation,
                    seed=repeat,
                )
                passed += decision.passed
            rate = wilson(passed, repeats)
            meaning = "power" if gain > 0.0 else "error, at most 2.5 % wanted"
            figures = f"{rate.estimate:.1%} [{rate.low:.1%}, {rate.high:.1%}]"
            print(f"{rows:>6} {gain:>+10.2f} {figures:>24}   {meaning}", flush=True)


if __name__ == "__main__":
    main()
