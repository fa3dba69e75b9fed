"""What a command would destroy or let in, told on the parsed line: the reasons for `danger` and `refused`.

These rules name the reason that a person is shown; safety does not rest on them (`risk` explains). Programs are found
behind their wrappers, inside `sh -c '…'`, `find -exec` and substitutions, because those are parsed too.
"""

from __future__ import annotations

import re
from typing import Final

from ccml.commands.syntax import SimpleCommand, Syntax, syntax
from ccml.commands.wrappers import base_name, wrapped_at

_SHELLS: Final = frozenset("sh bash zsh dash ksh fish ash csh tcsh".split())
_INTERPRETERS: Final = _SHELLS | frozenset(
    "python python2 python3 perl ruby node php lua osascript pwsh powershell".split()
)
_FETCHERS: Final = frozenset("curl wget fetch aria2c http xh nc ncat netcat lynx ftp".split())
_DECODERS: Final = frozenset("base64 base32 xxd openssl uudecode gunzip zcat rev tr printf".split())
_DISK: Final = re.compile(r"/dev/(?:sd|hd|vd|xvd|nvme|mmcblk|disk|rdisk|mapper/|md|loop|mem|kmem|port)\w*.*")
_SYSTEM_FILE: Final = re.compile(r"/(?:etc|boot|bin|sbin|usr|lib|lib64|sys|proc|var/lib|System|Library)(?:/.*)?$")
_ROOT: Final = re.compile(
    r"(?:/|~|\$\{?HOME\}?|\"\$\{?HOME\}?\")(?:/|/\*|/\.|/\.\*|\*)*$|/\*.*|//+.*|/\./.*"
    r"|/(?:home|root|etc|usr|var|bin|boot|lib|lib64|sbin|opt|Users|System)/?\*?$|[A-Za-z]:[\\/]?\*?$"
)
# A function that pipes into itself in the background, or an endless loop that starts something each time.
_FORK_BOMB: Final = re.compile(
    r"([\w:.]{1,30}+)\s{0,4}\(\s{0,4}\)\s{0,4}\{[^}]{0,60}?(?<![\w:.])\1\s{0,4}[|&][^}]{0,60}&[^}]{0,20}\}|%0\s{0,4}\|\s{0,4}%0"
    r"|\$0\s{0,4}\|\s{0,4}\$0\s{0,4}&|while\s{1,4}(?:true|:)\s{0,4};\s{0,4}do\s[^;&]{1,80}&\s{0,4};?\s{0,4}done"
)
_REVERSE_SHELL: Final = re.compile(
    r"/dev/(?:tcp|udp)/|\b(?:nc|ncat|netcat)\b[^|;&]{0,200}\s-\w*[ec]\w*\s+\S*(?:sh|cmd)|socket\.socket.{0,400}(?:dup2|subprocess|pty\.spawn)|socat\b.{0,200}\bexec:",
    re.IGNORECASE | re.DOTALL,
)
# For lines that do not parse, and for what quoting hides from words: the raw text, blanks and quotes taken out.
_FETCH_TO_SHELL: Final = re.compile(
    r"\b(?:curl|wget)\b[^\n]{0,2000}?\|\s*(?:sudo\s+(?:-\w+\s+)*)?(?:env\s+)?(?:\S*/)?(?:ba|z|da|k|a|fi)?sh\b"
)
_CREDENTIALS_OUT: Final = re.compile(
    r"(?:/etc/shadow|\.ssh/id_|\.aws/credentials|\.netrc)[^\n]*\|\s*(?:curl|nc|ncat|wget|mail)\b"
)

