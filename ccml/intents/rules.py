"""What the user wants: the label set, and the rules that give a label where neither log nor user gave one.

- `intent_from_command` labels telemetry without intent labels by the command that was run (marked `rule` in the data
  sets), by `COMMAND_RULES`.
- `intent_from_request` and `commands_for_intent` are the rule-based system that answers when no model can: a request's
  words → intent (`REQUEST_RULES`) → commands.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ccml.commands.parse import Command, parse
from ccml.commands.programs import FAMILY
from ccml.intents.tables import COMMAND_RULES, COMMANDS_FOR_INTENT, INTENTS, OUT_OF_SCOPE, REQUEST_RULES

__all__ = [
    "INTENTS",
    "OUT_OF_SCOPE",
    "RULE_PATTERNS",
    "commands_for_intent",
    "intent_from_command",
    "intent_from_request",
]

# Programs that read, and edit in place with one of these flags.
_IN_PLACE: Final = {"sed": re.compile(r"-[a-zA-Z]*i|--in-place"), "perl": re.compile(r"-[a-zA-Z]*i")}
_PLAIN_TEXT: Final = frozenset({"sed", "awk", "gawk", "tr"})
_SKIPPED: Final = frozenset(
    {"cd", "pushd", "popd", "echo", "printf", "export", "set", "source", ".", "clear", "true", "test", "["}
)


# Two letters that begin a command rather than a sentence.
_SHORT_PROGRAMS: Final = frozenset({"ls", "cd", "cp", "mv", "rm", "ps", "df", "du", "ip", "vi", "wc"})


@lru_cache(maxsize=1)
def _by_program() -> dict[str, tuple[tuple[str, frozenset[str]], ...]]:
    table: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for intent, programs, subs in COMMAND_RULES:
        for program in programs.split():
            table.setdefault(program, []).append((intent, frozenset(subs.split())))
    return {program: tuple(rules) for program, rules in table.items()}


def intent_from_command(command: Command) -> str | None:
    """The intent that a command shows, by these rules in order; None where it shows none (`cd`, `echo`, …).

    1. An in-place edit (`sed -i`) or a text written into a file (`cat > x`, `echo … > x`, `tee`) is `edit_file`.
    2. A `--help` of any program is `help`.
    3. Otherwise the first of the line's programs that `COMMAND_RULES` knows decides, `cd` and `echo` passed over: in
       `cd x && pytest | tail` it is pytest.
    4. `./script` and other programs by path are `run_program`.
    """
    if not command.parsed and not command.program:
        return None
    template = command.template
    words = template.split()
    if command.program in _IN_PLACE and any(_IN_PLACE[command.program].fullmatch(flag) for flag in command.flags):
        return "edit_file"
    if command.program in ("cat", "echo", "printf", "tee") and (
        re.search(r"(?:^|[^2&])>>? <path>", template) or "tee" in words
    ):
        return "edit_file"
    if "--help" in command.flags:
        return "help"
    table = _by_program()
    for program in (command.program, *command.programs) if command.program not in _SKIPPED else command.programs:
        if program in _SKIPPED:
            continue
        for intent, subs in table.get(program, ()):
            if not subs or command.subcommand in subs or _module(command, program) in subs:
                return intent
        if program in _PLAIN_TEXT:
            return "inspect_file"
        if program == "<path>":
            return "run_program"
    return None


def _module(command: Command, program: str) -> str:
    """`pytest` of `python -m pytest`, `test` of `npm run test` and of `make test`."""
    if program in ("python", "python3") and "-m" in command.flags:
        after = re.search(r"\s-m\s+([\w.-]+)", command.line)
        return after.group(1).split(".")[0] if after else ""
    words = command.line.split()
    if program in words:
        rest = [w for w in words[words.index(program) + 1 :] if not w.startswith("-")]
        if rest and rest[0] in ("run", "exec", "run-script") and len(rest) > 1:
            return rest[1].split(":")[0]
        return rest[0].split(":")[0] if rest else ""
    return ""


def _phrases(phrases: str) -> re.Pattern[str]:
    patterns = []
    for phrase in phrases.split(","):
        words = phrase.strip()
        open_ended = words.endswith("-")
        pattern = re.escape(words.removesuffix("-")).replace("\\ …\\ ", r"\b.{0,60}?\b")
        patterns.append(pattern if open_ended else rf"{pattern}\b")
    return re.compile(r"\b(?:" + "|".join(patterns) + ")")


RULE_PATTERNS: Final = tuple((intent, _phrases(phrases)) for intent, phrases in REQUEST_RULES)
"""Over the lower-cased request."""


def intent_from_request(request: str) -> str | None:
    """The intent that a request's words show, by the first of `RULE_PATTERNS` that matches; None where none does."""
    wanted = request[:2000].lower()
    for intent, pattern in RULE_PATTERNS:
        if pattern.search(wanted):
            return intent
    first = wanted.split(maxsplit=1)[0] if wanted.strip() else ""
    if first in FAMILY and (len(first) > 2 or first in _SHORT_PROGRAMS):
        return intent_from_command(parse(request[:2000]))
    return None


def commands_for_intent(intent: str) -> tuple[str, ...]:
    """What the rule-based system proposes for an intent, best first; empty for an intent it does not know."""
    return COMMANDS_FOR_INTENT.get(intent, ())
