"""Requests that wait together are scored with one call of run(), and every client gets the answer of its own."""

from __future__ import annotations

import re
import textwrap
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx
    from runtime_service import Service, Start

SCRIPT_ERROR = {"message": "An unexpected error occurred in scoring script. Check the logs for more info."}

ARRAYS = """
    import os
    import time

    import numpy as np
    from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
    from inference_schema.schema_decorators import input_schema

    def init():
        pass

    @input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
    def run(data):
        print("rows", len(data))
        time.sleep(0.2)
"""
SUMS = "return data.sum(axis=1).tolist()"


def arrays(body: str = SUMS) -> str:
    """Return a script with a NumPy schema of two columns; run() takes a moment, in which further requests arrive."""
    return textwrap.dedent(ARRAYS) + textwrap.indent(body, "    ") + "\n"


def batching(serve: Start, script: str, *flags: str, **variables: str) -> Service:
    return serve(script, *flags, MLPACKAGE_BATCHING="1", **variables)


def ask(service: Service, **values: Any) -> httpx.Response:
    return service.request("POST", json=values)


def ask_together(service: Service, bodies: list[dict[str, Any]]) -> list[httpx.Response]:
    """Send one request, and the others while it runs."""
    with ThreadPoolExecutor(len(bodies)) as pool:
        first = pool.submit(ask, service, **bodies[0])
        service.wait_for_log("(rows)")
        others = [pool.submit(ask, service, **body) for body in bodies[1:]]
        return [future.result() for future in (first, *others)]


def settle(service: Service, bodies: list[dict[str, Any]]) -> int:
    """Send so many requests that the worker checks the next ones rarely, and return the number of calls until then."""
    for _ in range(5):
        ask_together(service, bodies)
    return len(calls(service))


def calls(service: Service) -> list[int]:
    """Return the number of rows of each call of run(), from its log."""
    return [int(rows) for rows in re.findall(r"print - rows (\d+)", service.log)]


def seen(answers: list[httpx.Response]) -> list[tuple[int, Any]]:
    return [(answer.status_code, answer.json()) for answer in answers]


def test_requests_that_wait_are_scored_together(serve: Start) -> None:
    """Each gets its own rows, however many it has, and the calls of run() are fewer than the requests."""
    service = batching(serve, arrays())
    rows = [[[float(n), float(k)] for k in range(n % 3 + 1)] for n in range(12)]

    bodies = [{"data": data} for data in rows]
    before = settle(service, bodies)

    answers = ask_together(service, bodies)

    assert seen(answers) == [(200, [sum(row) for row in data]) for data in rows]
    assert len(calls(service)) - before <= len(rows) / 2
    assert max(calls(service)[before:]) > max(map(len, rows))


def test_a_request_that_finds_an_idle_worker_does_not_wait(serve: Start) -> None:
    """Requests one after the other are scored one by one."""
    service = batching(serve, arrays())

    answers = [ask(service, data=[[float(n), 1.0]]) for n in range(3)]

    assert (seen(answers), calls(service)) == ([(200, [n + 1.0]) for n in range(3)], [1, 1, 1])


def test_a_batch_has_so_many_rows(serve: Start) -> None:
    """MLPACKAGE_BATCHING_MAX_ROWS is the limit of several requests; one with more rows is scored alone."""
    service = batching(serve, arrays(), MLPACKAGE_BATCHING_MAX_ROWS="4")
    rows = [[[1.0, 1.0]] * count for count in (1, 2, 2, 2, 9, 2)]

    answers = ask_together(service, [{"data": data} for data in rows])

    assert seen(answers) == [(200, [2.0] * len(data)) for data in rows]
    assert {rows for rows in calls(service) if rows > 4} == {9}


def test_the_first_request_may_wait_for_others(serve: Start) -> None:
    """With MLPACKAGE_BATCHING_MAX_DELAY_MS, requests that do not arrive at once are scored together, too."""
    service = batching(serve, arrays(), MLPACKAGE_BATCHING_MAX_DELAY_MS="3000", MLPACKAGE_BATCHING_MAX_ROWS="3")

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda n: ask(service, data=[[n, n]]), [1.0, 2.0, 3.0]))

    assert seen(answers) == [(200, [2.0]), (200, [4.0]), (200, [6.0])]
    assert calls(service)[0] == 3


FRAMES = """
    import time

    import pandas as pd
    from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
    from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
    from inference_schema.schema_decorators import input_schema

    def init():
        pass

    @input_schema("method", StandardPythonParameterType("sum"))
    @input_schema("data", PandasParameterType(pd.DataFrame({"a": [1], "b": ["x"]}), enforce_shape=False))
    def run(data, method="sum"):
        print("rows", len(data))
        time.sleep(0.2)
        data["made"] = data.iloc[:, 0] * (1 if method == "sum" else -1)
        return data
"""


