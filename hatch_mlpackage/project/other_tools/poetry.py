"""Convert `[tool.poetry.dependencies]` to requirements of pip, each rule as Poetry defines it.

https://python-poetry.org/docs/dependency-specification/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from packaging.markers import InvalidMarker, Marker
from packaging.specifiers import SpecifierSet

from hatch_mlpackage.files.typed_tables import describe, did_you_mean
from hatch_mlpackage.project.other_tools.asked import Asked
from hatch_mlpackage.project.other_tools.poetry_versions import python_marker, specifier

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems

POETRY = "tool.poetry"
DEPENDENCIES = f"{POETRY}.dependencies"
EXPORT = (
    "Run `poetry export --output requirements.txt` (plugin poetry-plugin-export), and set "
    'requirements = ["requirements.txt"] in [tool.mlpackage].'
)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


_KEYS: Mapping[str, Callable[[object], bool]] = {
    **dict.fromkeys(("version", "python", "platform", "markers", "source", "category"), _is_text),
    **dict.fromkeys(("git", "branch", "tag", "rev", "subdirectory", "path", "file", "url"), _is_text),
    **dict.fromkeys(("optional", "develop", "allow-prereleases", "allows-prereleases"), _is_flag),
    "extras": _are_texts,
}
_ORIGINS = ("git", "path", "file", "url")
_SCP = re.compile(r"(?P<user>[\w.-]+)@(?P<host>[\w.-]+):(?P<path>[^/].*)")
_PLATFORM = re.compile(r"(?P<operator>==|!=)?\s*(?P<name>[\w-]+)")


def names_dependencies(poetry: Mapping[str, Any]) -> bool:
    """Tell whether Poetry's table names a package, besides Python itself."""
    dependencies = poetry.get("dependencies")
    return isinstance(dependencies, Mapping) and bool(dependencies.keys() - {"python"})


def read_poetry(poetry: Mapping[str, Any], problems: Problems) -> tuple[Asked, ...]:
    """Return the requirements of Poetry's main group, without the optional ones; add what cannot be converted."""
    for index, source in enumerate(_sources(poetry)):
        _refuse_source(source, f"{POETRY}.source[{index}]", problems)
    found: list[Asked] = []
    for name, value in poetry["dependencies"].items():
        where = f"{DEPENDENCIES}.{name}"
        several = isinstance(value, list)
        if name == "python":
            continue
        for index, one in enumerate(value if several else [value]):
            found += _dependency(name, one, f"{where}[{index}]" if several else where, problems)
    return tuple(found)


def python_of_poetry(poetry: Mapping[str, Any]) -> str:
    """Return the marker for the Python versions that the project allows, empty for any; raise ValueError."""
    dependencies = poetry.get("dependencies")
    constraint = dependencies.get("python") if isinstance(dependencies, Mapping) else None
    return python_marker(constraint) if isinstance(constraint, str) else ""


def left_out(poetry: Mapping[str, Any]) -> Iterator[str]:
    """Yield what `poetry install --only main` does not install either."""
    groups = poetry.get("group")
    names = [f"[{POETRY}.group.{name}.dependencies]" for name in groups] if isinstance(groups, Mapping) else []
    yield from [*names, *([f"[{POETRY}.dev-dependencies]"] if poetry.get("dev-dependencies") else [])]
    for name, value in poetry["dependencies"].items():
        if any(isinstance(one, Mapping) and one.get("optional") is True for one in _several(value)):
            yield f"{name}, which is optional"


