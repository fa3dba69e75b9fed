"""The reward of the later half of the sessions, held to that of the earlier half.

The released figure was estimated on another assistant's commands; with our own, right more or less often, the same
policy earns something else though nothing has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ccml.models.outcomes import ServedOutcomes, where
from ccml.models.policy.reward import OUTCOMES, reward, reward_components

if TYPE_CHECKING:
    import pandas as pd

    from ccml.models.artifact import Candidate
    from ccml.profiles import Profile


def served_outcomes(served: pd.DataFrame, champion: Callable[[], Candidate | None], profile: Profile) -> ServedOutcomes:
    rewards = reward(reward_components(**{name: served[name] for name in OUTCOMES}))
    # No report about one turn is a part of the reward; sessions of a client that never reports anything do not count.
    sessions = served["session_id"]
    reported = served["verdict"].notna() | served["rating"].notna() | served["succeeded"].notna()
    known = reported.groupby(sessions).transform("any") & served["action"].notna()
    began = served["time"].groupby(sessions).transform("min")
    early = began < began[known].median()
    return ServedOutcomes("reward", where(known & ~early, rewards), earlier=where(known & early, rewards))
