"""Settings from flags, environment and file, and what they do."""

from __future__ import annotations

import dataclasses
import json
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from mlpackage_runtime.server.settings import Settings, read_settings
from mlpackage_runtime.server.values import SettingsError

if TYPE_CHECKING:
    from runtime_service import Service, Start

LOG_CONFIG = "azureml_inference_server_http.log_config"
ECHO = "def init(): pass\ndef run(x):\n    print('seen', x)\n    return x\n"


def test_without_anything_the_defaults_of_the_original_hold() -> None:
    """Port 5001, one worker, an hour for a request, and the names of the swagger documents."""
    settings = read_settings([], {"AML_APP_ROOT": "/app", "MLPACKAGE_WORKER_PYTHON": "/python"})
    assert settings == Settings(
        app_root="/app",
        entry_script="",
        source_directory="",
        model_dir="",
        host="0.0.0.0",
        port=5001,
        health_port=None,
        worker_count=1,
        worker_python="/python",
        scoring_timeout_ms=3_600_000,
        drain_timeout=30.0,
        receive_timeout=30.0,
        body_limit=104_857_600,
        bodies_limit=419_430_400,
        decompressed_limit=104_857_600,
        compression_ratio=100,
        json_limit=25_000_000,
        worker_memory=0,
        connection_limit=4096,
        peer_limit=2048,
        queue_limit=1000,
        max_concurrent_requests=None,
        max_queue_wait_ms=None,
        cors=None,
        direct_path=True,
        batching_max_rows=0,
        batching_max_delay_ms=0,
        log_format="line",
        warm_up=False,
        server_version="mlpackage-runtime/1.0",
        service_name="ML service",
        service_version="1.0",
        service_path_prefix="",
    )


def test_flags_win_over_variables_which_win_over_the_file(tmp_path: Path) -> None:
    """Each place fills in what the ones before it leave open; empty texts count as nothing."""
    file = tmp_path / "settings.json"
    values = {
        "WORKER_COUNT": 7,
        "SCORING_TIMEOUT_MS": "5",
        "SERVICE_NAME": "file",
        "other": [1],
        "SERVICE_VERSION": None,
    }
    file.write_text(json.dumps(values), encoding="utf-8")
    environ = {"AML_APP_ROOT": "/app", "SERVICE_NAME": "", "SCORING_TIMEOUT_MS": "6", "MLPACKAGE_PORT": "1"}
    settings = read_settings(["--config_file", str(file), "--port=2", "--entry_script=/s.py"], environ)
    changed = {
        field.name: getattr(settings, field.name)
        for field in dataclasses.fields(Settings)
        if getattr(settings, field.name) != getattr(read_settings([], {"AML_APP_ROOT": "/app"}), field.name)
    }
    assert changed == {
        "worker_count": 7,
        "scoring_timeout_ms": 6,
        "service_name": "file",
        "port": 2,
        "entry_script": "/s.py",
    }


