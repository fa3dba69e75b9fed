"""What destroys, program by program. A row names the program with its sub-command, then behind `+` the options one of
which must be there, and behind `~` a pattern that one operand must match. Rows without either always destroy.

Programs whose sub-commands say what they do (`kubectl delete`, `aws … terminate-instances`) need no row: `verbs` reads
their words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ccml.commands import loss_rows, loss_rows_remote


@dataclass(frozen=True, slots=True)
class Loss:
    verbs: tuple[str, ...]
    options: frozenset[str]
    operand: re.Pattern[str] | None
    first: bool
    """Only the first operand may match: the rest are names of packages or branches."""
    reason: str


def _parsed() -> dict[str, list[Loss]]:
    table: dict[str, list[Loss]] = {}
    for reason, rows in (*loss_rows.ROWS.items(), *loss_rows_remote.ROWS.items()):
        for row in rows.strip().splitlines():
            head, _, pattern = row.partition(" ~ ")
            head, _, options = head.partition(" + ")
            program, *verbs = head.split()
            operand = re.compile(pattern.strip()) if pattern else None
            first = program == "redis-cli" or (
                reason in ("removes_packages", "discards_history") and re.fullmatch(r"[\w |-]+", pattern) is not None
            )
            table.setdefault(program, []).append(Loss(tuple(verbs), frozenset(options.split()), operand, first, reason))
    return table


LOSSES: Final = _parsed()

# The options by which a command only says what it would do, or takes back what it began.
DRY: Final = frozenset(
    "--dry-run --dryrun --dry_run -dry-run --simulate --just-print --recon --no-act --what-if --whatif -WhatIf "
    "--assumeno --help --version "
    "--preview --plan --check --noop --diff-only --abort --continue --skip --quit --edit-todo --show-current-patch "
    "--print --print-only --list-only --dry".split()
)
DRY_OF: Final[dict[str, frozenset[str]]] = {
    program: frozenset(options.split())
    for programs, options in {
        "git clean": "-n", "git push": "-n", "git rm": "-n --cached", "git checkout-index": "-n", "git prune": "-n",
        "git filter-repo": "--analyze", "git restore": "--staged -S", "git notes": "-n", "git worktree remove": "-n",
        "rsync": "-n", "make": "-n", "apt-get": "-s", "apt": "-s", "aptitude": "-s", "zypper": "-D",
        "pacman": "-p", "wipefs": "-n", "fdisk": "-l --list", "sfdisk": "-l -d --list --dump -n --no-act",
        "parted": "-l --list", "gdisk": "-l", "sgdisk": "-p -v --print", "modprobe": "-n",
        "crontab": "-l", "shutdown": "-c -k -a", "hdparm": "-I -i -t -T -tT -Tt -C -g", "iptables": "-L -S -C --list",
        "ip6tables": "-L -S -C --list", "terraform": "-help", "rclone": "-n", "restic": "-n", "borg": "-n",
        "brew": "-n", "cargo": "-n", "logrotate": "-d --debug", "tune2fs": "-l", "dd": "", "rpm": "--test",
        "dpkg": "--no-act", "emerge": "-p --pretend", "nix-collect-garbage": "", "fdupes": "-m",
        "mdadm": "--detail --examine -D -E", "efibootmgr": "-v", "p4 revert": "-n", "hg purge": "-p",
        "mke2fs": "-n", "mkfs": "-V", "fallocate": "", "ansible, ansible-playbook": "-C", "robocopy": "/L /l",
        "lvremove, lvreduce, vgremove, pvremove": "-t --test", "zfs destroy, zpool destroy": "-n",
    }.items()
    for program in programs.split(", ")
}  # fmt: skip
