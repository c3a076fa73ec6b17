"""Start a script: load it, call its init(), and log clearly why it cannot start."""

import inspect
import itertools
import os
import sys
import time
import traceback
from typing import Any, Callable, Iterable, Iterator, NamedTuple, Optional, Tuple

from mlpackage_runtime.contract import log
from mlpackage_runtime.frames import Description, WorkerSettings
from mlpackage_runtime.worker import logs, shims, swagger
from mlpackage_runtime.worker.errors import StartError
from mlpackage_runtime.worker.expansion import Limits
from mlpackage_runtime.worker.garbage import fewer_collections
from mlpackage_runtime.worker.imports import SLOW, Times, measured
from mlpackage_runtime.worker.merging import Merging
from mlpackage_runtime.worker.origins import OWN_FOLDER, is_installed, is_of_project
from mlpackage_runtime.worker.scoring import Scoring, awaited
from mlpackage_runtime.worker.script import Script, extend_path, load_script
from mlpackage_runtime.worker.styles import Style, choose_style

ADVICE = "MLPACKAGE_MISSING_MODULE"  # the variable in which `mlpackage serve` says what to do on this machine
TREE_LIMIT = 200


class Started(NamedTuple):
    """A script that is ready to score, what merges its requests if anything does, its description, and its start."""

    scoring: Scoring
    merging: Optional[Merging]
    description: Description
    run: Callable[..., Any]
    times: Times


def start(settings: WorkerSettings) -> Started:
    """Load the script and call its init(); raises StartError, with a traceback of what the script raised."""
    began = time.perf_counter()
    advice = os.environ.pop(ADVICE, "")  # the script's environment is the image's
    shims.install()
    extend_path(settings.app_root, settings.source_directory)
    sys.argv[:] = [os.path.join(settings.app_root, settings.entry_script)]
    logs.configure(settings.log_format)
    logs.apply_own(settings.app_root, settings.entry_script)
    with fewer_collections(), measured() as imports:
        script, style = _loaded(settings, advice)
        loaded = time.perf_counter()
        _initialise(script, settings.model_dir, advice)
    ended = time.perf_counter()
    times = Times(total=ended - began, init=ended - loaded, imports=imports.ranking())
    if times.total > SLOW:
        log.info("%s", times.described())
    documents, supported = swagger.documents(settings, script.run)
    scoring = Scoring(script, style)
    merging = _merging(script, scoring) if settings.batching_max_rows else None
    description = Description(style.raw, merging is not None, documents, supported)
    return Started(scoring, merging, description, script.run, times)


def _loaded(settings: WorkerSettings, advice: str) -> Tuple[Script, Style]:
    try:
        script = load_script(settings.app_root, settings.entry_script)
        log.info("Found user script at %s", script.file)
        style = choose_style(script, Limits(settings))
    except StartError:
        raise
    except BaseException as error:
        raise _broken("Failed to import user script because it raised an unhandled exception", error, advice) from error
    log.info("%s", style.described)
    if inspect.iscoroutinefunction(inspect.unwrap(script.run)):
        import asyncio  # noqa: F401 - so that the first request need not wait for it
    return script, style


def _merging(script: Script, scoring: Scoring) -> Optional[Merging]:
    try:
        return Merging(script, scoring.plan)
    except ValueError as error:
        log.warning("Batching is off: %s", error)
        return None


def _initialise(script: Script, model_dir: str, advice: str) -> None:
    log.info("Invoking user's init function")
    try:
        outcome = script.init()
        if inspect.iscoroutine(outcome):
            awaited(outcome)
    except BaseException as error:
        raise _broken("User's init function failed", error, advice, contents(model_dir)) from error
    log.info("Users's init has completed successfully")


def _broken(what: str, error: BaseException, advice: str, more: Iterable[str] = ()) -> StartError:
    """Describe an exception of the script on one line, and then by its traceback without our own frames.

    Then come further lines, and where a module is missing the interpreter that lacks it, with advice of who started us.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith((OWN_FOLDER, "<frozen importlib")):
        trace = trace.tb_next
    where = _where(error, traceback.extract_tb(trace))
    details = "".join(traceback.format_exception(type(error), error, trace)).rstrip()
    lines = [f"{what}: {where}", details, *more]
    if isinstance(error, ModuleNotFoundError) and error.name:  # without a name, it is ours and has advice of its own
        lines.append(f"The packages are those of {sys.executable}. {_other_version(error.name) or advice}".rstrip())
    return StartError("\n".join(lines))


def _other_version(missing: str) -> str:
    """Return what to do about a missing module of a package that is installed, or "" where the package is missing too.

    Several distributions share a namespace package: one of them may be the one that is missing.
    """
    name, dot, _ = missing.partition(".")
    package = sys.modules.get(name) if dot else None
    file = getattr(package, "__file__", None)
    if not file or not is_installed(file):
        return ""
    there = f"{name} {getattr(package, '__version__', '')}".rstrip()
    return (
        f"{there} is installed and does not have {missing}: the model was probably saved, or the script written, with "
        f"another version of {name}. `mlpackage check` names the versions."
    )


def _where(error: BaseException, frames: traceback.StackSummary) -> str:
    """Return what happened, after the last line of the project that led to it; the traceback shows the rest."""
    summary = traceback.format_exception_only(type(error), error)[-1].strip()
    lines = [(frame.filename, frame.lineno) for frame in frames]
    if isinstance(error, SyntaxError):
        lines.append((error.filename or "", error.lineno))
    own = [line for line in lines if is_of_project(line[0])]
    return "".join(f"{file}:{number}: " for file, number in (own or lines)[-1:]) + summary


def contents(model_dir: str) -> Iterator[str]:
    """Yield lines about the model directory, because a wrong path is why most calls of init() fail."""
    if not model_dir or not os.path.exists(model_dir):
        yield f"AZUREML_MODEL_DIR is {f'{model_dir}, which does not exist' if model_dir else 'not set'}"
        return
    yield "Model Directory Contents:"
    lines = list(itertools.islice(tree(model_dir), TREE_LIMIT + 1))
    yield from lines[:TREE_LIMIT]
    if len(lines) > TREE_LIMIT:
        yield f"Output Truncated. First {TREE_LIMIT} lines shown."


def tree(path: str, depth: int = 0) -> Iterator[str]:
    """Yield a line for a path and for everything below it."""
    path = os.path.normpath(path)
    is_folder = os.path.isdir(path)
    yield f"{'    ' * depth}{os.path.basename(path)}{os.sep if is_folder else ''}"
    for child in sorted(os.listdir(path)) if is_folder else ():
        yield from tree(os.path.join(path, child), depth + 1)
