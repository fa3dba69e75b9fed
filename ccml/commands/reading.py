"""Everything that a line would run: behind wrappers, in loops, in here-documents, in what is piped into a shell.

Variables, functions and aliases that the line itself sets are followed, so that `x=rm; $x -rf d` is `rm -rf d`. What
the line does not show (the text of a script on the disk, what a server answers) stays unknown; a line with unknown
words is never `safe`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ccml.commands.carried import Run, commands_inside, recipes, texts_inside
from ccml.commands.code import shell_within
from ccml.commands.flows import NOTHING, Flow, output, sends_secret, sends_secret_file, with_input
from ccml.commands.handed import SHELLS, Code, handed_over, program_of, reads_code
from ccml.commands.syntax import syntax
from ccml.commands.tree import Group, Member, Pipeline, Redirect, Script, SimpleCommand, Syntax, Word
from ccml.commands.words import Words

MOST_CHARACTERS: Final = 40_000
"""Of all texts and words read for one line. A variable that is set to itself twice doubles at each step."""
MOST_RUNS: Final = 250
_MOST_REDIRECTS: Final = 12
_DEEPEST: Final = 6
"""Texts inside texts: `ssh host "sudo sh -c 'docker exec …'"` has four."""
_DEEPEST_GROUP: Final = 50
"""Groups and substitutions, over all texts: a bound on Python's stack."""

_SENDERS: Final = frozenset("curl wget nc ncat netcat mail mailx sendmail http xh".split())
_EVALUATORS: Final = SHELLS | {"eval", "source", "."}
_INTERPRETERS: Final = _EVALUATORS | frozenset("python perl ruby node php lua osascript pwsh powershell".split())
_ARRAY: Final = re.compile(r"\$\{(\w+)\[[@*]\]\}")
_SHELL_VARIABLES: Final = re.compile(r"(?:PROMPT_COMMAND|(?:GIT_|MAN)?PAGER|(?:GIT_|VISUAL_)?EDITOR|GIT_SSH_COMMAND|"
                                     r"LESSOPEN|BASH_ENV|ENV|SSH_ASKPASS|GIT_ASKPASS)=(.*)", re.DOTALL)  # fmt: skip


@dataclass
class Scope:
    variables: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    many: bool = False


