"""What watches: files that land, days that wait, traffic that was served, evidence for a retrain, runs that fail.

Each body only reads and asks; what is decided is decided in `ccml.monitoring` and `ccml_assets.staleness`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
import msgspec

from ccml.monitoring.decisions import Evidence, PastRetrain, RetrainDecision, decide_retraining
from ccml_assets import jobs
from ccml_assets.landing import files, files_waiting
from ccml_assets.monitoring import MONITORED, WINDOW, retrain_decision, window
from ccml_assets.skips import skip_reason
from ccml_assets.staleness import last_event
from ccml_assets.versions import code_version
from ccml_resources.platform import Platform

ON = dg.DefaultSensorStatus.RUNNING

BETWEEN_LANDINGS = timedelta(minutes=2)
"""A server closes a log file a minute while it is asked. Each landing is followed by a run that makes its days and one
that looks at what was served; with this, such a server makes at most 90 runs an hour in place of 180.

One run for the three is not to be had: its days are fixed when it is asked for, and only the landing finds them.
"""

CAUSE = "ccml/cause"
"""Tag of a run: what it was asked for. The attempts at one thing have it in common."""
MOST_ATTEMPTS = 3

TRIGGER = "ccml/trigger"
"""Tag of a training: which criterion asked for it."""
EVIDENCE = "ccml/evidence"
"""Tag of a training: id of the evidence window that it answers."""

PREPARED = dg.AssetKey(["clean", "interactions"])


def attempt(
    instance: dg.DagsterInstance, cause: str, tags: Mapping[str, str] | None = None
) -> dg.RunRequest | dg.SkipReason:
    """Asks for a run, again when it failed, and not while one is at work. What a person cancelled stays cancelled.

    A run key is used up by a run that failed: without the number in it, what failed once would wait for the next file,
    or the next night. With `MOST_ATTEMPTS`, what always fails does not run all night either.
    """
    runs = instance.get_runs(dg.RunsFilter(tags={CAUSE: cause}))
    if _at_work(runs):
        return dg.SkipReason("It was asked for and is at work or waits for its turn.")
    failed = sum(run.status == dg.DagsterRunStatus.FAILURE and run.parent_run_id is None for run in runs)
    if failed >= MOST_ATTEMPTS:
        return dg.SkipReason(f"Failed {failed} times; see the failed runs. A change of files, days or code asks again.")
    return dg.RunRequest(run_key=f"{cause}:{failed}", tags={CAUSE: cause, **(tags or {})})


def _at_work(runs: Sequence[dg.DagsterRun]) -> bool:
    """A run whose worker was killed is started again by Dagster, with the same tags; between the two nothing runs."""
    resumed = {run.parent_run_id for run in runs}
    return any(
        not run.is_finished or (run.tags.get("dagster/will_retry") == "true" and run.run_id not in resumed)
        for run in runs
    )


@dg.sensor(
    job=jobs.ingest,
    minimum_interval_seconds=30,
    default_status=ON,
    description="Asks for a landing when files wait that nobody has read as they stand now, at most every two minutes.",
)
def landed_files(context: dg.SensorEvaluationContext, platform: Platform) -> dg.RunRequest | dg.SkipReason:
    """Files that nobody has read yet. The same set of files asks once; a file that has grown since is another set."""
    waiting = files_waiting(platform.home)
    if not waiting:
        return dg.SkipReason("No new files in the landing zone or in a named folder.")
    landed = dg.RunsFilter(job_name=jobs.ingest.name, statuses=[dg.DagsterRunStatus.SUCCESS])
    for last in context.instance.get_run_records(landed, limit=1):
        if datetime.now(UTC) - last.create_timestamp.astimezone(UTC) < BETWEEN_LANDINGS:
            return dg.SkipReason(f"New files: {len(waiting)}. They land together, two minutes after the last landing.")
    version = code_version(files, platform.profile)
    return attempt(context.instance, f"{_digest(sorted(waiting.items()))}:{version}")


prepare_landed_days = dg.AutomationConditionSensorDefinition(
    "prepare_landed_days",
    target=dg.AssetSelection.groups("raw", "clean", "features"),
    minimum_interval_seconds=30,
    default_status=ON,
    # Dagster starts a run that fails again from where it failed, this often; then the next landing asks again.
    run_tags={
        "dagster/max_retries": str(MOST_ATTEMPTS - 1),
        "dagster/retry_on_asset_or_op_failure": "true",
        "dagster/max_runtime": "3600",
    },
    description="Makes the daily tables of each day that landed, landed again, or was made by other code.",
)


@dg.sensor(
    job=jobs.monitor,
    minimum_interval_seconds=60,
    default_status=ON,
    description="Asks for a look at served traffic when days were prepared since the last one.",
)
def prepared_traffic(context: dg.SensorEvaluationContext, platform: Platform) -> dg.RunRequest | dg.SkipReason:
    """Interactions prepared since monitoring last looked."""
    prepared, looked = last_event(context.instance, PREPARED), last_event(context.instance, WINDOW)
    if prepared is None:
        return dg.SkipReason("Nothing was prepared yet.")
    if looked is not None and looked[0] > prepared[0]:
        return dg.SkipReason("Monitoring has seen everything that was prepared.")
    return attempt(context.instance, f"prepared:{prepared[0]}:{code_version(window, platform.profile)}")


class RetrainMemory(msgspec.Struct, frozen=True):
    """What the sensor remembers between ticks; what became of the trainings stands in the instance."""

    seen: str = ""
    """Newest evidence that was decided on, and how many trainings had failed by then."""
    held: str = ""
    """Evidence that the cool-down holds back: its decision is recorded once, and not at every tick until it is over."""


@dg.sensor(
    job=jobs.learn,
    minimum_interval_seconds=60,
    default_status=ON,
    description="Asks for a training on drift, fallen accuracy, new commands or an alert.",
)
def retrain_when_needed(context: dg.SensorEvaluationContext, platform: Platform) -> dg.SensorResult | dg.SkipReason:
    """Drift, fallen accuracy, new commands or an alert ask for a training; each decision is an observation.

    One evidence window is decided on once, and again when the training that it asked for has failed.
    """
    memory = _remembered(context)
    newest = [last_event(context.instance, key) for key, _ in MONITORED.values()]
    if not any(newest):
        return dg.SkipReason("No evidence since the last decision.")
    past, at_work = past_retrains(context.instance)
    if at_work:
        return dg.SkipReason("A training that was asked for is at work or waits for its turn.")
    failed = sum(one.failed for one in past)
    seen = ":".join([*(str(event[0]) if event else "-" for event in newest), str(failed)])
    if seen == memory.seen:
        return dg.SkipReason("No evidence since the last decision.")
    evidence = read_evidence(context.instance, platform)
    limits = platform.profile.monitoring.retrain
    decision = decide_retraining(evidence, past=past, now=datetime.now(UTC), limits=limits)
    if decision.cool_down_until and decision.evidence_id == memory.held:
        return dg.SkipReason(decision.reason)
    # A run key is used up by a run that failed: the number of failures makes another one.
    ask = dg.RunRequest(
        run_key=f"{decision.evidence_id}:{failed}",
        tags={TRIGGER: decision.trigger, EVIDENCE: decision.evidence_id},
    )
    # A "no" that only waits for the cool-down is looked at again at the next tick.
    after = RetrainMemory(
        seen=memory.seen if decision.cool_down_until else seen,
        held=decision.evidence_id if decision.cool_down_until else "",
    )
    return dg.SensorResult(
        run_requests=[ask] if decision.retrain else [],
        asset_events=[observe(decision)],
        cursor=msgspec.json.encode(after).decode(),
    )


def _remembered(context: dg.SensorEvaluationContext) -> RetrainMemory:
    """A cursor that somebody else wrote, or that was cut, is begun anew: the evidence is then decided on once more."""
    try:
        return msgspec.json.decode(context.cursor or "{}", type=RetrainMemory)
    except msgspec.DecodeError as error:
        context.log.warning(f"The cursor of retrain_when_needed cannot be read and is begun anew: {error}")
        return RetrainMemory()


def past_retrains(instance: dg.DagsterInstance) -> tuple[list[PastRetrain], bool]:
    """The trainings that evidence has asked for, oldest first, and whether one of them is still at work.

    What a person cancelled has not failed: it stays cancelled. A run that Dagster starts again by itself counts once.
    """
    filters = dg.RunsFilter(job_name=jobs.learn.name)
    records = [
        record
        for record in reversed(instance.get_run_records(filters, limit=100))
        if EVIDENCE in record.dagster_run.tags
    ]
    runs = [record.dagster_run for record in records]
    outcome = {run.root_run_id or run.run_id: run.status for run in runs}
    past = [
        PastRetrain(
            record.dagster_run.tags[EVIDENCE],
            record.create_timestamp.astimezone(UTC),
            outcome[record.dagster_run.run_id] == dg.DagsterRunStatus.FAILURE,
        )
        for record in records
        if record.dagster_run.run_id in outcome
    ]
    return past, _at_work(runs)


def read_evidence(instance: dg.DagsterInstance, platform: Platform) -> Evidence:
    """The newest reports that were not skipped since."""
    from ccml_resources.lake import documents

    stored = documents(platform.home)
    found = {
        name: stored.read(key, kind) if skip_reason(instance, key) is None and stored.path(key).exists() else None
        for name, (key, kind) in MONITORED.items()
    }
    return Evidence(drift=found["drift"], quality=found["quality"], alerts=found["alerts"] or [])


def observe(decision: RetrainDecision) -> dg.AssetObservation:
    return dg.AssetObservation(
        retrain_decision.key,
        metadata={name: "none" if value is None else value for name, value in msgspec.to_builtins(decision).items()},
    )


def _digest(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()[:16]


@dg.run_failure_sensor(
    default_status=ON,
    minimum_interval_seconds=30,
    description="Writes each failed run as a line of reports/failed_runs.jsonl.",
)
def failed_run(context: dg.RunFailureSensorContext, platform: Platform) -> None:
    """Each failed run as a line of `reports/failed_runs.jsonl`, where `ccml run` and people find it."""
    from ccml.monitoring.failures import FailedRun, note_failure

    note_failure(
        platform.home,
        FailedRun(
            run_id=context.dagster_run.run_id,
            job=context.dagster_run.job_name,
            message=context.failure_event.message or "",
            at=datetime.now(UTC).isoformat(),
        ),
    )


all_sensors = [landed_files, prepare_landed_days, prepared_traffic, retrain_when_needed, failed_run]
