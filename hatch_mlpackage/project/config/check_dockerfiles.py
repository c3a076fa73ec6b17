"""The Dockerfiles that a project brings: the one that makes its base image, and the lines that it adds to the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.project.config.check_base_image import IMAGE, require_python
from hatch_mlpackage.project.config.check_paths import check_path
from hatch_mlpackage.project.config.keys import KEY, Config
from hatch_mlpackage.project.dockerfiles.extra_steps import steps_text, wrong_steps

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.dockerfiles.base_stages import BaseDockerfile
    from hatch_mlpackage.project.pyproject import Project

_BASE, _STEPS = f"{KEY}.base-dockerfile", f"{KEY}.extra-dockerfile-steps"


def read_dockerfile(config: Config, project: Project, problems: Problems) -> BaseDockerfile | None:
    """Read the text of `base-dockerfile`, or the file that it names; None where there is none, or it was reported."""
    value = config.base_dockerfile
    if value is None:
        return None
    from hatch_mlpackage.project.dockerfiles.base_read import parse_base_dockerfile  # noqa: PLC0415 - few projects have one

    try:
        found = parse_base_dockerfile(project.root, value, config.platform)
    except (OSError, UnicodeDecodeError) as error:
        if check_path(project.root, value, _BASE, problems):
            problems.add(_BASE, f"'{value}' cannot be read: {error}.", "Name a text file in UTF-8.")
        return None
    is_file = found.place == value
    return None if is_file and check_path(project.root, value, _BASE, problems) is None else found


def check_base_dockerfile(
    config: Config, project: Project, dockerfile: BaseDockerfile | None, problems: Problems
) -> None:
    if config.base_dockerfile is not None and "base-image" in project.table:
        problems.add(_BASE, "cannot be used with base-image: its FROM names the image.", "Keep one of them.")
    if dockerfile is None:
        return
    for wrong in dockerfile.wrong:
        problems.add(f"{dockerfile.place}:{wrong.line}", wrong.what, wrong.fix)
    for line, image in dockerfile.images:
        if not IMAGE.fullmatch(image):
            problems.add(f"{dockerfile.place}:{line}", f"'{image}' is not an image reference.", "Correct it.")
    if dockerfile.needs_buildkit and config.image.builder == "classic":
        problems.add(
            f"{dockerfile.place}:{dockerfile.needs_buildkit}",
            "needs BuildKit or a recent buildah: the classic builder and kaniko do not support it.",
            f'Set builder = "buildkit" in [{KEY}.image], or write it another way.',
        )
    if not dockerfile.wrong:
        require_python(config, project, problems, _BASE)


def read_steps(config: Config, project: Project, problems: Problems) -> str:
    """Read the lines of `extra-dockerfile-steps`, or the file that it names; nothing where it was reported."""
    steps = config.extra_dockerfile_steps
    if not isinstance(steps, str):
        return steps_text(steps or ())
    path = check_path(project.root, steps, _STEPS, problems)
    if path is None:
        return ""
    if not path.is_file():
        problems.add(_STEPS, f"'{steps}' is not a file.")
        return ""
    try:
        return steps_text(file_bytes(path))
    except (OSError, UnicodeDecodeError) as error:
        problems.add(steps, f"cannot be read: {error}.", "Save it as a text file in UTF-8.")
        return ""


def check_steps(config: Config, text: str, problems: Problems) -> None:
    steps = config.extra_dockerfile_steps
    for line, what, fix in wrong_steps(text):
        problems.add(f"{steps}:{line}" if isinstance(steps, str) else f"{_STEPS}[{line - 1}]", what, fix)