class Reading:
    """What one line runs. The lists are in the order of the line."""

    def __init__(self, taken: Syntax) -> None:
        self.runs: list[Run] = []
        self.codes: list[Code] = []
        self.refusals: list[str] = []
        self.unknown_code = False
        """Text that the line changes or does not show is run as code: `eval $X`, `… | rev | sh`."""
        self._characters = 0
        self._depth = 0
        self._nested = 0
        self._written: dict[str, str] = {}
        self._script(taken.script, Scope(), NOTHING)

    # --- the tree ----------------------------------------------------------------------------------------------------

    def _script(self, script: Script, scope: Scope, entering: Flow) -> Flow:
        leaving = NOTHING
        if self._nested >= _DEEPEST_GROUP:
            return leaving
        self._nested += 1
        for pipeline in script.pipelines:
            leaving |= self._pipeline(pipeline, scope, entering)
        self._nested -= 1
        return leaving

    def _pipeline(self, pipeline: Pipeline, scope: Scope, flow: Flow) -> Flow:
        files: tuple[str, ...] = ()
        starts = [m.words[0].text for m in pipeline.members if isinstance(m, SimpleCommand) and m.words]
        if len(starts) > 1 and set(starts) <= {"$0", "%0"}:
            self.refusals.append("fork_bomb")
        for member in pipeline.members:
            before = len(self.runs)
            flow = self._member(member, scope, flow, files)
            if len(pipeline.members) > 1 and len(self.runs) > before:
                files = (*files, *self.runs[before].words[1:])[:40]
        return flow

    def _member(self, member: Member, scope: Scope, flow: Flow, files: tuple[str, ...]) -> Flow:
        if isinstance(member, SimpleCommand):
            return self._simple(member, scope, flow, files)
        self._words(member.words, scope)
        flow, redirects = self._redirects(member.redirects, scope, flow)
        if member.kind in ("for", "select", "while", "until"):
            scope = Scope(scope.variables, scope.aliases, many=True)
        elif member.kind == "function" and _calls_itself(member):
            self.refusals.append("fork_bomb")
        elif member.kind == "[[":
            return NOTHING
        if member.kind in ("while", "until") and _endless(member):
            self.refusals.append("fork_bomb")
        leaving = NOTHING
        for script in member.scripts:
            leaving |= self._script(script, scope, flow)
        if redirects:
            self._add(Run((), redirects, scope.many))
        return leaving

    def _simple(self, command: SimpleCommand, scope: Scope, flow: Flow, files: tuple[str, ...]) -> Flow:
        flow, redirects = self._redirects(command.redirects, scope, flow)
        for assignment in command.assignments:
            self._assign(assignment, scope, kept=not command.words)
        words, inside = self._words(command.words, scope)
        if not words:
            if redirects:
                self._add(Run((), redirects, scope.many, reads=files))
            return flow
        return self._command(words, scope, flow, inside, redirects, files)

    def _assign(self, assignment: Word, scope: Scope, *, kept: bool) -> None:
        words, inside = self._words((assignment,), scope)
        text = " ".join(words)
        name, _, value = text.partition("=")
        if value.startswith("(") and value.endswith(")"):
            value = value[1:-1]
        if kept and len(scope.variables) < 200:
            scope.variables[name] = value
        runs = _SHELL_VARIABLES.fullmatch(text)
        if runs is not None:
            for script in (runs.group(1), *inside.texts):
                self._text(script, scope, NOTHING)

    def _redirects(
        self, redirects: Sequence[Redirect], scope: Scope, flow: Flow
    ) -> tuple[Flow, tuple[tuple[str, str], ...]]:
        kept: list[tuple[str, str]] = []
        for redirect in redirects[:_MOST_REDIRECTS]:
            if redirect.target is None:
                continue
            words, inside = self._words((redirect.target,), scope, split=False)
            target = " ".join(words)
            if redirect.is_heredoc or redirect.operator.endswith("<<<"):
                flow = Flow((target,), inside.fetched, inside.decoded)
            elif redirect.operator.endswith("<"):
                flow = Flow(("",) if target == "/dev/null" else (), inside.fetched, inside.decoded)
                kept.append((redirect.operator, target))
            else:
                kept.append((redirect.operator, target))
        return flow, tuple(kept)

    # --- words -------------------------------------------------------------------------------------------------------

    def _words(self, words: Sequence[Word], scope: Scope, *, split: bool = True) -> tuple[Words, Flow]:
        """The words with what the line shows of their expansions, and what their substitutions let in."""
        read: list[str] = []
        inside = NOTHING
        for word in words:
            if word.static:
                read.append(word.text)
                self._characters += len(word.text)
                continue
            fields, flow = self._expand(word, scope, split=split)
            read += fields
            inside |= flow
        return tuple(read), inside

    def _expand(self, word: Word, scope: Scope, *, split: bool) -> tuple[list[str], Flow]:
        fields: list[str] = []
        current = ""
        begun = False
        inside = NOTHING
        for part in word.parts:
            text = part.text
            shown = part.kind == "text"
            if part.kind == "variable" and part.name in scope.variables:
                text, shown = scope.variables[part.name], True
            elif (array := _ARRAY.fullmatch(text)) is not None and array.group(1) in scope.variables:
                text, shown = scope.variables[array.group(1)], True
            elif part.kind == "variable" and part.name == "IFS" and not part.quoted:
                text, shown = " ", True
            elif part.script is not None:
                flow = self._script(part.script, scope, NOTHING)
                inside |= flow
                if flow.texts and part.text[0] not in "<>":
                    text, shown = " ".join(flow.texts).rstrip("\n"), True
            self._characters += len(text)
            if self._characters > MOST_CHARACTERS:
                break
            in_words = not part.quoted or part.name == "@" or part.kind == "expansion"
            if shown and part.kind != "text" and in_words and split:
                pieces = re.split(r"[ \t\n]", text)
                for place, piece in enumerate(pieces):
                    if place and (begun or current):
                        fields.append(current)
                        current, begun = "", False
                    current += piece
                continue
            current += text
            begun = True
        if current or begun:
            fields.append(current)
        if word.source.startswith("{") and word.source.endswith("}") and "," in word.source and len(fields) == 1:
            return [field for field in fields[0][1:-1].split(",") if field], inside
        return fields, inside

    # --- commands ----------------------------------------------------------------------------------------------------

    def _add(self, run: Run) -> None:
        if len(self.runs) < MOST_RUNS:
            self.runs.append(run)

    def _text(self, text: str, scope: Scope, flow: Flow) -> None:
        """A text that a shell reads."""
        self._characters += len(text)
        if self._depth >= _DEEPEST or self._characters > MOST_CHARACTERS:
            return
        taken = syntax(text)
        if taken is None:
            return
        self._depth += 1
        self._script(taken.script, Scope(dict(scope.variables), dict(scope.aliases), scope.many), flow)
        self._depth -= 1

    def _command(
        self,
        words: Words,
        scope: Scope,
        flow: Flow,
        inside: Flow,
        redirects: tuple[tuple[str, str], ...] = (),
        files: tuple[str, ...] = (),
        level: int = 0,
    ) -> Flow:
        """One command and what it runs in its turn; what comes out of it."""
        self._characters += sum(map(len, words))
        if self._characters > MOST_CHARACTERS or level > 25 or not words or len(self.runs) >= MOST_RUNS:
            return NOTHING
        leaving = output(words, flow)
        written = "".join(leaving.texts) if leaving.texts else None
        run = Run(words, redirects, scope.many, written, files)
        self._add(run)
        program = program_of(run)
        if program in scope.aliases:
            rest = dict(scope.aliases)
            self._text(" ".join((rest.pop(program), *words[1:])), Scope(scope.variables, rest, scope.many), flow)
        self._remember(run, scope, flow)
        if program in _INTERPRETERS and (inside.fetched or inside.decoded):
            self.refusals.append("remote_code")
        sent = program in _SENDERS and (flow.secret or any(sends_secret(word) for word in words[1:]))
        if sent or sends_secret_file(program, words):
            self.refusals.append("credentials_sent")
        for code in handed_over(run):
            self._code(code, scope, flow)
        self._input(run, scope, flow)
        if program in _INTERPRETERS and any(word.startswith("<(") for word in words[1:3]):
            for text in inside.texts:  # `bash <(echo …)`: what the substitution writes is the script
                self._code(Code(reads_code(Run((program_of(run),))) or "shell", text), scope, NOTHING)
        self._file(run, leaving, scope)
        for at, end, many in commands_inside(run):
            inner = with_input(words[at:], flow) if program in ("xargs", "gxargs") else words[at:end]
            if not inner:
                continue
            within = Scope(scope.variables, scope.aliases, scope.many or many)
            if program in ("xargs", "gxargs", "parallel") and (flow.fetched or flow.decoded):
                inside |= flow
            if " " in inner[0] or "\n" in inner[0]:  # no program has such a name: a shell takes the words apart
                self._text(inner[0], within, flow)
            else:
                leaving = self._command(inner, within, flow, inside, redirects, files, level + 1)
        for text in texts_inside(run):
            if text == "" or (program == "eval" and text.startswith("$") and "(" not in text):
                self.unknown_code = True
            self._text(text, scope, flow)
        return leaving

    def _remember(self, run: Run, scope: Scope, flow: Flow) -> None:
        """Aliases and variables that the command sets for what follows."""
        if run.program == "alias":
            for word in run.words[1:]:
                name, sign, text = word.partition("=")
                if sign:
                    scope.aliases[name] = text
                    self._text(text, scope, NOTHING)
        elif run.program == "set" and "--" in run.words:
            scope.variables["@"] = scope.variables["*"] = " ".join(run.words[run.words.index("--") + 1 :])
        elif run.program == "read" and flow.texts and run.verbs:
            scope.variables[run.verbs[-1]] = flow.texts[0]
        elif run.program in ("export", "declare", "typeset", "local", "readonly"):
            for word in run.words[1:]:
                name, sign, value = word.partition("=")
                if sign:
                    scope.variables[name] = value

    def _file(self, run: Run, leaving: Flow, scope: Scope) -> None:
        """A script that the line itself has written before it runs it."""
        for name in (run.words[0], *run.verbs[:1]):
            text = self._written.pop(name.removeprefix("./"), None)
            language = reads_code(Run((program_of(run),))) or "shell"
            if text is not None and (name == run.words[0] or program_of(run) in _INTERPRETERS):
                self._code(Code(language, text), scope, NOTHING)
        targets = [target for operator, target in run.redirects if ">" in operator]
        targets += run.verbs[:1] if run.program == "tee" else []
        for target in targets if leaving.texts else ():
            self._written[target.removeprefix("./")] = "\n".join(leaving.texts)

    def _input(self, run: Run, scope: Scope, flow: Flow) -> None:
        """What the command reads and runs as a program."""
        language = reads_code(run)
        if language is None:
            return
        if (flow.fetched or flow.decoded) and program_of(run) in _INTERPRETERS:
            self.refusals.append("remote_code")
        if flow.changed:
            self.unknown_code = True
        for text in flow.texts:
            for part in recipes(text) if run.program in ("make", "crontab") else (text,):
                self._code(Code(language, part), scope, NOTHING)

    def _code(self, code: Code, scope: Scope, flow: Flow) -> None:
        if code.language == "shell":
            self._text(code.text, scope, flow)
            return
        if len(self.codes) < MOST_RUNS:
            self.codes.append(code)
        for text in shell_within(code):
            self._text(text, scope, NOTHING)


def _calls_itself(function: Group) -> bool:
    """A function that starts itself more than once, or in the background: a fork bomb."""
    name = function.words[0].text if function.words else ""
    return sum(_calls(script, name) for script in function.scripts) > 1


def _calls(script: Script, name: str, depth: int = 0) -> int:
    found = 0
    for pipeline in script.pipelines if depth < 4 else ():
        for member in pipeline.members:
            if isinstance(member, Group):
                found += sum(_calls(inner, name, depth + 1) for inner in member.scripts)
            elif member.words and member.words[0].text == name:
                found += 2 if pipeline.background else 1
    return found


def _endless(loop: Group) -> bool:
    """`while true; do x & done` starts processes without end."""
    if len(loop.scripts) < 2 or loop.kind != "while":
        return False
    conditions = [member for pipeline in loop.scripts[0].pipelines for member in pipeline.members]
    always = [m for m in conditions if isinstance(m, SimpleCommand) and m.words and m.words[0].text in ("true", ":")]
    body = loop.scripts[1].pipelines
    return bool(always) and bool(body) and all(pipeline.background for pipeline in body)
