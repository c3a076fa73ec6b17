"""Read an entry script with `ast`, without importing it: its packages may not be installed here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hatch_mlpackage.files.parse import parse_python
from hatch_mlpackage.project.sources.newer_syntax import newer_syntax
from hatch_mlpackage.project.sources.syntax import syntax_error, too_new

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems

CallStyle = Literal["text", "schema", "rawhttp", "unknown"]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryScript:
    """Hold what the script's text shows.

    `call_style` is how run() takes its input: the body as text, arguments by an `@input_schema`, the raw request, or
    unknown if another module defines run(). `imports` are the modules that the script imports, as it writes them;
    `source` are the bytes that were read.
    """

    call_style: CallStyle = "unknown"
    parameters: tuple[str, ...] = ()
    imports: frozenset[str] = frozenset()
    source: bytes = b""

    def uses(self, module: str) -> bool:
        """Tell whether the script imports a module, or one below it, by name."""
        return any(name == module or name.startswith(f"{module}.") for name in self.imports)


def read_entry_script(source: bytes, name: str, problems: Problems, *, python: str = "") -> EntryScript | None:
    """Check that the script can be an entry script; return None if it cannot be parsed.

    `python` is the image's, as X.Y, which has to load the script; it may be unknown.
    """
    try:
        tree = parse_python(source, name)
    except (SyntaxError, ValueError) as error:
        wrong = syntax_error(error, python)
        problems.add(f"{name}:{wrong.line}", wrong.what, wrong.fix)
        return None
    newer = newer_syntax(tree, source, python) if python else None
    if newer:
        wrong = too_new(newer, python)
        problems.add(f"{name}:{wrong.line}", wrong.what, wrong.fix)
    bound = dict(_bound_names(tree.body))
    for required in ("init", "run"):
        if required not in bound and "*" not in bound and "driver_module" not in bound:
            problems.add(f"{name}:1", f"no {required}() is defined.", _SIGNATURES[required])
    init, run = (bound.get(word) for word in ("init", "run"))
    if isinstance(init, Function):
        _check_init(init, name, problems)
    if isinstance(run, Function):
        _check_run(run, name, problems)
    return EntryScript(
        call_style=_call_style(run) if isinstance(run, Function) else "unknown",
        parameters=tuple(a.arg for a in _arguments(run)) if isinstance(run, Function) else (),
        imports=frozenset(_imports(tree)),
        source=source,
    )


_SIGNATURES = {
    "init": "Define init(), which is called once and loads the model.",
    "run": "Define run(data), which is called for each request.",
}


def _bound_names(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """Yield the names that a module's own statements bind, also inside if, try and with."""
    for node in _statements(body):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node
            case ast.Import() | ast.ImportFrom():
                yield from ((alias.asname or alias.name.partition(".")[0], node) for alias in node.names)
            case ast.Assign():
                yield from (
                    (t.id, node) for target in node.targets for t in ast.walk(target) if isinstance(t, ast.Name)
                )
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
                yield name, node


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements, each followed by those of its blocks, except those of functions and classes."""
    waiting = body[::-1]
    while waiting:  # no recursion: generated code may have thousands of branches
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.ClassDef):
            handlers = [inner for handler in getattr(node, "handlers", []) for inner in handler.body]
            blocks = (getattr(node, block, []) for block in ("body", "orelse", "finalbody"))
            waiting += [inner for block in (*blocks, handlers) for inner in block][::-1]


def _arguments(function: Function) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def _check_init(init: Function, name: str, problems: Problems) -> None:
    required = len(init.args.posonlyargs) + len(init.args.args) - len(init.args.defaults)
    if required > 0:
        problems.add(f"{name}:{init.lineno}", "init() must take no argument.", _SIGNATURES["init"])


def _check_run(run: Function, name: str, problems: Problems) -> None:
    """Report the signatures that the server refuses when it loads the script."""
    where = f"{name}:{run.lineno}"
    if run.args.posonlyargs or run.args.vararg or run.args.kwarg:
        problems.add(where, "run() has positional-only parameters, *args or **kwargs.", "Name each parameter.")
    elif not [a for a in _arguments(run) if a.arg != "request_headers"]:
        problems.add(where, "run() takes no input.", _SIGNATURES["run"])


def _call_style(run: Function) -> CallStyle:
    names = {_called_name(decorator) for decorator in run.decorator_list}
    if "rawhttp" in names:
        return "rawhttp"
    if "input_schema" in names:
        return "schema"
    return "text" if not names else "unknown"


def _called_name(decorator: ast.expr) -> str:
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module
