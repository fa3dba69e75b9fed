from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch  # noqa: TID253

from ccml.errors import IntegrityError, NotEnoughDataError
from ccml.features.encoder import LoadedEncoder, load_encoder
from ccml.models.artifact import Candidate, load_candidate, save_candidate
from ccml.models.baselines import Frequency
from ccml.models.command.module import CommandHead, CommandPredictor, CommandSizes, CommandTransforms
from ccml.models.command.steps import STEPS
from ccml.models.command.training import shared_lines, train_command_predictor
from ccml.models.ranking import ranking_metrics, target_indices
from ccml.profiles import PROFILES, EncoderSettings
from ccml_tests.models.rows import AGAIN, command_sequences

SIZES = CommandSizes(classes=7, history_tokens=11, context_width=6, lstm_units=16, attention_heads=4, dropout=0.1)
SETTINGS = replace(
    PROFILES["smoke"].command,
    history=4,
    head_examples=3_600,
    fine_tune_examples=900,
    end_to_end_examples=400,
    lstm_units=64,
)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return command_sequences(900)


@pytest.fixture(scope="module")
def encoder(rows: pd.DataFrame) -> LoadedEncoder:
    return load_encoder(EncoderSettings("tiny-random", max_tokens=12), corpus=rows["request"])


def train(rows: pd.DataFrame, encoder: LoadedEncoder, **keywords: Any) -> Candidate:
    transforms = CommandTransforms.fit(rows[rows["split"] == "train"], SETTINGS.history, SETTINGS.min_count)
    return train_command_predictor(rows, encoder, SETTINGS, transforms, seed=3, **keywords)


@pytest.fixture(scope="module")
def trained(rows: pd.DataFrame, encoder: LoadedEncoder) -> Candidate:
    return train(rows, encoder)


@pytest.fixture
def module(encoder: LoadedEncoder) -> CommandPredictor:
    torch.manual_seed(0)
    return CommandPredictor(encoder.model, CommandHead(encoder.width, SIZES)).eval()


def inputs(batch: int = 3, tokens: int = 6, history: int = 4) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    mask = torch.ones(batch, tokens, dtype=torch.int64)
    mask[0, 3:] = 0
    ids = torch.randint(5, 40, (batch, tokens), generator=generator) * mask
    past = torch.randint(1, SIZES.history_tokens, (batch, history), generator=generator)
    past[0, :2] = 0
    outcomes = torch.randint(0, 3, (batch, history), generator=generator) * (past > 0)
    return [ids, mask, past, outcomes, torch.randn(batch, SIZES.context_width, generator=generator)]


def test_a_batch_gives_one_row_of_logits_per_request(module: CommandPredictor) -> None:
    assert module(*inputs(batch=5)).shape == (5, SIZES.classes)


def test_more_padding_of_the_request_changes_no_logit(module: CommandPredictor) -> None:
    ids, mask, *rest = inputs()
    padded = torch.nn.functional.pad(ids, (0, 5)), torch.nn.functional.pad(mask, (0, 5))
    torch.testing.assert_close(module(*padded, *rest), module(ids, mask, *rest), atol=1e-5, rtol=0)


def test_a_row_does_not_depend_on_its_neighbours(module: CommandPredictor) -> None:
    batch = inputs()
    alone = module(*(part[1:2] for part in batch))
    torch.testing.assert_close(module(*batch)[1:2], alone, atol=1e-5, rtol=0)


def test_attention_equals_a_plain_computation_that_leaves_padding_out(module: CommandPredictor) -> None:
    ids, mask, past, outcomes, _ = inputs()
    with torch.inference_mode():
        steps, last = module.head.recur(module.encode(ids, mask), past, outcomes)  # (B, K+1, H), (B, H)
        found = module.head.attend(steps, last, past)
        project = module.head.attention.in_proj_weight.chunk(3)
        offset = module.head.attention.in_proj_bias.chunk(3)
        heads, width = SIZES.attention_heads, SIZES.lstm_units // SIZES.attention_heads
        for row in range(len(past)):
            real = [step for step in range(past.shape[1]) if past[row, step] != 0] + [past.shape[1]]
            query = project[0] @ last[row] + offset[0]
            mixed = []
            for head in range(heads):
                part = slice(head * width, (head + 1) * width)
                keys = [(project[1] @ steps[row, step] + offset[1])[part] for step in real]
                values = [(project[2] @ steps[row, step] + offset[2])[part] for step in real]
                weights = torch.stack([query[part] @ key / width**0.5 for key in keys]).softmax(0)
                mixed.append(sum(weight * value for weight, value in zip(weights, values, strict=True)))
            expected = module.head.attention.out_proj(torch.cat(mixed))
            torch.testing.assert_close(found[row], expected, atol=1e-5, rtol=1e-5)


