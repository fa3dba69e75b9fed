"""An expectation in plain words. A type of expectation that no suite uses is refused, so that none goes without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ccml.datasets.rules import LENGTH
from ccml.expectations.suites import IS_REDACTED

MOST_SHOWN = 8


def column_of(kwargs: Mapping[str, Any]) -> str:
    """The column or columns that a rule is about, without the endings that `validation` adds."""
    names = [kwargs[one] for one in ("column", "column_A", "column_B") if one in kwargs]
    return " and ".join(_plain(name) for name in names) or "the table"


def rule_in_words(kind: str, kwargs: Mapping[str, Any]) -> str:
    """
    Raises:
        ValueError: no suite uses this type of expectation.
    """
    name = str(kwargs.get("column", ""))
    match kind:
        case "expect_column_to_exist":
            return "is a column"
        case "expect_column_values_to_not_be_null":
            return "is never missing"
        case "expect_column_values_to_be_unique":
            return "occurs once"
        case "expect_compound_columns_to_be_unique":
            return f"has each {', '.join(kwargs['column_list'])} once"
        case "expect_column_values_to_be_in_set" if name.endswith(IS_REDACTED):
            return "holds nothing that redaction would take out"
        case "expect_column_values_to_be_in_set" if name.endswith(LENGTH):
            return f"has {_listed(kwargs['value_set'])} entries"
        case "expect_column_values_to_be_in_set":
            return f"is one of {_listed(kwargs['value_set'])}"
        case "expect_column_distinct_values_to_equal_set":
            return f"takes each of {_listed(kwargs['value_set'])}, and nothing else"
        case "expect_column_value_lengths_to_be_between":
            return f"has {_range(kwargs)} characters"
        case "expect_column_values_to_be_between":
            return f"is {_range(kwargs)}"
        case "expect_column_values_to_match_regex":
            return f"has the form {kwargs['regex']}"
        case "expect_column_pair_values_a_to_be_greater_than_b":
            first, second = _plain(kwargs["column_A"]), _plain(kwargs["column_B"])
            return f"are in order: {first} is not before {second}"
        case "expect_column_pair_values_to_be_equal":
            return "have as many entries as each other"
        case "expect_table_columns_to_match_ordered_list":
            return "has exactly the declared columns, in their order"
    raise ValueError(f"{kind} has no wording; add it beside the others.")


def _plain(column: str) -> str:
    return column.removesuffix(IS_REDACTED).removesuffix(LENGTH)


def _range(kwargs: Mapping[str, Any]) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if high is None:
        return f"more than {_number(low)}" if kwargs.get("strict_min") else f"at least {_number(low)}"
    if low is None:
        return f"at most {_number(high)}"
    return (
        f"more than {_number(low)} and at most {_number(high)}"
        if kwargs.get("strict_min")
        else (f"{_number(low)} to {_number(high)}")
    )


def _number(value: Any) -> str:
    return f"{value:,.15g}"


def _listed(values: Sequence[Any]) -> str:
    shown = [repr(value) if value == "" else str(value) for value in values[:MOST_SHOWN]]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
