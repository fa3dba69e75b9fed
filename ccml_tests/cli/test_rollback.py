"""`ccml roll-back`: the way back to the release before."""

from __future__ import annotations

from ccml.home import Home
from ccml.releases.reader import read_pointer
from ccml_tests.cli.conftest import Call
from ccml_tests.serving.tiny import TinyGraph, release


def champion(home: Home) -> str | None:
    pointer = read_pointer(home.models, "policy", "champion")
    return pointer.version if pointer else None


def test_the_previous_release_is_the_champion_again(ccml: Call, home: Home) -> None:
    first = release(home.models, "policy")
    second = release(home.models, "policy", TinyGraph(version_mark=2.0))
    assert champion(home) == second
    done = ccml("roll-back", "policy", "--reason", "it asked too often")
    assert done.code == 0
    assert done.out == f"policy: {first} is the champion again, in place of {second}.\n"
    pointer = read_pointer(home.models, "policy", "champion")
    assert pointer is not None
    assert (pointer.version, pointer.reason) == (first, "it asked too often")


def test_without_a_previous_release_nothing_changes(ccml: Call, home: Home) -> None:
    only = release(home.models, "policy")
    done = ccml("roll-back", "policy")
    assert done.code == 2
    assert "no previous release" in done.err
    assert champion(home) == only


def test_a_model_that_does_not_exist_is_named_with_those_that_do(ccml: Call, home: Home) -> None:
    done = ccml("roll-back", "polcy")
    assert done.code == 2
    assert "'polcy' is no model; expected one of command_predictor, intent_classifier, policy." in done.err
