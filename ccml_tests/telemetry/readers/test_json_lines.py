"""Every format of one JSON object a line gives the same damage the same reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ccml_tests.telemetry.readers.reading import read

LIMITS = {
    "native": 256 * 1024,
    "claude-code": 16 * 1024 * 1024,
    "mini-swe-agent": 256 * 1024,
    "muni": 256 * 1024,
}
"""Longest line of each format, in bytes."""


@pytest.mark.parametrize("format", LIMITS)
def test_damaged_lines_are_refused_for_the_same_reason_in_every_format(tmp_path: Path, format: str) -> None:
    path = tmp_path / "log.jsonl"
    lines = [
        b"",
        json.dumps({"text": "x" * LIMITS[format]}).encode(),
        b"not json",
        b'{"text": }',
        b'{"text": "\x00"}',
        b'{"text": "caf\xe9"}',
        b'{"a":' * 50 + b"1" + b"}" * 50,
        b'{"text": "cut h',
    ]
    path.write_bytes(b"\n".join(lines))

    found = read(path, format)

    assert found.skipped == {"blank": 1}
    assert found.refused == dict(
        enumerate(["too_long", "not_json", "bad_json", "nul_byte", "bad_encoding", "too_deep", "truncated"], start=2)
    )
    too_long, *_ = (record for record in found.records if record.rejection)
    assert too_long.rejection is not None
    assert too_long.rejection.reason == f"expected at most {LIMITS[format]} bytes on a line, found {len(lines[1])}"


@pytest.mark.parametrize("format", LIMITS)
def test_a_line_of_the_longest_length_is_decoded_and_one_byte_more_is_not(tmp_path: Path, format: str) -> None:
    path = tmp_path / "log.jsonl"
    longest = json.dumps({"text": "x" * (LIMITS[format] - len(json.dumps({"text": ""})))}).encode()
    path.write_bytes(longest + b"\n" + longest + b" \n")

    refused = read(path, format).refused

    assert refused.get(1) != "too_long"
    assert refused[2] == "too_long"
