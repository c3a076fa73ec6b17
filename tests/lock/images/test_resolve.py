"""Against real registries, open and with password, tokens or TLS; and a stand-in for what those never do."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.lock.images import transport
from hatch_mlpackage.lock.images.resolve import Resolved, resolve
from hatch_mlpackage.lock.images.transport import UnreachableError

from ...containers.registry import (  # noqa: TID252 - tests are no package
    DOCKER_LIST,
    OCI_INDEX,
    OCI_MANIFEST,
    USER,
    digest_of,
    registry,
)
from .conftest import IDENTITY_TOKEN, SERVICE, login

PLATFORM = "linux/amd64"


def asked_of(asked, platform=PLATFORM, known=None):
    return resolve(asked, platform, known=known, report=pytest.fail)


@pytest.mark.parametrize("oci", [True, False], ids=["oci", "docker"])
def test_an_image_of_one_platform(open_registry, oci):
    """A tag that names one image is resolved to it, in both families of media types."""
    digest = open_registry.push_image(f"plain-{oci}".lower(), "1.0", oci=oci)

    assert asked_of(f"{open_registry.host}/plain-{oci}:1.0".lower()) == Resolved(digest=digest)


@pytest.mark.parametrize("oci", [True, False], ids=["oci", "docker"])
@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64"])
def test_an_index(open_registry, oci, platform):
    """A tag that names an index is resolved to the manifest of the platform; attestations are no image."""
    name = f"index-{oci}".lower()
    pushed = open_registry.push_index(name, "1.0", "windows/amd64", "linux/arm64", "linux/amd64", oci=oci)

    found = asked_of(f"{open_registry.host}/{name}:1.0", platform)

    assert found == Resolved(digest=pushed[platform], index=pushed["1.0"])


def test_variants(open_registry):
    """Of several variants of an architecture the one is taken that every machine of it can run."""
    pushed = open_registry.push_index(
        "variants", "latest", "linux/arm64/v9", "linux/arm64/v8", "linux/amd64/v3", "linux/amd64"
    )
    asked = f"{open_registry.host}/variants"

    assert asked_of(asked, "linux/arm64").digest == pushed["linux/arm64/v8"]
    assert asked_of(asked, "linux/amd64").digest == pushed["linux/amd64"]


def test_another_platform(open_registry):
    """A platform that the image does not exist for is an error that lists those there are."""
    open_registry.push_index("arms", "1", "linux/arm64", "linux/s390x")
    open_registry.push_image("arm", "1", platform="linux/arm64")

    with pytest.raises(LockError) as of_index:
        asked_of(f"{open_registry.host}/arms:1")
    with pytest.raises(LockError) as of_image:
        asked_of(f"{open_registry.host}/arm:1")

    said = "has no image for linux/amd64; there are: {}. Change base-image or platform."
    assert str(of_index.value) == f"base-image '{open_registry.host}/arms:1' {said.format('linux/arm64, linux/s390x')}"
    assert str(of_image.value) == f"base-image '{open_registry.host}/arm:1' {said.format('linux/arm64')}"


def test_a_tag_that_moves(open_registry):
    """What is known is kept while the tag stands for it, and replaced when it has moved."""
    asked = f"{open_registry.host}/moving:1"
    first = open_registry.push_index("moving", "1", "linux/amd64", "linux/arm64")
    known = asked_of(asked)
    assert known == Resolved(digest=first["linux/amd64"], index=first["1"])
    assert asked_of(asked, known=known) is known

    second = open_registry.push_image("moving", "1", layer=b"newer")

    assert asked_of(asked, known=known) == Resolved(digest=second)


@pytest.mark.parametrize("name", ["open:no-such-tag", "no-such-repository:1"])
def test_no_such_image(open_registry, name):
    """A tag or a repository that is not there is an error in the input, which names it."""
    open_registry.push_image("open", "1")

    with pytest.raises(LockError) as raised:
        asked_of(f"{open_registry.host}/{name}")

    repository, _, tag = name.partition(":")
    assert str(raised.value) == (
        f"base-image '{open_registry.host}/{name}' does not exist: {open_registry.host} has no {repository} with the "
        f"tag {tag}. Correct it in pyproject.toml; for an image that only this machine has, set pin-base-image = false."
    )


def test_an_index_with_a_hole(open_registry):
    """An index whose image for the platform was deleted is told as that."""
    pushed = open_registry.push_index("hole", "1", "linux/amd64")
    open_registry.delete_manifest("hole", pushed["linux/amd64"])

    with pytest.raises(LockError, match=r"hole:1' is incomplete: .* lacks a part that the image itself names"):
        asked_of(f"{open_registry.host}/hole:1")


def test_a_password(private_registry, logins):
    """A login of Docker's settings opens a private registry."""
    digest = private_registry.push_image("secret", "1")
    logins(auths={private_registry.host: login()})

    assert asked_of(f"{private_registry.host}/secret:1") == Resolved(digest=digest)


