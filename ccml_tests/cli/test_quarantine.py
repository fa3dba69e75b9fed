"""`ccml quarantine`: what did not land, why, and what can be done about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccml.home import Home
from ccml.telemetry import decode
from ccml.telemetry.totals import landed_totals
from ccml_tests.cli.conftest import Call
from ccml_tests.telemetry.test_landing import event, write

NESTED = {"model_versions": {"intent_classifier": "1.0.0"}}


@pytest.fixture
def log(ccml: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Landed by code that read less than today's: two lines that are readable now, and twenty-three that are not."""
    bad = [b'{"kind": "interaction", "event_id": "pw is hunter2 %d' % number for number in range(23)]
    path = write(tmp_path / "a.jsonl", event(0), event(1, **NESTED), event(2, **NESTED), *bad)
    with monkeypatch.context() as older:
        older.setattr(decode, "MAX_DEPTH", 1)
        assert ccml("ingest", path).code == 0
    return path


def test_the_terminal_names_the_command_that_has_the_rest(ccml: Call, tmp_path: Path) -> None:
    done = ccml("ingest", write(tmp_path / "b.jsonl", *[b"{"] * 12))
    assert "quarantined 2 more: `ccml quarantine show` and `ccml quarantine list`" in done.out


def test_list_counts_the_reasons_and_the_files(ccml: Call, log: Path) -> None:
    facts = ccml("quarantine", "list", "--json").facts
    assert facts["lines"] == 25
    assert {one["reason"]: one["lines"] for one in facts["reasons"]} == {"bad_json": 23, "too_deep": 2}
    assert [(one["file"], one["lines"]) for one in facts["files"]] == [(str(log), 25)]
    shown = ccml("quarantine", "list").out
    assert "the JSON is nested deeper than 32 levels" in " ".join(shown.split())
    assert str(log) in shown


def test_show_has_place_reason_length_and_shape_and_no_word_of_a_line(ccml: Call, log: Path) -> None:
    done = ccml("quarantine", "show", "bad_json")
    assert f"{log}:4 bad_json: expected one JSON object" in done.out
    assert "bytes)" in done.out
    assert '{"kind": "interaction", "event_id": "a' in done.out
    assert "hunter2" not in done.out
    assert "and 3 more: `ccml quarantine show bad_json --lines 23` has all" in done.out
    assert len(ccml("quarantine", "show", log, "--lines", 25, "--json").facts["shown"]) == 25


def test_show_of_what_is_not_there_is_one_sentence(ccml: Call, log: Path) -> None:
    done = ccml("quarantine", "show", "elsewhere.jsonl")
    assert done.code == 2
    assert done.err.startswith("ccml: No refused line is of elsewhere.jsonl; expected ")


def test_retry_lands_what_can_be_read_now(ccml: Call, home: Home, log: Path) -> None:
    done = ccml("quarantine", "retry")
    assert done.code == 0
    assert "1 file read again: 23 of 25 lines are still refused." in done.out
    assert landed_totals(home.lake)["landed"] == {"interactions": 3}
    assert ccml("quarantine", "retry", "bad_json", "--json").facts == {"lines": 23, "files": 1, "left": 23, "gone": 0}
    assert landed_totals(home.lake)["landed"] == {"interactions": 3}


def test_drop_asks_and_says_how_many(ccml: Call, home: Home, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    refused = ccml("quarantine", "drop", "bad_json")
    assert refused.code == 1
    assert "Give up 23 lines?" in refused.err
    assert ccml("quarantine", "list", "--json").facts["lines"] == 25

    done = ccml("quarantine", "drop", "bad_json", "--yes")
    assert (done.code, done.out) == (0, "23 lines given up.\n")
    assert ccml("quarantine", "list", "--json").facts["lines"] == 2
    assert ccml("ingest", log).out == "Nothing new: every file had landed before.\n"
    assert "damaged" not in ccml("doctor").out


def test_an_empty_quarantine_says_so(ccml: Call) -> None:
    assert ccml("quarantine", "list").out == "No line is in the quarantine.\n"
    assert ccml("quarantine", "show").out == "No line is in the quarantine.\n"
    assert ccml("quarantine", "drop").out == "0 lines given up.\n"
