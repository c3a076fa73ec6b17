from __future__ import annotations

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from hatch_mlpackage.context.build import build_context
from hatch_mlpackage.context.cyclonedx import (
    Component,
    digest_of_files,
    make_sbom,
    purl_of_conda_package,
    purl_of_image,
    purl_of_package,
)
from hatch_mlpackage.errors import LockError
from hatch_mlpackage.lock.pins.packages import LockedPackage, packages_of, packages_to_json
from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.project.pyproject import load_project

IMAGE = Component(ref="image", kind="container", name="app", version="1")
SHA = "0" * 64


def test_the_document():
    """Every component appears with its known facts and without invented ones."""
    library = Component(
        ref="environment/a@1",
        kind="library",
        name="a",
        version="1",
        purl="pkg:pypi/a@1",
        sha256=SHA,
        license="mit or apache-2.0",
    )
    bare = Component(ref="base", kind="container", name="python:3.12", version="", license="See LICENSE")

    document = json.loads(make_sbom(IMAGE, [library, bare], "0.1"))

    assert document.pop("serialNumber").startswith("urn:uuid:")
    assert document == {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "hatch-mlpackage", "version": "0.1"}]},
            "component": {"type": "container", "bom-ref": "image", "name": "app", "version": "1"},
        },
        "components": [
            {
                "type": "container",
                "bom-ref": "base",
                "name": "python:3.12",
                "licenses": [{"license": {"name": "See LICENSE"}}],
            },
            {
                "type": "library",
                "bom-ref": "environment/a@1",
                "name": "a",
                "version": "1",
                "hashes": [{"alg": "SHA-256", "content": SHA}],
                "licenses": [{"expression": "MIT OR Apache-2.0"}],
                "purl": "pkg:pypi/a@1",
            },
        ],
        "dependencies": [{"ref": "image", "dependsOn": ["base", "environment/a@1"]}],
    }


def test_the_serial_number_is_that_of_the_contents():
    """The same contents give the same serial number, and other contents another."""
    other = Component(ref="image", kind="container", name="app", version="2")

    assert make_sbom(IMAGE, [], "1") == make_sbom(IMAGE, [], "1")
    assert (
        json.loads(make_sbom(IMAGE, [], "1"))["serialNumber"] != json.loads(make_sbom(other, [], "1"))["serialNumber"]
    )


@pytest.mark.parametrize("case", ["minimal", "two-models"])
def test_the_bill_of_a_context(copy_project, case):
    """The bill of a context is valid by the published schema and names packages, models, runtime and base image."""
    project = load_project(copy_project(case))
    context = project.root / "context"

    build_context(project, context)

    text = (context / "sbom.cdx.json").read_text()
    errors = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert errors is None, errors
    components = {component["bom-ref"]: component for component in json.loads(text)["components"]}
    assert {ref.partition("/")[0] for ref in components} == {"base", "environment", "model", "runtime", "server"}
    assert components["server/h11@0.16.0"]["licenses"] == [{"expression": "MIT"}]
    if case == "two-models":
        assert components["environment/idna@3.10"]["purl"] == "pkg:pypi/idna@3.10"
        assert components["model/weights@3"]["hashes"][0]["content"] == (
            "b413f47d13ee2fe6c845b2ee141af81de858df4ec549a58b7970bb96645bc8d2"
        )


@pytest.mark.parametrize(
    ("reference", "purl"),
    [
        ("python:3.12-slim", "pkg:oci/python?repository_url=python&tag=3.12-slim"),
        (
            f"registry.example:5000/team/python:3.12@sha256:{SHA}",
            f"pkg:oci/python@sha256%3A{SHA}?repository_url=registry.example%3A5000/team/python&tag=3.12",
        ),
        ("registry.example:5000/base", "pkg:oci/base?repository_url=registry.example%3A5000/base"),
    ],
)
def test_purl_of_image(reference, purl):
    """An image's URL has the digest if there is one, and does not take a port for a tag."""
    assert purl_of_image(reference) == purl


def test_purl_of_package():
    """The URL escapes the plus sign of a local version."""
    assert purl_of_package("torch", "2.1+cpu") == "pkg:pypi/torch@2.1%2Bcpu"


def test_purl_of_conda_package():
    """A conda package's URL has its build and platform, and its channel if it has one."""
    assert purl_of_conda_package("numpy", "1.26.4", "py312_0", "conda-forge", "linux-64") == (
        "pkg:conda/numpy@1.26.4?build=py312_0&channel=conda-forge&subdir=linux-64"
    )
    assert purl_of_conda_package("x", "1!2", "0", "", "noarch") == "pkg:conda/x@1%212?build=0&subdir=noarch"


def test_digest_of_files():
    """A folder's digest is that of the sorted lines of `sha256sum`, whatever the order of the files."""
    assert digest_of_files([("b", "2"), ("a", "1")]) == digest_of_files([("a", "1"), ("b", "2")])


PIN = f"a==1.0 \\\n    --hash=sha256:{'1' * 64} \\\n    --hash=sha256:{'2' * 64}\n"


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        (
            packages_to_json([LockedPackage(name="a", version="1.0", wheel="a.whl", sha256="2" * 64, license="MIT")]),
            LockedPackage(name="a", version="1.0", wheel="a.whl", sha256="2" * 64, license="MIT"),
        ),
        (
            packages_to_json([LockedPackage(name="a", version="1.0", wheel="a.whl", sha256="3" * 64, license="MIT")]),
            LockedPackage(name="a", version="1.0", license="MIT"),
        ),
        (
            packages_to_json([LockedPackage(name="a", version="2.0", license="MIT")]),
            LockedPackage(name="a", version="1.0"),
        ),
        (None, LockedPackage(name="a", version="1.0")),
    ],
)
def test_packages_of(kept, expected):
    """Stored package facts are used only if they match the lock."""
    assert packages_of(read_pins(PIN), kept and kept.encode()) == (expected,)


@pytest.mark.parametrize("kept", [b"{", b"[]", b'{"a==1.0": 3}', b'{"a==1.0": {"license": "\xff"}}'])
def test_damaged_packages(kept):
    """A damaged file of package facts is refused, because the bill would silently lack the licences."""
    with pytest.raises(LockError, match=r"^packages\.json is damaged: "):
        packages_of(read_pins(PIN), kept)
