"""Find keys of `[tool.mlpackage]` that stand in a table where nothing would read them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.files.typed_tables import did_you_mean
from hatch_mlpackage.project.config.keys import KEY, Config

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.pyproject import Project

TARGET = "tool.hatch.build.targets.mlpackage"
# The keys that Hatch itself reads in a target's table (hatch.pypa.io/latest/config/build).
HATCH_TARGET_KEYS = frozenset(
    {
        "artifacts",
        "dependencies",
        "dev-mode-dirs",
        "dev-mode-exact",
        "directory",
        "enable-by-default",
        "exclude",
        "force-include",
        "hooks",
        "ignore-vcs",
        "include",
        "only-include",
        "only-packages",
        "packages",
        "reproducible",
        "require-runtime-dependencies",
        "require-runtime-features",
        "skip-excluded-dirs",
        "sources",
        "versions",
    }
)
HOOK = "tool.hatch.build.targets.wheel.hooks.mlpackage"
# The keys that Hatch itself reads in a hook's table (hatch.pypa.io/latest/config/build#build-hooks).
HATCH_HOOK_KEYS = frozenset(
    {"dependencies", "enable-by-default", "require-runtime-dependencies", "require-runtime-features"}
)
_OURS = frozenset(field.name.replace("_", "-") for field in fields(Config))
_NAME = KEY.removeprefix("tool.")
_ALIKE = 0.9  # a plural, a dash or one wrong letter; `package` is not so like it


def check_tables(_config: Config, project: Project, problems: Problems) -> None:
    """Report our keys in Hatch's tables, and a table whose name is a typo of ours."""
    for where, table, hatch_keys in _hatch_tables(project.tool):
        check_hatch_table(table, where, hatch_keys, problems)
    for name in misspelt_tables(project.tool):
        problems.add(f"tool.{name}", "is a table that nothing reads.", f"Did you mean [{KEY}]?")


def check_hatch_table(table: Mapping[str, Any], where: str, hatch_keys: frozenset[str], problems: Problems) -> None:
    """Report the keys of one table that Hatch does not know."""
    for key in sorted(table.keys() - hatch_keys):
        if key in _OURS:
            problems.add(f"{where}.{key}", f"belongs in [{KEY}].", "Move it there.")
        else:
            hint = did_you_mean(key, hatch_keys) or f"Declare what goes into the context in [{KEY}]."
            problems.add(f"{where}.{key}", "is not one of Hatch's keys.", hint)


def misspelt_tables(tool: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of tables in `[tool]` that are like ours, or that of the distribution."""
    return tuple(
        name for name in tool if name != _NAME and (_is_like_ours(name) or name.replace("_", "-") == f"hatch-{_NAME}")
    )


def _is_like_ours(name: str) -> bool:
    return difflib.SequenceMatcher(None, name.lower(), _NAME).ratio() >= _ALIKE


def _hatch_tables(tool: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], frozenset[str]]]:
    """Yield the key of each of Hatch's tables for this plugin, its content, and what Hatch reads there."""
    build = _table(_table(tool, "hatch"), "build")
    targets = _table(build, "targets")
    yield TARGET, _table(targets, _NAME), HATCH_TARGET_KEYS
    yield f"tool.hatch.build.hooks.{_NAME}", _table(_table(build, "hooks"), _NAME), HATCH_HOOK_KEYS
    for name in targets:
        hooks = _table(_table(targets, name), "hooks")
        yield f"tool.hatch.build.targets.{name}.hooks.{_NAME}", _table(hooks, _NAME), HATCH_HOOK_KEYS


def _table(outer: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a table in a table; an empty one where there is none, which Hatch itself reports if it minds."""
    found = outer.get(key)
    return found if isinstance(found, Mapping) else {}