_DANGEROUS_GIT: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("reset", re.compile(r"--hard|--merge|--keep")),
    ("clean", re.compile(r"-\w*[fdx]\w*|--force")),
    ("push", re.compile(r"-f|--force.*|--delete|-d|--mirror|--prune|\+.*|:.*")),
    ("checkout", re.compile(r"--|-f|--force|\.|-B")),
    ("restore", re.compile(r"\.|--worktree|-W|:/")),
    ("branch", re.compile(r"-D|-df?|--delete|-M|-f|--force")),
    ("stash", re.compile(r"drop|clear")),
    ("reflog", re.compile(r"expire|delete")),
    ("update-ref", re.compile(r"-d")),
    ("filter-branch", re.compile(r".*")),
    ("filter-repo", re.compile(r".*")),
    ("gc", re.compile(r"--prune.*|--aggressive")),
    ("tag", re.compile(r"-d|--delete|-f")),
    ("worktree", re.compile(r"remove|prune")),
    ("rm", re.compile(r"-\w*[rf]\w*")),
    ("remote", re.compile(r"remove|rm|set-url")),
    ("rebase", re.compile(r".*")),
)
_DESTROYERS: Final = frozenset(
    "shred wipe srm mkfs mke2fs mkswap wipefs fdisk sfdisk gdisk parted cfdisk dd truncate shutdown reboot halt poweroff "
    "init telinit userdel groupdel deluser crontab iptables ip6tables nft swapoff cryptsetup lvremove vgremove pvremove "
    "zpool hdparm badblocks debugfs blkdiscard insmod rmmod modprobe visudo chattr unlink format diskpart del rd "
    "Remove-Item vssadmin bcdedit".split()
)
_DESTROYER_READS: Final[dict[str, re.Pattern[str]]] = {
    "fdisk": re.compile(r"-l"), "sfdisk": re.compile(r"-l|-d"), "parted": re.compile(r"-l"), "crontab": re.compile(r"-l|-e|\S+"),
    "iptables": re.compile(r"-L|-S|--list.*|-nvL|-vnL|-nL"), "ip6tables": re.compile(r"-L|-S"), "nft": re.compile(r"list"),
    "zpool": re.compile(r"status|list"), "hdparm": re.compile(r"-I|-i|-t|-T"), "modprobe": re.compile(r"-n|--dry-run"),
    "cryptsetup": re.compile(r"status|luksDump"), "wipefs": re.compile(r"-n|--no-act"),
}  # fmt: skip
_SQL: Final = re.compile(
    r"(?i)\b(?:drop\s+(?:table|database|schema|user|index)|truncate\s+(?:table\s+)?\w|delete\s+from\s+\w+(?!.*\bwhere\b)|flushall|flushdb|db\.dropDatabase)"
)


def refusal_of(line: str, taken: Syntax | None, depth: int = 0) -> str | None:
    """The rule by which the line is never emitted; None where none applies."""
    if _FORK_BOMB.search(line):
        return "fork_bomb"
    if _REVERSE_SHELL.search(line):
        return "reverse_shell"
    if _FETCH_TO_SHELL.search(line):
        return "remote_code"
    if _CREDENTIALS_OUT.search(line):
        return "credentials_sent"
    if taken is None:
        return None
    commands = _unwrapped(taken)
    pipeline: list[str] = []
    in_root = False
    for words, command in commands:
        program = _name(words)
        for redirect in command.redirects:
            if redirect.target is not None and ">" in redirect.operator and _DISK.fullmatch(redirect.target.text):
                return "disk_device"
        if not program:
            continue
        if (
            program
            in (
                "dd",
                "cp",
                "mv",
                "tee",
                "cat",
                "shred",
                "wipe",
                "truncate",
                "wipefs",
                "badblocks",
                "blkdiscard",
                "sfdisk",
                "mkswap",
                "pv",
            )
            or program.startswith("mkfs")
            or program == "mke2fs"
        ):
            outputs = [w.removeprefix("of=") for w in words[1:] if program != "dd" or w.startswith("of=")]
            if program in ("cp", "mv", "pv"):
                outputs = outputs[-1:]
            if program != "cat" and any(_DISK.fullmatch(w.strip("'\"")) for w in outputs):
                return "disk_device"
        if program in ("rm", "rmdir", "unlink", "shred") or (program == "find" and _acts(words)):
            targets = [w for w in words[1:] if not w.startswith("-")]
            if program == "find":
                targets = [w for w in targets[:1] if len(words) < 4 or "-name" not in words]
            if any(_ROOT.fullmatch(w) for w in targets) or "--no-preserve-root" in words:
                return "removes_root"
            if in_root and any(w in (".", "*", "./*", "./", ".*") for w in targets):
                return "removes_root"
        if (
            program in ("chmod", "chown")
            and any(re.match(r"-\w*R", w) for w in words)
            and any(_ROOT.fullmatch(w) for w in words[2:])
        ):
            return "removes_root"
        if program == "mv" and len(words) > 2 and any(_ROOT.fullmatch(w) for w in words[1:-1]):
            return "removes_root"
        if program == "cd":
            in_root = len(words) == 1 or words[1] in ("/", "~", "$HOME", '"$HOME"')
        if program in _INTERPRETERS | {"source", ".", "eval"} and any(
            "$(" in w or "`" in w or "<(" in w for w in words[1:]
        ):
            if any(f in w for w in words[1:] for f in ("curl", "wget", "base64")):
                return "remote_code"
        pipeline.append(program)
        inner = _inner_script(program, words)
        if inner is not None and depth < 3:
            refusal = refusal_of(inner, syntax(inner), depth + 1)
            if refusal is not None:
                return refusal
    return "remote_code" if _pipes_to_shell(taken) else None


