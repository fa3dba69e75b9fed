"""A candidate and its exported graph, opened as a server will open them once they are released."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ccml.features.history import OUTCOME_FAILED, OUTCOME_OK
from ccml.releases.reader import ModelFiles
from ccml.serving.loading.loaded import MODEL_CLASSES, Model
from ccml.serving.loading.opened import SERVED_FILES
from ccml.serving.loading.policy import PolicyModel
from ccml.serving.metrics import Meter
from ccml.serving.schema import ActRequest, PastCommand, Session
from ccml.serving.settings import ServingSettings
from ccml.serving.turn import Turn

_SUCCEEDED = {OUTCOME_OK: True, OUTCOME_FAILED: False}


def open_candidate(name: str, folder: Path, exported: Mapping[str, bytes], served: str) -> Model:
    """
    Args:
        folder: of the candidate.
        exported: file name → bytes of the graphs and their golden inputs.
        served: the graph that the release would serve.

    Raises:
        ReleaseRefusedError: a server would refuse it; the reason names the step.
    """
    files = {file: (folder / file).read_bytes() for file in SERVED_FILES if (folder / file).is_file()}
    settings = ServingSettings()
    opened = ModelFiles(name=name, version="candidate", path=folder, served=served, files={**files, **exported})
    return MODEL_CLASSES[name](opened, settings.threads, settings.candidates, Meter())


def one_answer(model: Model, rows: Any) -> tuple[Callable[[int], object], str]:
    """A function that answers row i of the model's data set as the server answers one request, and what it does.

    Rows of the text models become requests again. An episode holds the policy's features and no text, so what is
    called for it begins with these features.
    """
    if isinstance(model, PolicyModel):
        features = np.stack([np.asarray(row, np.float32) for row in rows["features"]])  # (N, P)
        risks = [str(risk) for risk in rows["risk"]]
        steps = "scaling of stored features, graph and probabilities"
        return lambda i: model.distribution(features[i : i + 1], risks[i : i + 1], None), steps
    requests = [_request(row) for row in rows.to_dict("records")]
    steps = "redaction, parsing of the history, tokens, scaling, graph and ranking"
    return lambda i: model.answer([Turn.of(requests[i])], None), steps


def _request(row: Mapping[str, Any]) -> ActRequest:
    past = [
        PastCommand(command=line, succeeded=_SUCCEEDED.get(int(outcome)))
        for line, outcome in zip(row.get("history_lines", ()), row.get("history_outcomes", ()), strict=True)
    ]
    session = Session(session_id=row["session_id"], user_id=row["user_id"], history=past)
    return ActRequest(request=row["request"], session=session)
