"""What is known of the situation before a turn, as numbers: time, session outcomes, user, machine and place.

Training tables and the server use `context_matrix`, so a model gets the same numbers in both. Numpy only, because the
server imports this module. Values are raw; NaN is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from ccml.features.standardise import Standardiser

PLATFORMS = ("linux", "macos", "windows")
DIRECTORY_KINDS = ("python", "node", "rust", "home", "tmp", "log", "etc")
FAILURES_CAP = 8
"""More failures in a row count as this many: a client that sends only its last commands knows no more."""

TEMPORAL_FIELDS = (
    "hour_sin",
    "hour_cos",
    "weekday_sin",
    "weekday_cos",
    "weekend",
    "position_log",
    "seconds_since_previous_log",
)
OUTCOME_FIELDS = ("previous_succeeded", "failures_in_a_row", "session_success_rate")
USER_FIELDS = ("user_interactions_log", "user_success_rate", "user_mean_rating")
STATE_FIELDS = (
    "cpu_percent",
    "memory_percent",
    "disk_percent",
    "load_1m",
    "processes_log",
    *(f"platform_{name}" for name in PLATFORMS),
    "directory_depth",
    *(f"directory_{kind}" for kind in DIRECTORY_KINDS),
)
CONTEXT_FIELDS: tuple[str, ...] = (*TEMPORAL_FIELDS, *OUTCOME_FIELDS, *USER_FIELDS, *STATE_FIELDS)


class TurnContext(msgspec.Struct, frozen=True, kw_only=True):
    """The situation of one turn as it was before the assistant acted. `None` is unknown."""

    time: datetime
    directory: str = ""
    platform: str = ""
    cpu_percent: float | None = None
    memory_percent: float | None = None
    disk_percent: float | None = None
    load_1m: float | None = None
    processes: float | None = None
    user_interactions: int | None = None
    """Earlier turns of this user, over all sessions."""
    user_successes: int | None = None
    """How many of them are known to have succeeded."""
    user_mean_rating: float | None = None
    session_position: int = 0
    """Commands run in this session before; a proposal that nobody ran is not one."""
    session_successes: int = 0
    session_failures_in_a_row: int = 0
    previous_succeeded: bool | None = None
    seconds_since_previous: float | None = None

    @classmethod
    def from_session(
        cls,
        *,
        time: datetime,
        directory: str = "",
        platform: str = "",
        outcomes: Sequence[bool | None] = (),
        seconds_since_previous: float | None = None,
        state: Mapping[str, float | None] | None = None,
        user: Mapping[str, float | None] | None = None,
    ) -> TurnContext:
        """Builds the context from what a client sends.

        Args:
            outcomes: of the commands run earlier in the session, oldest first; `None` where not known.
            seconds_since_previous: since the user's previous request in this session; `None` for the first.
            state: `cpu_percent`, `memory_percent`, `disk_percent`, `load_1m`, `processes`, each optional.
            user: `interactions`, `successes`, `mean_rating`, each optional.
        """
        state, user = state or {}, user or {}
        interactions, successes = user.get("interactions"), user.get("successes")
        return cls(
            time=time,
            directory=directory,
            platform=platform,
            cpu_percent=state.get("cpu_percent"),
            memory_percent=state.get("memory_percent"),
            disk_percent=state.get("disk_percent"),
            load_1m=state.get("load_1m"),
            processes=state.get("processes"),
            user_interactions=None if interactions is None else int(interactions),
            user_successes=None if successes is None else int(successes),
            user_mean_rating=user.get("mean_rating"),
            session_position=len(outcomes),
            session_successes=sum(outcome is True for outcome in outcomes),
            session_failures_in_a_row=failures_in_a_row(outcomes),
            previous_succeeded=outcomes[-1] if outcomes else None,
            seconds_since_previous=seconds_since_previous,
        )


TURN_COLUMNS: tuple[str, ...] = TurnContext.__struct_fields__
"""What `context_matrix` reads: text columns hold str, `time` is naive UTC datetime64, the rest float with NaN."""


def failures_in_a_row(outcomes: Sequence[bool | None]) -> int:
    """Failed commands since the last one that succeeded or whose outcome is unknown, at most `FAILURES_CAP`."""
    count = 0
    for outcome in reversed(outcomes[-FAILURES_CAP:]):
        if outcome is not False:
            break
        count += 1
    return count


def context_matrix(turns: Mapping[str, Any]) -> NDArray[np.float32]:
    """Columns of `TURN_COLUMNS` (arrays of N) → raw features (N, len(CONTEXT_FIELDS)), NaN for unknown."""
    parts = (temporal_matrix(turns), outcome_matrix(turns), user_matrix(turns), state_matrix(turns))
    return np.concatenate(parts, axis=1)  # (N, F)


def context_row(turn: TurnContext) -> NDArray[np.float32]:
    """Raw features of one turn, shape (len(CONTEXT_FIELDS),)."""
    columns: dict[str, Any] = {}
    for name in TURN_COLUMNS:
        value = getattr(turn, name)
        if name == "time":
            aware = value if value.tzinfo else value.replace(tzinfo=UTC)
            columns[name] = np.asarray([aware.astimezone(UTC).replace(tzinfo=None)], dtype="datetime64[us]")
        elif name in ("directory", "platform"):
            columns[name] = np.asarray([value], dtype=object)
        else:
            columns[name] = np.asarray([np.nan if value is None else value], dtype=np.float64)
    row: NDArray[np.float32] = context_matrix(columns)[0]
    return row


def temporal_matrix(turns: Mapping[str, Any]) -> NDArray[np.float32]:
    """`TEMPORAL_FIELDS` (N, 7). Hours and weekdays are UTC: logs and servers seldom know the user's time zone."""
    time = np.asarray(turns["time"], dtype="datetime64[us]")
    day = time.astype("datetime64[D]")
    hour = (time - day) / np.timedelta64(1, "h")
    weekday = (day.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    hour_angle, week_angle = 2 * np.pi * hour / 24, 2 * np.pi * (weekday + hour / 24) / 7
    return _columns(
        np.sin(hour_angle),
        np.cos(hour_angle),
        np.sin(week_angle),
        np.cos(week_angle),
        weekday >= 5,
        np.log1p(_number(turns, "session_position")),
        np.log1p(np.maximum(_number(turns, "seconds_since_previous"), 0.0)),
    )


def outcome_matrix(turns: Mapping[str, Any]) -> NDArray[np.float32]:
    """`OUTCOME_FIELDS` (N, 3). At the start of a session there is no rate."""
    return _columns(
        _number(turns, "previous_succeeded"),
        np.minimum(_number(turns, "session_failures_in_a_row"), FAILURES_CAP),
        _rate(_number(turns, "session_successes"), _number(turns, "session_position")),
    )


def user_matrix(turns: Mapping[str, Any]) -> NDArray[np.float32]:
    """`USER_FIELDS` (N, 3)."""
    interactions = _number(turns, "user_interactions")
    return _columns(
        np.log1p(interactions),
        _rate(_number(turns, "user_successes"), interactions),
        _number(turns, "user_mean_rating"),
    )


def state_matrix(turns: Mapping[str, Any]) -> NDArray[np.float32]:
    """`STATE_FIELDS` (N, 16). An unknown platform has only zeros, an unknown directory the depth NaN."""
    platforms = np.asarray([_platform(str(name)) for name in turns["platform"]], dtype=np.float32).reshape(-1, 3)
    places = np.asarray([_place(str(path)) for path in turns["directory"]], dtype=np.float32)
    return _columns(
        _number(turns, "cpu_percent"),
        _number(turns, "memory_percent"),
        _number(turns, "disk_percent"),
        _number(turns, "load_1m"),
        np.log1p(_number(turns, "processes")),
        *platforms.T,
        *places.reshape(-1, 1 + len(DIRECTORY_KINDS)).T,
    )


class ContextTransform(Standardiser):
    """Scales `context_matrix`; see `Standardiser`."""

    FIELDS: ClassVar[tuple[str, ...]] = CONTEXT_FIELDS


def _columns(*columns: Any) -> NDArray[np.float32]:
    return np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=1)  # (N, columns)


