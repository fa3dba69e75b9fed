"""Shell commands of people in security trainings, as the KYPO cyber range logs them (Masaryk University).

One JSON object a line, one file a person:

    {"cmd_type": "bash-command", "timestamp_str": "2019-08-14T15:40:19.345589Z", "hostname": "attacker",
     "cmd": "nmap 172.18.1.5", "wd": "/root", …}

Times have four forms (`Z` or an offset, with or without a fraction). The records do not name the person (everybody is
`root`), so a person is identified by the training and the sandbox number in the file's path.

Source: V. Švábenský, J. Vykopal, P. Seda, P. Čeleda, Data in Brief 38:107398, 2021.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from ccml.telemetry.decode import Rejection, decode_object, make_event
from ccml.telemetry.events import Interaction
from ccml.telemetry.readers.json_lines import read_json_lines
from ccml.telemetry.readers.owner import path_text
from ccml.telemetry.readers.record import Facts, Reader, Record, Sample


class _Typed(msgspec.Struct):
    """The fields used; a training may log more."""

    cmd_type: str
    cmd: str
    timestamp_str: Annotated[datetime, Meta(tz=True)]
    hostname: str = ""
    wd: str = ""


_decoder = msgspec.json.Decoder(_Typed)


def read(path: Path, now: datetime, facts: Facts) -> Iterator[Record]:
    person = _person(path)
    # A person's name can be part of the path, and session ids are stored as they are.
    session = "muni:" + hashlib.sha256(person.encode()).hexdigest()[:16]
    occurrences: Counter[tuple[datetime, str]] = Counter()
    facts["files"] += 1
    for found in read_json_lines(path, partial(decode_object, decoder=_decoder)):
        if isinstance(found, Record):
            yield found
            continue
        line, typed = found
        typed_again = occurrences[typed.timestamp_str, typed.cmd]
        occurrences[typed.timestamp_str, typed.cmd] += 1
        identity = f"{person}\0{typed.timestamp_str.isoformat()}\0{typed.cmd}\0{typed_again}"
        tool = typed.cmd_type.removesuffix("-command")
        event = make_event(
            Interaction,
            {
                "event_id": "muni:" + hashlib.sha256(identity.encode()).hexdigest()[:24],
                "time": typed.timestamp_str,
                "user_id": person,
                "session_id": session,
                "source": "muni",
                "command": typed.cmd,
                "tool": tool,
                "directory": typed.wd,
                "host": typed.hostname,
                "platform": "linux",
            },
            now=now,
        )
        if isinstance(event, Rejection):
            yield Record.refused(line, event)
            continue
        facts["tool_calls"] += 1
        facts["bash_commands"] += tool == "bash"
        yield Record(line.number, (event,))


def _person(path: Path) -> str:
    """For example `Junior_hacker_adaptive/2021-05-25/sandbox-25`: every training numbers its sandboxes anew."""
    *_, training, class_, name = ("", "", *Path(path_text(path)).parts)
    parts = [training, class_, name.removesuffix(".json").removesuffix("-useractions")]
    return "muni:" + "/".join(part[-60:] for part in parts)


def fits(sample: Sample) -> bool:
    return any("cmd_type" in found and "timestamp_str" in found for found in sample.objects)


MUNI = Reader("muni", "commands of security trainings, one file a person", ("*.json", "*.jsonl"), fits, read)
