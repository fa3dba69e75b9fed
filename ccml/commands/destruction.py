"""What a line would destroy, expose or overwrite: the reasons for `danger`, found in everything that the line runs.

A person is shown the reason. That nothing harmful counts as `safe` does not depend on these rules (see `risk`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise, takewhile
from posixpath import normpath
from typing import Final

from ccml.commands import code, windows
from ccml.commands.carried import Run
from ccml.commands.handed import Code
from ccml.commands.loss_table import DRY, DRY_OF, LOSSES
from ccml.commands.reading import Reading
from ccml.commands.secret_files import is_secret_path
from ccml.commands.verbs import says_it_destroys

_SYSTEM_FILE: Final = re.compile(
    r"/(?:etc|boot|bin|sbin|usr(?!/local/)|lib|lib64|sys|proc|var/lib|var/spool|System|Library)(?:/.*)?|[A-Za-z]:\\?Windows.*"
)
_START_FILE: Final = re.compile(
    r"(?:~|\$\{?HOME\}?|/home/[^/]+|/root|/Users/[^/]+)/(?:\.(?:bashrc|bash_profile|profile|zshrc|zprofile|zshenv|"
    r"gitconfig|inputrc|vimrc|tmux\.conf|config/fish/config\.fish|ssh/(?:config|known_hosts))|\.bash_logout)"
)
_KEYS: Final = re.compile(r".*\.ssh/(?:authorized_keys|rc)")
_TYPED_SQL: Final = re.compile(r"(?:DROP|DELETE FROM|TRUNCATE|ALTER|UPDATE)\s|drop (?:table|database)\s|delete from\s")
_READING: Final = frozenset("read list ls describe get show search logs log history info status view".split())
"""Verbs behind which words are what is asked for."""
_OPEN_MODE: Final = re.compile(r"0?777|0?666|a\+rwx|a\+w|o\+w|ugo\+\w*w\w*|[ugoa]*\+\w*s\w*|[2467]\d{3}|\+rwx")
_MODEST_MODE: Final = re.compile(r"[ug]*\+[rwxX]+|a?\+[rxX]+|g?o?-[rwxX]+|0?[67][045][045]|[ug]=[rwxX,ugo=]+|a\+rX")
_OWN_FOLDER: Final = re.compile(r"(?!\.\./?$)(?![~/*]|\$\{?HOME\}?/?$)(?!\.\./).+")
_EVERYBODY: Final = re.compile(r"allUsers|allAuthenticatedUsers|public-read|^0\.0\.0\.0/0$|cidr=0\.0\.0\.0/0")
_EMPTIES: Final = re.compile(r"(?:1,\$|/\./|/\^/|%)?d|1,\$d|Q|q0?")
_FILE_REMOVERS: Final = frozenset("rm shred unlink truncate rmdir srm wipe dd mv".split())
_ALWAYS_DO: Final = frozenset("rm shred unlink dd truncate cp mv install ln sh bash find cargo".split())
"""Programs without such an option; one of a program that they run is not theirs."""
_WRITERS: Final = frozenset("cp mv install ln rsync copy".split())
_SAME_AS_READ: Final = frozenset(
    "cat sort sed awk jq grep cut tr uniq head tail column python3 yq xmllint fmt tac".split()
)


def danger_of(reading: Reading, line: str, *, whole: bool) -> str | None:
    """The reason why the line is dangerous; None where no rule applies."""
    for run in reading.runs:
        if run.words and _only_says(run):
            continue
        for rule in _RULES:
            reason = rule(run)
            if reason is not None:
                return reason
    for each in reading.codes:
        reason = code.destroys(each)
        if reason is not None:
            return reason
    if windows.is_for_windows(line) or (windows.looks_like_powershell(line) and (not whole or _is_cmdlet(reading))):
        reason = code.destroys(Code("powershell", line))
        if reason is not None:
            return reason
    if _TYPED_SQL.match(line) and code.drops_data(line):
        return "drops_data"
    return "runs_hidden_code" if reading.unknown_code else None


def _is_cmdlet(reading: Reading) -> bool:
    return any(windows.looks_like_powershell(run.words[0]) for run in reading.runs if run.words)


def _only_says(run: Run) -> bool:
    """`--dry-run` and its kin: the command says what it would do, or takes back what it began."""
    if windows.only_says(run.words):
        return True
    if run.program in _ALWAYS_DO:
        return run.words[1:] in (("--help",), ("--version",))
    if run.program == "aws" and run.words[-1] == "help":
        return True
    if run.words[:2] == ("git", "restore") and run.has("-W", "--worktree"):
        return False  # `--staged` alone leaves the files as they are
    if any(word.startswith("--dry-run=") and word.endswith(("none", "false")) for word in run.words):
        return False
    dry = DRY
    for count in range(3):
        dry |= DRY_OF.get(" ".join((run.program, *run.verbs[:count])), frozenset())
    return run.has(*dry)


def _listed_loss(run: Run) -> str | None:
    """What the table of losses says of the command, or of the module that Python runs, or of a project's own script."""
    for words in _spellings(run):
        each = run if words is run.words else Run(words)
        for loss in LOSSES.get(each.program, ()):
            count = len(loss.verbs)
            if each.verbs[:count] != loss.verbs:
                continue
            if loss.options and not each.has_any(loss.options):
                continue
            if loss.operand is None or any(
                loss.operand.fullmatch(word) for word in _operands(each, count, first=loss.first)
            ):
                return loss.reason
        if each.program.startswith(("mkfs", "newfs")):
            return "destroys"
        if says_it_destroys(each):
            return "destroys"
    return None


