from __future__ import annotations

import re
import shutil
from pathlib import Path

import dagster as dg

from ccml.home import Home
from ccml.telemetry.events import KINDS
from ccml_assets.report_index import write_index
from ccml_tests.assets import evening
from ccml_tests.assets.platform import DAYS, Platform


def test_before_anything_is_trained_the_index_says_what_is_missing(home: Home) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        page = write_index(home, instance).read_text()
    assert page.count("not evaluated: it has not been trained yet.") == 3
    assert "Not evaluated: nothing was served under a release yet." in page
    assert "No interaction has been cleaned yet." in page
    assert not [link for link in links(page) if not (home.reports / link).exists()]


def links(page: str) -> list[str]:
    return re.findall(r'href="([^"]*)"', page)


def test_the_index_has_the_verdict_of_each_check_that_has_looked(prepared: Platform, tmp_path: Path) -> None:
    """The tables up to the features were made; of the data sets there is no verdict yet."""
    home = copied(prepared, tmp_path)
    page = write_index(home, prepared.instance).read_text()
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)]
    verdicts = {row[0]: row[2] for row in rows if len(row) == 4 and "/" in row[0]}
    assert verdicts == {**{f"raw/{kind}": "passed" for kind in KINDS}, "clean/interactions": "passed"}
    assert "rules hold in" in page
    assert sorted(links(page)) == sorted(f"data_docs/{suite}.html" for suite in [*KINDS, "clean"])
    assert not [link for link in links(page) if not (home.reports / link).exists()]


def test_a_check_that_found_nothing_to_look_at_is_not_shown_as_passed(platform: Platform) -> None:
    platform.put("evening.jsonl", evening.FIRST_EVENING)
    assert platform.run("ingest").success
    assert platform.run("prepare", days=(DAYS[0], DAYS[0])).success
    page = write_index(platform.home, platform.instance).read_text()
    row = next(row for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if "raw/feedback" in row)
    assert '<td class="even-text">not evaluated</td>' in row
    assert "Not evaluated: 0 rows." in row


def copied(platform: Platform, folder: Path) -> Home:
    shutil.copytree(platform.home.root, folder / "copy")
    return Home(folder / "copy")
