"""What every asset has: its group is its key's first segment, its code version follows the library.

What a schedule keeps fresh also has a freshness policy: the landing, nightly, and the gates, weekly.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import dagster as dg

from ccml.profiles import Profile
from ccml_assets.staleness import LANDED_FILES
from ccml_assets.versions import code_version

OWNERS = ["team:ccml"]


NIGHTLY = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=2), warn_window=timedelta(hours=26))
WEEKLY = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=15), warn_window=timedelta(days=8))


def with_policies(assets: Iterable[dg.AssetsDefinition], profile: Profile) -> Sequence[dg.AssetsDefinition]:
    return [_with_version(one, code_version(one, profile)) for one in assets]


def reported(asset: dg.AssetSpec) -> dg.AssetSpec:
    """An asset that no code here makes; sensors and runs report on it."""
    return _spec(asset, None)


def _with_version(asset: dg.AssetsDefinition, version: str) -> dg.AssetsDefinition:
    return asset.map_asset_specs(lambda spec: _spec(spec, version))


def _spec(spec: dg.AssetSpec, version: str | None) -> dg.AssetSpec:
    named = spec.replace_attributes(group_name=spec.key.path[0], owners=OWNERS, code_version=version)
    fresh = _freshness(spec.key)
    return dg.apply_freshness_policy(named, fresh) if fresh else named


def _freshness(key: dg.AssetKey) -> dg.FreshnessPolicy | None:
    """A release has none: a week in which the gate let nothing pass is no fault."""
    if key == LANDED_FILES:
        return NIGHTLY
    return WEEKLY if key.path[0] == "releases" and key.path[-1].endswith("_gate") else None