def _number(turns: Mapping[str, Any], name: str) -> NDArray[np.float64]:
    return np.asarray(turns[name], dtype=np.float64)


def _rate(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    rate: NDArray[np.float64] = np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole > 0)
    return rate


@lru_cache(maxsize=256)
def _platform(name: str) -> tuple[float, ...]:
    lowered = {"darwin": "macos", "win32": "windows", "wsl": "linux"}.get(name.lower(), name.lower())
    return tuple(float(lowered.startswith(platform)) for platform in PLATFORMS)


_KIND_WORDS = {
    "python": frozenset({"py", "python", "python3", "venv", ".venv", "django", "flask", "notebooks", "pytest"}),
    "node": frozenset({"js", "ts", "node", "nodejs", "npm", "node_modules", "react", "web", "frontend"}),
    "rust": frozenset({"rs", "rust", "cargo", "crates"}),
    "tmp": frozenset({"tmp", "temp", "scratch"}),
    "log": frozenset({"log", "logs"}),
    "etc": frozenset({"etc", "conf", "config", ".config"}),
}


@lru_cache(maxsize=8192)
def _place(path: str) -> tuple[float, ...]:
    """Depth, then one flag per `DIRECTORY_KINDS`, from the words of the path alone (no file of the user is opened)."""
    if not path:
        return (float("nan"), *(0.0 for _ in DIRECTORY_KINDS))
    segments = [segment for segment in re.split(r"[/\\]+", path.lower()) if segment]
    words = set(segments) | {word for segment in segments for word in re.split(r"[-_.\s]+", segment)}
    is_home = segments in (["~"], ["root"]) or (len(segments) == 2 and segments[0] in ("home", "users"))
    flags = {kind: bool(words & names) for kind, names in _KIND_WORDS.items()} | {"home": is_home}
    return (float(len(segments)), *(float(flags[kind]) for kind in DIRECTORY_KINDS))
