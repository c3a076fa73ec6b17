"""Every server is asked the same, in its own spelling, and its answer is compared with the right one."""

from __future__ import annotations

import base64
import json

import pytest
from environments import ENVIRONMENTS
from peers import PEERS
from questions import CASES, agrees, right_answer


def spoken(server, case):
    """Return what a server is asked, parsed."""
    return json.loads(PEERS[server].spellings[case].body(CASES[case].question))


ROWS = CASES["ridge"].question
FLAT = [value for row in ROWS for value in row]
RAW = CASES["raw"].question


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("hatch-mlpackage", {"data": ROWS}),
        ("azmlinfsrv", {"data": ROWS}),
        ("mosec with batching", {"data": ROWS}),
        ("LitServe", {"data": ROWS}),
        ("MLflow", {"inputs": ROWS}),
    ],
)
def test_questions(server, expected):
    """The rows of a question are the same for all servers."""
    assert spoken(server, "ridge") == expected


def test_a_question_in_the_v2_protocol():
    """MLServer gets the rows as one tensor, and the bytes in base64."""
    tensor = {"name": "data", "shape": [2, 10], "datatype": "FP64", "parameters": {"content_type": "np"}, "data": FLAT}
    assert spoken("MLServer", "ridge") == {"inputs": [tensor]}
    (raw,) = spoken("MLServer", "raw")["inputs"]
    assert base64.b64decode(raw["data"][0]) == RAW


@pytest.mark.parametrize(
    ("server", "case", "body", "value"),
    [
        ("hatch-mlpackage", "echo", b'"{\\"data\\": [[1, 2], [3, 4]]}"', CASES["echo"].question),
        ("MLServer", "echo", b'{"outputs": [{"shape": [2, 2], "data": [1.0, 2.0, 3.0, 4.0]}]}', CASES["echo"].question),
        ("MLServer", "ridge", b'{"outputs": [{"shape": [2, 1], "data": [1.5, 2.5]}]}', [1.5, 2.5]),
        ("MLflow", "echo", b'{"predictions": [[1, 2], [3, 4]]}', CASES["echo"].question),
        ("MLflow", "raw", b'{"predictions": [1048576]}', 1048576),
        ("BentoML", "raw", b"1048576", 1048576),
    ],
)
def test_answers(server, case, body, value):
    """An answer means the same value, whatever its form is."""
    assert PEERS[server].spellings[case].value(body) == value


def test_right_answers(tmp_path):
    """The right answer is computed from the coefficients of the model."""
    model = {"coefficients": [1.0, *[0.0] * 9], "intercept": 2.0}
    (tmp_path / "ridge.json").write_text(json.dumps(model))

    assert right_answer(CASES["ridge"], tmp_path) == [row[0] + 2 for row in ROWS]
    assert right_answer(CASES["raw"], tmp_path) == 1 << 20


def test_agreement():
    """Floats may differ in their last digits, and in nothing else."""
    assert agrees([1.0 + 1e-12, 2.0], [1.0, 2.0])
    assert not agrees([1.001, 2.0], [1.0, 2.0])
    assert not agrees([1.0], [1.0, 2.0])
    assert not agrees({"error": "no"}, [1.0])


def test_the_list_of_servers():
    """Every server has environments that exist, a command for one worker, and a spelling for each of its cases."""
    for peer in PEERS.values():
        assert {name for name in (peer.environment, peer.front) if name} <= set(ENVIRONMENTS)
        assert peer.spellings.keys() <= CASES.keys()
        assert "{port}" in peer.command + "".join(peer.variables.values())
