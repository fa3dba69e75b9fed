"""The one configuration: every preset can be made, and no field is there that nothing reads."""

from __future__ import annotations

import ast
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ccml.errors import InputError
from ccml.profiles import PROFILES, Profile, chosen_preset

ROOT = Path(__file__).resolve().parents[1]


@cache
def names_read() -> frozenset[str]:
    """Every `.name` that the program reads, the declaration itself left out."""
    modules = [
        path
        for folder in ("ccml", "ccml_assets", "ccml_resources", "ccml_cli")
        for path in (ROOT / folder).rglob("*.py")
    ]
    found: set[str] = set()
    for path in modules:
        if path == ROOT / "ccml" / "profiles.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                found.add(node.attr)
    return frozenset(found)


def settings(value: Any, path: str = "") -> list[str]:
    """`section.field` of every field that holds a value."""
    if not is_dataclass(value):
        return [path]
    dotted = f"{path}." if path else ""
    return [found for one in fields(value) for found in settings(getattr(value, one.name), f"{dotted}{one.name}")]


@pytest.mark.parametrize("setting", settings(Profile("laptop")))
def test_a_setting_is_read_somewhere(setting: str) -> None:
    unread = [name for name in setting.split(".") if name not in names_read()]
    assert not unread, f"{setting} changes nothing: no module reads .{unread[0]}"


def test_a_setting_that_nothing_reads_would_be_noticed() -> None:
    assert "number_of_unicorns" not in names_read()


@pytest.mark.parametrize("name", ["smoke", "laptop", "gpu"])
def test_a_preset_is_chosen_by_its_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCML_PROFILE", name)
    assert chosen_preset() is PROFILES[name]
    assert chosen_preset().name == name


def test_laptop_is_the_preset_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CCML_PROFILE", raising=False)
    assert chosen_preset().name == "laptop"


def test_an_unknown_preset_is_one_sentence_with_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCML_PROFILE", "huge")
    with pytest.raises(InputError, match=r"^CCML_PROFILE is 'huge'; expected one of smoke, laptop, gpu\.$"):
        chosen_preset()


def test_the_fingerprints_of_the_presets_differ() -> None:
    assert len({profile.fingerprint for profile in PROFILES.values()}) == len(PROFILES)


@pytest.mark.parametrize("setting", settings(Profile("laptop")))
def test_a_change_of_any_setting_changes_the_fingerprint(setting: str) -> None:
    profile = Profile("laptop")
    assert _with(profile, setting.split("."), "something else").fingerprint != profile.fingerprint


def _with(value: Any, path: list[str], changed: Any) -> Any:
    inner = changed if len(path) == 1 else _with(getattr(value, path[0]), path[1:], changed)
    return replace(value, **{path[0]: inner})


def test_on_sample_telemetry_the_laptop_preset_expects_the_promised_amount() -> None:
    sample = PROFILES["laptop"].simulation
    assert (sample.days, sample.users) == (30, 60)
    assert sample.interactions >= 20_000
