"""The settings in force for a home: the chosen preset, and over it what the user wrote in `CCML_HOME/ccml.toml`.

The file has the profile's sections and names, for instance

    [command]
    lstm_units = 256

and may leave out everything it does not change. It is read at each call, so a running sensor sees an edit; what it
changes is part of the profile's fingerprint, so an edit makes the assets stale that depend on the profile.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec

from ccml.errors import InputError
from ccml.home import Home
from ccml.profiles import Profile, chosen_preset

Section = TypeVar("Section")

NOT_IN_THE_FILE = "name"
"""The preset is chosen before its fields are overridden: by `--profile` or `CCML_PROFILE`."""


def loaded_profile(home: Home) -> Profile:
    """
    Raises:
        InputError: the preset is unknown; or the file is no TOML, has a key that no profile has, or a value of another
            type or outside its bounds. The message names the file, the key and what was expected.
    """
    profile = _overridden(chosen_preset(), _read(home.settings), home.settings, "")
    _check_heads(profile, home.settings)
    return profile


def overrides(home: Home) -> dict[str, Any]:
    """`section.field` → value of everything the home's file sets; checked by `loaded_profile`."""
    return _dotted(_read(home.settings), "")


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise InputError(f"{path} is not TOML: {error}.") from error


def _overridden(section: Section, values: Mapping[str, Any], path: Path, prefix: str) -> Section:
    """The section with the file's values in place of its own."""
    assert is_dataclass(section)
    assert not isinstance(section, type)
    types = get_type_hints(type(section), include_extras=True)
    known = [one.name for one in fields(section) if prefix or one.name != NOT_IN_THE_FILE]
    changed: dict[str, Any] = {}
    for name, value in values.items():
        key = f"{prefix}{name}"
        if not prefix and name == NOT_IN_THE_FILE:
            raise InputError(f"{path}: {name} cannot be set here; choose the profile by --profile or CCML_PROFILE.")
        if name not in known:
            raise InputError(f"{path}: {key} is no setting; {_instead(name, known, prefix)}.")
        own = getattr(section, name)
        if not is_dataclass(own):
            changed[name] = _checked(value, types[name], path, key)
        elif isinstance(value, dict):
            changed[name] = _overridden(own, value, path, f"{key}.")
        else:
            raise InputError(f"{path}: {key} is {value!r}; expected a section, [{key}], with {_names(own)}.")
    return replace(section, **changed)


def _checked(value: Any, kind: Any, path: Path, key: str) -> Any:
    try:
        checked = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        expected = str(error).replace("`", "")
        raise InputError(f"{path}: {key} is {value!r}. {expected}{_choices(kind)}.") from error
    if isinstance(checked, float) and not math.isfinite(checked):
        raise InputError(f"{path}: {key} is {value!r}. Expected a finite number.")
    return checked


def _choices(kind: Any) -> str:
    """What a Literal may be: msgspec says only that a value is none of them."""
    choices = [one for one in getattr(kind, "__args__", ()) if isinstance(one, str)]
    return f"; expected one of {', '.join(choices)}" if choices else ""


def _instead(name: str, known: list[str], prefix: str) -> str:
    near = get_close_matches(name, known, n=2)
    where = f"[{prefix.removesuffix('.')}] has" if prefix else "there are"
    return f"the nearest is {' or '.join(prefix + one for one in near)}" if near else f"{where} {', '.join(known)}"


def _names(section: Any) -> str:
    return ", ".join(one.name for one in fields(section))


def _check_heads(profile: Profile, path: Path) -> None:
    """The attention splits the LSTM's units among its heads; torch would say so only once the training begins."""
    units, heads = profile.command.lstm_units, profile.command.attention_heads
    if units % heads:
        raise InputError(
            f"{path}: command.lstm_units is {units} and command.attention_heads is {heads}; expected units that are a "
            f"multiple of the heads, such as {units // heads * heads or heads}."
        )


def _dotted(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= _dotted(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found
