"""Find syntax that a newer Python than the image's brought, in a program that the running Python can parse.

`ast.parse(feature_version=…)` does not serve: it takes `with (open(path)):` for new syntax, finds few of the others,
and names the line where a statement ends. The nodes and tokens of Python's own parser say it all.
"""

from __future__ import annotations

import ast
import io
import token
import tokenize
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_WRITTEN_WITH_QUOTES = "an f-string with its own quotes, a backslash or a comment inside its braces"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewerSyntax:
    """Describe a construct: its line, its name, and the first Python, as X.Y, that can read it."""

    line: int
    name: str
    since: str


def newer_syntax(tree: ast.Module, source: bytes, python: str) -> NewerSyntax | None:
    """Return the first construct that a Python, given as X.Y, cannot read; None if there is none that is known."""
    nodes = list(ast.walk(tree))
    newer = [(name, since, is_one) for (name, since), is_one in _CONSTRUCTS.items() if is_older(python, since)]
    found = [
        NewerSyntax(line=getattr(node, "lineno", 1), name=name, since=since)
        for node in nodes
        for name, since, is_one in newer
        if is_one(node)
    ]
    if is_older(python, "3.12") and any(isinstance(node, ast.JoinedStr) for node in nodes):
        found += [NewerSyntax(line=line, name=_WRITTEN_WITH_QUOTES, since="3.12") for line in _nested_strings(source)]
    return min(found, key=lambda one: one.line, default=None)


def is_older(python: str, since: str) -> bool:
    """Compare two Pythons, given as X.Y."""
    return tuple(map(int, python.split("."))) < tuple(map(int, since.split(".")))


def _has_type_parameters(node: Any) -> bool:
    return bool(getattr(node, "type_params", ())) or type(node).__name__ == "TypeAlias"


def _is_expression(decorator: ast.expr) -> bool:
    """Tell whether a decorator is more than a dotted name, called or not."""
    inner = decorator.func if isinstance(decorator, ast.Call) else decorator
    while isinstance(inner, ast.Attribute):
        inner = inner.value
    return not isinstance(inner, ast.Name)


def _unpacks_bare(node: Any) -> bool:
    """Tell whether a subscript, or the annotation of *args, has a star without parentheses."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
        return _is_bare(node.slice) and any(isinstance(it, ast.Starred) for it in node.slice.elts)
    return isinstance(node, ast.arg) and isinstance(node.annotation, ast.Starred)


def _is_bare(group: ast.Tuple) -> bool:
    """Tell whether a tuple has no parentheses of its own, which would come before its first element."""
    first = group.elts[0] if group.elts else group
    return first is not group and (first.lineno, first.col_offset) == (group.lineno, group.col_offset)


def _defers_annotations(node: Any) -> bool:
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(it.name == "annotations" for it in node.names)
    )


# A construct, with the first Python that reads it → whether a node is one (docs.python.org/3/whatsnew). Python 3.6 is
# the oldest of an image.
_CONSTRUCTS: Mapping[tuple[str, str], Callable[[Any], bool]] = {
    ("from __future__ import annotations", "3.7"): _defers_annotations,
    ("an assignment expression (:=)", "3.8"): lambda node: isinstance(node, ast.NamedExpr),
    ("a positional-only parameter (/)", "3.8"): lambda node: bool(getattr(node, "posonlyargs", ())),
    ("a decorator that is more than a name", "3.9"): lambda node: any(
        map(_is_expression, getattr(node, "decorator_list", ()))
    ),
    ("match", "3.10"): lambda node: isinstance(node, ast.Match),
    ("except*", "3.11"): lambda node: isinstance(node, ast.TryStar),
    ("a star in a subscript or an annotation", "3.11"): _unpacks_bare,
    ("a type statement or parameter", "3.12"): _has_type_parameters,
    ("a default of a type parameter", "3.13"): lambda node: any(
        getattr(it, "default_value", None) for it in getattr(node, "type_params", ())
    ),
    ("except without parentheses", "3.14"): lambda node: (
        isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Tuple) and _is_bare(node.type)
    ),
    ("a template string", "3.14"): lambda node: type(node).__name__ == "TemplateStr",
}


def _nested_strings(source: bytes) -> Iterator[int]:
    """Yield the line of each part of an f-string that older Pythons, which look for its closing quotes first, refuse.

    Pythons before 3.12 have no tokens of f-strings, and cannot parse such a program.
    """
    around: list[str] = []  # the quotes of the f-strings that a token is in
    try:
        for one in tokenize.tokenize(io.BytesIO(source).readline):
            kind = token.tok_name[one.type]
            outer = around[:-1] if kind in {"FSTRING_MIDDLE", "FSTRING_END"} else around
            is_new = any(quotes in one.string for quotes in outer) or "\\" in one.string or kind == "COMMENT"
            if outer and (is_new or (kind == "NL" and any(len(quotes) == 1 for quotes in outer))):
                yield one.start[0]
            if kind == "FSTRING_START":
                around.append(one.string.lstrip("fFrR"))
            elif kind == "FSTRING_END":
                around.pop()
    except (tokenize.TokenError, SyntaxError):
        return  # the parser read it, so that the rest holds no more
