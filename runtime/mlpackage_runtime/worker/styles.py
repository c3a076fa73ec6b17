"""Turn a request into the arguments of run(), in the script's call style."""

import importlib
import inspect
import json
import sys
from typing import Any, Callable, Dict, NamedTuple, Sequence

from mlpackage_runtime.worker.decoding import decoder
from mlpackage_runtime.worker.errors import RefusedRequest, StartError
from mlpackage_runtime.worker.expansion import Limits
from mlpackage_runtime.worker.raw import raw_requested, werkzeug_request
from mlpackage_runtime.worker.request import Request
from mlpackage_runtime.worker.script import Script

Arguments = Dict[str, Any]
OTHER_TYPES = ("text/csv", "image/", "audio/", "video/", "application/octet-stream")  # in which commas are no values


class Style(NamedTuple):
    """A call style: its description for the log, whether run() gets the raw request, and how to make the arguments."""

    described: str
    raw: bool
    arguments: Callable[[Request], Arguments]


def choose_style(script: Script, limits: Limits) -> Style:
    """Return the script's call style; raises StartError for a script that asks for two."""
    raw, decorated = raw_requested(), is_schema_decorated(script.run)
    if raw and decorated:
        raise StartError("run() cannot be decorated with both @rawhttp and @input_schema")
    if raw:
        name = script.parameters[0].name
        described = "run() is decorated with @rawhttp. Server will invoke it with the request object."
        return Style(described, raw=True, arguments=lambda request: {name: werkzeug_request(request)})
    if decorated:
        names = ", ".join(parameter.name for parameter in script.parameters)
        described = (
            f"run() is decorated with @input_schema. Server will invoke it with the following arguments: {names}."
        )
        return Style(described, raw=False, arguments=by_name(script.parameters, limits))
    described = "run() is not decorated. Server will invoke it with the input in JSON string."
    return Style(described, raw=False, arguments=as_text(script.parameters[0].name, limits))


def is_schema_decorated(run: Callable[..., Any]) -> bool:
    """Return whether inference_schema decorates run(), without importing it for scripts that do not."""
    if "inference_schema" not in sys.modules:
        return False
    return bool(importlib.import_module("inference_schema.schema_util").is_schema_decorated(run))


def as_text(name: str, limits: Limits) -> Callable[[Request], Arguments]:
    """Return a function that gives run() the body as text, or the query as the text of a JSON object."""

    def arguments(request: Request) -> Arguments:
        if request.method == b"GET":
            return {name: json.dumps(request.query_values())}
        body = _decoded(request, limits)
        if not request.header(b"content-type").startswith(OTHER_TYPES):
            limits.check_values(body)
        try:
            return {name: body.decode("utf-8")}
        except UnicodeDecodeError as error:
            raise RefusedRequest(400, f"Input cannot be decoded as UTF-8: {error}") from None

    return arguments


def by_name(parameters: Sequence[inspect.Parameter], limits: Limits) -> Callable[[Request], Arguments]:
    """Return a function that gives run() the members of the JSON body, or the values of the query, by name."""
    loads = decoder()

    def arguments(request: Request) -> Arguments:
        values = request.query_values() if request.method == b"GET" else _json_object(request, limits, loads)
        found = {parameter.name: values.get(parameter.name, parameter.default) for parameter in parameters}
        for name, value in found.items():
            if value is inspect.Parameter.empty:
                raise RefusedRequest(400, f"A value is not provided for the {name!r} parameter.")
        return found

    return arguments


def _json_object(request: Request, limits: Limits, loads: Callable[[bytes], Any]) -> Arguments:
    if not _is_json(request.header(b"content-type")):
        raise RefusedRequest(415, "Expects Content-Type to be application/json")
    body = _decoded(request, limits)
    if not body:
        raise RefusedRequest(400, "POST body is empty. Expecting a JSON dictionary.")
    limits.check_values(body)
    try:
        value = loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedRequest(400, f"POST body could not be decoded as JSON: {error}") from None
    if not isinstance(value, dict):
        raise RefusedRequest(400, "POST body should be a JSON dictionary.")
    return value


def _decoded(request: Request, limits: Limits) -> bytes:
    return limits.decoded(request.body, request.header(b"content-encoding").strip().lower())


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
