"""What assets reach out to: one home, one profile, one key, one encoder."""

from __future__ import annotations

import pytest

from ccml.home import Home
from ccml.profiles import PROFILES
from ccml_resources.platform import Platform


@pytest.fixture
def platform(home: Home) -> Platform:
    return Platform(root=str(home.root))


def test_it_stands_for_one_home_and_the_active_profile(platform: Platform, home: Home) -> None:
    assert platform.home == home
    assert platform.profile == PROFILES["smoke"]


def test_making_it_touches_no_disk(platform: Platform) -> None:
    assert not platform.home.root.exists()


def test_the_key_of_the_pseudonyms_is_made_once_and_kept(platform: Platform) -> None:
    assert platform.pseudonyms().of("user", "ada") == platform.pseudonyms().of("user", "ada")
    assert platform.home.key_file.stat().st_mode & 0o777 == 0o600


def test_the_smoke_encoder_needs_no_weights_and_is_the_same_every_time(platform: Platform) -> None:
    corpus = ["list the files", "find the logs"]
    assert platform.encoder(corpus).digest == platform.encoder(corpus).digest
    assert not (platform.home.root / "encoders").exists()
