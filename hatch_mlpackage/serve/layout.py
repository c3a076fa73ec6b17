"""What `serve` starts: the same layout and variables as in the image, in a folder of its own.

The files are copies, and no links: a script that resolves its own path stays in the layout, and what it writes there
reaches neither the project nor a context, which must stay as its manifest says.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from hatch_mlpackage.context.image_values import APP_ROOT, server_environment
from hatch_mlpackage.context.manifest import Manifest, read_manifest
from hatch_mlpackage.context.package import SAMPLE, inspect_project
from hatch_mlpackage.context.plan import APP_DIRECTORY
from hatch_mlpackage.context.verify import require_proven
from hatch_mlpackage.errors import ContextError, MLPackageError
from hatch_mlpackage.files.resources import runtime_directory
from hatch_mlpackage.project.config.keys import MODELS_DIRECTORY
from hatch_mlpackage.project.pyproject import Project
from hatch_mlpackage.serve.copies import Copies
from hatch_mlpackage.serve.interpreter import require_parsed
from hatch_mlpackage.serve.locked import Locked, locked_by_context, locked_by_project

_RUNTIME = "runtime"
_REMEDY = (
    "Move it away and make it again: mlpackage generate. "
    "To serve files that you edit, serve the project: mlpackage serve --reload"
)
_NEEDED = ("starlette", "uvicorn")


@dataclass(frozen=True, kw_only=True, slots=True)
class Serving:
    """The server's program folder, where it runs, its variables and flags, and the files whose change matters.

    A sample request may lie in `sample_folder`. `own_folder` is that of the sources as the user knows them, not as they
    are laid out; it is None where they are served from their own place. `locked` is what the image would install, None
    where that is not known. `requirements` are what the project asks pip for, as far as that is known.
    """

    runtime: Path
    folder: Path
    environment: Mapping[str, str]
    sample_folder: Path = Path()
    own_folder: Path | None = None
    flags: tuple[str, ...] = ()
    watched: tuple[Path, ...] = ()
    locked: Locked | None = None
    requirements: tuple[str, ...] = ()


def serve_project(project: Project, top: Path, copies: Copies | None = None) -> Serving:
    """Lay out a project below `top`, an empty folder, from its own files.

    Raises ConfigurationError, or MLPackageError where there is no room.
    """
    package = inspect_project(project)
    _place(((file.path, file.source) for file in package.files), top, copies or Copies())
    config = package.config
    script = config.source_directory or config.entry_script
    named = (*((script,) if script else ()), *(model.path for model in config.models))
    watched = tuple(project.root / path for path in ("pyproject.toml", *named))
    beside = (project.root / config.entry_script).parent if config.entry_script else project.root
    sources = beside if config.source_directory is None else project.root / config.source_directory
    own_folder = sources if config.entry_script else None  # a generated script lies nowhere else
    serving = _below(top, server_environment(package), watched, locked_by_project(package))
    asked = package.requirements.requirements
    return replace(serving, sample_folder=beside, own_folder=own_folder, requirements=asked)


def serve_context(context: Path, top: Path, copies: Copies | None = None) -> Serving:
    """Lay out a context below `top`, an empty folder, from the context's files, its runtime included.

    Raises ContextError when the folder is no context, was changed after it was written, or an earlier version made it.
    """
    manifest = read_manifest(context)
    if manifest.not_copied:
        raise ContextError(
            f'{context}: holds no models (image.models = "named-context"). Serve the project instead: mlpackage serve'
        )
    variables = _listed_variables(context, manifest)
    require_proven(context, _REMEDY)
    sources = {file.path: context.absolute() / file.path for file in manifest.files}
    _place(sources.items(), top, copies or Copies())
    sources_at = context.absolute() / APP_DIRECTORY
    beside = (sources_at / variables.get("AZUREML_ENTRY_SCRIPT", "")).parent
    own_folder = sources_at / variables.get("AZUREML_SOURCE_DIRECTORY", "")
    serving = _below(top, variables, tuple(sources.values()), locked_by_context(context, manifest))
    return replace(serving, sample_folder=context if SAMPLE in sources else beside, own_folder=own_folder)


def serve_script(script: Path, model_dir: Path | None, interpreter: str) -> Serving:
    """Serve a script from where it is, as the original server's command line did.

    Raises EntryScriptError for a script that the interpreter cannot parse.
    """
    require_parsed(script, interpreter)
    models = ("--model-dir", str(model_dir.absolute())) if model_dir else ()
    return Serving(
        runtime=runtime_directory(),
        folder=Path.cwd(),
        environment={"AML_APP_ROOT": str(Path.cwd())},
        flags=("--entry-script", str(script), *models),
        sample_folder=script.parent,
        watched=(script.absolute().parent,),
    )


def require_server() -> None:
    """Raise MLPackageError when what the server needs is not installed."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise MLPackageError(
            f"{' and '.join(missing)}: not installed here, and the server needs it. "
            f'Run: {sys.executable} -m pip install "hatch-mlpackage[cli]"'
        )


def server_command(serving: Serving, flags: Iterable[str]) -> tuple[str, ...]:
    """Return the server's command line; raise MLPackageError when what the server needs is not installed.

    The interpreter ignores PYTHON… variables and the current folder; unlike `-I` it sees packages installed for the
    user, where `pip install` puts ours on systems whose own site-packages are not writable.
    """
    require_server()
    return (sys.executable, "-E", "-P", str(serving.runtime), "serve", *serving.flags, *flags)


def worker_python(project_root: Path, environ: Mapping[str, str]) -> str:
    """Find the interpreter of the user's environment: the project's `.venv`, the active one, or our own.

    The active environment may be that of another project, or the one that mlpackage is installed in.
    """
    candidates = [
        project_root.absolute() / ".venv",
        *(Path(environ[name]) for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if environ.get(name)),
    ]
    for folder in candidates:
        for python in (folder / "bin" / "python", folder / "python.exe", folder / "Scripts" / "python.exe"):
            if python.is_file():
                return str(python)
    return sys.executable


def _listed_variables(context: Path, manifest: Manifest) -> Mapping[str, str]:
    found = manifest.image.get("environment")
    if isinstance(found, dict) and all(isinstance(value, str) for value in found.values()):
        return found
    raise ContextError(
        f"{context}: its manifest does not list the variables of the image; an earlier version of mlpackage made it. "
        "Make the context again: mlpackage generate"
    )


def _below(top: Path, variables: Mapping[str, str], watched: tuple[Path, ...], locked: Locked | None) -> Serving:
    """Move the image's paths below `top`; the worker's interpreter is this machine's affair."""
    app_root = top / APP_DIRECTORY
    moved = {
        name: f"{app_root}{value[len(APP_ROOT) :]}" if f"{value}/".startswith(f"{APP_ROOT}/") else value
        for name, value in variables.items()
        if name != "MLPACKAGE_WORKER_PYTHON"
    }
    return Serving(runtime=top / _RUNTIME, folder=app_root, environment=moved, watched=watched, locked=locked)


def _place(sources: Iterable[tuple[str, Path | bytes]], top: Path, copies: Copies) -> None:
    """Put each file in its place in the image: models live inside the app root there."""
    files = []
    for name, source in sources:
        path = PurePosixPath(name)
        if path.parts[0] == MODELS_DIRECTORY:
            path = APP_DIRECTORY / path
        elif path.parts[0] not in {APP_DIRECTORY, _RUNTIME}:
            continue
        if isinstance(source, Path):
            files.append((source, top / path))
            continue
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(source)
    copies.place(files, top)
