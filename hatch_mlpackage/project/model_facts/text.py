"""Parse the texts in a model's file, and pay for the values that they make."""

from __future__ import annotations

import ast
import re
from itertools import chain
from typing import Any

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.files.parse import parse_json as parse_any_json, parse_python
from hatch_mlpackage.files.yaml_lines import read_yaml, values_of
from hatch_mlpackage.project.model_facts.budget import Budget
from hatch_mlpackage.project.model_facts.facts import UnreadableModelError

_OPERATIONS_OF_A_VALUE = 4  # of JSON, which a name and a place in a table come with
_OPERATIONS_OF_A_CHARACTER = 4  # of Python, where most characters can be nodes
_LONGEST_JSON = 1 << 26  # bytes, or characters
_LONGEST_PYTHON = 1 << 16  # characters
# A string, which may be cut short, or what stands in a list of numbers, true, false and null.
_NUMBERS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|\[[-+.\w,\s]{64,}+', re.DOTALL)


def parse_json(content: str | bytes, budget: Budget) -> Any:
    """Parse JSON; raise ValueError for any other text."""
    if len(content) > _LONGEST_JSON:
        budget.refuse(f"its JSON is larger than {_LONGEST_JSON >> 20} MB")
    values = sum(content.count(sign) if isinstance(content, str) else content.count(sign.encode()) for sign in ",[{")
    budget.work(_OPERATIONS_OF_A_VALUE * values)
    budget.read(len(content))
    return parse_any_json(content)


def without_numbers(content: bytes, budget: Budget) -> bytes:
    """Leave out what stands in the long lists of numbers of a JSON text."""
    budget.work(content.count(b"[") + content.count(b'"'))
    kept, start = bytearray(), 0
    for found in chain(_NUMBERS.finditer(content), (None,)):
        end = found.start() + 1 if found else len(content)
        budget.read(found.end() - end if found else 0)
        if found is None or content[end - 1] == ord("["):
            if len(kept) + end - start > _LONGEST_JSON:
                budget.refuse(f"its JSON is larger than {_LONGEST_JSON >> 20} MB without its numbers")
            kept += content[start:end]
            start = found.end() if found else end
    return bytes(kept)


def parse_yaml(content: bytes, name: str, budget: Budget) -> Any:
    """Parse a YAML document; raise UnreadableModelError for any other text."""
    problems = Problems()
    node = read_yaml(_Pieces(content.decode(), budget), name, problems, empty="")
    if node is None:
        raise UnreadableModelError("; ".join(map(str, problems.found)))
    return values_of(node)


class _Pieces:
    """Hand a text to the parser in pieces, and pay for each: the parser makes many values of one."""

    def __init__(self, text: str, budget: Budget) -> None:
        self._text = text
        self._budget = budget
        self._place = 0

    def read(self, size: int = -1, /) -> str:
        piece = self._text[self._place : self._place + size]
        self._place += len(piece)
        self._budget.work(len(piece))
        self._budget.look_at_the_clock()
        return piece


def parse_function(source: str, budget: Budget) -> ast.FunctionDef:
    """Parse one function of Python; raise ValueError or SyntaxError for any other text."""
    if len(source) > _LONGEST_PYTHON:
        budget.refuse("its forward() is longer than mlpackage reads")
    budget.work(_OPERATIONS_OF_A_CHARACTER * len(source))
    body = parse_python(source, "model").body
    if len(body) != 1 or not isinstance(body[0], ast.FunctionDef):
        raise UnreadableModelError("its forward() is not a function")
    return body[0]
