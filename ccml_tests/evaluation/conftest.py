"""Reports as production makes them: simulated telemetry, real data sets, a real search and trainings, the real gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ccml.evaluation.html import now
from ccml.evaluation.publishing import publish_answer, publish_page
from ccml.evaluation.report import ModelReport, read_report, with_origin
from ccml.profiles import PROFILES, EncoderSettings, IntentSettings, PolicySettings, StudySettings

if TYPE_CHECKING:
    import pandas as pd

    from ccml.datasets.splits import Splits
    from ccml.features.encoder import LoadedEncoder
    from ccml.models.artifact import Candidate
    from ccml.releases.gate import GateDecision

SMOKE = PROFILES["smoke"]
PROFILE = replace(
    SMOKE,
    encoder=EncoderSettings("tiny-random", max_tokens=12),
    command=replace(SMOKE.command, history=4, fine_tune_examples=600, end_to_end_examples=300, head_examples=1_500),
    intent=IntentSettings(examples=1_000, batch_size=32, learning_rate=2e-3),
    policy=PolicySettings(hidden_units=16, epochs=8, batch_size=128),
    study=StudySettings(trials=3, examples=200, epochs=3, timeout_seconds=60.0),
)


@dataclass(frozen=True)
class Published:
    """What lies in `reports/` of one model after its gate."""

    report: ModelReport
    html: str
    before_gate: str
    """The page as it was when the gate had not answered yet."""
    rows: Any
    decision: GateDecision


@pytest.fixture(scope="session")
def published(
    simulated: pd.DataFrame, context: pd.DataFrame, splits: Splits, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Published]:
    """By model."""
    from ccml.models.job import EvaluationJob
    from ccml.models.kinds import COMMAND, KINDS
    from ccml.releases.releasing import decide_on_scores

    folder = tmp_path_factory.mktemp("reports")
    rows = {name: kind.build_dataset(simulated, context, splits, PROFILE).rows for name, kind in KINDS.items()}
    candidates, trials, rule = _trained(rows, folder)
    found = {}
    for name, kind in KINDS.items():
        own = trials if name == COMMAND.name else []
        job = EvaluationJob(rows[name], candidates[name], PROFILE, facts={"training data": "d1"}, trials=own)
        evaluated = kind.evaluate(job)
        report = with_origin(evaluated.report, rows[name], candidate="c-1", made=now(), search_rule=rule if own else "")
        page, _ = publish_page(report, folder, 0.95)
        before = page.read_text()
        decision = decide_on_scores(name, evaluated.scores, PROFILE)
        publish_answer(report, decision.on_page(), folder, 0.95)
        written = read_report(page.with_suffix(".json").read_bytes())
        found[name] = Published(written, page.read_text(), before, rows[name], decision)
    return found


def _trained(rows: Mapping[str, pd.DataFrame], folder: Path) -> tuple[dict[str, Candidate], list[Any], str]:
    from ccml.features.encoder import load_encoder
    from ccml.models.command.module import CommandTransforms
    from ccml.models.command.study import run_study
    from ccml.models.command.training import train_command_predictor
    from ccml.models.intent.training import train_intent_classifier
    from ccml.models.policy.training import train_policy
    from ccml_assets.models import SearchResult

    commands, requests, turns = rows.values()
    encoder: LoadedEncoder = load_encoder(PROFILE.encoder, corpus=commands["request"])
    training = commands[commands["split"] == "train"]
    transforms = CommandTransforms.fit(training, PROFILE.command.history, PROFILE.command.min_count)
    study = run_study(
        commands, encoder, PROFILE.command, PROFILE.study, transforms,
        directory=folder / "study", data_hash="a" * 16, seed=PROFILE.seed,
    )  # fmt: skip
    result = SearchResult(study.best, study.rule, study.trials)
    candidates = (
        train_command_predictor(commands, encoder, PROFILE.command, transforms, seed=PROFILE.seed, hyper=result.best),
        train_intent_classifier(requests, encoder, PROFILE.intent, seed=PROFILE.seed),
        train_policy(turns, PROFILE.policy, seed=PROFILE.seed, data_hash="d", code_version="c"),
    )
    return {one.name: one for one in candidates}, result.as_trials(), result.rule
