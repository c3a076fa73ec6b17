"""Small bodies that would become large: compressed ones, JSON of many values, and a limit for the worker's memory."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st
from mlpackage_runtime.frames import WorkerSettings
from mlpackage_runtime.worker.errors import RefusedRequest
from mlpackage_runtime.worker.expansion import FREE, Limits

if TYPE_CHECKING:
    from runtime_service import Start

MIB = 2**20
SIZE = """
    def init():
        pass

    def run(raw_data):
        return len(raw_data)
"""
SCHEMA = """
    import numpy as np
    from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
    from inference_schema.schema_decorators import input_schema

    def init():
        pass

    @input_schema("data", StandardPythonParameterType([0]))
    def run(data):
        return len(data)
"""


def limits(decompressed: int = 0, ratio: int = 0, values: int = 0) -> Limits:
    return Limits(
        WorkerSettings(
            app_root="",
            entry_script="",
            source_directory="",
            model_dir="",
            decompressed_limit=decompressed,
            compression_ratio=ratio,
            json_limit=values,
            worker_memory=0,
            batching_max_rows=0,
            batching_max_delay_ms=0,
            log_format="line",
            warm_up=False,
            service_name="",
            service_version="",
            service_path_prefix="",
        )
    )


@given(st.binary(max_size=2000), st.sampled_from(["gzip", "x-gzip", "deflate", ""]))
def test_bodies_within_the_limits_come_back(body: bytes, coding: str) -> None:
    """What a client packed is what the script gets."""
    packed = {"": body, "deflate": zlib.compress(body)}.get(coding) or gzip.compress(body) if coding else body
    assert limits(2000, 100, 1).decoded(packed, coding) == body


@pytest.mark.parametrize(
    ("size", "decompressed", "ratio", "refused"),
    [
        (FREE, 0, 1, None),
        (FREE + 1, 0, 1, "The body must not be compressed to less than 1/1 of its size."),
        (FREE + 1, 0, 0, None),
        (50 * MIB, 0, 100, "The body must not be compressed to less than 1/100 of its size."),
        (50 * MIB, 0, 2000, None),
        (1001, 1000, 100, "The decompressed body must not exceed 1000 bytes."),
        (1000, 1000, 100, None),
    ],
)
def test_a_body_may_expand_so_far(size: int, decompressed: int, ratio: int, refused: str | None) -> None:
    """The first MiB is free; beyond it the ratio counts, and the size always."""
    packed = gzip.compress(bytes(size))
    if refused is None:
        assert len(limits(decompressed, ratio).decoded(packed, "gzip")) == size
        return
    with pytest.raises(RefusedRequest) as raised:
        limits(decompressed, ratio).decoded(packed, "gzip")
    assert (raised.value.status, raised.value.message) == (413, refused)


@pytest.mark.parametrize(
    ("body", "fits"),
    [(b"[1,2,3,4]", True), (b"[" + b"[]," * 10 + b"[]]", False), (b'[{"":0},{"":0},{"":0},{"":0},{"":0}]', False)],
)
def test_values_are_counted_before_they_are_made(body: bytes, *, fits: bool) -> None:
    """Lists, objects and members count alike."""
    if fits:
        limits(values=8).check_values(body)
        return
    with pytest.raises(RefusedRequest) as raised:
        limits(values=8).check_values(body)
    assert (raised.value.status, raised.value.message) == (413, "The body must not have more than 8 values.")


@pytest.mark.parametrize("script", [SIZE, SCHEMA], ids=["plain", "schema"])
def test_bombs_are_answered_with_413(serve: Start, script: str) -> None:
    """Neither compression nor nesting makes a small request a large one."""
    service = serve(script, MLPACKAGE_JSON_LIMIT="100000", MLPACKAGE_BODY_LIMIT=str(20 * MIB))
    json_type = {"content-type": "application/json"}
    zipped = {**json_type, "content-encoding": "gzip"}
    requests = [
        (gzip.compress(b'{"data": "' + b" " * (10 * MIB) + b'"}'), zipped),
        (gzip.compress(b'{"data": "' + b" " * (21 * MIB) + b'"}'), zipped),
        (b'{"data": [' + b"[]," * 100_000 + b"[]]}", json_type),
        (gzip.compress(b'{"data": [' + b"[]," * 100_000 + b"[]]}"), zipped),
        (b'{"data": [1, 2]}', json_type),
    ]
    assert [service.post(body, headers=headers).status_code for body, headers in requests] == [413] * 4 + [200]


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
def test_values_count_whatever_a_body_is_declared_as(serve: Start, kind: str) -> None:
    """A script that parses its text itself is no easier to flood; data of other kinds may have any commas."""
    service = serve(SIZE, MLPACKAGE_JSON_LIMIT="100")
    assert service.post("[1" + ",1" * 100 + "]", headers={"content-type": kind}).status_code == 413
    assert service.post("1" + ",1" * 100, headers={"content-type": "text/csv"}).status_code == 200


def test_a_body_is_compressed_as_a_whole(serve: Start) -> None:
    """A second compressed part is refused: dropping it would score another request than the one that was sent."""
    service = serve(SIZE)
    answer = service.post(gzip.compress(b"[1,2") + gzip.compress(b",3]"), headers={"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "The body could not be decompressed: it has more than one part",
    )


def test_deep_nesting_is_the_clients_mistake(serve: Start) -> None:
    """A document that is nested more deeply than the parser goes is 400, and costs nobody the worker."""
    service = serve(SCHEMA)
    answer = service.post('{"data": ' + "[" * 100_000, headers={"content-type": "application/json"})
    assert (answer.status_code, len(service.worker_pids())) == (400, 1)
    assert answer.json()["message"].startswith("POST body could not be decoded as JSON: ")


def test_a_worker_keeps_to_its_memory(serve: Start) -> None:
    """A request that needs more than worker-memory fails alone, and the worker's memory stays below the limit."""
    service = serve(
        """
        import json

        def init():
            pass

        def run(raw_data):
            return len([bytes(1_000_000) for _ in range(json.loads(raw_data))])
        """,
        MLPACKAGE_WORKER_MEMORY=str(200_000_000),
    )
    answers = [service.post(json.dumps(number)).status_code for number in (50, 1000, 50)]
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{service.worker_pids()[-1]}/status").read_text())
    assert answers == [200, 500, 200]
    assert peak is not None
    assert int(peak[1]) * 1024 < 220_000_000


def test_a_model_that_needs_more_than_the_workers_memory_says_so(start: Start) -> None:
    """Where init() already needs too much, the server does not start."""
    service = start("def init():\n    bytes(10**9)\ndef run(x): pass\n", MLPACKAGE_WORKER_MEMORY=str(200_000_000))
    assert service.wait() == 3
    assert "MemoryError" in service.log
