"""How assets keep their values: tables as Parquet, one file a day where they are partitioned, everything else as JSON.

Dagster's own filesystem manager pickles and writes in place: a pickle runs code when it is read, and a kill during the
write leaves nothing readable. Both managers here write beside and rename.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import msgspec
from pydantic import Field

from ccml import atomic
from ccml.errors import DamagedFileError, IntegrityError
from ccml.home import Home
from ccml.stored import read_json

DAYS_BESIDE = "days_beside"
"""Metadata of an input: the asset wants the days before and after its own as well, where they hold rows."""


class TableIOManager(dg.ConfigurableIOManager):
    """DataFrames under `<lake>/<layer>/<name>/`: `<day>.parquet` for a daily asset, `all.parquet` for any other.

    A daily asset's frame has a `day` column that says which file a row belongs to. A run over several days gets and
    gives one frame. Each materialized day has a file, an empty one where the day has no rows.
    """

    root: str = Field(description="Folder of the lake: tables of derived rows, beside the landed ones.")

    def folder(self, key: dg.AssetKey) -> Path:
        return Path(self.root).joinpath(*key.path)

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        import pandas as pd

        if not isinstance(obj, pd.DataFrame):
            raise IntegrityError(
                f"{context.asset_key.to_user_string()} gave {type(obj).__name__}; expected a DataFrame."
            )
        folder = self.folder(context.asset_key)
        if not context.has_asset_partitions:
            columns = self._write(folder / "all.parquet", obj)
            shown = dg.TableSchema([dg.TableColumn(one.name, str(one.type)) for one in columns])
            context.add_output_metadata({"dagster/row_count": len(obj), "dagster/column_schema": shown})
            return
        by_day = dict(tuple(obj.groupby("day", sort=False))) if len(obj) else {}
        stray = sorted(set(by_day) - set(context.asset_partition_keys))
        if stray:
            raise IntegrityError(
                f"{context.asset_key.to_user_string()} gave rows of {stray[0]}, a day this run does not make."
            )
        for day in context.asset_partition_keys:
            self._write(folder / f"{day}.parquet", by_day[day] if day in by_day else obj.iloc[:0])

    def load_input(self, context: dg.InputContext) -> Any:
        """Of a daily asset the days of the run; days that were never made have no rows.

        Raises:
            IntegrityError: the file of a day that was made is missing, or an asset that is not daily was never made.
            DamagedFileError: a file cannot be read.
        """
        import pandas as pd

        folder = self.folder(context.asset_key)
        if context.has_asset_partitions:
            frames = [self._read(path, context.asset_key) for path in self._files(context)]
            frames = [frame for frame in frames if len(frame)]
            return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
        path = folder / "all.parquet"
        if not path.exists():
            raise IntegrityError(f"{path} is missing; materialize {context.asset_key.to_user_string()} first.")
        return self._read(path, context.asset_key)

    @staticmethod
    def _read(path: Path, key: dg.AssetKey) -> Any:
        import pandas as pd

        with damage_named(path, key):
            return pd.read_parquet(path)

    def _files(self, context: dg.InputContext) -> list[Path]:
        wanted = set(context.asset_partition_keys)
        if (context.definition_metadata or {}).get(DAYS_BESIDE):
            wanted |= {day for one in context.asset_partition_keys for day in beside(one)}
        folder = self.folder(context.asset_key)
        files = {day: folder / f"{day}.parquet" for day in sorted(wanted)}
        missing = {day for day, path in files.items() if not path.exists()}
        lost = sorted(missing & context.instance.get_materialized_partitions(context.asset_key)) if missing else []
        if lost:
            raise IntegrityError(
                f"{files[lost[0]]} is missing ({len(lost)} such files), though Dagster has a record of it; materialize "
                f"{lost[0]} of {context.asset_key.to_user_string()} again."
            )
        return [path for day, path in files.items() if day not in missing]

    @staticmethod
    def _write(path: Path, frame: Any) -> Any:
        """Returns the schema of the file."""
        import io

        import pyarrow.parquet as pq

        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        atomic.write_bytes(path, buffer.getvalue())
        return pq.read_schema(buffer)


class DocumentIOManager(dg.ConfigurableIOManager):
    """msgspec structs and plain dicts as `<lake>/<layer>/<name>.json`. The consumer's annotation says what to read."""

    root: str = Field(description="Folder of the lake: one JSON document per asset.")

    def path(self, key: dg.AssetKey) -> Path:
        *layers, name = key.path
        return Path(self.root).joinpath(*layers, f"{name}.json")

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        atomic.write_bytes(self.path(context.asset_key), msgspec.json.format(msgspec.json.encode(obj), indent=1))

    def load_input(self, context: dg.InputContext) -> Any:
        path = self.path(context.asset_key)
        if not path.exists():
            raise IntegrityError(f"{path} is missing; materialize {context.asset_key.to_user_string()} first.")
        return self.read(context.asset_key, context.dagster_type.typing_type)

    def read(self, key: dg.AssetKey, kind: Any) -> Any:
        """The asset's value, of type `kind`.

        Raises:
            DamagedFileError: the file is gone, or holds something else.
        """
        return read_json(self.path(key), kind, again(key))


def again(key: dg.AssetKey) -> str:
    return f"Materialize {key.to_user_string()} again"


@contextmanager
def damage_named(path: Path, key: dg.AssetKey) -> Iterator[None]:
    """Turns what Arrow raises over a damaged file of an asset into an error that names the file and the cure."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        raise DamagedFileError(path, f"it cannot be read: {error}", again(key)) from error


def rows_of(path: Path, key: dg.AssetKey) -> int:
    """Rows of one file of the asset, by its footer.

    Raises:
        DamagedFileError: it cannot be read.
    """
    import pyarrow.parquet as pq

    with damage_named(path, key):
        return int(pq.read_metadata(path).num_rows)


def check_stored(home: Home) -> Iterator[Callable[[], object]]:
    """One check a derived table or document in the lake; each raises a DamagedFileError."""
    for path in sorted(home.lake.glob("*/*/*.parquet")):
        layer, name = path.relative_to(home.lake).parts[:2]
        if layer != "landed":
            yield partial(rows_of, path, dg.AssetKey([layer, name]))
    for path in sorted(home.lake.glob("*/*.json")):
        layer = path.parent.name
        if layer != "landed":
            yield partial(documents(home).read, dg.AssetKey([layer, path.stem]), Any)


def beside(day: str) -> tuple[str, str]:
    """The days before and after."""
    middle = date.fromisoformat(day)
    return (middle - timedelta(days=1)).isoformat(), (middle + timedelta(days=1)).isoformat()


def tables(home: Home) -> TableIOManager:
    return TableIOManager(root=str(home.lake))


def documents(home: Home) -> DocumentIOManager:
    return DocumentIOManager(root=str(home.lake))
