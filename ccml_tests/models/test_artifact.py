from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ccml.errors import IntegrityError
from ccml.models.artifact import load_candidate, save_candidate
from ccml.models.logits import softmax


def save(directory: Path, **changes: Any) -> Path:
    parts: dict[str, Any] = {
        "config": {"model": "policy"},
        "tensors": {"layer.weight": np.arange(6, dtype=np.float32).reshape(2, 3)},
        "tokenizer_json": None,
        "labels": ["execute", "confirm"],
        "transforms": {"mean": [0.5]},
        "calibration": {"temperature": 1.5},
        "defaults": {"frequencies": {"execute": 3, "confirm": 1}},
        "metrics": {},
        "training": {"seed": 7},
    }
    return save_candidate(directory, **{**parts, **changes})


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    candidate = load_candidate(save(tmp_path / "model"))
    assert candidate.name == "policy"
    assert candidate.labels == ["execute", "confirm"]
    assert candidate.temperature == 1.5
    assert candidate.training == {"seed": 7}
    np.testing.assert_array_equal(candidate.tensors["layer.weight"], [[0, 1, 2], [3, 4, 5]])


def test_saving_again_replaces_the_folder_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    save(tmp_path / "model")
    (tmp_path / "model" / "stray").write_text("of the older one")
    save(tmp_path / "model", training={"seed": 8})
    assert load_candidate(tmp_path / "model").training == {"seed": 8}
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert not (tmp_path / "model" / "stray").exists()


@pytest.mark.parametrize("name", ["weights.safetensors", "labels.json", "calibration.json", "training.json"])
def test_a_changed_byte_is_refused_and_the_file_named(name: str, tmp_path: Path) -> None:
    path = save(tmp_path / "model") / name
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(IntegrityError, match=f"{name}: sha256"):
        load_candidate(tmp_path / "model")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (save(tmp_path / "model") / "transforms.json").unlink()
    with pytest.raises(IntegrityError, match=r"transforms\.json: missing"):
        load_candidate(tmp_path / "model")


def test_a_file_of_another_training_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "one")
    save(tmp_path / "two", labels=["confirm", "execute"])
    (tmp_path / "one" / "labels.json").write_bytes((tmp_path / "two" / "labels.json").read_bytes())
    with pytest.raises(IntegrityError, match=r"one/labels\.json"):
        load_candidate(tmp_path / "one")


def test_labels_given_twice_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "model", labels=["execute", "execute"], defaults={})
    with pytest.raises(IntegrityError, match=r"labels\.json: 2 labels, 1 distinct"):
        load_candidate(tmp_path / "model")


def test_defaults_for_other_labels_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "model", defaults={"frequencies": {"execute": 3}})
    with pytest.raises(IntegrityError, match=r"defaults\.json"):
        load_candidate(tmp_path / "model")


@pytest.mark.parametrize(
    ("change", "message"), [({"format": 2}, "format 2"), ({"model": "oracle"}, "unknown model 'oracle'")]
)
def test_a_configuration_of_another_kind_is_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = save(tmp_path / "model") / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(IntegrityError, match=message):
        load_candidate(tmp_path / "model")


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="not a trained model"):
        load_candidate(tmp_path)


def test_softmax_rows_sum_to_one_for_any_spread_of_logits() -> None:
    logits = np.array([[1e4, 0.0, -1e4], [0.1, 0.2, 0.3]], dtype=np.float32)
    np.testing.assert_allclose(softmax(logits, 0.5).sum(axis=1), 1.0, atol=1e-6)
    assert softmax(logits, 10.0)[1].std() < softmax(logits, 1.0)[1].std()
