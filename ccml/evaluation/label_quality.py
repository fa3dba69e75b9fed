"""Which labels of a data set contradict each other, and which are probably wrong.

A model that learns from wrong labels repeats them, and is called wrong by a test row whose label is. Two signs are
looked for: the same text with different labels, and a label that a simple model, fitted on other people's rows, finds
improbable (confident learning; Northcutt, Jiang, Chuang 2021; the cleanlab package).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ccml.datasets.near_duplicates import normalise
from ccml.evaluation.statistics import Floats, Interval, clusters_of
from ccml.privacy.shared_words import shared_words

LEAST_AGREEMENT: Final = 0.75
"""Share of the labels that the simple model must give too, before its doubts count. With 844 requests it gave 54 % and
was right in a tenth of its doubts, with 15,000 it gave 88 % and was right in two thirds (5 % planted)."""
MOST_DOUBTED: Final = 10
LONGEST_TEXT: Final = 240
"""Characters of a text that is shown."""


class DoubtedLabel(Struct, frozen=True):
    text: str
    """Without the words that fewer than three users wrote."""
    given: str
    suggested: str
    """What the simple model finds most probable."""
    probability: float
    """Of the given label, by a model that has not seen the row's user."""
    source: str
    """Where the label is from."""


class Contradiction(Struct, frozen=True):
    """One text with several labels, and how many rows have each."""

    text: str
    labels: dict[str, int]


class DoubtedSource(Struct, frozen=True):
    source: str
    rows: int
    doubted: int


class LabelQuality(Struct, frozen=True):
    rows: int
    """Labelled rows, without rewrites."""
    assessed: int
    """Of them, those whose label other people's rows have too."""
    agreement: float
    """Share of the assessed rows whose label the simple model gives too."""
    doubted: Interval | None
    """Share of the assessed rows whose label is probably wrong; None where the simple model agrees with too few labels
    to doubt any."""
    contradicted: Interval
    """Share of the rows whose text has another label elsewhere."""
    contradicted_texts: int
    sources: list[DoubtedSource]
    worst: list[DoubtedLabel]
    contradictions: list[Contradiction]


def doubted_rows(labels: NDArray[np.int64], probabilities: Floats) -> NDArray[np.bool_]:
    """(N,) whether a label is probably wrong: found by both of cleanlab's counts, by class and by noise rate.

    Args:
        labels: (N,) columns of `probabilities`, each at least once.
        probabilities: (N, V), of models that have not seen the row.
    """
    from cleanlab.filter import find_label_issues

    found: NDArray[np.bool_] = find_label_issues(labels, probabilities, filter_by="both", n_jobs=1)
    return found


def label_quality(
    rows: Any,
    column: str,
    probabilities: Floats,
    classes: Sequence[str],
    assessed: NDArray[np.bool_],
    confidence: float,
) -> LabelQuality:
    """
    Args:
        rows: N rows with `request`, `user_id`, `session_id` and the label in `column`; where it is from in
            `<column>_source`.
        probabilities: (N, V) of the `classes`, of models that have not seen the row's user.
        assessed: (N,) rows whose label was among those that the row's model was fitted on.
    """
    given = np.asarray(rows[column]).astype(str)
    index = {name: place for place, name in enumerate(classes)}
    doubted = np.zeros(len(rows), np.bool_)
    right = probabilities.argmax(axis=1) == np.array([index[label] for label in given])
    agreement = float(right[assessed].mean()) if assessed.any() else 0.0
    if agreement >= LEAST_AGREEMENT:
        present = np.unique([index[label] for label in given[assessed]])
        narrow = np.searchsorted(present, [index[label] for label in given[assessed]])
        shares = probabilities[assessed][:, present]
        doubted[assessed] = doubted_rows(narrow, shares / shares.sum(axis=1, keepdims=True))
    texts = rows["request"].astype(str).tolist()
    by_text = _labels_by_text(texts, given)
    contradicted = np.array([len(by_text[normalise(text)]) > 1 for text in texts], np.float64)
    shown = shared_words(texts, rows["user_id"].astype(str).tolist())
    sources = np.asarray(rows[f"{column}_source"]).astype(str)
    clusters = clusters_of(rows, confidence=confidence)
    return LabelQuality(
        rows=len(rows),
        assessed=int(assessed.sum()),
        agreement=agreement,
        doubted=(
            clusters.ratio(doubted.astype(np.float64), assessed.astype(np.float64))
            if agreement >= LEAST_AGREEMENT
            else None
        ),
        contradicted=clusters.mean(contradicted),
        contradicted_texts=sum(len(labels) > 1 for labels in by_text.values()),
        sources=[
            DoubtedSource(name, int((inside := sources == name).sum()), int(doubted[inside].sum()))
            for name in sorted(set(sources.tolist()))
        ],
        worst=_worst(doubted, shown, given, probabilities, classes, sources),
        contradictions=_contradictions(texts, shown, by_text),
    )


def _labels_by_text(texts: Sequence[str], given: NDArray[np.str_]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for text, label in zip(texts, given, strict=True):
        found[normalise(text)][str(label)] += 1
    return found


def _worst(
    doubted: NDArray[np.bool_],
    shown: Sequence[str],
    given: NDArray[np.str_],
    probabilities: Floats,
    classes: Sequence[str],
    sources: NDArray[np.str_],
) -> list[DoubtedLabel]:
    """The most improbable labels first, the same words with the same labels once."""
    places = np.flatnonzero(doubted)
    index = {name: place for place, name in enumerate(classes)}
    own = np.array([probabilities[place, index[given[place]]] for place in places])
    best: dict[tuple[str, str, str], DoubtedLabel] = {}
    for at in np.argsort(own, kind="stable"):
        place = places[at]
        key = (shown[place][:LONGEST_TEXT], str(given[place]), str(classes[int(probabilities[place].argmax())]))
        if key not in best:
            best[key] = DoubtedLabel(*key, float(own[at]), str(sources[place]))
        if len(best) == MOST_DOUBTED:
            break
    return list(best.values())


def _contradictions(
    texts: Sequence[str], shown: Sequence[str], by_text: dict[str, Counter[str]]
) -> list[Contradiction]:
    """The texts with most rows first."""
    words = {normalise(text): masked for text, masked in zip(texts, shown, strict=True)}
    several = [(text, labels) for text, labels in by_text.items() if len(labels) > 1]
    several.sort(key=lambda one: (-one[1].total(), one[0]))
    return [
        Contradiction(words[text][:LONGEST_TEXT], dict(labels.most_common())) for text, labels in several[:MOST_DOUBTED]
    ]
