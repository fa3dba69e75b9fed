"""What the expectations of several tables share. Those of one data set stand in the folder of its model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

LENGTH: Final = "__length"
"""Ending of a column with the number of entries of each list, which Great Expectations cannot count itself."""


def propensity() -> Expectation:
    from great_expectations import expectations as gxe

    return gxe.ExpectColumnValuesToBeBetween(column="propensity", min_value=0.0, max_value=1.0, strict_min=True)