def test_no_login(private_registry):
    """Without a login the error says how to log in, and what to do for an image that is nowhere else."""
    private_registry.push_image("secret", "1")

    with pytest.raises(UnavailableError) as raised:
        asked_of(f"{private_registry.host}/secret:1")

    assert not isinstance(raised.value, UnreachableError)
    assert str(raised.value) == (
        f"{private_registry.host} asks for a login for {private_registry.host}/secret:1, or has no such repository. "
        f"Log in: docker login {private_registry.host}. For an image that only this machine has, set pin-base-image = "
        "false."
    )


def test_a_wrong_password(private_registry, tmp_path, logins):
    """A login that is refused is named by where it was found, never by what it is."""
    private_registry.push_image("secret", "1")
    logins(auths={private_registry.host: login(USER, "guessed-it")})

    with pytest.raises(UnavailableError) as raised:
        asked_of(f"{private_registry.host}/secret:1")

    assert str(raised.value) == (
        f"{private_registry.host} refuses {private_registry.host}/secret:1 to the login found in "
        f"{tmp_path}/home/.docker/config.json. Log in again with one that may read it: "
        f"docker login {private_registry.host}"
    )


@pytest.fixture
def stocked(token_registry, token_server):
    """Put an index into the token registry, public and private, with tokens of the server itself."""
    pushed = {}
    for name in ("public/base", "private/base"):
        token_registry.headers = {"Authorization": f"Bearer {token_server.token(f'repository:{name}:pull,push')}"}
        pushed[name] = token_registry.push_index(name, "1", "linux/amd64")
    return pushed


def test_a_token_for_everybody(token_registry, token_server, stocked):
    """A registry that wants a token, as Docker Hub does, gives one for what is public without a login."""
    found = asked_of(f"{token_registry.host}/public/base:1")

    assert found == Resolved(digest=stocked["public/base"]["linux/amd64"], index=stocked["public/base"]["1"])
    assert token_server.asked == [("", {"service": SERVICE, "scope": "repository:public/base:pull"})]


def test_a_token_for_a_password(token_registry, token_server, stocked, logins):
    """The password goes to the token server alone, once, and the token it gives opens the registry."""
    logins(auths={token_registry.host: login()})

    found = asked_of(f"{token_registry.host}/private/base:1")

    assert found.digest == stocked["private/base"]["linux/amd64"]
    assert len(token_server.asked) == 1


def test_a_token_for_an_identity_token(token_registry, token_server, stocked, logins):
    """An identity token, as cloud registries hand out, is exchanged for an access token."""
    logins(auths={token_registry.host: {**login("<token>", ""), "identitytoken": IDENTITY_TOKEN}})

    found = asked_of(f"{token_registry.host}/private/base:1")

    assert found.digest == stocked["private/base"]["linux/amd64"]
    assert token_server.asked == [
        (
            "",
            {
                "grant_type": "refresh_token",
                "client_id": "mlpackage",
                "refresh_token": IDENTITY_TOKEN,
                "service": SERVICE,
                "scope": "repository:private/base:pull",
            },
        )
    ]


@pytest.mark.parametrize("kept", [None, login(USER, "guessed-it")], ids=["none", "wrong"])
def test_a_token_refused(token_registry, stocked, logins, kept):
    """A token server that refuses is told like a registry that does."""
    logins(auths={token_registry.host: kept})

    with pytest.raises(UnavailableError, match="refuses" if kept else "asks for a login"):
        asked_of(f"{token_registry.host}/private/base:1")


def test_a_token_server_in_the_open(script, logins):
    """A password is never sent where others could read it on the way, whatever a registry asks."""
    script.answers["*"] = 401, {"WWW-Authenticate": 'Bearer realm="http://tokens.example/token"'}, b""
    logins(auths={script.host: login()})

    with pytest.raises(UnavailableError) as raised:
        asked_of(f"{script.host}/base:1")

    assert str(raised.value) == (
        "The registry asks to log in at 'http://tokens.example', where a password could be read on the way. "
        "Nothing was sent."
    )


@pytest.fixture
def tls_registry(tmp_path, certificate, monkeypatch):
    settings = {"tls": {"certificate": str(certificate / "cert.pem"), "key": str(certificate / "key.pem")}}
    # Loopback addresses are spoken to in plain text, so for this test there are none.
    for module in ("reference", "transport", "authorize"):
        monkeypatch.setattr(f"hatch_mlpackage.lock.images.{module}.is_loopback", lambda _host: False)
    with registry(tmp_path / "tls", http=settings) as running:
        yield running


