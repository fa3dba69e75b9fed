"""Great Expectations' Data Docs: its own page of one validation, which opens without a network.

Its template asks seven other hosts for style sheets, scripts and a logo. A page with examples out of the logs must not
let other hosts' scripts see them, nor say that it is being read: a content security policy keeps the browser from
loading anything, and the few styles that the page needs stand in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ccml import atomic

if TYPE_CHECKING:
    from ccml.expectations.validation import ExpectationReport

FOLDER = "data_docs"

POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
)
STYLE = """<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1c1f23; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; }
th, td { border-bottom: 1px solid #d9dde2; padding: .35rem .6rem; text-align: left; vertical-align: top; }
.badge { background: #eef1f4; border-radius: .25rem; padding: 0 .3rem; }
.text-success::before { content: "\\2713"; color: #1a7f37; }
.text-danger::before { content: "\\2717"; color: #c62828; }
.text-warning::before { content: "!"; color: #9a6700; font-weight: bold; }
nav, footer, .modal, .col-lg-2, img { display: none; } /* what only scripts, or another site, could fill */
.list-unstyled, ul { list-style: none; padding-left: 0; }
</style>"""


def write_data_docs(report: ExpectationReport, reports: Path, name: str) -> Path:
    """Writes the page of the newest validation of one suite and returns its path."""
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    page = DefaultJinjaPageView().render(ValidationResultsPageRenderer().render(report.result))
    path = reports / FOLDER / f"{name}.html"
    atomic.write_bytes(path, page.replace("<head>", f"<head>{POLICY}{STYLE}", 1).encode())
    return path
