"""Ticks of the real sensors, answered as the daemon answers them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import msgspec
import pytest
from dagster._core.storage.runs.schema import RunsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage

from ccml import atomic
from ccml.monitoring.alerts import Alert
from ccml.monitoring.drift import DriftReport
from ccml.monitoring.quality import QualityReport
from ccml_assets import sensors
from ccml_assets.monitoring import ALERTS, DRIFT, QUALITY, WINDOW, retrain_decision
from ccml_assets.sensors import EVIDENCE, MOST_ATTEMPTS, PREPARED, TRIGGER
from ccml_assets.skips import REASON
from ccml_resources.lake import documents
from ccml_resources.platform import Platform as Resource
from ccml_tests.assets import evening
from ccml_tests.assets.daemon import Daemon
from ccml_tests.assets.platform import DAYS, Platform
from ccml_tests.monitoring.evidence import LIMITS, drift, fell

# Files


def test_files_that_landed_ask_for_one_ingest(platform: Platform) -> None:
    daemon = Daemon(platform, "landed_files")
    platform.put("evening.jsonl", evening.FIRST_EVENING)
    assert len(daemon.ticks()) == 1


def test_an_empty_landing_zone_asks_for_nothing(platform: Platform) -> None:
    daemon = Daemon(platform, "landed_files")
    assert daemon.ticks() == []
    assert "No new files" in str(daemon.skip_message)


def test_another_file_asks_again(platform: Platform) -> None:
    daemon = Daemon(platform, "landed_files")
    platform.put("evening.jsonl", evening.FIRST_EVENING)
    daemon.tick()
    platform.put("morning.jsonl", evening.NEXT_MORNING)
    assert len(daemon.ticks()) == 1


def test_a_file_that_has_grown_asks_again(platform: Platform) -> None:
    daemon = Daemon(platform, "landed_files")
    platform.put("history.jsonl", evening.FIRST_EVENING)
    daemon.tick()
    platform.run("ingest")
    platform.put("history.jsonl", evening.EVENTS)
    later(platform, minutes=2)
    assert len(daemon.ticks()) == 1


def test_files_that_follow_one_another_land_together(platform: Platform) -> None:
    daemon = Daemon(platform, "landed_files")
    platform.put("evening.jsonl", evening.FIRST_EVENING)
    daemon.tick()
    platform.run("ingest")
    platform.put("morning.jsonl", evening.NEXT_MORNING)
    later(platform, minutes=1)
    assert daemon.ticks() == []
    assert "land together" in str(daemon.skip_message)
    platform.put("noon.jsonl", evening.EVENTS)
    later(platform, minutes=1)
    assert len(daemon.ticks()) == 1


def test_files_that_were_read_ask_for_nothing(platform: Platform) -> None:
    daemon = Daemon(platform, "landed_files")
    platform.put("evening.jsonl", evening.EVENTS)
    platform.run("ingest")
    assert daemon.ticks() == []


# Attempts

FAILED = dg.DagsterRunStatus.FAILURE


def ran(
    platform: Platform, request: dg.RunRequest, status: dg.DagsterRunStatus, *, job: str = "ingest"
) -> dg.DagsterRun:
    """What the instance knows of the run that a tick asked for."""
    tags = {key: str(value) for key, value in request.tags.items()}
    return platform.instance.add_run(dg.DagsterRun(job, status=status, tags=tags))


def test_a_run_that_failed_is_asked_for_again_but_not_for_ever(platform: Platform) -> None:
    daemon = Daemon(platform, "landed_files")
    platform.put("evening.jsonl", evening.FIRST_EVENING)
    asked = []
    while requests := daemon.ticks(3):
        asked += requests
        ran(platform, requests[0], FAILED)
    assert len(asked) == MOST_ATTEMPTS
    assert "Failed 3 times" in str(daemon.skip_message)
    platform.put("morning.jsonl", evening.NEXT_MORNING)
    assert len(daemon.ticks()) == 1, "another set of files is another cause"


def test_a_run_at_work_is_waited_for(platform: Platform) -> None:
    daemon = Daemon(platform, "landed_files")
    platform.put("evening.jsonl", evening.FIRST_EVENING)
    (first,) = daemon.tick()
    ran(platform, first, FAILED)
    (again,) = daemon.tick()
    ran(platform, again, dg.DagsterRunStatus.STARTED)
    assert daemon.ticks() == []
    assert "at work" in str(daemon.skip_message)


def test_a_run_that_dagster_starts_again_by_itself_is_waited_for_and_counts_once(platform: Platform) -> None:
    daemon = Daemon(platform, "landed_files")
    platform.put("evening.jsonl", evening.FIRST_EVENING)
    (request,) = daemon.tick()
    killed = dg.DagsterRun("ingest", status=FAILED, tags={**request.tags, "dagster/will_retry": "true"})
    platform.instance.add_run(killed)
    assert daemon.ticks() == []
    again = dg.DagsterRun(
        "ingest", status=FAILED, tags=dict(request.tags), parent_run_id=killed.run_id, root_run_id=killed.run_id
    )
    platform.instance.add_run(again)
    (next_attempt,) = daemon.ticks()
    assert str(next_attempt.run_key).endswith(":1")


def test_a_run_that_was_cancelled_is_not_asked_for_again(platform: Platform) -> None:
    daemon = Daemon(platform, "landed_files")
    platform.put("evening.jsonl", evening.FIRST_EVENING)
    ran(platform, daemon.tick()[0], dg.DagsterRunStatus.CANCELED)
    assert daemon.ticks() == []


# Traffic


def prepare(platform: Platform) -> None:
    platform.instance.report_runless_asset_event(dg.AssetMaterialization(PREPARED, partition=DAYS[0]))


def test_prepared_traffic_asks_for_one_look(platform: Platform) -> None:
    daemon = Daemon(platform, "prepared_traffic")
    assert daemon.ticks() == []
    prepare(platform)
    assert len(daemon.ticks()) == 1


@pytest.mark.parametrize(
    "looked", [dg.AssetMaterialization(WINDOW), dg.AssetObservation(WINDOW, metadata={REASON: "Nothing was served."})]
)
def test_traffic_that_monitoring_has_looked_at_asks_for_nothing(platform: Platform, looked: Any) -> None:
    daemon = Daemon(platform, "prepared_traffic")
    prepare(platform)
    platform.instance.report_runless_asset_event(looked)
    assert daemon.ticks() == []
    prepare(platform)
    assert len(daemon.ticks()) == 1


# Evidence


def report(platform: Platform, *, drifted: DriftReport | None = None, alerts: tuple[Alert, ...] = ()) -> None:
    """What a run of the job `monitor` leaves behind."""
    values = {DRIFT: drifted, QUALITY: QualityReport(findings=[]), ALERTS: list(alerts)}
    for key, value in values.items():
        if value is None:
            skipped = dg.AssetObservation(key, metadata={REASON: "Too little was served."})
            platform.instance.report_runless_asset_event(skipped)
            continue
        atomic.write_bytes(documents(platform.home).path(key), msgspec.json.encode(value))
        platform.instance.report_runless_asset_event(dg.AssetMaterialization(key))


def decisions(platform: Platform) -> list[dict[str, Any]]:
    """Oldest first."""
    records = platform.instance.fetch_observations(retrain_decision.key, limit=100).records
    found = [record.asset_observation for record in records if record.asset_observation]
    return [{name: value.value for name, value in one.metadata.items()} for one in reversed(found)]


@pytest.fixture
def retraining(platform: Platform) -> Daemon:
    return Daemon(platform, "retrain_when_needed")


CALM, NEW_WORDS, OTHER_NEW_WORDS = drift(0, changed=False), drift(1, changed=True), drift(2, changed=True)
SUCCEEDED, STARTED = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.STARTED


def test_drift_asks_for_exactly_one_retrain_in_ten_ticks(platform: Platform, retraining: Daemon) -> None:
    report(platform, drifted=NEW_WORDS)
    (request,) = retraining.ticks()
    assert request.tags[EVIDENCE] == NEW_WORDS.report_id
    assert request.tags[TRIGGER] == "drift"
    (decision,) = decisions(platform)
    assert decision["retrain"] is True
    assert decision["evidence_id"] == NEW_WORDS.report_id
    assert "unknown_words" in decision["reason"]


@pytest.mark.parametrize("cursor", ["{half", '{"seen": 3}', "[]"])
def test_a_damaged_cursor_is_begun_anew(platform: Platform, retraining: Daemon, cursor: str) -> None:
    retraining.cursor = cursor
    report(platform, drifted=NEW_WORDS)
    assert len(retraining.ticks()) == 1


def test_without_drift_ten_ticks_ask_for_nothing_and_say_why_once(platform: Platform, retraining: Daemon) -> None:
    report(platform, drifted=CALM)
    assert retraining.ticks() == []
    (decision,) = decisions(platform)
    assert decision["retrain"] is False
    assert decision["reason"] == "No drift, no fall, nothing new in 300 served answers."


def test_without_evidence_nothing_is_decided(platform: Platform, retraining: Daemon) -> None:
    assert retraining.ticks() == []
    assert decisions(platform) == []


def test_too_little_traffic_is_a_no_with_its_reason(platform: Platform, retraining: Daemon) -> None:
    report(platform, drifted=NEW_WORDS)
    report(platform, drifted=None)
    assert retraining.ticks() == []
    assert [decision["reason"] for decision in decisions(platform)] == ["Too little was served to tell."]


def test_the_same_report_made_again_is_not_answered_again(platform: Platform, retraining: Daemon) -> None:
    for _ in range(3):
        report(platform, drifted=NEW_WORDS)
        for request in retraining.ticks(3):
            ran(platform, request, SUCCEEDED, job="learn")
    found = decisions(platform)
    assert [decision["retrain"] for decision in found] == [True, False, False]
    assert "already answered" in found[-1]["reason"]


def test_a_training_at_work_is_waited_for(platform: Platform, retraining: Daemon) -> None:
    report(platform, drifted=NEW_WORDS)
    ran(platform, retraining.tick()[0], STARTED, job="learn")
    report(platform, drifted=OTHER_NEW_WORDS)
    assert retraining.ticks() == []
    assert "at work" in str(retraining.skip_message)


def test_a_training_that_failed_is_asked_for_again_but_not_for_ever(platform: Platform, retraining: Daemon) -> None:
    report(platform, drifted=NEW_WORDS)
    keys = []
    while requests := retraining.ticks(3):
        (request,) = requests
        keys.append(request.run_key)
        ran(platform, request, FAILED, job="learn")
    assert len(set(keys)) == len(keys) == LIMITS.retrain.attempts
    found = decisions(platform)
    assert [decision["retrain"] for decision in found] == [True, True, True, False]
    assert "attempt 2" in found[1]["reason"]
    assert "failed 3 times" in found[-1]["reason"]


def test_a_training_that_went_well_at_the_second_attempt_is_not_asked_for_again(
    platform: Platform, retraining: Daemon
) -> None:
    report(platform, drifted=NEW_WORDS)
    ran(platform, retraining.tick()[0], FAILED, job="learn")
    ran(platform, retraining.ticks()[0], SUCCEEDED, job="learn")
    report(platform, drifted=NEW_WORDS)
    assert retraining.ticks() == []


def test_a_training_that_was_cancelled_or_resumed_by_dagster_has_not_failed(
    platform: Platform, retraining: Daemon
) -> None:
    report(platform, drifted=NEW_WORDS)
    killed = ran(platform, retraining.tick()[0], FAILED, job="learn")
    again = dg.DagsterRun(
        "learn", status=SUCCEEDED, tags=killed.tags, parent_run_id=killed.run_id, root_run_id=killed.run_id
    )
    platform.instance.add_run(again)
    assert retraining.ticks() == []
    report(platform, drifted=OTHER_NEW_WORDS)
    later(platform, 7)
    ran(platform, retraining.tick()[0], dg.DagsterRunStatus.CANCELED, job="learn")
    assert retraining.ticks() == []


def test_a_second_drift_waits_for_the_cool_down_and_is_answered_after_it(
    platform: Platform, retraining: Daemon
) -> None:
    report(platform, drifted=NEW_WORDS)
    ran(platform, retraining.tick()[0], SUCCEEDED, job="learn")
    report(platform, drifted=OTHER_NEW_WORDS)
    assert retraining.ticks() == []
    held = decisions(platform)[-1]
    assert held["reason"].startswith("Cooling down")
    assert datetime.fromisoformat(held["cool_down_until"]) > datetime.now(UTC)
    assert len(decisions(platform)) == 2
    later(platform, 6)
    assert [request.tags[EVIDENCE] for request in retraining.ticks()] == [OTHER_NEW_WORDS.report_id]
    assert [decision["retrain"] for decision in decisions(platform)] == [True, False, True]


def later(platform: Platform, hours: float = 0, minutes: float = 0) -> None:
    """So much time passes since the runs that the instance knows were created."""
    storage = platform.instance.run_storage
    assert isinstance(storage, SqlRunStorage)
    with storage.connect() as connection:
        for record in platform.instance.get_run_records():
            earlier = record.create_timestamp.replace(tzinfo=None) - timedelta(hours=hours, minutes=minutes, seconds=1)
            connection.execute(
                RunsTable.update().where(RunsTable.c.id == record.storage_id).values(create_timestamp=earlier)
            )


def test_held_evidence_that_is_over_by_then_is_not_answered(platform: Platform, retraining: Daemon) -> None:
    report(platform, drifted=NEW_WORDS)
    ran(platform, retraining.tick()[0], SUCCEEDED, job="learn")
    report(platform, drifted=OTHER_NEW_WORDS)
    retraining.tick()
    report(platform, drifted=CALM)
    later(platform, 6)
    assert retraining.ticks() == []


def test_a_fall_of_accuracy_asks_with_its_own_trigger(platform: Platform, retraining: Daemon) -> None:
    report(platform, drifted=CALM, alerts=(fell(),))
    (request,) = retraining.ticks()
    assert request.tags[TRIGGER] == "accuracy_fell"


def test_a_second_fall_without_a_drift_report_is_answered_after_the_cool_down(
    platform: Platform, retraining: Daemon
) -> None:
    report(platform, alerts=(fell(),))
    ran(platform, retraining.ticks()[0], SUCCEEDED, job="learn")
    report(platform, alerts=(fell(70),))
    assert retraining.ticks() == []
    later(platform, 6)
    assert len(retraining.ticks()) == 1


# Failures


@dg.asset
def broken() -> None:
    raise ValueError("the disk is full")


def test_a_failed_run_is_a_line_of_the_report(platform: Platform) -> None:
    result = dg.materialize([broken], instance=platform.instance, raise_on_error=False)
    run = platform.instance.get_run_by_id(result.run_id)
    assert run is not None
    (failure,) = platform.instance.all_logs(result.run_id, dg.DagsterEventType.RUN_FAILURE)
    assert failure.dagster_event is not None
    context = dg.build_run_status_sensor_context(
        sensor_name="failed_run",
        dagster_event=failure.dagster_event,
        dagster_instance=platform.instance,
        dagster_run=run,
        resources={"platform": Resource(root=str(platform.home.root))},
    ).for_run_failure()
    for _ in range(2):
        sensors.failed_run(context)
    lines = (platform.home.reports / "failed_runs.jsonl").read_bytes().splitlines()
    assert len(lines) == 2
    kept = msgspec.json.decode(lines[0])
    assert kept["run_id"] == result.run_id
    assert "Steps failed: ['broken']" in kept["message"]
