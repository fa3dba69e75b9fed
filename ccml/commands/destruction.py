"""What a command would destroy, expose or overwrite: the reasons for `danger`, found in the parsed line.

A person is shown the reason. That nothing harmful counts as `safe` does not depend on these rules (see `risk`).
"""

from __future__ import annotations

import re
from typing import Final

from ccml.commands.inner import INTERPRETERS, SHELLS, Words, commands_of, inner_script, name_of, removes_what_it_finds
from ccml.commands.syntax import Syntax, syntax

_DEEPEST: Final = 3
_SYSTEM_FILE: Final = re.compile(r"/(?:etc|boot|bin|sbin|usr|lib|lib64|sys|proc|var/lib|System|Library)(?:/.*)?")
_SQL: Final = re.compile(
    r"(?i)\b(?:drop\s{1,4}(?:table|database|schema|user|index)|truncate\s{1,4}table|"
    r"delete\s{1,4}from\s{1,4}\w{1,60}+(?!.{0,200}\bwhere\b)|flushall|flushdb|db\.dropDatabase)"
)
_HIDDEN_CODE: Final = re.compile(
    r"rmtree|os\.(?:remove|unlink|system|popen)|subprocess|unlink\b|rm -|child_process|system\(|exec\(|__import__|"
    r"File\.delete|fs\.rm|rmSync"
)
_OBSCURED: Final = re.compile(r"\$'|\\x|base64|\$\(|`")

# git sub-command → options (or operands) by which it discards work or history.
_GIT: Final[dict[str, re.Pattern[str]]] = {
    "reset": re.compile(r"--hard|--merge|--keep"),
    "clean": re.compile(r"-\w*[fdx]\w*|--force"),
    "push": re.compile(r"-f|--force.*|--delete|-d|--mirror|--prune|\+.*|:.*"),
    "checkout": re.compile(r"--|-f|--force|\.|-B"),
    "restore": re.compile(r"\.|--worktree|-W|:/"),
    "branch": re.compile(r"-D|-df?|--delete|-M|-f|--force"),
    "stash": re.compile(r"drop|clear"),
    "reflog": re.compile(r"expire|delete"),
    "update-ref": re.compile(r"-d"),
    "filter-branch": re.compile(r".*"),
    "filter-repo": re.compile(r".*"),
    "gc": re.compile(r"--prune.*|--aggressive"),
    "tag": re.compile(r"-d|--delete|-f"),
    "worktree": re.compile(r"remove|prune"),
    "rm": re.compile(r"-\w*[rf]\w*"),
    "remote": re.compile(r"remove|rm|set-url"),
    "rebase": re.compile(r".*"),
}
_DESTROYERS: Final = frozenset(
    "shred wipe srm mkfs mke2fs mkswap wipefs fdisk sfdisk gdisk parted cfdisk dd truncate shutdown reboot halt "
    "poweroff "
    "init telinit userdel groupdel deluser crontab iptables ip6tables nft swapoff cryptsetup lvremove vgremove "
    "pvremove "
    "zpool hdparm badblocks debugfs blkdiscard insmod rmmod modprobe visudo chattr format diskpart del rd Remove-Item "
    "vssadmin bcdedit".split()
)
# Of those, the options with which they do no harm.
_HARMLESS_USE: Final[dict[str, re.Pattern[str]]] = {
    "fdisk": re.compile(r"-l"),
    "sfdisk": re.compile(r"-l|-d"),
    "parted": re.compile(r"-l"),
    "crontab": re.compile(r"-l|-e|[^-].*"),
    "iptables": re.compile(r"-L|-S|--list.*|-nvL|-vnL|-nL"),
    "ip6tables": re.compile(r"-L|-S"),
    "nft": re.compile(r"list"),
    "zpool": re.compile(r"status|list"),
    "hdparm": re.compile(r"-I|-i|-t|-T"),
    "modprobe": re.compile(r"-n|--dry-run"),
    "cryptsetup": re.compile(r"status|luksDump"),
    "wipefs": re.compile(r"-n|--no-act"),
}
_ORCHESTRATORS: Final = frozenset(
    "docker podman kubectl helm terraform systemctl aws gcloud az vagrant docker-compose".split()
)
_ORCHESTRATED_LOSS: Final = re.compile(
    r"\b(?:prune|destroy|delete|rmi|rm|rb|uninstall|drain|mask|isolate|poweroff|reboot|halt)\b|down -v"
)
_PACKAGERS: Final = frozenset("apt apt-get yum dnf pacman brew dpkg rpm snap zypper apk".split())
_PACKAGE_LOSS: Final = frozenset("remove purge autoremove erase -R -Rns -Rs --purge -r -P uninstall del -e".split())
_OPEN_MODE: Final = re.compile(r"0?777|a\+rwx|[ugoa]*\+\w*s\w*|[2467]\d{3}")


