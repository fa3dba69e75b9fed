"""Trainings in MLflow, through dagster-mlflow, one MLflow run per asset materialization.

Of dagster-mlflow this uses `MlFlow`, the class behind its `mlflow_tracking` resource, for what its semantics fit: it
points the process at the store, makes a given run the active one, tags it with the Dagster run, keeps MLflow from
ending the run at process exit, logs parameters in chunks, and ends the run FAILED or KILLED after an exception
(`cleanup_on_error`). The run itself is made here first and handed over as `mlflow_run_id`, because left to itself
`MlFlow` looks for a run with the same Dagster run id, or joins whatever is active: two assets of one Dagster run, or
two materializations in one process, would share one MLflow run.

Not used:
- `mlflow_tracking` as a resource: initialised once per step and closed only after an exception, so a run that succeeds
  stays RUNNING; and it costs its 12 s import in every step of the process, also those that log nothing.
- `end_mlflow_on_run_finished`: ends the run only when the last node of the job succeeds. With asset checks in the job
  the last node is a check, and the run stays RUNNING for ever.

A context manager around the asset's work knows when that work ended and how, whatever else is in the job.
"""

import json
import logging
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import dagster as dg
from pydantic import Field

from ccml import atomic
from ccml.errors import CcmlError
from ccml.home import Home
from ccml.quiet import send_nothing_home
from ccml.releases.manifest import PointerName
from ccml.releases.reader import Release, list_versions, read_pointer, read_release

_POINTERS: Final[tuple[PointerName, ...]] = ("champion", "previous")
_ADDRESSES: Final = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Table and column of every address in MLflow's store that lies in the home."""
_TRIAL_STATES: Final = {"complete": "FINISHED", "pruned": "KILLED", "fail": "FAILED"}
"""Optuna's state → MLflow's status: a pruned trial was stopped, not broken."""


