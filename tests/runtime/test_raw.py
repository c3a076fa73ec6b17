"""The raw call style, with werkzeug from the user's environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from runtime_service import Start

pytest.importorskip("werkzeug", reason="raw scripts bring werkzeug")

FILES = """
    from azureml.contrib.services.aml_request import AMLRequest, rawhttp
    from azureml.contrib.services.aml_response import AMLResponse

    def init():
        pass

    @rawhttp
    def run(request):
        assert isinstance(request, AMLRequest)
        if request.method == "POST":
            found = [[file.filename, file.read().decode()] for file in request.files.getlist("image")]
            return {"files": found, "form": request.form.to_dict(), "from": request.remote_addr}
        if request.method == "GET":
            return AMLResponse(request.full_path, 200, {"X-Own": "a, b", "Expires": "Wed, 21 Oct 2026 07:28:00 GMT"})
        return AMLResponse("bad request", 500)
"""


def test_a_stream_whose_head_cannot_be_sent_stops_nobody(serve: Start) -> None:
    """The worker goes on to the next request, though nobody reads the stream."""
    service = serve(
        """
        from azureml_inference_server_http.api.aml_response import AMLResponse

        def init():
            pass

        def run(raw_data):
            if raw_data == "ok":
                return raw_data
            response = AMLResponse((b"x" * 100_000 for _ in range(1000)), 200)
            response.headers["X A"] = "a space in the name"
            return response
        """
    )
    assert service.post("wrong").status_code == 500
    assert service.post("ok").json() == "ok"


@pytest.mark.parametrize("module", ["azureml.contrib.services.aml_request", "azureml_inference_server_http.api"])
def test_an_environment_without_werkzeug(start: Start, module: str) -> None:
    """The start fails at the script's import, and the reason names the package and how to install it."""
    service = start(
        f"""
        import sys
        sys.modules["werkzeug"] = None  # as if it were not installed
        import {module}
        """
    )
    assert service.wait() == 3
    [reason] = re.findall("The entry script cannot start.*", service.log)
    assert re.search(r"score\.py:4: ModuleNotFoundError: the raw request .* run: \S+ -m pip install werkzeug$", reason)


def test_scripts_get_files_and_forms(serve: Start) -> None:
    """A multipart body arrives as werkzeug's files and form."""
    service = serve(FILES)
    files = [("image", ("a.txt", b"A", "text/plain")), ("image", ("b.txt", b"B", "text/plain"))]
    answer = service.request("POST", files=files, data={"name": "x"})
    assert answer.json() == {"files": [["a.txt", "A"], ["b.txt", "B"]], "form": {"name": "x"}, "from": "127.0.0.1"}


def test_scripts_decide_about_status_and_headers(serve: Start) -> None:
    """AMLResponse goes out as it is; a comma separates headers, except in a date."""
    service = serve(FILES)
    answer, failed = service.request("GET", "/score?a=1"), service.request("OPTIONS")
    assert (answer.status_code, answer.text) == (200, "/score?a=1")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers.get_list("x-own") == ["a", "b"]
    assert answer.headers["expires"] == "Wed, 21 Oct 2026 07:28:00 GMT"
    assert (failed.status_code, failed.headers["x-ms-run-function-failed"]) == (500, "True")


STREAMS = """
    from azureml_inference_server_http.api.aml_request import rawhttp
    from azureml_inference_server_http.api.aml_response import AMLResponse

    def init():
        pass

    def parts(way):
        if way == "early":
            raise ValueError("before the first part")
        yield b"first "
        if way == "late":
            raise ValueError("after the first part")
        yield b"second"

    @rawhttp
    def run(request):
        return AMLResponse(parts(request.args["way"]), 200)
"""


def test_iterables_are_streamed(serve: Start) -> None:
    """Parts go out as they come; an error before the first part is answered, and a later one cuts the body off."""
    service = serve(STREAMS)
    whole, early = service.request("GET", "/score?way=whole"), service.request("GET", "/score?way=early")
    assert (whole.text, whole.headers["transfer-encoding"]) == ("first second", "chunked")
    assert (early.status_code, early.headers["x-ms-run-function-failed"]) == (500, "True")
    with pytest.raises(Exception, match=r"peer closed connection|incomplete"):
        service.request("GET", "/score?way=late")
    assert service.request("GET", "/score?way=whole").text == "first second"


def test_a_stream_that_stands_still_ends_with_its_worker(serve: Start) -> None:
    """The deadline holds from part to part: a generator that hangs is cut off, a long one that goes on is not."""
    service = serve(
        """
        import time
        from azureml_inference_server_http.api.aml_response import AMLResponse

        def init():
            pass

        def parts(pauses):
            for pause in pauses:
                yield b"part "
                time.sleep(pause)

        def run(raw_data):
            return AMLResponse(parts([0.2] * 5 if raw_data == "long" else [60]), 200)
        """,
        SCORING_TIMEOUT_MS="500",
    )
    assert service.post("long").text == "part " * 5
    with pytest.raises(Exception, match=r"peer closed connection|incomplete"):
        service.post("hanging")
    assert service.post("long").text == "part " * 5
    assert len(service.worker_pids()) == 2


@pytest.mark.parametrize("status", [100, 199, 600, 999])
def test_statuses_that_http_does_not_have_are_the_scripts_error(serve: Start, status: int) -> None:
    """A status that cannot be sent is reported, and the worker goes on."""
    service = serve(
        f"""
        from azureml_inference_server_http.api.aml_response import AMLResponse

        def init():
            pass

        def run(raw_data):
            return AMLResponse("x", {status} if raw_data == "odd" else 200)
        """
    )
    assert [service.post(body).status_code for body in ("odd", "even")] == [500, 200]
    assert f"a response cannot have the status {status}" in service.log


def test_raw_and_schema_exclude_each_other(start: Start) -> None:
    """A script that asks for both does not start."""
    service = start(
        """
        from azureml_inference_server_http.api.aml_request import rawhttp
        from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
        from inference_schema.schema_decorators import input_schema

        def init():
            pass

        @rawhttp
        @input_schema("data", StandardPythonParameterType(1))
        def run(data):
            pass
        """
    )
    assert service.wait() == 3
    assert "run() cannot be decorated with both @rawhttp and @input_schema" in service.log


def test_a_request_leaves_memory_with_its_answer(serve: Start) -> None:
    """Nothing waits for the garbage collector, which may come after many large bodies."""
    pytest.importorskip("werkzeug", reason="raw requests need werkzeug")
    service = serve(
        """
        import gc, weakref
        from azureml_inference_server_http.api.aml_request import rawhttp

        before = []

        def init():
            gc.disable()

        @rawhttp
        def run(request):
            left = [request_before() is not None for request_before in before]
            before.append(weakref.ref(request))
            return [len(request.get_data()), request.environ["werkzeug.request"].method, left]
        """
    )
    assert [service.post("x" * 10).json() for _ in range(3)] == [[10, "POST", [False] * number] for number in range(3)]
