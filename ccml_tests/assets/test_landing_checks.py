"""What a landing refused: said on its page, and nothing is prepared of a file of which it was too much."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from ccml.telemetry.quarantine import Wanted, give_up
from ccml_assets.held import sentences
from ccml_tests.assets.platform import INGEST, Platform
from ccml_tests.telemetry import stored
from ccml_tests.telemetry.test_landing import event, write

LINES = 200


def log(platform: Platform, name: str, bad: int, first: int = 0) -> Path:
    good = (event(first + number) for number in range(LINES - bad))
    return write(platform.home.landing / name, *[b"broken"] * bad, *good)


def ingest(platform: Platform) -> dg.AssetCheckEvaluation:
    result = platform.run("ingest")
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    return check


def prepared(platform: Platform) -> int:
    pending = platform.pending()
    if pending:
        assert platform.run("prepare", days=(pending[0], pending[-1])).success
    return len(platform.table("clean", "interactions"))


def test_six_of_a_hundred_refused_lines_hold_their_file(platform: Platform) -> None:
    log(platform, "good.jsonl", bad=0, first=1_000)
    log(platform, "six.jsonl", bad=LINES * 6 // 100)
    check = ingest(platform)
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    why = "landing/six.jsonl is held: 12 of its 200 lines are refused, 6.0 %, and 5 % is the most."
    assert why in str(check.description)
    assert "`ccml quarantine drop`" in str(check.description)
    assert len(stored.rows(platform.home.lake, "interactions")) == LINES + LINES * 94 // 100, "the good rows stay"
    assert prepared(platform) == LINES, "and those of the held file are not prepared"
    assert platform.pending() == []


def test_four_of_a_hundred_refused_lines_warn(platform: Platform) -> None:
    log(platform, "four.jsonl", bad=LINES * 4 // 100)
    check = ingest(platform)
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "8 of 200 new lines were refused; the earlier landings let 0.20 % expect" in str(check.description)
    assert prepared(platform) == LINES * 96 // 100


def test_no_refused_line_passes_and_the_page_of_the_landing_has_none(platform: Platform) -> None:
    log(platform, "good.jsonl", bad=0)
    assert ingest(platform).passed
    (record,) = platform.instance.fetch_materializations(INGEST, limit=1).records
    assert record.asset_materialization is not None
    assert "quarantine" not in record.asset_materialization.metadata


def test_the_reasons_are_a_table_on_the_page_of_the_landing_and_of_its_check(platform: Platform) -> None:
    write(platform.home.landing / "a.jsonl", event(0), b"broken", b"{", b"{")
    check = ingest(platform)
    (record,) = platform.instance.fetch_materializations(INGEST, limit=1).records
    assert record.asset_materialization is not None
    for metadata in (check.metadata, record.asset_materialization.metadata):
        rows = [one.data for one in metadata["quarantine"].value.records]
        assert [(row["reason"], row["lines"]) for row in rows] == [("bad_json", "2"), ("not_json", "1")]
        assert all(row["meaning"] and row["newest"].endswith(" UTC") for row in rows)


def test_a_file_is_prepared_once_its_refused_lines_are_given_up(platform: Platform) -> None:
    log(platform, "six.jsonl", bad=LINES * 6 // 100)
    ingest(platform)
    assert prepared(platform) == 0
    assert len(sentences(platform.home)) == 1

    give_up(platform.home.lake, Wanted())

    assert ingest(platform).severity != dg.AssetCheckSeverity.ERROR
    assert prepared(platform) == LINES * 94 // 100
    assert sentences(platform.home) == []
    assert platform.pending() == []