class ExperimentRun:
    """One open MLflow run. Values are converted here, so numpy scalars may come in."""

    def __init__(self, tracking: Any, experiment_id: str, tags: Mapping[str, str]) -> None:
        self._tracking = tracking
        self._experiment_id = experiment_id
        self._tags = dict(tags)
        self.run_id: str = tracking.mlflow_run_id

    @property
    def metadata(self) -> dict[str, str]:
        """For the Dagster materialization: which run to look up in the home's store."""
        return {"mlflow_run_id": self.run_id}

    def log_params(self, params: Mapping[str, Any]) -> None:
        self._tracking.log_params(dict(params))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self._tracking.log_metrics({name: float(value) for name, value in metrics.items()}, step=step)

    def log_curves(self, curves: Mapping[str, Sequence[tuple[int, float]]]) -> None:
        """Metrics over their steps, all in one write: a write per step would cost more than a small epoch."""
        from mlflow.entities import Metric

        now = _now_ms()
        points = [Metric(name, float(value), now, step) for name, curve in curves.items() for step, value in curve]
        for start in range(0, len(points), 1_000):  # the most that one batch may carry
            self._tracking.tracking_client.log_batch(self.run_id, metrics=points[start : start + 1_000])

    def log_rows(self, name: str, digest: str, *, source: str, facts: Mapping[str, Any]) -> None:
        """The data set that the run learns from, as its input.

        Args:
            source: of the table, from the home's root.
            facts: such as its rows by split.
        """
        from mlflow.entities import Dataset, DatasetInput, InputTag

        where = json.dumps({"uri": source})
        rows = Dataset(name, digest, source_type="local", source=where, profile=json.dumps(dict(facts)))
        self._tracking.tracking_client.log_inputs(
            self.run_id, datasets=[DatasetInput(rows, [InputTag("mlflow.data.context", "training")])]
        )

    def log_artifact(self, name: str, content: bytes) -> None:
        """A file of the run, such as a plot or a report."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / Path(name).name
            path.write_bytes(content)
            self._tracking.log_artifact(str(path))

    def log_trial(self, trial: Mapping[str, Any]) -> str:
        """A finished trial of a study as a child run, whole and closed, in three writes; returns its id.

        Args:
            trial: as `ccml.models.command.study` reports it: number, state, params, score, epochs (epoch → score),
                seconds.
        """
        from mlflow.entities import Metric, Param

        client = self._tracking.tracking_client
        ended = _now_ms()
        child = client.create_run(
            self._experiment_id,
            run_name=f"trial {trial['number']}",
            start_time=ended - int((trial["seconds"] or 0.0) * 1_000),
            tags={**self._tags, "mlflow.parentRunId": self.run_id, "trial_state": trial["state"]},
        )
        metrics = [Metric("epoch_score", float(score), ended, int(epoch)) for epoch, score in trial["epochs"].items()]
        if trial["score"] is not None:
            metrics.append(Metric("score", float(trial["score"]), ended, 0))
        params = {"number": trial["number"], **trial["params"]}
        client.log_batch(
            child.info.run_id, metrics=metrics, params=[Param(name, str(value)) for name, value in params.items()]
        )
        client.set_terminated(child.info.run_id, status=_TRIAL_STATES[trial["state"]], end_time=ended)
        return str(child.info.run_id)


class Experiments(dg.ConfigurableResource):
    """Where trainings are recorded and releases are listed: a SQLite store and a folder of files under `CCML_HOME`."""

    tracking_uri: str = Field(description="MLflow store. A `file:` store raises since MLflow 3.")
    artifact_root: str = Field(description="Folder that the files of the runs go to.")
    experiment: str = Field(default="ccml", description="MLflow experiment that all runs belong to.")

    @contextmanager
    def run(self, context: dg.AssetExecutionContext) -> Iterator[ExperimentRun]:
        """A new MLflow run for this materialization: FINISHED when the block ends, FAILED when it raises, KILLED on
        an interrupt.

        Raises:
            CcmlError: an MLflow run is active in this thread; everything would be logged into that one.
        """
        mlflow_tracking = _dagster_mlflow()
        import mlflow

        client = self._client()
        active = mlflow.active_run()
        if active is not None:
            raise CcmlError(f"MLflow run {active.info.run_id} is active; end it before another asset starts one.")
        key = context.asset_key.to_user_string()
        tags = {
            "asset_key": key,
            "dagster_run_id": context.run.run_id,
            "code_version": context.assets_def.get_asset_spec(context.asset_key).code_version or "",
        }
        if context.has_partition_key:
            tags["partition"] = context.partition_key
        experiment_id = self._experiment_id(client)
        _close_abandoned(client, experiment_id, key, context.instance)
        created = client.create_run(experiment_id, run_name=_run_name(key, context), tags=tags)
        tracking = mlflow_tracking.MlFlow(
            # The four things that MlFlow reads of a resource's context. It renames the run to the job's name, which
            # says nothing for a run of assets, so it is given the asset's.
            SimpleNamespace(
                log=logging.getLogger(__name__),
                dagster_run=SimpleNamespace(job_name=created.info.run_name),
                run_id=context.run.run_id,
                resource_config={
                    "mlflow_tracking_uri": self.tracking_uri,
                    "experiment_name": self.experiment,
                    "mlflow_run_id": created.info.run_id,
                    "extra_tags": tags,
                },
            )
        )
        try:
            yield ExperimentRun(tracking, experiment_id, tags)
        except BaseException as error:
            reason = str(error) if isinstance(error, CcmlError) else type(error).__name__
            client.set_tag(created.info.run_id, "error", reason)
            tracking.cleanup_on_error()
            raise
        tracking.end_run()

    def add(
        self,
        run_id: str,
        *,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        """What is known of a training only after it ended: its test, its report, the gate's answer."""
        _dagster_mlflow()
        from mlflow.entities import Metric, RunTag

        client, now = self._client(), _now_ms()
        client.log_batch(
            run_id,
            metrics=[Metric(name, float(value), now, 0) for name, value in (metrics or {}).items()],
            tags=[RunTag(name, value) for name, value in (tags or {}).items()],
        )
        if files:
            with tempfile.TemporaryDirectory() as folder:
                for name, content in files.items():
                    (Path(folder) / name).write_bytes(content)
                client.log_artifacts(run_id, folder)

    def mirror_releases(self, models: Path, name: str) -> dict[str, str]:
        """Brings MLflow's registry in line with the releases on the disk; returns version → number in the registry.

        Each release becomes a model version with the signature of its graph, and the aliases `champion` and `previous`
        follow the pointers. The disk leads: this may be repeated at any time and mends what an interrupted call left.

        Raises:
            IntegrityError: a release is not whole; it is not registered.
        """
        _dagster_mlflow()
        from mlflow.exceptions import MlflowException

        client = self._client()
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        known = {one.tags.get("semver"): str(one.version) for one in client.search_model_versions(f"name='{name}'")}
        for version in list_versions(models, name):
            if version not in known:
                release = read_release(models, name, version, keep=("labels.json",))
                registered = client.create_model_version(
                    name,
                    source=self._describe(release).as_uri(),
                    run_id=release.manifest.lineage.mlflow_run_id,
                    tags={
                        "semver": version,
                        "folder": f"{models.name}/{name}/{version}",
                        "manifest_sha256": release.manifest_sha256,
                        "training_data_hash": release.manifest.training_data_hash,
                        "gate": release.manifest.gate.answer,
                    },
                )
                known[version] = str(registered.version)
        for alias in _POINTERS:
            pointer = read_pointer(models, name, alias)
            if pointer is None:
                client.delete_registered_model_alias(name, alias)
            else:
                client.set_registered_model_alias(name, alias, known[pointer.version])
        return {version: number for version, number in known.items() if version is not None}

    def _describe(self, release: Release) -> Path:
        """A folder with MLflow's description of the release, which its pages read the signature from. It lies outside
        of the release, whose folder holds the files of its manifest and no other.
        """
        import numpy as np
        from mlflow.models import Model, ModelSignature
        from mlflow.types import Schema, TensorSpec

        graph = release.manifest.serving
        inputs = [
            TensorSpec(np.dtype(one.dtype), tuple(-1 if size is None else size for size in one.shape), one.name)
            for one in graph.inputs
        ]
        classes = len(release.json("labels.json")["labels"])
        outputs = [TensorSpec(np.dtype("float32"), (-1, classes), "logits")]
        described = Model(
            signature=ModelSignature(inputs=Schema(inputs) if inputs else None, outputs=Schema(outputs)),
            metadata={"name": release.name, "version": release.version, "graph": graph.model},
        )
        folder = Path(self.artifact_root).resolve() / "releases" / release.name / release.version
        atomic.write_text(folder / "MLmodel", described.to_yaml())
        return folder

    def experiment_id(self) -> str:
        """Of the experiment that all runs belong to, made if there is none yet."""
        _dagster_mlflow()
        return self._experiment_id(self._client())

    def follow_the_home(self) -> None:
        """After a move of the home MLflow's addresses lead to the old place; it has no call to change them.

        The experiment knows where the home was when it was made or last followed.
        """
        store = Path(self.tracking_uri.removeprefix("sqlite:///"))
        if not self.tracking_uri.startswith("sqlite:///") or not store.exists():
            return
        artifact_root = Path(self.artifact_root).resolve()
        with closing(sqlite3.connect(store, timeout=60)) as database, database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "experiments" not in tables:
                return
            asked = "SELECT artifact_location FROM experiments WHERE name = ?"
            found = database.execute(asked, [self.experiment]).fetchone()
            here = artifact_root.as_uri()
            if found is None or found[0] == here:
                return
            old, new = (uri.removesuffix(artifact_root.name) for uri in (found[0], here))
            for table, column in _ADDRESSES:
                database.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",  # noqa: S608
                    [new, len(old) + 1, len(old), old],
                )

    def _client(self) -> Any:
        from mlflow import MlflowClient

        if self.tracking_uri.startswith("sqlite:///"):
            store = Path(self.tracking_uri.removeprefix("sqlite:///"))
            store.parent.mkdir(parents=True, exist_ok=True)
        self.follow_the_home()
        return MlflowClient(self.tracking_uri, self.tracking_uri)

    def _experiment_id(self, client: Any) -> str:
        """Made here with a place for its files: MLflow's default is `./mlruns`, wherever the process was started."""
        from mlflow.exceptions import MlflowException

        found = client.get_experiment_by_name(self.experiment)
        if found is None:
            location = Path(self.artifact_root).resolve().as_uri()
            try:
                return str(client.create_experiment(self.experiment, artifact_location=location))
            except MlflowException as error:  # another process made it in between
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                found = client.get_experiment_by_name(self.experiment)
        return str(found.experiment_id)


