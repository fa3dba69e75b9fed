"""`CCML_HOME/ccml.toml`: any field of the profile, checked against its type and bounds, part of the fingerprint."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from ccml.errors import InputError
from ccml.home import Home
from ccml.profiles import PROFILES, Profile
from ccml.settings import loaded_profile, overrides
from ccml_resources.platform import Platform


def write(home: Home, text: str) -> None:
    home.root.mkdir(parents=True, exist_ok=True)
    home.settings.write_text(text)


def numbers(section: Any, prefix: str = "") -> list[tuple[str, int | float]]:
    """`section.field` and value of every number of the profile."""
    found: list[tuple[str, int | float]] = []
    for one in fields(section):
        value = getattr(section, one.name)
        if is_dataclass(value):
            found += numbers(value, f"{prefix}{one.name}.")
        elif isinstance(value, int | float):
            found.append((f"{prefix}{one.name}", value))
    return found


NUMBERS = numbers(Profile("laptop"))


def test_without_the_file_the_preset_holds(home: Home) -> None:
    assert loaded_profile(home) == PROFILES["smoke"]
    assert overrides(home) == {}


def test_a_field_of_the_file_holds_and_the_others_stay(home: Home) -> None:
    write(home, "seed = 11\n[command]\nlstm_units = 256\n[gate]\nmargin = 0\n")
    profile = loaded_profile(home)
    assert (profile.seed, profile.command.lstm_units, profile.gate.margin) == (11, 256, 0.0)
    assert profile.command.batch_size == PROFILES["smoke"].command.batch_size
    assert profile.intent == PROFILES["smoke"].intent
    assert overrides(home) == {"seed": 11, "command.lstm_units": 256, "gate.margin": 0}


def test_what_the_file_changes_changes_the_fingerprint_and_what_assets_see(home: Home) -> None:
    before = loaded_profile(home).fingerprint
    write(home, "[command]\nlstm_units = 256\n")
    assert loaded_profile(home).fingerprint != before
    assert Platform(root=str(home.root)).profile.command.lstm_units == 256


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize(("key", "value"), NUMBERS)
def test_every_number_of_every_preset_is_within_its_own_bounds(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str, key: str, value: int | float
) -> None:
    monkeypatch.setenv("CCML_PROFILE", name)
    section, _, field = key.rpartition(".")
    own = dict(numbers(PROFILES[name]))[key]
    write(home, f"[{section}]\n{field} = {own!r}\n" if section else f"{field} = {own!r}\n")
    assert loaded_profile(home) == PROFILES[name]


@pytest.mark.parametrize(("key", "value"), NUMBERS)
@pytest.mark.parametrize("wrong", ["-1", "true", '"many"', "nan", "inf", "[1]"])
def test_no_number_takes_what_is_none_or_lies_below_zero(home: Home, key: str, value: int | float, wrong: str) -> None:
    section, _, field = key.rpartition(".")
    write(home, f"[{section}]\n{field} = {wrong}\n" if section else f"{field} = {wrong}\n")
    with pytest.raises(InputError, match="Expected") as error:
        loaded_profile(home)
    assert str(home.settings) in str(error.value)
    assert f"{key} is " in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[command]\nlstm_unit = 256", "command.lstm_unit is no setting; the nearest is command.lstm_units"),
        ("[comand]\nlstm_units = 256", "comand is no setting; the nearest is command"),
        ("[gate]\nx = 1", "gate.x is no setting; [gate] has margin, minimum_rows"),
        ("command = 3", "command is 3; expected a section, [command], with target, min_count"),
        ("[command]\nbatch_size = 16.5", "command.batch_size is 16.5. Expected int, got float."),
        ("[command]\ndropout = 1", "command.dropout is 1. Expected float < 1.0."),
        ('[command]\ntarget = "word"', "Invalid enum value 'word'; expected one of program, template, line."),
        ('name = "gpu"', "name cannot be set here; choose the profile by --profile or CCML_PROFILE."),
        ("[command", "is not TOML"),
        ("[command]\nlstm_units = 130", "command.lstm_units is 130 and command.attention_heads is 4"),
    ],
)
def test_what_cannot_be_names_the_file_the_key_and_what_was_expected(home: Home, text: str, message: str) -> None:
    write(home, text)
    with pytest.raises(InputError) as error:
        loaded_profile(home)
    assert str(error.value).startswith(str(home.settings))
    assert message in str(error.value)


def test_bytes_that_are_no_text_are_one_sentence(home: Home) -> None:
    home.root.mkdir(parents=True)
    home.settings.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is not TOML"):
        loaded_profile(home)
