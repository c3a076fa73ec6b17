from __future__ import annotations

import base64
import json

import pytest

from hatch_mlpackage.lock.images.credentials import Credentials, find_credentials
from hatch_mlpackage.lock.images.reference import parse_reference

BASE = parse_reference("registry.example:5000/team/base:1")


@pytest.fixture
def helper(tmp_path, monkeypatch):
    """Give a function that installs a helper program `docker-credential-test`; it records what it is asked for."""

    def install(body):
        folder = tmp_path / "bin"
        folder.mkdir()
        program = folder / "docker-credential-test"
        program.write_text(
            f'#!/bin/sh\ntest "$1" = get || exit 9\nread server\necho "$server" >> {folder}/asked\n{body}\n'
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        return folder / "asked"

    return install


@pytest.mark.parametrize(
    "name", ["registry.example:5000/team", "registry.example:5000", "https://registry.example:5000/v2/"]
)
def test_from_the_file(tmp_path, logins, reports, name, login):
    """A login that `docker login` or `podman login` keeps in the file is found under each of its names."""
    logins(auths={"other.example": login("other", "other"), name: login("me", "a:b")})

    found = find_credentials(BASE, reports.append)

    origin = str(tmp_path / "home/.docker/config.json")
    assert found == Credentials(origin=origin, user="me", password="a:b")
    assert found.basic == "Basic " + base64.b64encode(b"me:a:b").decode()
    assert reports == []


def test_from_the_environment(logins, reports, monkeypatch, login):
    """A CI job's DOCKER_AUTH_CONFIG comes before the files, for the registries that it names."""
    logins(auths={"registry.example:5000": login("file", "1"), "other.example": login("file", "2")})
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps({"auths": {"registry.example:5000": login("job", "secret-3")}}))

    found = find_credentials(BASE, reports.append)
    other = find_credentials(parse_reference("other.example/base:1"), reports.append)

    assert found == Credentials(origin="DOCKER_AUTH_CONFIG", user="job", password="secret-3")
    assert (other.user, other.password) == ("file", "2")
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", "{secret-4")
    assert find_credentials(BASE, reports.append).user == "file"
    assert reports == ["DOCKER_AUTH_CONFIG: not readable as JSON; its logins are not used."]


def test_nothing_secret_is_shown(logins, reports):
    """The printed form of credentials leaves out the password and the token."""
    shown = repr(Credentials(origin="here", user="me", password="secret-1", identity_token="secret-2"))

    assert shown == "Credentials(origin='here', user='me')"


def test_the_login_of_podman(tmp_path, monkeypatch, reports, login):
    """Podman's and buildah's login is used where Docker has none."""
    path = tmp_path / "home/run/containers/auth.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"auths": {"registry.example:5000": login("pod", "man")}}))
    assert find_credentials(BASE, reports.append) == Credentials(origin=str(path), user="pod", password="man")

    other = tmp_path / "auth.json"
    other.write_text(json.dumps({"auths": {"registry.example:5000": login("named", "file")}}))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(other))
    assert find_credentials(BASE, reports.append) == Credentials(origin=str(other), user="named", password="file")


def test_docker_config(tmp_path, monkeypatch, reports, login):
    """DOCKER_CONFIG names another folder, as it does for docker, and an identity token needs no password."""
    entry = {**login("00000000-0000-0000-0000-000000000000", ""), "identitytoken": "token"}
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"registry.example:5000": entry}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

    assert find_credentials(BASE, reports.append) == Credentials(
        origin=str(tmp_path / "config.json"), user="00000000-0000-0000-0000-000000000000", identity_token="token"
    )


@pytest.mark.parametrize("settings", [{"credsStore": "test"}, {"credHelpers": {"registry.example:5000": "test"}}])
def test_from_a_helper(logins, helper, reports, settings):
    """A helper program is asked for the registry's login, and its answer comes before the file's."""
    logins(**settings, auths={"registry.example:5000": {}})
    asked = helper(
        'case "$server" in registry.example:5000) echo \'{"Username": "me", "Secret": "from the keychain"}\';; '
        "*) echo credentials not found in native keychain; exit 1;; esac"
    )

    found = find_credentials(BASE, reports.append)

    assert found == Credentials(origin="docker-credential-test", user="me", password="from the keychain")
    assert asked.read_text().splitlines()[-1] == "registry.example:5000"
    assert reports == []


def test_an_identity_token_of_a_helper(logins, helper, reports):
    """A helper's user name `<token>` marks its secret as an identity token."""
    logins(credsStore="test")
    helper('echo \'{"Username": "<token>", "Secret": "token"}\'')

    found = find_credentials(BASE, reports.append)

    assert found == Credentials(origin="docker-credential-test", identity_token="token")


def test_a_helper_without_the_login(logins, helper, reports):
    """A helper without a login for the registry gives no credentials and no report."""
    logins(credsStore="test")
    helper("echo credentials not found in native keychain; exit 1")

    assert (find_credentials(BASE, reports.append), reports) == (None, [])


def test_helpers_that_fail(logins, helper, reports):
    """A missing or failing helper is reported without its output, and gives no credentials."""
    logins(credsStore="absent")
    assert find_credentials(BASE, reports.append) is None
    logins(credsStore="test")
    helper("echo secret")
    assert find_credentials(BASE, reports.append) is None

    assert reports == [
        "docker-credential-absent is not installed: the registry is asked without the login it keeps.",
        "docker-credential-test failed: the registry is asked without the login it keeps.",
    ]


def test_a_broken_file(tmp_path, logins, reports):
    """Damaged settings give no credentials, and settings that are not JSON are reported."""
    logins()
    path = tmp_path / "home/.docker/config.json"
    path.write_text("{")
    assert find_credentials(BASE, reports.append) is None
    path.write_text("[]")
    assert find_credentials(BASE, reports.append) is None
    path.write_text('{"auths": {"registry.example:5000": {"auth": "é"}}}')
    assert find_credentials(BASE, reports.append) is None

    assert reports == [f"{path}: not readable as JSON; its logins are not used."]
