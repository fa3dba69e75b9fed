"""Parses command lines into columns. Each different line is parsed once, because people and agents repeat them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccml.commands.parse import parse
from ccml.commands.programs import family
from ccml.commands.risk import assess

if TYPE_CHECKING:
    import pandas as pd

COMMAND_COLUMNS = ("parsed", "program", "subcommand", "template", "family", "risk")


def read_commands(lines: pd.Series) -> pd.DataFrame:
    """`COMMAND_COLUMNS` for each line; an empty line is not parsed and has no risk. Nothing is executed."""
    import pandas as pd

    read: dict[str, tuple[bool, str, str, str, str, str]] = {}
    for line in lines.unique():
        if line.strip():
            command = parse(line)
            of = family(command.program) if command.program else "other"
            level = assess(line).level
            read[line] = (command.parsed, command.program, command.subcommand, command.template, of, level)
        else:
            read[line] = (False, "", "", "", "", "")
    columns = pd.DataFrame([read[line] for line in lines], columns=list(COMMAND_COLUMNS), index=lines.index)
    return columns.astype({name: "boolean" if name == "parsed" else "string" for name in COMMAND_COLUMNS})


def wanted_command(turns: pd.DataFrame) -> pd.Series:
    """The user's correction, else the command that ran or was accepted; NA where the log does not show it.

    A proposal that nobody took was not wanted, nor one that was rejected, undone, or edited into something that is not
    logged. A model trained on those would learn an assistant's guesses.
    """
    corrected = _stated(turns["corrected_command"])
    declined = turns["verdict"].isin(["rejected", "undone", "edited"])
    # A user who accepts a question or a hand-over has accepted no command.
    accepted = (turns["verdict"] == "accepted") & turns["action"].isin(["confirm", "suggest"])
    taken = ~declined & (turns["executed"].astype(bool) | accepted.fillna(False).astype(bool))
    return corrected.fillna(_stated(turns["command"]).where(taken))


def ran_command(turns: pd.DataFrame) -> pd.Series:
    """The command that ran, if one did: after an edit, the user's version of the proposal."""
    edited = (turns["verdict"] == "edited").fillna(False).astype(bool)
    return _stated(turns["corrected_command"]).where(edited).fillna(_stated(turns["command"]))


def _stated(lines: pd.Series) -> pd.Series:
    stripped = lines.astype("string").str.strip()
    return stripped.mask(stripped == "")
