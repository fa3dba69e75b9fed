"""An asset that the data cannot support, or a release that the gate refused, is skipped with its reason: not failed and
not faked.

A skipped asset yields no value. Dagster then skips its checks and all that is made from it. The reason is an
observation of the asset: the UI shows it, and the summary reads it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from ccml.errors import SkippedError

REASON = "skipped_because"
CODE_VERSION = "code_version"
"""Metadata of a skip: with other code the asset is worth another attempt."""


@contextmanager
def skip_with_reason(context: dg.AssetExecutionContext, *keys: dg.AssetKey) -> Iterator[None]:
    """Turns a SkippedError into one observation per asset. For the body of a generator with `output_required=False`.

    Args:
        keys: the assets that the body makes; without any, the only one of `context`.
    """
    try:
        yield
    except SkippedError as reason:
        for key in keys or (context.asset_key,):
            context.log.warning(f"{key.to_user_string()} is skipped: {reason}")
            version = context.assets_def.get_asset_spec(key).code_version
            context.log_event(dg.AssetObservation(key, metadata={REASON: str(reason), CODE_VERSION: version or ""}))


def skip_reason(instance: dg.DagsterInstance, key: dg.AssetKey) -> str | None:
    """Why the asset's last attempt was skipped; None if it was materialized since, or never tried."""
    observed = instance.fetch_observations(key, limit=1).records
    if not observed or observed[0].asset_observation is None:
        return None
    made = instance.fetch_materializations(key, limit=1).records
    if made and made[0].storage_id > observed[0].storage_id:
        return None
    reason = observed[0].asset_observation.metadata.get(REASON)
    return str(reason.value) if reason is not None else None
