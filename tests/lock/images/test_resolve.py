"""Resolving references with a real registry, and with a stand-in for answers that no real one gives."""

from __future__ import annotations

import hashlib
import json

import pytest

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.lock.images.resolve import Resolved

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"


def digest_of(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.mark.parametrize("oci", [True, False], ids=["oci", "docker"])
def test_an_image_of_one_platform(open_registry, oci, asked_of):
    """A tag that names one image resolves to it, in both families of media types."""
    digest = open_registry.push_image(f"plain-{oci}".lower(), "1.0", oci=oci)

    assert asked_of(f"{open_registry.host}/plain-{oci}:1.0".lower()) == Resolved(digest=digest)


@pytest.mark.parametrize("oci", [True, False], ids=["oci", "docker"])
@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64"])
def test_an_index(open_registry, oci, platform, asked_of):
    """A tag that names an index resolves to the manifest of the platform, and attestations are skipped."""
    name = f"index-{oci}".lower()
    pushed = open_registry.push_index(name, "1.0", "windows/amd64", "linux/arm64", "linux/amd64", oci=oci)

    found = asked_of(f"{open_registry.host}/{name}:1.0", platform)

    assert found == Resolved(digest=pushed[platform], index=pushed["1.0"])


def test_variants(open_registry, asked_of):
    """Among the variants of an architecture, the one that every such machine can run is chosen."""
    pushed = open_registry.push_index(
        "variants", "latest", "linux/arm64/v9", "linux/arm64/v8", "linux/amd64/v3", "linux/amd64"
    )
    asked = f"{open_registry.host}/variants"

    assert asked_of(asked, "linux/arm64").digest == pushed["linux/arm64/v8"]
    assert asked_of(asked, "linux/amd64").digest == pushed["linux/amd64"]


def test_another_platform(open_registry, asked_of):
    """A platform that the image lacks is an error that lists the image's platforms."""
    open_registry.push_index("arms", "1", "linux/arm64", "linux/s390x")
    open_registry.push_image("arm", "1", platform="linux/arm64")

    with pytest.raises(LockError) as of_index:
        asked_of(f"{open_registry.host}/arms:1")
    with pytest.raises(LockError) as of_image:
        asked_of(f"{open_registry.host}/arm:1")

    said = "has no image for linux/amd64; there are: {}. Change base-image or platform."
    assert str(of_index.value) == f"base-image '{open_registry.host}/arms:1' {said.format('linux/arm64, linux/s390x')}"
    assert str(of_image.value) == f"base-image '{open_registry.host}/arm:1' {said.format('linux/arm64')}"


def test_a_tag_that_moves(open_registry, asked_of):
    """A known digest stays while the tag points to it, and is replaced once the tag has moved."""
    asked = f"{open_registry.host}/moving:1"
    first = open_registry.push_index("moving", "1", "linux/amd64", "linux/arm64")
    known = asked_of(asked)
    assert known == Resolved(digest=first["linux/amd64"], index=first["1"])
    assert asked_of(asked, known=known) is known

    second = open_registry.push_image("moving", "1", layer=b"newer")

    assert asked_of(asked, known=known) == Resolved(digest=second)


@pytest.mark.parametrize("name", ["open:no-such-tag", "no-such-repository:1"])
def test_no_such_image(open_registry, name, asked_of):
    """A tag or repository that does not exist is an error that names it."""
    open_registry.push_image("open", "1")

    with pytest.raises(LockError) as raised:
        asked_of(f"{open_registry.host}/{name}")

    repository, _, tag = name.partition(":")
    assert str(raised.value) == (
        f"base-image '{open_registry.host}/{name}' does not exist: {open_registry.host} has no {repository} with the "
        f"tag {tag}. Correct it in pyproject.toml; for an image that only this machine has, set pin-base-image = false."
    )


def test_an_index_with_a_hole(open_registry, asked_of):
    """An index whose image for the platform was deleted is reported as incomplete."""
    pushed = open_registry.push_index("hole", "1", "linux/amd64")
    open_registry.delete_manifest("hole", pushed["linux/amd64"])

    with pytest.raises(LockError, match=r"hole:1' is incomplete: .* lacks a part that the image itself names"):
        asked_of(f"{open_registry.host}/hole:1")


@pytest.mark.parametrize("named", [True, False], ids=["by the header", "by the request"])
def test_bytes_that_do_not_fit_their_digest(script, named, asked_of):
    """A manifest whose bytes do not match the promised digest is refused, wherever the digest was named."""
    promised = digest_of(b"the original")
    if named:
        script.answers["HEAD /v2/base/manifests/1"] = 200, {"Docker-Content-Digest": promised}, b""
    else:
        script.answers["HEAD /v2/base/manifests/1"] = 405, {}, b""
    script.answers["*"] = 200, {"Docker-Content-Digest": promised}, b"{}"

    with pytest.raises(UnavailableError) as raised:
        asked_of(f"{script.host}/base:1")

    assert str(raised.value) == (
        f"{script.host} answered for {script.host}/base:1 with bytes whose digest is not {promised}. "
        "Something on the way changes them: nothing was locked."
    )


@pytest.mark.parametrize("body", [b"<html>Welcome to the hotel</html>", b"[]"])
def test_something_else(script, body, asked_of):
    """An answer that is not a manifest is refused."""
    script.answers["*"] = 200, {}, body

    with pytest.raises(LockError, match=r"is not an image: .* has something else there"):
        asked_of(f"{script.host}/base:1")


def test_an_artifact(script, asked_of):
    """A manifest of another kind than an image's is refused."""
    script.answers["*"] = 200, {}, json.dumps({"schemaVersion": 1, "mediaType": "text/plain"}).encode()

    with pytest.raises(LockError, match=r"is of a kind that cannot be pinned \(text/plain\)"):
        asked_of(f"{script.host}/base:1")


def test_malformed_digests(script, asked_of):
    """A malformed digest is refused, so that no other text reaches a Dockerfile."""
    evil = {
        "mediaType": OCI_MANIFEST,
        "digest": "sha256:0\nRUN rm",
        "platform": {"os": "linux", "architecture": "amd64"},
    }
    index = json.dumps({"mediaType": OCI_INDEX, "manifests": [evil]}).encode()
    script.answers["*"] = 200, {"Docker-Content-Digest": digest_of(index)}, index

    with pytest.raises(LockError, match="has no image for linux/amd64; there are: none"):
        asked_of(f"{script.host}/base:1")


def test_what_is_asked(script, asked_of):
    """The client asks for the tag with HEAD, which is no pull, and then for its digest, in all media types."""
    index = json.dumps({"mediaType": OCI_INDEX, "manifests": []}).encode()
    script.answers["*"] = 200, {"Docker-Content-Digest": digest_of(index)}, index

    with pytest.raises(LockError):
        asked_of(f"{script.host}/base:1")

    assert [line for line, _ in script.asked] == [
        "HEAD /v2/base/manifests/1",
        f"GET /v2/base/manifests/{digest_of(index)}",
    ]
    assert {OCI_INDEX, OCI_MANIFEST, DOCKER_LIST} <= set(script.asked[0][1]["Accept"].split(", "))
