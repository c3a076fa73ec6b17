"""Scoring: what run() gets and what the client gets, for undecorated and NumPy scripts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx
    from runtime_service import Start

JSON = {"content-type": "application/json"}

RIDGE = """
    import numpy as np
    from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
    from inference_schema.schema_decorators import input_schema, output_schema

    def init():
        global weights
        weights = np.array([1.0, 10.0])

    @input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
    @output_schema(NumpyParameterType(np.array([21.0])))
    def run(data):
        if data.sum() < 0:
            raise ValueError("negative")
        return (data @ weights).tolist()
"""

NOT_MATCHING = "The input does not match the schema of run(): "
SCRIPT_ERROR = "An unexpected error occurred in scoring script. Check the logs for more info."


def seen(response: httpx.Response) -> tuple[int, object, str]:
    return response.status_code, response.json(), response.headers["x-ms-run-function-failed"]


def test_an_undecorated_run_gets_the_body_as_text(serve: Start) -> None:
    """The body is text whatever its type, a GET's query becomes the text of a JSON object."""
    service = serve("def init(): pass\ndef run(raw_data): return [type(raw_data).__name__, raw_data]\n")
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert [
        seen(service.post('{"data": "é"}', headers=JSON)),
        seen(service.post("a=1", headers=form)),
        seen(service.request("GET", "/score?a=1&b=x&a=null")),
        seen(service.request("GET")),
        seen(service.post(b"\xff")),
    ] == [
        (200, ["str", '{"data": "é"}'], "False"),
        (200, ["str", "a=1"], "False"),
        (200, ["str", '{"a": [1, null], "b": "x"}'], "False"),
        (200, ["str", "{}"], "False"),
        (
            400,
            {
                "message": "Input cannot be decoded as UTF-8: 'utf-8' codec can't decode byte 0xff in position 0:"
                " invalid start byte"
            },
            "False",
        ),
    ]


def test_a_numpy_run_gets_an_array(serve: Start) -> None:
    """Rows are scored, and a wrong request gets 400 or 415 with the reason."""
    service = serve(RIDGE)
    cases = {
        '{"data": [[1, 2], [3, 4]]}': (200, [21.0, 43.0], "False"),
        '{"data": [[1, 2, 3]]}': (
            400,
            {
                "message": f"{NOT_MATCHING}Invalid input array: array has size 3 on dimension #1,"
                " while expected value is 2"
            },
            "False",
        ),
        '{"data": 1}': (400, {"message": f"{NOT_MATCHING}Invalid input format: expected an array of items."}, "False"),
        "{}": (400, {"message": "A value is not provided for the 'data' parameter."}, "False"),
        "[]": (400, {"message": "POST body should be a JSON dictionary."}, "False"),
        "": (400, {"message": "POST body is empty. Expecting a JSON dictionary."}, "False"),
        "{": (
            400,
            {
                "message": "POST body could not be decoded as JSON: Expecting property name enclosed in double"
                " quotes: line 1 column 2 (char 1)"
            },
            "False",
        ),
        '{"data": [[-1, -2]]}': (500, {"message": SCRIPT_ERROR}, "True"),
    }
    assert {body: seen(service.post(body, headers=JSON)) for body in cases} == cases
    assert seen(service.post("{}", headers={"content-type": "text/plain"})) == (
        415,
        {"message": "Expects Content-Type to be application/json"},
        "False",
    )
    assert seen(service.request("GET", "/score?data=[[1,2]]")) == (200, [21.0], "False")


@pytest.mark.parametrize(
    ("result", "body"),
    [
        ("None", "{}"),
        ("'é'", '"\\u00e9"'),
        ("(1, 201)", "[1, 201]"),
        ("float('nan')", "NaN"),
        ("__import__('numpy').arange(3)", "[0, 1, 2]"),
        ("{'a': __import__('numpy').float32(0.5)}", '{"a": 0.5}'),
    ],
)
def test_results_become_json(serve: Start, result: str, body: str) -> None:
    """Everything that JSON can express is sent, NumPy included; the time of run() is in a header."""
    response = serve(f"def init(): pass\ndef run(raw_data): return {result}\n").post("{}")
    assert (response.status_code, response.text) == (200, body)
    assert response.headers["content-type"] == "application/json"
    assert re.fullmatch(r"\d+\.\d{3}", response.headers["x-ms-run-fn-exec-ms"])


def test_a_result_that_json_cannot_express_is_an_internal_error(serve: Start) -> None:
    """The log has the details, and the client gets none."""
    service = serve("def init(): pass\ndef run(raw_data): return {1, 2}\n")
    message = "An unexpected internal error occurred. Check the logs for more info."
    assert seen(service.post("{}")) == (500, {"message": message}, "False")
    assert "Object of type set is not JSON serializable" in service.log


def test_prints_are_logged_and_never_mix_with_answers(serve: Start) -> None:
    """Whatever a script writes to its standard streams, the answers stay whole."""
    service = serve(
        """
        import os, sys

        def init():
            print("from init")

        def run(raw_data):
            print("from", "print", sep="-")
            sys.stdout.write("from write\\n")
            os.write(1, b"from descriptor 1\\n")
            os.write(2, b"from descriptor 2\\n")
            return "answer"
        """
    )
    assert service.post("{}").json() == "answer"
    for text in ("from init", "from-print"):
        assert re.search(rf"I \[{service.worker_pids()[0]}\] azmlinfsrv.print - {text}", service.log)
    for text in ("from write", "from descriptor 1", "from descriptor 2"):
        assert f"\n{text}\n" in service.log


def test_a_script_may_leave_run_by_system_exit(serve: Start) -> None:
    """SystemExit in run() is the script's error and does not end the worker."""
    service = serve("import os\ndef init(): pass\ndef run(x):\n    raise SystemExit(1)\n")
    answers = [seen(service.post("{}")) for _ in range(2)]
    assert (answers, len(service.worker_pids())) == ([(500, {"message": SCRIPT_ERROR}, "True")] * 2, 1)