def test_the_module_goes_through_onnx_with_any_batch_and_length(module: CommandPredictor) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    from ccml.export.onnx import export_graph

    names = ("input_ids", "attention_mask", "history_ids", "history_outcomes", "context")
    traced = {name: part.numpy() for name, part in zip(names, inputs(), strict=True)}
    session = onnxruntime.InferenceSession(export_graph("command_predictor", module, traced))
    other = inputs(batch=2, tokens=9)
    with torch.inference_mode():
        expected = module(*other).numpy()
    found = session.run(None, {name: part.numpy() for name, part in zip(names, other, strict=True)})[0]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_training_beats_the_frequency_baseline_on_rows_it_never_saw(trained: Candidate, rows: pd.DataFrame) -> None:
    test = rows[rows["split"] == "test"]
    targets = target_indices(test["target_template"], trained.labels)
    frequency = Frequency(trained.labels, "target_template").fit(rows[rows["split"] == "train"])
    simple = ranking_metrics(frequency.probabilities(test), targets)["top1"]
    assert ranking_metrics(trained.probabilities(test), targets)["top1"] > simple + 0.3


def test_a_request_that_points_back_is_answered_from_the_history(trained: Candidate, rows: pd.DataFrame) -> None:
    again = rows[(rows["split"] == "test") & (rows["request"] == AGAIN)]
    targets = target_indices(again["target_template"], trained.labels)
    assert ranking_metrics(trained.probabilities(again), targets)["top1"] > 0.7


def test_each_step_is_recorded_with_its_gain_over_the_one_before(trained: Candidate) -> None:
    stages = trained.training["stages"]
    assert [stage["name"] for stage in stages] == [step.name for step in STEPS]
    assert stages[0]["gain"] is None
    for before, after in pairwise(stages):
        for name in ("top1", "top5", "mrr"):
            assert after["gain"][name] == pytest.approx(after["validation"][name] - before["validation"][name])
    # Fine-tuning may give back what it came with; a step that adds layers has nothing to give back.
    assert [stage["epochs"][0]["epoch"] for stage in stages] == [1, 0, 1, 1, 1, 0]


def test_each_step_keeps_which_validation_rows_it_got_right_and_how_its_loss_fell(trained: Candidate) -> None:
    for stage in trained.training["stages"]:
        assert len(stage["hits"]) == trained.metrics["validation_rows"]
        assert np.mean(stage["hits"]) == pytest.approx(stage["validation"]["top1"])
        steps = [point["step"] for point in stage["losses"]]
        assert len(steps) > 2
        assert steps == sorted(set(steps))


def test_the_end_to_end_step_never_ends_below_where_it_began(trained: Candidate) -> None:
    assert trained.training["stages"][-1]["gain"]["mrr"] >= 0.0


def test_probabilities_are_calibrated_shares(trained: Candidate, rows: pd.DataFrame) -> None:
    shares = trained.probabilities(rows[:20])
    assert shares.shape == (20, len(trained.labels))
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-5)


def test_each_label_has_its_training_frequency_and_a_command_line_that_was_run(
    trained: Candidate, rows: pd.DataFrame
) -> None:
    training = rows[rows["split"] == "train"]
    counts = training["target_template"].value_counts()
    assert trained.defaults["frequencies"] == {label: counts[label] for label in trained.labels}
    assert set(trained.defaults["exemplars"]) <= set(trained.labels)
    typed_by = training.groupby("target_line")["user_id"].nunique()
    assert trained.defaults["exemplars"]
    assert min(typed_by[line] for line in trained.defaults["exemplars"].values()) >= 3


def test_a_line_that_one_user_typed_is_shown_to_no_other() -> None:
    typed = [("ada", "cat tax-2025.pdf")] * 9 + [(user, "cat notes.txt") for user in ("ada", "ken", "eve")]
    typed += [("ken", "ssh kens-box")] * 5
    rows = pd.DataFrame(typed, columns=["user_id", "target_line"])
    rows["target_template"] = rows["target_line"].str.split().str[0] + " <text>"
    assert shared_lines(rows, "target_template") == {"cat <text>": "cat notes.txt"}
    alone = rows[rows["user_id"] == "ada"]
    assert shared_lines(alone, "target_template") == {"cat <text>": "cat tax-2025.pdf"}


