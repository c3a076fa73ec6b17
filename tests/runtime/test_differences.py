"""The intended differences from the original server that show without a second server."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from runtime_service import Start

JSON = {"content-type": "application/json"}
ECHO = """
    def init():
        pass

    def run(raw_data):
        return raw_data
"""
NUMPY = """
    import numpy as np
    from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
    from inference_schema.schema_decorators import input_schema

    sample = NumpyParameterType(np.array([[1.0, 2.0]]))

    def init():
        pass

    @input_schema("data", sample)
    def run(data):
        if data[0, 0] == 13:
            sample.deserialize_input("the script's own mistake")
        return data
"""


def test_async_functions_are_awaited_in_one_event_loop(serve: Start) -> None:
    """What init() opened in its event loop is still usable in run()."""
    service = serve(
        """
        import asyncio

        async def init():
            global queue, loop
            loop = asyncio.get_running_loop()
            queue = asyncio.Queue()
            loop.call_later(0, queue.put_nowait, "from init")

        async def run(raw_data):
            await asyncio.sleep(0)
            return [raw_data, queue.get_nowait(), loop is asyncio.get_running_loop()]
        """
    )
    assert service.post("x").json() == ["x", "from init", True]


def test_input_that_does_not_match_is_the_clients_error(serve: Start) -> None:
    """Input that inference_schema refuses is 400, and an error that the script itself causes there is 500."""
    service = serve(NUMPY)
    answers = [service.post(body, headers=JSON) for body in ('{"data": [[1, "x"]]}', '{"data": [[13, 1]]}')]
    assert [answer.status_code for answer in answers] == [400, 500]
    assert answers[0].json()["message"].startswith("The input does not match the schema of run(): could not convert")
    assert [answer.headers["x-ms-run-function-failed"] for answer in answers] == ["False", "True"]


def test_compressed_bodies_are_decoded(serve: Start) -> None:
    """The script gets the content of gzip and deflate; broken and unknown codings are refused with the reason."""
    service = serve(ECHO, MLPACKAGE_BODY_LIMIT="1000")
    packed = gzip.compress(b"text")
    cases = [
        ("gzip", packed),
        ("X-GZIP", packed),
        ("deflate", zlib.compress(b"text")),
        ("identity", b"text"),
        ("gzip", b"no gzip"),
        ("gzip", packed[:-3]),
        ("br", b"text"),
        ("gzip", gzip.compress(b"x" * 1001)),
        ("gzip", gzip.compress(b"x" * 1000)),
    ]
    answers = [service.post(body, headers={"content-encoding": coding}) for coding, body in cases]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 400, 400, 415, 413, 200]
    assert [answer.json() for answer in answers[:4]] == ["text"] * 4
    assert answers[5].json() == {"message": "The body could not be decompressed: it is cut off"}


def test_json_that_no_parser_takes_is_the_clients_error(serve: Start) -> None:
    """Bytes that are not UTF-8, and endless nesting, are 400."""
    service = serve(NUMPY)
    answers = [service.post(body, headers=JSON) for body in (b'{"data": "\xff"}', b"[" * 100_000)]
    assert [answer.status_code for answer in answers] == [400, 400]


def test_the_configuration_of_a_workspace_is_left_alone(serve: Start, tmp_path: Path) -> None:
    """A config.json in the app root, however broken, is the project's own."""
    (tmp_path / "config.json").write_text('{"subscription_id": 1} // of the workspace', encoding="utf-8")
    assert serve(ECHO).post("x").json() == "x"


def test_what_went_wrong_stays_in_the_log(serve: Start) -> None:
    """The client learns that the script failed, and the log has the traceback."""
    service = serve("def init(): pass\ndef run(x): raise ValueError('a secret')\n")
    answer = service.post("x")
    assert (answer.status_code, "secret" in answer.text + str(answer.headers)) == (500, False)
    assert ('score.py", line 2, in run' in service.log, "ValueError: a secret" in service.log) == (True, True)


@pytest.mark.parametrize("library", ["numpy", "pandas"])
def test_results_of_the_libraries_are_sent_as_json(serve: Start, library: str) -> None:
    """Arrays become lists, frames records, missing values null, times text."""
    pytest.importorskip(library)
    results = {
        "numpy": "[np.eye(2), np.float32(0.5), np.bool_(True), np.array(['2024-01-02'], 'datetime64[D]')]",
        "pandas": "[pd.DataFrame({'a': [1]}), pd.Series([1.5]), pd.NA, pd.NaT, pd.Timestamp('2024-01-02')]",
    }
    service = serve(
        f"""
        import {library}

        np = pd = {library}

        def init():
            pass

        def run(raw_data):
            return {results[library]}
        """
    )
    expected = {
        "numpy": [[[1.0, 0.0], [0.0, 1.0]], 0.5, True, ["2024-01-02"]],
        "pandas": [[{"a": 1}], [1.5], None, None, "2024-01-02T00:00:00"],
    }
    assert service.post("x").json() == expected[library]


def test_refused_methods_say_which_are_allowed(serve: Start) -> None:
    """A 405 of the router carries Allow."""
    answer = serve(ECHO).request("PUT")
    assert (answer.status_code, sorted(answer.headers["allow"].split(", "))) == (
        405,
        ["GET", "HEAD", "OPTIONS", "POST"],
    )