def danger_of(line: str, taken: Syntax | None, depth: int = 0) -> str | None:
    """The reason why the line is dangerous; None where no rule applies."""
    if _SQL.search(line):
        return "drops_data"
    if taken is None:
        return None
    for words, command in _unwrapped(taken):
        for redirect in command.redirects:
            if redirect.target is not None and ">" in redirect.operator and _SYSTEM_FILE.match(redirect.target.text):
                return "overwrites_system_file"
        program = _name(words)
        if not program:
            continue
        reason = _destroys(program, words)
        if reason is not None:
            return reason
        inner = _inner_script(program, words)
        if inner is not None and depth < 3:
            reason = danger_of(inner, syntax(inner), depth + 1)
            if reason is not None:
                return reason
    return None


def _destroys(program: str, words: tuple[str, ...]) -> str | None:
    arguments = words[1:]
    if program == "rm" and (
        any(re.match(r"-\w*[rRf]|--r|--fo", w) for w in arguments) or any("*" in w for w in arguments)
    ):
        return "removes_recursively"
    if program == "find" and _acts(words):
        return "removes_recursively"
    if program == "git" and arguments:
        rest = [w for w in arguments if w not in ("-C", "-c")]
        for sub, risky in _DANGEROUS_GIT:
            if sub in rest[:3] and any(risky.fullmatch(w) for w in rest[rest.index(sub) + 1 :]):
                return "discards_history"
    if program in _DESTROYERS or program.startswith("mkfs"):
        reads = _DESTROYER_READS.get(program)
        if reads is None or not arguments or not reads.fullmatch(arguments[0]):
            return "destroys"
    if program == "crontab" and "-r" in arguments:
        return "destroys"
    if program in ("chmod", "chown", "chgrp") and (
        any(re.match(r"-\w*R|--recursive", w) for w in arguments)
        or any(re.fullmatch(r"0?777|a\+rwx|[ugoa]*\+\w*s\w*|[2467]\d{3}", w) for w in arguments)
    ):
        return "opens_permissions"
    if (
        program in ("cp", "mv", "tee", "install", "ln", "sed", "rsync")
        and any(_SYSTEM_FILE.match(w) for w in arguments[-1:])
        and (program != "sed" or any(re.match(r"-\w*i|--in", w) for w in arguments))
    ):
        return "overwrites_system_file"
    if program == "mv" and arguments[-1:] == ("/dev/null",):
        return "destroys"
    if program == "rsync" and any(w.startswith(("--delete", "--remove-source")) for w in arguments):
        return "removes_recursively"
    if program == "kill" and any(w in ("-1", "1") for w in arguments[-1:]) and len(arguments) > 1:
        return "kills_everything"
    if program in ("killall", "killall5", "pkill") and any(w in ("-9", "-KILL", "-u", "-SIGKILL") for w in arguments):
        return "kills_everything"
    if program in (
        "docker",
        "podman",
        "kubectl",
        "helm",
        "terraform",
        "systemctl",
        "aws",
        "gcloud",
        "az",
        "vagrant",
        "docker-compose",
    ):
        joined = " ".join(arguments[:4])
        if re.search(
            r"\b(?:prune|destroy|delete|rm -\w*f|rmi|rm|down -v|volume rm|uninstall|drain|mask|isolate|poweroff|reboot|halt|rb)\b",
            joined,
        ):
            return "destroys"
        if program in ("docker", "podman") and any(
            w == "--privileged" or re.match(r"(?:-v=?)?/:/?", w) for w in arguments
        ):
            return "opens_permissions"
    if program in ("apt", "apt-get", "yum", "dnf", "pacman", "brew", "dpkg", "rpm", "snap", "zypper", "apk") and any(
        w
        in (
            "remove",
            "purge",
            "autoremove",
            "erase",
            "-R",
            "-Rns",
            "-Rs",
            "--purge",
            "-r",
            "-P",
            "uninstall",
            "del",
            "-e",
        )
        for w in arguments[:3]
    ):
        return "removes_packages"
    if program == "history" and any(re.match(r"-\w*[cdw]", w) for w in arguments):
        return "hides_traces"
    if program in ("setenforce", "ufw") and arguments[:1] in (("0",), ("disable",), ("reset",)):
        return "opens_permissions"
    if program in _INTERPRETERS - _SHELLS and any(
        re.search(
            r"rmtree|os\.(?:remove|unlink|system|popen)|subprocess|unlink\b|rm -|child_process|system\(|exec\(|__import__|File\.delete|fs\.rm",
            w,
        )
        for w in arguments
    ):
        return "runs_hidden_code"
    if program == "eval" or (program in _SHELLS and any(re.search(r"\$'|\\x|base64|\$\(|`", w) for w in arguments)):
        return "runs_hidden_code"
    if program == "xargs" or (program == "parallel"):
        return None
    return None


