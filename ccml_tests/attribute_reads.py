"""Which attributes of which classes a program reads, by the types that its source states.

The owner of `settings.history` is found, not guessed from the name `history`: parameters, fields, properties and
functions are annotated throughout, and a local name has the type of what it was assigned. What cannot be resolved
counts as no read.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

Read = tuple[str, str]
"""Class, attribute."""
Names = dict[str, str | None]


@dataclass
class Reads:
    classes: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    """Class → attribute → type as annotated; a property's is what it returns."""
    returns: dict[str, str] = field(default_factory=dict)
    """Function or `Class.method` → type as annotated."""
    found: set[Read] = field(default_factory=set)
    inside: dict[Read, set[Read]] = field(default_factory=lambda: defaultdict(set))
    """Property → what it reads of its own class: read only if somebody reads the property."""

    @classmethod
    def of(cls, sources: Iterable[str]) -> Reads:
        trees = [ast.parse(source) for source in sources]
        reads = cls()
        for tree in trees:
            reads._declare(tree)
        for tree in trees:
            reads._body(tree.body, {}, owner=None)
        waiting = list(reads.found)
        while waiting:
            for one in reads.inside.get(waiting.pop(), set()) - reads.found:
                reads.found.add(one)
                waiting.append(one)
        return reads

    def _declare(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.returns:
                self.returns.setdefault(node.name, ast.unparse(node.returns))
            if not isinstance(node, ast.ClassDef):
                continue
            for one in node.body:
                if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                    self.classes[node.name][one.target.id] = ast.unparse(one.annotation)
                elif isinstance(one, ast.FunctionDef):
                    returned = ast.unparse(one.returns) if one.returns else ""
                    if any(ast.unparse(mark).endswith("property") for mark in one.decorator_list):
                        self.classes[node.name][one.name] = returned
                    self.returns[f"{node.name}.{one.name}"] = returned
                    if one.name == "__init__":
                        self._fields_of_init(node.name, one)

    def _fields_of_init(self, owner: str, init: ast.FunctionDef) -> None:
        given = {one.arg: ast.unparse(one.annotation) for one in _arguments(init) if one.annotation}
        for node in ast.walk(init):
            if not isinstance(node, ast.Assign):
                continue
            for target, value in _pairs(node.targets[0], node.value):
                if isinstance(target, ast.Attribute) and isinstance(value, ast.Name) and value.id in given:
                    self.classes[owner].setdefault(target.attr, given[value.id])

    def _body(self, body: list[ast.stmt], names: Names, owner: Read | str | None) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                self._body(node.body, dict(names), owner=node.name)
            elif isinstance(node, ast.FunctionDef):
                inner = dict(names)
                for one in _arguments(node):
                    inner[one.arg] = ast.unparse(one.annotation) if one.annotation else None
                within: Read | str | None = owner
                if isinstance(owner, str):
                    inner["self"] = owner
                    within = (owner, node.name) if node.name in self.classes[owner] else None
                self._body(node.body, inner, within)
                for mark in (*node.decorator_list, *node.args.defaults):
                    self._type(mark, names, owner)
            else:
                self._statement(node, names, owner)

    def _statement(self, node: ast.stmt, names: Names, owner: Read | str | None) -> None:
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.expr):
                self._type(inner, names, owner)
            elif isinstance(inner, ast.withitem):
                self._type(inner.context_expr, names, owner)
        if isinstance(node, ast.Assign):
            for target, value in _pairs(node.targets[0], node.value):
                if isinstance(target, ast.Name):
                    names[target.id] = self._type(value, names, owner)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names[node.target.id] = ast.unparse(node.annotation)
        elif isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            names[node.target.id] = _element(self._type(node.iter, names, owner))
        for part in ("body", "orelse", "finalbody"):
            self._body(getattr(node, part, []), names, owner)
        for handler in (*getattr(node, "handlers", []), *getattr(node, "cases", [])):
            self._body(handler.body, names, owner)

    def _type(self, node: ast.AST, names: Names, owner: Read | str | None) -> str | None:
        """The class of an expression, every attribute in it noted."""
        match node:
            case ast.Name(id=name):
                return _class(names.get(name))
            case ast.Attribute(value=value, attr=attribute, ctx=use):
                of = self._type(value, names, owner)
                if of is None or not isinstance(use, ast.Load):
                    return None
                if isinstance(owner, tuple) and isinstance(value, ast.Name) and value.id == "self":
                    self.inside[owner].add((of, attribute))
                else:
                    self.found.add((of, attribute))
                return _class(self.classes.get(of, {}).get(attribute))
            case ast.Call(func=function, args=arguments, keywords=keywords):
                of = self._type(function.value, names, owner) if isinstance(function, ast.Attribute) else None
                if isinstance(function, ast.Attribute):
                    self._type(function, names, owner)
                types = [self._type(one, names, owner) for one in arguments]
                for keyword in keywords:
                    self._type(keyword.value, names, owner)
                called = function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)
                if called == "replace" and types:
                    return types[0]
                if called in self.classes:
                    return called
                return _class(self.returns.get(f"{of}.{called}" if of else called))
            case ast.Lambda(body=body) as function:
                inner = {**names, **{one.arg: None for one in _arguments(function)}}
                return self._type(body, inner, owner) and None
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                inner = dict(names)
                for clause in node.generators:
                    element = _element(self._type(clause.iter, inner, owner))
                    if isinstance(clause.target, ast.Name):
                        inner[clause.target.id] = element
                for one in ast.iter_child_nodes(node):
                    self._type(one, inner, owner)
                return None
            case _:
                types = [self._type(one, names, owner) for one in ast.iter_child_nodes(node)]
                if isinstance(node, ast.IfExp | ast.BoolOp):
                    return next((one for one in reversed(types) if one), None)
                return types[0] if isinstance(node, ast.NamedExpr) else None


def _arguments(function: ast.FunctionDef | ast.Lambda) -> list[ast.arg]:
    given = function.args
    return [*given.posonlyargs, *given.args, *given.kwonlyargs]


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return list(zip(target.elts, value.elts, strict=False))
    return [(target, value)]


def _class(annotation: str | None) -> str | None:
    """`CommandSettings` of `CommandSettings | None` and of `profiles.CommandSettings`; containers stay as they are."""
    if not annotation:
        return None
    return annotation.strip("'\"").removesuffix(" | None").rpartition(".")[2] if "[" not in annotation else annotation


def _element(annotation: str | None) -> str | None:
    """`Watched` of `tuple[Watched, ...]`, `list[Watched]` and the like."""
    if not annotation or "[" not in annotation:
        return None
    return _class(annotation[annotation.index("[") + 1 : -1].partition(",")[0])
