from __future__ import annotations

import re
from pathlib import Path

import dagster as dg

from ccml.home import Home
from ccml_assets.report_index import write_index


def test_before_anything_is_trained_the_index_says_what_is_missing(home: Home) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        page = write_index(home, instance).read_text()
    assert page.count("not evaluated: it has not been trained yet.") == 3
    assert "Not evaluated: nothing was served under a release yet." in page
    assert "No interaction has been cleaned yet." in page
    assert not [link for link in links(page) if not (home.reports / link).exists()]


def links(page: str) -> list[str]:
    return re.findall(r'href="([^"]*)"', page)


def test_every_link_of_the_index_leads_to_a_file(home: Home) -> None:
    documents = home.reports / "data_docs"
    documents.mkdir(parents=True)
    Path(documents / "raw_interactions.html").write_text("<p>checked</p>")
    with dg.DagsterInstance.ephemeral() as instance:
        page = write_index(home, instance).read_text()
    assert links(page) == ["data_docs/raw_interactions.html"]
