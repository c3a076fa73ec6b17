"""Make the bill of materials from the locks, the files of the context and the base image."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from hatch_mlpackage import __version__
from hatch_mlpackage.context.cyclonedx import (
    Component,
    Origin,
    digest_of_files,
    make_sbom,
    purl_of_conda_package,
    purl_of_image,
    purl_of_package,
)
from hatch_mlpackage.context.plan import Hashed
from hatch_mlpackage.files.read import file_bytes, file_text
from hatch_mlpackage.files.resources import runtime_directory, server_lock_path
from hatch_mlpackage.lock.inputs import LockInputs
from hatch_mlpackage.lock.pins.built_wheels import BuiltRecord
from hatch_mlpackage.lock.pins.packages import LockedPackage, packages_of
from hatch_mlpackage.lock.pins.pins import read_pins
from hatch_mlpackage.project.config.keys import Model


def installed(inputs: LockInputs) -> tuple[Component, ...]:
    """Describe the packages that the image installs; the locks have been checked.

    Raises LockError when `packages.json` is damaged.
    """
    server_lock = server_lock_path(runtime_directory(), inputs.config.server_target.python)
    described = server_lock.with_name("packages.json")
    return (
        *_packages("environment", inputs.locks.packages, inputs.locks.built),
        *_conda_packages(inputs),
        *_packages("server", packages_of(read_pins(file_text(server_lock)), file_bytes(described))),
    )


def make_bill(inputs: LockInputs, base_image: str, packages: Iterable[Component], hashed: Hashed) -> str:
    """Return the bill of materials of the image that the hashed files of a context make."""
    project, config = inputs.project, inputs.config
    image = Component(ref="image", kind="container", name=project.name, version=project.version)
    components = [
        Component(ref="base", kind="container", name=base_image, version="", purl=purl_of_image(base_image)),
        _runtime(hashed),
        *(_model(model, hashed) for model in config.models),
        *packages,
    ]
    # Nobody has listed the packages of the base image: a reader has to know that where the model's packages are in it.
    unknown = ("base",) if config.user_managed_dependencies or config.base_dockerfile else ()
    return make_sbom(image, components, __version__, unknown=unknown)


def _packages(
    environment: str, packages: Iterable[LockedPackage], built: Iterable[BuiltRecord] = ()
) -> Iterator[Component]:
    archives = {record.name: record for record in built}
    for package in packages:
        record = archives.get(package.name)
        yield Component(
            ref=f"{environment}/{package.name}@{package.version}",
            kind="library",
            name=package.name,
            version=package.version,
            purl=purl_of_package(package.name, package.version),
            sha256=package.sha256,
            license=package.license,
            origin=_origin(record) if record else None,
        )


def _origin(record: BuiltRecord) -> Origin:
    extensions = ", without its extensions" if record.is_reduced else ""
    return Origin(
        purl=purl_of_package(record.name, record.version, record.archive),
        name=record.name,
        version=record.version,
        sha256=record.digest.removeprefix("sha256:"),
        notes=f"built from {record.archive} by `mlpackage lock`{extensions}",
    )


def _conda_packages(inputs: LockInputs) -> Iterator[Component]:
    if inputs.conda is None or inputs.conda.file.kind == "pip":
        return
    for package in inputs.locks.conda_packages:
        yield Component(
            ref=f"conda/{package.name}@{package.version}",
            kind="library",
            name=package.name,
            version=package.version,
            purl=purl_of_conda_package(package.name, package.version, package.build, package.channel, package.subdir),
            sha256=package.sha256,
            license=package.license,
        )


def _model(model: Model, hashed: Hashed) -> Component:
    files = [(file.path, sha256) for file, sha256 in hashed if file.layer == model.context_path]
    return Component(
        ref=f"model/{model.name}@{model.version}",
        kind="machine-learning-model",
        name=model.name,
        version=model.version,
        sha256=files[0][1] if len(files) == 1 else digest_of_files(files),
    )


def _runtime(hashed: Hashed) -> Component:
    files = [(file.path, sha256) for file, sha256 in hashed if re.match(r"runtime/.*\.py$", file.path)]
    return Component(
        ref="runtime",
        kind="application",
        name="mlpackage-runtime",
        version=__version__,
        sha256=digest_of_files(files),
        license="Apache-2.0",
    )
