"""Check the keys that choose the base image and the Python in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from hatch_mlpackage.project.config.keys import KEY, Config
from hatch_mlpackage.project.known_images import CUDA_VERSIONS, cuda_images, cuda_of, is_nvidia, packaged_python
from hatch_mlpackage.project.python_file import PYTHON_VERSION, read_python_version
from hatch_mlpackage.project.target import OLD_PYTHONS, SUPPORTED_PYTHONS, python_of

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.pyproject import Project

# Keys that name packages of Python or conda.
_NAMING_PACKAGES = ("dependencies", "requirements", "conda-file", "pylock", "build-from-source", "install-project")
# github.com/distribution/reference, without the rarely seen IPv6 hosts.
_REPOSITORY = (
    r"(?:[a-zA-Z0-9.\-]+(?::\d+)?/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
)
IMAGE = re.compile(rf"{_REPOSITORY}(?::\w[\w.\-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?", re.ASCII)


def check_python(config: Config, project: Project, problems: Problems) -> None:
    where, version = f"{KEY}.python-version", config.python_version
    if "python-version" not in project.table and version == read_python_version(project.root)[0]:
        where = PYTHON_VERSION
    if version not in SUPPORTED_PYTHONS:
        allowed = ", ".join(SUPPORTED_PYTHONS)
        use = f"Set python-version in [{KEY}] to" if where == PYTHON_VERSION else "Use"
        problems.add(where, f"'{version}' is not a supported Python version.", f"{use} one of {allowed}.")
        return
    if config.base_python == version:
        check_same_python(config, where, problems)
    if project.requires_python and not _allows(project.requires_python, version):
        problems.add(
            where,
            f"'{version}' is excluded by requires-python '{project.requires_python}'.",
            f'Set a version that the project allows: python-version = "X.Y" in [{KEY}].',
        )


def check_same_python(config: Config, where: str, problems: Problems) -> None:
    """Report an image with another Python than the model's packages are locked for."""
    in_image = python_of(config.base_image) if config.base_dockerfile is None else None
    if in_image and in_image != config.python_version:
        what = f"'{config.python_version}' is not the Python of base-image '{config.base_image}'."
        problems.add(where, what, "Make them agree.")


def check_server_image(config: Config, _project: Project, problems: Problems) -> None:
    """Check where the server's Python comes from, and that there is a place where the model's is too old for it."""
    where, image, base = f"{KEY}.server.base-image", config.server.base_image, config.base_image
    like = "such as python:3.13-slim-bookworm"
    if image is None:
        if config.base_python in OLD_PYTHONS:
            problems.add(
                where,
                f"is needed: '{base}' has Python {config.base_python}, which is too old for the server, and its name "
                "does not say which Debian it has.",
                f"Name an image of the same system, or of an older one, with Python 3.8 or later, {like}.",
            )
    elif not IMAGE.fullmatch(image):
        problems.add(where, f"'{image}' is not an image reference.", f"Write name:tag, {like}.")
    elif python_of(image) not in SUPPORTED_PYTHONS or python_of(image) in OLD_PYTHONS:
        has = f"has Python {python_of(image)}" if python_of(image) else "does not say which Python it has"
        fix = f"Name an image of Python 3.8 or later, {like}; a copy of it elsewhere may keep that name."
        problems.add(where, f"'{image}' {has}.", fix)


def _allows(requires_python: str, version: str) -> bool:
    try:
        allowed = SpecifierSet(requires_python)
    except InvalidSpecifier:
        return True  # the build backend reports it
    return any(allowed.contains(f"{version}.{patch}") for patch in (0, 99))


def check_base_image(config: Config, _project: Project, problems: Problems) -> None:
    where = f"{KEY}.base-image"
    if config.base_dockerfile is None and not IMAGE.fullmatch(config.base_image):
        problems.add(
            where,
            f"'{config.base_image}' is not an image reference.",
            "Write [registry/]name[:tag][@sha256:digest], without spaces and with the name in lower case.",
        )
    elif config.system_packages and config.target.libc == "musl":
        problems.add(where, f"'{config.base_image}' has no apt for system-packages.", "Use a Debian or Ubuntu base.")


def check_cuda(config: Config, project: Project, problems: Problems) -> None:
    """Check the CUDA version, and the Python of NVIDIA's images: they have that of their Ubuntu and no other."""
    where, base_image = f"{KEY}.cuda", config.base_image
    cuda, own = config.cuda or "", cuda_of(base_image)
    if not {"base-image", "base-dockerfile"} & project.table.keys() and cuda and not own:
        problems.add(
            where,
            f"'{cuda}' is not one of {', '.join(CUDA_VERSIONS)}.",
            "For another version, name its image in base-image.",
        )
    elif cuda != own and own:
        problems.add(where, f"'{cuda}' is not the CUDA of base-image '{base_image}'.", "Make them agree.")
    own_python = config.user_managed_dependencies or config.base_dockerfile is not None
    python = packaged_python(base_image) if is_nvidia(base_image) and not own_python else None
    if python and python != config.python_version:
        others = " or ".join(f'"{image.python}"' for image in reversed(cuda_images(own))) or f'"{python}"'
        problems.add(
            f"{KEY}.python-version",
            f"'{config.python_version}' is not the Python of '{base_image}', which is Ubuntu's {python}.",
            f"Set python-version to {others}, or name a base-image with CUDA and that Python.",
        )


def check_user_managed(config: Config, project: Project, problems: Problems) -> None:
    """Check that an image which brings the model's packages is given no others, and that its Python is known."""
    where = f"{KEY}.user-managed-dependencies"
    path = config.interpreter_path
    if not config.user_managed_dependencies:
        if path is not None:
            problems.add(f"{KEY}.interpreter-path", "is only used with user-managed-dependencies = true.", "Remove it.")
        return
    named = [key for key in _NAMING_PACKAGES if project.table.get(key)]
    if named:
        problems.add(
            where,
            f"says that the base image brings the model's packages, but {' and '.join(named)} would install others.",
            f"Remove {'them' if len(named) > 1 else 'it'}, or user-managed-dependencies.",
        )
    if path is not None and not re.fullmatch(r"/?[\w.+-]+|/[\w./+-]+", path, re.ASCII):
        problems.add(
            f"{KEY}.interpreter-path",
            f"'{path}' is not a program's name or path.",
            'Write its name, or its whole path in the image: "/opt/conda/bin/python".',
        )
    if config.base_dockerfile is None:
        require_python(config, project, problems, where)


def require_python(config: Config, project: Project, problems: Problems, because: str) -> None:
    """Report a base image whose Python neither its name nor python-version says: any default would be a guess."""
    base_image = config.base_image
    packaged = packaged_python(base_image) if config.base_dockerfile is None else None
    if not (project.table.get("python-version") or python_of(base_image) or packaged):
        problems.add(
            f"{KEY}.python-version",
            f"is required with {because.removeprefix(f'{KEY}.')}: "
            f"the name '{base_image}' does not say which Python it has.",
            'Write python-version = "X.Y"; the build stops if the image has another one.',
        )