def _acts(words: tuple[str, ...]) -> bool:
    """Does a `find` remove what it finds?"""
    if "-delete" in words:
        return True
    for i, word in enumerate(words[:-1]):
        if word.startswith(("-exec", "-ok")):
            wrapped = _behind(words[i + 1 :])
            if _name(wrapped) in ("rm", "shred", "unlink", "dd", "truncate", "mv") or (
                _name(wrapped) in _SHELLS and any("rm" in w for w in wrapped)
            ):
                return True
    return False


def _pipes_to_shell(taken: Syntax) -> bool:
    """Does something fetched or decoded flow into an interpreter?"""
    flows = False
    piped = False
    for piece in taken.outline:
        if isinstance(piece, str):
            piped = piece in ("|", "|&")
            if not piped:
                flows = False
            continue
        if not isinstance(piece, SimpleCommand):
            continue
        words = _behind(tuple(w.text for w in piece.words))
        program = _name(words)
        if piped and flows and program in _INTERPRETERS | {"source", ".", "eval", "xargs"}:
            if program != "xargs" or any(base_name(w) in _INTERPRETERS for w in words[1:]):
                script_given = any(not w.startswith("-") for w in words[1:]) or any(
                    w.startswith(("-c", "-m", "-e")) and len(w) == 2 for w in words[1:]
                )
                if program in _SHELLS | {"source", ".", "eval", "xargs"} or not script_given:
                    return True
        flows = (
            flows
            and piped
            or program in _FETCHERS
            or (program in _DECODERS and not piped and program in ("base64", "base32", "xxd", "printf", "openssl"))
            or (piped and program in ("base64", "base32", "xxd", "uudecode", "openssl", "rev"))
        )
    return False


def _inner_script(program: str, words: tuple[str, ...]) -> str | None:
    """The script of `sh -c SCRIPT`, `su -c SCRIPT`, `ssh host SCRIPT`, `eval SCRIPT`, `xargs COMMAND`."""
    if program in _SHELLS | {"su", "script"}:
        for i, word in enumerate(words[1:-1], start=1):
            if re.fullmatch(r"-\w*c", word):
                return words[i + 1]
        return None
    if program == "eval":
        return " ".join(words[1:])
    if program == "ssh" and len(words) > 2:
        return words[-1] if " " in words[-1] else None
    if program in ("find", "fd"):
        for i, word in enumerate(words[:-1]):
            if word.startswith(("-exec", "-ok", "-x")):
                return " ".join(w for w in words[i + 1 :] if w not in (";", "+", "{}"))
    return None


def _unwrapped(taken: Syntax) -> list[tuple[tuple[str, ...], SimpleCommand]]:
    return [(_behind(tuple(w.text for w in command.words)), command) for command in taken.commands]


def _behind(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words of the wrapped command: `sudo -u x nice rm y` → `rm y`."""
    return words[wrapped_at(words) :]


def _name(words: tuple[str, ...]) -> str:
    return base_name(words[0]) if words else ""
