"""A person's rows out of everything that was made of the landed ones, and what holds a word that only they wrote.

Rows go from the derived tables. A document, a page, a log or a trained model has no rows: it goes as a whole if one of
its texts holds a word that no other user wrote, and the next run makes it anew. One that holds none stays; that the
person's rows had a part in it shows in none of its texts.
"""

from __future__ import annotations

import html
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from ccml import atomic
from ccml.erasure.person import Person, Traces, strings_in
from ccml.features.embeddings import forget_texts
from ccml.home import Home
from ccml.releases.manifest import LEARNED_FILES, is_version
from ccml.releases.reader import list_versions, read_pointer

_PAGES = (".html", ".json", ".md", ".txt", ".log", ".out", ".err")
_OF_MODELS = (
    *(name for name in LEARNED_FILES if name.endswith(".json") and name != "tokenizer.json"),
    "drift_reference.json",
)


def erase_rows(home: Home, person: Person, traces: Traces) -> int:
    """Takes the person's rows out of the derived tables; returns how many files were written anew."""
    tables = [path for path in home.lake.glob("*/*/*.parquet") if path.relative_to(home.lake).parts[0] != "landed"]
    texts = traces.text_digests()
    changed = sum(_without_rows(path, person, traces, texts) for path in sorted(tables))
    if (home.truth / "interactions.parquet").is_file():
        changed += _without_rows(home.truth / "interactions.parquet", person, traces, texts)
        people = home.truth / "people.json"
        known = json.loads(people.read_bytes())
        others = [one for one in known if one["user_id"] != person.name]
        if len(others) < len(known):
            atomic.write_text(people, json.dumps(others, indent=1))
    forget_texts(traces.texts, home.embeddings)
    return changed


def erase_documents(home: Home, person: Person, traces: Traces) -> list[str]:
    """Removes documents, pages and logs with texts of the person; returns their paths from the home's root."""
    roots = (home.reports, home.root / "mlartifacts", home.logs, home.dagster / "storage")
    found = [path for root in roots for path in root.rglob("*") if path.suffix in _PAGES or path.parent == home.logs]
    found += [path for path in home.lake.glob("*/*.json") if path.parent.name != "landed"]
    removed: list[str] = []
    for path in sorted(path for path in found if path.is_file()):
        if _holds(path, person, traces) or any(map(person.named_in, _texts(path))):
            path.unlink()
            removed.append(home.relative(path))
    return removed


def erase_models(home: Home, person: Person, traces: Traces) -> tuple[list[str], list[str]]:
    """Removes trained models and releases with texts of the person in them.

    Returns:
        The releases that were removed, and those that stay although they were trained with the person's rows.
    """
    for folder in sorted(path for path in home.candidates.glob("*/*") if path.is_dir()):
        if _model_holds(folder, person, traces):
            shutil.rmtree(folder)
    removed: list[str] = []
    stay: list[str] = []
    for model in sorted(path for path in home.models.glob("*") if path.is_dir()):
        for version in list_versions(home.models, model.name):
            if not _model_holds(model / version, person, traces):
                stay.append(f"{model.name} {version}")
                continue
            for which in ("champion", "previous"):
                pointer = read_pointer(home.models, model.name, which)
                if pointer is not None and pointer.version == version:
                    (model / f"{which}.json").unlink()
            assert is_version(version)
            shutil.rmtree(model / version)
            removed.append(f"{model.name} {version}")
    return removed, stay


def _without_rows(path: Path, person: Person, traces: Traces, texts: set[str]) -> bool:
    import io

    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    by_column = {
        "user_id": [person.pseudonym, person.name],
        "interaction_id": sorted(traces.interactions),
        "event_id": sorted(traces.events),
        "text_sha256": sorted(texts),
    }
    column = next((name for name in by_column if name in pq.read_schema(path).names), None)
    if column is None:
        return False
    keys = pq.read_table(path, columns=[column])[column].cast(pa.string())
    theirs = pc.is_in(keys, value_set=pa.array(by_column[column], pa.string()))
    if not pc.any(theirs).as_py():
        return False
    buffer = io.BytesIO()
    pq.write_table(pq.read_table(path).filter(pc.invert(theirs)), buffer)
    atomic.write_bytes(path, buffer.getvalue())
    return True


def _holds(path: Path, person: Person, traces: Traces) -> bool:
    return any(person.pseudonym in text or traces.in_text(text) for text in _texts(path))


def _model_holds(folder: Path, person: Person, traces: Traces) -> bool:
    return any(_holds(folder / name, person, traces) for name in _OF_MODELS if (folder / name).is_file())


def _texts(path: Path) -> Iterator[str]:
    """What people read in the file."""
    raw = path.read_bytes().decode(errors="replace")
    if path.suffix == ".json":
        try:
            parsed: Any = msgspec.json.decode(raw)
        except msgspec.DecodeError:
            yield raw
        else:
            yield from strings_in(parsed)
        return
    yield html.unescape(raw) if path.suffix == ".html" else raw
