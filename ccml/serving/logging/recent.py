"""The interactions that feedback may still refer to: a bounded memory, the oldest forgotten first."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field


@dataclass
class Remembered:
    session_id: str
    user_id: str
    command: str
    posted: set[str] = field(default_factory=set)
    """Digests of the feedback already taken; a client that sends one again after a broken connection adds nothing."""


class RecentInteractions:
    """Lives in the memory of one server: after a restart, feedback on earlier answers is refused as unknown."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: OrderedDict[str, Remembered] = OrderedDict()

    def remember(self, interaction_id: str, interaction: Remembered) -> None:
        self._known[interaction_id] = interaction
        if len(self._known) > self._limit:
            self._known.popitem(last=False)

    def find(self, interaction_id: str, session_id: str, user_id: str) -> Remembered | None:
        """The interaction if it was this session's and this user's; nobody can speak for another's."""
        found = self._known.get(interaction_id)
        if found is None or (found.session_id, found.user_id) != (session_id, user_id):
            return None
        return found
