"""An asset that the data cannot support, or a release that the gate refused, is skipped with its reason: not failed and
not faked.

Nothing is materialized, so nothing downstream runs and no condition that waits for the asset fires; the reason stands
in the asset's observations and in the summary.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg

from ccml.errors import SkippedError

REASON = "skipped_because"
CODE_VERSION = "code_version"


def skip(context: dg.AssetExecutionContext, key: dg.AssetKey, reason: Exception) -> dg.AssetObservation:
    """What an asset yields in place of its value."""
    context.log.warning(f"{key.to_user_string()} is skipped: {reason}")
    version = context.assets_def.get_asset_spec(key).code_version
    return dg.AssetObservation(key, metadata={REASON: str(reason), CODE_VERSION: version or ""})


def unevaluated(context: dg.AssetExecutionContext, reason: Exception) -> Iterator[dg.AssetCheckResult]:
    """Dagster wants a result for each check that an asset declares; of a skipped asset there is nothing to judge."""
    for spec in context.assets_def.check_specs:
        yield dg.AssetCheckResult(
            passed=True,
            asset_key=spec.asset_key,
            check_name=spec.name,
            description=f"Not evaluated, the asset was skipped: {reason}",
        )


def skippable(compute: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    """For the body of an asset with `output_required=False`. The body takes `context` first, and returns its result or
    raises SkippedError.
    """

    @functools.wraps(compute)
    def body(context: dg.AssetExecutionContext, *args: Any, **kwargs: Any) -> Iterator[Any]:
        try:
            result = compute(context, *args, **kwargs)
        except SkippedError as reason:
            yield skip(context, context.asset_key, reason)
            yield from unevaluated(context, reason)
            return
        yield result

    # Dagster reads the signature for inputs; the return annotation is the body's, and this is a generator.
    body.__signature__ = inspect.signature(compute).replace(return_annotation=inspect.Signature.empty)  # type: ignore[attr-defined]
    body.__annotations__ = {name: kind for name, kind in compute.__annotations__.items() if name != "return"}
    return body


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
