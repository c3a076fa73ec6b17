"""Recognise paths below the folder of the models that a source spells out: `os.path.join(model_dir, "ridge.pkl")`."""

from __future__ import annotations

import ast
import posixpath
from collections import Counter
from collections.abc import Mapping

_VARIABLE = "AZUREML_MODEL_DIR"
_JOINS = frozenset({"join", "Path", "PurePath", "fspath", "str"})  # the path that begins with the first argument
_DEEPEST = 20


class ModelPaths:
    """Know the names in one file that are bound once, of which one may stand for the folder of the models."""

    def __init__(self, tree: ast.Module) -> None:
        self._bound = _bound_once(tree)

    def below(self, node: ast.AST, depth: int = 0) -> str | None:
        """Return the path below the folder of the models, "" for the folder itself, and None for anything else."""
        if _is_folder(node):
            return ""
        folder, parts = self._taken_apart(node)
        start = self.below(folder, depth + 1) if folder and depth < _DEEPEST else None
        names = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        if start is None or len(names) < len(parts):
            return None
        return posixpath.normpath(posixpath.join(start, *names)) if names else start

    def _taken_apart(self, node: ast.AST) -> tuple[ast.expr | None, list[ast.expr]]:
        """Return the expression that a path starts with, if the node is a path, and what follows it."""
        match node:
            case ast.Name(id=name):
                return self._bound.get(name), []
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return left, [right]
            case ast.Call(func=func, args=[first, *rest]) if _last_name(func) in _JOINS:
                return first, rest
            case ast.Call(func=ast.Attribute(value=value, attr="joinpath"), args=[*rest]):
                return value, rest
        return None, []


def _is_folder(node: ast.AST) -> bool:
    """Tell whether an expression is the value of the variable, with or without a default."""
    match node:
        case ast.Subscript(value=value, slice=ast.Constant(value=name)):
            return name == _VARIABLE and _last_name(value) == "environ"
        case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[ast.Constant(value=name), *_]):
            return name == _VARIABLE and _last_name(value) == "environ"
        case ast.Call(func=func, args=[ast.Constant(value=name), *_]):
            return name == _VARIABLE and _last_name(func) == "getenv"
    return False


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _bound_once(tree: ast.Module) -> Mapping[str, ast.expr]:
    """Map each name that one assignment binds, and nothing else in the file, to the assigned expression."""
    nodes = list(ast.walk(tree))
    times = Counter(node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load))
    times.update(node.arg for node in nodes if isinstance(node, ast.arg))
    found: dict[str, ast.expr] = {}
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if times[name] == 1:
                found[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if times[name] == 1:
                found[name] = value
    return found
