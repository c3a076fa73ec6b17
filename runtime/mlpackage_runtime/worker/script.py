"""Load the entry script as the original server did, and find out how to call its run()."""

import importlib.util
import inspect
import os
import sys
from types import ModuleType
from typing import Any, Callable, NamedTuple, Sequence

from mlpackage_runtime.worker.errors import StartError

MODULE_NAME = "entry_module"


class Script(NamedTuple):
    """A loaded entry script: `parameters` are those of run() except `request_headers`."""

    file: str
    init: Callable[[], Any]
    run: Callable[..., Any]
    parameters: Sequence[inspect.Parameter]
    wants_headers: bool


def extend_path(app_root: str, source_directory: str) -> None:
    """Make the project's modules importable, in the original's order.

    The current folder, which is the app root in an image, comes before everything else on the path; the app root and
    the source directory come after everything else.
    """
    sys.path.insert(0, os.getcwd())
    sys.path.append(app_root)
    if source_directory:
        sys.path.append(os.path.join(app_root, source_directory))


def load_script(app_root: str, entry_script: str) -> Script:
    """Run the entry script's module, and return its init() and run().

    Raises StartError for a script that breaks the contract, and whatever the script itself raises.
    """
    module = _run_module(app_root, entry_script)
    for name in ("init", "run"):
        if not callable(getattr(module, name, None)):
            raise StartError(f"User script at {module.__file__} does not have a {name}() function defined.")
    driven = getattr(module, "driver_module", None)
    scoring = driven if isinstance(driven, ModuleType) and hasattr(driven, "run") else module
    parameters = list(inspect.signature(scoring.run).parameters.values())
    return Script(
        file=str(scoring.__file__),
        init=module.init,
        run=scoring.run,
        parameters=_data_parameters(parameters),
        wants_headers=any(parameter.name == "request_headers" for parameter in parameters),
    )


def _run_module(app_root: str, entry_script: str) -> ModuleType:
    if not entry_script:
        return importlib.import_module("main")
    path = os.path.join(app_root, entry_script.replace("/", os.sep))
    if not os.path.isfile(path):
        raise StartError(f"No such file or directory: the entry script {path}. Set AZUREML_ENTRY_SCRIPT.")
    spec = importlib.util.spec_from_file_location(MODULE_NAME, path)
    if spec is None or spec.loader is None:
        raise StartError(f"The entry script {path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE_NAME] = module  # dataclasses and pickle look their module up here
    spec.loader.exec_module(module)
    return module


def _data_parameters(parameters: Sequence[inspect.Parameter]) -> Sequence[inspect.Parameter]:
    named = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if any(parameter.kind not in named for parameter in parameters):
        raise StartError("run() cannot accept positional-only arguments, *args, or **kwargs.")
    data = [parameter for parameter in parameters if parameter.name != "request_headers"]
    if not data and len(parameters):
        raise StartError('run() needs to accept an argument other than "request_headers".')
    if not data:
        raise StartError("run() needs to accept an argument for input data.")
    return data
