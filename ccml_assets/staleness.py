"""What a run would have to do: the days that were landed but not prepared, and the assets whose code or inputs moved.

Both are read off the event log. An asset's last event is its newest materialization or its newest skip; an asset is
stale if it has none, if its code version differs from the one it was made by, or if an input's last event is newer. An
asset below one that was skipped is not: there is nothing to make it from.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import dagster as dg

from ccml_assets.skips import CODE_VERSION, REASON

LANDED_DAYS = "days"
"""Metadata of `landing/files`: the days that the run's files had events of."""

GAP = timedelta(days=7)
"""Days this close share a run: making a few empty days costs less than starting another run."""

LANDED_FILES = dg.AssetKey(["landing", "files"])


def last_event(instance: dg.DagsterInstance, key: dg.AssetKey) -> tuple[int, str | None, bool] | None:
    """Storage id, code version and whether it was a skip, of the newest of the two kinds; None without any."""
    made = instance.fetch_materializations(key, limit=1).records
    tried = instance.fetch_observations(key, limit=1).records
    candidates: list[tuple[int, str | None, bool]] = []
    if made and made[0].asset_materialization is not None:
        tags = made[0].asset_materialization.tags or {}
        candidates.append((made[0].storage_id, tags.get("dagster/code_version"), False))
    if tried and tried[0].asset_observation is not None and REASON in tried[0].asset_observation.metadata:
        version = tried[0].asset_observation.metadata.get(CODE_VERSION)
        candidates.append((tried[0].storage_id, str(version.value) if version else None, True))
    return max(candidates) if candidates else None


def stale_assets(instance: dg.DagsterInstance, defs: dg.Definitions, selection: dg.AssetSelection) -> list[dg.AssetKey]:
    """Unpartitioned assets of the selection that a run would have to make, upstream first."""
    graph = defs.resolve_asset_graph()
    selected = selection.resolve(graph)
    stale: set[dg.AssetKey] = set()
    skipped: set[dg.AssetKey] = set()
    order: list[dg.AssetKey] = []
    for key in graph.toposorted_asset_keys:
        if key not in selected:
            continue
        parents = graph.get(key).parent_keys
        inputs = {parent: last_event(instance, parent) for parent in parents}
        if any(
            parent in skipped or (parent not in selected and newest is not None and newest[2])
            for parent, newest in inputs.items()
        ):
            # An input was skipped for a reason that still holds: nothing to make it from.
            skipped.add(key)
            continue
        event = last_event(instance, key)
        if (
            event is None
            or event[1] != graph.get(key).code_version
            or parents & stale
            or any(newest is not None and newest[0] > event[0] for newest in inputs.values())
        ):
            stale.add(key)
            order.append(key)
        elif event[2]:
            skipped.add(key)
    return order


def pending_days(instance: dg.DagsterInstance, chain: Mapping[dg.AssetKey, str | None]) -> list[date]:
    """Days whose newest landing is newer than what was last made of them, or that other code made, oldest first.

    With them the days beside that hold events: a session, or the feedback on its last turn, may run across midnight.

    Args:
        chain: the daily assets that a prepared day must have, and their present code versions.
    """
    landed: dict[str, int] = {}
    for record in instance.fetch_materializations(LANDED_FILES, limit=10_000).records:
        if record.asset_materialization is None or LANDED_DAYS not in record.asset_materialization.metadata:
            continue
        touched = record.asset_materialization.metadata[LANDED_DAYS].value
        for day in touched if isinstance(touched, list) else []:
            landed[str(day)] = max(landed.get(str(day), 0), record.storage_id)
    pending: set[date] = set()
    for key, code_version in chain.items():
        made = _made_days(instance, key, code_version)
        pending |= {date.fromisoformat(day) for day, storage_id in landed.items() if made.get(day, -1) < storage_id}
    beside = {day + timedelta(days=step) for day in pending for step in (-1, 1)}
    return sorted(pending | {day for day in beside if day.isoformat() in landed})


def _made_days(instance: dg.DagsterInstance, key: dg.AssetKey, code_version: str | None) -> dict[str, int]:
    """Partition → storage id of its newest materialization, where that was by this code.

    Asked of each day, not of the asset's newest event: after a change of code a run over many days may end half-way.
    """
    newest = instance.get_latest_storage_id_by_partition(key, dg.DagsterEventType.ASSET_MATERIALIZATION)
    if not newest:
        return {}
    wanted = dg.AssetRecordsFilter(key, storage_ids=list(newest.values()))
    return {
        str(record.partition_key): record.storage_id
        for record in instance.fetch_materializations(wanted, limit=len(newest)).records
        if record.asset_materialization is not None
        and (record.asset_materialization.tags or {}).get("dagster/code_version") == code_version
    }


def ranges(pending: Iterable[date]) -> list[tuple[str, str]]:
    """First and last day of each run: days less than a week apart go together."""
    found: list[tuple[date, date]] = []
    for day in sorted(pending):
        if found and day - found[-1][1] <= GAP:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return [(first.isoformat(), last.isoformat()) for first, last in found]
