"""Check the rules of the tests: they share fixtures, use public names, and keep to their own files.

The first two are read from their sources with `ast`.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parent
PACKAGE = TESTS.parent / "hatch_mlpackage"
PROGRAMS = ("hatch_mlpackage", "mlpackage_runtime")
# Folders of data and scripts for the tests.
DATA = ("golden", "projects", "runtime/conformance/scripts", "runtime/conformance/hidden")
# The tests of azureml/ follow the documentation of the original, not the modules.
ROOMS = ("cli", "context", "files", "lock", "plugin", "project", "serve")
# Tests of more than one module: of a folder, or of the whole program.
WIDER = {
    "cli/test_bad_index.py",
    "cli/test_bad_input.py",
    "cli/test_build_from_source.py",
    "cli/test_check_no_code.py",
    "cli/test_counts.py",
    "cli/test_import_documentation.py",
    "cli/test_import_layout.py",
    "cli/test_import_online.py",
    "cli/test_import_paths.py",
    "cli/test_lock_changes.py",
    "cli/test_lock_online.py",
    "cli/test_lock_sources.py",
    "cli/test_nothing_is_lost.py",
    "cli/test_new_interrupted.py",
    "cli/test_new_refused_models.py",
    "cli/test_odd_files.py",
    "cli/test_read_once.py",
    "cli/test_readme.py",
    "cli/test_reference.py",
    "cli/test_surroundings.py",
    "cli/test_tampered_lock.py",
    "context/test_hostile_text.py",
    "lock/asked/test_no_line_is_lost.py",
    "lock/pins/test_pip_reads_the_same.py",
    "lock/resolve/test_network.py",
    "plugin/test_checks.py",
    "plugin/test_front_ends.py",
    "plugin/test_reproducible.py",
    "project/azureml_files/test_arbitrary.py",
    "project/azureml_files/test_conversion.py",
    "project/azureml_files/test_corrections.py",
    "project/model_facts/test_hostile.py",
    "project/model_facts/test_refusals.py",
}


def name_of(path: Path) -> str:
    return path.relative_to(TESTS).as_posix()


def below(path: Path, folders: tuple[str, ...]) -> bool:
    return any(path.is_relative_to(TESTS / folder) for folder in folders)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())


@cache
def modules() -> frozenset[Path]:
    return frozenset(path for path in TESTS.rglob("*.py") if not below(path, DATA))


def module_at(path: Path) -> Path | None:
    """Return the file of the tests' module at a path without suffix, if there is one."""
    file = path.with_suffix(".py")
    return file if file in modules() else None


def imported(path: Path) -> set[Path]:
    """Return the tests' modules that a module imports, relatively or by the name of a file beside it."""
    found: set[Path | None] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {module_at(path.parent / alias.name) for alias in node.names}
            found |= {module_at(TESTS.parent / alias.name.replace(".", "/")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = path.parents[node.level - 1] if node.level else path.parent
            module = start / (node.module or "").replace(".", "/")
            found |= {module_at(module), *(module_at(module / alias.name) for alias in node.names)}
            if not node.level:
                found.add(module_at(TESTS.parent / (node.module or "").replace(".", "/")))
    return {file for file in found if file}


def is_shared(path: Path, file: Path) -> bool:
    """Return whether a module may import a file: one beside it that holds data or classes, and no tests."""
    return file.parent == path.parent and file.name != "conftest.py" and not file.name.startswith("test_")


def test_no_test_imports_from_another():
    """A test imports at most a module of data beside it; tests of several folders share fixtures."""
    breaches = {
        f"{name_of(path)}: {name_of(file)}"
        for path in sorted(modules())
        for file in imported(path)
        if not is_shared(path, file)
    }

    assert breaches == set()


def is_private(name: str) -> bool:
    return bool(re.match(r"_[A-Za-z]", name))


def reached(node: ast.AST) -> list[str]:
    """Return the private names that a node reaches: by an import, as another's attribute, or in a string."""
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PROGRAMS):
        return [alias.name for alias in node.names if is_private(alias.name)]
    if isinstance(node, ast.Attribute) and is_private(node.attr):
        of_itself = isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}
        return [] if of_itself or ast.unparse(node) == "os._exit" else [node.attr]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.findall(rf"\b(?:{'|'.join(PROGRAMS)})(?:\.\w+)*?\.(_[A-Za-z]\w*)", node.value)
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("setattr", "delattr", "getattr")):
        return [found.value for found in node.args[1:2] if isinstance(found, ast.Constant) and is_private(found.value)]
    return []


def test_no_test_reaches_into_private_names():
    """A test uses only the public names of a module, so that the module's internals can change."""
    breaches = {
        f"{name_of(path)}: {name}"
        for path in sorted(modules())
        for node in ast.walk(parsed(path))
        for name in reached(node)
    }

    assert breaches == set()


def mirrored(path: Path) -> bool:
    """Return whether a test is named after a module or a folder in the same folder of the package."""
    module = PACKAGE / path.parent.relative_to(TESTS) / path.stem.removeprefix("test_")
    return module.with_suffix(".py").is_file() or module.is_dir()


def test_the_folders_are_those_of_the_package():
    """Each test `a/test_b.py` is named after the module or the folder `a/b` of the package, unless listed as wider."""
    tests = [path for room in ROOMS for path in (TESTS / room).rglob("test_*.py")]

    assert {name_of(path) for path in tests if not mirrored(path)} == WIDER


def test_a_run_inside_a_test_keeps_to_that_test(tmp_path, tmp_path_factory):
    """The temporary files of pytest in a test's own project are among those of this run.

    A run removes those of earlier runs before it ends, and the environments of other tests take minutes to remove.
    """
    (tmp_path / "test_place.py").write_text("def test_place(tmp_path):\n    print(f'at {tmp_path}')\n")
    command = [sys.executable, "-m", "pytest", "-qs", "-p", "no:cacheprovider", "test_place.py"]

    outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True)

    place = re.search(r"(?m)^at (.+)$", outcome.stdout)
    assert place
    assert tmp_path_factory.getbasetemp().resolve() in Path(place[1]).parents
