"""Test rows of the text models with predictions of a known quality, for the tests of the reports."""

from __future__ import annotations

from typing import Any

import numpy as np

from ccml.evaluation.cost import Cost

COST = Cost([5.0 + 0.1 * i for i in range(60)], [1.0, 2.0], "tokens, graph and ranking (model.onnx)")


def guesses(rng: np.random.Generator, targets: Any, classes: int, skill: float) -> Any:
    """(N, V) probabilities whose top class is right in about `skill` of the rows; targets of −1 are always missed."""
    scores = rng.normal(0.0, 1.0, (len(targets), classes))
    right = (rng.random(len(targets)) < skill) & (targets >= 0)
    scores[np.flatnonzero(right), targets[right]] += 6.0
    exponentials = np.exp(scores)
    return (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32)


def command_rows(rng: np.random.Generator, rows: int, classes: int) -> tuple[Any, list[str], Any]:
    """Rows of `command_sequences`, the labels, and the targets (−1 for 3 % whose command is no class)."""
    import pandas as pd

    labels = [f"program{n % (classes // 2)} sub{n}" for n in range(classes)]
    targets = np.minimum(rng.geometric(0.06, rows) - 1, classes - 1)
    targets = np.where(rng.random(rows) < 0.03, -1, targets)
    templates = np.where(targets < 0, "never seen", np.array(labels)[targets])
    session = np.sort(rng.integers(0, max(2, rows // 8), rows))
    families = rng.choice(["files", "git", "process"], rows)
    histories = [["x"] * int(n) for n in rng.integers(0, 9, rows)]
    frame = pd.DataFrame(
        {
            "user_id": [f"u-{s % 60}" for s in session],
            "session_id": [f"s-{s}" for s in session],
            "split": "test",
            "unseen_user": session % 60 < 5,
            "source": "simulator",
            "family": families,
            "request": "show the files",
            "history_templates": histories,
            "history_lines": histories,
            "target_program": [template.split()[0] for template in templates],
            "target_template": templates,
        }
    )
    return frame, labels, targets


def intent_rows(rng: np.random.Generator, rows: int, labels: list[str]) -> tuple[Any, Any]:
    """Rows of `labelled_requests` of which 4 % are out of scope, and the targets (−1 for those)."""
    import pandas as pd

    targets = np.where(rng.random(rows) < 0.04, -1, rng.integers(0, len(labels), rows))
    session = np.sort(rng.integers(0, max(2, rows // 8), rows))
    frame = pd.DataFrame(
        {
            "user_id": [f"u-{s % 60}" for s in session],
            "session_id": [f"s-{s}" for s in session],
            "split": "test",
            "unseen_user": session % 60 < 5,
            "source": "simulator",
            "family": rng.choice(["files", "git", "process"], rows),
            "request": ["word " * int(n) for n in rng.integers(1, 14, rows)],
            "intent": np.where(targets < 0, "out_of_scope", np.array(labels)[targets]),
            "intent_source": rng.choice(["telemetry", "rule"], rows),
        }
    )
    return frame, targets