def test_frames_are_merged_where_columns_and_other_values_agree(serve: Start) -> None:
    """Requests of different kinds that arrive by turns are scored with those of their own kind."""
    service = batching(serve, FRAMES)
    kinds: list[dict[str, Any]] = [
        {"data": [{"a": 1, "b": "x"}]},
        {"data": [{"a": 2, "b": "x"}], "method": "difference"},
        {"data": [{"a": 3}]},
    ]
    bodies = kinds * 5

    before = settle(service, bodies)

    answers = ask_together(service, bodies)

    made = [[{"a": 1, "b": "x", "made": 1}], [{"a": 2, "b": "x", "made": -2}], [{"a": 3, "made": 3}]]
    assert seen(answers) == [(200, rows) for rows in made] * 5
    assert len(calls(service)) - before < len(bodies)


def test_a_wrong_request_fails_alone(serve: Start) -> None:
    """What does not match the schema is refused with the words of a server that does not batch."""
    wrong = [{"data": [[1.0]]}, {"data": "text"}, {"data": [["x", 1.0]]}, {}]
    plain = serve(arrays())
    expected = seen([ask(plain, **body) for body in wrong])
    service = batching(serve, arrays())

    answers = ask_together(service, [{"data": [[n, 1.0]]} for n in range(4)] + wrong)

    assert seen(answers) == [(200, [n + 1.0]) for n in range(4)] + expected
    assert [status for status, _ in expected] == [400] * 4


def test_only_the_request_that_makes_run_raise_fails(serve: Start) -> None:
    """A call for several requests that raises is done again for each of them."""
    service = batching(serve, arrays(f"assert (data >= 0).all()\n{SUMS}"))
    numbers = [0.0, 1.0, -1.0, 2.0, 3.0]

    answers = ask_together(service, [{"data": [[number, 0.0]]} for number in numbers])

    assert seen(answers) == [(200, [number]) if number >= 0 else (500, SCRIPT_ERROR) for number in numbers]
    assert "run() raised AssertionError for" in service.log


def test_a_killer_costs_the_requests_that_had_begun(serve: Start) -> None:
    """Those scored together with it are lost, and those that were only sent ahead are answered by the next worker."""
    service = batching(serve, arrays(f"if (data < 0).any(): os._exit(1)\n{SUMS}"), MLPACKAGE_BATCHING_MAX_ROWS="2")
    numbers = [0.0, 1.0, 2.0, -1.0, *range(3, 12)]

    statuses = [answer.status_code for answer in ask_together(service, [{"data": [[n, 0.0]]} for n in numbers])]

    assert statuses[3] == 500
    assert statuses.count(500) <= 2
    assert statuses.count(200) + statuses.count(500) == len(numbers)


def test_a_request_that_kills_while_it_is_read_is_lost_alone(serve: Start) -> None:
    """No request has begun while the worker still reads others."""
    patch = textwrap.dedent("""
        import json, sys
        sys.modules["msgspec"] = None
        original = json.loads
        def loads(text, *rest):
            if b"die" in text:
                os._exit(1)
            return original(text, *rest)
        json.loads = loads
    """)
    service = batching(serve, arrays() + patch)
    bodies: list[dict[str, Any]] = [{"data": [[n, 1.0]]} for n in range(8)]
    bodies[5] = {"data": "die"}

    statuses = [answer.status_code for answer in ask_together(service, bodies)]

    assert statuses == [200] * 5 + [500] + [200] * 2


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return (data - data.mean()).sum(axis=1).tolist()", [0.0]),
        ("return [len(data)] * len(data)", [1]),
        ("return sorted(data.sum(axis=1).tolist(), reverse=True)", None),
        ("return {'total': float(data.sum())}", None),
        ("return str(data.tolist())", None),
        ("return [1.0, 2.0, 3.0]", [1.0, 2.0, 3.0]),
    ],
    ids=["mean of all", "count", "sorted", "one value", "text", "fixed length"],
)
def test_a_script_that_does_not_score_row_by_row_is_found_out(serve: Start, body: str, expected: object) -> None:
    """Every answer is that of a separate call, and the log says that batching is off, and why."""
    service = batching(serve, arrays(body))
    bodies = [{"data": [[float(n), 2.0]]} for n in range(6)]
    alone = [ask(service, **one) for one in bodies]

    answers = ask_together(service, bodies)
    later = ask_together(service, bodies)

    assert seen(answers) == seen(later) == seen(alone)
    assert expected is None or answers[0].json() == expected
    assert service.log.count("Batching is off: run()") == 1
    assert calls(service)[-6:] == [1] * 6


