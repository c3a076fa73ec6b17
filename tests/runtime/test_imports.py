"""The two sides of the runtime keep to what their environments have."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import mlpackage_runtime
import pytest

PACKAGE = Path(mlpackage_runtime.__file__).parent
RUNTIME = PACKAGE.parent
SHIMS = PACKAGE / "worker" / "shims"
SHIM_LIBRARIES = {"azureml", "azureml_inference_server_http", "werkzeug"}  # each other, and the user's werkzeug
SHARED = ("contract", "frames", "lifetime", "memory_files", "progress")
SERVER_LIBRARIES = {"starlette", "uvicorn", "uvloop", "httptools"}


def modules(folder: str) -> list[Path]:
    return sorted((PACKAGE / folder).rglob("*.py"))


def imported(source: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}:{node.lineno}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def outside(names: set[str]) -> set[str]:
    """Return the third-party packages among imported names."""
    roots = {name.partition(".")[0] for name in names}
    return roots - set(sys.stdlib_module_names) - {"mlpackage_runtime"}


def own(names: set[str]) -> set[str]:
    """Return the parts of the runtime among imported names: what both sides share, server or worker."""
    return {name.split(".")[1] for name in names if name.startswith("mlpackage_runtime.")}


@pytest.mark.parametrize("source", modules("worker"), ids=lambda path: str(path.relative_to(RUNTIME)))
def test_the_worker_imports_the_standard_library_and_what_both_share(source: Path) -> None:
    """The worker lives in the user's environment, where nothing of ours may be needed."""
    names = imported(source)
    allowed = SHIM_LIBRARIES if SHIMS in source.parents else set()
    assert (outside(names) - allowed, own(names) - {"worker", *SHARED}) == (set(), set())


@pytest.mark.parametrize("source", modules("server"), ids=lambda path: str(path.relative_to(RUNTIME)))
def test_the_server_imports_its_own_lock_and_what_both_share(source: Path) -> None:
    """The server never imports the worker, nor anything that its lock does not have."""
    names = imported(source)
    assert (outside(names) - SERVER_LIBRARIES, own(names) - {"server", *SHARED}) == (set(), set())


@pytest.mark.parametrize("name", SHARED)
def test_what_both_sides_share_imports_the_standard_library(name: str) -> None:
    """What both sides share needs neither of them."""
    names = imported(PACKAGE / f"{name}.py")
    assert (outside(names), own(names) - set(SHARED)) == (set(), set())


@pytest.mark.parametrize(
    "source", [RUNTIME / "__main__.py", *sorted(PACKAGE.rglob("*.py"))], ids=lambda path: str(path.relative_to(RUNTIME))
)
def test_every_module_is_written_for_python_3_8(source: Path) -> None:
    """The image's Python may be 3.8, for the worker and for the server."""
    ast.parse(source.read_text(encoding="utf-8"), feature_version=(3, 8))
