"""`mlpackage score`: send a request to a running server and print its answer."""

from __future__ import annotations

import http.client
import json
import re
import sys
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import click

from hatch_mlpackage.cli.output import answer, say
from hatch_mlpackage.cli.verbs import Verb
from hatch_mlpackage.errors import MLPackageError, UnavailableError
from hatch_mlpackage.files.quoting import shown_command
from hatch_mlpackage.project.config.keys import PORT

_URL = f"http://127.0.0.1:{PORT}"
_NAME = re.compile(r"[\w./~-]+\.[A-Za-z]\w{0,9}")
_CONNECTIONS: dict[str, type[http.client.HTTPConnection]] = {
    "http": http.client.HTTPConnection,
    "https": http.client.HTTPSConnection,
}


@click.command(
    "score",
    cls=Verb,
    examples=(
        """mlpackage score --data '{"data": [[1.0, 2.0, 3.0]]}'""",
        "mlpackage score --url http://127.0.0.1:8080 --data @request.json",
        "cat request.json | mlpackage score",
    ),
)
@click.option("--url", default=_URL, show_default=True, help="The server, with or without /score.")
@click.option("--data", metavar="TEXT|@FILE|-", help="The request's body, @ and a file that holds it, or - for stdin.")
@click.option("--content-type", default="application/json", show_default=True, help="The media type of the body.")
@click.option("--timeout", default=60.0, show_default=True, help="Seconds to wait for the answer.")
def command(*, url: str, data: str | None, content_type: str, timeout: float) -> int:
    """Send a request to a running server and print the answer.

    Without its @, the name of a file is refused: to send such a text, pipe it in.

    The exit status is 1 when the server answers with an error, and 4 when nothing answers.
    """
    status, reason, text = post(scoring_url(url), read_body(data), content_type=content_type, timeout=timeout)
    answer(text.decode(errors="replace").rstrip("\n"))
    if status == http.client.OK:
        return 0
    say(f"The server answered {status} {reason}.")
    if data and _is_like_a_name(data):
        say(f"There is no file {data}, and its name was sent. To send a file: --data @FILE")
    return 1


def scoring_url(url: str) -> SplitResult:
    """Split a URL, and add /score to one without a path."""
    parts = urlsplit(url if "//" in url else f"http://{url}")
    try:
        good = parts.scheme in _CONNECTIONS and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise click.BadParameter(f"'{url}' is not a URL such as {_URL}.", param_hint="'--url'")
    return parts if parts.path.strip("/") else parts._replace(path="/score")


def read_body(data: str | None) -> bytes:
    """Return the body that `--data` gives, or else what stdin holds; refuse the name of a file without its @."""
    if data is None and sys.stdin.isatty():
        raise click.UsageError("Give the request: --data '{…}', --data @FILE, or pipe it in.")
    if data is None or data == "-":
        return sys.stdin.buffer.read()
    if not data.startswith("@"):
        _require_no_name_of_a_file(data)
        return data.encode()
    try:
        # Whatever the user names, a pipe of the shell too: `--data @<(…)`.
        return Path(data[1:]).read_bytes()
    except OSError as error:
        raise MLPackageError(f"{data[1:]}: cannot be read: {error.strerror}.") from error


def _require_no_name_of_a_file(data: str) -> None:
    """Raise UsageError for a text that is the name of a file and no JSON: it is not what the server waits for."""
    try:
        names_file = Path(data).is_file()
    except (OSError, ValueError):  # a text that is too long for a name, or has a NUL
        return
    if names_file and not _is_json(data):
        meant, pipe = shown_command(("--data", f"@{data}")), shown_command(("printf", "%s", data))
        raise click.UsageError(
            f"{data} is the name of a file, and no JSON: did you mean {meant}? "
            f"To send the name itself: {pipe} | mlpackage score"
        )


def _is_like_a_name(data: str) -> bool:
    return bool(_NAME.fullmatch(data)) and not _is_json(data)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def post(url: SplitResult, body: bytes, *, content_type: str, timeout: float) -> tuple[int, str, bytes]:
    """Send a POST request, and return the status, the reason and the body of the answer.

    Raises UnavailableError when nothing answers within `timeout` seconds.
    """
    connection = _CONNECTIONS[url.scheme](url.hostname or "", url.port, timeout=timeout)
    target = url.path + (f"?{url.query}" if url.query else "")
    try:
        connection.request("POST", target, body, {"Content-Type": content_type})
        response = connection.getresponse()
        return response.status, response.reason, response.read()
    except (OSError, http.client.HTTPException) as error:
        reason = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        raise UnavailableError(
            f"{url.geturl()}: {reason}. Is a server running there? Start one with: mlpackage serve"
        ) from error
    finally:
        connection.close()
