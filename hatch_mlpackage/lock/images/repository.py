"""Read the manifests and configurations of a registry's repository, and compare each with its digest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.files.parse import parse_json
from hatch_mlpackage.lock.images.authorize import answer_challenge
from hatch_mlpackage.lock.images.credentials import Credentials, find_credentials
from hatch_mlpackage.lock.images.reference import Reference
from hatch_mlpackage.lock.images.transport import Answer, UnreachableError, exchange

INDEXES = frozenset(
    {"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"}
)
MANIFESTS = frozenset(
    {"application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"}
)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ACCEPT = ", ".join(sorted(INDEXES | MANIFESTS))
_OK, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY, _SERVER_ERROR = 200, 401, 403, 404, 429, 500


class Repository:
    """Ask a registry for one image, `asked` as the configuration has it; log in once, when the registry demands it."""

    def __init__(self, asked: str, reference: Reference, report: Callable[[str], None]) -> None:
        self._asked = asked
        self._reference = reference
        self._report = report
        self._authorization = ""
        self._credentials: Credentials | None = None

    def tagged(self) -> str:
        """Return the digest that the tag stands for now."""
        path = f"manifests/{self._reference.tag}"
        # HEAD first: Docker Hub counts each GET as a pull.
        head = self._ask(path, method="HEAD")
        named = head.headers.get("Docker-Content-Digest", "")
        if head.status == _OK and DIGEST.fullmatch(named):
            return named
        return _digest_of(self._get(path, None))

    def manifest(self, digest: str) -> Mapping[str, Any]:
        """Return a manifest, or an index of them."""
        return self._document(f"manifests/{digest}", digest)

    def configuration(self, digest: str) -> Mapping[str, Any]:
        """Return the configuration that a manifest names."""
        return self._document(f"blobs/{digest}", digest)

    def _document(self, path: str, digest: str) -> Mapping[str, Any]:
        try:
            document = parse_json(self._get(path, digest))
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise LockError(
                f"base-image '{self._asked}' is not an image: {self._reference.host} has something else there."
            )
        return document

    def _get(self, path: str, digest: str | None) -> bytes:
        answer = self._ask(path)
        if answer.status != _OK:
            self._refuse(answer.status, answer.headers.get("Retry-After", ""), of_tag=digest is None)
        named = digest or answer.headers.get("Docker-Content-Digest")
        if named and named != _digest_of(answer.body):
            raise UnavailableError(
                f"{self._reference.host} answered for {self._asked} with bytes whose digest is not {named}. "
                "Something on the way changes them: nothing was locked."
            )
        return answer.body

    def _ask(self, path: str, *, method: str = "GET") -> Answer:
        answer = self._send(path, method)
        if answer.status != _UNAUTHORIZED or self._authorization:
            return answer
        self._credentials = find_credentials(self._reference, self._report)
        scope = f"repository:{self._reference.repository}:pull"
        found = answer_challenge(answer.headers, scope, self._credentials)
        if isinstance(found, Answer):
            self._refuse(found.status, found.headers.get("Retry-After", ""), of_tag=True)
        self._authorization = found
        return self._send(path, method) if found else answer

    def _send(self, path: str, method: str) -> Answer:
        url = f"{self._reference.address}/{path}"
        return exchange(url, method=method, headers={"Accept": _ACCEPT}, authorization=self._authorization)

    def _refuse(self, status: int, retry_after: str, *, of_tag: bool) -> NoReturn:
        """Raise the error that a status stands for, with the next step."""
        host, asked = self._reference.host, self._asked
        if status == _NOT_FOUND and of_tag:
            raise LockError(
                f"base-image '{asked}' does not exist: {host} has no {self._reference.repository} with the tag "
                f"{self._reference.tag}. Correct it in pyproject.toml; for an image that only this machine has, set "
                "pin-base-image = false."
            )
        if status == _NOT_FOUND:
            raise LockError(f"base-image '{asked}' is incomplete: {host} lacks a part that the image itself names.")
        if status in {_UNAUTHORIZED, _FORBIDDEN}:
            raise UnavailableError(self._denied())
        if status == _TOO_MANY:
            again = f" It may be asked again after {retry_after} seconds." if retry_after.isdigit() else ""
            raise UnreachableError(f"{host} has had too many requests (429); a login raises its limit.{again}")
        if status >= _SERVER_ERROR:
            raise UnreachableError(f"{host} failed (status {status}).")
        raise UnreachableError(f"{host} answered for {asked} with a status that no registry gives ({status}).")

    def _denied(self) -> str:
        host, name = self._reference.host, self._reference.registry
        if self._credentials:
            return (
                f"{host} refuses {self._asked} to the login found in {self._credentials.origin}. "
                f"Log in again with one that may read it: docker login {name}"
            )
        return (
            f"{host} asks for a login for {self._asked}, or has no such repository. Log in: docker login {name}. For "
            "an image that only this machine has, set pin-base-image = false."
        )


def _digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
