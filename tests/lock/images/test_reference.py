from __future__ import annotations

import pytest

from hatch_mlpackage.lock.images.reference import Reference, is_loopback, parse_reference

DIGEST = f"sha256:{'5' * 64}"


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest", "address"),
    [
        ("python", "docker.io", "library/python", "latest", None, "https://registry-1.docker.io/v2/library/python"),
        (
            "docker.io/python:3",
            "docker.io",
            "library/python",
            "3",
            None,
            "https://registry-1.docker.io/v2/library/python",
        ),
        ("index.docker.io/a/b", "docker.io", "a/b", "latest", None, "https://registry-1.docker.io/v2/a/b"),
        (
            f"team/base@{DIGEST}",
            "docker.io",
            "team/base",
            "latest",
            DIGEST,
            "https://registry-1.docker.io/v2/team/base",
        ),
        (f"quay.io/a/b/c:1@{DIGEST}", "quay.io", "a/b/c", "1", DIGEST, "https://quay.io/v2/a/b/c"),
        ("localhost/base", "localhost", "base", "latest", None, "http://localhost/v2/base"),
        ("127.0.0.1:5000/base:2", "127.0.0.1:5000", "base", "2", None, "http://127.0.0.1:5000/v2/base"),
        ("registry:5000/base:2", "registry:5000", "base", "2", None, "https://registry:5000/v2/base"),
    ],
)
def test_parse(text, registry, repository, tag, digest, address):
    """A reference is read as container engines read it, with Docker Hub, `library/` and `latest` as defaults."""
    expected = Reference(registry=registry, repository=repository, tag=tag, digest=digest)

    assert parse_reference(text) == expected
    assert expected.address == address


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("127.8.0.1", True),
        ("localhost.example.com", False),
        ("10.0.0.1:5000", False),
        ("registry.example:5000", False),
    ],
)
def test_loopback(host, expected):
    """Only names and addresses of this machine count as loopback, which needs no encryption."""
    assert is_loopback(host) is expected


def test_names_of_logins():
    """A login for the repository comes before one for its registry, and Docker Hub's has a name of its own."""
    assert parse_reference("quay.io/a/b:1").credential_names == (
        "quay.io/a/b",
        "quay.io/a",
        "quay.io",
        "https://quay.io",
        "https://quay.io/",
        "https://quay.io/v2/",
        "https://quay.io/v1/",
    )
    assert parse_reference("python").credential_names == (
        "docker.io/library/python",
        "docker.io/library",
        "docker.io",
        "https://index.docker.io/v1/",
        "index.docker.io",
        "registry-1.docker.io",
    )
