from __future__ import annotations

import http.server
import io
import json
import os
import pty
import re
import shlex
import threading

import pytest

from hatch_mlpackage.serve.health import free_port


@pytest.fixture
def server():
    """Answer each POST with the same score, or with status 400 at /bad, and record the requests."""
    asked: list[tuple[str, str | None, bytes]] = []

    class Echo(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.path, self.headers["Content-Type"], body))
            self.send_response(400 if self.path == "/bad" else 200)
            self.end_headers()
            self.wfile.write(b'{"message": "no"}' if self.path == "/bad" else b"[1.5]")

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["", "/", "/score"])
def test_prints_the_answer(server, mlpackage, path):
    """`score` prints only the answer's body, and asks /score when the URL has no path."""
    url, asked = server

    outcome = mlpackage("score", "--url", url + path, "--data", '{"data": [[1]]}')

    assert (outcome.status, outcome.out, outcome.err) == (0, "[1.5]\n", "")
    assert asked == [("/score", "application/json", b'{"data": [[1]]}')]


def test_a_url_may_lack_its_scheme(server, mlpackage):
    """`score` accepts `127.0.0.1:5001` as a URL."""
    url, _ = server

    assert mlpackage("score", "--url", url.removeprefix("http://"), "--data", "{}").out == "[1.5]\n"


def test_data_from_a_file(server, mlpackage, tmp_path):
    """`--data @FILE` sends the file's bytes unchanged, with the chosen content type."""
    url, asked = server
    (tmp_path / "picture").write_bytes(b"\x89PNG\xff")

    mlpackage("score", "--url", f"{url}/score?a=1", "--data", f"@{tmp_path}/picture", "--content-type", "image/png")

    assert asked == [("/score?a=1", "image/png", b"\x89PNG\xff")]


def test_a_forgotten_at_sign(server, mlpackage, tmp_path, monkeypatch):
    """The name of a file is not sent in place of what the file holds; the command that the message gives does that."""
    (tmp_path / "my request.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    url, asked = server

    refused = mlpackage("score", "--url", url, "--data", "my request.json")
    meant = re.search(r"did you mean (.*)\? To", refused.err)
    outcome = mlpackage("score", "--url", url, *shlex.split(meant[1]))

    assert refused.status == 2
    assert refused.err.splitlines()[-1] == (
        "Error: my request.json is the name of a file, and no JSON: did you mean --data '@my request.json'? "
        "To send the name itself: printf %s 'my request.json' | mlpackage score"
    )
    assert (outcome.status, [body for _, _, body in asked]) == (0, [b"{}"])


@pytest.mark.parametrize("text", ["5", "words", "null", "x" * 5000, "[" * 100_000], ids=lambda text: text[:9])
def test_a_text_that_may_be_meant(server, mlpackage, tmp_path, monkeypatch, text):
    """JSON is sent as it is even if a file has its name, and so is a text for which there is no file."""
    for name in ("5", "null"):
        (tmp_path / name).write_text("{}")
    monkeypatch.chdir(tmp_path)
    url, asked = server

    assert mlpackage("score", "--url", url, "--data", text).status == 0
    assert [body for _, _, body in asked] == [text.encode()]


@pytest.mark.parametrize("data", [[], ["--data", "-"]])
def test_data_from_stdin(server, mlpackage, monkeypatch, data):
    """`score` sends a request from a pipe."""
    url, asked = server
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"[2]")))

    mlpackage("score", "--url", url, *data)

    assert [body for _, _, body in asked] == [b"[2]"]


def test_an_error_of_the_server(server, mlpackage):
    """`score` prints any answer but 200 with its body, and exits with 1."""
    url, _ = server

    outcome = mlpackage("score", "--url", f"{url}/bad", "--data", "{}")

    assert (outcome.status, json.loads(outcome.out)) == (1, {"message": "no"})
    assert outcome.err == "The server answered 400 Bad Request.\n"


def test_nothing_listens(mlpackage):
    """Without a server the exit status is 4, and the error says how to start one."""
    url = f"http://127.0.0.1:{free_port()}"

    outcome = mlpackage("score", "--url", url, "--data", "{}")

    assert (outcome.status, outcome.out) == (4, "")
    assert outcome.err == (
        "Error[unavailable]: Something outside is missing or failed:\n"
        f"  {url}/score: [Errno 111] Connection refused. Is a server running there? Start one with: mlpackage serve\n"
    )


def test_missing_file(mlpackage):
    """The error names a file that does not exist."""
    outcome = mlpackage("score", "--data", "@gone.json")

    assert (outcome.status, outcome.err) == (
        1,
        "Error[failed]: mlpackage score failed:\n  gone.json: cannot be read: No such file or directory.\n",
    )


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://", "http://127.0.0.1:port", "http://127.0.0.1:70000"])
def test_what_is_no_url(mlpackage, url):
    """An invalid URL is wrong usage."""
    outcome = mlpackage("score", "--url", url, "--data", "{}")

    assert outcome.status == 2
    assert f"'{url}' is not a URL such as http://127.0.0.1:5001." in outcome.err


def test_no_request_on_a_terminal(start):
    """On a terminal without a request, `score` lists the ways to give one instead of waiting forever."""
    keyboard, screen = pty.openpty()
    with os.fdopen(keyboard), os.fdopen(screen) as terminal:
        process = start("score", stdin=terminal)
        _, err = process.communicate(timeout=20)

    assert process.returncode == 2
    assert "Give the request: --data '{…}', --data @FILE, or pipe it in." in err
