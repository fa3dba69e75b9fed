"""How assets keep their values: tables as Parquet, one file a day where they are partitioned, everything else as JSON.

Dagster's own filesystem manager pickles and writes in place: a pickle runs code when it is read, and a kill during the
write leaves nothing readable. Both managers here write beside and rename.
"""

from pathlib import Path
from typing import Any

import dagster as dg
import msgspec

from ccml import atomic
from ccml.errors import IntegrityError
from ccml.home import Home


class TableIOManager(dg.ConfigurableIOManager):
    """DataFrames under `<lake>/<layer>/<name>/`: `<day>.parquet` for a daily asset, `all.parquet` for any other.

    A daily asset's frame has a `day` column that says which file a row belongs to. A run over several days gets and
    gives one frame. Days without a file are days without rows.
    """

    root: str

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
            self._write(folder / "all.parquet", obj)
            return
        by_day = dict(tuple(obj.groupby("day", sort=False))) if len(obj) else {}
        stray = sorted(set(by_day) - set(context.asset_partition_keys))
        if stray:
            raise IntegrityError(
                f"{context.asset_key.to_user_string()} gave rows of {stray[0]}, a day this run does not make."
            )
        for day in context.asset_partition_keys:
            path = folder / f"{day}.parquet"
            if day in by_day:
                self._write(path, by_day[day])
            else:
                path.unlink(missing_ok=True)

    def load_input(self, context: dg.InputContext) -> Any:
        import pandas as pd

        folder = self.folder(context.asset_key)
        if context.has_asset_partitions:
            wanted = set(context.asset_partition_keys)
            files = [path for path in sorted(folder.glob("*.parquet")) if path.stem in wanted]
            frames = [pd.read_parquet(path) for path in files]
            frames = [frame for frame in frames if len(frame)]
            return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
        path = folder / "all.parquet"
        if not path.exists():
            raise IntegrityError(f"{path} is missing; materialize {context.asset_key.to_user_string()} first.")
        return pd.read_parquet(path)

    @staticmethod
    def _write(path: Path, frame: Any) -> None:
        import io

        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        atomic.write_bytes(path, buffer.getvalue())


class DocumentIOManager(dg.ConfigurableIOManager):
    """msgspec structs and plain dicts as `<lake>/<layer>/<name>.json`. The consumer's annotation says what to read."""

    root: str

    def path(self, key: dg.AssetKey) -> Path:
        *layers, name = key.path
        return Path(self.root).joinpath(*layers, f"{name}.json")

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        atomic.write_bytes(self.path(context.asset_key), msgspec.json.format(msgspec.json.encode(obj), indent=1))

    def load_input(self, context: dg.InputContext) -> Any:
        path = self.path(context.asset_key)
        if not path.exists():
            raise IntegrityError(f"{path} is missing; materialize {context.asset_key.to_user_string()} first.")
        return msgspec.json.decode(path.read_bytes(), type=context.dagster_type.typing_type)


def tables(home: Home) -> TableIOManager:
    return TableIOManager(root=str(home.lake))


def documents(home: Home) -> DocumentIOManager:
    return DocumentIOManager(root=str(home.lake))
