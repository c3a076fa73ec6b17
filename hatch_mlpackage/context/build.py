"""Plan and write the context of a project; the command line and the plugins call these functions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from hatch_mlpackage import __version__
from hatch_mlpackage.context.bill import installed, make_bill
from hatch_mlpackage.context.cyclonedx import SBOM_NAME, Component
from hatch_mlpackage.context.image_values import about_run, dockerfile_values, readme_values, server_environment
from hatch_mlpackage.context.locked_files import (
    conda_files,
    old_pip_file,
    project_wheel_file,
    wheel_files,
    without_urls,
)
from hatch_mlpackage.context.manifest import MANIFEST_NAME, Manifest, ManifestFile, hashes_of
from hatch_mlpackage.context.named_contexts import declared_places, sums_texts
from hatch_mlpackage.context.outside_links import link_problems
from hatch_mlpackage.context.package import Package, inspect_project
from hatch_mlpackage.context.package_sources import source_problems
from hatch_mlpackage.context.plan import ContextFile, ContextPlan, Hashed, make_plan, text_file
from hatch_mlpackage.context.secret_files import secret_problems
from hatch_mlpackage.context.verify import reason_to_keep
from hatch_mlpackage.context.write.file import Reuse
from hatch_mlpackage.context.write.folder import refuse_foreign, write_files
from hatch_mlpackage.context.write.hard_links import HardLinks, linked_to
from hatch_mlpackage.context.write.read import Progress
from hatch_mlpackage.context.write.tar import replacing, write_tar
from hatch_mlpackage.errors import ConfigurationError, ContextError, Problem, explained
from hatch_mlpackage.files.fixed_time import TIMESTAMP
from hatch_mlpackage.files.known_hashes import SMALLEST, open_known_hashes
from hatch_mlpackage.files.read import real_path
from hatch_mlpackage.files.templates import render
from hatch_mlpackage.lock.check_locks import check_project_conda, check_project_images, check_project_lock
from hatch_mlpackage.lock.images.base_image import BaseImageState
from hatch_mlpackage.project.config.keys import KEY, Config
from hatch_mlpackage.project.pyproject import Project

BASE_IMAGE = "base-image"
_ANY_SHA256 = "0" * 64  # every hash is as long


def _no_progress(file: ContextFile, written: int) -> None:
    del file, written


def _ignore_warning(warning: str) -> None:
    del warning


def plan_context(project: Project) -> ContextPlan:
    """Plan the whole context.

    Raises ConfigurationError, or LockError when the lock is missing, stale or damaged.
    """
    return plan_package(inspect_project(project))


def plan_package(package: Package, *, warn: Callable[[str], None] | None = None) -> ContextPlan:
    """Plan the context of a project that was inspected; errors as for `plan_context`, `warn` as for `build_context`."""
    return _prepare(package, warn).plan


def finished(package: Package, plan: ContextPlan) -> ContextPlan:
    """Add the files that are made last, which hold the hashes of all others, to a plan: only their sizes are known."""
    base_image = check_project_images(package)[0].image
    prepared = _Prepared(package=package, base_image=base_image, plan=plan, packages=installed(package))
    made_last, _ = _finish_context(prepared, [(file, _ANY_SHA256) for file in plan.files])
    return replace(plan, files=tuple(sorted((*plan.files, *made_last), key=lambda file: file.path)))


def build_context(
    project: Project,
    destination: Path,
    *,
    progress: Progress = _no_progress,
    warn: Callable[[str], None] = _ignore_warning,
    hardlink: bool = False,
) -> Manifest:
    """Write the context and return its manifest; what was at the destination stays until the new one is whole.

    `warn` gets a text for each locked digest that no longer counts, for each file that looks like a secret and for each
    link out of the project; with `strict = true`, these are problems of a ConfigurationError. With
    `hardlink`, as with `image.models = "hard-linked"`, models are hard links to the project's files where that is
    possible, and `warn` gets a text for each of the others. Raises ConfigurationError, LockError or ContextError.
    """
    prepared = _prepare(inspect_project(project), warn)
    return write_files(
        prepared.plan.files,
        destination,
        finish=partial(_finish_context, prepared),
        reason_to_keep=_reason_to_keep(prepared.plan),
        timestamp=TIMESTAMP,
        reuse=_reuse(prepared.plan, destination),
        links=HardLinks(_linked_layers(prepared.package.config, always=hardlink), warn),
        progress=progress,
    )


def build_tar(
    project: Project,
    destination: Path | BinaryIO,
    *,
    progress: Progress = _no_progress,
    warn: Callable[[str], None] = _ignore_warning,
) -> Manifest:
    """Write the context as a tar to a file or a stream, without a folder of it, and return its manifest.

    A file that was at the destination stays until the new one is whole. Raises ConfigurationError or LockError before
    anything is written, or ContextError. `warn` as for a folder.
    """
    prepared = _prepare(inspect_project(project), warn)
    write = partial(
        write_tar,
        prepared.plan.files,
        finish=partial(_finish_context, prepared),
        timestamp=TIMESTAMP,
        progress=progress,
    )
    if not isinstance(destination, Path):
        with explained("The stream"):
            return write(destination)
    _refuse_to_hold_itself(prepared.plan, destination)
    with replacing(destination) as stream:
        return write(stream)


def _refuse_to_hold_itself(plan: ContextPlan, destination: Path) -> None:
    """Stop before the tar of an earlier run goes into the next one with the source tree that it lies in."""
    place = real_path(destination)
    if any(isinstance(file.source, Path) and real_path(file.source) == place for file in plan.files):
        raise ContextError(
            f"{destination}: is part of the context itself. Remove it, and choose a place outside source-directory."
        )


def _reuse(plan: ContextPlan, destination: Path) -> Reuse:
    """Return what a large file may be taken from; without one, the earlier context is not read for it."""
    is_any_large = any(file.size >= SMALLEST for file in plan.files)
    return Reuse(
        directory=destination, hashes=hashes_of(destination) if is_any_large else {}, known=open_known_hashes()
    )


def _linked_layers(config: Config, *, always: bool) -> frozenset[str]:
    """Return the layers whose files are to be hard links."""
    wanted = always or config.image.models == "hard-linked"
    return frozenset(model.context_path for model in config.models) if wanted else frozenset()


def check_destination(destination: Path, plan: ContextPlan) -> None:
    """Raise ContextError when something that must not be replaced stands where the planned context would go."""
    refuse_foreign(destination, _reason_to_keep(plan))


def _reason_to_keep(plan: ContextPlan) -> Callable[[Path], str]:
    linked = linked_to(file.source for file in plan.files if isinstance(file.source, Path))
    return lambda directory: reason_to_keep(directory, linked)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Prepared:
    """A plan with what the files that are made last say: the image that it starts from and the packages in it."""

    package: Package
    base_image: str
    plan: ContextPlan
    packages: tuple[Component, ...]


def _prepare(package: Package, warn: Callable[[str], None] | None) -> _Prepared:
    check_project_lock(package).require(package.config.lock_path)
    check_project_conda(package).require(package.config.conda_lock_path)
    images = check_project_images(package)
    _doubt(package, images, warn)
    return _Prepared(
        package=package, base_image=images[0].image, plan=plan_files(package, images), packages=installed(package)
    )


def _doubt(package: Package, images: Sequence[BaseImageState], warn: Callable[[str], None] | None) -> None:
    """Warn of what is doubtful, and raise ConfigurationError for what makes the image useless.

    Where the project is strict, every warning is an error, except those of sources that it does not want checked.
    """
    strict = package.config.strict
    unpinned = [said for image in images if (image.lock or strict) and (said := image.describe())]
    doubtful = doubtful_files(package) if warn or strict else ()
    sources = tuple(problem for problem in source_problems(package) if problem.level != "hint")
    wrong = as_errors((*map(base_image_problem, unpinned), *doubtful)) if strict else ()
    wrong += _errors_of_sources(sources, strict=strict) if package.config.check else ()
    if wrong:
        raise ConfigurationError(wrong)
    no_code = package.no_code
    unread = (f"{KEY}.models[0]: {no_code.unread}",) if no_code and no_code.unread else ()
    for said in (*unpinned, *unread, *map(str, (*doubtful, *sources))):
        (warn or _ignore_warning)(said)


def _errors_of_sources(found: tuple[Problem, ...], *, strict: bool) -> tuple[Problem, ...]:
    """Return the errors, the last of which also says how to write the context in spite of them."""
    errors = tuple(problem for problem in (as_errors(found) if strict else found) if problem.level == "error")
    anyway = f"To write the context anyway: --no-check, or check = false in [{KEY}]."
    return tuple(replace(it, fix=f"{it.fix} {anyway}") if it is errors[-1] else it for it in errors)


def doubtful_files(package: Package) -> tuple[Problem, ...]:
    """Return a warning of each file that looks like a secret, and of each link out of the project."""
    files, root, config = package.files, package.project.root, package.config
    return (
        *secret_problems(files, root, config.allowed_secrets),
        *link_problems(files, root, config.allowed_links),
    )


def base_image_problem(said: str) -> Problem:
    return Problem(where=f"{KEY}.base-image", what=said, level="warning", code=BASE_IMAGE)


def as_errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Turn warnings into errors, as `strict` does; hints stay."""
    return tuple(replace(it, level="error") if it.level == "warning" else it for it in problems)


