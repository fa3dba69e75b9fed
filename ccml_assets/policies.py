"""What every asset has: its group is its key's first segment, its code version follows the library.

A daily asset has a condition: it keeps up with what lands. What a schedule keeps fresh also has a freshness policy: the
landing, nightly, and the gates, weekly.
"""

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg

from ccml.profiles import Profile
from ccml_assets.partitions import comes_along, days, keeps_up
from ccml_assets.staleness import LANDED_DAYS, LANDED_FILES
from ccml_assets.versions import code_version

OWNERS = ["team:ccml"]


NIGHTLY = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=2), warn_window=timedelta(hours=26))
WEEKLY = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=15), warn_window=timedelta(days=8))


def with_policies(assets: Sequence[dg.AssetsDefinition], profile: Profile) -> Sequence[dg.AssetsDefinition]:
    daily = [spec.key for one in assets for spec in one.specs if spec.partitions_def is days]
    return [_with_policies(one, code_version(one, profile), keeps_up(daily)) for one in assets]


def reported(asset: dg.AssetSpec) -> dg.AssetSpec:
    """An asset that no code here makes; sensors and runs report on it."""
    return _spec(asset, None)


def _with_policies(asset: dg.AssetsDefinition, version: str, first: dg.AutomationCondition) -> dg.AssetsDefinition:
    def policies(spec: dg.AssetSpec) -> dg.AssetSpec:
        if spec.partitions_def is days:
            from_landing = any(one.asset_key == LANDED_DAYS for one in spec.deps)
            spec = spec.replace_attributes(automation_condition=first if from_landing else comes_along)
        return _spec(spec, version)

    return asset.map_asset_specs(policies)


def _spec(spec: dg.AssetSpec, version: str | None) -> dg.AssetSpec:
    named = spec.replace_attributes(group_name=spec.key.path[0], owners=OWNERS, code_version=version)
    fresh = _freshness(spec.key)
    return dg.apply_freshness_policy(named, fresh) if fresh else named


def _freshness(key: dg.AssetKey) -> dg.FreshnessPolicy | None:
    """A release has none: a week in which the gate let nothing pass is no fault."""
    if key == LANDED_FILES:
        return NIGHTLY
    return WEEKLY if key.path[0] == "releases" and key.path[-1].endswith("_gate") else None
