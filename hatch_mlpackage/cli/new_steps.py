"""Name the commands that lead from a new project to its first answer."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from hatch_mlpackage.files.quoting import shown_command, shown_word
from hatch_mlpackage.lock.asked.markers import for_this_machine
from hatch_mlpackage.project.pyproject import load_project

_WHEELS = "dist"  # which git ignores in a new project
_OURS = "hatch-mlpackage"


def train_and_serve(folder: Path, *, conda: bool, locked: bool) -> list[str]:
    """Name the commands for a project that trains its own model."""
    return [
        f"cd {shown_word(folder)}",
        *(_make_conda_environment(Path()) if conda else ()),
        *_install_project(),
        "python train.py && pytest",
        *([] if locked else ["mlpackage lock"]),
        "mlpackage serve   # in another terminal: mlpackage score --data @src/sample.json",
    ]


def serve_own_model(folder: Path, *, conda: bool, locked: bool) -> list[str]:
    """Name the commands for a project around a model of the user's own."""
    project = shown_word(folder)
    # An install of the project itself would build it, and so need an index that has this plugin.
    packages = for_this_machine(load_project(folder).dependencies or ())
    install = f"python -m pip install {shown_command(packages)}"
    return [
        *(_make_conda_environment(folder) if conda else (install,)),
        *([] if locked else [f"mlpackage lock --project {project}"]),
        f"mlpackage serve --project {project}",
        f"mlpackage score --data @{shown_word(folder / 'src/sample.json')}   # in another terminal",
    ]


def _make_conda_environment(folder: Path) -> tuple[str, str]:
    prefix, file = (shown_word(folder / name) for name in (".venv", "environment.yml"))
    return f"conda env create --prefix {prefix} --file {file}", f"conda activate {prefix}"


def _install_project() -> tuple[str, ...]:
    """Install the project, which needs this plugin to be built: from a wheel where no index may have it."""
    origin = _origin()
    if origin is None:
        return ('python -m pip install --editable ".[dev]"',)
    return (
        f"python -m pip wheel --no-deps --wheel-dir {_WHEELS} {shown_word(origin)}",
        f'python -m pip install --find-links {_WHEELS} --editable ".[dev]"',
    )


def _origin() -> str | None:
    """Return the folder, file or URL that this plugin was installed from, in pip's words; None for an index (PEP 610).

    A folder or file that has gone since then counts for nothing.
    """
    try:
        recorded = distribution(_OURS).read_text("direct_url.json")
    except PackageNotFoundError:
        return None
    about: dict[str, Any] = json.loads(recorded) if recorded else {}
    url = str(about.get("url", ""))
    if url.startswith("file:") and "vcs_info" not in about:
        place = url2pathname(urlsplit(url).path)
        return place if Path(place).exists() else None
    if "vcs_info" in about:
        version = about["vcs_info"]
        url = f"{version['vcs']}+{url}@{version['commit_id']}"
    below = f"#subdirectory={about['subdirectory']}" if "subdirectory" in about else ""
    return f"{url}{below}" or None
