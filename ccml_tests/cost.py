"""What a function costs, as a ratio to a peer on the same lines in the same run: machines differ and are shared."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence


def cost_ratio(ours: Callable[[str], object], peer: Callable[[str], object], lines: Sequence[str]) -> float:
    """Processor time of ours over the peer's, the best of five alternating rounds of each."""
    best = {ours: float("inf"), peer: float("inf")}
    for _ in range(5):
        for call in best:
            began = time.process_time()
            for line in lines:
                call(line)
            best[call] = min(best[call], time.process_time() - began)
    return best[ours] / best[peer]
