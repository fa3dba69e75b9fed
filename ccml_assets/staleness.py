"""What a run would have to do: the days that were landed but not prepared, and the assets whose code or inputs moved.

Both are read off the event log. An asset's last event is its newest materialization or its newest skip; an asset is
stale if it has none, if its code version differs from the one it was made by, or if an input's last event is newer. An
asset below one that was skipped is not: there is nothing to make it from.
"""

from collections.abc import Iterable, Mapping, Sequence

import dagster as dg

from ccml_assets.skips import CODE_VERSION, REASON

LANDED_FILES = dg.AssetKey(["landing", "files"])
LANDED_DAYS = dg.AssetKey(["landing", "days"])

GAP = 7
"""Days this close share a run: making a few days again costs less than starting another run."""


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


def pending_days(instance: dg.DagsterInstance, chain: Mapping[dg.AssetKey, str | None]) -> list[str]:
    """Days whose newest landing is newer than what was last made of them, or that other code made, in order.

    Args:
        chain: the daily assets that a prepared day must have, and their present code versions.
    """
    landed = instance.get_latest_storage_id_by_partition(LANDED_DAYS, dg.DagsterEventType.ASSET_MATERIALIZATION)
    pending: set[str] = set()
    for key, code_version in chain.items():
        made = _made_days(instance, key, code_version)
        pending |= {day for day, storage_id in landed.items() if made.get(day, -1) < storage_id}
    return sorted(pending)


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


def ranges(pending: Iterable[str], partitions: Sequence[str]) -> list[tuple[str, str]]:
    """First and last partition of each run, in the order in which Dagster keeps the partitions: as they were added."""
    place = {day: number for number, day in enumerate(partitions)}
    found: list[tuple[int, int]] = []
    for number in sorted(place[day] for day in pending):
        if found and number - found[-1][1] <= GAP:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return [(partitions[first], partitions[last]) for first, last in found]