@pytest.mark.parametrize(
    ("flags", "environ", "message"),
    [
        (["--port=0x1"], {}, "--port is '0x1': it must be a whole number."),
        (["--port=65536"], {}, "--port is '65536': it must be a port between 1 and 65535."),
        (["--worker-count=-1"], {}, "--worker-count is '-1': it must be 1 or more."),
        ([], {"MLPACKAGE_DRAIN_TIMEOUT": "inf"}, "MLPACKAGE_DRAIN_TIMEOUT is 'inf': it must be a number of seconds, 0 or more."),  # noqa: E501
        ([], {"MLPACKAGE_BODIES_LIMIT": "5"}, "MLPACKAGE_BODIES_LIMIT is '5': it must be 0, for no limit, or at least MLPACKAGE_BODY_LIMIT, which is 104857600."),  # noqa: E501
        ([], {"MLPACKAGE_LOG_FORMAT": "xml"}, "MLPACKAGE_LOG_FORMAT is 'xml': it must be one of line, json."),
        ([], {"AML_CORS_ORIGINS": "*("}, "AML_CORS_ORIGINS is '*(': '*(' is not a regular expression: nothing to repeat at position 0."),  # noqa: E501
        (["--config-file=/nowhere"], {}, "the configuration file /nowhere cannot be read: No such file or directory."),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_used_is_named(flags: list[str], environ: dict[str, str], message: str) -> None:
    """The message has the setting, its value and what is allowed."""
    with pytest.raises(SettingsError) as raised:
        read_settings(flags, environ)
    assert str(raised.value) == message


@pytest.mark.parametrize(("text", "reason"), [("[]", "is not a JSON object."), ("{", "is not JSON: ")])
def test_a_file_that_is_not_a_configuration_is_named(tmp_path: Path, text: str, reason: str) -> None:
    """The message has the file and what is wrong with it."""
    file = tmp_path / "settings.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=f"the configuration file {file} {reason}"):
        read_settings([], {"AZUREML_CONFIG_FILE": str(file)})


def test_workers_know_where_things_are(serve: Start, tmp_path: Path) -> None:
    """Scripts read the model's folder from the environment, wherever the server has it from."""
    (tmp_path / "m").mkdir()
    service = serve(
        "import os\ndef init(): pass\ndef run(x): return os.environ['AZUREML_MODEL_DIR']\n", f"--model-dir={tmp_path}/m"
    )
    assert service.post("x").json() == f"{tmp_path}/m"


def test_a_separate_health_port_answers_as_the_first(serve: Start) -> None:
    """SEPERATE_HEALTH_ENDPOINT opens a second port for the same routes."""
    service = serve(ECHO, "--health-port=0", SEPERATE_HEALTH_ENDPOINT="true")
    second = service.wait_for_log(r"Listening on \S+ and (http://[0-9.:]+)")
    assert httpx.get(f"{second}/").text == "Healthy"
    assert service.request("GET", "/").text == "Healthy"


def test_requests_for_unknown_paths_are_logged(serve: Start) -> None:
    """A wrong path or method has a line in the log, with the path as it was sent."""
    service = serve(ECHO)
    sent = [("GET", "/scores?a=1"), ("GET", "/a%0Ab"), ("PUT", "/score")]

    statuses = [service.request(method, target).status_code for method, target in sent]

    service.wait_for_log(r"PUT (/score) 405")
    logged = re.findall(r"azmlinfsrv - (\S+ \S+ \d+) [\d.]+ms \d+", service.log)
    assert statuses == [404, 404, 405]
    assert logged == ["GET /scores?a=1 404", "GET /a%0Ab 404", "PUT /score 405"]


def test_logs_can_be_json(serve: Start) -> None:
    """Every line is an object, and the lines of a request carry its id."""
    service = serve(ECHO, "--log-format=json")
    service.post("x", headers={"x-request-id": "the-id"})
    service.wait_for_log('("POST /score 200 [^"]*")')
    lines = [json.loads(line) for line in service.log.splitlines()]
    of_request = [(line["logger"], line["message"].partition(" 200 ")[0]) for line in lines if "request_id" in line]
    assert of_request == [("azmlinfsrv.print", "seen x"), ("azmlinfsrv", "POST /score")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]) for line in lines)


def test_the_projects_logging_configuration_is_applied(start: Start, tmp_path: Path) -> None:
    """logging.json may name the original's classes, and its level holds for the server's own lines too."""
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "f": {"class": "azureml_inference_server_http.log_config.AMLLogFormatter", "format": "OWN %(message)s"}
        },
        "handlers": {"h": {"class": "logging.StreamHandler", "formatter": "f"}},
        "loggers": {
            "azmlinfsrv": {"level": "WARNING"},
            "azmlinfsrv.print": {"level": "INFO", "handlers": ["h"], "propagate": False},
        },
    }
    (tmp_path / "logging.json").write_text(json.dumps(config), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    service = start(ECHO, f"--port={port}")
    service.url = f"http://127.0.0.1:{port}"  # the level hides the line that says so
    service.wait_until(lambda: is_healthy(service), "the server to be healthy")
    assert service.post("x").json() == "x"
    service.wait_for_log("(OWN seen x)")
    assert "POST /score" not in service.log


def test_a_logging_configuration_that_cannot_be_used_is_named(start: Start, tmp_path: Path) -> None:
    """The server does not start with a logging.json that it would have to ignore."""
    (tmp_path / "logging.json").write_text('{"version": 2}', encoding="utf-8")
    service = start(ECHO)
    assert service.wait() == 3
    assert f"The logging configuration {tmp_path}/logging.json cannot be used: Unsupported version: 2" in service.log


def is_healthy(service: Service) -> bool:
    try:
        return service.request("GET", "/").status_code == 200
    except httpx.ConnectError:
        return False
