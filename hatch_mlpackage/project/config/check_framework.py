"""Check the keys of a model that can replace an entry script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hatch_mlpackage.files.typed_tables import did_you_mean
from hatch_mlpackage.project.config.keys import FRAMEWORKS, TENSOR_TYPES, Config
from hatch_mlpackage.project.target import is_version

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.config.keys import Model


def missing_script(config: Config) -> tuple[str, str]:
    """Explain why an entry script is required, and what to do; the framework of a single model could replace it."""
    name_it = 'Name the script with init() and run(): entry-script = "score.py"'
    declared = [model for model in config.models if model.framework]
    if declared and len(config.models) != 1:
        count = len(config.models)
        return (
            f"is required and missing: framework replaces it only where there is one model, and there are {count}.",
            f"{name_it}.",
        )
    if declared and config.source_directory:
        return "is required and missing, because source-directory is set.", f"{name_it}; or remove source-directory."
    choices = ", ".join(FRAMEWORKS)
    return (
        "is required and missing.",
        f"{name_it}; or, for a single model, name its framework in its table: framework = one of {choices}.",
    )


def check_framework(model: Model, where: str, problems: Problems) -> None:
    """Check the keys of a model that let it be served without an entry script."""
    if model.framework is None:
        for key, value in (
            ("framework-version", model.framework_version),
            ("allow-pickle", model.allow_pickle),
            ("inputs", model.inputs),
        ):
            if value:
                problems.add(f"{where}.{key}", "describes a framework, but the model names none.", "Set framework.")
    elif model.framework not in FRAMEWORKS:
        choices = ", ".join(FRAMEWORKS)
        problems.add(
            f"{where}.framework",
            f"'{model.framework}' is not one of {choices}.",
            did_you_mean(model.framework.lower(), FRAMEWORKS),
        )
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
        if given.type not in TENSOR_TYPES:
            problems.add(
                f"{where}[{index}].type",
                f"'{given.type}' is not one of {', '.join(TENSOR_TYPES)}.",
                did_you_mean(given.type, TENSOR_TYPES),
            )
        if any(size < -1 for size in given.shape):
            problems.add(f"{where}[{index}].shape", "holds a size below -1.", "Write -1 where any size is allowed.")
