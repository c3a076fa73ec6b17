"""Define what is asked of every server: the questions, their right answers, and how each server spells both."""

from __future__ import annotations

import base64
import json
import math
import operator
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ECHO = {"data": [[1, 2], [3, 4]]}
RAW_SIZE = 1 << 20
COLUMNS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """Hold a question, and the program that answers it: `echo`, `ridge` or `raw`."""

    name: str
    program: str
    title: str
    question: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Spelling:
    """Hold how a server spells a case: the path, the body of a question, and the value in the body of an answer."""

    path: str
    body: Callable[[Any], bytes]
    value: Callable[[bytes], Any] = json.loads
    content_type: str = "application/json"


def table_of(rows: int) -> list[list[float]]:
    """Return rows of floats with as many digits as those of real data."""
    numbers = random.Random(rows)
    return [[numbers.uniform(-0.1, 0.1) for _ in range(COLUMNS)] for _ in range(rows)]


CASES = {
    case.name: case
    for case in (
        Case(name="echo", program="echo", title="echo of a small JSON body", question=ECHO),
        Case(name="ridge", program="ridge", title="ridge model, 2 rows of JSON", question=table_of(2)),
        Case(name="rows", program="ridge", title="ridge model, 500 rows of JSON", question=table_of(500)),
        Case(name="raw", program="raw", title="1 MiB of raw bytes", question=bytes(range(256)) * (RAW_SIZE // 256)),
    )
}


def right_answer(case: Case, models: Path) -> Any:
    """Return the answer that every server must give, computed without the model's library."""
    if case.program == "raw":
        return len(case.question)
    if case.program != "ridge":
        return case.question
    model = json.loads((models / "ridge.json").read_text(encoding="utf-8"))
    weigh = model["coefficients"]
    return [sum(map(operator.mul, weigh, row)) + model["intercept"] for row in case.question]


def agrees(found: Any, expected: Any) -> bool:
    """Compare answers; floats of different libraries may differ in their last digits."""
    if isinstance(expected, list) and isinstance(found, list):
        return len(found) == len(expected) and all(map(agrees, found, expected))
    if isinstance(expected, float) and isinstance(found, (int, float)):
        return math.isclose(found, expected, rel_tol=1e-9)
    return bool(found == expected)


def as_json(question: Any) -> bytes:
    return json.dumps(question).encode()


def as_data(question: Any) -> bytes:
    return as_json({"data": question})


def as_base64(question: bytes) -> str:
    return base64.b64encode(question).decode()


def named(key: str) -> Callable[[bytes], Any]:
    """Return a function that takes a value out of an object."""
    return lambda body: json.loads(body)[key]


def under_data(key: str) -> Callable[[bytes], Any]:
    return lambda body: {"data": json.loads(body)[key]}


def v2(datatype: str, parameters: Mapping[str, str]) -> Callable[[Any], bytes]:
    """Return a function that spells a question in the V2 inference protocol."""

    def body(question: Any) -> bytes:
        rows = question["data"] if isinstance(question, dict) else question
        flat = [value for row in rows for value in row] if isinstance(rows[0], list) else rows
        shape = [len(rows), len(rows[0])] if isinstance(rows[0], list) else [len(rows)]
        tensor = {"name": "data", "shape": shape, "datatype": datatype, "parameters": parameters, "data": flat}
        return as_json({"inputs": [tensor]})

    return body


def v2_tensor(body: bytes) -> dict[str, Any]:
    (output,) = json.loads(body)["outputs"]
    return dict(output)


def v2_rows(body: bytes) -> Any:
    output = v2_tensor(body)
    width = output["shape"][1]
    rows = [output["data"][start : start + width] for start in range(0, len(output["data"]), width)]
    return {"data": rows}
