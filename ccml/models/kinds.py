"""The platform's models, one `ModelKind` each: the only place where what differs by model is found by its name.

A model has a folder of its own. The functions that others call have the same names in every folder and are imported at
the first call, so that a server and the command can read this table without torch and pandas:

- `dataset.py`: `build_dataset`, `data_rules`
- `module.py`: `build_module`, `model_inputs`, `run_module`
- `training.py`: `train`
- `study.py`: `search`, where the kind has a search
- `evaluation.py`: `evaluate`
- `served.py`: `served_outcomes`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.expectations import Expectation

    from ccml.datasets.content import Dataset
    from ccml.datasets.splits import Splits
    from ccml.models.artifact import Candidate
    from ccml.models.command.study import StudyResult
    from ccml.models.evaluating import Evaluation
    from ccml.models.job import EvaluationJob, TrainingJob
    from ccml.models.outcomes import ServedOutcomes
    from ccml.profiles import Profile


@dataclass(frozen=True)
class Input:
    """One input of an exported graph."""

    dtype: str
    axes: Mapping[int, str]
    """Axes whose size each call chooses, by what they count. Every other size is fixed by training."""


@dataclass(frozen=True)
class ModelKind:
    """What the rest of the platform needs to know of one model."""

    name: str
    """In asset keys, in `config.json`, in release folders and in the server's metrics."""
    title: str
    """For people."""
    description: str
    """What it is made of and from what to what it leads, in one sentence."""
    package: str
    """The folder with the functions named above."""
    dataset: str
    """Asset under `datasets/` that it is trained and tested on."""
    rows: str
    """What a row of the data set holds, in one sentence."""
    reads_context: bool
    """Whether its rows take what was known before each turn from `datasets/context`."""
    learns_texts: bool
    """Whether a training text that is almost a held-out one gives the answer away. Where sequences are learnt it does
    not: a person repeats a request next week, and predicting its command is the task."""
    report: str
    """Asset under `reports/` that says what it is worth."""
    target: str | None
    """Column of the data set with the right answer; None where a row has none."""
    score: str
    """What a test row is scored by; the report's headline is its mean and the gate compares it."""
    unit: Literal["share", "reward"]
    """Of the score."""
    search: str | None
    """Asset under `models/` that searches for its settings; None where the profile's are taken."""
    tools: frozenset[str]
    """What trains it, as Dagster's kinds."""
    reads_stored_vectors: bool
    """Whether training looks request vectors up in the cache that `features/text_embeddings` fills."""
    inputs: Mapping[str, Input]
    """Of the exported graph, in the order of the module's `forward`."""

    def build_dataset(
        self, clean: pd.DataFrame, context: pd.DataFrame | None, splits: Splits, profile: Profile
    ) -> Dataset:
        """
        Args:
            context: what was known before each turn; None of a kind that does not read it.

        Raises:
            NotEnoughDataError: the interactions do not make such rows, or a split has too few.
        """
        made: Dataset = self._function("dataset", "build_dataset")(clean, context, splits, profile)
        return made

    def data_rules(self) -> Iterator[Expectation]:
        """What the rows of its data set keep beside the rules of every data set."""
        rules: Iterator[Expectation] = self._function("dataset", "data_rules")()
        return rules

    def train(self, job: TrainingJob) -> Candidate:
        """
        Raises:
            NotEnoughDataError: the rows do not carry a model.
        """
        trained: Candidate = self._function("training", "train")(job)
        return trained

    def search_settings(
        self, job: TrainingJob, directory: Path, on_trial: Callable[[dict[str, Any]], None]
    ) -> StudyResult:
        """Only of a kind with a `search`.

        Args:
            directory: of the studies' journal; a search that was cut short goes on from there.

        Raises:
            NotEnoughDataError: the rows do not carry a model, or no trial ended in time.
        """
        found: StudyResult = self._function("study", "search")(job, directory, on_trial)
        return found

    def build(self, candidate: Candidate) -> Any:
        """The torch module with the candidate's weights."""
        return self._function("module", "build_module")(candidate)

    def inputs_of(self, candidate: Candidate, rows: Any) -> dict[str, NDArray[Any]]:
        """Rows of the data set as the graph's inputs, by name and in order."""
        made: dict[str, NDArray[Any]] = self._function("module", "model_inputs")(candidate, rows)
        return made

    def run(self, module: Any, inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Logits (N, V) of the torch module."""
        logits: NDArray[np.float32] = self._function("module", "run_module")(module, inputs)
        return logits

    def evaluate(self, job: EvaluationJob) -> Evaluation:
        """The report on the test rows and the score of each of them.

        Raises:
            NotEnoughDataError: too few test rows.
        """
        made: Evaluation = self._function("evaluation", "evaluate")(job)
        return made

    def served_outcomes(
        self, served: pd.DataFrame, champion: Callable[[], Candidate | None], profile: Profile
    ) -> ServedOutcomes:
        """What is known of its served answers.

        Args:
            served: clean interactions answered by a server.
            champion: loads the model's champion, where there is one: its weights take up to 0.5 GB, and most rules need
                nothing of it.
        """
        read: ServedOutcomes = self._function("served", "served_outcomes")(served, champion, profile)
        return read

    def _function(self, module: str, name: str) -> Any:
        return getattr(import_module(f"{self.package}.{module}"), name)


_ROWS: Final = {0: "batch"}
_TEXT: Final = {
    "input_ids": Input("int64", {0: "batch", 1: "tokens"}),
    "attention_mask": Input("int64", {0: "batch", 1: "tokens"}),
}

COMMAND: Final = ModelKind(
    name="command_predictor",
    title="next command",
    description=(
        "BERT encoder, LSTM, multi-head attention and dense layers: from the request and the session so far to the "
        "next command."
    ),
    package="ccml.models.command",
    dataset="command_sequences",
    rows="A request, the session before it, and the command that was wanted.",
    reads_context=True,
    learns_texts=False,
    report="command_evaluation",
    target="target_template",
    score="top-1 accuracy",
    unit="share",
    search="command_search",
    tools=frozenset({"pytorch", "huggingface", "mlflow"}),
    reads_stored_vectors=True,
    inputs={
        **_TEXT,
        "history_ids": Input("int64", _ROWS),
        "history_outcomes": Input("int64", _ROWS),
        "context": Input("float32", _ROWS),
    },
)

INTENT: Final = ModelKind(
    name="intent_classifier",
    title="intent",
    description=(
        "BERT encoder, eight-head attention pooling and a head an intent: from a request to what it is for, "
        "calibrated, with an out-of-scope answer."
    ),
    package="ccml.models.intent",
    dataset="labelled_requests",
    rows=(
        "Requests and what they ask for, with rewrites of the training ones; no training text is almost a held-out one."
    ),
    reads_context=False,
    learns_texts=True,
    report="intent_evaluation",
    target="intent",
    score="accuracy",
    unit="share",
    search=None,
    tools=frozenset({"pytorch", "huggingface", "mlflow"}),
    reads_stored_vectors=False,
    inputs=_TEXT,
)

POLICY: Final = ModelKind(
    name="policy",
    title="how to act",
    description=(
        "A small network from what is known of a turn to execute, confirm, suggest, ask or hand over; learnt from "
        "logged episodes by clipped importance-weighted policy gradient."
    ),
    package="ccml.models.policy",
    dataset="episodes",
    rows="What the assistant did, with which probability it did so, and what came of it.",
    reads_context=True,
    learns_texts=False,
    report="policy_evaluation",
    target=None,
    score="doubly robust reward",
    unit="reward",
    search=None,
    tools=frozenset({"pytorch", "mlflow"}),
    reads_stored_vectors=False,
    inputs={"features": Input("float32", _ROWS)},
)

KINDS: Final = {kind.name: kind for kind in (COMMAND, INTENT, POLICY)}
"""By name, in the order in which people read of them."""
