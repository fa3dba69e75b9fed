"""The quality of the intent labels: each is looked at by a simple model that was fitted on other people's requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ccml.evaluation.label_quality import LabelQuality, label_quality
from ccml.evaluation.statistics import Floats
from ccml.profiles import EvaluationSettings

FOLDS: Final = 3


def intent_label_quality(rows: Any, evaluation: EvaluationSettings, seed: int) -> LabelQuality | None:
    """Of all labelled requests but the rewritten ones; None where fewer than two people, or one intent, are in them.

    15,500 requests of 60 people take three seconds.
    """
    written = rows[~rows["augmented"].to_numpy(dtype=bool)].reset_index(drop=True)
    classes = sorted(set(written["intent"].astype(str)))
    if written["user_id"].nunique() < 2 or len(classes) < 2:
        return None
    probabilities, assessed = probabilities_by_others(written, classes, seed)
    return label_quality(written, "intent", probabilities, classes, assessed, evaluation.confidence)


def probabilities_by_others(rows: Any, classes: Sequence[str], seed: int) -> tuple[Floats, NDArray[np.bool_]]:
    """(N, V) probabilities of each row's intents by a model fitted on the rows of other users, and (N,) whether that
    model knew the row's label.

    Words and word pairs, weighted over all texts, into a linear classifier with logistic loss: of the simple baseline
    what can be fitted three times in a second.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier
    from sklearn.model_selection import GroupKFold

    # A leading mark keeps the vocabulary from being empty where no request has a word.
    texts = [f"^^ {text.lower()}" for text in rows["request"].astype(str)]
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\S+").fit_transform(texts)  # noqa: S106
    targets = np.searchsorted(classes, rows["intent"].astype(str))
    users = rows["user_id"].astype(str)
    probabilities = np.full((len(rows), len(classes)), 1e-9)
    known = np.zeros(len(rows), np.bool_)
    for fitted, held in GroupKFold(min(FOLDS, users.nunique())).split(vectors, groups=users):
        if len(set(targets[fitted])) < 2:
            continue  # nothing to tell apart: these rows are not assessed
        model = SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=5, tol=None, average=True, random_state=seed)
        model.fit(vectors[fitted], targets[fitted])
        probabilities[np.ix_(held, model.classes_)] += model.predict_proba(vectors[held])
        known[held] = np.isin(targets[held], model.classes_)
    return probabilities / probabilities.sum(axis=1, keepdims=True), known