def plan_files(package: Package, images: Sequence[BaseImageState]) -> ContextPlan:
    """Plan the context of a package whose locks fit."""
    requirements = text_file("environment/requirements.txt", without_urls(package), layer="environment")
    texts = [
        *wheel_files(package),
        *project_wheel_file(package),
        *(() if package.config.user_managed_dependencies else (requirements,)),
        *conda_files(package),
        *old_pip_file(package),
    ]
    texts += [
        text_file("Dockerfile", render("Dockerfile.j2", dockerfile_values(package, images, texts)), layer="build"),
        text_file(".dockerignore", render("dockerignore", {}), layer="build"),
    ]
    files = [*package.files, *texts]
    files.append(text_file("README.md", render("README.md.j2", readme_values(package, files)), layer="build"))
    return make_plan(files, package.config.models)


def _finish_context(prepared: _Prepared, hashed: Hashed) -> tuple[tuple[ContextFile, ...], Manifest]:
    """Make the files that hold the hashes of all others: the bill of materials, and last the manifest."""
    bill = make_bill(prepared.package, prepared.base_image, prepared.packages, hashed)
    texts = ((SBOM_NAME, "manifest", bill), *sums_texts(hashed))
    made = [
        (text_file(path, text, layer=layer), hashlib.sha256(text.encode()).hexdigest()) for path, layer, text in texts
    ]
    manifest = _make_manifest(prepared, sorted([*hashed, *made], key=lambda entry: entry[0].path))
    files = (*(file for file, _ in made), text_file(MANIFEST_NAME, manifest.to_json(), layer="manifest"))
    return files, manifest


