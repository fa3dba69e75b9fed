"""Tables and documents through the real managers: what goes in comes out."""

from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from ccml.errors import DamagedFileError, IntegrityError
from ccml.evaluation.statistics import Interval
from ccml.monitoring.alerts import Alert
from ccml_resources.lake import DAYS_BESIDE, DocumentIOManager, TableIOManager

DAYS = dg.DailyPartitionsDefinition("2026-03-01", end_date="2026-03-08")
SINGLE_RUN = dg.BackfillPolicy.single_run()

given: dict[str, Any] = {}
"""What the assets below make next, by name."""


@dg.asset(key=["raw", "daily"], partitions_def=DAYS, backfill_policy=SINGLE_RUN)
def daily() -> Any:
    return given["daily"]


@dg.asset(
    key=["clean", "echo"], ins={"daily": dg.AssetIn(["raw", "daily"])}, partitions_def=DAYS, backfill_policy=SINGLE_RUN
)
def echo(daily: Any) -> Any:
    given["echo"] = daily
    return daily


@dg.asset(
    key=["clean", "sessions"],
    ins={"daily": dg.AssetIn(["raw", "daily"], metadata={DAYS_BESIDE: True})},
    partitions_def=DAYS,
    backfill_policy=SINGLE_RUN,
)
def sessions(daily: Any) -> Any:
    given["sessions"] = daily
    return daily.iloc[:0]


@dg.asset(key=["datasets", "whole"], ins={"daily": dg.AssetIn(["raw", "daily"])})
def whole(daily: Any) -> Any:
    return daily


@dg.asset(key=["datasets", "after"], ins={"whole": dg.AssetIn(["datasets", "whole"])})
def after(whole: Any) -> None:
    given["after"] = whole


@dg.asset(key=["monitoring", "raised"], io_manager_key="documents")
def raised() -> Any:
    return given["raised"]


@dg.asset(ins={"raised": dg.AssetIn(["monitoring", "raised"])})
def reader(raised: list[Alert]) -> None:
    given["reader"] = raised


@dg.asset(ins={"raised": dg.AssetIn(["monitoring", "raised"])})
def plain_reader(raised: dict[str, Any]) -> None:
    given["plain_reader"] = raised


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def make(
    lake: Path, *assets: Any, days: tuple[str, str] | None = None, instance: dg.DagsterInstance | None = None
) -> None:
    """Raises what the asset or its manager raises."""
    everything = [daily, echo, sessions, whole, after, raised, reader, plain_reader]
    tags = {f"dagster/asset_partition_range_{end}": day for end, day in zip(("start", "end"), days or (), strict=False)}
    dg.materialize(
        everything,
        selection=dg.AssetSelection.assets(*assets),
        tags=tags,
        resources={"io_manager": TableIOManager(root=str(lake)), "documents": DocumentIOManager(root=str(lake))},
        instance=instance or dg.DagsterInstance.ephemeral(),
    )


def rows(*days: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "day": [f"2026-03-{day:02d}" for day in days],
            "number": pd.array(range(len(days)), dtype="Int64"),
            "vector": [[0.5, float(day)] for day in days],
        }
    )


def test_a_table_over_days_comes_back_as_it_was(lake: Path) -> None:
    given["daily"] = rows(1, 1, 2, 3)
    make(lake, daily, echo, days=("2026-03-01", "2026-03-03"))
    assert given["echo"].drop(columns="vector").equals(given["daily"].drop(columns="vector"))
    assert [list(vector) for vector in given["echo"]["vector"]] == given["daily"]["vector"].tolist()
    assert sorted(path.name for path in (lake / "raw" / "daily").iterdir()) == [
        "2026-03-01.parquet",
        "2026-03-02.parquet",
        "2026-03-03.parquet",
    ]


def test_a_day_is_read_without_its_neighbours(lake: Path) -> None:
    given["daily"] = rows(1, 2, 3)
    make(lake, daily, days=("2026-03-01", "2026-03-03"))
    make(lake, echo, days=("2026-03-02", "2026-03-02"))
    assert given["echo"]["day"].tolist() == ["2026-03-02"]


def test_a_whole_table_gets_all_days_and_comes_back_as_it_was(lake: Path) -> None:
    given["daily"] = rows(1, 5)
    make(lake, daily, days=("2026-03-01", "2026-03-05"))
    make(lake, whole, after)
    assert given["after"]["day"].tolist() == ["2026-03-01", "2026-03-05"]


def test_days_that_were_never_made_are_days_without_rows(lake: Path) -> None:
    make(lake, echo, days=("2026-03-02", "2026-03-04"))
    assert len(given["echo"]) == 0


