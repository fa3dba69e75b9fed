"""Groups of a shell line: subshells, loops, conditions, functions, tests."""

from __future__ import annotations

import re
from typing import Final

from ccml.commands.statements import ENDS_OF_CASE, Statements
from ccml.commands.tree import Group, Member, Pipeline, Redirect, Script, Word

_TEST_SIGNS: Final = re.compile(r"[()<>|&!;]+")
_TIMED_GROUP: Final = re.compile(r"time[ \t]{1,9}(?:-p[ \t]{1,9})?(?=\(|(?:\{|if|for|while|until|case|\[\[)[ \t\n])")
_NAMED_COPROCESS: Final = re.compile(r"[A-Za-z_]\w*[ \t]{1,9}(?=\(|(?:\{|if|for|while|until|case|\[\[)[ \t\n])")


class Grammar(Statements):
    """A whole line."""

    def member(self, members: list[Member]) -> None:
        self.count()
        self.deeper()
        timed = _TIMED_GROUP.match(self.text, self.at)
        if timed is not None:
            self.constructs.add("time")
            self.outline.append("time")
            self.at = timed.end()
        keyword = self.reserved(_KEYWORDS)
        if self.reserved(_MISPLACED):
            self.fail()
        if keyword:
            self.constructs.add(keyword)
            _METHODS[keyword](self, keyword, members)
        elif self.text.startswith("((", self.at):
            self.constructs.add("arithmetic")
            self.arithmetic()
            self.outline.append("((x))")
            members.append(Group("((", (), [], self.redirects_behind()))
        elif self.text.startswith("(", self.at):
            self.constructs.add("subshell")
            self.at += 1
            self.group("(", ")", members)
        else:
            self.simple(members)
        self.depth -= 1

    def group(self, kind: str, closing: str, members: list[Member]) -> None:
        """`( … )`, behind its opening."""
        self.outline.append(kind)
        script = Script([])
        scripts = [script]
        redirects: list[Redirect] = []
        members.append(Group(kind, (), scripts, redirects))
        self.script(script, closing)
        if not self.text.startswith(closing, self.at):
            self.fail()
        self.at += 1
        self.outline.append(closing)
        redirects += self.redirects_behind()

    def braces(self, keyword: str, members: list[Member]) -> None:
        self.compound(keyword, "}", (), members)

    def compound(self, kind: str, last: str, words: tuple[Word, ...], members: list[Member], *between: str) -> None:
        """Scripts divided by the reserved words `between`, up to the word `last`: `if … then … else … fi`."""
        self.outline.append(kind)
        self.outline += words
        scripts: list[Script] = []
        redirects: list[Redirect] = []
        members.append(Group(kind, words, scripts, redirects))
        while True:
            script = Script([])
            scripts.append(script)
            found = self.script(script, "", frozenset({last, *between}))
            if not found:
                self.fail()
            if self.outline[-1] not in (";", "&", kind, "do", "then", "else", "{"):
                self.outline.append(";")
            self.outline.append(found)
            if found == last:
                break
        redirects += self.redirects_behind()

    def condition(self, keyword: str, members: list[Member]) -> None:
        self.compound(keyword, "fi", (), members, "then", "elif", "else")

    def loop(self, keyword: str, members: list[Member]) -> None:
        self.compound(keyword, "done", (), members, "do")

    def each(self, keyword: str, members: list[Member]) -> None:
        """`for name in words; do … done` and `for ((…)); do … done`."""
        self.blank()
        words: list[Word] = []
        if self.text.startswith("((", self.at):
            self.constructs.add("arithmetic")
            self.arithmetic()
            self.outline += [keyword, "((x))"]
        else:
            name = self.word()
            if name is None:
                self.fail()
            words.append(name)
            self.outline += [keyword, "x"]  # the name of a loop's variable does not change what the line does
            self.gap()
            if self.reserved(frozenset({"in"})):
                self.outline.append("in")
                while True:
                    self.blank()
                    word = self.word()
                    if word is None:
                        break
                    words.append(word)
                    self.outline.append(word)
        if self.operator() in (";", "\n"):
            self.take(self.operator())
        self.outline.append(";")
        self.gap()
        scripts: list[Script] = [Script([])]
        redirects: list[Redirect] = []
        members.append(Group(keyword, words, scripts, redirects))
        opening = self.reserved(frozenset({"do", "{"}))
        if not opening:
            self.fail()
        self.outline.append(opening)
        last = "done" if opening == "do" else "}"
        if self.script(scripts[0], "", frozenset({last})) != last:
            self.fail()
        if self.outline[-1] not in (";", "&", opening):
            self.outline.append(";")
        self.outline.append(last)
        redirects += self.redirects_behind()

    def case(self, keyword: str, members: list[Member]) -> None:
        self.blank()
        subject = self.word()
        self.gap()
        if subject is None or not self.reserved(frozenset({"in"})):
            self.fail()
        scripts: list[Script] = []
        redirects: list[Redirect] = []
        members.append(Group(keyword, (subject,), scripts, redirects))
        self.outline += [keyword, subject, "in"]
        while True:
            self.gap()
            if self.reserved(frozenset({"esac"})):
                break
            if self.text.startswith("(", self.at):
                self.at += 1
            self.blank()
            while self.word() is not None:
                self.blank()
                if not self.text.startswith("|", self.at):
                    break
                self.at += 1
                self.blank()
            if not self.text.startswith(")", self.at):
                self.fail()
            self.at += 1
            self.outline += ["x", ")"]
            script = Script([])
            scripts.append(script)
            if self.script(script, "", frozenset({"esac"})):
                break
            sign = self.operator()
            if sign not in ENDS_OF_CASE:
                self.fail()
            self.take(sign)
            self.outline.append(sign)
        self.outline.append("esac")
        redirects += self.redirects_behind()

    def function(self, words: list[Word], members: list[Member]) -> None:
        """`name () …`, behind the name."""
        self.at += 1
        self.blank()
        if not self.text.startswith(")", self.at):
            self.fail()
        self.at += 1
        self.constructs.add("function")
        self.body(words, members)

    def named_function(self, _keyword: str, members: list[Member]) -> None:
        self.blank()
        name = self.word()
        if name is None:
            self.fail()
        self.blank()
        if self.text.startswith("(", self.at):
            self.function([name], members)
        else:
            self.body([name], members)

    def body(self, words: list[Word], members: list[Member]) -> None:
        self.outline += ["function", "x"]
        self.gap()
        inner: list[Member] = []
        pipelines = [Pipeline(inner, [])]
        members.append(Group("function", words, [Script(pipelines)], []))
        self.member(inner)

    def coprocess(self, _keyword: str, members: list[Member]) -> None:
        self.outline.append("coproc")
        self.blank()
        named = _NAMED_COPROCESS.match(self.text, self.at)
        if named is not None:
            self.at = named.end()
        self.member(members)

    def double_brackets(self, keyword: str, members: list[Member]) -> None:
        words: list[Word] = []
        begin = self.at
        members.append(Group(keyword, words, [], []))
        while True:
            self.gap()
            if self.at >= len(self.text):
                self.fail()
            signs = _TEST_SIGNS.match(self.text, self.at)
            if signs is not None and not self.placeholder():
                self.at = signs.end()
                continue
            word = self.word()
            if word is None:
                self.fail()
            if word.source == "]]":
                break
            words.append(word)
        source = self.text[begin : self.at - 2].strip()
        # Its tests differ in their operators alone, and there are too many of those: one text in a template.
        self.outline += ["[[", Word(f" {source}", source, False, True), "]]"]
        self.redirects_behind()


_METHODS: Final = {
    "{": Grammar.braces,
    "if": Grammar.condition,
    "while": Grammar.loop,
    "until": Grammar.loop,
    "for": Grammar.each,
    "select": Grammar.each,
    "case": Grammar.case,
    "function": Grammar.named_function,
    "coproc": Grammar.coprocess,
    "[[": Grammar.double_brackets,
}
_KEYWORDS: Final = frozenset(_METHODS)
_MISPLACED: Final = frozenset("then elif else fi do done esac }".split())
