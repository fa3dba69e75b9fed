"""What every asset has, said once: its group is its key's first segment, its code version follows the library."""

from collections.abc import Iterable, Sequence

import dagster as dg

from ccml.profiles import Profile
from ccml_assets.versions import code_version

OWNERS = ["team:ccml"]


def with_policies(assets: Iterable[dg.AssetsDefinition], profile: Profile) -> Sequence[dg.AssetsDefinition]:
    return [_with_version(one, code_version(one, profile)) for one in assets]


def reported(asset: dg.AssetSpec) -> dg.AssetSpec:
    """An asset that no code here makes; sensors and runs report on it."""
    return _spec(asset, None)


def _with_version(asset: dg.AssetsDefinition, version: str) -> dg.AssetsDefinition:
    return asset.map_asset_specs(lambda spec: _spec(spec, version))


def _spec(spec: dg.AssetSpec, version: str | None) -> dg.AssetSpec:
    return spec.replace_attributes(group_name=spec.key.path[0], owners=OWNERS, code_version=version)
