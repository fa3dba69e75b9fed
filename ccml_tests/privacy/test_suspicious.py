"""No text that redaction changes escapes the search for suspicious ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ccml.privacy.redaction import HOME_WORDS, redact
from ccml.privacy.secret_names import NAME_PARTS
from ccml.privacy.shell_secrets import HINTS
from ccml.privacy.suspicious import suspicious_texts
from ccml.privacy.token_shapes import ANYWHERE, PREFIXES, SHAPES
from ccml.telemetry.finding import find_files
from ccml.telemetry.readers import read_file
from ccml.telemetry.sources import Source
from ccml_tests.privacy import corpus, generated


def missed(texts: list[str]) -> list[str]:
    suspicious = set(suspicious_texts(texts))
    return [text for text in texts if text not in suspicious and redact(text) != text]


def test_no_secret_of_the_generated_corpora_escapes() -> None:
    lines = [line for _, line, _ in generated.with_secrets(per_template=5, seed=11)]
    lines += [line for line, _ in generated.written_later(per_template=3, seed=12)]
    lines += [*generated.harmless(per_template=3, seed=13), *corpus.WITH_SECRET.splitlines()]
    spellings = [line.upper() for line in lines] + [line.lower() for line in lines] + [f"x.py{line}" for line in lines]
    assert sum(redact(line) != line for line in lines) > 1_000
    assert missed(lines + spellings) == []


def test_most_harmless_texts_of_a_log_are_not_suspicious(shared_data: Path) -> None:
    texts = [*_logged(shared_data / "agent_sessions"), *_logged(shared_data / "shell_history")]
    assert missed(texts) == []
    assert len(suspicious_texts(texts)) <= 0.15 * len(texts)


def _logged(folder: Path) -> Iterator[str]:
    texts: set[str] = set()
    for log in find_files([Source(str(folder), "auto")]):
        for record in read_file(log.path, log.format):
            for event in record.events:
                texts.update(
                    value for name in event.__struct_fields__ if isinstance(value := getattr(event, name), str)
                )
    yield from sorted(texts)


SIGNS = """ssh;ls -la;hunter2;-p;-u;--password;=;: ; is ;://;@;/home/ada;aB3aB3aB3aB3aB3aB3aB3;.py;$;|;<<<;';";\x0b;\x1c;
\u212a;é;ſ""".split(";")
WORDS = st.sampled_from(
    [*sorted(HINTS), *sorted(NAME_PARTS), *HOME_WORDS, *(shape.trigger for shape in SHAPES), *SIGNS]
)
PATTERNS = [*(shape.pattern for shape in SHAPES), *(pattern for _, _, pattern in ANYWHERE)]
KEYS = st.one_of(
    *(st.from_regex(prefix.rest, fullmatch=True, alphabet=st.characters(codec="ascii")).map(prefix.prefix.__add__)
      for prefix in PREFIXES[::7]),
    *(st.from_regex(pattern.pattern, alphabet=st.characters(codec="ascii")) for pattern in PATTERNS[::3]),
)  # fmt: skip


TEXTS = st.lists(
    st.lists(st.one_of(WORDS, KEYS, st.text(max_size=6)), max_size=8).map(" ".join), min_size=1, max_size=20
)


@settings(max_examples=40)
@given(
    st.lists(st.lists(st.one_of(WORDS, KEYS, st.text(max_size=6)), max_size=8).map(" ".join), min_size=1, max_size=20)
)
@example([prefix.prefix + "aB3dE6gH9j" * 5 for prefix in PREFIXES])
@example([f"{prefix.prefix}{'0' * 12}-{'A1' * 20}" for prefix in PREFIXES])
def test_no_text_that_redaction_changes_escapes(texts: list[str]) -> None:
    assert missed(texts) == []
    glued = ["".join(text.split(" ")) for text in texts]
    assert missed(glued) == []


@pytest.mark.slow
@settings(max_examples=10_000)
@given(
    st.lists(st.lists(st.one_of(WORDS, KEYS, st.text(max_size=6)), max_size=8).map(" ".join), min_size=1, max_size=20)
)
def test_no_text_of_many_that_redaction_changes_escapes(texts: list[str]) -> None:
    assert missed(texts) == []
