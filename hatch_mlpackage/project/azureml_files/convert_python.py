"""Convert the Python version and the packages to keys of `[tool.mlpackage]`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.files.parse import decode
from hatch_mlpackage.files.read import file_bytes
from hatch_mlpackage.project.azureml_files.conda_text import as_environment_file, conda_items, odd_keys
from hatch_mlpackage.project.azureml_files.python_pin import allows_python, items_of, pin_of, python_for
from hatch_mlpackage.project.azureml_files.shapes import Given
from hatch_mlpackage.project.config.keys import DEFAULT_PYTHON
from hatch_mlpackage.project.known_images import NOT_NEEDED, what_old_means
from hatch_mlpackage.project.target import OLD_PYTHONS, PICKLED, SUPPORTED_PYTHONS

if TYPE_CHECKING:
    from hatch_mlpackage.project.azureml_files.environment import Python
    from hatch_mlpackage.project.azureml_files.nodes import Node
    from hatch_mlpackage.project.azureml_files.places import Found
    from hatch_mlpackage.project.azureml_files.report import Draft

ENVIRONMENT_FILE = "environment.yml"


def convert_python(python: Python, draft: Draft, source: Path | None) -> None:
    if is_user_managed(python):
        draft.take(python.user_managed_dependencies, "user-managed-dependencies", value=True)
        unread = "the original did not read it where userManagedDependencies is true"
        draft.drop(python.conda_dependencies, unread)
        draft.drop(python.conda_dependencies_file, unread)
        path = python.interpreter_path
        draft.take(path, "interpreter-path", path.value if path else "")
    else:
        draft.drop(python.user_managed_dependencies, "the packages are locked and installed")
        _take_conda(python.conda_dependencies, draft)
        take_conda_file(python.conda_dependencies_file, draft, source)
        draft.drop(python.interpreter_path, "the image has one Python")
    base = python.base_conda_environment
    if base and base.value:
        what = f"'{base.value}' is an environment of the base image: name its packages, or use its Python as it is"
        draft.by_hand(base, what, "conda-file", "requirements", "dependencies", "interpreter-path")


def is_user_managed(python: Python) -> bool:
    return bool(python.user_managed_dependencies and python.user_managed_dependencies.value)


def _take_conda(given: Given[Node] | None, draft: Draft) -> None:
    if given is None or given.value.is_empty:
        return
    for key, node in odd_keys(given.value):
        odd = Given(key=f"{given.key}.dependencies.{key}", value=None, where=node.where)
        draft.drop(odd, "an object among the dependencies has the keys pip and conda only")
    listed, pip = conda_items(given.value)
    if draft.in_place:
        path = f"{given.value.path}#{given.key}"
    else:
        path = ENVIRONMENT_FILE
        draft.files[path] = as_environment_file(given.value)
    draft.take(given, "conda-file", path)
    _drop_defaults(given, [item.text for item in pip], draft)
    members = given.value.members
    for key, what, report in (
        ("prefix", "a folder of another machine", draft.drop),
        ("variables", "set those that matter in environment-variables", draft.by_hand),
    ):
        if members.get(key) and not members[key].is_empty:
            report(Given(key=f"{given.key}.{key}", value=None, where=members[key].where), what)
    _take_python([item.text for item in listed], given, draft)


def take_conda_file(given: Given[str] | None, draft: Draft, source: Path | None) -> None:
    """Set the conda file, and the Python that it asks for."""
    found = draft.take_path(given, "conda-file", source=source)
    if given is None or found is None:
        return
    items = _items_of_file(found)
    _drop_defaults(given, items, draft)
    _take_python(items, given, draft)


def _items_of_file(found: Found) -> list[str]:
    try:
        return items_of(decode(file_bytes(found.place)))
    except (OSError, UnicodeDecodeError):
        return []  # reading the conda file for the lock reports it


def _drop_defaults(given: Given[Any], items: list[str], draft: Draft) -> None:
    named = next((item for item in items if re.match(r"azureml[-_.]defaults\b", item, re.IGNORECASE)), "")
    if named:
        one = Given(key=f"{given.key} ({named})", value=named, where=given.where)
        draft.drop(one, f"left out of the lock: {NOT_NEEDED['azureml-defaults']}")


def _take_python(items: list[str], given: Given[Any], draft: Draft) -> None:
    """Set the Python of the table or the flag, or else the one that is pinned."""
    pin = pin_of(items)
    one = Given(key=f"{given.key} (python)", value=pin, where=given.where)
    allowed = python_for(pin) if pin else DEFAULT_PYTHON
    if draft.python:
        is_other = bool(pin) and not allows_python(pin, draft.python)
        kept = f"which {pin} allows" if pin else "as the table or --python-version says"
        draft.take(one, "python-version", draft.python, f"in place of {pin}: {PICKLED}" if is_other else kept)
    elif pin and allowed:
        note = f"as {pin} asks, which {what_old_means(allowed)}" if allowed in OLD_PYTHONS else f"as {pin} asks"
        draft.take(one, "python-version", allowed, note)
    elif pin:
        served = f"{SUPPORTED_PYTHONS[0]} to {SUPPORTED_PYTHONS[-1]}"
        what = f"{pin} is not served, only {served}: replace it with {draft.python_way}; {PICKLED}"
        draft.by_hand(one, what, "python-version")
    else:
        note = "no version is asked for; the original's default changed (3.6.2, 3.8.13, 3.10.18)"
        draft.take(one, "python-version", allowed, note)
