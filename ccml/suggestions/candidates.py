"""What might come next: gathered from the running session, the user's own past, what follows, and what is frequent."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ccml.suggestions.counts import Floats
from ccml.suggestions.memory import Running
from ccml.suggestions.turns import Unit, Words, words_of

_FREQUENT: Final = {"name": 400, "template": 300, "line": 150}
_FOLLOWING: Final = (150, 40, 20, 10, 10)
"""Tokens taken after the last 0, 1, … commands."""
_RECENT: Final = 100
_TEMPLATES: Final = 25
_WEIGHTS: Final = (0.05, 1.0, 3.0)
"""Of what templates follow the last 0, 1 and 2 commands."""
_VALUES: Final = 4
"""Values tried in each slot of a template, the session's latest of that kind."""
_SLOTS: Final = 2
_SLOT: Final = re.compile(r"<(path|number|url|text|pattern|host|name)>")


@dataclass(frozen=True, slots=True)
class Candidates:
    tokens: list[str]
    words: list[Words]
    """By its units; of a candidate name or template only what is known of it."""
    prior: Floats
    """(C,) likelihood by the counts of all sessions and of the running one, in equal parts."""
    filled: frozenset[str]
    """Lines that were made from a template and values of the running session."""


def gather(unit: Unit, running: Running, user: str, most: int) -> Candidates:
    """Candidates for the next command, the likeliest `most` of those found.

    What another user ran is none of them, unless `Knowledge.may_show` allows it.
    """
    knowledge = running.knowledge
    tokens = dict.fromkeys(running.latest(unit, _RECENT))
    following = knowledge.chains[unit].after(running.before[unit])
    for order in range(len(following) - 1, -1, -1):
        likeliest = following[order].likeliest(_FREQUENT[unit] if order == 0 else _FOLLOWING[order])
        tokens.update(dict.fromkeys(token for token in likeliest if knowledge.may_show(unit, token, user)))
    tokens.update(dict.fromkeys(knowledge.own(user, unit).likeliest(_RECENT)))
    found = {token: _words(unit, token, running) for token in tokens}
    filled = (
        {words.line: words for words in _filled(running, user) if words.line not in found} if unit == "line" else {}
    )
    of_template = plain_likelihood("template", [words.template for words in filled.values()], running)
    prior = plain_likelihood(unit, [*found, *filled], running)  # (C,)
    prior[len(found) :] += of_template / (2.0 * _VALUES)
    found |= filled
    listed = list(found)
    kept = np.argsort(-prior, kind="stable")[:most]
    return Candidates([listed[at] for at in kept], [found[listed[at]] for at in kept], prior[kept], frozenset(filled))


def plain_likelihood(unit: Unit, tokens: Sequence[str], running: Running) -> Floats:
    """(C,) the mean of the estimates of all sessions and of the running one."""
    of_all, of_session = (
        memory.likelihood(unit, running.before[unit], tokens) for memory in (running.knowledge, running)
    )
    mean: Floats = (of_all + of_session) / 2.0
    return mean


def _words(unit: Unit, token: str, running: Running) -> Words:
    if unit == "line":
        return running.words.get(token) or running.knowledge.words[token]
    return Words(token, "", "", ()) if unit == "name" else Words(words_of(token).name, token, "", ())


def _filled(running: Running, user: str) -> list[Words]:
    """Likely templates with the session's latest values in their slots. A template has words of who ran it, such as the
    name of a program, so it is shown as a line is."""
    likely: defaultdict[str, float] = defaultdict(float)
    for memory in (running.knowledge, running):
        tallies = memory.chains["template"].after(running.before["template"])
        for weight, tally in zip(_WEIGHTS, tallies, strict=False):
            for template in tally.likeliest(_TEMPLATES):
                likely[template] += weight * tally.counts[template] / tally.total
    lines: list[Words] = []
    for template in sorted(likely, key=lambda each: -likely[each])[:_TEMPLATES]:
        kinds = _SLOT.findall(template)
        own = template in running.last_at["template"]
        if not (own or running.knowledge.may_show("template", template, user)):
            continue
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
