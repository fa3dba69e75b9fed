"""What might come next: gathered from the running session, the user's own past, what follows, and what is frequent."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import numpy as np

from ccml.suggestions.counts import Floats, interpolated
from ccml.suggestions.memory import Running
from ccml.suggestions.turns import Unit, Words, words_of

MOST: Final = 64
"""Candidates that are ranked, the likeliest by plain counts."""
_FREQUENT: Final = {"name": 400, "template": 300, "line": 150}
_FOLLOWING: Final = (150, 40, 20, 10, 10)
"""Tokens taken after the last 0, 1, … commands."""
_RECENT: Final = 100
_TEMPLATES: Final = 25
_VALUES: Final = 4
"""Values tried in each slot of a template, the session's latest of that kind."""
_SLOTS: Final = 2
_SLOT: Final = re.compile(r"<(path|number|url|text|pattern|host|name)>")
_FLOOR: Final = 1e-7


@dataclass(frozen=True, slots=True)
class Candidates:
    tokens: list[str]
    words: list[Words]
    """By its units; of a candidate name or template only what is known of it."""
    prior: Floats
    """(C,) likelihood by the counts of all sessions and of the running one, in equal parts."""
    filled: frozenset[str]
    """Lines that were made from a template and values of the running session."""


def gather(unit: Unit, running: Running, user: str) -> Candidates:
    """Candidates for the next command, the likeliest `MOST` of those found. A literal of another user is none of them,
    unless `SHARED_BY` users ran it."""
    found: dict[str, Words] = {}
    for token in running.latest(unit, _RECENT):
        found[token] = running.words[token] if unit == "line" else _alone(unit, token)
    knowledge = running.knowledge
    known = knowledge.chains[unit]
    following = known.after(running.before[unit])
    for order in range(len(following) - 1, -1, -1):
        for token in following[order].likeliest(_FREQUENT[unit] if order == 0 else _FOLLOWING[order]):
            if token not in found and (unit != "line" or knowledge.may_show(token, user)):
                found[token] = knowledge.words[token] if unit == "line" else _alone(unit, token)
    filled: list[str] = []
    if unit == "line":
        for token in knowledge.own[user].likeliest(_RECENT) if user in knowledge.own else ():
            found.setdefault(token, knowledge.words[token])
        for words in _filled(running):
            if words.line not in found:
                found[words.line] = words
                filled.append(words.line)
    tokens = list(found)
    prior = plain_likelihood(unit, tokens, running)
    if filled:
        of_template = plain_likelihood("template", [found[line].template for line in filled], running)
        at = {token: place for place, token in enumerate(tokens)}
        prior[[at[line] for line in filled]] += of_template / (2.0 * _VALUES)
    kept = np.argsort(-prior, kind="stable")[:MOST]
    return Candidates([tokens[at] for at in kept], [found[tokens[at]] for at in kept], prior[kept], frozenset(filled))


def plain_likelihood(unit: Unit, tokens: list[str], running: Running) -> Floats:
    """(C,) the mean of the estimates from two commands before, of all sessions and of the running one."""
    estimates = []
    for memory in (running.knowledge, running):
        tallies = memory.chains[unit].after(running.before[unit])[:3]
        floor = np.full(len(tokens), _FLOOR)
        estimates.append(interpolated(tallies, [tally.of(tokens) for tally in tallies], floor)[-1])
    mean: Floats = (estimates[0] + estimates[1]) / 2.0
    return mean


def _alone(unit: Unit, token: str) -> Words:
    if unit == "name":
        return Words(token, "", "", ())
    first = token.split(" ", 1)[0]
    return Words(words_of(token).name or first, token, "", ())


def _filled(running: Running) -> list[Words]:
    """Likely templates with the session's latest values in their slots."""
    likely: defaultdict[str, float] = defaultdict(float)
    for memory in (running.knowledge, running):
        tallies = memory.chains["template"].after(running.before["template"])[:3]
        for weight, tally in zip((0.05, 1.0, 3.0), tallies, strict=True):
            for template in tally.likeliest(_TEMPLATES):
                likely[template] += weight * tally.counts[template] / tally.total
    lines: list[Words] = []
    for template in sorted(likely, key=lambda each: -likely[each])[:_TEMPLATES]:
        kinds = _SLOT.findall(template)
        if not 1 <= len(kinds) <= _SLOTS or "<" in _SLOT.sub("", template).replace("<<<", ""):
            continue
        most = _VALUES if len(kinds) == 1 else 2
        values = [
            sorted(used := running.arguments.get(kind, {}), key=lambda text: -used[text])[:most] for kind in kinds
        ]
        parts = _SLOT.split(template)[::2]
        lines += [
            words_of("".join(itertools.chain(*zip(parts, (*chosen, ""), strict=True))))
            for chosen in itertools.product(*values)
        ]
    return lines
