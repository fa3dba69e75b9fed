"""From an evaluation beside the champion to a promotion, while the champion is exchanged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ccml.home import Home
from ccml.models.artifact import Candidate
from ccml.models.candidates import CandidateReference
from ccml.models.evaluating import CHAMPION, CHAMPION_VERSION, Evaluation
from ccml.models.job import EvaluationJob
from ccml.models.kinds import POLICY, ModelKind
from ccml.models.policy.training import train_policy
from ccml.profiles import PROFILES, PolicySettings
from ccml.releases.releasing import ReleaseReference, decide_on_scores, evaluate_beside_champion, release_candidate
from ccml.releases.store import ChampionMovedError, promote, publish
from ccml_tests.models.policy.bandit import Bandit, episodes
from ccml_tests.releases.candidates import EXPORTED, facts

SETTINGS = PolicySettings(hidden_units=8, epochs=4, batch_size=128)
PROFILE = PROFILES["smoke"]


@pytest.fixture(scope="module")
def rows() -> Any:
    return episodes(Bandit(), 1, {"train": 150, "validation": 50, "test": 80})


@pytest.fixture(scope="module")
def trained(rows: Any) -> list[Candidate]:
    return [train_policy(rows, SETTINGS, seed=seed, data_hash="d", code_version="c") for seed in range(3)]


class Interrupted(ModelKind):
    """The policy, with something that happens while it is evaluated."""

    def evaluate(self, job: EvaluationJob) -> Evaluation:
        evaluated = super().evaluate(job)
        MEANWHILE[0]()
        return evaluated


MEANWHILE: list[Callable[[], None]] = [lambda: None]


def published(home: Home, candidate: Candidate, name: str) -> str:
    candidate.save(home.candidates / name)
    return publish(home.candidates / name, home.models, "policy", exported=EXPORTED, facts=facts()).version


def released(home: Home, rows: Any, candidate: Candidate, meanwhile: Callable[[], None]) -> ReleaseReference:
    MEANWHILE[0] = meanwhile
    kind = Interrupted(**vars(POLICY))
    evaluated = evaluate_beside_champion(kind, EvaluationJob(rows, candidate, PROFILE, facts={}), home.models)
    decision = decide_on_scores("policy", evaluated.scores, PROFILE)
    candidate.save(home.candidates / "new")
    path = home.relative(home.candidates / "new")
    reference = CandidateReference("policy", path, "d", "mlflow-1", "c0de", trained_until="", data_until="")
    serving = facts().serving
    return release_candidate(
        reference,
        EXPORTED,
        serving,
        evaluated.report,
        decision,
        home,
        drift_reference=b"{}",
        run_id="run-1",
    )


def test_a_champion_exchanged_while_the_candidate_is_evaluated_is_not_replaced(
    home: Home, rows: Any, trained: list[Candidate]
) -> None:
    first, second = (published(home, one, str(n)) for n, one in enumerate(trained[:2]))
    promote(home.models, "policy", first, expected=None, reason="first")

    def exchange() -> None:
        promote(home.models, "policy", second, expected=first, reason="somebody else's")

    with pytest.raises(ChampionMovedError, match=f"is {second}, not {first}"):
        released(home, rows, trained[2], exchange)


def test_a_first_champion_that_comes_while_the_candidate_is_evaluated_is_not_replaced(
    home: Home, rows: Any, trained: list[Candidate]
) -> None:
    first = published(home, trained[0], "0")
    with pytest.raises(ChampionMovedError):
        released(
            home, rows, trained[2], lambda: promote(home.models, "policy", first, expected=None, reason="x") and None
        )


def test_a_champion_that_stays_is_replaced_and_its_version_stands_with_the_scores(
    home: Home, rows: Any, trained: list[Candidate]
) -> None:
    first = published(home, trained[0], "0")
    promote(home.models, "policy", first, expected=None, reason="first")
    evaluated = evaluate_beside_champion(POLICY, EvaluationJob(rows, trained[1], PROFILE, facts={}), home.models)
    assert CHAMPION in evaluated.scores
    assert set(evaluated.scores[CHAMPION_VERSION]) == {first}
    assert released(home, rows, trained[2], lambda: None).replaced == first


@pytest.fixture
def home(tmp_path: Any) -> Home:
    return Home(tmp_path)