def test_the_same_seed_gives_the_same_model(trained: Candidate, rows: pd.DataFrame, encoder: LoadedEncoder) -> None:
    again = train(rows, encoder)
    np.testing.assert_allclose(again.logits(rows[:30]), trained.logits(rows[:30]), atol=1e-4)


def test_training_leaves_the_shared_encoder_as_it_was(rows: pd.DataFrame, encoder: LoadedEncoder) -> None:
    fresh = load_encoder(EncoderSettings("tiny-random", max_tokens=12), corpus=rows["request"])
    for name, tensor in fresh.model.state_dict().items():
        assert torch.equal(tensor, encoder.model.state_dict()[name])


def test_test_rows_have_no_influence_on_the_model(
    trained: Candidate, rows: pd.DataFrame, encoder: LoadedEncoder
) -> None:
    without = train(rows[rows["split"] != "test"], encoder)
    np.testing.assert_allclose(without.logits(rows[:30]), trained.logits(rows[:30]), atol=1e-4)


def test_what_training_never_met_moves_no_answer(rows: pd.DataFrame, encoder: LoadedEncoder) -> None:
    """Training knows only the first field of the context and no failed command."""
    never_failed = rows.assign(history_outcomes=[[min(one, 1) for one in row] for row in rows["history_outcomes"]])
    candidate = train(never_failed, encoder)
    asked = never_failed[:40]
    known = [np.where(np.isnan(row), np.float32(1.0), row) for row in asked["context"]]
    np.testing.assert_array_equal(candidate.logits(asked.assign(context=known)), candidate.logits(asked))
    unknown, failed = (
        candidate.logits(asked.assign(history_outcomes=[[code] * len(row) for row in asked["history_outcomes"]]))
        for code in (0, 2)
    )
    np.testing.assert_array_equal(failed, unknown)


def test_a_saved_model_answers_as_before(trained: Candidate, rows: pd.DataFrame, tmp_path: Path) -> None:
    loaded = load_candidate(trained.save(tmp_path / "model"))
    np.testing.assert_array_equal(loaded.probabilities(rows[:30]), trained.probabilities(rows[:30]))


def test_a_release_from_before_the_head_was_a_module_answers_as_it_did(trained: Candidate, rows: pd.DataFrame) -> None:
    bare = {name.removeprefix("head."): tensor for name, tensor in trained.tensors.items()}
    old = replace(trained, tensors=bare, _built={})
    np.testing.assert_array_equal(old.logits(rows[:30]), trained.logits(rows[:30]))


def test_weights_of_another_architecture_are_refused_and_named(trained: Candidate, tmp_path: Path) -> None:
    sizes = {**trained.config["sizes"], "lstm_units": 32}
    save_candidate(
        tmp_path / "model",
        config={**trained.config, "sizes": sizes},
        tensors=trained.tensors,
        tokenizer_json=trained.tokenizer_json,
        labels=trained.labels,
        transforms=trained.transforms,
        calibration=trained.calibration,
        defaults=trained.defaults,
        metrics=trained.metrics,
        training=trained.training,
    )
    with pytest.raises(IntegrityError, match=r"model/weights\.safetensors"):
        load_candidate(tmp_path / "model").module()


def test_rows_without_any_request_train_on_the_history_alone(rows: pd.DataFrame, encoder: LoadedEncoder) -> None:
    candidate = train(rows.assign(request=""), encoder)
    skipped = [stage["name"] for stage in candidate.training["stages"] if "skipped" in stage]
    assert skipped == [step.name for step in STEPS if step.encodes]
    assert candidate.probabilities(rows[:3]).shape == (3, len(candidate.labels))


def test_too_few_rows_end_in_a_sentence_with_the_counts(rows: pd.DataFrame, encoder: LoadedEncoder) -> None:
    few = pd.concat([rows[rows["split"] == "train"][:40], rows[rows["split"] != "train"]])
    with pytest.raises(NotEnoughDataError, match=r"needs at least 50 training rows .* there are 39 rows"):
        train(few, encoder)
