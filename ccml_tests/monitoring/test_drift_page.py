"""The drift page says what the drift report holds: of real comparisons of simulated traffic."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import msgspec
import pytest

from benchmarks.drift_error_rates import served_window, training_reference
from ccml.monitoring.drift import DriftReport, drift_report
from ccml.monitoring.drift_page import publish_drift, verdict
from ccml.monitoring.limits import DriftLimits
from ccml.profiles import SimulationSettings

PEOPLE = SimulationSettings(users=20, days=8, interactions=2_000)


@pytest.fixture(scope="module")
def reports() -> dict[str, DriftReport]:
    """Of fair traffic, and of traffic whose commands have changed."""
    reference = training_reference(PEOPLE)
    windows = {"fair": served_window(PEOPLE, 1, 200), "changed": served_window(PEOPLE, 1, 200, "commands")}
    return {name: drift_report(reference, window, DriftLimits(), seed=0) for name, window in windows.items()}


def words_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_the_verdict_comes_first_and_names_what_has_drifted(reports: dict[str, DriftReport], tmp_path: Path) -> None:
    changed = reports["changed"]
    assert "program" in changed.drifted
    assert verdict(changed).startswith(f"Drift in {len(changed.drifted)} of {len(changed.findings)} columns: ")
    for report in reports.values():
        words = words_of(publish_drift(report, tmp_path).read_text())
        assert words.index(verdict(report)) < words.index("All columns")
        assert verdict(report).startswith("Drift in") == bool(report.drifted)


def test_the_columns_of_the_verdict_can_be_told_apart_and_the_strongest_is_first(
    reports: dict[str, DriftReport],
) -> None:
    """Titles hold commas: `runnable processes, mean over a minute`."""
    findings = [msgspec.structs.replace(one, drifted=True) for one in reports["changed"].findings]
    all_drifted = msgspec.structs.replace(reports["changed"], findings=findings)
    named = verdict(all_drifted).partition(": ")[2].removesuffix(".").split("; ")
    assert len(named) == len(findings) > 1
    assert any("," in title for title in named)
    beyond = {one.title: one.distance - one.threshold for one in findings}
    assert [beyond[title] for title in named] == sorted(beyond.values(), reverse=True)


def test_every_bin_shows_its_range_and_the_share_of_either_side(
    reports: dict[str, DriftReport], tmp_path: Path
) -> None:
    for report in reports.values():
        words = words_of(publish_drift(report, tmp_path).read_text())
        for finding in report.findings:
            reference, current = (sum(getattr(one, side) for one in finding.bins) for side in ("reference", "current"))
            for one in finding.bins:
                shares = f"{100 * one.current / current:.1f} % ({one.current:,})"
                shares += f" {100 * one.reference / reference:.1f} % ({one.reference:,})"
                assert f"{one.label} {shares}" in words


def test_new_commands_stand_on_the_page_and_the_page_runs_nothing(
    reports: dict[str, DriftReport], tmp_path: Path
) -> None:
    html = publish_drift(reports["changed"], tmp_path).read_text()
    examples = [example for finding in reports["changed"].findings for example in finding.examples]
    assert examples
    assert all(f"{example.text} {example.count}" in words_of(html) for example in examples)
    assert "<script" not in html
    assert set(re.findall(r'href="([^"]*)"', html)) == {"index.html"}
    written = msgspec.json.decode((tmp_path / "drift.json").read_bytes(), type=DriftReport)
    assert written == reports["changed"]