def danger_of(line: str, taken: Syntax | None, depth: int = 0) -> str | None:
    """The reason why the line is dangerous; None where no rule applies."""
    if _SQL.search(line):
        return "drops_data"
    if taken is None:
        return None
    for words, command in commands_of(taken):
        if any(
            ">" in r.operator and r.target is not None and _SYSTEM_FILE.fullmatch(r.target.text)
            for r in command.redirects
        ):
            return "overwrites_system_file"
        if not words:
            continue
        program, arguments = name_of(words), words[1:]
        for rule in (_removes, _discards_history, _destroys, _opens, _overwrites, _kills, _runs_hidden_code):
            reason = rule(program, arguments)
            if reason is not None:
                return reason
        script = inner_script(words)
        if script is not None and depth < _DEEPEST:
            reason = danger_of(script, syntax(script), depth + 1)
            if reason is not None:
                return reason
    return None


def _removes(program: str, arguments: Words) -> str | None:
    if program == "rm" and any(re.match(r"-\w*[rRf]|--r|--fo", word) or "*" in word for word in arguments):
        return "removes_recursively"
    if program == "find" and removes_what_it_finds(arguments):
        return "removes_recursively"
    if program == "rsync" and any(word.startswith(("--delete", "--remove-source")) for word in arguments):
        return "removes_recursively"
    if program in _PACKAGERS and _PACKAGE_LOSS & set(arguments[:3]):
        return "removes_packages"
    return None


def _discards_history(program: str, arguments: Words) -> str | None:
    if program == "history" and any(re.match(r"-\w*[cdw]", word) for word in arguments):
        return "hides_traces"
    if program != "git":
        return None
    sub = next((word for word in arguments[:4] if word in _GIT), None)
    if sub is None:
        return None
    rest = arguments[arguments.index(sub) + 1 :]
    return "discards_history" if any(_GIT[sub].fullmatch(word) for word in rest or ("",)) else None


def _destroys(program: str, arguments: Words) -> str | None:
    if program in _DESTROYERS or program.startswith("mkfs"):
        harmless = _HARMLESS_USE.get(program)
        if harmless is None or not arguments or not harmless.fullmatch(arguments[0]):
            return "destroys"
    if program == "mv" and arguments[-1:] == ("/dev/null",):
        return "destroys"
    if program in _ORCHESTRATORS and _ORCHESTRATED_LOSS.search(" ".join(arguments[:4])):
        return "destroys"
    return None


def _opens(program: str, arguments: Words) -> str | None:
    if program in ("chmod", "chown", "chgrp"):
        recursive = any(re.match(r"-\w*R|--recursive", word) for word in arguments)
        return "opens_permissions" if recursive or any(_OPEN_MODE.fullmatch(word) for word in arguments) else None
    if program in ("docker", "podman") and any(
        word == "--privileged" or re.match(r"(?:-v=?)?/:/", word) for word in arguments
    ):
        return "opens_permissions"
    if program in ("setenforce", "ufw") and arguments[:1] in (("0",), ("disable",), ("reset",)):
        return "opens_permissions"
    return None


def _overwrites(program: str, arguments: Words) -> str | None:
    if program == "sed" and not any(re.match(r"-\w*i|--in", word) for word in arguments):
        return None
    if program == "tee":
        targets = arguments
    elif program in ("cp", "mv", "install", "ln", "sed", "rsync"):
        operands = [word for word in arguments if not word.startswith("-")]
        targets = tuple(operands[-1:]) if len(operands) > 1 else ()
    else:
        return None
    return "overwrites_system_file" if any(_SYSTEM_FILE.fullmatch(word) for word in targets) else None


def _kills(program: str, arguments: Words) -> str | None:
    if program == "kill" and len(arguments) > 1 and arguments[-1] in ("-1", "1"):
        return "kills_everything"
    if program in ("killall", "killall5", "pkill") and {"-9", "-KILL", "-u", "-SIGKILL"} & set(arguments):
        return "kills_everything"
    return None


def _runs_hidden_code(program: str, arguments: Words) -> str | None:
    if program == "eval":
        return "runs_hidden_code"
    pattern = _OBSCURED if program in SHELLS else _HIDDEN_CODE if program in INTERPRETERS else None
    return "runs_hidden_code" if pattern is not None and any(pattern.search(word) for word in arguments) else None