def test_a_certificate(tls_registry, certificate, tmp_path, monkeypatch):
    """An authority is trusted that SSL_CERT_FILE names, or that lies where engines look for this registry's."""
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    asked = f"{tls_registry.host}/base:1"
    with pytest.raises(UnreachableError) as raised:
        asked_of(asked)
    assert str(raised.value) == (
        f"{tls_registry.host} cannot be reached: its certificate is not trusted (self-signed certificate). Name the "
        "authority's certificate in SSL_CERT_FILE, or put it at "
        f"/etc/docker/certs.d/{tls_registry.host}/ca.crt."
    )

    with monkeypatch.context() as named:
        named.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
        with pytest.raises(LockError, match="does not exist"):
            asked_of(asked)

    place = tmp_path / "certs.d" / tls_registry.host
    place.mkdir(parents=True)
    (place / "ca.crt").write_bytes((certificate / "cert.pem").read_bytes())
    monkeypatch.setattr(transport, "CERTIFICATES", (tmp_path / "certs.d",))
    with pytest.raises(LockError, match="does not exist"):
        asked_of(asked)


def test_no_tls(script, monkeypatch):
    """A registry without TLS is told as that."""
    monkeypatch.setattr("hatch_mlpackage.lock.images.reference.is_loopback", lambda _host: False)
    script.answers["*"] = 200, {}, b""

    with pytest.raises(UnreachableError) as raised:
        asked_of(f"{script.host}/base:1")

    assert str(raised.value).startswith(f"{script.host} cannot be reached: it does not speak TLS as expected (")
    assert str(raised.value).endswith("). Plain HTTP is used on loopback addresses only.")


