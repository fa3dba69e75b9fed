"""The one softmax and the one log-sum-exp, against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special  # noqa: TID253  # tests load what they compare with

from ccml.models.logits import log_sum_exp, softmax


@given(st.lists(st.lists(st.floats(-1e4, 1e4), min_size=3, max_size=3), min_size=1, max_size=5), st.floats(0.25, 4.0))
def test_they_agree_with_scipy_for_any_finite_logits(rows: list[list[float]], temperature: float) -> None:
    logits = np.array(rows)
    assert softmax(logits, temperature) == pytest.approx(special.softmax(logits / temperature, axis=1), abs=1e-12)
    assert log_sum_exp(logits) == pytest.approx(special.logsumexp(logits, axis=1))
    assert log_sum_exp(logits[0]) == pytest.approx(special.logsumexp(logits[0]))


def test_what_is_ruled_out_has_probability_zero() -> None:
    assert softmax(np.array([0.0, -np.inf, 0.0])).tolist() == [0.5, 0.0, 0.5]
