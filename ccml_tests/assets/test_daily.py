"""Landing → raw → clean → features, through the jobs that the sensors ask for."""

from __future__ import annotations

import shutil
from collections import Counter

import dagster as dg
import msgspec
import pytest

from ccml.home import Home
from ccml.telemetry.attempts import Attempt
from ccml.telemetry.events import KINDS
from ccml.telemetry.lake import landed_schema, write_once
from ccml.telemetry.schema import field_meanings
from ccml_tests.assets import evening
from ccml_tests.assets.platform import DAYS, INGEST, Platform, checks_of, made_by
from ccml_tests.telemetry import stored

CLEAN = dg.AssetKey(["clean", "interactions"])

EMPTY = "Not evaluated: 0 rows."


def test_each_landed_event_is_one_raw_row(prepared: Platform) -> None:
    files = stored.files(prepared.home.lake)
    landed = sum((Counter(msgspec.json.decode(row)) for row in files["landed"]), Counter())
    raw = {kind: len(prepared.table("raw", kind)) for kind in KINDS}
    assert raw == {kind: landed[kind] for kind in KINDS}
    assert raw["interactions"] > 200


def test_each_day_of_a_table_states_its_own_number_of_rows(prepared: Platform) -> None:
    records = prepared.instance.fetch_materializations(CLEAN, limit=10).records
    made = [record.asset_materialization for record in records if record.asset_materialization]
    counts = {one.partition: one.metadata["dagster/row_count"].value for one in made}
    clean = prepared.table("clean", "interactions")
    assert counts == dict(Counter(clean["day"]))
    assert [column.name for column in made[0].metadata["dagster/column_schema"].value.columns] == list(clean.columns)


@pytest.mark.parametrize("kind", KINDS)
def test_each_declared_column_of_a_raw_table_is_described_where_it_is_shown(prepared: Platform, kind: str) -> None:
    (record,) = prepared.instance.fetch_materializations(dg.AssetKey(["raw", kind]), limit=1).records
    assert record.asset_materialization is not None
    columns = record.asset_materialization.metadata["dagster/column_schema"].value.columns
    assert {column.name: column.description for column in columns} == {
        **field_meanings(kind),
        "day": "Date of `time` in UTC: the partition.",
    }
    assert "object" not in {column.type for column in columns}


def test_each_column_of_the_clean_table_is_described_where_it_is_shown(prepared: Platform) -> None:
    (record,) = prepared.instance.fetch_materializations(CLEAN, limit=1).records
    assert record.asset_materialization is not None
    columns = record.asset_materialization.metadata["dagster/column_schema"].value.columns
    assert not [column.name for column in columns if not column.description]


@pytest.mark.parametrize(
    "name", ["state_vectors", "outcome_features", "temporal_features", "user_context", "text_embeddings"]
)
def test_a_column_of_a_feature_table_has_the_type_that_its_values_have(prepared: Platform, name: str) -> None:
    (record,) = prepared.instance.fetch_materializations(dg.AssetKey(["features", name]), limit=1).records
    assert record.asset_materialization is not None
    shown = record.asset_materialization.metadata
    types = {column.name: column.type for column in shown["dagster/column_schema"].value.columns}
    assert "object" not in types.values()
    if name == "text_embeddings":
        assert types["embedding"].startswith("list<")
    assert "columns" not in shown, "the page lists them once"


def test_the_page_of_the_landing_shows_nothing_empty(prepared: Platform) -> None:
    (record,) = prepared.instance.fetch_materializations(INGEST, limit=1).records
    assert record.asset_materialization is not None
    shown = {name: value.value for name, value in record.asset_materialization.metadata.items()}
    assert [name for name, value in shown.items() if value in ({}, [])] == []
    assert shown["landed"]["interactions"] > 200
    assert shown["duplicates"] == 0


def test_each_raw_interaction_is_one_clean_row_of_its_day(prepared: Platform) -> None:
    raw, clean = prepared.table("raw", "interactions"), prepared.table("clean", "interactions")
    assert sorted(clean["interaction_id"]) == sorted(raw["event_id"])
    assert Counter(clean["day"]) == Counter(raw["day"])
    files = sorted(path.stem for path in (prepared.home.lake / "clean" / "interactions").glob("*.parquet"))
    assert files == DAYS


@pytest.mark.parametrize("name", ["state_vectors", "outcome_features", "temporal_features", "user_context"])
def test_each_feature_table_has_one_row_per_clean_interaction(prepared: Platform, name: str) -> None:
    rows = prepared.table("features", name)["interaction_id"]
    assert sorted(rows) == sorted(prepared.table("clean", "interactions")["interaction_id"])


def test_each_text_of_a_day_has_one_vector(prepared: Platform) -> None:
    clean, embedded = prepared.table("clean", "interactions"), prepared.table("features", "text_embeddings")
    texts = {(row.day, kind, getattr(row, kind)) for row in clean.itertuples() for kind in ("request", "template")}
    assert len(embedded) == len({one for one in texts if one[2]})
    assert embedded["embedding"].map(len).nunique() == 1


