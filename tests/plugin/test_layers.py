"""Who may import whom, read from the sources: a module imports only from rows above its own."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "hatch_mlpackage"
ROWS = [
    {"__init__", "decoding", "errors", "replacing", "resources", "target", "toml_lines", "yaml_text"},
    {"tables", "project", "foreground", "background", "health", "hard_links", "known_hashes", "read_source"},
    {"bases", "dockerfile", "write_file"},
    {"base_dockerfile", "dockerfile_steps"},
    {"config"},
    {"path_checks"},
    {"base_image_checks", "framework_checks"},
    {"config_checks", "config_schema"},
    {"azureml_files"},
    {"read_config"},
    # the steps, which never import each other
    {
        "entry_script",
        "handoff",
        "lock",
        "manifest",
        "model_facts",
        "plan",
        "render",
        "sbom",
        "source_checks",
        "write",
        "write_tar",
    },
    {"project_wheel", "changes", "diff"},
    {"bill", "conda", "named_contexts", "no_code", "remote", "replacements", "wheels"},  # parts of the wiring
    {"package"},
    {"locking"},
    {"image"},
    {"context", "serving"},
    {"builder", "checking"},
    {"build_hook"},
    {"hooks", "cli", "azureml"},
    {"__main__"},
]
# What each module may import from outside the standard library; the command line brings an extra of its own.
OUTSIDE = {
    "azureml_files": {"packaging"},
    "build_hook": {"hatchling"},
    "builder": {"hatchling"},
    "conda": {"packaging"},
    "checking": {"packaging"},
    "base_image_checks": {"packaging"},
    "framework_checks": {"packaging"},
    "hooks": {"hatchling"},
    "lock": {"packaging", "piptools", "fsspec", "pip", "rattler", "uv"},
    "model_facts": {"packaging"},
    "no_code": {"packaging"},
    "plan": {"pathspec"},
    "project": {"hatchling", "packaging"},
    "project_wheel": {"hatchling"},
    "render": {"jinja2"},
    "replacements": {"packaging"},
    "sbom": {"packaging"},
    "source_checks": {"packaging"},
    "yaml_text": {"yaml"},
    "cli": {"click", "cookiecutter", "rich", "tomlkit", "uv"},
}


def modules():
    """Yield (name of the module or subpackage, its files)."""
    for path in sorted(PACKAGE.iterdir()):
        if path.suffix == ".py":
            yield path.stem, [path]
        elif (path / "__init__.py").exists():
            yield path.name, sorted(path.rglob("*.py"))


every_module = pytest.mark.parametrize(
    ("name", "paths"), list(modules()), ids=lambda value: value if isinstance(value, str) else ""
)


def imported(path):
    """Yield every module that a file imports, with what it takes from our own package spelled out."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            if node.module == "hatch_mlpackage":
                yield from (f"hatch_mlpackage.{alias.name}" for alias in node.names if alias.name != "__version__")
            else:
                yield node.module


def type_only(path):
    """Return what a file imports only for its annotations: a name of a type binds nothing at run time."""
    guarded = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            guarded |= {inner.module for inner in ast.walk(node) if isinstance(inner, ast.ImportFrom)}
    return guarded


def row_of(name):
    return next(index for index, row in enumerate(ROWS) if name in row)


def test_every_module_has_a_row():
    """A new module is placed deliberately."""
    assert {name for name, _ in modules()} == set().union(*ROWS)


@every_module
def test_imports_go_up(name, paths):
    """The steps do not import each other, and nothing below knows of what is above."""
    breaches = [
        f"{path.name}: {module}"
        for path in paths
        for module in imported(path)
        if module.startswith("hatch_mlpackage.") and module not in type_only(path)
        if (other := module.split(".")[1]) != name and row_of(other) >= row_of(name)
    ]

    assert breaches == []


@every_module
def test_what_comes_from_outside(name, paths):
    """Each third-party package has one place, and the runtime is copied, never imported."""
    outside = {
        module.partition(".")[0]
        for path in paths
        for module in imported(path)
        if module.partition(".")[0] not in sys.stdlib_module_names | {"hatch_mlpackage"}
    }

    assert outside <= OUTSIDE.get(name, set())


@every_module
def test_who_starts_processes(name, paths):
    """Only locking, handing off and the command line start other programs."""
    uses = any("subprocess" in set(imported(path)) for path in paths)

    assert not uses or name in {"lock", "handoff", "foreground", "background", "cli"}
