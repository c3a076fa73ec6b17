"""JSON is decoded by msgspec where it is installed, with the values and the errors of the standard library."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings, strategies as some
from mlpackage_runtime.worker.decoding import decoder

if TYPE_CHECKING:
    from runtime_service import Start

VALUES = some.recursive(
    some.one_of(some.none(), some.booleans(), some.integers(-(2**80), 2**80), some.floats(), some.text(max_size=5)),
    lambda inner: some.one_of(
        some.lists(inner, max_size=4), some.dictionaries(some.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
EDGES = [
    *("1e400", "-0", "-0.0", "NaN", "-Infinity", '"\\ud800"', '{"\\ud83d": 1}', '{"a": 1, "a": 2}', "01", "1.", "[1,]"),
    *(
        "18446744073709551616",
        "9007199254740993.0",
        "5e-324",
        '"\x7f"',
        '"\t"',
        "\ufeff1",
        "",
        " ",
        "tru",
        "1 1",
        "1e5",
    ),
    *("[" * 100_000, '"' + "a" * 70_000 + '"', "1" * 5000),
]


def outcome(decode: Any, text: bytes) -> Any:
    try:
        return repr(decode(text))
    except (ValueError, RecursionError) as error:
        return type(error), str(error)


def test_msgspec_is_there() -> None:
    """The tests below would compare the standard library with itself."""
    assert importlib.util.find_spec("msgspec") is not None
    assert decoder() is not json.loads


@given(value=VALUES, cut=some.integers(0, 30), put=some.binary(max_size=2))
@settings(max_examples=2000, deadline=None)
def test_right_and_broken_texts_give_the_same(value: Any, cut: int, put: bytes) -> None:
    """Texts of JSON, and those with a few bytes in the wrong place, decode to the same value or the same error."""
    text = json.dumps(value).encode()

    for one in (
        text,
        json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"),
        text[:cut] + put + text[cut:],
    ):
        assert outcome(decoder(), one) == outcome(json.loads, one)


@pytest.mark.parametrize("text", EDGES, ids=lambda text: text[:12])
def test_edges_give_the_same(text: str) -> None:
    """Large numbers, lone surrogates and depth are decoded as the standard library does."""
    for encoding in ("utf-8", "utf-16", "utf-32-le"):
        one = text.encode(encoding, "surrogatepass")
        assert outcome(decoder(), one) == outcome(json.loads, one)


def test_a_broken_msgspec_does_not_matter(serve: Start, tmp_path: Any) -> None:
    """A script that does not use it is served."""
    (tmp_path / "msgspec.py").write_text("raise ImportError('broken')", encoding="utf-8")
    service = serve(SCHEMA)

    answer = service.request("POST", json={"data": 3})

    assert (answer.status_code, answer.json()) == (200, 3)


SCHEMA = """
    from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
    from inference_schema.schema_decorators import input_schema

    def init():
        pass

    @input_schema("data", StandardPythonParameterType(1))
    def run(data):
        return data
"""
