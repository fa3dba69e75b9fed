"""The five kinds of telemetry, declared once.

The declaration gives the decoder (`ccml.telemetry.decode`), the Arrow schemas and the column descriptions that Dagster
shows (`ccml.telemetry.schema`), the expectation suites, and the types and bounds of the server's requests
(`ccml.serving.schema`). Field meanings live in `Annotated[..., Meta(description=...)]`.

A native log is JSON Lines, one event a line; `kind` says which:

    {"kind": "interaction", "event_id": "i-1", "time": "2026-01-05T09:00:00Z", "user_id": "ada", "session_id": "s-1",
     "request": "show me the big files", "command": "du -ah . | sort -rh | head"}
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct, inspect

Identifier: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
Text: TypeAlias = Annotated[str, Meta(max_length=32_768)]
ShortText: TypeAlias = Annotated[str, Meta(max_length=1_000)]
Time: TypeAlias = Annotated[datetime, Meta(tz=True, description="When it happened, RFC 3339 with an offset.")]
Fraction: TypeAlias = Annotated[float, Meta(ge=0.0, le=1.0)]
Percent: TypeAlias = Annotated[float, Meta(ge=0.0, le=100.0)]
NonNegative: TypeAlias = Annotated[float, Meta(ge=0.0, le=1e12)]
"""The bound refuses infinity, which logs of other programs can hold."""
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
"""The bound is what a 64-bit float holds exactly: JSON integers have no limit, columns have."""
Rating: TypeAlias = Annotated[int, Meta(ge=1, le=5)]
ExitStatus: TypeAlias = Annotated[int, Meta(ge=-(2**31), le=2**32)]

Action: TypeAlias = Literal["execute", "confirm", "suggest", "clarify", "hand_over"]
"""How the assistant may act on a request: run the command, ask to confirm it, offer a ranked list, ask back what was
meant, or leave it to a person."""

ACTIONS: tuple[Action, ...] = ("execute", "confirm", "suggest", "clarify", "hand_over")

Verdict: TypeAlias = Literal["accepted", "edited", "rejected", "undone"]

REPORTS_EVERY_RUN = frozenset({"claude-code", "mini-swe-agent"})
"""Sources with an execution for every command that ran: the logs of agents. Without one a command did not run, as far
as is known. A shell history, and a log in the platform's own form, may hold commands alone."""


class Event(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every kind carries."""

    event_id: Annotated[Identifier, Meta(description="Unique over all events; a second event with it is a duplicate.")]
    time: Time
    user_id: Annotated[Identifier, Meta(description="Who; replaced by a keyed pseudonym before anything is stored.")]
    session_id: Annotated[Identifier, Meta(description="A session of one user with one assistant or one shell.")]
    source: Annotated[ShortText, Meta(description="Which reader or server wrote the event.")] = "native"


class Interaction(Event, frozen=True, kw_only=True, tag="interaction"):
    """One turn: what was asked, what the assistant chose to do, and the command that came of it.

    `event_id` is the interaction's id; the other kinds point at it through `interaction_id`.
    """

    request: Annotated[Text, Meta(description="The user's words; empty where only commands are known.")] = ""
    command: Annotated[Text, Meta(description="The shell line or tool call; empty where nothing was proposed.")] = ""
    tool: Annotated[ShortText, Meta(description="What ran it: bash, msf, read, edit, browser, …")] = "bash"
    directory: Annotated[ShortText, Meta(description="Working directory.")] = ""
    host: Annotated[ShortText, Meta(description="Machine; replaced by a keyed pseudonym.")] = ""
    platform: Annotated[ShortText, Meta(description="linux, macos, windows, …")] = ""
    intent: Annotated[ShortText | None, Meta(description="What the user wants, where the log says so.")] = None
    predicted_intent: Annotated[
        ShortText | None, Meta(description="What a served model took the intent for; never a label.")
    ] = None
    action: Annotated[Action | None, Meta(description="How the assistant acted.")] = None
    propensity: Annotated[
        Annotated[float, Meta(ge=1e-6, le=1.0)] | None,
        Meta(description="Probability with which `action` was drawn; none where it was not drawn, as by a fallback."),
    ] = None
    policy_version: Annotated[ShortText | None, Meta(description="Which policy chose the action.")] = None
    confidence: Annotated[Fraction | None, Meta(description="The assistant's confidence in `command`.")] = None
    model_versions: Annotated[
        dict[str, str] | None, Meta(description="Release of each model that had a part in a served answer.")
    ] = None
    served_by: Annotated[
        ShortText | None,
        Meta(description="Which responder answered: champion, previous, rules, …"),
    ] = None
    latency_ms: Annotated[NonNegative | None, Meta(description="Time to the served answer, milliseconds.")] = None


class Execution(Event, frozen=True, kw_only=True, tag="execution"):
    """A command ran. What was proposed, denied, refused or cancelled has none."""

    interaction_id: Identifier
    ended_at: Time | None = None
    exit_status: Annotated[ExitStatus | None, Meta(description="0 is success; None where the log does not say.")] = None
    failed: Annotated[bool | None, Meta(description="For tools without an exit status: did it fail?")] = None
    duration_ms: NonNegative | None = None
    cpu_ms: NonNegative | None = None
    memory_mb: NonNegative | None = None
    output_bytes: Count | None = None


class Error(Event, frozen=True, kw_only=True, tag="error"):
    """Something failed, and what was done about it."""

    interaction_id: Identifier
    message: Text = ""
    category: Annotated[ShortText, Meta(description="not_found, permission, syntax, timeout, network, …")] = "unknown"
    recovery_command: Annotated[Text | None, Meta(description="What was run next to recover.")] = None
    recovered: bool | None = None
    recovery_ms: NonNegative | None = None


class Feedback(Event, frozen=True, kw_only=True, tag="feedback"):
    """What the user thought of it."""

    interaction_id: Identifier
    rating: Annotated[Rating | None, Meta(description="1 (bad) to 5 (good).")] = None
    verdict: Verdict | None = None
    corrected_command: Text | None = None
    corrected_intent: ShortText | None = None


class SystemState(Event, frozen=True, kw_only=True, tag="system_state"):
    """The machine at one moment."""

    host: ShortText = ""
    interaction_id: Annotated[Identifier | None, Meta(description="Set where the snapshot belongs to one turn.")] = None
    cpu_percent: Percent | None = None
    memory_percent: Percent | None = None
    disk_percent: Percent | None = None
    load_1m: NonNegative | None = None
    processes: Count | None = None
    active_application: ShortText = ""
    platform: ShortText = ""
    process_memory_mb: Annotated[
        NonNegative | None, Meta(description="Resident memory of the serving process, where a server wrote the event.")
    ] = None


AnyEvent: TypeAlias = Interaction | Execution | Error | Feedback | SystemState

KINDS: dict[str, type[Event]] = {
    "interactions": Interaction,
    "executions": Execution,
    "errors": Error,
    "feedback": Feedback,
    "system_states": SystemState,
}
"""Table name → kind. The order is the order of the lake's tables and of the reports."""


def bare(declared: inspect.Type) -> inspect.Type:
    """The type inside a description and inside `… | None`."""
    if isinstance(declared, inspect.Metadata):
        return bare(declared.type)
    if isinstance(declared, inspect.UnionType):
        return bare(next(member for member in declared.types if not isinstance(member, inspect.NoneType)))
    return declared
