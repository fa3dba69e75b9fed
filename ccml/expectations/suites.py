"""Great Expectations suites, generated from the declarations of the five kinds and from rules of the domain.

A suite is critical where a broken rule would make the data unusable, and warns where cleaning sets the row aside or a
model can live with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from msgspec import inspect

from ccml.cleaning.columns import CLEAN_COLUMNS, NEVER_MISSING
from ccml.datasets.rules import propensity
from ccml.models import kinds as models
from ccml.telemetry.events import ACTIONS, KINDS, bare

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.expectations import Expectation

DATASETS = {kind.dataset: kind for kind in models.KINDS.values()}
SUITES = (*KINDS, "clean", *DATASETS)

STORED_TEXT = (
    *("request", "command", "directory", "active_application", "message", "error_message"),
    *("recovery_command", "corrected_command", "wanted_command"),
)
"""Free text, which must hold nothing that redaction would still take out."""

IS_REDACTED = "__is_redacted"
"""Ending of columns that `validation` adds, as is `LENGTH`: Great Expectations can neither redact nor count a list's
entries."""

PSEUDONYM = {"user_id": r"^u-[0-9a-f]{12}$", "host": r"^(?:h-[0-9a-f]{12})?$"}
_SPLITS = ["train", "validation", "calibration", "test"]


def suite_for(name: str) -> ExpectationSuite:
    """The suite of a raw table (a key of `KINDS`), of `clean`, or of a model's data set.

    Raises:
        ValueError: no table is called so.
    """
    from great_expectations import ExpectationSuite

    if name in KINDS:
        expectations = [*_declared(name), *_of_raw(name)]
    elif name == "clean":
        expectations = list(_of_clean())
    elif name in DATASETS:
        expectations = [*_of_any_dataset(), *DATASETS[name].data_rules()]
    else:
        raise ValueError(f"no suite is called {name!r}; expected one of {', '.join(SUITES)}")
    return ExpectationSuite(name=name, expectations=expectations)


def _declared(kind: str) -> Iterator[Expectation]:
    """What the declaration of the kind says of each field: present, within bounds, one of the choices, not too long."""
    from great_expectations import expectations as gxe

    declared = inspect.type_info(KINDS[kind])
    assert isinstance(declared, inspect.StructType)
    for one in declared.fields:
        yield gxe.ExpectColumnToExist(column=one.name)
        if one.required or one.default == "":
            yield gxe.ExpectColumnValuesToNotBeNull(column=one.name)
        match bare(one.type):
            case inspect.StrType(min_length=shortest, max_length=longest) if shortest or longest:
                yield gxe.ExpectColumnValueLengthsToBeBetween(column=one.name, min_value=shortest, max_value=longest)
            case inspect.LiteralType(values=values):
                yield gxe.ExpectColumnValuesToBeInSet(column=one.name, value_set=list(values))
            case inspect.IntType(gt=above, ge=low, le=high) | inspect.FloatType(gt=above, ge=low, le=high) if (
                not above is low is high
            ):
                yield gxe.ExpectColumnValuesToBeBetween(
                    column=one.name,
                    min_value=low if above is None else above,
                    max_value=high,
                    strict_min=above is not None,
                )
            case _:
                pass


def _of_raw(kind: str) -> Iterator[Expectation]:
    from great_expectations import expectations as gxe

    names = KINDS[kind].__struct_fields__
    yield gxe.ExpectColumnValuesToBeUnique(column="event_id")
    yield from _private(names)
    if kind == "executions":
        # Clocks of machines are set back, and some systems have more exit statuses than 256: cleaning copes with both.
        yield gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="ended_at",
            column_B="time",
            or_equal=True,
            ignore_row_if="either_value_is_missing",
            severity="warning",
        )
        yield gxe.ExpectColumnValuesToBeBetween(column="exit_status", min_value=0, max_value=255, severity="warning")


def _private(names: Any) -> Iterator[Expectation]:
    from great_expectations import expectations as gxe

    for name in STORED_TEXT:
        if name in names:
            yield gxe.ExpectColumnValuesToBeInSet(column=f"{name}{IS_REDACTED}", value_set=[True])
    for name, pattern in PSEUDONYM.items():
        if name in names:
            yield gxe.ExpectColumnValuesToMatchRegex(column=name, regex=pattern)


def _of_clean() -> Iterator[Expectation]:
    from great_expectations import expectations as gxe

    yield gxe.ExpectTableColumnsToMatchOrderedList(column_list=_after_measuring(list(CLEAN_COLUMNS)))
    for name in NEVER_MISSING:
        yield gxe.ExpectColumnValuesToNotBeNull(column=name)
    yield gxe.ExpectColumnValuesToBeUnique(column="interaction_id")
    yield gxe.ExpectCompoundColumnsToBeUnique(column_list=["user_id", "session_id", "position"])
    yield from _private(CLEAN_COLUMNS)
    for name, choices in {
        "intent_source": ["correction", "telemetry", "rule", "none"],
        "action": list(ACTIONS),
        "risk": ["", "safe", "ask", "danger", "refused"],
        "verdict": ["accepted", "edited", "rejected", "undone"],
    }.items():
        yield gxe.ExpectColumnValuesToBeInSet(column=name, value_set=choices)
    for name, (low, high) in {
        **dict.fromkeys(("confidence",), (0.0, 1.0)),
        **dict.fromkeys(("cpu_percent", "memory_percent", "disk_percent"), (0.0, 100.0)),
        **dict.fromkeys(
            ("duration_ms", "cpu_ms", "memory_mb", "output_bytes", "recovery_ms", "latency_ms"), (0.0, None)
        ),
        **dict.fromkeys(("load_1m", "processes", "position", "seconds_since_previous"), (0.0, None)),
        "rating": (1, 5),
    }.items():
        yield gxe.ExpectColumnValuesToBeBetween(column=name, min_value=low, max_value=high)
    yield propensity()
    for name in ("outcome_time", "rating_time"):
        yield gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=name, column_B="time", or_equal=True, ignore_row_if="either_value_is_missing"
        )
    yield gxe.ExpectColumnValuesToMatchRegex(column="day", regex=r"^\d{4}-\d{2}-\d{2}$")
    yield gxe.ExpectColumnValuesToBeBetween(column="exit_status", min_value=0, max_value=255, severity="warning")


def _after_measuring(names: list[str]) -> list[str]:
    return names + [f"{name}{IS_REDACTED}" for name in names if name in STORED_TEXT]


def _of_any_dataset() -> Iterator[Expectation]:
    from great_expectations import expectations as gxe

    yield gxe.ExpectColumnValuesToBeUnique(column="interaction_id")
    for name in ("interaction_id", "session_id", "user_id", "time", "split", "unseen_user"):
        yield gxe.ExpectColumnValuesToNotBeNull(column=name)
    yield gxe.ExpectColumnDistinctValuesToEqualSet(column="split", value_set=_SPLITS)
