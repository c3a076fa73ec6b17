"""Parse references to images as container engines do."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

_DOCKER_HUB = "docker.io"
_HOST_OF_DOCKER_HUB = "registry-1.docker.io"
_NAMES_OF_DOCKER_HUB = frozenset({_DOCKER_HUB, "index.docker.io", _HOST_OF_DOCKER_HUB})


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The parts of a reference: `python:3.12` is docker.io, library/python, 3.12 and no digest."""

    registry: str
    repository: str
    tag: str = "latest"
    digest: str | None = None

    @property
    def host(self) -> str:
        """Return the host of the registry's API, with the port where it has one."""
        return _HOST_OF_DOCKER_HUB if self.registry == _DOCKER_HUB else self.registry

    @property
    def address(self) -> str:
        """Return the URL of the repository in the API, with plain HTTP only on this machine."""
        return f"{'http' if is_loopback(self.host) else 'https'}://{self.host}/v2/{self.repository}"

    @property
    def credential_names(self) -> tuple[str, ...]:
        """Return the names under which a login may be kept, the most precise first."""
        if self.registry == _DOCKER_HUB:
            return (
                *_folders(_DOCKER_HUB, self.repository),
                "https://index.docker.io/v1/",
                "index.docker.io",
                _HOST_OF_DOCKER_HUB,
            )
        places = _folders(self.registry, self.repository)
        return (*places, *(f"https://{self.registry}{path}" for path in ("", "/", "/v2/", "/v1/")))


def parse_reference(text: str) -> Reference:
    """Parse a reference that the configuration has accepted."""
    name, _, digest = text.partition("@")
    first, slash, rest = name.partition("/")
    # github.com/distribution/reference: the first part is a host if it has a dot, a port or a capital, or is this name.
    if not slash or not ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        first, rest = _DOCKER_HUB, name
    repository, _, tag = rest.partition(":")
    if first in _NAMES_OF_DOCKER_HUB:
        first = _DOCKER_HUB
        repository = repository if "/" in repository else f"library/{repository}"
    return Reference(registry=first, repository=repository, tag=tag or "latest", digest=digest or None)


def is_loopback(host: str) -> bool:
    """Tell whether a host, with or without a port, is this machine, by Docker's rules."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _folders(registry: str, repository: str) -> list[str]:
    """List a repository and the folders above it, down to the registry (containers-auth.json(5))."""
    parts = [registry, *repository.split("/")]
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
