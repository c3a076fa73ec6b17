from __future__ import annotations

import socketserver
import threading

import pytest

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.lock.remote.web import open_web

HERE = ("127.0.0.1",)
METADATA = "http://169.254.169.254/latest/meta-data/iam"


def fetched(url):
    with open_web(url, HERE) as reader:
        return b"".join(iter(lambda: reader.read(4), b""))


def refused(url, kind=LockError):
    with pytest.raises(kind) as raised:
        fetched(url)
    return str(raised.value)


def test_a_file(web):
    """A file is read over https, whatever characters its path holds."""
    web.put("/a%20b/%C3%BC.bin", b"0123456789")

    assert fetched(f"{web.url}/a b/ü.bin") == b"0123456789"


def test_redirects_are_followed(web, plain_web):
    """Redirects lead to other paths, hosts and signed queries, and from http to https."""
    web.put("/file?sig=x", b"found")
    web.redirect("/start", "/file?sig=x")
    plain_web.redirect("/old", f"{web.url}/start")

    assert fetched(f"{plain_web.url}/old") == b"found"


@pytest.mark.parametrize(
    ("location", "to"),
    [
        ("file:///etc/passwd", "file"),
        ("FILE:///etc/passwd", "file"),
        ("ftp://127.0.0.1/x", "ftp"),
        ("data:,x", "data"),
        ("http://127.0.0.1:1/x", "http"),
    ],
)
def test_redirects_to_another_scheme(web, location, to):
    """A redirect from https leads to https alone."""
    web.redirect("/start", location)

    assert refused(f"{web.url}/start") == (
        f"{web.url.removeprefix('https://')} redirects from https to {to}, which is not followed."
    )


def test_a_redirect_from_http_to_a_file(plain_web):
    """A redirect from http to a file of this machine is refused."""
    plain_web.redirect("/start", "file:///etc/passwd")

    assert refused(f"{plain_web.url}/start").endswith("redirects from http to file, which is not followed.")


@pytest.mark.parametrize(
    ("location", "address"),
    [
        (METADATA, "169.254.169.254"),
        ("http://[::ffff:169.254.169.254]/", "::ffff:169.254.169.254"),
        ("http://[fe80::1]/", "fe80::1"),
        ("http://2852039166/", "169.254.169.254"),
        ("http://0251.0376.0251.0376/", "169.254.169.254"),
        ("http://127.0.0.2/", "127.0.0.2"),
        ("http://[::1]/", "::1"),
        ("http://0/", "0.0.0.0"),
    ],
)
def test_redirects_to_addresses_that_are_not_public(plain_web, location, address):
    """A redirect is checked by the address to which it leads, like the URL itself."""
    plain_web.redirect("/start", location)

    assert address in refused(f"{plain_web.url}/start")


@pytest.mark.parametrize("location", ["http://user:pw@127.0.0.1/", "http://a b/", "http://127.0.0.1:x/", "http://[/"])
def test_redirects_to_what_is_no_url(plain_web, location):
    """A redirect to a URL with a password, or without a host, is refused, and its password is not shown."""
    plain_web.redirect("/start", location)

    assert "pw" not in refused(f"{plain_web.url}/start")


def test_a_loop(web):
    """Redirects that lead back are followed only so many times."""
    web.redirect("/start", "/start")

    assert refused(f"{web.url}/start") == f"{web.url.removeprefix('https://')} redirects more than 10 times."


@pytest.mark.parametrize(
    ("status", "headers", "reason"),
    [
        (403, {}, "refuses (403). Name a login for its host in ~/.netrc."),
        (500, {}, "answers with status 500."),
        (206, {}, "answers with status 206."),
        (200, {"Content_Encoding": "gzip"}, "sends the file encoded (gzip), though it was asked not to."),
    ],
)
def test_answers_without_a_file(web, status, headers, reason):
    """An answer that is not the file as it is gives the reason."""
    web.put("/x", b"?", status=status, **headers)

    assert refused(f"{web.url}/x", UnavailableError) == f"{web.url.removeprefix('https://')} {reason}"


@pytest.mark.parametrize("status", [404, 410])
def test_no_such_file(web, status):
    """A missing file is reported as one."""
    web.put("/x", status=status)

    with pytest.raises(FileNotFoundError):
        fetched(f"{web.url}/x")


@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"half", {"Content_Length": "8"}), (b"8\r\nhalf", {"Transfer_Encoding": "chunked"})],
)
def test_an_answer_that_breaks_off(web, body, headers):
    """A file that ends before its length is not taken for a whole one."""
    web.put("/x", body, **headers)

    assert refused(f"{web.url}/x", UnavailableError) == "The server broke off in the middle of the file."


def test_what_is_not_http():
    """A server that does not speak HTTP is reported."""

    class Greeting(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(1000)
            self.request.sendall(b"220 mail.example\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Greeting) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        place = f"127.0.0.1:{server.server_address[1]}"
        said = refused(f"http://{place}/x", UnavailableError)
        thread.join()

    assert said == f"{place} does not speak HTTP as expected: BadStatusLine."


def test_a_certificate_that_is_not_trusted(web, monkeypatch):
    """A certificate that nobody vouches for is refused."""
    monkeypatch.delenv("SSL_CERT_FILE")

    assert "certificate verify failed" in refused(f"{web.url}/x", OSError)


def test_the_login(web, plain_web, tmp_path, monkeypatch):
    """A login in ~/.netrc goes to the declared host over https, and never along a redirect or to any other host."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password pw\ndefault login other password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    web.put("/x")
    plain_web.put("/x")
    plain_web.redirect("/old", f"{web.url}/x")

    for url in (f"{web.url}/x", f"{plain_web.url}/x", f"{plain_web.url}/old"):
        fetched(url)

    assert (web.asked, plain_web.asked) == (
        [("/x", "Basic bWU6cHc="), ("/x", None)],
        [("/x", None), ("/old", None)],
    )
