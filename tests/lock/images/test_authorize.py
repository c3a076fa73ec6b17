"""Logins and tokens that real registries ask for, and the hosts that they are sent to."""

from __future__ import annotations

import pytest

from hatch_mlpackage.errors import UnavailableError
from hatch_mlpackage.lock.images.resolve import Resolved
from hatch_mlpackage.lock.images.transport import UnreachableError


def test_a_password(private_registry, logins, login, asked_of):
    """A login of Docker's settings opens a private registry."""
    digest = private_registry.push_image("secret", "1")
    logins(auths={private_registry.host: login(private_registry.user, private_registry.password)})

    assert asked_of(f"{private_registry.host}/secret:1") == Resolved(digest=digest)


def test_no_login(private_registry, asked_of):
    """Without a login the error says how to log in, and what to do for an image that only this machine has."""
    private_registry.push_image("secret", "1")

    with pytest.raises(UnavailableError) as raised:
        asked_of(f"{private_registry.host}/secret:1")

    assert not isinstance(raised.value, UnreachableError)
    assert str(raised.value) == (
        f"{private_registry.host} asks for a login for {private_registry.host}/secret:1, or has no such repository. "
        f"Log in: docker login {private_registry.host}. For an image that only this machine has, set pin-base-image = "
        "false."
    )


def test_a_wrong_password(private_registry, tmp_path, logins, login, asked_of):
    """The error about a refused login names where the login was found and shows neither user nor password."""
    private_registry.push_image("secret", "1")
    logins(auths={private_registry.host: login(private_registry.user, "guessed-it")})

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


def test_a_token_for_everybody(token_registry, token_server, stocked, asked_of):
    """A registry that wants a token, as Docker Hub does, gives one for a public image without a login."""
    found = asked_of(f"{token_registry.host}/public/base:1")

    assert found == Resolved(digest=stocked["public/base"]["linux/amd64"], index=stocked["public/base"]["1"])
    assert token_server.asked == [("", {"service": token_server.service, "scope": "repository:public/base:pull"})]


def test_a_token_for_a_password(token_registry, token_server, stocked, logins, login, asked_of):
    """The password goes once, and only to the token server, whose token opens the registry."""
    logins(auths={token_registry.host: login(token_registry.user, token_registry.password)})

    found = asked_of(f"{token_registry.host}/private/base:1")

    assert found.digest == stocked["private/base"]["linux/amd64"]
    assert len(token_server.asked) == 1


def test_a_token_for_an_identity_token(token_registry, token_server, stocked, logins, login, asked_of):
    """An identity token, as cloud registries hand out, is exchanged for an access token."""
    logins(auths={token_registry.host: {**login("<token>", ""), "identitytoken": token_server.identity}})

    found = asked_of(f"{token_registry.host}/private/base:1")

    assert found.digest == stocked["private/base"]["linux/amd64"]
    assert token_server.asked == [
        (
            "",
            {
                "grant_type": "refresh_token",
                "client_id": "mlpackage",
                "refresh_token": token_server.identity,
                "service": token_server.service,
                "scope": "repository:private/base:pull",
            },
        )
    ]


@pytest.mark.parametrize("password", [None, "guessed-it"], ids=["no login", "wrong password"])
def test_a_token_refused(token_registry, stocked, logins, password, login, asked_of):
    """A token server that refuses is reported like a registry that does."""
    logins(auths={token_registry.host: login(token_registry.user, password)} if password else {})

    with pytest.raises(UnavailableError, match="refuses" if password else "asks for a login"):
        asked_of(f"{token_registry.host}/private/base:1")


def test_a_token_server_in_the_open(script, logins, login, asked_of):
    """A password is never sent unencrypted to another host, even if the registry asks for it."""
    script.answers["*"] = 401, {"WWW-Authenticate": 'Bearer realm="http://tokens.example/token"'}, b""
    logins(auths={script.host: login("reader", "secret")})

    with pytest.raises(UnavailableError) as raised:
        asked_of(f"{script.host}/base:1")

    assert str(raised.value) == (
        "The registry asks to log in at 'http://tokens.example', where a password could be read on the way. "
        "Nothing was sent."
    )


def test_a_login_stays_with_its_registry(script, open_registry, logins, login, asked_of):
    """A redirect to another host, such as a blob store, does not carry the login along."""
    manifest_digest = open_registry.push_image("blobs", "1")
    logins(auths={script.host: login("reader", "secret")})
    challenge = {"WWW-Authenticate": 'Basic realm="x"'}
    elsewhere = f"http://{open_registry.host}/v2/blobs/manifests/1"

    def answer(headers):
        if "Authorization" not in headers:
            return 401, challenge, b""
        return 307, {"Location": elsewhere}, b""

    script.answers = _Deciding(script, answer)

    assert asked_of(f"{script.host}/blobs:1", known=Resolved(digest=manifest_digest)).digest == manifest_digest
    assert [headers.get("Authorization", "").partition(" ")[0] for _, headers in script.asked] == ["", "Basic"]
    # The other registry has no authentication and fails on a login, so its answer proves that it got none.


class _Deciding:
    def __init__(self, script, answer):
        self.script, self.answer = script, answer

    def get(self, _line):
        return self.answer(self.script.asked[-1][1])
