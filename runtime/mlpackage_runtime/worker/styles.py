"""The call styles: how a request becomes the arguments of run()."""

from __future__ import annotations

import inspect
import json
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, Sequence

from mlpackage_runtime.worker.errors import RefusedRequest
from mlpackage_runtime.worker.request import Request

if TYPE_CHECKING:
    from mlpackage_runtime.worker.script import Script

Arguments = Dict[str, Any]
Style = Callable[[Request], Arguments]


def choose_style(script: Script) -> tuple[str, Style]:
    """Return the name of the script's call style, for the log, and the style."""
    if is_schema_decorated(script.run):
        names = ", ".join(parameter.name for parameter in script.parameters)
        return f"decorated with @input_schema: it is called with {names}", by_name(script.parameters)
    return "not decorated: it is called with the body as text", as_text(script.parameters[0].name)


def is_schema_decorated(run: Callable[..., Any]) -> bool:
    """Say whether run() carries inference_schema's decorators; asks only where the script has imported it."""
    schema_util = sys.modules.get("inference_schema.schema_util")
    if schema_util is None and "inference_schema" in sys.modules:
        import importlib

        schema_util = importlib.import_module("inference_schema.schema_util")
    return bool(schema_util and schema_util.is_schema_decorated(run))


def as_text(name: str) -> Style:
    """Give run() the body as text, or the query as the text of a JSON object."""

    def arguments(request: Request) -> Arguments:
        if request.method == b"GET":
            return {name: json.dumps(request.query_values())}
        try:
            return {name: request.body.decode("utf-8")}
        except UnicodeDecodeError as error:
            raise RefusedRequest(400, f"Input cannot be decoded as UTF-8: {error}") from None

    return arguments


def by_name(parameters: Sequence[inspect.Parameter]) -> Style:
    """Give run() the members of the JSON object in the body, or of the query, by name."""

    def arguments(request: Request) -> Arguments:
        values = request.query_values() if request.method == b"GET" else _json_object(request)
        found = {parameter.name: values.get(parameter.name, parameter.default) for parameter in parameters}
        for name, value in found.items():
            if value is inspect.Parameter.empty:
                raise RefusedRequest(400, f"A value is not provided for the {name!r} parameter.")
        return found

    return arguments


def _json_object(request: Request) -> Arguments:
    if not _is_json(request.header(b"content-type")):
        raise RefusedRequest(415, "Expects Content-Type to be application/json")
    if not request.body:
        raise RefusedRequest(400, "POST body is empty. Expecting a JSON dictionary.")
    try:
        value = json.loads(request.body)
    except ValueError as error:
        raise RefusedRequest(400, f"POST body could not be decoded as JSON: {error}") from None
    if not isinstance(value, dict):
        raise RefusedRequest(400, "POST body should be a JSON dictionary.")
    return value


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
