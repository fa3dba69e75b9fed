"""What of a home is damaged: each file with what was expected of it and the cure. Nothing is mended here."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from ccml.errors import CcmlError, DamagedFileError
from ccml.home import Home
from ccml.models.kinds import KINDS as MODEL_KINDS
from ccml.releases.manifest import is_version
from ccml.releases.reader import list_versions, read_pointer, read_release
from ccml.settings import loaded_profile
from ccml.telemetry.events import KINDS
from ccml.telemetry.finding import read_register
from ccml.telemetry.lake import QUARANTINE, check_table
from ccml.telemetry.left_out import left_out
from ccml.telemetry.sources import named_sources

POINTERS = ("champion", "previous")


def damaged(home: Home) -> list[dict[str, str]]:
    """`file`, `found` and `cure` of everything that is not as it should be."""
    found: list[dict[str, str]] = []

    def note(file: Path, what: object, cure: str) -> None:
        found.append({"file": str(file), "found": str(what), "cure": cure})

    try:
        loaded_profile(home)
    except CcmlError as error:
        note(home.settings, error, "correct the line, or remove the file: the profile's own settings then hold")
    for folder in sorted(home.models.iterdir()) if home.models.is_dir() else []:
        if not folder.is_dir():
            note(folder, "a file where only folders of models are expected", "move it out of the folder")
            continue
        if folder.name not in MODEL_KINDS:
            expected = f"no model has this name; expected {', '.join(MODEL_KINDS)}"
            note(folder, expected, "move it out of the folder")
            continue
        try:
            _check_model(home.models, folder, note)
        except CcmlError as error:
            note(folder, error, "move the folder away; expected the name of a model")
    unfinished = _unfinished_erasures(home)
    if unfinished:
        cure = "run `ccml erase --user NAME --yes` for the same person again"
        note(home.lake / "landed" / "left_out.json", f"{unfinished} begun and did not end", cure)
    for check in _state(home):
        try:
            check()
        except DamagedFileError as error:
            note(error.path, error.reason, error.cure)
    for path in _databases(home):
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
                (first,), *_ = database.execute("PRAGMA quick_check(1)").fetchall()
        except sqlite3.Error as error:
            first = f"no database: {error}"
        if first != "ok":
            note(path, first, "restore it from a copy, or move it away with its history")
    return found


def _unfinished_erasures(home: Home) -> str:
    try:
        count = len(left_out(home.lake).unfinished)
    except DamagedFileError:  # among the damaged
        return ""
    return "the erasure of a person has" if count == 1 else f"the erasures of {count} people have" if count else ""


def locked_databases(home: Home) -> list[Path]:
    """Databases that another program has locked against writing at this moment."""
    found: list[Path] = []
    for path in _databases(home):
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
                database.execute("ROLLBACK")
            except sqlite3.OperationalError as error:
                if "locked" in str(error):
                    found.append(path)
            except sqlite3.DatabaseError:
                continue  # among the damaged
    return found


def _databases(home: Home) -> list[Path]:
    return [path for path in (home.root / "mlflow.db", *sorted(home.dagster.rglob("*.db"))) if path.exists()]


def _state(home: Home) -> Iterator[Callable[[], object]]:
    """Each reads something of the home as the platform reads it."""
    yield lambda: named_sources(home)
    yield lambda: read_register(home.lake)
    yield lambda: left_out(home.lake)
    # A server is installed without the packages that read tables; doctor lists them as missing.
    if (home.lake / "landed").is_dir() and find_spec("deltalake") is not None:
        yield from (partial(check_table, home.lake, table) for table in (*KINDS, QUARANTINE))
    if find_spec("dagster") is not None:
        from ccml_resources.lake import check_stored

        yield from check_stored(home)


def _check_model(models: Path, folder: Path, note: Callable[[Path, object, str], None]) -> None:
    for which in POINTERS:
        try:
            pointer = read_pointer(models, folder.name, which)  # type: ignore[arg-type]  # one of the two
        except CcmlError as error:
            note(folder / f"{which}.json", error, "restore it from a copy, or remove it: the next release points anew")
            continue
        if pointer is not None and not (folder / pointer.version).is_dir():
            note(folder / f"{which}.json", f"points at {pointer.version}, which is gone", "restore the folder")
    for version in list_versions(models, folder.name):
        try:
            read_release(models, folder.name, version, keep=())
        except CcmlError as error:
            note(folder / version, error, "restore the folder from a copy, or move it away")
    for stray in sorted(folder.iterdir()):
        known = is_version(stray.name) or stray.name in {f"{which}.json" for which in POINTERS}
        if not known and not stray.name.startswith("."):
            note(stray, "neither a version nor a pointer", "move it out of the folder")
