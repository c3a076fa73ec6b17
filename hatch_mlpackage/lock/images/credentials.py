"""Find the logins that `docker login`, `podman login` and their helper programs keep, and never show them."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hatch_mlpackage.files.parse import parse_json
from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.lock.images.reference import Reference

_VARIABLE = "DOCKER_AUTH_CONFIG"  # the content of config.json, as CI systems give it to a job
_HELPER_SECONDS = 60.0  # one may ask the person for a passphrase
_TOKEN_USER = "<token>"  # noqa: S105 - github.com/docker/docker-credential-helpers: the secret is an identity token


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """A login; with an identity token there is no password to send. `origin` is where it was found."""

    origin: str
    user: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """Return the value of the header `Authorization`."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


def find_credentials(reference: Reference, report: Callable[[str], None]) -> Credentials | None:
    """Find the login for an image's registry: in the environment, in Docker's settings, else in Podman's.

    What cannot be read is reported.
    """
    for origin, settings in _settings(os.environ, report):
        found = _from_helper(settings, reference, report) or _from_file(settings, reference, origin)
        if found:
            return found
    return None


def _settings(environment: Mapping[str, str], report: Callable[[str], None]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each place that keeps logins and its content, in Docker's own order (github.com/docker/cli/pull/6008)."""
    if environment.get(_VARIABLE):
        yield _VARIABLE, _parsed(environment[_VARIABLE], _VARIABLE, report)
    for path in _files(environment):
        yield str(path), _read(path, report)


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    home = Path(environment.get("HOME") or "~").expanduser()
    yield Path(environment.get("DOCKER_CONFIG") or home / ".docker", "config.json")
    if environment.get("REGISTRY_AUTH_FILE"):
        yield Path(environment["REGISTRY_AUTH_FILE"])
    else:
        user = os.getuid() if hasattr(os, "getuid") else 0  # Windows has no such folder anyway
        yield Path(environment.get("XDG_RUNTIME_DIR") or f"/run/user/{user}", "containers/auth.json")


def _read(path: Path, report: Callable[[str], None]) -> Mapping[str, Any]:
    try:
        return _parsed(file_bytes(path), str(path), report)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        report(f"{path}: {error.strerror}; its logins are not used.")
        return {}


def _parsed(text: str | bytes, origin: str, report: Callable[[str], None]) -> Mapping[str, Any]:
    try:
        settings = parse_json(text)
    except ValueError:
        report(f"{origin}: not readable as JSON; its logins are not used.")
        return {}
    return settings if isinstance(settings, dict) else {}


def _from_file(settings: Mapping[str, Any], reference: Reference, origin: str) -> Credentials | None:
    kept = _table(settings, "auths")
    for name in reference.credential_names:
        found = _decode(_table(kept, name), origin)
        if found:
            return found
    return None


def _decode(entry: Mapping[str, Any], origin: str) -> Credentials | None:
    user, password = str(entry.get("username", "")), str(entry.get("password", ""))
    if entry.get("auth"):
        try:
            user, _, password = base64.b64decode(str(entry["auth"])).decode().partition(":")
        except ValueError:
            return None
    token = str(entry.get("identitytoken", ""))
    if not (user and password) and not token:
        return None
    return Credentials(origin=origin, user=user, password=password.rstrip("\0"), identity_token=token)


def _from_helper(
    settings: Mapping[str, Any], reference: Reference, report: Callable[[str], None]
) -> Credentials | None:
    helpers = _table(settings, "credHelpers")
    for name in reference.credential_names:
        helper = helpers.get(name) or settings.get("credsStore")
        if isinstance(helper, str) and helper and "/" not in helper:
            said = _ask(f"docker-credential-{helper}", name, report)
            if said is None:
                return None  # it failed, and would for the other names
            if said.get("Secret"):
                return _of_helper(said, f"docker-credential-{helper}")
    return None


def _of_helper(said: Mapping[str, Any], origin: str) -> Credentials:
    user, secret = str(said.get("Username", "")), str(said["Secret"])
    if user == _TOKEN_USER:
        return Credentials(origin=origin, identity_token=secret)
    return Credentials(origin=origin, user=user, password=secret)


def _ask(program: str, server: str, report: Callable[[str], None]) -> Mapping[str, Any] | None:
    """Run a helper program; an empty answer means that it has no login for the server, None that it failed."""
    try:
        done = subprocess.run(
            [program, "get"], input=server, capture_output=True, text=True, timeout=_HELPER_SECONDS, check=False
        )
        said = parse_json(done.stdout) if done.returncode == 0 else {}
    except FileNotFoundError:
        report(f"{program} is not installed: the registry is asked without the login it keeps.")
        return None
    except (OSError, subprocess.TimeoutExpired, ValueError):
        report(f"{program} failed: the registry is asked without the login it keeps.")
        return None
    return said if isinstance(said, dict) else {}


def _table(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = settings.get(name)
    return table if isinstance(table, dict) else {}