@pytest.mark.parametrize("values", ["data.sum(axis=1)", "{'sum': data.sum(axis=1), 'first': data[:, 0].tolist()}"])
def test_arrays_and_dictionaries_of_rows_are_split(serve: Start, values: str) -> None:
    """A result may be an array, or a dictionary in which every value has an entry for each row."""
    service = batching(serve, arrays(f"return {values}"))
    bodies = [{"data": [[float(n), 2.0]] * (n % 2 + 1)} for n in range(6)]
    alone = [ask(service, **one) for one in bodies]

    for _ in range(2):
        answers = ask_together(service, bodies)

    assert seen(answers) == seen(alone)
    assert "Batching is off" not in service.log
    assert max(calls(service)) > 2


UNMERGED = {
    "text": ("def run(raw_data):\n    return raw_data", "run() has no NumPy or pandas schema"),
    "headers": ("@schema\ndef run(data, request_headers):\n    return data.tolist()", "run() takes request_headers"),
    "values alone": ("@standard\ndef run(name):\n    return name", "no parameter of run() has a NumPy or pandas"),
    "another decorator": ("@other\n@schema\ndef run(data):\n    return data.tolist()", "another decorator"),
}
DECORATED = """
import functools

import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema

schema = input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
standard = input_schema("name", StandardPythonParameterType("text"))

def other(run):
    @functools.wraps(run)
    def wrapped(data):
        return run(data=data)
    return wrapped

def init():
    pass

"""


@pytest.mark.parametrize("name", UNMERGED)
def test_a_script_whose_requests_cannot_be_merged_says_why(serve: Start, name: str) -> None:
    """The service starts and answers as without batching."""
    run, reason = UNMERGED[name]
    service = batching(serve, DECORATED + run)

    answers = [ask(service, data=[[1.0, 2.0]], name="text") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert service.wait_for_log("Batching is off: (.*)").startswith(reason) or reason in service.log


def test_the_deadline_holds_for_a_batch(serve: Start) -> None:
    """All requests of a call that takes too long get the answer that says so, and the next ones are served."""
    body = f"if (data < 0).any(): time.sleep(60)\n{SUMS}"
    service = batching(serve, arrays(body), SCORING_TIMEOUT_MS="1500", MLPACKAGE_BATCHING_MAX_ROWS="3")

    answers = ask_together(service, [{"data": [[n, 0.0]]} for n in [1.0, -1.0, -2.0, -3.0]])

    timeout = {"message": "Scoring timeout after 1500 ms"}
    assert seen(answers) == [(200, [1.0]), *[(500, timeout)] * 3]
    assert seen([ask(service, data=[[5.0, 0.0]])]) == [(200, [5.0])]


def test_several_workers_merge(serve: Start) -> None:
    """Every worker merges what it was given."""
    service = batching(serve, arrays(), "--worker-count=2")
    rows = [[[float(n), float(k)] for k in range(n % 3 + 1)] for n in range(24)]

    bodies = [{"data": data} for data in rows]
    before = settle(service, bodies)

    answers = ask_together(service, bodies)

    assert seen(answers) == [(200, [sum(row) for row in data]) for data in rows]
    assert len(calls(service)) - before < len(rows)


def test_an_asynchronous_run_merges(serve: Start) -> None:
    """The result of a coroutine is split as any other."""
    script = arrays().replace("def run", "async def run")
    service = batching(serve, script)
    bodies = [{"data": [[float(n), 2.0]]} for n in range(6)]

    for _ in range(2):
        answers = ask_together(service, bodies)

    assert seen(answers) == [(200, [n + 2.0]) for n in range(6)]
    assert max(calls(service)) > 1


def test_merged_floats_differ_in_their_last_digits_at_most(serve: Start) -> None:
    """A product of matrices in single precision differs by less than a hundred thousandth of its size."""
    body = "weights = np.random.default_rng(1).random((2, 300), dtype='f')\nreturn np.tanh(data.astype('f') @ weights)"
    service = batching(serve, arrays(body))
    bodies = [{"data": [[n / 7, n / 13]]} for n in range(16)]
    alone = [value for one in bodies for value in ask(service, **one).json()[0]]

    for _ in range(3):
        answers = ask_together(service, bodies)

    together = [value for answer in answers for value in answer.json()[0]]
    assert together == pytest.approx(alone, rel=1e-5)
    assert max(calls(service)) > 1


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("MLPACKAGE_BATCHING", "yes", "it must be on or off"),
        ("MLPACKAGE_BATCHING_MAX_ROWS", "0", "MLPACKAGE_BATCHING_MAX_ROWS"),
        ("MLPACKAGE_BATCHING_MAX_DELAY_MS", "-1", "MLPACKAGE_BATCHING_MAX_DELAY_MS"),
    ],
)
def test_wrong_settings_are_refused(start: Start, variable: str, value: str, message: str) -> None:
    """The server says which variable is wrong, and does not start."""
    service = start(arrays(), **{variable: value})

    assert service.wait() == 3
    assert message in service.log
