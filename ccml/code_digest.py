"""Which lines of this project can change a result, and a digest of them.

Starting from some definitions, everything they refer to is followed: functions, classes and constants, across modules,
also where an import stands inside a function or under TYPE_CHECKING. Docstrings, comments and layout do not count, for
they cannot change a value.

The unit is the definition and not the file: a module holds code for several results, and an edit to one function must
not have the others computed again. A method counts once something that was reached reads an attribute of its name, so
too much may be followed and, where the rules below hold, never too little. `ccml_tests/assets/test_versions.py` runs
the assets under a tracer and compares.

- What is called by a computed name is followed where the name is written down: `self._function("module", "name")` of
  `ccml.models.kinds`.
- A class with a base from another project, such as `torch.nn.Module`, is followed whole: its framework calls methods
  whose names nothing here reads.
- Settings are followed by value: of a `profile` only the sections that are read count (see `Reached.sections`).
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Collection, Iterable
from copy import copy, deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

PACKAGES: Final = ("ccml", "ccml_resources", "ccml_assets")
PROFILE: Final = "profile"
"""The name that a value of type `Profile` has everywhere: reading `profile.gate` is how a section is seen to count."""

# Their metaclasses call no method of a subclass by a name that the project does not also write.
_PLAIN_BASES: Final = frozenset(
    {"object", "Struct", "Protocol", "Generic", "NamedTuple", "Enum", "StrEnum", "TypedDict", "Exception", "ValueError"}
    | {"ConfigurableResource", "Config"}
)


class Definition(NamedTuple):
    """A name at the top of a module, or `Class.method`; the name "" stands for the module's other statements."""

    module: str
    name: str


@dataclass(frozen=True)
class Reached:
    definitions: frozenset[Definition]
    sections: frozenset[str]
    """Attributes read of a `profile`."""


class Project:
    """The sources of the packages, parsed when they are first needed.

    Args:
        root: the folder that holds the packages.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._modules: dict[str, _Module | None] = {}
        self._references: dict[Definition, References] = {}
        self._digests: dict[Definition, bytes] = {}

    def module(self, name: str) -> _Module | None:
        """None where no file of the project has this name."""
        if name not in self._modules:
            text = self.text(name)
            self._modules[name] = _Module(name, text) if text is not None else None
        return self._modules[name]

    def reach(
        self,
        roots: Iterable[Definition],
        *,
        kinds: Collection[str] = (),
        without: Collection[Definition] = (),
    ) -> Reached:
        """Follows the roots.

        Args:
            kinds: packages in which functions that are called by a computed name are looked for.
            without: definitions that are not followed: their values enter the digest in another way.
        """
        return _Search(self, kinds, frozenset(without)).run(roots)

    def references(self, one: Definition) -> References:
        if one not in self._references:
            module = self.module(one.module)
            assert module is not None, one
            self._references[one] = _references(self, module, module.nodes(one.name))
        return self._references[one]

    def digest(self, definitions: Iterable[Definition]) -> str:
        """64 hex digits over the definitions' code."""
        total = hashlib.sha256()
        for one in sorted(definitions):
            if one not in self._digests:
                module = self.module(one.module)
                assert module is not None, one
                code = "\n".join(ast.unparse(_without_docstrings(node)) for node in module.nodes(one.name))
                self._digests[one] = hashlib.sha256(code.encode()).digest()
            total.update(f"{one.module}:{one.name}".encode() + b"\0" + self._digests[one])
        return total.hexdigest()

    def text(self, name: str) -> str | None:
        """The source of a module; None where the project has none of this name."""
        if name.split(".")[0] not in PACKAGES:
            return None
        path = self._root.joinpath(*name.split("."))
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file.read_text(encoding="utf-8")
        return None


class _Module:
    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.imports: dict[str, tuple[str, str | None]] = {}
        """Name → module and, for `from module import name`, the name in it."""
        self.definitions: dict[str, list[ast.stmt]] = {}
        self.others: list[ast.stmt] = []
        for node in ast.parse(text).body:
            self._take(node)

    @cached_property
    def methods(self) -> dict[str, dict[str, list[ast.stmt]]]:
        """Class → method → its definitions, of the classes that are not followed whole."""
        found: dict[str, dict[str, list[ast.stmt]]] = {}
        for name, nodes in self.definitions.items():
            for node in nodes:
                if isinstance(node, ast.ClassDef) and not self._is_framework(node):
                    methods = found.setdefault(name, {})
                    for member in node.body:
                        if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_dunder(member.name):
                            methods.setdefault(member.name, []).append(member)
        return found

    def nodes(self, name: str) -> list[ast.stmt]:
        """The statements of a definition; of a class without the methods that stand for themselves."""
        if not name:
            return self.others
        owner, _, method = name.partition(".")
        if method:
            return self.methods[owner][method]
        return [
            _without_methods(node) if isinstance(node, ast.ClassDef) and owner in self.methods else node
            for node in self.definitions[name]
        ]

    def _take(self, node: ast.stmt) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self.imports |= _imported(node)
            case ast.If() if "TYPE_CHECKING" in ast.unparse(node.test):
                for inner in node.body:
                    self._take(inner)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                self.definitions.setdefault(name, []).append(node)
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign() if names := _assigned(node):
                for name in names:
                    self.definitions.setdefault(name, []).append(node)
            case ast.Expr(value=ast.Constant(value=str())):
                pass  # a docstring
            case _:
                self.others.append(node)

    def _is_framework(self, node: ast.ClassDef) -> bool:
        """Does the class have a base whose methods this project does not define?"""
        for base in node.bases:
            name = ast.unparse(base).split("[")[0].rpartition(".")[2]
            module = self.imports.get(name, ("", None))[0]
            known = name in self.definitions or module.split(".")[0] in PACKAGES
            if name not in _PLAIN_BASES and not known:
                return True
        return False


