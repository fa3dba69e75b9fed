"""Why a command failed, what it printed, and what was run to mend it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ccml_simulator.outcome import Situation

_BY_INTENT: dict[str, tuple[tuple[str, float], ...]] = {
    "run_tests": (("test_failure", 6.0), ("dependency", 1.0), ("not_found", 0.6)),
    "build": (("compile_error", 5.0), ("dependency", 1.5), ("not_found", 0.5)),
    "packages": (("network", 2.0), ("conflict", 2.0), ("permission", 1.5), ("not_found", 1.0)),
    "network": (("network", 4.0), ("timeout", 2.0), ("permission", 0.5)),
    "run_program": (("runtime_error", 4.0), ("dependency", 2.0), ("permission", 1.0), ("not_found", 1.0)),
    "version_control": (("conflict", 3.0), ("network", 1.0), ("not_found", 1.0)),
    "services": (("permission", 3.0), ("not_found", 1.5), ("runtime_error", 1.0)),
    "containers": (("network", 1.0), ("not_found", 2.0), ("permission", 1.5), ("conflict", 1.0)),
    "permissions": (("permission", 4.0), ("not_found", 1.5)),
}
_USUAL: tuple[tuple[str, float], ...] = (("not_found", 5.0), ("permission", 2.0), ("syntax", 0.8))

_MESSAGES: dict[str, tuple[str, ...]] = {
    "not_found": (
        "{program}: {thing}: No such file or directory",
        "{program}: cannot access '{thing}': No such file or directory",
    ),
    "permission": ("{program}: {thing}: Permission denied", "{program}: cannot open {thing}: Operation not permitted"),
    "syntax": ("{program}: invalid option -- 'q'", "{program}: unrecognized argument: {thing}"),
    "timeout": ("{program}: timed out after 30 seconds", "{program}: operation timed out waiting for {thing}"),
    "network": (
        "{program}: Could not resolve host: {thing}",
        "{program}: Connection refused",
        "{program}: network is unreachable",
    ),
    "overload": ("Killed", "{program}: Cannot allocate memory", "{program}: resource temporarily unavailable"),
    "broken_tool": (
        "{program}: error while loading shared libraries: cannot open shared object file",
        "{program}: internal error",
    ),
    "dependency": ("ModuleNotFoundError: No module named 'requests'", "error: cannot find package needed by {thing}"),
    "test_failure": ("1 failed, 14 passed", "AssertionError in {thing}", "2 failing"),
    "compile_error": (
        "error: expected ';' in {thing}",
        "error: build failed",
        "SyntaxError: unexpected token in {thing}",
    ),
    "runtime_error": ("Traceback (most recent call last): ValueError in {thing}", "fatal: unhandled exception"),
    "conflict": (
        "error: your local changes would be overwritten",
        "conflict: version requirements cannot be met for {thing}",
    ),
}
_EXIT_STATUS = {
    "not_found": 2,
    "permission": 126,
    "syntax": 2,
    "timeout": 124,
    "network": 6,
    "overload": 137,
    "broken_tool": 127,
}
_RECOVERIES: dict[str, tuple[str, ...]] = {
    "not_found": ("ls -la", "find . -name {thing}", "cd .. && {line}"),
    "permission": ("sudo {line}", "chmod u+rw {thing}"),
    "syntax": ("{program} --help", "man {program}"),
    "timeout": ("{line}",),
    "network": ("ping -c 3 example.com", "{line}"),
    "overload": ("free -h", "{line}"),
    "broken_tool": ("which {program}", "sudo apt install --reinstall {program}"),
    "dependency": ("pip install -r requirements.txt", "npm install"),
    "test_failure": ("git diff", "{line}"),
    "compile_error": ("{line}", "git stash"),
    "runtime_error": ("{line}", "git log --oneline -n 5"),
    "conflict": ("git stash", "git pull --rebase"),
}


@dataclass(frozen=True)
class Failure:
    category: str
    message: str
    exit_status: int
    recovery_command: str | None
    recovered: bool | None
    recovery_ms: float | None


def draw_failure(
    intent: str, line: str, thing: str, situation: Situation, right: bool, rng: np.random.Generator
) -> Failure:
    """A cause that fits the command and the machine, and how the user got on from there."""
    program = line.removeprefix("sudo ").split(" ", 1)[0]
    category = _cause(intent, situation, right, rng)
    texts, mends = _MESSAGES[category], _RECOVERIES[category]
    message = texts[int(rng.integers(0, len(texts)))].format(program=program, thing=thing)
    if rng.random() > attempt_probability(situation):
        return Failure(category, message, _EXIT_STATUS.get(category, 1), None, None, None)
    mend = mends[int(rng.integers(0, len(mends)))].format(program=program, thing=thing, line=line)
    mended = bool(rng.random() < mend_probability(situation))
    return Failure(category, message, _EXIT_STATUS.get(category, 1), mend, mended, draw_recovery_ms(situation, rng))


def attempt_probability(situation: Situation) -> float:
    """Probability that the user at once tries to mend a failure."""
    return 0.45 + 0.4 * situation.expertise


def mend_probability(situation: Situation) -> float:
    """Probability that such an attempt helps; what is broken or overloaded is seldom mended by typing."""
    if situation.broken:
        return 0.05
    return (0.25 if situation.strain > 0.6 else 0.45) + 0.4 * situation.expertise


def draw_recovery_ms(situation: Situation, rng: np.random.Generator) -> float:
    """Novices need about three times as long as experts; the median of the middling is twelve seconds."""
    return round(float(np.exp(rng.normal(9.4, 0.8))) * (1.5 - 1.0 * situation.expertise), 1)


def _cause(intent: str, situation: Situation, right: bool, rng: np.random.Generator) -> str:
    if situation.broken and rng.random() < 0.95:
        return "broken_tool"
    if not right and rng.random() < 0.4:
        return "syntax"
    if situation.strain > 0.0 and situation.cost != "light" and rng.random() < situation.strain:
        return "overload" if rng.random() < 0.6 else "timeout"
    causes = _BY_INTENT.get(intent, _USUAL)
    draw = rng.random() * sum(weight for _, weight in causes)
    for category, weight in causes:
        draw -= weight
        if draw < 0.0:
            return category
    return causes[-1][0]
