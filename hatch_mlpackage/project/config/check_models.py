"""Check the tables of the models: their names, versions, places and frameworks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hatch_mlpackage.project.config.check_paths import check_path
from hatch_mlpackage.project.config.check_values import check_choice
from hatch_mlpackage.project.config.keys import FRAMEWORKS, KEY, TENSOR_TYPES, Config
from hatch_mlpackage.project.config.model_url import is_host, url_problem
from hatch_mlpackage.project.target import is_version

if TYPE_CHECKING:
    from pathlib import Path

    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.config.keys import Model
    from hatch_mlpackage.project.pyproject import Project

_MODEL_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-._]{0,254}")  # the original's rule for registered models
_MODEL_VERSION = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-._]{0,127}")

SAVE_AGAIN = "Save the model again, or copy or download its file again."

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def check_models(config: Config, project: Project, problems: Problems) -> None:
    seen: dict[tuple[str, str], int] = {}
    for index, model in enumerate(config.models):
        where = f"{KEY}.models[{index}]"
        _check_name(model, where, problems)
        first = seen.setdefault((model.name, model.version), index)
        if first != index:
            what = f"'{model.name}' version {model.version} is already declared as models[{first}]."
            problems.add(where, what, "Change one of them.")
        _check_framework(model, where, problems)
        _check_place(project.root, model, f"{where}.path", problems)
        _check_fetching(model, where, problems)


def _check_name(model: Model, where: str, problems: Problems) -> None:
    if not _MODEL_NAME.fullmatch(model.name):
        problems.add(
            f"{where}.name",
            f"'{model.name}' is not a model name.",
            "Use 1 to 255 letters, digits, dashes, dots and underscores, a letter or digit first.",
        )
    if not _MODEL_VERSION.fullmatch(model.version):
        problems.add(f"{where}.version", f"'{model.version}' is not a version.", 'Use a number such as "3".')


def _check_place(root: Path, model: Model, where: str, problems: Problems) -> None:
    if model.is_remote:
        if found := url_problem(model.path):
            problems.add(where, *found)
        return
    path = check_path(root, model.path, where, problems)
    if path and not (path.is_file() or path.is_dir()):
        problems.add(where, f"'{model.path}' is neither a file nor a folder.")
    if path and path.is_file() and not path.stat().st_size:
        problems.add(where, f"'{model.path}' is empty (0 bytes).", SAVE_AGAIN)


def _check_fetching(model: Model, where: str, problems: Problems) -> None:
    """Check the keys that say which file a URL may have."""
    for key, value in (("sha256", model.sha256), ("max-size-mb", model.max_size_mb)):
        if value is not None and not model.is_remote:
            problems.add(f"{where}.{key}", "is for a model that is declared by URL.", "Remove it.")
    if model.sha256 is not None and not _SHA256.fullmatch(model.sha256):
        problems.add(
            f"{where}.sha256", f"'{model.sha256}' is not a sha256.", "Write the 64 characters that `sha256sum` prints."
        )
    if model.max_size_mb is not None and model.max_size_mb < 1:
        problems.add(f"{where}.max-size-mb", "is less than 1.", "Write a number of megabytes, such as 20000.")


def check_private_hosts(config: Config, _project: Project, problems: Problems) -> None:
    for index, host in enumerate(config.private_hosts):
        if not is_host(host):
            problems.add(
                f"{KEY}.private-hosts[{index}]",
                f"'{host}' is not the name of a host.",
                'Write a name or an address, without a scheme or a port: "models.example" or "127.0.0.1".',
            )


def _check_framework(model: Model, where: str, problems: Problems) -> None:
    """Check the keys of a model that let it be served without an entry script."""
    if model.framework is None:
        for key, value in (
            ("framework-version", model.framework_version),
            ("allow-pickle", model.allow_pickle),
            ("inputs", model.inputs),
        ):
            if value:
                problems.add(f"{where}.{key}", "describes a framework, but the model names none.", "Set framework.")
    else:
        check_choice(model.framework, FRAMEWORKS, f"{where}.framework", problems)
    if model.framework_version is not None and not is_version(model.framework_version):
        problems.add(
            f"{where}.framework-version", f"'{model.framework_version}' is not a version.", 'Write one such as "1.5.2".'
        )
    _check_inputs(model, f"{where}.inputs", problems)


def _check_inputs(model: Model, where: str, problems: Problems) -> None:
    names = [given.name for given in model.inputs]
    for index, given in enumerate(model.inputs):
        if not given.name or given.name in names[:index]:
            problems.add(
                f"{where}[{index}].name", f"'{given.name}' is empty or used twice.", "Give each input its own name."
            )
        check_choice(given.type, TENSOR_TYPES, f"{where}[{index}].type", problems)
        if any(size < -1 for size in given.shape):
            problems.add(f"{where}[{index}].shape", "holds a size below -1.", "Write -1 where any size is allowed.")
