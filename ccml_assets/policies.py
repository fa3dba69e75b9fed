"""What every asset has, said once: its group is its key's first segment, its code version follows the library."""

from collections.abc import Iterable, Sequence

import dagster as dg

from ccml_assets.versions import code_version

OWNERS = ["team:ccml"]


def with_policies(
    assets: Iterable[dg.AssetsDefinition | dg.AssetSpec],
) -> Sequence[dg.AssetsDefinition | dg.AssetSpec]:
    return [_spec(one) if isinstance(one, dg.AssetSpec) else one.map_asset_specs(_spec) for one in assets]


def _spec(spec: dg.AssetSpec) -> dg.AssetSpec:
    group = spec.key.path[0]
    return spec.replace_attributes(group_name=group, owners=OWNERS, code_version=code_version(group))
