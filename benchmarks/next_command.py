"""The ranker of commands on logs, each folder left out whole in turn, beside the simple methods that it must beat.

    python benchmarks/next_command.py histories --format muni --unit line

Every direct sub-folder of the path (a training, a team, a month) is predicted from all the others. The differences are
paired on the same commands, and their intervals are over users.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import msgspec

from ccml.profiles import chosen_preset
from ccml.suggestions.held_out import Predictions, compare, predict
from ccml.suggestions.turns import UNITS
from ccml.telemetry.readers import AUTO
from ccml_cli.bench import new_pseudonyms, print_comparison, read_sessions


def main() -> None:
    parser = argparse.ArgumentParser(description="The ranker of commands, each folder left out whole in turn.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--format", default=AUTO)
    parser.add_argument("--unit", choices=UNITS, default="line")
    parser.add_argument("--only", action="append", help="A folder to leave out; all in turn where none is named.")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    folders = sorted(folder for folder in asked.path.iterdir() if folder.is_dir())
    pseudonyms, profile = new_pseudonyms(), chosen_preset()
    parts = {folder.name: read_sessions(folder, asked.format, pseudonyms) for folder in folders}
    everything = Predictions(asked.unit)
    for name in asked.only or parts:
        others = [session for other, sessions in parts.items() if other != name for session in sessions]
        made = predict(
            sorted(others, key=lambda session: session.start), parts[name], asked.unit, profile.ranker, profile.seed
        )
        everything.extend(made)
        if not asked.json:
            print(f"\n{name} from the others")
            print_comparison(compare(made))
    found = compare(everything)
    if asked.json:
        print(json.dumps(msgspec.to_builtins(found), indent=1))
    elif len(asked.only or parts) > 1:
        print("\nAll together")
        print_comparison(found)


if __name__ == "__main__":
    main()
