"""The graph as plain values, to be compared with the picture of it that is kept beside: `wiring.json`.

python -m ccml_tests.assets.wiring     takes a new picture; look at what changed before it is committed
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg

PICTURE = Path(__file__).with_name("wiring.json")


def wiring(defs: dg.Definitions) -> dict[str, dict[str, Any]]:
    """Asset → what it is made of, where it stands, and what watches it."""
    graph = defs.resolve_asset_graph()
    return {key.to_user_string(): _asset(graph, key) for key in graph.toposorted_asset_keys}


def _asset(graph: Any, key: dg.AssetKey) -> dict[str, Any]:
    node = graph.get(key)
    found: dict[str, Any] = {
        "from": sorted(parent.to_user_string() for parent in node.parent_keys),
        "group": node.group_name,
        "kinds": sorted(node.kinds),
        "daily": node.partitions_def is not None,
        "checks": sorted(
            f"{check.name}{' (blocking)' if graph.get_check_spec(check).blocking else ''}" for check in node.check_keys
        ),
    }
    if node.is_executable:
        output = node.assets_def.get_output_name_for_asset_key(key)
        found["kept by"] = node.assets_def.node_def.output_dict[output].io_manager_key
        found["pool"] = node.assets_def.op.pool
        found["may be skipped"] = not node.assets_def.node_def.output_dict[output].is_required
    return found


def differences(kept: dict[str, dict[str, Any]], found: dict[str, dict[str, Any]]) -> list[str]:
    """One line per asset that came, went or changed, and per fact of it that did."""
    lines = [f"{name} is new: {found[name]}" for name in sorted(found.keys() - kept.keys())]
    lines += [f"{name} is gone" for name in sorted(kept.keys() - found.keys())]
    for name in sorted(found.keys() & kept.keys()):
        facts = sorted(found[name].keys() | kept[name].keys())
        lines += [
            f"{name}: {fact} was {kept[name].get(fact)}, is {found[name].get(fact)}"
            for fact in facts
            if kept[name].get(fact) != found[name].get(fact)
        ]
    return lines


def main() -> None:
    from ccml_assets.definitions import defs

    PICTURE.write_text(json.dumps(wiring(defs), indent=1) + "\n")


if __name__ == "__main__":
    main()
