"""Warm-up: run() gets the sample of its schema once before the server is ready, where that is asked for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mlpackage_runtime.server.settings import read_settings

if TYPE_CHECKING:
    from runtime_service import Service, Start

SCRIPT = """
    import json
    import numpy as np
    from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
    from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
    from inference_schema.schema_decorators import input_schema, output_schema

    calls = []

    def init():
        pass

    @input_schema("data", NumpyParameterType(np.array([[1.5, 2.0]])))
    @input_schema("options", StandardPythonParameterType({"round": True}))
    @output_schema(NumpyParameterType(np.array([3.5])))
    def run(data, options, request_headers):
        calls.append([type(data).__name__, data.tolist(), options, request_headers])
        print("called with", json.dumps(calls[-1]))
        BODY
        return len(calls)
"""
PLAIN = """
    def init():
        pass

    def run(data):
        return data
"""
BODY = {"data": [[0.0, 0.0]], "options": {"round": False}}


def lines(service: Service) -> list[str]:
    """Return the log without times and process ids, and without durations."""
    plain = re.findall(r"^\S+ \S+ (. )\[\d+\] azmlinfsrv(?:\.print)? - (.*)$", service.log, re.MULTILINE)
    return [level + re.sub(r"\d+ ms", "… ms", text) for level, text in plain]


@pytest.mark.parametrize("text", ["1", "on", "ON", "true"])
def test_run_is_called_with_the_sample_before_ready(serve: Start, text: str) -> None:
    """The sample goes the way of a request: run() gets the converted values and the headers, and the log the time."""
    service = serve(SCRIPT.replace("BODY", ""), MLPACKAGE_WARM_UP=text)
    called = ["ndarray", [[1.5, 2.0]], {"round": True}, {"Content-Type": "application/json"}]
    found = lines(service)
    start = found.index("I Warming up: run() gets the sample of its schema")
    assert found[start : start + 3] == [
        "I Warming up: run() gets the sample of its schema",
        f"I called with {json.dumps(called)}",
        "I Warmed up in … ms",
    ]
    assert "ready for serving traffic" in found[start + 3]
    assert service.post(json.dumps(BODY), headers={"content-type": "application/json"}).json() == 2


@pytest.mark.parametrize("environment", [{}, {"MLPACKAGE_WARM_UP": "0"}, {"MLPACKAGE_WARM_UP": "off"}])
def test_by_default_the_first_call_is_a_clients(serve: Start, environment: dict[str, str]) -> None:
    """As with the original server, run() is called for requests alone."""
    service = serve(SCRIPT.replace("BODY", ""), **environment)
    first = service.post(json.dumps(BODY), headers={"content-type": "application/json"}).json()
    assert (first, "arming up" in service.log) == (1, False)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("return object()", "TypeError: Object of type object is not JSON serializable"),
    ],
)
def test_a_failing_warm_up_stops_nothing(serve: Start, body: str, error: str) -> None:
    """The log has the traceback with the script's line, and the server is ready."""
    service = serve(SCRIPT.replace("BODY", f"if len(calls) == 1: {body}"), MLPACKAGE_WARM_UP="1")
    assert error in service.log
    assert "W The warm-up failed with status 500 after … ms: requests are served all the same" in lines(service)
    assert service.post(json.dumps(BODY), headers={"content-type": "application/json"}).json() == 2


def test_a_script_without_a_sample_is_not_warmed_up(serve: Start) -> None:
    """The log says what the script lacks."""
    service = serve(PLAIN, MLPACKAGE_WARM_UP="1")
    step = "Decorate it with @input_schema of inference-schema"
    assert f"W No warm-up: run() has no sample. {step}" in lines(service)


def test_every_worker_is_warmed_up(serve: Start, tmp_path: Path) -> None:
    """Each process calls run() once."""
    script = SCRIPT.replace("BODY", "import os; open('calls', 'a').write(f'{os.getpid()} ')")
    service = serve(script, "--worker-count=2", MLPACKAGE_WARM_UP="1")
    assert sorted(map(int, (tmp_path / "calls").read_text().split())) == sorted(service.worker_pids())


def test_another_word_is_refused(start: Start) -> None:
    """A value that is neither yes nor no ends the start."""
    service = start(PLAIN, MLPACKAGE_WARM_UP="maybe")
    said = "Configuration error: MLPACKAGE_WARM_UP is 'maybe': it must be on or off, or 1 or 0.\n"
    assert (service.wait(), service.log) == (3, said)


def test_the_configuration_file_says_it_with_a_boolean(tmp_path: Path) -> None:
    """JSON's own words count too."""
    file = tmp_path / "settings.json"
    file.write_text('{"MLPACKAGE_WARM_UP": true}', encoding="utf-8")
    assert read_settings([], {"AZUREML_CONFIG_FILE": str(file)}).warm_up is True
