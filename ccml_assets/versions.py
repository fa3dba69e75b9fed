"""What an asset was made by: a digest of all code of this project that can change its value, and of the settings that
this code reads.

Dagster compares code versions but derives none. A version written by hand stays behind; this one moves whenever a line
that could change the asset's value does, and then the asset is stale. A line that could not leaves it as it is: a
laptop's training takes minutes.
"""

import hashlib
import inspect
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path

import dagster as dg

import ccml
from ccml.code_digest import Definition, Project, Reached
from ccml.models import kinds as kinds_table
from ccml.models.kinds import KINDS, ModelKind
from ccml.profiles import Profile
from ccml.serving.loading.loaded import MODEL_CLASSES
from ccml_assets.model_lines import ModelLine

PROJECT = Project(Path(ccml.__file__).parents[1])

# What they choose enters the digest by value.
_SETTINGS = frozenset(
    {Definition("ccml.profiles", name) for name in ("Profile", "PROFILES", "chosen_preset")}
    | {Definition("ccml.settings", "loaded_profile")}
)


def code_version(asset: dg.AssetsDefinition, profile: Profile, project: Project = PROJECT) -> str:
    """Twelve hex digits, such as `3fa1c0e2b9d4`.

    Args:
        profile: of its sections only those count that the asset's code reads.
        project: other sources than the ones that run, to ask what an edit would change.
    """
    reached = code_of(asset, project)
    settings = asdict(profile)
    read = {name: settings[name] for name in sorted(reached.sections & settings.keys())}
    code = project.digest(reached.definitions)
    return hashlib.sha256((code + json.dumps(read, sort_keys=True)).encode()).hexdigest()[:12]


@cache
def code_of(asset: dg.AssetsDefinition, project: Project = PROJECT) -> Reached:
    """What the asset's function refers to, and what the functions refer to that its factory was given.

    An asset of one model does not depend on the code of the others. Which model it is of is the `ModelLine` that its
    factory was given.
    """
    function = asset.op.compute_fn.decorated_fn  # type: ignore[union-attr]
    nonlocals = inspect.getclosurevars(function).nonlocals.values()
    given = [value for value in nonlocals if inspect.isroutine(value)]
    roots = [Definition(one.__module__, one.__qualname__.split(".")[0]) for one in (function, *given)]
    kinds = [value.kind for value in nonlocals if isinstance(value, ModelLine)] or [*KINDS.values()]
    others = {
        Definition(kinds_table.__name__, name)
        for name, value in vars(kinds_table).items()
        if isinstance(value, ModelKind) and value not in kinds
    }
    others |= {
        Definition(served.__module__, served.__name__)
        for name, served in MODEL_CLASSES.items()
        if KINDS[name] not in kinds
    }
    return project.reach(roots, kinds=[kind.package for kind in kinds], without=_SETTINGS | others)