def experiments(home: Home) -> Experiments:
    return Experiments(tracking_uri=home.mlflow_uri, artifact_root=str(home.root / "mlartifacts"))


def _run_name(key: str, context: dg.AssetExecutionContext) -> str:
    """Such as `command_predictor 28 Nov 08:05` or, of a day, `daily 2026-01-01`."""
    which = context.partition_key if context.has_partition_key else f"{datetime.now(UTC):%d %b %H:%M}"
    return f"{key.split('/')[-1]} {which}"


def _close_abandoned(client: Any, experiment_id: str, key: str, instance: dg.DagsterInstance) -> None:
    """A killed process could not close its MLflow run; once its Dagster run is over, nobody else will either."""
    still_open = client.search_runs([experiment_id], f"attributes.status = 'RUNNING' and tags.asset_key = '{key}'")
    for run in still_open:
        owner = instance.get_run_by_id(run.data.tags.get("dagster_run_id", ""))
        if owner is None or owner.is_finished:
            client.set_terminated(run.info.run_id, status="KILLED")


@cache
def _dagster_mlflow() -> Any:
    """The module, loaded on first use and made quiet: it costs several seconds, and MLflow reports each table
    that it creates."""
    send_nothing_home()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from dagster_mlflow import resources
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return resources


def _now_ms() -> int:
    return int(time.time() * 1_000)
