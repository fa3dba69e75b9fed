"""How often does the release gate err? Simulates held-out rows with a known difference and counts its answers.

    python benchmarks/gate_error_rates.py --repeats 2000

Two models score right or wrong on the same rows. Rows come from users who differ in number of rows, share a difficulty
and suit one model better than the other, so rows of a user are alike and the two models often fail together. Each user
has one session, so where there are too few of one to be the unit there are too few of the other.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from ccml.evaluation.statistics import clusters_of, wilson
from ccml.profiles import GateSettings
from ccml.releases.gate import decide

ACCURACY = 0.75
USER_ROWS = 40
"""Mean number of rows of a user; geometric, so that a few have many."""
OWN = 0.4
"""Share of a score's variance that the two models do not share."""


def paired_scores(
    users: int, correlation: float, gain: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """(N,) scores of the candidate and of the reference, and the (N,) user of each row.

    A row is right where its difficulty lies under the model's accuracy. Half of the shared difficulty is the user's.

    Args:
        correlation: share of each model's own difficulty that is the user's: how alike a user's differences are.
    """
    user = np.repeat(np.arange(users), rng.geometric(1.0 / USER_ROWS, users))  # (N,)
    of_users, of_rows = rng.normal(size=(3, users)), rng.normal(size=(3, len(user)))
    shared = np.sqrt((1.0 - OWN) / 2.0) * (of_users[0, user] + of_rows[0])
    own = np.sqrt(OWN * correlation) * of_users[1:, user] + np.sqrt(OWN * (1.0 - correlation)) * of_rows[1:]  # (2, N)
    ours, theirs = (_normal_cdf(shared + one) for one in own)  # (N,) uniform each
    return (ours < ACCURACY + gain) * 1.0, (theirs < ACCURACY) * 1.0, user


def called_better(users: int, correlation: float, gain: float, repeats: int) -> int:
    """In how many of the repeats the gate calls the candidate better."""
    passed = 0
    for repeat in range(repeats):
        rng = np.random.default_rng((users, int(100 * correlation), repeat))
        ours, theirs, user = paired_scores(users, correlation, gain, rng)
        decision = decide(
            "simulated",
            "accuracy",
            ours,
            unit="share",
            champion=None,
            baselines={"reference": theirs},
            clusters=clusters_of({"user_id": user, "session_id": user}),
            gate=GateSettings(margin=0.0, minimum_rows=1),
        )
        passed += decision.passed
    return passed


def _normal_cdf(values: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import ndtr

    result: NDArray[np.float64] = ndtr(values)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=2_000, help="simulated decisions per line")
    repeats = parser.parse_args().repeats
    print(f"{repeats} decisions a line, margin 0, 95 % intervals of rates")
    print(f"{'users':>6} {'correlation':>12} {'true gain':>10} {'says better':>24}   meaning")
    for gain in (0.0, 0.01, 0.03):
        for users in (8, 12, 19, 30, 60, 250):
            for correlation in (0.0, 0.1, 0.3):
                rate = wilson(called_better(users, correlation, gain, repeats), repeats)
                meaning = "power" if gain > 0.0 else "error, at most 2.5 % wanted"
                figures = rate.text("{:.1%}".format)
                print(f"{users:>6} {correlation:>12.1f} {gain:>+10.2f} {figures:>24}   {meaning}", flush=True)


if __name__ == "__main__":
    main()
