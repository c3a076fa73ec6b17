"""Resolve a tag to the digest of the image for one platform.

The digest is that of the platform's own manifest, not of the index that lists it: a builder on another kind of machine
then still takes the image that the requirements were locked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.images.reference import parse_reference
from hatch_mlpackage.lock.images.repository import DIGEST, INDEXES, MANIFESTS, Repository

# The variants of an architecture's images, those that run on every machine first.
_VARIANTS = ("", "v8", "v1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """What a tag stands for: the image of the platform, and the index that lists it with others, if there is one."""

    digest: str
    index: str | None = None


def resolve(asked: str, platform: str, *, known: Resolved | None, report: Callable[[str], None]) -> Resolved:
    """Ask the registry for an image; `known`, what its tag stood for last, saves the download where it still does.

    Raises LockError where there is no such image, UnreachableError where the registry cannot be asked just now,
    UnavailableError where it refuses.
    """
    repository = Repository(asked, parse_reference(asked), report)
    top = repository.tagged()
    if known and top == (known.index or known.digest):
        return known
    document = repository.manifest(top)
    if document.get("mediaType") in INDEXES or "manifests" in document:
        digest = _listed(document, asked, platform)
        repository.manifest(digest)  # an index may list what the registry no longer has
        return Resolved(digest=digest, index=top)
    _require(platform, {_platform_of(_configuration(repository, document, asked)): top}, asked)
    return Resolved(digest=top)


def _listed(index: Mapping[str, Any], asked: str, platform: str) -> str:
    """Choose the platform's manifest from an index, the variant that runs on every machine before others."""
    listed = sorted(_entries(index), key=lambda entry: _VARIANTS.index(entry[1]) if entry[1] in _VARIANTS else 9)
    digests: dict[str, str] = {}
    for name, _, digest in listed:
        digests.setdefault(name, digest)
    return _require(platform, digests, asked)


def _entries(index: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield platform, variant and digest of every image; attestations are of platform unknown/unknown."""
    for entry in index.get("manifests") or ():
        digest = str(entry.get("digest"))
        if entry.get("mediaType") in MANIFESTS and DIGEST.fullmatch(digest):
            declared = entry.get("platform") or {}
            yield _platform_of(declared), str(declared.get("variant") or ""), digest


def _configuration(repository: Repository, manifest: Mapping[str, Any], asked: str) -> Mapping[str, Any]:
    named = manifest.get("config")
    digest = str(named.get("digest")) if isinstance(named, dict) else ""
    if not DIGEST.fullmatch(digest):
        raise LockError(f"base-image '{asked}' is of a kind that cannot be pinned ({manifest.get('mediaType')}).")
    return repository.configuration(digest)


def _platform_of(declared: Mapping[str, Any]) -> str:
    return f"{declared.get('os')}/{declared.get('architecture')}"


def _require(platform: str, digests: Mapping[str, str], asked: str) -> str:
    if platform not in digests:
        others = ", ".join(sorted(name for name in digests if name != "unknown/unknown")) or "none"
        raise LockError(
            f"base-image '{asked}' has no image for {platform}; there are: {others}. Change base-image or platform."
        )
    return digests[platform]
