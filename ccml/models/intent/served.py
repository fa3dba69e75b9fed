"""Was the predicted intent the corrected one, or else the one that the rules read off the wanted command?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ccml.intents.tables import OUT_OF_SCOPE
from ccml.models.kinds import INTENT
from ccml.models.outcomes import ServedOutcomes, out_of_scope, where

if TYPE_CHECKING:
    import pandas as pd

    from ccml.models.artifact import Candidate
    from ccml.profiles import Profile


def served_outcomes(served: pd.DataFrame, champion: Callable[[], Candidate | None], profile: Profile) -> ServedOutcomes:
    label, predicted = served["intent_label"], served["predicted_intent"]
    known = label.notna() & label.ne(OUT_OF_SCOPE) & predicted.notna() & ~out_of_scope(served)
    return ServedOutcomes(INTENT.score, where(known.fillna(False), label.eq(predicted).fillna(False)))
