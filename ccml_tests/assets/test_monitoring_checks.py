"""What the checks of monitoring say: a verdict with its figures, or that nothing was evaluated and what is missing."""

import dagster as dg
import pandas as pd
import pytest

from ccml.home import Home
from ccml.monitoring.alerts import serving_alerts
from ccml_assets.monitoring_checks import keeps_its_promise, no_alert, no_drift
from ccml_resources.platform import Platform
from ccml_tests.monitoring.evidence import LIMITS, drift, quality
from ccml_tests.monitoring.turns import VERSIONS, served, table


def rows(result: dg.AssetCheckResult, name: str) -> list[dict[str, object]]:
    found = result.metadata[name]
    assert isinstance(found, dg.TableMetadataValue)
    return [dict(record.data) for record in found.records]


def results(home: Home, answers: pd.DataFrame) -> tuple[dg.AssetCheckResult, dg.AssetCheckResult]:
    report = quality(answers)
    alerts = serving_alerts(answers, (), report, VERSIONS, LIMITS)
    found = keeps_its_promise(Platform(root=str(home.root)), report), no_alert(alerts)
    assert all(isinstance(one, dg.AssetCheckResult) for one in found)
    return found  # type: ignore[return-value]


def test_five_answers_pass_no_check_and_say_how_many_are_needed(home: Home) -> None:
    promise, alert = results(home, table(served(5)))
    assert promise.description == "Not evaluated: 5 answers, 30 needed."
    assert alert.description == "Not evaluated: too few answers for every limit."
    for one in (promise, alert):
        assert not one.passed
        assert one.severity == dg.AssetCheckSeverity.WARN
    assert {row["served"] for row in rows(promise, "models")} >= {"not evaluated: 5 answers, 30 needed"}
    assert {row["level"] for row in rows(alert, "alerts")} == {"unknown"}


@pytest.mark.parametrize("fallen", [False, True])
def test_with_enough_answers_the_figures_carry_the_verdict(home: Home, fallen: bool) -> None:
    feedback = {"verdict": "undone"} if fallen else {"verdict": "accepted"}
    promise, alert = results(home, table(served(100), served(300, first=100, feedback=feedback)))
    assert promise.passed is alert.passed is not fallen
    (commands,) = [row for row in rows(promise, "models") if row["model"] == "command_predictor"]
    assert str(commands["served"]).startswith("25.0 % [" if fallen else "100.0 % [")
    if fallen:
        assert promise.description == "Fell: command_predictor by 68.8 % of what it is compared with."
        assert "command_predictor_drop: 68.8 %" in str(alert.description)


def test_drift_is_shown_by_column_with_limit_and_examples() -> None:
    calm, changed = no_drift(drift(0, changed=False)), no_drift(drift(1, changed=True))
    assert isinstance(calm, dg.AssetCheckResult)
    assert isinstance(changed, dg.AssetCheckResult)
    assert calm.passed
    assert not changed.passed
    assert "words of a request that training had not seen" in str(changed.description)
    by_column = {row["column"]: row for row in rows(changed, "columns")}
    assert by_column["words of a request that training had not seen"]["verdict"] == "drifted"
    assert "not evaluated: too few values" in {row["verdict"] for row in by_column.values()}
    shown = changed.metadata["new in: words of a request that training had not seen"]
    assert "zorgle (300)" in str(shown.value)
