"""How often does the drift report err? Sends simulated people through an imaginary assistant and counts its alarms.

    python benchmarks/drift_error_rates.py --windows 400 --homes 8

The reference is what the platform would hold traffic to: simulated telemetry, landed, cleaned and split. Each window is
the same people in another week, without drift or with one of the simulator's drifts in force. Of those, swapped habits
and a broken tool leave words, programs and machines as they were: the quality report is there to see them.

Windows of one home are held to one reference, which is a sample: the stated rate is one over homes, and a home whose
few held-out rows are an unlucky draw has more alarms than that. So the worst home is printed beside the rate.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from ccml.cleaning.join import clean
from ccml.datasets.splits import assign_splits
from ccml.evaluation.statistics import wilson
from ccml.monitoring.drift import jensen_shannon, thresholds, watched
from ccml.monitoring.limits import DriftLimits
from ccml.monitoring.reference import DriftReference, decode_reference
from ccml.privacy.pseudonyms import Pseudonyms
from ccml.profiles import SimulationSettings, SplitSettings
from ccml.serving.logging.telemetry import feedback_events
from ccml.serving.schema import FeedbackRequest
from ccml.telemetry.events import KINDS, Action, AnyEvent, Interaction, SystemState
from ccml.telemetry.lake import landed_days, read_landed
from ccml.telemetry.landing import land
from ccml.telemetry.sources import Source
from ccml_simulator.drift import DRIFT_KINDS, Drift, DriftKind
from ccml_simulator.simulate import simulate
from ccml_simulator.traffic import SimulatedTraffic

LAST_DAY = date(2026, 3, 20)
PEOPLE = Pseudonyms(b"k" * 32)
ACTIONS: tuple[Action, ...] = ("execute", "confirm", "suggest", "clarify")
LIMITS = DriftLimits()
RIGHT = 0.7
"""How often the imaginary assistant proposes the command that is meant."""


def training_reference(settings: SimulationSettings) -> DriftReference:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate(settings, folder / "logs", folder / "truth", end=LAST_DAY)
        lake = folder / "lake"
        land([Source(str(folder / "logs"), "native")], lake, PEOPLE, datetime(2026, 4, 1, tzinfo=UTC))
        rows = clean(*(read_landed(lake, kind, landed_days(lake)) for kind in KINDS)).interactions
    split = rows["interaction_id"].map(assign_splits(rows, SplitSettings(), settings.seed).labels)
    held_out = split.isin(["validation", "calibration", "test"])
    fitted = DriftReference.fit(rows[split == "train"], rows[held_out])
    return decode_reference(fitted.encode(), "the reference as a release carries it")


def served_window(settings: SimulationSettings, week: int, rows: int, kind: DriftKind | None = None) -> pd.DataFrame:
    """Clean interactions of `rows` turns, `week` weeks after the reference ends, as a server would have logged them."""
    start = datetime.combine(LAST_DAY + timedelta(weeks=week, days=1), datetime.min.time(), UTC)
    traffic = SimulatedTraffic(settings, start=start, drift=Drift((kind,), start.date()) if kind else None)
    rng = np.random.default_rng([settings.seed, week])
    events: list[AnyEvent] = []
    for number in range(rows):
        request = traffic.next_request()
        turn, session = request.turn, request.body["session"]
        line = turn.line if turn.task is not None and rng.random() < RIGHT else "ls -la"
        action = ACTIONS[int(rng.choice(len(ACTIONS), p=(0.4, 0.35, 0.15, 0.1)))]
        name = f"i{week}-{number}"
        answer = {"interaction_id": name, "commands": [{"command": line}], "action": {"name": action}}
        reported = traffic.outcome(request, answer) | {"user_id": PEOPLE.of("user", session["user_id"])}
        common: Any = {
            "time": start + timedelta(milliseconds=20 * number),
            "user_id": reported["user_id"],
            "session_id": session["session_id"],
            "platform": session["platform"],
        }
        events.append(
            Interaction(event_id=name, request=request.body["request"], command=line, action=action, **common)
        )
        events.append(SystemState(event_id=f"{name}-state", interaction_id=name, **common, **session["state"]))
        # The server stamps feedback with the present moment; a day away from its answer it would not count.
        events += [
            msgspec.structs.replace(event, time=common["time"])
            for event in feedback_events(msgspec.convert(reported, FeedbackRequest), line, f"{number:08d}")
        ]
    tables = [
        pd.DataFrame([msgspec.structs.asdict(event) for event in events if type(event) is kind], columns=[*fields])
        for kind, fields in ((kind, kind.__struct_fields__) for kind in KINDS.values())
    ]
    return clean(*tables).interactions


def alarms(reference: DriftReference, current: pd.DataFrame) -> list[str]:
    """The columns that a report on this window would name."""
    window = reference.binned(current)
    columns = watched(reference, window, LIMITS)
    limits = thresholds(reference, current, columns, LIMITS, seed=0)
    return [name for name in columns if _distance(reference.values(name), window[name]) >= limits[name]]


def _distance(left: pd.Series, right: pd.Series) -> float:
    values = sorted({*left.dropna(), *right.dropna()})
    counts = [side.value_counts().reindex(values, fill_value=0).to_numpy() for side in (left, right)]
    return float(jensen_shannon(*counts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=400, help="windows without drift a line; a quarter with drift")
    parser.add_argument("--homes", type=int, default=8, help="references over which a line's windows are spread")
    parser.add_argument("--users", type=int, default=30, help="people of a home; each leaves 130 interactions")
    options = parser.parse_args()
    people = SimulationSettings(users=options.users, days=14, interactions=130 * options.users)
    homes = [replace(people, seed=people.seed + number) for number in range(options.homes)]
    references = [training_reference(home) for home in homes]
    held_out = [reference.rows for reference in references]
    print(f"{len(homes)} homes of {options.users} people, {min(held_out)} to {max(held_out)} reference rows")
    print(f"95 % intervals of rates; false alarms wanted: at most {LIMITS.false_alarm_rate:.1%}, all columns together")
    print(f"{'rows':>6} {'drift':>16} {'windows':>8} {'alarms':>26} {'worst home':>11}   columns")
    for rows in (150, 300, 1_000):
        for kind in (None, *DRIFT_KINDS):
            each = max(1, options.windows // (1 if kind is None else 4) // len(homes))
            named: Counter[str] = Counter()
            alarmed = []
            for home, reference in zip(homes, references, strict=True):
                found = [alarms(reference, served_window(home, week, rows, kind)) for week in range(each)]
                alarmed.append(sum(map(bool, found)))
                named.update(column for columns in found for column in columns)
            windows = each * len(homes)
            rate = wilson(sum(alarmed), windows)
            figures = f"{rate.estimate:.1%} [{rate.low:.1%}, {rate.high:.1%}]"
            worst = f"{max(alarmed)} of {each}"
            print(f"{rows:>6} {kind or 'none':>16} {windows:>8} {figures:>26} {worst:>11}   {dict(named)}", flush=True)


if __name__ == "__main__":
    main()
