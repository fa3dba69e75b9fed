"""Reads command lines into columns, each different line once: people and agents repeat theirs."""

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
