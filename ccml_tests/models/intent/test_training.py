from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch  # noqa: TID253

from ccml.errors import NotEnoughDataError
from ccml.features.encoder import LoadedEncoder, load_encoder
from ccml.intents.tables import OUT_OF_SCOPE
from ccml.models.artifact import Candidate, load_candidate
from ccml.models.baselines import Frequency
from ccml.models.intent.module import IntentClassifier, IntentSizes, energies
from ccml.models.intent.training import FALSE_REJECTIONS, train_intent_classifier
from ccml.models.ranking import ranking_metrics, target_indices
from ccml.profiles import PROFILES, EncoderSettings
from ccml_tests.models.rows import labelled_requests

SIZES = IntentSizes(classes=5, attention_heads=8, dropout=0.1)
SETTINGS = replace(PROFILES["smoke"].intent, examples=2_000)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return labelled_requests(700)


@pytest.fixture(scope="module")
def encoder(rows: pd.DataFrame) -> LoadedEncoder:
    return load_encoder(EncoderSettings("tiny-random", max_tokens=12), corpus=rows["request"])


@pytest.fixture(scope="module")
def trained(rows: pd.DataFrame, encoder: LoadedEncoder) -> Candidate:
    return train_intent_classifier(rows, encoder, SETTINGS, seed=3)


@pytest.fixture
def module(encoder: LoadedEncoder) -> IntentClassifier:
    torch.manual_seed(0)
    return IntentClassifier(encoder.model, SIZES).eval()


def tokens(batch: int = 3, length: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    mask = torch.ones(batch, length, dtype=torch.int64)
    mask[0, 2:] = 0
    return torch.randint(5, 40, (batch, length), generator=torch.Generator().manual_seed(1)) * mask, mask


def test_a_batch_gives_one_row_of_logits_per_request(module: IntentClassifier) -> None:
    assert module(*tokens(batch=4)).shape == (4, SIZES.classes)


def test_more_padding_changes_no_logit(module: IntentClassifier) -> None:
    ids, mask = tokens()
    padded = torch.nn.functional.pad(ids, (0, 4)), torch.nn.functional.pad(mask, (0, 4))
    torch.testing.assert_close(module(*padded), module(ids, mask), atol=1e-5, rtol=0)


def test_pooling_equals_a_plain_computation_that_leaves_padding_out(module: IntentClassifier) -> None:
    _, mask = tokens()
    states = torch.randn(3, 6, 64, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        found = module.pool(states, mask)  # (B, H, D)
        for row in range(3):
            real = states[row, : int(mask[row].sum())]  # (T', D)
            for head in range(SIZES.attention_heads):
                scores = real @ module.token_scores.weight[head] + module.token_scores.bias[head]
                expected = (scores.softmax(0).unsqueeze(1) * real).sum(0)
                torch.testing.assert_close(found[row, head], expected, atol=1e-5, rtol=1e-5)


def test_logits_equal_each_intents_own_mixture_of_the_heads(module: IntentClassifier) -> None:
    ids, mask = tokens()
    with torch.inference_mode():
        pooled = module.pool(module.encoder(ids, attention_mask=mask).last_hidden_state, mask)
        found = module(ids, mask)
        for intent in range(SIZES.classes):
            mixture = module.head_scores[:, intent].softmax(0)  # (H,)
            mixed = (mixture[None, :, None] * pooled).sum(1)  # (B, D)
            expected = mixed @ module.dense.weight[intent] + module.dense.bias[intent]
            torch.testing.assert_close(found[:, intent], expected, atol=1e-5, rtol=1e-4)


def test_the_module_goes_through_onnx_with_any_batch_and_length(module: IntentClassifier) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    from ccml.export.onnx import export_graph

    names = ("input_ids", "attention_mask")
    traced = {name: part.numpy() for name, part in zip(names, tokens(), strict=True)}
    session = onnxruntime.InferenceSession(export_graph("intent_classifier", module, traced))
    other = tokens(batch=2, length=9)
    with torch.inference_mode():
        expected = module(*other).numpy()
    found = session.run(None, {name: part.numpy() for name, part in zip(names, other, strict=True)})[0]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def in_scope(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[(rows["split"] == "test") & (rows["intent"] != OUT_OF_SCOPE)]


def test_training_beats_the_frequency_baseline(trained: Candidate, rows: pd.DataFrame) -> None:
    test = in_scope(rows)
    targets = target_indices(test["intent"], trained.labels)
    simple = Frequency(trained.labels, "intent").fit(rows[rows["split"] == "train"]).probabilities(test)
    assert (
        ranking_metrics(trained.probabilities(test), targets)["top1"] > ranking_metrics(simple, targets)["top1"] + 0.4
    )


def test_out_of_scope_is_no_class_but_a_higher_energy(trained: Candidate, rows: pd.DataFrame) -> None:
    assert OUT_OF_SCOPE not in trained.labels
    outside = rows[(rows["split"] == "test") & (rows["intent"] == OUT_OF_SCOPE)]
    threshold = trained.calibration["oos_threshold"]
    assert (energies(trained.logits(outside)) > threshold).mean() > 0.7
    assert (energies(trained.logits(in_scope(rows))) > threshold).mean() < 0.2


def test_the_threshold_turns_away_the_stated_share_of_calibration_requests(
    trained: Candidate, rows: pd.DataFrame
) -> None:
    held_out = rows[(rows["split"] == "calibration") & (rows["intent"] != OUT_OF_SCOPE)]
    share = (energies(trained.logits(held_out)) > trained.calibration["oos_threshold"]).mean()
    assert share == pytest.approx(FALSE_REJECTIONS, abs=2.0 / len(held_out))


def test_data_without_out_of_scope_requests_trains_too(encoder: LoadedEncoder) -> None:
    rows = labelled_requests(300, out_of_scope=0.0)
    candidate = train_intent_classifier(rows, encoder, replace(SETTINGS, examples=500), seed=3)
    assert np.isfinite(candidate.calibration["oos_threshold"])


def test_a_saved_model_answers_as_before(trained: Candidate, rows: pd.DataFrame, tmp_path: Path) -> None:
    loaded = load_candidate(trained.save(tmp_path / "model"))
    np.testing.assert_array_equal(loaded.probabilities(rows[:30]), trained.probabilities(rows[:30]))


def test_energies_are_the_negative_log_of_summed_exponentials() -> None:
    logits = np.array([[0.0, 1.0, 2.0], [500.0, 0.0, 0.0]], dtype=np.float32)
    np.testing.assert_allclose(energies(logits), [-np.log(1 + np.e + np.e**2), -500.0], rtol=1e-6)


def test_too_few_labels_end_in_a_sentence_with_the_counts(rows: pd.DataFrame, encoder: LoadedEncoder) -> None:
    with pytest.raises(NotEnoughDataError, match="of 1 such intents"):
        train_intent_classifier(rows.assign(intent="list"), encoder, SETTINGS, seed=3)
