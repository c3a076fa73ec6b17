"""Call run() once before the first request, with the sample of its schema."""

import importlib
import json
import sys
import time
from typing import Any, Callable, Optional

from mlpackage_runtime.contract import JSON_TYPE, log
from mlpackage_runtime.worker.request import Request
from mlpackage_runtime.worker.scoring import Scoring

FIRST_FAILURE = 400  # the lowest status of a failure


def warm_up(scoring: Scoring, run: Callable[..., Any]) -> None:
    """Answer a request with the sample input of run(); what goes wrong is logged, and stops nothing."""
    sample = _sample(run)
    if sample is None:
        log.warning("No warm-up: run() has no sample. Decorate it with @input_schema of inference-schema")
        return
    log.info("Warming up: run() gets the sample of its schema")
    started = time.perf_counter()
    response = scoring.respond(Request(b"POST", b"/score", b"", b"", b"", JSON_TYPE, sample))
    elapsed_ms = (time.perf_counter() - started) * 1000
    if not isinstance(response.body, bytes):
        response.body.close()  # type: ignore[attr-defined]  # a stream, which nobody reads
    if response.status < FIRST_FAILURE:
        log.info("Warmed up in %.0f ms", elapsed_ms)
    else:
        log.warning(
            "The warm-up failed with status %d after %.0f ms: requests are served all the same",
            response.status,
            elapsed_ms,
        )


def _sample(run: Callable[..., Any]) -> Optional[bytes]:
    """Return the body that the schema of run() shows as its example."""
    if "inference_schema" not in sys.modules:
        return None
    schema_util = importlib.import_module("inference_schema.schema_util")
    try:
        if schema_util.is_schema_decorated(run):
            return json.dumps(schema_util.get_input_schema(run)["example"]).encode()
    except Exception:
        log.exception("The sample of run() cannot be read from its schema")
    return None
