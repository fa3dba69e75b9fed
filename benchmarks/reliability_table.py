"""Writes `docs/reliability.md` from the results of the acceptance tests: `make reliability` runs both.

    pytest -m acceptance --junit-xml results.xml
    python benchmarks/reliability_table.py results.xml

An acceptance test carries `@pytest.mark.acceptance("What must hold", fault="what is done to it")` beside `slow`, and
records what it counted with `record_property`: "size" says how much was tried, each other name is a figure. Rows of
tests that did not run this time stay as they are; rows of tests that are gone go.
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "reliability.md"

OPENING = """\
# What was tried, and what came of it

Each row is an acceptance test at its full size, on two cores. `make reliability` runs all of them and writes this page;
`make reliability TESTS=path/to/test_file.py::test_name` runs some and writes their rows. `make test` runs the same code
at a small size.

| what must hold | fault | size | measured | |
| --- | --- | --- | --- | --- |
"""

IN_A_CELL = str.maketrans({"|": "\\|", "\n": " "})
NOT_FIGURES = ("title", "fault", "size")


@dataclass(frozen=True)
class Row:
    title: str
    fault: str
    size: str
    measured: str
    outcome: str

    def line(self) -> str:
        cells = (self.title, self.fault, self.size, self.measured, self.outcome)
        return f"| {' | '.join(cell.translate(IN_A_CELL) for cell in cells)} |\n"


def titles_of_tests(folder: Path) -> list[str]:
    """What the marks of the tests under the folder say must hold, in the order in which they stand."""
    found = []
    for path in sorted(folder.rglob("test_*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        marks = [call for call in calls if ast.unparse(call.func).endswith("mark.acceptance")]
        found += [ast.literal_eval(mark.args[0]) for mark in sorted(marks, key=lambda mark: mark.lineno)]
    return found


def rows_of_results(results: Path) -> list[Row]:
    """Rows of the acceptance tests that ran.

    Raises:
        ValueError: a test recorded no size or no figure, or two have one title.
    """
    rows = []
    for case in ElementTree.parse(results).getroot().iter("testcase"):
        recorded = {one.attrib["name"]: one.attrib["value"] for one in case.iter("property")}
        if "title" not in recorded or case.find("skipped") is not None:
            continue
        figures = {name: value for name, value in recorded.items() if name not in NOT_FIGURES}
        passed = case.find("failure") is None and case.find("error") is None
        if passed and not ("size" in recorded and figures):
            raise ValueError(f"{case.attrib['name']} recorded no size, or no figure: record_property(name, value)")
        measured = ", ".join(f"{name} {_number(value)}" for name, value in figures.items())
        size = _number(recorded.get("size", ""))
        rows.append(Row(recorded["title"], recorded["fault"], size, measured, "passed" if passed else "**failed**"))
    if len({row.title for row in rows}) < len(rows):
        raise ValueError(f"two tests have one title: {sorted(row.title for row in rows)}")
    return rows


def rows_of_table(text: str) -> list[Row]:
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("| ")]
    return [Row(*(cell.strip().replace("\\|", "|") for cell in row)) for row in cells[2:]]


def table(rows: list[Row], titles: list[str]) -> str:
    """The page; of two rows with one title the later counts."""
    known = {row.title: row for row in rows}
    return OPENING + "".join(known[title].line() for title in titles if title in known)


def _number(value: str) -> str:
    return f"{int(value):,}" if re.fullmatch(r"\d+", value) else value


if __name__ == "__main__":
    before = rows_of_table(TABLE.read_text()) if TABLE.exists() else []
    new, titles = rows_of_results(Path(sys.argv[1])), titles_of_tests(ROOT / "ccml_tests")
    for row in new:
        if row.title not in titles:
            sys.exit(f"{row.title!r} does not stand in any `pytest.mark.acceptance(...)` of ccml_tests as a literal")
    TABLE.write_text(table([*before, *new], titles))
    print(f"{TABLE}: {len(new)} rows written")
