"""What `ccml ask` does: describes this machine and this place, asks a server or the releases here, shows the answer."""

from __future__ import annotations

import getpass
import os
import platform
import shutil
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ccml.errors import CcmlError, InputError
from ccml.serving.schema import ActRequest, Answer

DEFAULT_URL = "http://127.0.0.1:8321"
_RISK_STYLE = {"safe": "green", "ask": "yellow", "danger": "bold red"}


def ask(request: str, *, url: str = DEFAULT_URL, directory: str = "", history: Sequence[str] = ()) -> Answer:
    """Asks a running server, which logs the answer.

    Args:
        directory: where the user is; the working directory if not given.
        history: earlier commands of the session, oldest first.

    Raises:
        InputError: no server answers at `url`, or it refuses the request as malformed.
        CcmlError: the server is overloaded or answers something else.
    """
    try:
        response = httpx.post(f"{url}/v1/act", json=_body(request, directory, history), timeout=10.0)
    except httpx.TransportError as error:
        raise InputError(
            f"No server answers at {url} ({type(error).__name__}). Start one with `ccml serve`, or name it with --url."
        ) from error
    if response.status_code == 200:
        return msgspec.json.decode(response.content, type=Answer)
    problem = _problem(response)
    if response.status_code in (400, 413, 422):
        raise InputError(f"The server refused the request: {problem}")
    raise CcmlError(f"The server answered {response.status_code}: {problem}")


def ask_here(request: str, *, models: Path, directory: str = "", history: Sequence[str] = ()) -> Answer:
    """Loads the champions into this process and asks them. The same answer as a server's, but nobody logs it.

    Raises:
        InputError: the request is malformed.
    """
    from ccml.serving.answers.answer import answer_of
    from ccml.serving.answers.predictor import Predictor
    from ccml.serving.http.reading import read
    from ccml.serving.http.refusal import RefusedError
    from ccml.serving.interrupt import Interrupt
    from ccml.serving.loading.loaded import LoadedModels
    from ccml.serving.metrics import Meter
    from ccml.serving.settings import ServingSettings
    from ccml.serving.turn import Turn

    try:
        asked = read(msgspec.json.encode(_body(request, directory, history)), ActRequest)
    except RefusedError as error:
        raise InputError(f"The request cannot be used: {error.problem}") from None
    settings, meter = ServingSettings(), Meter()
    loaded = LoadedModels(models, settings, meter)
    loaded.look()
    started = time.monotonic()
    (decision,) = Predictor(loaded, settings, meter).decide([Turn.of(asked)], Interrupt())
    return answer_of(decision, started)


def _body(request: str, directory: str, history: Sequence[str]) -> dict[str, Any]:
    return {
        "request": request,
        "session": {
            "session_id": f"ask-{uuid.uuid4().hex[:12]}",
            "user_id": getpass.getuser(),
            "directory": directory or str(Path.cwd()),
            "platform": "macos" if sys.platform == "darwin" else sys.platform,
            "history": [{"command": line} for line in history],
            "state": machine_state(),
        },
    }


def machine_state() -> dict[str, Any]:
    """Load, memory and disk, as far as the standard library can read them on this platform."""
    state: dict[str, Any] = {}
    disk = shutil.disk_usage(Path.cwd())
    state["disk_percent"] = round(100.0 * disk.used / disk.total, 1)
    if hasattr(os, "getloadavg"):
        state["load_1m"] = round(os.getloadavg()[0], 2)
    if platform.system() == "Linux":
        memory = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        total, free = (float(memory[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
        state["memory_percent"] = round(100.0 * (1.0 - free / total), 1)
        state["processes"] = sum(entry.name.isdigit() for entry in Path("/proc").iterdir())
    return state


def panel(answer: Answer) -> RenderableType:
    """For a terminal: intent, ranked commands and action, each with its confidence and the responder that answered."""
    table = Table(box=None, pad_edge=False)
    for heading in ("", "command", "confidence", "risk"):
        table.add_column(heading)
    for place, command in enumerate(answer.commands, start=1):
        risk = Text(command.risk, style=_RISK_STYLE.get(command.risk, ""))
        table.add_row(str(place), Text(command.command), _percent(command.confidence), risk)
    label = answer.intent.label or "unknown"
    if answer.intent.out_of_scope:
        label += ", probably out of scope"
    lines: list[RenderableType] = [
        Text(f"intent   {label}  {_percent(answer.intent.confidence)}  [{_who(answer.intent)}]"),
        Text(f"action   {answer.action.name}  {_drawn(answer.action.propensity)}  [{_who(answer.action)}]"),
        Text(f"commands [{answer.command_served_by} {answer.command_version or ''}]".replace(" ]", "]")),
        table if answer.commands else Text("  none; this one is for a person"),
        Text(f"{answer.latency_ms:.1f} ms", style="dim"),
    ]
    if answer.degraded:
        lines.append(Text(f"degraded: {'; '.join(answer.reasons) or answer.served_by}", style="yellow"))
    return Group(*lines)


def _who(part: Any) -> str:
    # Rules, defaults and people sign with their own name as version.
    return part.served_by if part.version in (None, part.served_by) else f"{part.served_by} {part.version}"


def _drawn(propensity: float | None) -> str:
    return "not drawn" if propensity is None else f"propensity {propensity:.3f}"


def _percent(confidence: float | None) -> str:
    return "–" if confidence is None else f"{100 * confidence:.1f} %"


def _problem(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"]["problem"])
    except (ValueError, KeyError, TypeError):
        return response.text[:200]
