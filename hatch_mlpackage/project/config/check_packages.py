"""Check the keys that say which packages the image gets, and where their pins come from."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hatch_mlpackage.project.config.check_base_image import IMAGE
from hatch_mlpackage.project.config.check_paths import check_path
from hatch_mlpackage.project.config.foreign_locks import UV_LOCK, how_to_export
from hatch_mlpackage.project.config.keys import KEY, NO_PYLOCK, Config, parts_of_conda_file
from hatch_mlpackage.project.pyproject import HATCHLING

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.pyproject import Project

_PACKAGE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)
# A name (Debian policy 5.6.1) and an architecture; a version, the beginning of one or a release, as apt-get takes them.
_SYSTEM_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+-](:[a-z0-9]+(-[a-z0-9]+)*)?")
_SYSTEM_VERSION = re.compile(r"=[A-Za-z0-9][A-Za-z0-9.+:~-]*\*?|/[A-Za-z0-9][A-Za-z0-9.-]*")
_SYSTEM_FIX = "Write a name, name=version (also name=1.2*) or name/release."
# At the end of an argument, apt-get reads `-` as an order to remove and `+` as one to install, unless a package of that
# very name exists. Debian's names that end in a single plus are these (bookworm).
_NAMED_PLUS = frozenset(
    {
        "elpa-ghub+",
        "elpa-ido-completing-read+",
        "elpa-ox-texinfo+",
        "impose+",
        "memtest86+",
        "minisat+",
        "ncbi-blast+",
        "wmweather+",
    }
)


def check_install_project(config: Config, project: Project, problems: Problems) -> None:
    if config.install_project and project.backend != HATCHLING:
        what = f"the build backend is '{project.backend}'" if project.backend else "there is no pyproject.toml"
        problems.add(
            f"{KEY}.install-project",
            f"needs a project that hatchling builds, but {what}.",
            'Install it as a requirement instead: dependencies = ["."] lets `mlpackage lock` build its wheel.',
        )


def check_build_from_source(config: Config, _project: Project, problems: Problems) -> None:
    """Check that each entry is the name of a package: its version is for the requirements to say."""
    where = f"{KEY}.build-from-source"
    for index, name in enumerate(config.build_from_source):
        if not _PACKAGE_NAME.fullmatch(name):
            problems.add(
                f"{where}[{index}]",
                f"'{name}' is not the name of a package.",
                "Write the name alone; a version goes into the requirements.",
            )
    if config.build_from_source and config.pylock is not None:
        problems.add(
            where,
            f"cannot be used with pylock: the pins of {config.pylock} are taken as they are.",
            f'Remove one of them; with pylock = "{NO_PYLOCK}" the requirements are resolved anew.',
        )


def check_pylock(config: Config, project: Project, problems: Problems) -> None:
    where, name = f"{KEY}.pylock", PurePosixPath(config.pylock or "").name
    if config.pylock is None:
        return
    export = how_to_export(config.pylock)
    if export:
        problems.add(where, f"'{config.pylock}' cannot be read.", export)
        return
    found = check_path(project.root, config.pylock, where, problems)
    if found and not found.is_file():
        problems.add(where, f"'{config.pylock}' is not a file.", "Name a pylock.toml.")
    if name != UV_LOCK and not re.fullmatch(r"pylock(?:\.[^.]+)?\.toml", name):
        fix = "Call it pylock.toml or pylock.<name>.toml, or name a uv.lock."
        problems.add(where, f"'{name}' is not a name for such a file.", fix)
    if config.conda_file:
        problems.add(where, "cannot be used with conda-file.", "Keep one of them.")


def check_conda_paths(config: Config, project: Project, problems: Problems) -> None:
    for key, path, is_kind, kind in (
        ("conda-file", config.conda_file and parts_of_conda_file(config.conda_file)[0], Path.is_file, "a file"),
        ("conda-channel", config.conda_channel, Path.is_dir, "a folder"),
    ):
        found = check_path(project.root, path, f"{KEY}.{key}", problems) if path is not None else None
        if found and not is_kind(found):
            problems.add(f"{KEY}.{key}", f"'{path}' is not {kind}.", f"Name {kind} of the project.")


def check_conda_mode(config: Config, _project: Project, problems: Problems) -> None:
    """Check that the other keys of conda fit its mode."""
    vendored = config.conda_mode == "vendored"
    for key, value, wrong, fix in (
        ("conda-channel", config.conda_channel, not vendored, 'Set conda-mode = "vendored", or remove it.'),
        ("conda-image", config.conda_image, vendored, "Remove it: the base image is used instead."),
    ):
        if value and wrong:
            problems.add(f"{KEY}.{key}", f"is not used in conda-mode '{config.conda_mode}'.", fix)
    if config.conda_image and not IMAGE.fullmatch(config.conda_image):
        problems.add(
            f"{KEY}.conda-image",
            f"'{config.conda_image}' is not an image reference.",
            "Write [registry/]name[:tag][@sha256:digest].",
        )


def check_system_packages(config: Config, _project: Project, problems: Problems) -> None:
    for index, package in enumerate(config.system_packages):
        where = f"{KEY}.system-packages[{index}]"
        name = re.split("[=/]", package, maxsplit=1)[0]
        rest = package[len(name) :]
        if not _SYSTEM_NAME.fullmatch(name):
            problems.add(where, f"'{package}' is not a Debian package name.", _SYSTEM_FIX)
        elif rest and not _SYSTEM_VERSION.fullmatch(rest):
            kind = "version" if rest.startswith("=") else "release"
            problems.add(where, f"'{package}' has no {kind} of Debian: '{rest[1:]}'.", _SYSTEM_FIX)
        elif package.endswith("-"):
            problems.add(
                where, f"'{package}' would remove a package: apt-get reads the dash as an order.", "Remove it."
            )
        elif package.endswith("+") and not re.fullmatch(r"[a-z0-9.+-]+\+\+", package) and package not in _NAMED_PLUS:
            what = f"'{package}' is not a package's name: apt-get reads the plus as an order to install."
            problems.add(where, what, f"Write '{package.rstrip('+')}'.")