def test_nobody_listens():
    """A registry that is down is told in a sentence."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"

        with pytest.raises(UnreachableError) as raised:
            asked_of(f"{host}/base:1")

    assert str(raised.value) == f"{host} cannot be reached: Connection refused."


def test_no_such_host():
    """A name that nobody knows is told as that; the name is of a kind that never exists (RFC 6761)."""
    with pytest.raises(UnreachableError, match=r"^registry\.invalid cannot be reached: its name cannot be resolved \("):
        asked_of("registry.invalid/base:1")


def test_silence(monkeypatch):
    """A registry that never answers is given up."""
    monkeypatch.setattr(transport, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"

        with pytest.raises(UnreachableError) as raised:
            asked_of(f"{host}/base:1")

    assert str(raised.value) == f"{host} cannot be reached: no answer within 0.2 seconds."


def test_a_trickle(monkeypatch):
    """A registry that is never silent for long, and never done, is given up too."""
    monkeypatch.setattr(transport, "SECONDS_IN_ALL", 0.5)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def trickle():
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not over.wait(0.05):
                    connection.sendall(b"X-More: and more\r\n")

        thread = threading.Thread(target=trickle)
        thread.start()
        host = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(UnreachableError) as raised:
            asked_of(f"{host}/base:1")
        over.set()
        thread.join()

    assert str(raised.value) == f"{host} gave no whole answer within 0.5 seconds."


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            (429, {"Retry-After": "90"}, b""),
            "has had too many requests (429); a login raises its limit. It may be asked again after 90 seconds.",
        ),
        ((429, {}, b""), "has had too many requests (429); a login raises its limit."),
        ((503, {}, b""), "failed (status 503)."),
        ((418, {}, b"I am a teapot"), "answered for {host}/base:1 as no registry does (status 418)."),
        (
            (200, {"Content-Length": str(9 << 20)}, b" " * (9 << 20)),
            "answered with more than 8 MiB: it is no registry.",
        ),
        ((200, {"Content-Length": "10"}, b"{}"), "broke off in the middle of an answer."),
        (
            (302, {"Location": "http://elsewhere.example/"}, b""),
            "redirects to http://elsewhere.example, which is not encrypted.",
        ),
    ],
    ids=["limit with a time", "limit", "failure", "unknown status", "endless", "cut short", "redirect"],
)
def test_registries_in_trouble(script, answer, said):
    """Each way in which a registry can fail has its own sentence, and may be over when asked again."""
    script.answers["*"] = answer

    with pytest.raises(UnreachableError) as raised:
        asked_of(f"{script.host}/base:1")

    assert str(raised.value) == f"{script.host} {said.format(host=script.host)}"


@pytest.mark.parametrize("named", [True, False], ids=["by the header", "by the request"])
def test_bytes_that_do_not_fit_their_digest(script, named):
    """A manifest that something on the way has changed is refused, whoever said its digest."""
    promised = digest_of(b"the original")
    if named:
        script.answers["HEAD /v2/base/manifests/1"] = 200, {"Docker-Content-Digest": promised}, b""
    else:
        script.answers["HEAD /v2/base/manifests/1"] = 405, {}, b""
    script.answers["*"] = 200, {"Docker-Content-Digest": promised}, b"{}"

    with pytest.raises(UnavailableError) as raised:
        asked_of(f"{script.host}/base:1")

    assert str(raised.value) == (
        f"{script.host} answered for {script.host}/base:1 with other bytes than their digest says ({promised}). "
        "Something on the way changes them: nothing was locked."
    )


@pytest.mark.parametrize("body", [b"<html>Welcome to the hotel</html>", b"[]"])
def test_something_else(script, body):
    """What is no manifest is refused."""
    script.answers["*"] = 200, {}, body

    with pytest.raises(LockError, match=r"is no image: .* has something else there"):
        asked_of(f"{script.host}/base:1")


def test_an_artifact(script):
    """A manifest without the configuration of an image has no platform to check, and is refused."""
    script.answers["*"] = 200, {}, json.dumps({"schemaVersion": 1, "mediaType": "text/plain"}).encode()

    with pytest.raises(LockError, match=r"is of a kind that cannot be pinned \(text/plain\)"):
        asked_of(f"{script.host}/base:1")


def test_digests_of_another_kind(script):
    """Only sha256 digests get any further: what is not one never reaches a Dockerfile."""
    evil = {
        "mediaType": OCI_MANIFEST,
        "digest": "sha256:0\nRUN rm",
        "platform": {"os": "linux", "architecture": "amd64"},
    }
    index = json.dumps({"mediaType": OCI_INDEX, "manifests": [evil]}).encode()
    script.answers["*"] = 200, {"Docker-Content-Digest": digest_of(index)}, index

    with pytest.raises(LockError, match="has no image for linux/amd64; there are: none"):
        asked_of(f"{script.host}/base:1")


def test_what_is_asked(script):
    """HEAD by tag comes first, as it is not counted as a pull; then what its digest names, in all media types."""
    index = json.dumps({"mediaType": OCI_INDEX, "manifests": []}).encode()
    script.answers["*"] = 200, {"Docker-Content-Digest": digest_of(index)}, index

    with pytest.raises(LockError):
        asked_of(f"{script.host}/base:1")

    assert [line for line, _ in script.asked] == [
        "HEAD /v2/base/manifests/1",
        f"GET /v2/base/manifests/{digest_of(index)}",
    ]
    assert {OCI_INDEX, OCI_MANIFEST, DOCKER_LIST} <= set(script.asked[0][1]["Accept"].split(", "))


def test_a_proxy(script, monkeypatch):
    """A registry elsewhere is asked through HTTPS_PROXY; one on this machine never is."""
    accepted = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def refuse():
            connection, _ = proxy.accept()
            with connection:
                accepted.append(connection.recv(4096).partition(b"\r\n")[0])
                connection.sendall(b"HTTP/1.1 403 Blocked by policy\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        monkeypatch.setenv("HTTPS_PROXY", address)
        monkeypatch.setenv("HTTP_PROXY", address)
        script.answers["*"] = 503, {}, b""
        with pytest.raises(UnreachableError, match="503"):
            asked_of(f"{script.host}/base:1")
        with pytest.raises(UnreachableError) as raised:
            asked_of("registry.invalid/base:1")
        thread.join()

    assert str(raised.value) == "registry.invalid cannot be reached: Tunnel connection failed: 403 Blocked by policy."
    assert accepted == [b"CONNECT registry.invalid:443 HTTP/1.0"]


def test_a_login_stays_with_its_registry(script, open_registry, logins):
    """A redirect to another host, as to a store of blobs, does not take the login along."""
    manifest_digest = open_registry.push_image("blobs", "1")
    logins(auths={script.host: login()})
    challenge = {"WWW-Authenticate": 'Basic realm="x"'}
    elsewhere = f"http://{open_registry.host}/v2/blobs/manifests/1"

    def answer(headers):
        if "Authorization" not in headers:
            return 401, challenge, b""
        return 307, {"Location": elsewhere}, b""

    script.answers = _Deciding(script, answer)

    assert asked_of(f"{script.host}/blobs:1", known=Resolved(digest=manifest_digest)).digest == manifest_digest
    assert [headers.get("Authorization", "").partition(" ")[0] for _, headers in script.asked] == ["", "Basic"]
    # A registry without authentication fails on a login that it cannot read; it was not sent one.


class _Deciding:
    def __init__(self, script, answer):
        self.script, self.answer = script, answer

    def get(self, _line):
        return self.answer(self.script.asked[-1][1])
