"""Small tables with the columns of the real data sets and a rule that a model can learn."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ccml.features.context import CONTEXT_FIELDS

ASKS = {
    "list": (["show the files", "list what is here", "what files are there"], "ls -l"),
    "disk": (["how full is the disk", "show disk space left", "any space left on disk"], "df -h"),
    "status": (["what changed in the repo", "show git state", "any uncommitted work"], "git status"),
    "tests": (["run the tests", "check that tests pass", "start the test suite"], "pytest -q"),
    "processes": (["what is running", "show busy processes", "who eats the cpu"], "ps aux"),
}
AGAIN = "do that again"
"""Only the history says what is meant."""


def command_sequences(rows: int = 600, seed: int = 0, history: int = 4) -> pd.DataFrame:
    """Requests name the command, but for `AGAIN`; a busy machine (first context field) turns `ps aux` into `top -b`."""
    generator = np.random.default_rng(seed)
    records = []
    past: list[tuple[str, str, int]] = []
    for number in range(rows):
        if number % 12 == 0:
            past = []
        context = np.full(len(CONTEXT_FIELDS), np.nan, dtype=np.float32)
        context[0] = generator.normal()
        if past and generator.random() < 0.35:
            request, line = AGAIN, past[-1][0]
        else:
            texts, line = ASKS[str(generator.choice(list(ASKS)))]
            request = str(generator.choice(texts))
            if line == "ps aux" and context[0] > 0:
                line = "top -b"
        program = line.split()[0]
        recent = past[-history:]
        records.append(
            {
                "interaction_id": f"i-{number}",
                "session_id": f"s-{number // 12}",
                "user_id": f"u-{number // 12 % 7}",
                "time": pd.Timestamp("2026-01-01", tz="UTC") + pd.Timedelta(minutes=number),
                "split": _split(number // 12, rows // 12),
                "unseen_user": False,
                "source": "native",
                "family": "files",
                "request": request,
                "history_templates": [template for template, _, _ in recent],
                "history_programs": [name for _, name, _ in recent],
                "history_lines": [template for template, _, _ in recent],
                "history_outcomes": [outcome for _, _, outcome in recent],
                "context": context,
                "target_program": program,
                "target_template": line,
                "target_line": line,
            }
        )
        past.append((line, program, int(generator.integers(0, 3))))
    return pd.DataFrame(records)


def labelled_requests(rows: int = 500, seed: int = 0, out_of_scope: float = 0.08) -> pd.DataFrame:
    """The intent is the key of `ASKS`; some requests are about something else."""
    generator = np.random.default_rng(seed)
    elsewhere = ["tell me a joke", "what is the weather", "order a pizza", "who won the match"]
    records = []
    for number in range(rows):
        if generator.random() < out_of_scope:
            intent, request = "out_of_scope", str(generator.choice(elsewhere))
        else:
            intent = str(generator.choice(list(ASKS)))
            request = str(generator.choice(ASKS[intent][0]))
        records.append(
            {
                "interaction_id": f"i-{number}",
                "session_id": f"s-{number // 10}",
                "user_id": f"u-{number // 10 % 7}",
                "time": pd.Timestamp("2026-01-01", tz="UTC") + pd.Timedelta(minutes=number),
                "split": _split(number // 10, rows // 10),
                "unseen_user": False,
                "source": "native",
                "request": request + str(generator.choice(["", " please", " now", " for me"])),
                "intent": intent,
                "intent_source": "telemetry",
                "augmented": False,
                "family": "files",
            }
        )
    return pd.DataFrame(records)


def _split(session: int, sessions: int) -> str:
    share = session / max(1, sessions)
    return "train" if share < 0.6 else "validation" if share < 0.7 else "calibration" if share < 0.8 else "test"
