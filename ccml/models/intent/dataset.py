"""The intent classifier's data: requests with what was wanted, and rewritten ones on the training side."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ccml.datasets.content import Dataset
from ccml.datasets.near_duplicates import near_duplicates, normalise
from ccml.datasets.splits import SPLITS, Splits, draw
from ccml.errors import NotEnoughDataError
from ccml.intents.tables import OUT_OF_SCOPE
from ccml.models.command.dataset import finish, keep
from ccml.models.intent.augmentation import rewrite

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.expectations import Expectation

    from ccml.profiles import Profile, SplitSettings

COLUMNS = (
    *("interaction_id", "user_id", "session_id", "time", "split", "unseen_user", "source"),
    *("request", "intent", "intent_source", "augmented", "family"),
)


def build_dataset(clean: pd.DataFrame, context: pd.DataFrame | None, splits: Splits, profile: Profile) -> Dataset:
    return labelled_requests(clean, splits, profile.split, profile.seed)


def labelled_requests(clean: pd.DataFrame, splits: Splits, settings: SplitSettings, seed: int) -> Dataset:
    """One row per request with an intent (a class or 'out_of_scope'), plus rewrites of training requests.

    A label by rule describes a command; where an assistant ran many commands for one request only the first speaks
    for the request. Training texts that are almost a held-out text are left out, original or rewritten.

    Raises:
        NotEnoughDataError: no labelled request, fewer than two intents, or a split without rows.
    """
    turns = clean.drop_duplicates("interaction_id")
    turns = turns.sort_values(["user_id", "session_id", "position"], kind="stable", ignore_index=True)
    request = turns["request"].str.strip()
    same = (request == request.shift()) & (turns["session_id"] == turns["session_id"].shift())
    split = turns["interaction_id"].map(splits.labels)
    reasons = {
        "no request": request == "",
        "no intent known": turns["intent_label"].isna(),
        "left out by the split": ~split.isin(SPLITS),
        "later command of one request, labelled by rule": same & (turns["intent_source"] == "rule"),
    }
    kept, left_out = keep(turns, reasons)
    rows = turns.assign(
        request=request,
        split=split,
        unseen_user=turns["user_id"].isin(list(splits.unseen_users)).astype(bool),
        intent=turns["intent_label"],
        augmented=False,
    )[kept][list(COLUMNS)]
    if rows.empty:
        raise NotEnoughDataError("No interaction carries both a request and an intent, so no intent can be learnt.")

    rows, rewritten = _with_rewrites(rows, settings.augmentation_copies, seed)
    held_out = rows.loc[rows["split"] != "train", "request"].unique().tolist()
    training = (rows["split"] == "train").to_numpy()
    twin = training.copy()
    twin[training] = near_duplicates(
        rows.loc[training, "request"].tolist(), held_out, settings.near_duplicate_similarity
    )
    augmented = rows["augmented"].to_numpy(dtype=bool)
    left_out |= {
        reason: int(mask.sum())
        for reason, mask in (
            ("training text almost a held-out text", twin & ~augmented),
            ("rewrite almost a held-out text", twin & augmented),
        )
        if mask.any()
    }
    dataset = finish(rows[~twin], left_out, "labelled requests")
    classes = set(dataset.rows.loc[dataset.rows["split"] == "train", "intent"]) - {OUT_OF_SCOPE}
    if len(classes) < 2:
        raise NotEnoughDataError(f"The training requests carry {len(classes)} intent(s); at least two are needed.")
    dataset.facts["augmented"] = int(dataset.rows["augmented"].sum())
    dataset.facts["rewritten"] = rewritten
    dataset.facts["intents"] = len(classes)
    dataset.facts["intent_sources"] = dataset.rows["intent_source"].value_counts().to_dict()
    return dataset


def _with_rewrites(rows: pd.DataFrame, copies: int, seed: int) -> tuple[pd.DataFrame, int]:
    """Training rows first copied, then reworded; the draw depends on the interaction, not on the order of rows."""
    import pandas as pd

    made: list[dict[str, Any]] = []
    for row in rows[rows["split"] == "train"].to_dict("records"):
        for copy in range(copies):
            generator = random.Random(draw(seed, f"augmentation {copy}", row["interaction_id"]))
            text = rewrite(row["request"], generator)
            if normalise(text) != normalise(row["request"]):
                made.append(
                    row | {"request": text, "augmented": True, "interaction_id": f"{row['interaction_id']}~{copy}"}
                )
    if not made:
        return rows, 0
    extra = pd.DataFrame(made).astype(rows.dtypes.to_dict())
    return pd.concat([rows, extra], ignore_index=True), len(made)


def data_rules() -> Iterator[Expectation]:
    """What the rows keep beside the rules of every data set."""
    from great_expectations import expectations as gxe

    for name in ("request", "intent"):
        yield gxe.ExpectColumnValueLengthsToBeBetween(column=name, min_value=1)
    yield gxe.ExpectColumnValuesToBeInSet(column="intent_source", value_set=["correction", "telemetry", "rule"])
