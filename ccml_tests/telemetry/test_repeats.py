from __future__ import annotations

import random
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from ccml.telemetry import repeats, waiting
from ccml.telemetry.attempts import Attempt
from ccml.telemetry.event_rows import key_schema
from ccml.telemetry.lake import landed_schema, write_once
from ccml.telemetry.repeats import compare
from ccml.telemetry.waiting import WaitingRows

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ATTEMPTS = {file: Attempt(1, "native") for file in ("f", "first", "b", "landed before")}


def offered(folder: Path, keys: list[tuple[int, int]], per_batch: int = 7) -> WaitingRows:
    rows = WaitingRows(folder, key_schema())
    for start in range(0, len(keys), per_batch):
        event_keys, contents = zip(*keys[start : start + per_batch], strict=True)
        lines, days = range(len(event_keys)), [date(2026, 1, 1)] * len(event_keys)
        rows.add(pa.RecordBatch.from_arrays([*map(pa.array, (lines, event_keys, contents, days))], schema=key_schema()))
    return rows


def land(lake: Path, keys: list[tuple[int, int]], file: str) -> None:
    rows = [
        {"event_id": "e", "time": NOW, "user_id": "u", "session_id": "s", "day": "2026-01-01", "file": file}
        | {"event_key": key, "content_key": content, "line": 1, "landed_at": NOW}
        for key, content in keys
    ]
    write_once(
        lake, "system_states", {file: pa.Table.from_pylist(rows, schema=landed_schema("system_states"))}, ATTEMPTS
    )


@pytest.mark.parametrize("keys_at_once", [1_000_000, 20, 3])
def test_repeats_are_those_that_a_dictionary_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys_at_once: int
) -> None:
    monkeypatch.setattr(repeats, "_KEYS_AT_ONCE", keys_at_once)
    monkeypatch.setattr(waiting, "_BYTES_IN_MEMORY", 500)
    rng = random.Random(keys_at_once)
    pool = [rng.randrange(-(2**63), 2**63) for _ in range(60)]
    draw = [[(rng.choice(pool), rng.randrange(2)) for _ in range(50)] for _ in range(3)]
    land(tmp_path, [(key, 0) for key in pool[:20]], "landed before")
    land(tmp_path, draw[1], "b")  # a landing that was killed before the file's own row; its rows are not repeats

    files = {name: offered(tmp_path, keys) for name, keys in zip("abc", draw, strict=True)}
    found = compare("system_states", files, tmp_path, but_of=[*files])

    seen = dict.fromkeys(pool[:20], 0)
    for name, keys in zip("abc", draw, strict=True):
        assert found[name].is_new.tolist() == [
            key not in seen and seen.setdefault(key, content) == content for key, content in keys
        ]
        first = {**seen}
        assert found[name].contradicts.tolist() == [content != first[key] for key, content in keys]


def test_nothing_offered_is_nothing_compared(tmp_path: Path) -> None:
    assert compare("system_states", {}, tmp_path, but_of=[]) == {}
