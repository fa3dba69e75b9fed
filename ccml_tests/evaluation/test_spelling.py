"""One spelling of figures, wherever a person reads them."""

from __future__ import annotations

import pytest

from ccml.evaluation.spelling import difference, figure, gain, interval, percent, short
from ccml.evaluation.statistics import Interval

LACKING = Interval(0.5, None, None, "5 sessions, 8 needed")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (interval(Interval(0.6857, 0.6503, 0.7189)), "68.6 % [65.0, 71.9]"),
        (interval(Interval(-0.02, -0.1, 0.06), "reward"), "−0.020 [−0.100, 0.060]"),
        (interval(Interval(9.678, 9.29, 10.14), "ms"), "9.7 ms [9.3, 10.1]"),
        (interval(Interval(1.102, 0.2148, 1.102), "MB"), "1.10 MB [0.21, 1.10]"),
        (interval(Interval(0.00781, 0.00391, 0.00781), "MB"), "0.008 MB [0.004, 0.008]"),
        (interval(Interval(1234.5, 1200.4, 1300.0), "ms"), "1,234 ms [1,200, 1,300]"),
        (interval(Interval(6.0, 6.0, 8.0), "epochs"), "6 epochs [6, 8]"),
        (interval(LACKING), "50.0 % (no interval: 5 sessions, 8 needed)"),
        (difference(Interval(0.091, 0.072, 0.11)), "+9.1 points [+7.2, +11.0]"),
        (difference(Interval(-0.034, -0.122, 0.054), "reward"), "−0.034 [−0.122, +0.054]"),
        (gain(0.1), "+10.0 points"),
        (gain(-0.004, "reward"), "−0.004"),
        (figure(0.6857), "68.6 %"),
        (figure(-0.25, "reward"), "−0.250"),
        (percent(0.98, 0), "98 %"),
        (short(3911), "3,911"),
        (short(1888.4), "1,888"),
        (short(1.421e-05), "1.421e−05"),
        (short("b4493cf7"), "b4493cf7"),
        (short(True), "True"),
    ],
)
def test_a_figure_is_spelt_one_way(written: str, read: str) -> None:
    assert written == read
