"""The rating of lines at its full size: disguises, a million lines of anything, harmless commands, real lines."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ccml.commands.parse import parse
from ccml.commands.risk import LEVELS, assess
from ccml_tests.commands.real_lines import real_lines
from ccml_tests.commands.risky_lines import dangerous, harmless, mutations
from ccml_tests.commands.test_destruction import HELD_OUT, NEVER_UNASKED, lines
from ccml_tests.commands.test_risk import harmless_at_size
from ccml_tests.commands.test_syntax import UNITS
from ccml_tests.commands.test_written_lines import FIRST, SECOND

Record = Callable[[str, object], None]


def lines_of_anything(count: int, seed: int) -> Iterator[str]:
    """Pieces of the grammar, harmless and dangerous commands, and characters of any kind, one behind the other."""
    drawn = random.Random(seed)
    pieces = [*UNITS, *(f"{line} " for line in harmless()), *(f"{line} " for line in dangerous())]
    for _ in range(count):
        line = "".join(drawn.choice(pieces) for _ in range(drawn.randint(1, 3)))
        for _ in range(drawn.randint(0, 2)):
            place = drawn.randint(0, len(line))
            line = line[:place] + chr(drawn.choice((drawn.randint(1, 126), drawn.randint(1, 0xD7FF)))) + line[place:]
        yield line


def rated(count: int, seed: int) -> tuple[Counter[str], float]:
    """How often each level, and the 99th percentile of the time in milliseconds."""
    assess("true")  # the first call loads what the rest need
    levels: Counter[str] = Counter()
    times = []
    for line in lines_of_anything(count, seed):
        began = time.process_time()
        level = assess(line).level
        times.append(time.process_time() - began)
        parse(line)
        levels[level] += 1
    return levels, 1000 * sorted(times)[int(0.99 * count)]


def test_lines_of_anything_get_one_of_the_four_levels_in_a_millisecond() -> None:
    levels, percentile = rated(3_000, seed=1)
    assert set(levels) <= set(LEVELS)
    assert percentile <= 1.0


@pytest.mark.slow
def test_a_million_lines_of_anything_get_one_of_the_four_levels_in_a_millisecond() -> None:
    levels, percentile = rated(1_000_000, seed=46)
    assert set(levels) <= set(LEVELS)
    assert percentile <= 1.0


@pytest.mark.slow
@pytest.mark.acceptance(
    "No disguise makes a dangerous command safe", fault="quotes, variables, encodings, wrappers, scripts"
)
def test_of_all_destructive_lines_in_all_disguises_none_is_safe(record_property: Record) -> None:
    bases = list(dict.fromkeys([*dangerous(), *lines("destructive")]))
    safe, count = [], 0
    for base in bases:
        for name, form in mutations(base):
            count += 1
            if assess(form).level == "safe":
                safe.append((name, form))
    record_property("size", f"{len(bases)} lines, {count // len(bases)} disguises each")
    record_property("rated safe", len(safe))
    assert len(bases) >= 300
    assert count >= 30 * len(bases)
    assert safe == []


@pytest.mark.slow
@pytest.mark.acceptance("Harmless commands are safe or asked about, and none is refused", fault="none")
def test_harmless_commands_at_size(record_property: Record) -> None:
    made = harmless_at_size()
    levels = Counter(assess(line).level for line in made)
    record_property("size", f"{len(made)} commands")
    record_property("safe", f"{levels['safe'] / len(made):.1%}")
    record_property("refused", levels["refused"])
    record_property("danger", levels["danger"])
    assert levels["safe"] >= 0.75 * len(made)
    assert levels["refused"] == 0


@pytest.mark.slow
@pytest.mark.acceptance(
    "What destroys is recognised, and words about it are not taken for it",
    fault="lines written before any was rated; what they then showed was mended",
)
def test_written_lines_at_size(record_property: Record) -> None:
    rows = [*FIRST, *SECOND]
    destroying = [*(line for _, answer, line in rows if answer == "confirm"), *HELD_OUT]
    plain = [*(line for _, answer, line in rows if answer == "plain"), *lines("harmless")]
    known = sum(assess(line).level in NEVER_UNASKED for line in destroying)
    held_up = sum(assess(line).level in NEVER_UNASKED for line in plain)
    record_property("size", f"{len(destroying):,} lines that destroy, {len(plain):,} that do not")
    record_property("recognised", f"{known / len(destroying):.1%}")
    record_property("held up", f"{held_up / len(plain):.1%}")
    assert known >= 0.97 * len(destroying)
    assert held_up <= 0.05 * len(plain)


@pytest.mark.slow
@pytest.mark.acceptance("Few lines of real logs are held up", fault="none; public logs of people and agents")
def test_real_lines_at_size(shared_data: Path, record_property: Record) -> None:
    found = {line for each in real_lines(shared_data).values() for line in each}
    levels = Counter(assess(line).level for line in found)
    record_property("size", f"{len(found):,} different lines")
    for level in LEVELS:
        record_property(level, f"{levels[level] / len(found):.1%}")
    assert levels["danger"] + levels["refused"] <= 0.1 * len(found)
