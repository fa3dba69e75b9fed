"""What code an asset was made by: a digest of the library's sources that its group uses and, from the features on, of
the active profile.

Dagster compares code versions but derives none. A version written by hand stays behind; this one moves whenever a file
that could change the asset's value does, and then the asset is stale.
"""

import hashlib
from functools import cache
from pathlib import Path

import ccml
from ccml.home import Home
from ccml.settings import loaded_profile

# Each group is made by these packages of `ccml`, on top of those of the groups before it.
_PACKAGES_OF_GROUP: dict[str, tuple[str, ...]] = {
    "landing": ("telemetry", "privacy"),
    "raw": ("telemetry", "privacy"),
    "clean": ("telemetry", "privacy", "cleaning", "commands", "intents"),
    "features": ("cleaning", "commands", "intents", "features"),
    "datasets": ("cleaning", "commands", "intents", "features", "datasets"),
    "models": ("features", "datasets", "models"),
    "exports": ("features", "models", "export"),
    "reports": ("datasets", "models", "evaluation"),
    "releases": ("evaluation", "releases"),
    "serving": ("releases", "serving"),
    "monitoring": ("cleaning", "commands", "intents", "datasets", "evaluation", "monitoring"),
}

_SAME_IN_EVERY_PROFILE = ("landing", "raw", "clean")


@cache
def code_version(group: str) -> str:
    """Twelve hex digits, such as `3fa1c0e2b9d4`."""
    library = Path(ccml.__file__).parent
    digest = hashlib.sha256()
    if group not in _SAME_IN_EVERY_PROFILE:
        digest.update(loaded_profile(Home.from_environment()).fingerprint.encode())
    for package in _PACKAGES_OF_GROUP[group]:
        for source in sorted((library / package).rglob("*.py")):
            name = source.relative_to(library).as_posix()
            digest.update(name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:12]
