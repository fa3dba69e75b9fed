"""Where logs of the person lie outside of the home, and who else names them."""

from __future__ import annotations

import re
from pathlib import Path

from ccml.erasure.person import Person
from ccml.home import Home
from ccml.telemetry.events import KINDS
from ccml.telemetry.lake import open_table
from ccml.telemetry.readers.owner import UNKNOWN_OWNER, home_owner, storable
from ccml.telemetry.schema import arrow_schema
from ccml.telemetry.sources import forget_source, named_sources


def forget_sources(home: Home, person: Person) -> tuple[list[str], list[str]]:
    """Named logs in the person's home directory are read no more.

    Returns:
        Those, and the named logs that stay: what they hold of the person is left out at each landing.
    """
    forgotten: list[str] = []
    stay: list[str] = []
    for source in named_sources(home):
        owner = home_owner(source.path)
        if owner != UNKNOWN_OWNER and owner == person.name:
            forget_source(home, source)
            forgotten.append(storable(source.path))
        else:
            stay.append(storable(source.path))
    return forgotten, stay


def mentions_of_others(lake: Path, person: Person) -> dict[str, int]:
    """Table → rows of other people with the person's name as a word in one of their texts."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    found: dict[str, int] = {}
    pattern = rf"(?i)(^|[^\pL\pN]){re.escape(person.name)}([^\pL\pN]|$)"
    for kind in KINDS:
        table = open_table(lake, kind)
        if table is None:
            continue
        data = table.to_pyarrow_dataset()
        ids = {"event_id", "user_id", "host"}
        columns = [one.name for one in arrow_schema(kind) if pa.types.is_string(one.type) and one.name not in ids]
        rows = data.to_table(
            columns=[name for name in columns if name in data.schema.names],
            filter=ds.field("user_id") != person.pseudonym,
        )
        named = pa.array([False] * len(rows))
        for column in rows.columns:
            named = pc.or_(named, pc.fill_null(pc.match_substring_regex(column, pattern), False))
        count = pc.sum(named).as_py() or 0
        if count:
            found[kind] = count
    return found