def test_a_sitting_that_runs_past_midnight_is_one_session(prepared: Platform) -> None:
    clean = prepared.table("clean", "interactions").set_index("interaction_id").loc[list(evening.TURNS)]
    assert clean["session_id"].nunique() == 1
    assert clean["position"].tolist() == [0, 1, 2, 3]
    assert clean["day"].tolist() == [DAYS[0], DAYS[0], DAYS[1], DAYS[1]]


def test_a_rating_given_after_midnight_counts_for_the_turn_before_it(prepared: Platform) -> None:
    clean = prepared.table("clean", "interactions").set_index("interaction_id")
    assert clean.loc[evening.RATED, "rating"] == 5
    assert not len(prepared.table("clean", "rejected"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_raw_table_names_no_user(prepared: Platform, kind: str) -> None:
    assert prepared.table("raw", kind)["user_id"].str.fullmatch(r"u-[0-9a-f]{12}").all()


def test_the_sums_of_a_landing_add_up(prepared: Platform) -> None:
    (record,) = prepared.instance.fetch_materializations(INGEST, limit=1).records
    assert record.asset_materialization is not None
    found = {name: value.value for name, value in record.asset_materialization.metadata.items()}
    assert found["files"] == 4
    assert found["days"] == DAYS
    assert found["lines"] == found["landed_lines"] + found["duplicates"] + found["blank"]
    assert "quarantined" not in found, "no line was"


def test_the_same_files_land_once(prepared: Platform, home: Home) -> None:
    shutil.copytree(prepared.home.root, home.root)
    again = Platform(home)
    assert again.run("ingest").success
    (record,) = again.instance.fetch_materializations(INGEST, limit=1).records
    assert record.asset_materialization is not None
    assert record.asset_materialization.metadata["files"].value == 0
    assert record.asset_materialization.metadata["already_landed"].value == 4


def test_a_day_with_a_rating_alone_is_prepared(platform: Platform) -> None:
    platform.put("rating.jsonl", [event for event in evening.EVENTS if event.event_id == "late-rating"])
    assert platform.run("ingest").success
    result = platform.run("prepare", days=(DAYS[1], DAYS[1]))
    assert result.success
    unseen = {found.asset_key for found in result.get_asset_check_evaluations() if found.description == EMPTY}
    assert {key for (key, _), passed in checks_of(result).items() if not passed} == {
        key.to_user_string() for key in unseen
    }
    assert dg.AssetKey(["raw", "feedback"]) not in unseen
    rejected = platform.table("clean", "rejected")
    assert rejected[["event_id", "reason"]].to_numpy().tolist() == [["late-rating", "unknown_interaction"]]
    assert platform.pending() == []


def test_a_day_that_is_prepared_again_replaces_its_rows(platform: Platform) -> None:
    platform.put("evening.jsonl", evening.EVENTS)
    platform.run("ingest")
    for _ in range(2):
        assert platform.run("prepare", days=(DAYS[0], DAYS[1])).success
    assert sorted(platform.table("clean", "interactions")["interaction_id"]) == sorted(evening.TURNS)


def test_a_broken_table_fails_its_check_and_nothing_is_made_of_it(prepared: Platform, home: Home) -> None:
    shutil.copytree(prepared.home.root, home.root)
    broken = Platform(home)
    row = dict.fromkeys(landed_schema("feedback").names) | {
        "event_id": "f-broken",
        "interaction_id": "late-0",
        "time": evening.MIDNIGHT,
        "user_id": "u-00000000000a",
        "session_id": "late",
        "source": "native",
        "rating": 9,
        "day": DAYS[1],
        "file": "d",
        "line": 1,
        "event_key": 1,
        "content_key": 1,
        "landed_at": evening.MIDNIGHT,
    }
    import pyarrow as pa

    rows = {"d": pa.Table.from_pylist([row], schema=landed_schema("feedback"))}
    write_once(home.lake, "feedback", rows, {"d": Attempt(1, "native")})
    broken.run("ingest")
    result = broken.run("prepare", days=(DAYS[1], DAYS[1]))
    assert not result.success
    checks = checks_of(result)
    assert checks.pop(("raw/feedback", "expectations")) is False
    failed = {
        one.partition: str(one.description)
        for one in result.get_asset_check_evaluations()
        if not one.passed and one.severity == dg.AssetCheckSeverity.ERROR
    }
    assert failed.keys() == {None, DAYS[1]}, "once for the run, once for its day"
    assert failed[None] == "`rating` is 1 to 5: 1 of 44 rows break it, for example 9."
    assert failed[DAYS[1]].startswith(failed[None])
    assert CLEAN not in made_by(result)
    assert not any(key.path[0] == "features" for key in made_by(result))


@pytest.mark.parametrize("key", [dg.AssetKey(["raw", "interactions"]), CLEAN], ids=str)
def test_each_day_of_a_run_over_several_has_the_verdict_of_its_check(prepared: Platform, key: dg.AssetKey) -> None:
    check = dg.AssetCheckKey(key, "expectations")
    infos = prepared.instance.event_log_storage.get_asset_check_partition_info([check], partition_keys=DAYS)
    found = {info.partition_key: (info.latest_execution_status.value, info.is_current) for info in infos}
    assert found == dict.fromkeys(DAYS, ("SUCCEEDED", True))
