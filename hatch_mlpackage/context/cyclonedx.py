"""Write the bill of materials as CycloneDX 1.6 JSON (cyclonedx.org/schema), from locks and the manifest's hashes.

It contains no time and no random number, so that the same context has the same bill.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

SBOM_NAME = "sbom.cdx.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Name the source archive that a component was built from, its sha256 as hex, and how it was built."""

    purl: str
    name: str
    version: str
    sha256: str
    notes: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Component:
    """Describe a part of the image.

    `ref` is unique in the bill; `kind` is a CycloneDX type (`library`, `machine-learning-model`, `application`,
    `container`); `sha256` is hex or empty; `license` is an SPDX expression, another text, or empty.
    """

    ref: str
    kind: str
    name: str
    version: str
    purl: str = ""
    sha256: str = ""
    license: str = ""
    origin: Origin | None = None


def make_sbom(
    image: Component, components: Sequence[Component], generator_version: str, *, unknown: Sequence[str] = ()
) -> str:
    """Return the document that describes `image` and the `components` in it.

    `unknown` are references of components that hold unlisted packages.
    """
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": {
                "components": [{"type": "application", "name": "hatch-mlpackage", "version": generator_version}],
            },
            "component": _entry(image),
        },
        "components": [_entry(component) for component in sorted(components, key=lambda component: component.ref)],
        "dependencies": [{"ref": image.ref, "dependsOn": sorted(component.ref for component in components)}],
    }
    if unknown:
        document["compositions"] = [{"aggregate": "unknown", "assemblies": list(unknown)}]
    serial = uuid.uuid5(uuid.NAMESPACE_URL, _spelled(document))
    return _spelled({"serialNumber": f"urn:uuid:{serial}", **document}) + "\n"


def purl_of_package(name: str, version: str, file: str = "") -> str:
    """Name a package of an index, or one file of it."""
    return f"pkg:pypi/{quote(name)}@{quote(version)}{f'?file_name={quote(file)}' if file else ''}"


def purl_of_conda_package(name: str, version: str, build: str, channel: str, subdir: str) -> str:
    """Name a conda package; `channel` is empty for a vendored one."""
    qualifiers = {"build": build, "channel": channel, "subdir": subdir}
    said = "&".join(f"{key}={quote(value, safe='')}" for key, value in qualifiers.items() if value)
    return f"pkg:conda/{quote(name)}@{quote(version)}?{said}"


def purl_of_image(reference: str) -> str:
    """Name an image as packageurl.org does: by its digest, or else by its tag."""
    named, _, digest = reference.partition("@")
    repository, colon, tag = named.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = named, ""
    name = repository.rpartition("/")[2]
    qualifiers = f"repository_url={quote(repository, safe='/')}" + (f"&tag={quote(tag)}" if tag else "")
    version = f"@{quote(digest, safe='')}" if digest else ""
    return f"pkg:oci/{quote(name)}{version}?{qualifiers}"


def digest_of_files(files: Iterable[tuple[str, str]]) -> str:
    """Hash a folder by the lines `<sha256>  <path>` of its files, sorted by path, as `sha256sum` prints them."""
    lines = "".join(f"{sha256}  {path}\n" for path, sha256 in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def _entry(component: Component) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": component.kind, "bom-ref": component.ref, "name": component.name}
    if component.version:
        entry["version"] = component.version
    if component.sha256:
        entry["hashes"] = [{"alg": "SHA-256", "content": component.sha256}]
    if component.license:
        entry["licenses"] = [_license(component.license)]
    if component.purl:
        entry["purl"] = component.purl
    if component.origin:
        entry["pedigree"] = _pedigree(component.origin)
    return entry


def _pedigree(origin: Origin) -> Mapping[str, Any]:
    archive = Component(
        ref="", kind="library", name=origin.name, version=origin.version, purl=origin.purl, sha256=origin.sha256
    )
    ancestor = {key: value for key, value in _entry(archive).items() if key != "bom-ref"}
    return {"ancestors": [ancestor], "notes": origin.notes}


def _license(text: str) -> Mapping[str, Any]:
    """Return a valid SPDX expression as one, and any other text as a licence's name."""
    try:
        return {"expression": str(canonicalize_license_expression(text))}
    except InvalidLicenseExpression:
        return {"license": {"name": text}}


def _spelled(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