def _operands(run: Run, count: int, *, first: bool) -> tuple[str, ...]:
    """The words that may say what the program does: those behind its sub-command, and options of one dash."""
    if first:
        return run.verbs[count : count + 1]
    plain = takewhile(lambda word: word not in _READING, run.verbs[count : count + 4])
    options = [word for word in run.words[1:14] if word[:1] in "-+:" or "=" in word]
    joined = [f"{name}={value}" for name, value in pairwise(run.words[1:14]) if name[:2] == "--" and "=" not in name]
    return (*plain, *options, *joined)


def _spellings(run: Run) -> list[tuple[str, ...]]:
    words = run.words
    if run.program in ("pnpm", "yarn", "bun"):
        return [words, words[1:]] if len(words) > 1 else [words]  # `yarn prisma …` runs a program of the project
    if re.fullmatch(r"python[\d.]*|uv", run.program) and "-m" in words[:-1]:
        return [words[words.index("-m") + 1 :]]
    if run.program in ("python", "python3", "php", "node", "ruby", "bash", "sh") and run.verbs[:1]:
        script = run.verbs[0].rpartition("/")[2]
        at = words.index(run.verbs[0])
        if script in ("manage.py", "artisan", "console", "rails", "rake", "wp-cli.phar", "drush", "occ"):
            return [(_CALLED_BY.get(script, script), *words[at + 1 :])]
        return []
    if run.program == "symfony" and run.verbs[:1] == ("console",):
        return [words[words.index("console") :]]
    if run.program in _CALLED_BY:
        return [(_CALLED_BY[run.program], *words[1:])]
    return [words] if words else []


_CALLED_BY: Final = {"manage.py": "django-admin"}
"""A script of a project, and the program whose commands it takes."""


def _removes(run: Run) -> str | None:
    program = run.program
    if program == "rm":
        if run.has("-r", "-R", "-f") or run.has_any(("--recursive", "--force")):
            return "removes_recursively"
        if run.has("-i", "-I", "--interactive"):
            return None
        if run.many or any("*" in word or word in (".", "..") for word in run.verbs):
            return "removes_recursively"
    if program in ("rm", "unlink", "mv") and any(
        _is_vital(word) for word in run.verbs[: -1 if program == "mv" else None]
    ):
        return "overwrites_system_file"
    if program in _FILE_REMOVERS and run.many and program not in ("mv", "rmdir"):
        return "removes_recursively"
    if program == "mv" and run.verbs[-1:] and run.verbs[-1] in ("/dev/null", "NUL"):
        return "destroys"
    if program in ("find", "gfind") and "-delete" in run.words:
        return "removes_recursively"
    return None


def _is_vital(word: str) -> bool:
    """A file of the system, or one that a login or a key depends on."""
    return _overwrites_system(word) or _START_FILE.fullmatch(word) is not None or is_secret_path(word)


