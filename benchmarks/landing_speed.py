"""Landing native JSON Lines beside the bare conversion to Parquet by pandas, polars and duckdb.

    pip install -e ".[platform,benchmarks]"
    python benchmarks/landing_speed.py --events 1000000 --rounds 2 --larger 4

Landing validates each event strictly, redacts it, quarantines what is refused, finds repeats and writes Delta tables by
day; the others read the file and write it. Each measurement is a process of its own, and they take turns, so that a
busy machine is busy for all. Writes the table of docs/telemetry.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from ccml.profiles import SimulationSettings
from ccml_simulator.simulate import simulate

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "telemetry.md"
BEGIN, END = "<!-- landing_speed.py -->\n", "<!-- end -->\n"
EVENTS_PER_TURN = 3.48
DAYS = 60
LAST_DAY = date(2026, 5, 30)

TIMED = """
import sys, time
from pathlib import Path
log, into = sys.argv[1], Path(sys.argv[2])
{imports}
began, worked = time.perf_counter(), time.process_time()
{body}
taken = time.perf_counter() - began, time.process_time() - worked
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(*taken, int(status["VmHWM"].split()[0]) / 1024)  # `ru_maxrss` would hold what the starting process held
"""
LAND_IMPORTS = """
from datetime import UTC, datetime
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.telemetry import event_rows
from ccml.telemetry.landing import land
from ccml.telemetry.sources import Source
import deltalake, pyarrow.dataset, pyarrow.parquet
"""
LAND = """
report = land([Source(log, "native")], into / "lake", Pseudonyms(b"k" * 32), datetime(2026, 6, 1, tzinfo=UTC))
assert report.landed.total() == report.lines, report.sentence()
"""
WAYS = {
    "landing": (LAND_IMPORTS, LAND),
    "landing without redaction": (f"{LAND_IMPORTS}\nevent_rows.suspicious_texts = lambda texts: []", LAND),
    "pandas": ("import pandas, pyarrow.parquet", "pandas.read_json(log, lines=True).to_parquet(into / 'all.parquet')"),
    "polars": (
        "import polars",
        "polars.read_ndjson(log, infer_schema_length=None).write_parquet(into / 'all.parquet')",
    ),
    "duckdb": (
        "import duckdb\nduckdb.sql('set enable_progress_bar = false')",
        "duckdb.sql(f\"copy (select * from read_json('{log}', format='newline_delimited')) "
        "to '{into}/all.parquet' (format parquet)\")",
    ),
}


class Measured(NamedTuple):
    seconds: float
    """By the clock."""
    processor: float
    """Seconds of all its threads."""
    megabytes: float
    """The most that the whole process held."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000, help="events of the log (default: 1,000,000)")
    parser.add_argument("--rounds", type=int, default=2, help="turns, of which the fastest counts (default: 2)")
    parser.add_argument("--larger", type=int, default=10, help="a log so many times as long shows the memory (10)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        logs = {"simulated": _simulated(root, arguments.events), "five fields": _plain(root, arguments.events)}
        best = {name: _compare(log, root, arguments.rounds) for name, log in logs.items()}
        more = _one_more_day(logs["five fields"], root, arguments.events)
        larger = _measure("landing", _plain(root, arguments.events * arguments.larger, "larger"), root / "larger lake")
    page = _page(best, more, larger, arguments.events, arguments.larger)
    print(page)
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    DOCUMENT.write_text(f"{before}{BEGIN}{page}{END}{rest.partition(END)[2]}")


def _compare(log: Path, root: Path, rounds: int) -> dict[str, Measured]:
    taken: defaultdict[str, list[Measured]] = defaultdict(list)
    for round_ in range(rounds):
        for way in WAYS:
            with tempfile.TemporaryDirectory(dir=root) as into:
                taken[way].append(_measure(way, log, Path(into)))
            print(f"{log.stem}, round {round_ + 1}, {way}: {taken[way][-1]}", file=sys.stderr)
    return {way: Measured(*map(min, zip(*measured, strict=True))) for way, measured in taken.items()}


def _measure(way: str, log: Path, into: Path) -> Measured:
    imports, body = WAYS[way]
    into.mkdir(exist_ok=True)
    code = TIMED.format(imports=imports, body=body)
    done = subprocess.run(
        [sys.executable, "-c", code, str(log), str(into)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ},
    )
    return Measured(*map(float, done.stdout.split()))


def _one_more_day(log: Path, root: Path, events: int) -> float:
    """Time to land one more day, as a share of the time for the sixty days before."""
    into = root / "days"
    first = _measure("landing", log, into)
    day = root / "one more day.jsonl"
    with day.open("w") as file:
        file.writelines(_plain_lines(events, events + events // DAYS, events))
    return _measure("landing", day, into).processor / first.processor


def _simulated(root: Path, events: int) -> Path:
    """A log as the simulator writes it: all kinds, texts as people type them, secrets among them."""
    settings = SimulationSettings(users=200, days=DAYS, interactions=round(events / EVENTS_PER_TURN))
    made = simulate(settings, root / "days of it", root / "truth", end=LAST_DAY)
    log = root / "simulated.jsonl"
    with log.open("wb") as whole:
        for path in sorted(made.files):
            whole.write(path.read_bytes())
            path.unlink()
    return log


def _plain(root: Path, events: int, name: str = "five fields") -> Path:
    """Interactions of five fields and their kind, 160 bytes each."""
    log = root / f"{name}.jsonl"
    with log.open("w") as file:
        file.writelines(_plain_lines(0, events, events))
    return log


def _plain_lines(start: int, end: int, per_sixty_days: int) -> Iterator[str]:
    first = datetime.combine(LAST_DAY - timedelta(days=DAYS), datetime.min.time())
    for number in range(start, end):
        time = first + timedelta(seconds=number * DAYS * 86_400 // per_sixty_days)
        event = {"kind": "interaction", "event_id": f"e-{number}", "time": f"{time.isoformat()}Z", "user_id": "ada"}
        yield (
            json.dumps(event | {"session_id": f"s-{number // 40}", "command": f"ls -la folder-{number % 9_973}"}) + "\n"
        )


def _page(best: dict[str, dict[str, Measured]], more: float, larger: Measured, events: int, times: int) -> str:
    rows = ["| log | what | seconds | processor seconds | memory | rate beside pandas | beside polars |"]
    rows += ["| --- | --- | --- | --- | --- | --- | --- |"]
    for log, ways in best.items():
        for way, one in ways.items():
            beside = [f"{ways[peer].seconds / one.seconds:.2f}" for peer in ("pandas", "polars")]
            seconds = f"{one.seconds:.1f} | {one.processor:.1f} | {one.megabytes:,.0f} MB"
            rows.append(f"| {log} | {way} | {seconds} | {beside[0]} | {beside[1]} |")
    base = best["five fields"]["landing"].megabytes
    about = (
        f"{events:,} events over {DAYS} days, in one file, on {os.cpu_count()} cores. `simulated` has all kinds and "
        "texts as people type them, `five fields` interactions of 160 bytes."
    )
    sizes = (
        f"One more day takes {more:.1%} of the processor time of the {DAYS} days before it. {events * times:,} events "
        f"of five fields take {larger.megabytes:,.0f} MB, {events:,} take {base:,.0f} MB."
    )
    return "\n".join([about, "", *rows, "", sizes, ""])


if __name__ == "__main__":
    main()