def _about_built(package: Package) -> dict[str, object]:
    """Return what the manifest says of wheels that were built from source archives; nothing where none was."""
    built = [
        {
            "name": it.name,
            "version": it.version,
            "archive": it.archive,
            "archive_sha256": it.digest.removeprefix("sha256:"),
            "without_extensions": it.is_reduced,
        }
        for it in package.locks.built
    ]
    return {"built_from_source": built} if built else {}


def _make_manifest(prepared: _Prepared, hashed: Hashed) -> Manifest:
    package = prepared.package
    config, project = package.config, package.project
    cuda = {"cuda": config.cuda} if config.cuda else {}
    server_python = config.server_target.python
    server = {"server-python": server_python} if server_python != config.python_version else {}
    about = {
        "generator": {"hatch-mlpackage": __version__},
        "project": {"name": project.name, "version": project.version},
        "image": {
            "name": package.image_name,
            "base": prepared.base_image,
            "platform": config.platform,
            "python": config.python_version,
            **server,
            **cuda,
            **about_run(package),
            "environment": dict(server_environment(package)),
        },
        **_about_built(package),
        **declared_places(config),
    }
    files = tuple(
        ManifestFile(
            path=file.path,
            layer=file.layer,
            size=file.size,
            mode=f"{file.mode:04o}",
            sha256=sha256,
            named_context=file.named_context,
        )
        for file, sha256 in hashed
    )
    return Manifest(about=about, layers=prepared.plan.layers, files=files)
