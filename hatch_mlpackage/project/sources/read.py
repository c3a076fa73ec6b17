"""Read what a Python file uses, with `ast` alone: its imports, and the names that it calls and looks up."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hatch_mlpackage.files.parse import parse_python
from hatch_mlpackage.project.sources.newer_syntax import newer_syntax
from hatch_mlpackage.project.sources.syntax import SyntaxProblem, syntax_error, too_new

# `always`: the line runs when the module is loaded. `maybe`: it runs when a function is called. `guarded`: the code is
# ready for its failure, or runs it under some condition.
When = Literal["always", "maybe", "guarded"]
Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_FAILURES = frozenset(
    {
        "AttributeError",
        "BaseException",
        "Exception",
        "FileNotFoundError",
        "IOError",
        "ImportError",
        "ModuleNotFoundError",
        "OSError",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """Describe an import: the `module` as written (`a.b`), the `names` from it, and the `level` of leading dots."""

    module: str
    names: tuple[str, ...]
    level: int
    line: int
    when: When

    @property
    def full_names(self) -> tuple[str, ...]:
        """Return dotted names: `a.b` and `a.c` for `from a import b, c`."""
        return tuple(f"{self.module}.{name}" for name in self.names) or (self.module,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """Describe a call by name: `numpy.load`, or `.load_model` for a method of any object."""

    name: str
    node: ast.Call
    when: When


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookup:
    """Describe a name that is looked up in an imported module: `numpy.int`."""

    name: str
    line: int
    when: When


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """Describe what a file uses; `path` is for messages, and `strings` are all its string literals, repeats included.

    `touches_path` says that the file uses `sys.path`, so that modules may come from anywhere. `unparsed` says why the
    file cannot be parsed, or not by the image's Python, and `when` that would read it.
    """

    path: str
    imports: tuple[Import, ...] = ()
    calls: tuple[Call, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    strings: tuple[str, ...] = ()
    touches_path: bool = False
    unparsed: SyntaxProblem | None = None
    when: When = "always"


def read_source_file(source: bytes, path: str, python: str, *, entry: bool = False) -> SourceFile | None:
    """Read a file; return None if it is nested too deeply for this Python's parser, as generated code may be.

    `python` is the image's, as X.Y. In an entry script, only functions that init() and run() can reach by name count.
    """
    try:
        tree = parse_python(source, path)
    except SyntaxError as error:
        return SourceFile(path=path, unparsed=syntax_error(error, python))
    except ValueError as error:
        return SourceFile(path=path, unparsed=syntax_error(error, python)) if b"\0" in source else None
    newer = newer_syntax(tree, source, python)
    try:
        return _source_file(tree, path, too_new(newer, python) if newer else None, entry=entry)
    except RecursionError:
        return None


def _source_file(tree: ast.Module, path: str, unparsed: SyntaxProblem | None, *, entry: bool) -> SourceFile:
    wanted = _reached_from(tree, {"init", "run"}) if entry else None
    found = _StatementReader(_aliases(tree), wanted)
    found.read(tree.body, "always")
    return SourceFile(
        path=path,
        imports=tuple(found.imports),
        calls=tuple(found.calls),
        lookups=tuple(found.lookups),
        strings=tuple(
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ),
        touches_path=any(lookup.name.startswith("sys.path") for lookup in found.lookups),
        unparsed=unparsed,
    )


class _StatementReader:
    """Walk the statements, and keep track of when each one runs."""

    def __init__(self, aliases: dict[str, str], wanted: frozenset[str] | None) -> None:
        self.imports: list[Import] = []
        self.calls: list[Call] = []
        self.lookups: list[Lookup] = []
        self._aliases = aliases
        self._wanted = wanted

    def read(self, nodes: list[ast.stmt] | list[ast.AST], when: When) -> None:
        for node in nodes:
            self._read(node, when)

    def _read(self, node: ast.AST, when: When) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self.imports += _imports(node, when)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if self._is_unused(name, when):
                self.read([*node.decorator_list, node.args], when)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.read([*node.decorator_list, node.args], when)
                self.read(node.body, weaker(when, "maybe"))
            case ast.Lambda():
                self._read(node.body, weaker(when, "maybe"))
            case ast.If() | ast.IfExp() | ast.Match() | ast.While():
                self._read_condition(node, when)
            case ast.Try() | ast.TryStar():
                self._read_try(node, when)
            case ast.With() if any(_names(item) & {"suppress", "raises"} for item in node.items):
                self.read(node.body, "guarded")
            case _:
                self._note(node, when)
                self.read(list(ast.iter_child_nodes(node)), when)

    def _is_unused(self, name: str, when: When) -> bool:
        return when == "always" and self._wanted is not None and name not in self._wanted

    def _read_condition(self, node: ast.If | ast.IfExp | ast.Match | ast.While, when: When) -> None:
        if isinstance(node, ast.If) and "__name__" in _names(node.test):
            self.read(node.orelse, when)  # an imported module is never `__main__`
            return
        self.read(list(ast.iter_child_nodes(node)), "guarded")

    def _read_try(self, node: ast.Try | ast.TryStar, when: When) -> None:
        caught = {name for handler in node.handlers for name in (_names(handler.type) if handler.type else _FAILURES)}
        ready = bool(caught & _FAILURES)
        self.read(node.body, "guarded" if ready else when)
        self.read([*node.handlers, *node.orelse], "guarded")
        self.read(node.finalbody, when)

    def _note(self, node: ast.AST, when: When) -> None:
        if isinstance(node, ast.Call):
            name = self._name_of(node.func)
            if name:
                self.calls.append(Call(name=name, node=node, when=when))
        elif isinstance(node, ast.Attribute):
            name = self._name_of(node)
            if name and not name.startswith("."):
                self.lookups.append(Lookup(name=name, line=node.lineno, when=when))

    def _name_of(self, node: ast.expr) -> str:
        """Return a function's name with its module, or a method's own name after a dot."""
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.insert(0, node.attr)
            node = node.value
        if isinstance(node, ast.Name) and (node.id in self._aliases or not attributes):
            return ".".join((self._aliases.get(node.id, node.id), *attributes))
        return f".{attributes[-1]}" if attributes else ""


def weaker(when: When, way: When) -> When:
    """Return when code runs that needs both conditions: the weaker of the two."""
    return max(when, way, key=("always", "maybe", "guarded").index)


def _imports(node: ast.Import | ast.ImportFrom, when: When) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(module=alias.name, names=(), level=0, line=node.lineno, when=when)
        return
    names = tuple(alias.name for alias in node.names if alias.name != "*")
    yield Import(module=node.module or "", names=names, level=node.level, line=node.lineno, when=when)


def _aliases(tree: ast.Module) -> dict[str, str]:
    """Map the names that imports anywhere in the file bind to what they stand for."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found |= {
                    a.asname or a.name.partition(".")[0]: a.name if a.asname else a.name.partition(".")[0]
                    for a in names
                }
            case ast.ImportFrom(module=str(module), level=0, names=names):
                found |= {a.asname or a.name: f"{module}.{a.name}" for a in names}
    return found


def _reached_from(tree: ast.Module, begin: set[str]) -> frozenset[str]:
    """Return every name used by the module's own statements and the functions `begin`, also through other functions."""
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    reached = set(begin)
    pending = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    pending += [functions[name] for name in begin if name in functions]
    while pending:
        named = _names(pending.pop()) - reached
        reached |= named
        pending += [functions[name] for name in named if name in functions]
    return frozenset(reached)


def _names(node: ast.AST) -> set[str]:
    found = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return found | {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}
