"""How often the check of the quarantined share warns where nothing has changed, and how often where it has.

    python benchmarks/refusal_alarm_rates.py --landings 4000

Landings are drawn in worlds that differ in their share of refused lines, in how alike lines that land together are, and
in their sizes. In each world the share of a landing varies, and its mean does not: every warning is a false one. Then
the share of one landing is multiplied, or half of it is refused.
"""

from __future__ import annotations

import argparse

import numpy as np

from ccml.monitoring.limits import LandingLimits
from ccml.telemetry.shares import Landing, jump

WORLDS = {
    "nothing is ever refused": (0.0, 0.0, (5, 2_000)),
    "1 of 1,000, independent": (0.001, 0.0, (100, 5_000)),
    "1 of 100, independent": (0.01, 0.0, (100, 5_000)),
    "1 of 100, few lines": (0.01, 0.0, (3, 60)),
    "1 of 100, alike (0.01)": (0.01, 0.01, (100, 5_000)),
    "1 of 1,000, alike (0.01)": (0.001, 0.01, (100, 5_000)),
    "1 of 50, alike (0.05), few lines": (0.02, 0.05, (3, 200)),
}
HISTORY = (0, 5, 30, 200)


def draw(generator: np.random.Generator, share: float, alike: float, sizes: tuple[int, int]) -> Landing:
    lines = int(np.exp(generator.uniform(*np.log(sizes))))
    if share and alike:
        both = 1 / alike - 1
        share = float(generator.beta(share * both, (1 - share) * both))
    return Landing(lines, int(generator.binomial(lines, share)))


def rate(alarms: int, of: int) -> str:
    from scipy.stats import beta

    low, high = beta.ppf([0.025, 0.975], [alarms, alarms + 1], [of - alarms + 1, of - alarms]) * 100
    return f"{100 * alarms / of:.2f} % [{np.nan_to_num(low):.2f}, {high if alarms < of else 100:.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--landings", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=11)
    asked = parser.parse_args()
    limit = LandingLimits().false_alarm_rate
    print(f"warns below {limit:.2%}; {asked.landings} landings each")
    print("| world | earlier landings | nothing has changed | ten times as many, 1 % at least | half is refused |")
    print("| --- | --- | --- | --- | --- |")
    for name, (share, alike, sizes) in WORLDS.items():
        for known in HISTORY:
            generator = np.random.default_rng([asked.seed, known, len(name)])
            counts = [0, 0, 0]
            for _ in range(asked.landings):
                earlier = [draw(generator, share, alike, sizes) for _ in range(known)]
                same = draw(generator, share, alike, sizes)
                more = draw(generator, max(10 * share, 0.01), alike, sizes)
                half = Landing(more.lines, more.lines // 2)
                for place, landing in enumerate((same, more, half)):
                    counts[place] += jump(landing, earlier).probability < limit
            rates = " | ".join(rate(count, asked.landings) for count in counts)
            print(f"| {name} | {known} | {rates} |", flush=True)


if __name__ == "__main__":
    main()
