"""What a program says that it does, read from the words of its sub-command: `kubectl delete`, `terminate-instances`,
`apps:destroy`, `mcp__github__delete_repository`.

The first word that is a verb decides. So `docker logs delete-worker` reads logs, and `get_deleted_items` gets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import takewhile
from typing import Final

from ccml.commands.programs import FAMILY, WITH_SUBCOMMANDS
from ccml.commands.words import Call

_TOKEN: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")

DESTROYING: Final = frozenset(
    "delete del destroy drop purge prune terminate erase wipe flush flushall flushdb nuke shred remove rm rmi rmdir "
    "rmr "
    "rb unpublish deprovision decommission undeploy teardown obliterate truncate expunge deregister uninstall "
    "dispose annihilate dropdb deletes removes factoryreset dealloc unregister empty drain cancelall deletion".split()
)
HARMLESS: Final = frozenset(
    "list ls get describe show status logs log ps inspect run exec start stop restart create add apply plan diff "
    "version "
    "help info top stats events history search login logout pull push build tag cp copy port attach update upgrade "
    "install init validate fmt output console import export set use view watch wait edit label annotate expose "
    "rollout patch explain auth lint check open serve dev deploy sync fetch clone read query scan download upload "
    "print "
    "cat tail follow find lookup count test verify preview render generate new make put post send write save load "
    "publish subscribe connect enable disable pause resume invoke call submit cancel commit checkout switch merge "
    "up down kill exec head filter select browse whoami ping doctor completion compile format whatis exists can".split()
)
_DATA: Final = frozenset(
    "db database migrate migration migrations schema data redis volumes prod production ecto".split()
)
_RESETS: Final = frozenset("reset fresh wipe clear clean rollback refresh flush recreate redo".split())
_TASK_DESTROYS: Final = frozenset("drop destroy nuke wipe purge flush teardown undeploy obliterate truncate".split())
_DESTROYING_OPTIONS: Final = frozenset(
    "--delete --delete-all --wipe --purge --erase --destroy --factory-reset --autonuke --unregister --nuke".split()
)
_TASK_RUNNERS: Final = frozenset(
    "make gmake rake rails just task invoke inv mix artisan gradle gradlew grunt gulp nx turbo doit fab cap lein sbt "
    "manage.py console ant bazel earthly dagger composer deno foreman thor phing ninja ember ng".split()
)
_RUNS_SCRIPTS: Final = frozenset("npm yarn pnpm bun composer deno npm-run".split())
_WRITES_CODE: Final = frozenset("generate g test spec new lint format help".split())
# Their sub-commands take out what a next command puts in again, or are in the table of losses.
_OTHERWISE: Final = frozenset(
    "pip pip3 pipx npm yarn pnpm bun gem bundle cargo rustup go composer poetry pdm uv conda mamba nvm pyenv rbenv "
    "asdf "
    "mise volta dotnet git hg svn apt apt-get aptitude dnf yum zypper pacman apk brew snap flatpak systemctl tmux "
    "screen "
    "openssl crontab nmcli launchctl pre-commit husky mvn code direnv stow chezmoi yadm pass nix nix-env winget choco "
    "scoop helm-docs tldr flutter pio hatch workon cmd powershell pwsh deactivate findstr where where.exe "
    "gcm help man".split()
)


def tokens(word: str) -> list[str]:
    """The words that a name is made of: `deleteFile`, `delete_file` and `delete-file` → delete, file."""
    return [token.lower() for token in _TOKEN.findall(word[:100])]


def verb_in(word: str) -> str | None:
    """The first known verb among the tokens of a word."""
    return next((token for token in tokens(word[:80]) if token in DESTROYING or token in HARMLESS), None)


def first_verb(words: Iterable[str]) -> str | None:
    return next((verb for verb in map(verb_in, words) if verb is not None), None)


def says_it_destroys(call: Call) -> bool:
    program = call.program
    if program in _TASK_RUNNERS or program in _RUNS_SCRIPTS:
        return _task_destroys(call)
    if program == "git":
        return "-" in "".join(call.verbs[:1]) and verb_in(call.verbs[0]) in DESTROYING  # a script of the user's own
    if program in _OTHERWISE:
        return False
    if program in WITH_SUBCOMMANDS or FAMILY.get(program) == "containers":
        shown = call.verbs[1:2] if program == "aws" else call.verbs[:3]  # an operation stands behind its service
        if program in ("restic", "borg"):
            shown = call.verbs[:1]
        if program in ("az", "gcloud", "oci"):  # `az network nsg rule delete -n x`: the values of options are names
            shown = tuple(takewhile(lambda word: not word.startswith("-"), call.words[1:7])) or shown
        words = [word for word in shown if re.fullmatch(r"[A-Za-z][\w:-]*", word)]
        return first_verb(words) in DESTROYING
    if program in FAMILY or not re.fullmatch(r"[A-Za-z][\w.+-]{1,40}", program) or "." in program:
        return False
    if verb_in(program) in HARMLESS:
        return False  # `Get-Help Remove-Item`, `create-app drop`
    words = [word for word in call.verbs[:3] if re.fullmatch(r"[a-z][\w:-]*", word)]
    return first_verb(words) in DESTROYING or call.has(*_DESTROYING_OPTIONS)


def _task_destroys(call: Call) -> bool:
    """`npm run db:reset`, `rails db:drop`, `make destroy`."""
    words = call.verbs
    if call.program in _RUNS_SCRIPTS:
        words = words[1:] if words[:1] in (("run",), ("run-script",), ("task",)) else words
        if words[:1] and words[0] in ("remove", "rm", "uninstall", "unlink", "cache", "prune"):
            return False
    for word in words[:3]:
        if word in _WRITES_CODE:
            return False
        if "=" in word or "/" in word:
            continue
        tokens = {token.lower() for token in _TOKEN.findall(word[:80])}
        if word.startswith(("test", "check", "lint")):
            continue
        if tokens & _TASK_DESTROYS or (tokens & _DATA and tokens & (_RESETS | {"delete", "remove", "down"})):
            return True
    return False
