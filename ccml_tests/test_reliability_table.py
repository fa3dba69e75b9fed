"""`docs/reliability.md` says what the acceptance tests counted, and no row of it is typed by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.reliability_table import ROOT, TABLE, rows_of_results, rows_of_table, table, titles_of_tests

TESTS = """
import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "kills", [pytest.param(50, marks=pytest.mark.acceptance("Nothing is lost", fault="kill -9 | anywhere"))]
)
def test_kills(kills, record_property):
    record_property("size", f"{kills} kills, one writer")
    record_property("rows lost", 0)
    record_property("rows read", 12500)


@pytest.mark.acceptance("Nothing is double", fault="two at once")
def test_two(record_property):
    record_property("size", 1000)
    record_property("rows double", 3)
    assert False


def test_of_no_acceptance():
    pass
"""


def run(folder: Path, tests: str) -> Path:
    (folder / "test_one.py").write_text(tests)
    results = folder / "results.xml"
    words = ["-p", "ccml_tests.conftest", "-c", str(ROOT / "pyproject.toml"), f"--rootdir={folder}"]
    command = [sys.executable, "-m", "pytest", "-m", "acceptance", *words, "--junit-xml", str(results), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert results.exists(), done.stdout + done.stderr
    return results


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("results"), TESTS)


def test_a_row_says_what_was_tried_what_was_counted_and_whether_it_held(results: Path) -> None:
    assert [row.line() for row in rows_of_results(results)] == [
        "| Nothing is lost | kill -9 \\| anywhere | 50 kills, one writer | rows lost 0, rows read 12,500 | passed |\n",
        "| Nothing is double | two at once | 1,000 | rows double 3 | **failed** |\n",
    ]


def test_a_partial_run_writes_its_own_rows_and_leaves_the_others(results: Path) -> None:
    lost, double = rows_of_results(results)
    titles = titles_of_tests(results.parent)
    assert titles == ["Nothing is lost", "Nothing is double"]
    written = table([double], titles)
    assert rows_of_table(written) == [double]
    assert rows_of_table(table([*rows_of_table(written), lost], titles)) == [lost, double]


def test_the_row_of_a_test_that_is_gone_goes(results: Path) -> None:
    lost, double = rows_of_results(results)
    assert rows_of_table(table([lost, double], ["Nothing is lost"])) == [lost]


def test_a_test_that_counted_nothing_makes_no_row(tmp_path: Path) -> None:
    counted_nothing = TESTS.replace('record_property("rows', 'print("rows')
    with pytest.raises(ValueError, match=r"test_kills.* recorded no size, or no figure"):
        rows_of_results(run(tmp_path, counted_nothing))


def test_two_tests_of_one_title_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one title"):
        rows_of_results(run(tmp_path, TESTS.replace("Nothing is double", "Nothing is lost")))


def test_every_acceptance_test_has_its_row_and_every_row_its_test() -> None:
    titles = titles_of_tests(ROOT / "ccml_tests")
    assert len(set(titles)) == len(titles)
    assert [row.title for row in rows_of_table(TABLE.read_text())] == titles
