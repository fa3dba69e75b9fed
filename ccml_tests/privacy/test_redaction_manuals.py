"""Passwords in lines as manuals and people write them: found, and harmless lines of the same programs left alone."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from ccml.privacy.redaction import redact
from ccml_tests.cost import cost_ratio
from ccml_tests.privacy import generated, manuals
from ccml_tests.privacy.test_redaction import DETECTORS

WORDS = "harbor velvet copper meadow falcon ginger saddle orchid canyon quartz raven summit".split()


def _filled(template: str, draw: random.Random) -> tuple[str, list[str]]:
    first, second, number = draw.choice(WORDS), draw.choice(WORDS), draw.randrange(10, 99)
    values = {
        "p": draw.choice([f"{first.title()}{number}{second}", f"{first}{number}{second}", f"{number}{first}{second}"]),
        "l": first + second,
        "pin": str(draw.randrange(1000, 9999)),
        "b": f"{first.title()}{number}{second}" * 2,
    }
    line, secrets = template, []
    for name, value in values.items():
        if f"{{{name}}}" in line:
            line = line.replace(f"{{{name}}}", value)
            secrets.append(value)
    return line, secrets


def _lines(templates: list[str], seed: int, each: int = 3) -> list[tuple[str, list[str]]]:
    draw = random.Random(seed)
    return [_filled(template, draw) for template in templates for _ in range(each)]


@pytest.mark.parametrize(("templates", "share"), [("FIRST", 0.97), ("SECOND", 0.92), ("THIRD", 0.92)])
def test_passwords_in_lines_from_manuals_are_found(templates: str, share: float) -> None:
    lines = _lines(getattr(manuals, templates), seed=5)
    missed = [line for line, secrets in lines if any(secret in redact(line) for secret in secrets)]
    assert len(missed) <= (1 - share) * len(lines), missed


def test_harmless_lines_of_the_same_programs_stay_as_they_are() -> None:
    wrong = [(line, redact(line)) for line in manuals.HARMLESS if "<secret:" in redact(line)]
    assert not wrong


@pytest.mark.parametrize(
    "line",
    [
        "fcrackzip -u -D -p /usr/share/wordlists/rockyou.txt a.zip",
        "fcrackzip -D -p wordlist.txt .invoices2019.zip",
        "sudo passwd invoices2019.zip",
        "influx config create -u http://h:8086 -o lab",
        "use argon2id as the password hash",
        "das Passwort ist abgelaufen",
    ],
)
def test_a_list_of_words_a_user_and_an_address_are_no_passwords(line: str) -> None:
    assert redact(line) == line


@pytest.mark.slow
@pytest.mark.acceptance(
    "Secrets are found in lines that the rules have not seen, and harmless lines stay",
    fault="commands, requests, errors, logs and paths of generated corpora that share no table with the rules",
)
def test_ninety_nine_of_a_hundred_generated_secrets_are_found(
    record_property: Callable[[str, object], None],
) -> None:
    from detect_secrets.core import scan
    from detect_secrets.settings import transient_settings

    secret = [(line, secrets) for _, line, secrets in generated.with_secrets(per_template=8, seed=11)]
    secret += [*generated.written_later(per_template=8, seed=12)]
    harmless = [*generated.harmless(per_template=8, seed=13), *manuals.HARMLESS]
    total = sum(len(secrets) for _, secrets in secret)
    missed = sum(one in redact(line) for line, secrets in secret for one in secrets)
    wrong = sum("<secret:" in redact(line) for line in harmless)
    lines = [line for line, _ in secret[::3]] + harmless
    written = [redact(line) for line in lines]
    repeated = sum(redact(line) != line for line in written)
    with transient_settings({"plugins_used": [{"name": name} for name in DETECTORS]}):
        ratio = cost_ratio(redact, lambda line: list(scan.scan_line(line)), lines)
    families = len({line.split()[0] for line, _ in secret})
    record_property("size", f"{len(secret) + len(harmless):,} lines of {families} families")
    record_property("found", f"{(total - missed) / total:.1%}")
    record_property("false alarms", f"{wrong / len(harmless):.1%}")
    record_property("changed when redacted twice", repeated)
    record_property("time of detect-secrets, times", f"{ratio:.2f}")
    assert missed <= 0.01 * total
    assert wrong <= 0.01 * len(harmless)
    assert repeated == 0
    assert len(secret) + len(harmless) >= 1_000
    assert families >= 40
    assert ratio <= 1.5