def _several(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _sources(poetry: Mapping[str, Any]) -> list[Any]:
    sources = poetry.get("source", [])
    return sources if isinstance(sources, list) else [sources]


def _refuse_source(source: Any, where: str, problems: Problems) -> None:
    table = source if isinstance(source, Mapping) else {}
    is_used = table.get("priority") != "explicit" and str(table.get("name", "")).lower() != "pypi"
    if is_used:
        what = f"'{table.get('name', '')}' is an index for every package, which mlpackage does not take from here."
        problems.add(where, what, EXPORT)


def _dependency(name: str, value: object, where: str, problems: Problems) -> Iterator[Asked]:
    table = {"version": value} if isinstance(value, str) else value
    if not isinstance(table, Mapping):
        problems.add(where, f"must be a string or a table, not {describe(value)}.")
        return
    if not _is_shaped(table, where, problems) or table.get("optional") is True:
        return
    try:
        text = _converted(name, table)
    except ValueError as error:
        problems.add(where, f"{error}.", EXPORT)
        return
    yield Asked(text=text, where=where)


def _is_shaped(table: Mapping[str, Any], where: str, problems: Problems) -> bool:
    before = len(problems.found)
    for key, value in table.items():
        fits = _KEYS.get(key)
        if fits is None:
            fix = did_you_mean(key, _KEYS) or EXPORT
            problems.add(f"{where}.{key}", "is not a key of Poetry that can be converted.", fix)
        elif not fits(value):
            problems.add(f"{where}.{key}", f"cannot be {describe(value)}.", "Write it as Poetry's documentation does.")
    if "source" in table:
        what = f"takes the package from '{table['source']}' alone, which a lock of pip cannot promise."
        problems.add(f"{where}.source", what, EXPORT)
    return len(problems.found) == before


def _converted(name: str, table: Mapping[str, Any]) -> str:
    """Return one requirement; raise ValueError for what pip cannot express."""
    origins = [key for key in _ORIGINS if key in table]
    if len(origins) > 1:
        raise ValueError(f"{' and '.join(origins)} cannot both say where it comes from")
    extras = f"[{','.join(table['extras'])}]" if table.get("extras") else ""
    marker = _marker(table)
    if origins:
        what = f"{name}{extras} @ {_origin(origins[0], table)}"
        return f"{what} ; {marker}" if marker else what
    versions = specifier(table.get("version", "*"))
    allowed = table.get("allow-prereleases") or table.get("allows-prereleases")
    if allowed and not SpecifierSet(versions).prereleases:
        raise ValueError("pip allows pre-releases of one package only where its version names one, such as >=2.0rc1")
    return f"{name}{extras}{versions}" + (f"; {marker}" if marker else "")


def _origin(key: str, table: Mapping[str, Any]) -> str:
    subdirectory = table.get("subdirectory", "")
    fragment = f"#subdirectory={quote(subdirectory)}" if subdirectory else ""
    if key == "git":
        return f"{_repository(table)}{fragment}"
    if key == "url":
        return f"{table['url']}{fragment}"
    path = quote(table[key].replace("\\", "/"), safe="/:~@+,")
    return f"file:{path}/{quote(subdirectory)}" if subdirectory else f"file:{path}"


def _repository(table: Mapping[str, Any]) -> str:
    address, short = table["git"], _SCP.fullmatch(table["git"])
    if short:
        address = f"ssh://{short['user']}@{short['host']}/{short['path']}"
    if "://" not in address:
        raise ValueError(f"'{address}' is not the URL of a repository")
    revisions = [table[key] for key in ("branch", "tag", "rev") if key in table]
    if len(revisions) > 1:
        raise ValueError("only one of branch, tag and rev can be given")
    return f"git+{address.removeprefix('git+')}" + "".join(f"@{it}" for it in revisions)


def _marker(table: Mapping[str, Any]) -> str:
    found = [
        table.get("markers", ""),
        python_marker(table["python"]) if "python" in table else "",
        _platform_marker(table["platform"]) if "platform" in table else "",
    ]
    parts = [part for part in found if part]
    text = parts[0] if len(parts) == 1 else " and ".join(f"({part})" for part in parts)
    try:
        return str(Marker(text)) if text else ""
    except InvalidMarker:
        raise ValueError(f"'{text}' is not a marker") from None


def _platform_marker(platform: str) -> str:
    alternatives = [_PLATFORM.fullmatch(text.strip()) for text in platform.split("|") if text.strip()]
    if not all(alternatives):
        raise ValueError(f"'{platform}' is not the name of a platform")
    return " or ".join(f"sys_platform {it['operator'] or '=='} '{it['name']}'" for it in alternatives if it)
