"""A table against its suite: what was looked at, what was observed, and the verdict of each rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ccml.datasets.rules import LENGTH
from ccml.expectations.suites import IS_REDACTED, PSEUDONYM, STORED_TEXT
from ccml.expectations.wording import column_of, rule_in_words

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations import ExpectationSuite
    from great_expectations.core import ExpectationSuiteValidationResult

Verdict: TypeAlias = Literal["holds", "broken", "warning", "not evaluated"]

MOST_EXAMPLES = 3


@dataclass(frozen=True)
class RuleResult:
    column: str
    rule: str
    """In plain words."""
    observed: str
    verdict: Verdict
    """`broken` makes the table unusable; a `warning` is set aside by cleaning, or a model can live with it. A rule
    about a column that is empty throughout is `not evaluated`."""

    def __str__(self) -> str:
        return f"`{self.column}` {self.rule}: {self.observed}"


@dataclass(frozen=True)
class ExpectationReport:
    rows: int
    rules: list[RuleResult]
    """The broken ones first."""
    result: ExpectationSuiteValidationResult
    """As Great Expectations gives it, for its Data Docs; without values that must not be repeated."""

    @property
    def failures(self) -> list[RuleResult]:
        return [one for one in self.rules if one.verdict == "broken"]

    @property
    def warnings(self) -> list[RuleResult]:
        return [one for one in self.rules if one.verdict == "warning"]


def validate(table: pd.DataFrame, suite: ExpectationSuite) -> ExpectationReport:
    """Every expectation of the suite on every row. Touches no disk and shows no progress bar."""
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset(suite.name)
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": _measured(table, suite)})
    shape: Any = {"result_format": "SUMMARY", "partial_unexpected_count": MOST_EXAMPLES}
    result = batch.validate(suite, result_format=shape)
    for one in result.results:
        _without_private_values(one)
    order: list[Verdict] = ["broken", "warning", "not evaluated", "holds"]
    rules = sorted((_rule_result(one) for one in result.results), key=lambda one: order.index(one.verdict))
    return ExpectationReport(len(table), rules, result)


def _rule_result(one: Any) -> RuleResult:
    kwargs = one.expectation_config.kwargs
    column, rule = column_of(kwargs), rule_in_words(one.expectation_config.type, kwargs)
    if (error := _exception(one)) is not None:
        # A rule that cannot be computed, for instance because its column is missing, counts as broken.
        return RuleResult(column, rule, f"could not be evaluated: {error}", "broken")
    found = one.result or {}
    if one.success:
        rows, missing = found.get("element_count"), found.get("missing_count") or 0
        if rows and missing == rows:
            return RuleResult(column, rule, "no row has a value", "not evaluated")
        return RuleResult(column, rule, _kept(rows, missing), "holds")
    critical = str(getattr(one.expectation_config.severity, "value", one.expectation_config.severity)) == "critical"
    return RuleResult(column, rule, _broken(found), "broken" if critical else "warning")


def _kept(rows: int | None, missing: int) -> str:
    if rows is None:
        return "as expected"
    return f"all {rows - missing:,} values" if missing else f"all {rows:,} rows"


def _broken(found: dict[str, Any]) -> str:
    count, rows = found.get("unexpected_count"), found.get("element_count")
    if count is None or rows is None:
        return f"found {found['observed_value']}" if "observed_value" in found else "it is not so"
    examples = found.get("partial_unexpected_list") or []
    shown = f", for example {', '.join(map(_value, examples[:MOST_EXAMPLES]))}" if examples else ""
    return f"{count:,} of {rows:,} rows break it{shown}"


def _value(value: Any) -> str:
    """Numbers of nullable columns come as floats: 9 and not 9.0."""
    return f"{value:,.15g}" if isinstance(value, float) else str(value)


def _exception(one: Any) -> str | None:
    """Great Expectations gives either one description or one per metric that failed."""
    info = one.exception_info or {}
    for entry in (info, *(value for value in info.values() if isinstance(value, dict))):
        if entry.get("raised_exception"):
            return str(entry.get("exception_message"))
    return None


def _without_private_values(one: Any) -> None:
    """A text that is not redacted, or a name that is no pseudonym, is exactly what no report may repeat."""
    kwargs = one.expectation_config.kwargs
    columns = {str(kwargs.get(name)).removesuffix(IS_REDACTED) for name in ("column", "column_A", "column_B")}
    if columns & {*STORED_TEXT, *PSEUDONYM}:
        for name in [name for name in one.result or {} if name.startswith(("partial_", "unexpected_list"))]:
            one.result[name] = []


def _measured(table: pd.DataFrame, suite: ExpectationSuite) -> pd.DataFrame:
    """The table with what Great Expectations cannot see by itself: list lengths, and whether text is redacted."""
    from ccml.privacy.redaction import redact

    wanted = {getattr(one, name, None) for one in suite.expectations for name in ("column", "column_A", "column_B")}
    extra: dict[str, Any] = {}
    for name in table.columns:
        if f"{name}{LENGTH}" in wanted:
            extra[f"{name}{LENGTH}"] = table[name].map(len)
        if f"{name}{IS_REDACTED}" in wanted:
            redacted = {text: redact(text) == text for text in table[name].dropna().unique()}
            extra[f"{name}{IS_REDACTED}"] = table[name].map(redacted).astype("boolean").fillna(True).astype(bool)
    lists = [name for name in table.columns if f"{name}{LENGTH}" in extra]
    measured = table.drop(columns=lists).assign(**extra)
    # Pandas' nullable types make half of the comparisons in Great Expectations ambiguous; NaN and None do not.
    for name, dtype in measured.dtypes.astype(str).items():
        if dtype in ("Int64", "Float64", "boolean"):
            measured[name] = measured[name].astype("float64")
        elif dtype == "string":
            measured[name] = measured[name].astype(object).where(measured[name].notna(), None)
    return measured
