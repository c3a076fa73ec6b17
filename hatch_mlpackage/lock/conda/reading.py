"""Read the file that `conda-file` names, be it an environment file or another tool's lock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.files.yaml_lines import broken_lines, get, is_list, is_mapping, line_of, read_yaml, scalar
from hatch_mlpackage.lock.asked.pip_file import Line
from hatch_mlpackage.lock.conda.conda_file import CondaFile, read_conda_environment, read_text
from hatch_mlpackage.lock.conda.explicit import CREDENTIALS_FIX, is_explicit, parse_package, read_foreign
from hatch_mlpackage.project.config.keys import parts_of_conda_file
from hatch_mlpackage.redaction import redact

# Locks of conda-lock and pixi have this key on a line of its own, and environment files do not.
_LOCK = re.compile(r"(?m)^(?:package|packages):\s*$")
_OLDEST_PIXI = 4  # earlier versions have conda-lock's format
Lines = tuple[Line, ...]


def read_conda_file(content: bytes, path: str, subdir: str, problems: Problems) -> CondaFile | None:
    """Read a file's contents for a platform (`linux-64`); add every problem; None when nothing of it can be used.

    An environment file needs PyYAML from the extra `conda`; without it, that is a problem too.
    """
    text = read_text(content, path, problems)
    path, _ = parts_of_conda_file(path)
    if text is None:
        return None
    if not is_explicit(text) and _LOCK.search(text) is None:
        return read_conda_environment(text, path, problems)
    if broken_lines(text, path, problems, templates=False):
        return None
    return _read_lock(text, path, subdir, problems)


def _read_lock(text: str, path: str, subdir: str, problems: Problems) -> CondaFile | None:
    if is_explicit(text):
        return _locked(path, *read_foreign(text, path, subdir, problems))
    node = read_yaml(text, path, problems)
    if _is_conda_lock(node):
        return _locked(path, *_read_conda_lock(node, path, subdir, problems))
    if _is_pixi_lock(node):
        return _locked(path, *_read_pixi_lock(node, path, subdir, problems))
    return None if node is None else read_conda_environment(text, path, problems)


def _locked(path: str, packages: Lines, pip: Lines) -> CondaFile:
    notes = [f"{path}: it is already a lock: its packages are used unchanged."]
    weak = sum("#sha256:" not in line.text for line in packages)
    if weak:
        notes.append(f"{path}: {weak} of its packages have only an MD5 hash, which is weaker than SHA-256.")
    if pip:
        notes.append(f"{path}: its pins for pip are kept and locked with hashes.")
    return CondaFile(path=path, kind="locked", specs=packages, pip=pip, notes=tuple(notes))


def _is_conda_lock(node: Any) -> bool:
    return is_mapping(node) and get(node, "metadata") is not None and is_list(get(node, "package"))


def _is_pixi_lock(node: Any) -> bool:
    return is_mapping(node) and get(node, "environments") is not None and is_list(get(node, "packages"))


def _read_conda_lock(node: Any, path: str, subdir: str, problems: Problems) -> tuple[Lines, Lines]:
    """Read a `conda-lock.yml`, without development packages: return lines `url#hash`, and requirements for pip."""
    conda: list[Line] = []
    pip: list[Line] = []
    for entry in get(node, "package").value:
        if scalar(get(entry, "platform")) != subdir or (scalar(get(entry, "category")) or "main") != "main":
            continue
        line = line_of(entry)
        if scalar(get(entry, "manager")) == "pip":
            pip.append(Line(line, f"{scalar(get(entry, 'name'))}=={scalar(get(entry, 'version'))}"))
        else:
            hashes = get(entry, "hash")
            found = _package(scalar(get(entry, "url")), hashes, line, path, problems) if is_mapping(hashes) else ()
            conda.extend(found)
    return _some(conda, path, subdir, problems), tuple(pip)


def _read_pixi_lock(node: Any, path: str, subdir: str, problems: Problems) -> tuple[Lines, Lines]:
    """Read the environment `default` of a `pixi.lock` of version 4 or later."""
    version = scalar(get(node, "version")) or ""
    if not version.isdigit() or int(version) < _OLDEST_PIXI:
        fix = "Renew it with a recent pixi, or name the explicit file of `pixi workspace export conda-explicit-spec`."
        problems.add(f"{path}:{line_of(get(node, 'version') or node)}", f"version {version} is not read.", fix)
        return (), ()
    known = {_identity(entry): entry for entry in get(node, "packages").value if is_mapping(entry)}
    conda: list[Line] = []
    pip: list[Line] = []
    for reference in _of_default(node, subdir):
        kind = "conda" if get(reference, "conda") is not None else "pypi"
        url = scalar(get(reference, kind)) or ""
        entry = known.get((kind, url), reference)
        if kind == "pypi":
            pip.append(Line(line_of(entry), _requirement(entry, url)))
        else:
            conda.extend(_package(url, entry, line_of(entry), path, problems))
    return _some(conda, path, subdir, problems), tuple(pip)


def _of_default(node: Any, subdir: str) -> Iterator[Any]:
    environments = get(node, "environments")
    default = get(environments, "default") if is_mapping(environments) else None
    packages = get(default, "packages") if is_mapping(default) else None
    references = get(packages, subdir) if is_mapping(packages) else None
    items = references.value if references is not None and is_list(references) else ()
    yield from filter(is_mapping, items)


def _identity(entry: Any) -> tuple[str, str]:
    """Return how an environment names a package: `conda: url` since version 6, `kind` and `url` before."""
    for kind in ("conda", "pypi"):
        url = scalar(get(entry, kind))
        if url:
            return kind, url
    return scalar(get(entry, "kind")) or "", scalar(get(entry, "url")) or scalar(get(entry, "path")) or ""


def _requirement(entry: Any, url: str) -> str:
    name, version = scalar(get(entry, "name")), scalar(get(entry, "version"))
    wheel = re.search(r"/([^/-]+)-([^/-]+)-[^/]*\.whl", url)
    if not (name and version) and wheel:
        name, version = wheel[1], wheel[2]
    return f"{name}=={version}" if name and version else url


def _package(url: str | None, hashes: Any, line: int, path: str, problems: Problems) -> list[Line]:
    sha256, md5 = scalar(get(hashes, "sha256")), scalar(get(hashes, "md5"))
    package = parse_package(f"{url}#{f'sha256:{sha256}' if sha256 else md5}", line)
    if package is None:
        shown = redact(str(url), is_index=True)
        problems.add(f"{path}:{line}", f"`{shown}` is not a conda package with its hash.", "Lock it anew.")
        return []
    if package.has_credentials:
        problems.add(f"{path}:{line}", f"the URL of {package.file} holds credentials.", CREDENTIALS_FIX)
        return []
    return [Line(line, str(package))]


def _some(packages: list[Line], path: str, subdir: str, problems: Problems) -> Lines:
    if not packages:
        problems.add(path, f"it holds no package for {subdir}.", f"Lock it for {subdir} too, or change platform.")
    return tuple(packages)