@dataclass
class _Search:
    project: Project
    kinds: Collection[str]
    without: frozenset[Definition]
    found: set[Definition] = field(default_factory=set)
    waiting: list[Definition] = field(default_factory=list)
    attributes: set[str] = field(default_factory=set)
    methods: dict[str, set[Definition]] = field(default_factory=dict)
    """Name → methods of classes that were reached, until an attribute of that name is read."""
    sections: set[str] = field(default_factory=set)

    def run(self, roots: Iterable[Definition]) -> Reached:
        for root in roots:
            self._add(root)
        while self.waiting:
            self._follow(self.waiting.pop())
        return Reached(frozenset(self.found), frozenset(self.sections))

    def _add(self, one: Definition) -> None:
        """Takes up a definition, or what its module has imported under that name."""
        module = self.project.module(one.module)
        if module is None or one in self.found or one in self.without:
            return
        owner, _, method = one.name.partition(".")
        if owner in module.definitions or not one.name:
            self.found.add(one)
            self.waiting.append(one)
            if one.name:
                self._add(Definition(one.module, ""))
            for name in () if method else module.methods.get(owner, {}):
                self._offer(Definition(one.module, f"{owner}.{name}"), name)
        elif one.name in module.imports:
            self._add_target(*module.imports[one.name])

    def _add_target(self, module: str, name: str | None) -> None:
        if name is not None and self.project.module(f"{module}.{name}") is None:
            self._add(Definition(module, name))
        else:
            self._add_module(module if name is None else f"{module}.{name}")

    def _add_module(self, name: str) -> None:
        module = self.project.module(name)
        for one in ("", *module.definitions) if module is not None else ():
            self._add(Definition(name, one))

    def _offer(self, method: Definition, name: str) -> None:
        if name in self.attributes:
            self._add(method)
        else:
            self.methods.setdefault(name, set()).add(method)

    def _read(self, attribute: str) -> None:
        if attribute not in self.attributes:
            self.attributes.add(attribute)
            for method in self.methods.pop(attribute, ()):
                self._add(method)

    def _follow(self, one: Definition) -> None:
        references = self.project.references(one)
        for module, name in references.targets:
            self._add_target(module, name)
        for attribute in references.attributes:
            self._read(attribute)
        self.sections |= references.sections
        for package in self.kinds:
            for file, name in references.computed:
                self._add(Definition(f"{package}.{file}", name))


@dataclass(frozen=True)
class References:
    """What one definition's statements refer to."""

    targets: frozenset[tuple[str, str | None]]
    """Module and name in it; no name where the module itself is meant."""
    attributes: frozenset[str]
    sections: frozenset[str]
    computed: frozenset[tuple[str, str]]
    """File and function of calls by a computed name."""


def _references(project: Project, module: _Module, statements: Iterable[ast.stmt]) -> References:
    targets: set[tuple[str, str | None]] = set()
    attributes: set[str] = set()
    sections: set[str] = set()
    computed: set[tuple[str, str]] = set()
    nodes = [node for statement in statements for node in ast.walk(statement)]
    imports = dict(module.imports)
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports |= _imported(node)
    modules = {name: whole for name, target in imports.items() if project.module(whole := _dotted(target)) is not None}
    bases = {node.value for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node.value) in modules}
    for node in nodes:
        match node:
            case ast.Attribute(value=value, attr=attribute):
                attributes.add(attribute)
                if isinstance(value, ast.Name) and value.id in modules:
                    targets.add((modules[value.id], attribute))
                if PROFILE in (getattr(value, "id", None), getattr(value, "attr", None)):
                    sections.add(attribute)
            case ast.Name(id=name) if node not in bases:
                targets.add((modules[name], None) if name in modules else imports.get(name, (module.name, name)))
            case ast.Call(
                func=ast.Attribute(attr="_function"), args=[ast.Constant(str(file)), ast.Constant(str(function))]
            ):
                computed.add((file, function))
            case _:
                pass
    return References(frozenset(targets), frozenset(attributes), frozenset(sections), frozenset(computed))


def _dotted(target: tuple[str, str | None]) -> str:
    module, name = target
    return module if name is None else f"{module}.{name}"


def _imported(node: ast.Import | ast.ImportFrom) -> dict[str, tuple[str, str | None]]:
    if isinstance(node, ast.ImportFrom):
        return {alias.asname or alias.name: (node.module or "", alias.name) for alias in node.names}
    return {alias.asname or alias.name.split(".")[0]: (alias.name, None) for alias in node.names}


def _assigned(node: ast.stmt) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [one.id for target in targets if target is not None for one in ast.walk(target) if isinstance(one, ast.Name)]


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _without_methods(node: ast.ClassDef) -> ast.ClassDef:
    kept = [
        member
        for member in node.body
        if not isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef) or _is_dunder(member.name)
    ]
    bare = copy(node)
    bare.body = kept or [ast.Pass()]
    return bare


def _without_docstrings(node: ast.stmt) -> ast.stmt:
    """Leaves out every statement that does nothing: `pass`, and docstrings of functions, classes and attributes."""
    bare = deepcopy(node)
    for part in ast.walk(bare):
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(part, block, None)
            if isinstance(statements, list):  # a lambda's body is one expression
                setattr(part, block, [one for one in statements if not _does_nothing(one)])
    return bare


def _does_nothing(node: ast.stmt) -> bool:
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return text or isinstance(node, ast.Pass)
