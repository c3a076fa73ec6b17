"""Read YAML with line numbers; only this module loads PyYAML, which an extra brings and a bare `hatch build` lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.files.parse import CONFLICT

if TYPE_CHECKING:
    import yaml

INSTALL = 'Install it with: pip install "hatch-mlpackage[conda]"'

_LONGEST_NUMBER = 1000  # characters; converting a number takes the square of its length
_LONGEST_NUMBER_AS_KEY = 15  # characters; longer ones may be chosen to have one hash, which makes a mapping slow
_MOST = 1_000_000  # nodes in a document after every alias is replaced by what it stands for

# For each mistake that a YAML reader would explain badly: the line's pattern, what is wrong, and the fix.
_BROKEN = tuple(
    (re.compile(pattern), what, fix)
    for pattern, what, fix in (
        CONFLICT,
        (
            r"[^#]*(?:\{\{|\{%)",
            "a template placeholder is not filled in.",
            "Write the value itself in its place.",
        ),
        (r" *\t\s*[^\s#]", "the line is indented with a tab, which YAML forbids.", "Indent with spaces."),
        (r"\s*-[A-Za-z0-9_]", "a dash needs a space after it to make a list item.", "Write `- ` before the entry."),
    )
)


class Readable(Protocol):
    """Give a text in pieces, and "" at its end."""

    def read(self, size: int = -1, /) -> str: ...


class Key(NamedTuple):
    """A key of a mapping, empty if the key is not a scalar, and its line, from 1."""

    number: int
    text: str


def has_yaml_reader() -> bool:
    """Tell whether PyYAML is there; a module that was taken away counts as absent."""
    try:
        return find_spec("yaml") is not None
    except ValueError:
        return False


def broken_lines(text: str, where: str, problems: Problems, *, templates: bool = True) -> bool:
    """Report the lines that people leave in such files by mistake; return whether there was one."""
    found = False
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        for pattern, what, fix in _BROKEN if templates else _BROKEN[:1]:
            if pattern.match(line):
                problems.add(f"{where}:{number}", what, fix)
                found = True
                break
    return found


def read_yaml(
    text: str | Readable,
    where: str,
    problems: Problems,
    *,
    empty: str = "List what the model needs below `dependencies:`.",
) -> yaml.Node | None:
    """Parse one document into nodes, which keep scalars as written; return None after a problem, which is reported.

    `empty` says how to fix an empty file.
    """
    try:
        import yaml  # noqa: PLC0415 - from an extra, which an installation that only reads locks lacks
    except ImportError:
        problems.add(where, "reading it needs PyYAML, which is not installed here.", INSTALL)
        return None
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        problems.add(f"{where}{line}", f"this is not YAML: {error.problem or error.context}.", "Correct the line.")
        return None
    except RecursionError:
        problems.add(where, "it is nested too deeply.", "Correct the file.")
        return None
    except (yaml.YAMLError, ValueError) as error:
        problems.add(where, f"this is not YAML: {' '.join(str(error).split())}.", "Save it as plain UTF-8 text.")
        return None
    if node is None:
        problems.add(where, "the file is empty.", empty)
    elif _size(node, {}) > _MOST:
        problems.add(where, "its aliases stand for more than any such file says, or for themselves.", "Write them out.")
        return None
    return node


def _size(node: Any, known: dict[int, int]) -> int:
    """Count a node's nodes after every alias is replaced; a node that contains itself counts more than `_MOST`."""
    if id(node) not in known:
        known[id(node)] = _MOST
        known[id(node)] = 1 + sum(_size(inside, known) for inside in _inside(node))
    return known[id(node)]


def _inside(node: Any) -> Iterator[Any]:
    if is_mapping(node):
        for pair in node.value:
            yield from pair
    elif is_list(node):
        yield from node.value


def is_mapping(node: Any) -> bool:
    return getattr(node, "id", "") == "mapping"


def is_list(node: Any) -> bool:
    return getattr(node, "id", "") == "sequence"


def entries(node: Any) -> Iterator[tuple[Key, Any]]:
    """Yield each key of a mapping with its line, and the node of its value."""
    for key, value in node.value:
        yield Key(line_of(key), scalar(key) or ""), value


def line_of(node: Any) -> int:
    return int(node.start_mark.line) + 1


def scalar(node: Any) -> str | None:
    """Return a scalar's text as written; None for any other node, and for a scalar without a value (`~`, `null`)."""
    if getattr(node, "id", "") != "scalar" or node.tag.endswith(":null"):
        return None
    return str(node.value).strip() or None


def get(node: Any, key: str) -> Any:
    """Return the node of a key's last value in a mapping, or None."""
    return next((value for name, value in reversed(list(entries(node))) if name.text == key), None)


def values_of(node: yaml.Node) -> Any:
    """Convert a node to Python values of safe YAML's types; raise ValueError for any other type."""
    import yaml  # noqa: PLC0415 - as above

    _refuse_long_numbers(node, _LONGEST_NUMBER, set())
    try:
        return yaml.SafeLoader("").construct_document(node)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def _refuse_long_numbers(node: Any, longest: int, known: set[int]) -> None:
    if id(node) in known:
        return
    known.add(id(node))
    kind = str(getattr(node, "tag", "")).rpartition(":")[2]
    if kind in {"int", "float"} and isinstance(node.value, str) and len(node.value) > longest:
        raise ValueError(f"a number is longer than {longest} characters")
    for key, inside in node.value if is_mapping(node) else ():
        _refuse_long_numbers(key, _LONGEST_NUMBER_AS_KEY, known)
        _refuse_long_numbers(inside, _LONGEST_NUMBER, known)
    for inside in node.value if is_list(node) else ():
        _refuse_long_numbers(inside, longest, known)
