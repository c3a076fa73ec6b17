"""Turn requests into werkzeug's for scripts that ask for them, and send the werkzeug responses that run() returns."""

import importlib
import io
import re
import sys
import weakref
from typing import Any, Dict, Iterable, Iterator, Set

from mlpackage_runtime.contract import RUN_FAILED
from mlpackage_runtime.worker.request import Request
from mlpackage_runtime.worker.response import Response

FIRST_FAILURE = 500
FINAL_STATUSES = range(200, 600)
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f]")  # they would end a header, or a field of a frame

ENVIRON = {
    "SCRIPT_NAME": "",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.input_terminated": True,
    "wsgi.multithread": False,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}
MODULES = ("azureml_inference_server_http.api.aml_request", "azureml.contrib.services.aml_request")


def raw_requested() -> bool:
    """Return whether the script has used @rawhttp, from our stand-in or from an installed azureml package."""
    return any(getattr(sys.modules.get(name), "_rawHttpRequested", False) for name in MODULES)


def environ_of(request: Request) -> Dict[str, Any]:
    """Return a request as a WSGI environment."""
    headers = request.titled_headers()
    host, _, port = headers.get("Host", "localhost").rpartition(":")
    environ = {
        **ENVIRON,
        "REQUEST_METHOD": request.method.decode("latin-1"),
        "PATH_INFO": request.path.decode("latin-1"),
        "QUERY_STRING": request.query.decode("latin-1"),
        "SERVER_NAME": host or port,
        "SERVER_PORT": port if host and port.isdigit() else "80",
        "REMOTE_ADDR": request.client.decode("latin-1"),
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
    }
    environ.update((f"HTTP_{name.upper().replace('-', '_')}", value) for name, value in headers.items())
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if f"HTTP_{name}" in environ:
            environ[name] = environ.pop(f"HTTP_{name}")
    return environ


def werkzeug_request(request: Request) -> Any:
    """Return a request as the object that @rawhttp scripts get."""
    werkzeug = importlib.import_module("werkzeug.wrappers").Request
    ours = importlib.import_module(MODULES[0]).AMLRequest
    # An installed azureml package has a class that cannot be made from a WSGI environment.
    made = ours if ours.__init__ is werkzeug.__init__ else werkzeug
    environ = environ_of(request)
    raw = made(environ)
    # In a circle, a request would stay in memory, with its body, until the garbage collector comes.
    environ["werkzeug.request"] = weakref.proxy(raw)
    return raw


def is_response(result: Any) -> bool:
    """Return whether run() returned a response of werkzeug, flask or our stand-in, without importing any of them."""
    wrappers = sys.modules.get("werkzeug.wrappers")
    return wrappers is not None and isinstance(result, wrappers.Response)


def response_from(response: Any, request: Request) -> Response:
    """Return a script's response as it goes to the client; raises ValueError for a status or name that HTTP has not."""
    if response.status_code >= FIRST_FAILURE:
        response.headers[RUN_FAILED[0].decode()] = RUN_FAILED[1].decode()
    parts, line, headers = response.get_wsgi_response(environ_of(request))
    status = int(line.split(" ", 1)[0])
    if status not in FINAL_STATUSES:
        raise ValueError(f"a response cannot have the status {status}")
    dropped = _ids_of_the_server(request)
    kept = [(name.lower(), value) for name, value in headers if name.lower() not in dropped]
    wrong = next((name for name, _ in kept if not NAME.fullmatch(name)), None)
    if wrong is not None:
        raise ValueError(f"a header cannot have the name {wrong!r}")
    fields = [_field(text) for header in kept for text in header]
    if response.is_streamed:
        return Response(status, fields, _started(_closing(parts)))
    body = b"".join(parts)
    if hasattr(parts, "close"):
        parts.close()
    return Response(status, fields, body)


def _ids_of_the_server(request: Request) -> Set[str]:
    """Return the names of the headers that the server sets itself, whatever the script says."""
    client_named = request.header(b"x-ms-client-request-id") or request.header(b"x-ms-request-id")
    return {"x-request-id", "x-ms-request-id"} | ({"x-ms-client-request-id"} if client_named else set())


def _field(text: str) -> bytes:
    return CONTROLS.sub(" ", text).encode("latin-1", "replace")


def _closing(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the parts, and close their source however the stream ends."""
    try:
        yield from parts
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()


def _started(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Make the first part now, so that a failure before it can still become an error response."""
    first = next(parts, b"")

    def rest() -> Iterator[bytes]:
        try:
            yield first
            yield from parts
        finally:
            parts.close()  # type: ignore[attr-defined]

    return rest()
