"""Read the file that `conda-file` names, be it an environment file or another tool's lock."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hatch_mlpackage.files.yaml_lines import broken_lines, read_yaml
from hatch_mlpackage.lock.conda.conda_file import CondaFile, read_environment_file, read_text
from hatch_mlpackage.lock.conda.explicit import is_explicit, read_foreign
from hatch_mlpackage.lock.conda.foreign_lock import is_conda_lock, is_pixi_lock, read_conda_lock_yml, read_pixi_lock
from hatch_mlpackage.project.config.keys import parts_of_conda_file

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.lock.asked.pip_file import Line

# Locks of conda-lock and pixi have this key on a line of its own, and environment files do not.
_LOCK = re.compile(r"(?m)^(?:package|packages):\s*$")


def read_conda_file(content: bytes, path: str, subdir: str, problems: Problems) -> CondaFile | None:
    """Read a file's contents for a platform (`linux-64`); add every problem; None when nothing of it can be used.

    An environment file needs PyYAML from the extra `conda`; without it, that is a problem too.
    """
    text = read_text(content, path, problems)
    path, _ = parts_of_conda_file(path)
    if text is None:
        return None
    if not is_explicit(text) and _LOCK.search(text) is None:
        return read_environment_file(text, path, problems)
    if broken_lines(text, path, problems, templates=False):
        return None
    return _read_lock(text, path, subdir, problems)


def _read_lock(text: str, path: str, subdir: str, problems: Problems) -> CondaFile | None:
    if is_explicit(text):
        return _locked(path, *read_foreign(text, path, subdir, problems))
    node = read_yaml(text, path, problems)
    if is_conda_lock(node):
        return _locked(path, *read_conda_lock_yml(node, path, subdir, problems))
    if is_pixi_lock(node):
        return _locked(path, *read_pixi_lock(node, path, subdir, problems))
    return None if node is None else read_environment_file(text, path, problems)


def _locked(path: str, packages: tuple[Line, ...], pip: tuple[Line, ...]) -> CondaFile:
    notes = [f"{path}: it is already a lock: its packages are used unchanged."]
    weak = sum("#sha256:" not in line.text for line in packages)
    if weak:
        notes.append(f"{path}: {weak} of its packages have only an MD5 hash, which is weaker than SHA-256.")
    if pip:
        notes.append(f"{path}: its pins for pip are kept and locked with hashes.")
    return CondaFile(path=path, kind="locked", specs=packages, pip=pip, notes=tuple(notes))
