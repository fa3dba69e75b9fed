"""The same name gives the same pseudonym under one key, and nothing under another."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccml.errors import IntegrityError
from ccml.privacy.pseudonyms import Pseudonyms, load_or_create_key


@given(st.text(min_size=1))
def test_a_pseudonym_is_stable_and_does_not_contain_the_name(name: str) -> None:
    one, other = Pseudonyms(b"a" * 32), Pseudonyms(b"b" * 32)
    pseudonym = one.of("user", name)
    assert pseudonym == Pseudonyms(b"a" * 32).of("user", name)
    if not re.fullmatch(r"[uhi]-[0-9a-f]{12}", name):
        assert re.fullmatch(r"u-[0-9a-f]{12}", pseudonym)
        assert pseudonym != other.of("user", name)
        assert pseudonym[2:] != one.of("host", name)[2:]


def test_a_pseudonym_stays_itself() -> None:
    pseudonyms = Pseudonyms(b"a" * 32)
    assert pseudonyms.of("user", pseudonyms.of("user", "ada")) == pseudonyms.of("user", "ada")


def test_nothing_is_known_of_an_empty_name() -> None:
    assert Pseudonyms(b"a" * 32).of("host", "") == ""


def test_the_key_is_drawn_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "pseudonyms.key"
    key = load_or_create_key(path)
    assert len(key) == 32
    assert load_or_create_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["pseudonyms.key"]


def test_two_that_start_together_end_with_one_key(tmp_path: Path) -> None:
    for i in range(20):
        path = tmp_path / f"key{i}"
        with ThreadPoolExecutor(8) as pool:
            keys = set(pool.map(lambda _: load_or_create_key(path), range(8)))  # noqa: B023
        assert len(keys) == 1


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    load_or_create_key(path)
    path.chmod(0o644)
    with pytest.raises(IntegrityError, match="chmod 600"):
        load_or_create_key(path)


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"short")
    path.chmod(0o600)
    with pytest.raises(IntegrityError, match="expected a pseudonym key of 32 bytes, found 5"):
        load_or_create_key(path)
