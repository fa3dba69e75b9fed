"""The command as it is called: in this process where its words matter, in one of its own where the process does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from ccml.home import Home
from ccml_cli.main import main


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def facts(self) -> Any:
        """What `--json` printed; fails if anything else was printed with it."""
        return json.loads(self.out)


Call: TypeAlias = Callable[..., Done]


@pytest.fixture
def ccml(home: Home, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Calls the command with a fresh home and the smoke profile."""
    # `ccml` sets these for the processes it starts; a test must not leave them to the next one.
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["ccml", *map(str, words)])
        capfd.readouterr()
        try:
            main()
            code: Any = 0
        except SystemExit as ended:
            code = ended.code or 0
        out, err = capfd.readouterr()
        return Done(int(code), out, err)

    return call


@pytest.fixture
def ccml_process(home: Home) -> Call:
    """The installed command in a process of its own."""

    def call(*words: object) -> Done:
        command = [str(Path(sys.executable).with_name("ccml")), *map(str, words)]
        done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=120)
        return Done(done.returncode, done.stdout, done.stderr)

    return call
