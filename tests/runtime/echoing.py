"""A script that answers with all that it received, and how its answers compare with what h11 saw."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import unquote_to_bytes, urlsplit

from wire import REFUSALS, Answer, Seen, View

ECHO = """
    import hashlib
    from azureml_inference_server_http.api.aml_request import rawhttp

    def init():
        pass

    @rawhttp
    def run(request):
        environ = request.environ
        return {
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "query": environ["QUERY_STRING"],
            "fields": {name: value for name, value in environ.items() if name.startswith("HTTP_")},
            "body": hashlib.sha256(request.get_data()).hexdigest(),
        }
"""
SCRIPT_METHODS = ("GET", "HEAD", "OPTIONS", "POST")
# Fields about the connection and the framing. The server may act on them and drop them.
OF_THE_CONNECTION = {
    *("HTTP_CONNECTION", "HTTP_UPGRADE", "HTTP_HTTP2_SETTINGS", "HTTP_TRANSFER_ENCODING", "HTTP_EXPECT", "HTTP_TE"),
    *("HTTP_KEEP_ALIVE", "HTTP_TRAILER"),
}
ELSEWHERE = {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"}  # WSGI keeps them under other names


def differences(view: View, answers: list[Answer], *, clean: bool) -> list[str]:
    """Return how the answers to a stream of bytes differ from those to the requests that h11 sees in it.

    The server may refuse, and close, where h11 sees a request, except in a `clean` stream.
    """
    seen, _, end = view
    found: list[str] = []
    if clean and len(answers) != len(seen):
        found.append(f"{len(answers)} answers to {len(seen)} right requests: {answers}")
    for number, answer in enumerate(answers):
        if answer.status == 500:
            found.append(f"answer {number} is the server's own failure: {answer}")
        if answer.closes and number + 1 < len(answers):
            found.append(f"answers came after the last one, {number}: {answers}")
        if answer.status in REFUSALS and answer.closes and not clean:
            return found
        if number == len(seen) and end.endswith(" body") and not _is_echo(answer):
            return found  # answered before its body has arrived, which cannot be read to its end
        if number < len(seen):
            found += [f"answer {number} {text}" for text in _against(seen[number], answer)]
        else:
            found.append(f"answer {number} is to a request that is not there (h11 {end}): {answer}")
    # The server need not read the rest of a body after an early answer.
    if len(answers) < len(seen) and not (answers and (answers[-1].closes or not _is_echo(answers[-1]))):
        found.append(f"the connection ended without a word, after {answers} (h11 {end})")
    return found


def _is_echo(answer: Answer) -> bool:
    return b'"fields"' in answer.body


def _against(request: Seen, answer: Answer) -> list[str]:
    expected = as_the_script_sees(request)
    if expected["path"] != "/score" or request.method not in SCRIPT_METHODS:
        return [f"comes from the script, and the path is {expected['path']}"] if _is_echo(answer) else []
    if request.method == "HEAD":
        return [] if (answer.status, answer.body) == (200, b"") else [f"to HEAD is {answer}"]
    if answer.status != 200:
        return []  # stricter than h11
    given = json.loads(answer.body)
    given["fields"] = _comparable(given["fields"])
    return [
        f"has {name} {given[name]!r}, sent {expected[name]!r}" for name in expected if given[name] != expected[name]
    ]


def as_the_script_sees(request: Seen) -> dict[str, object]:
    """Return a request as the script receives it through WSGI."""
    target = request.target.decode("latin-1").partition("#")[0]
    if not target.startswith("/"):
        parts = urlsplit(target)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    path, _, query = target.partition("?")
    fields: dict[str, str] = {}
    for name, value in request.headers:
        key = f"HTTP_{name.upper().replace('-', '_')}"
        if "_" not in name:
            fields[key] = f"{fields[key]},{value}" if key in fields else value
    body = hashlib.sha256(request.body).hexdigest()
    path = unquote_to_bytes(path.encode("latin-1")).decode("utf-8", "replace")
    return {"method": request.method, "path": path, "query": query, "fields": _comparable(fields), "body": body}


def _comparable(fields: dict[str, str]) -> dict[str, str]:
    kept = fields.keys() - OF_THE_CONNECTION - ELSEWHERE
    return {name: " ".join(fields[name].split()) for name in kept}