@pytest.mark.parametrize("made", [rows(1, 2), rows(2)], ids=["a day with rows", "a day without"])
def test_a_missing_file_of_a_day_that_was_made_is_an_error(lake: Path, made: pd.DataFrame) -> None:
    given["daily"] = made
    with dg.DagsterInstance.ephemeral() as instance:
        make(lake, daily, days=("2026-03-01", "2026-03-02"), instance=instance)
        (lake / "raw" / "daily" / "2026-03-01.parquet").unlink()
        with pytest.raises(IntegrityError, match=r"2026-03-01.parquet is missing .* materialize 2026-03-01 of raw/dai"):
            make(lake, echo, days=("2026-03-01", "2026-03-02"), instance=instance)
        with pytest.raises(IntegrityError, match=r"2026-03-01.parquet is missing"):
            make(lake, whole, instance=instance)
        make(lake, echo, days=("2026-03-02", "2026-03-02"), instance=instance)
    assert given["echo"]["day"].tolist() == ["2026-03-02"]


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more"])
def test_a_damaged_file_is_an_error_that_names_it_and_the_cure(lake: Path, content: bytes) -> None:
    given["daily"], given["raised"] = rows(1), {"a": 1}
    make(lake, daily, days=("2026-03-01", "2026-03-01"))
    make(lake, raised)
    table, document = lake / "raw" / "daily" / "2026-03-01.parquet", lake / "monitoring" / "raised.json"
    for path in (table, document):
        path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"2026-03-01\.parquet: .* Materialize raw/daily again\."):
        make(lake, echo, days=("2026-03-01", "2026-03-01"))
    with pytest.raises(DamagedFileError, match=r"raised\.json: .* Materialize monitoring/raised again\."):
        make(lake, plain_reader)


def test_a_day_that_lost_its_rows_keeps_an_empty_file(lake: Path) -> None:
    given["daily"] = rows(1, 2)
    make(lake, daily, days=("2026-03-01", "2026-03-02"))
    given["daily"] = rows(2)
    make(lake, daily, days=("2026-03-01", "2026-03-02"))
    files = sorted((lake / "raw" / "daily").iterdir())
    assert [(path.stem, len(pd.read_parquet(path))) for path in files] == [("2026-03-01", 0), ("2026-03-02", 1)]


def test_an_asset_that_wants_the_days_beside_its_own_gets_those_that_were_made(lake: Path) -> None:
    given["daily"] = rows(1, 2, 3, 5)
    make(lake, daily, days=("2026-03-01", "2026-03-05"))
    make(lake, sessions, days=("2026-03-02", "2026-03-02"))
    assert given["sessions"]["day"].tolist() == ["2026-03-01", "2026-03-02", "2026-03-03"]
    make(lake, sessions, days=("2026-03-05", "2026-03-05"))
    assert given["sessions"]["day"].tolist() == ["2026-03-05"]


def test_an_empty_table_without_columns_is_a_range_without_rows(lake: Path) -> None:
    given["daily"] = pd.DataFrame()
    make(lake, daily, days=("2026-03-01", "2026-03-02"))
    make(lake, echo, days=("2026-03-01", "2026-03-02"))
    assert len(given["echo"]) == 0


def test_a_row_of_a_day_that_the_run_does_not_make_is_refused(lake: Path) -> None:
    given["daily"] = rows(1, 4)
    with pytest.raises(IntegrityError, match="raw/daily gave rows of 2026-03-04, a day this run does not make"):
        make(lake, daily, days=("2026-03-01", "2026-03-02"))
    assert not (lake / "raw" / "daily").exists()


@pytest.mark.parametrize("value", [{"day": "2026-03-01"}, [1], None])
def test_what_is_not_a_table_is_refused(lake: Path, value: Any) -> None:
    given["daily"] = value
    with pytest.raises(IntegrityError, match="expected a DataFrame"):
        make(lake, daily, days=("2026-03-01", "2026-03-01"))


def test_a_whole_table_that_was_never_made_is_named(lake: Path) -> None:
    with pytest.raises(IntegrityError, match="materialize datasets/whole first"):
        make(lake, after)


def test_a_document_comes_back_as_the_type_that_its_reader_names(lake: Path) -> None:
    alert = Alert(
        name="memory", level="alert", value=Interval(600.0, 590.0, 610.0), limit=512.0, unit="MB", reason="600 MB"
    )
    given["raised"] = [alert]
    make(lake, raised, reader)
    assert given["reader"] == [alert]
    assert type(given["reader"][0].value) is Interval
    assert (lake / "monitoring" / "raised.json").is_file()


def test_a_document_that_does_not_fit_its_reader_is_refused(lake: Path) -> None:
    given["raised"] = {"name": "memory"}
    make(lake, raised, plain_reader)
    assert given["plain_reader"] == {"name": "memory"}
    with pytest.raises(Exception, match=r"Expected `array`, got `object`"):
        make(lake, reader)


def test_a_document_that_was_never_made_is_named(lake: Path) -> None:
    with pytest.raises(IntegrityError, match="materialize monitoring/raised first"):
        make(lake, reader)


@dg.asset(key=["datasets", "small"])
def small() -> Any:
    return pd.DataFrame({"request": ["list"], "vector": [[1.0, 2.0]], "own": [1]})


def test_a_table_that_is_not_daily_states_its_rows_and_columns(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [small], instance=instance, resources={"io_manager": TableIOManager(root=str(tmp_path))}
        )
    (made,) = result.get_asset_materialization_events()
    found = made.materialization.metadata
    assert found["dagster/row_count"].value == 1
    columns = found["dagster/column_schema"].value
    assert isinstance(columns, dg.TableSchema)
    assert [(one.name, one.type) for one in columns.columns] == [
        ("request", "string"),
        ("vector", "list<element: double>"),
        ("own", "int64"),
    ]
