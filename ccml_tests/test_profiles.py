"""The one configuration: every preset can be made, and no field is there that nothing reads."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ccml.errors import InputError
from ccml.profiles import PROFILES, Profile, chosen_preset
from ccml_tests.attribute_reads import Read, Reads

ROOT = Path(__file__).resolve().parents[1]


@cache
def reads() -> frozenset[Read]:
    """Class and attribute of every read in the program."""
    folders = ("ccml", "ccml_simulator", "ccml_assets", "ccml_resources", "ccml_cli")
    return frozenset(Reads.of(path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.py")).found)


def settings(value: Any, path: str = "") -> dict[str, Read]:
    """`section.field` → class and field, of every field and of every section."""
    found: dict[str, Read] = {}
    for one in fields(value):
        inner = getattr(value, one.name)
        found[f"{path}{one.name}"] = (type(value).__name__, one.name)
        if is_dataclass(inner):
            found |= settings(inner, f"{path}{one.name}.")
    return found


SETTINGS = settings(Profile("laptop"))
LEAVES = [name for name in SETTINGS if not any(other.startswith(f"{name}.") for other in SETTINGS)]


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_is_read_somewhere(setting: str) -> None:
    assert SETTINGS[setting] in reads(), f"{setting} changes nothing: nobody reads it of {SETTINGS[setting][0]}"


DECLARED = """
class CommandSettings:
    history: int = 8
    batch_size: int = 64
    @property
    def step_size(self) -> float:
        return self.batch_size ** 0.5
class Profile:
    command: CommandSettings
class Other:
    history: int
    step_size: float
"""


@pytest.mark.parametrize(
    "program",
    [
        "def f(settings: CommandSettings, other: Other): return other.history + other.step_size",
        "def f(profile: Profile, other): return other.history + profile.command.history_length",
        "def f(settings: CommandSettings): settings.history = 3",
        "def f(settings: CommandSettings): return asdict(settings)",
        "history = 3\nprint(history)",
    ],
)
def test_an_unread_setting_is_noticed_whatever_else_is_called_so(program: str) -> None:
    found = Reads.of([DECLARED, program]).found
    assert ("CommandSettings", "history") not in found
    assert ("CommandSettings", "batch_size") not in found  # its property reads it, and nobody reads the property


@pytest.mark.parametrize(
    "program",
    [
        "def f(settings: CommandSettings): return settings.history",
        "def f(profile: Profile):\n    command, n = profile.command, 1\n    return [n + command.history for _ in ()]",
        "def f() -> Profile: ...\ndef g(): return lambda rows: f().command.history",
        "class A:\n    def __init__(self, s: CommandSettings) -> None:\n        self.s = s\n"
        "    def go(self): return self.s.history",
        "def f(profile: Profile):\n    with open('x'):\n        return replace(profile.command, batch_size=1).history",
    ],
)
def test_a_read_is_found_by_the_type_of_its_owner(program: str) -> None:
    assert ("CommandSettings", "history") in Reads.of([DECLARED, program]).found


def test_what_a_property_reads_is_read_once_the_property_is() -> None:
    program = "def f(settings: CommandSettings): return settings.step_size"
    assert ("CommandSettings", "batch_size") in Reads.of([DECLARED, program]).found


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
    with pytest.raises(InputError, match=r"CCML_PROFILE\) is 'huge'; expected one of smoke, laptop, gpu\.$"):
        chosen_preset()


def test_the_fingerprints_of_the_presets_differ() -> None:
    assert len({profile.fingerprint for profile in PROFILES.values()}) == len(PROFILES)


@pytest.mark.parametrize("setting", LEAVES)
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