def _overwrites(run: Run) -> str | None:
    for operator, target in run.redirects:
        reason = _redirected(run, operator, target)
        if reason is not None:
            return reason
    program, operands = run.program, [word for word in run.words[1:] if not word.startswith("-")]
    if program == "tee":
        if any(_KEYS.fullmatch(word) for word in operands):
            return "opens_permissions"
        if (run.output == "" or set(run.reads) & set(operands)) and not run.has("-a", "--append") and operands:
            return "truncates"
        targets = operands
    elif program in _WRITERS or (program == "sed" and _in_place(run)):
        targets = operands[-1:] if len(operands) > 1 else []
        if program in ("cp", "ln", "install", "copy") and {"/dev/null", "nul", "NUL"} & set(operands[:-1]):
            return "truncates"
        if program == "sed" and any(_EMPTIES.fullmatch(word.strip()) for word in operands[:1]):
            return "truncates"
    elif program == "perl" and run.has("-i") and "" in run.words:
        return "truncates"
    elif program in ("curl", "wget", "gcc", "openssl") and run.has("-o", "-O", "--output", "--output-document", "-out"):
        targets = operands
    elif program in ("tar", "unzip") and not run.has("-t", "-l"):
        # What is unpacked there overwrites what has the same name.
        targets = [f"{word}/" for word in operands if word == "/" or _SYSTEM_FILE.fullmatch(word)][-1:]
        return "overwrites_system_file" if "/" in targets or "//" in targets else None
    else:
        return None
    return "overwrites_system_file" if any(map(_overwrites_system, targets)) else None


def _redirected(run: Run, operator: str, target: str) -> str | None:
    """`> file` empties the file before anything is written to it."""
    if ">" not in operator or operator.endswith("&") or operator.startswith("2"):
        return "overwrites_system_file" if ">" in operator and _overwrites_system(target) else None
    if _KEYS.fullmatch(target):
        return "opens_permissions"
    if _overwrites_system(target):
        return "overwrites_system_file"
    if operator.endswith(">>") or target.startswith(("/dev/", "nul:")) or target in ("", "-", "NUL", "nul", "$null"):
        return None
    if _START_FILE.fullmatch(target):
        return "overwrites_system_file"
    emptied = not run.words or run.words[0] in ("", "$null") or (run.output is not None and not run.output.strip())
    if emptied or (run.program == "cat" and run.words[1:] == ("/dev/null",)):
        return "truncates"
    taken_in = (source for sign, source in run.redirects if sign.endswith("<"))
    reads = (*taken_in, *run.reads, *(run.words[1:] if run.program in _SAME_AS_READ else ()))
    return "truncates" if target in reads and not target.isdigit() else None


def _overwrites_system(target: str) -> bool:
    return _SYSTEM_FILE.fullmatch(normpath(target) if "/.." in target else target) is not None


def _in_place(run: Run) -> bool:
    return any(re.match(r"-\w{0,6}i|--in", word) for word in run.words[1:])


def _opens(run: Run) -> str | None:
    program = run.program
    if program in ("chmod", "chown", "chgrp", "setfacl", "chcon"):
        recursive = run.has("-R", "--recursive")
        operands = [word for word in run.words[1:] if not word.startswith("-") or _MODEST_MODE.fullmatch(word)]
        if program == "chmod" and operands and _OPEN_MODE.fullmatch(operands[0]):
            return "opens_permissions"
        own = len(operands) > 1 and all(_OWN_FOLDER.fullmatch(word) for word in operands[1:])
        modest = program != "chmod" or bool(operands and _MODEST_MODE.fullmatch(operands[0]))
        return "opens_permissions" if recursive and not (own and modest) else None
    if program in ("aws", "gcloud", "gsutil", "az") and any(_EVERYBODY.search(word) for word in run.words):
        return "opens_permissions"
    if program in ("docker", "podman", "nerdctl") and run.verbs[:1] in (("run",), ("create",)):
        privileged = run.has("--privileged") or any(re.match(r"(?:-v=?|--volume=)?/:/", word) for word in run.words)
        return "opens_permissions" if privileged else None
    return None


def _kills(run: Run) -> str | None:
    if run.program == "kill" and len(run.words) > 2 and run.words[-1] in ("-1", "1") and run.words[1] != "-0":
        return "kills_everything"
    if run.program in ("killall", "pkill", "skill") and run.has("-9", "-KILL", "-u", "-SIGKILL", "--signal", "-U"):
        return "kills_everything"
    return None


def _windows(run: Run) -> str | None:
    return windows.destroys(run.words, piped=run.many) if run.words else None


_RULES: Final[tuple[Callable[[Run], str | None], ...]] = (
    _removes,
    _listed_loss,
    _overwrites,
    _opens,
    _kills,
    _windows,
)
