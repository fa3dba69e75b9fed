"""`ccml erase`: nothing of the person stays, nothing of anybody else goes, and nothing comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccml.home import Home
from ccml.locks import locked
from ccml.privacy.pseudonyms import Pseudonyms, load_or_create_key
from ccml.serving.logging.log import OPEN
from ccml.telemetry.events import KINDS
from ccml.telemetry.lake import QUARANTINE, check_table
from ccml.telemetry.left_out import left_out, write_left_out
from ccml.telemetry.totals import landed_totals
from ccml_tests.byte_search import files_with
from ccml_tests.cli.conftest import Call
from ccml_tests.cli.marked_person import DAYS, MARKS, NAME, OTHERS, write_logs
from ccml_tests.telemetry import stored


@pytest.fixture
def outside(home: Home, tmp_path: Path) -> Path:
    write_logs(home.landing, tmp_path / "outside")
    return tmp_path / "outside"


def _pseudonym(home: Home) -> str:
    return Pseudonyms(load_or_create_key(home.key_file)).of("user", NAME)


def _rows_of_others(home: Home) -> dict[str, str]:
    """Every row that is not the person's, but for the path of the log that it came from."""
    found = {}
    for table in (*KINDS, QUARANTINE):
        rows = stored.rows(home.lake, table)
        mine = (rows["user_id"] == _pseudonym(home)) | (rows["user_id"].isna() & (rows["line"] == 2))
        rows = rows[~mine].drop(columns="path", errors="ignore")
        found[table] = rows.sort_values(["file", "line", *rows.columns[:1]]).to_json(orient="records")
    return found


def _sums_agree(home: Home) -> bool:
    totals = landed_totals(home.lake)
    parts = [totals[name] for name in ("landed_lines", "quarantined", "duplicates", "blank")]
    return bool(totals["lines"] == sum(parts) + sum(totals["skipped"].values()))


def test_no_byte_of_the_person_stays_and_no_row_of_others_changes(ccml: Call, home: Home, outside: Path) -> None:
    ccml("ingest", outside)
    marks = [*MARKS, _pseudonym(home)]
    assert set(files_with(home.root, marks)) >= {*MARKS[:2], _pseudonym(home)}
    before = _rows_of_others(home)

    done = ccml("erase", "--user", NAME, "--yes", "--json")

    assert done.code == 0, done.err
    assert files_with(home.root, marks) == {}
    assert not [path for path in home.root.rglob("*") if NAME in str(path.relative_to(home.root))]
    assert _rows_of_others(home) == before
    assert set(stored.rows(home.lake, "interactions")["user_id"].unique()) == {
        Pseudonyms(load_or_create_key(home.key_file)).of("user", user) for user in OTHERS
    }
    assert done.facts["found"]["rows"] == {"interactions": 15, **dict.fromkeys(list(KINDS)[1:], 12)}
    assert done.facts["found"]["days"] == DAYS
    assert done.facts["found"]["quarantined"] == 6
    assert _sums_agree(home)
    for table in (*KINDS, QUARANTINE):
        check_table(home.lake, table)


def test_what_is_left_of_the_logs_does_not_land_again_nor_does_what_lies_outside(
    ccml: Call, home: Home, outside: Path
) -> None:
    ccml("ingest", outside)
    ccml("erase", "--user", NAME, "--yes")
    before = {table: len(stored.rows(home.lake, table)) for table in (*KINDS, QUARANTINE)}
    (home.lake / "landed" / "read_files.json").unlink()
    with (outside / "later.jsonl").open("a") as log:
        log.write((outside / "later.jsonl").read_text().replace("interaction-", "interaction-new-"))

    again = ccml("ingest", outside, "--json").facts

    assert again["skipped"] == {"erased": 2}
    assert {table: len(stored.rows(home.lake, table)) for table in (*KINDS, QUARANTINE)} == before
    assert files_with(home.root, [*MARKS, _pseudonym(home)]) == {}
    assert _sums_agree(home)


def test_it_says_what_is_left_to_do_and_what_it_did_not_touch(ccml: Call, home: Home, outside: Path) -> None:
    ccml("ingest", outside)
    said = " ".join(ccml("erase", "--user", NAME, "--yes").out.split())
    assert f"{outside} lies outside of the home and was not touched" in said
    assert "The next ccml run prepares the days anew and learns without them." in said
    assert "From now on a landing leaves this person out." in said


def test_without_a_yes_or_with_an_unknown_name_nothing_is_erased(ccml: Call, home: Home, outside: Path) -> None:
    ccml("ingest", outside)
    assert ccml("erase", "--user", NAME).code == 2
    unknown = ccml("erase", "--user", "nobody", "--yes")
    assert (unknown.code, "of a user 'nobody'" in unknown.err) == (2, True)
    assert len(files_with(home.root, [NAME])[NAME]) >= 3
    assert not left_out(home.lake)


def test_a_pseudonym_may_be_given_in_place_of_the_name(ccml: Call, home: Home, outside: Path) -> None:
    ccml("ingest", outside)
    pseudonym = _pseudonym(home)
    assert ccml("erase", "--user", pseudonym, "--yes").code == 0
    assert pseudonym not in files_with(home.root, [pseudonym])
    assert not stored.rows(home.lake, "interactions")["user_id"].eq(pseudonym).any()


def test_a_mention_by_somebody_else_stays_and_is_counted(ccml: Call, home: Home, outside: Path) -> None:
    from ccml_tests.cli.marked_person import event, line

    asked = event("interaction", 70, OTHERS[0], request=f"send it to {NAME}, please")
    (home.landing / "more.jsonl").write_bytes(line(asked) + b"\n")
    ccml("ingest", outside)
    done = ccml("erase", "--user", NAME, "--yes", "--json")
    assert done.facts["mentions_by_others"] == {"interactions": 1}
    assert stored.rows(home.lake, "interactions")["request"].str.contains(NAME).sum() == 1


def test_doctor_says_that_an_erasure_did_not_end(ccml: Call, home: Home, outside: Path) -> None:
    ccml("ingest", outside)
    write_left_out(home.lake, left_out(home.lake).begun(_pseudonym(home)))
    (found,) = ccml("doctor", "--json").facts["damaged"]
    assert found["found"] == "the erasure of a person has begun and did not end"
    assert "ccml erase --user NAME" in found["cure"]
    ccml("erase", "--user", NAME, "--yes")
    assert ccml("doctor", "--json").facts["damaged"] == []


def test_while_a_server_or_a_run_is_at_work_nothing_is_erased(ccml: Call, home: Home, outside: Path) -> None:
    ccml("ingest", outside)
    log = home.landing / "served" / f"served-1{OPEN}"
    log.parent.mkdir()
    with locked(log):
        refused = ccml("erase", "--user", NAME, "--yes")
    assert (refused.code, "Stop it" in refused.err) == (2, True)
    assert not left_out(home.lake)
    log.unlink()
    assert ccml("erase", "--user", NAME, "--yes").code == 0
