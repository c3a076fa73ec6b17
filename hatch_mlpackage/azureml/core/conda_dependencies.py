"""The packages of an environment, as a conda file lists them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from hatch_mlpackage.azureml.exceptions import UserErrorException
from hatch_mlpackage.azureml.local.cloud_only import with_cloud_only_members
from hatch_mlpackage.azureml.local.workspace_folder import read_mapping
from hatch_mlpackage.files.replace import replace_text
from hatch_mlpackage.project.azureml_files.conda_text import as_environment_file
from hatch_mlpackage.project.azureml_files.nodes import node_of
from hatch_mlpackage.project.azureml_files.python_pin import python_index, python_version, requirement_name

PYTHON_DEFAULT_VERSION = "3.10.18"
CONDA_FILE_NAME = "auto_conda_dependencies.yml"
_NO_MAPPING = "Environment error: not a valid YAML structure"
_KEYS = ("name", "channels", "dependencies", "prefix", "variables")
_DEFAULT = {
    "name": "project_environment",
    "dependencies": ["python=3.8.13", {"pip": ["azureml-defaults"]}],
    "channels": ["anaconda", "conda-forge"],
}


@with_cloud_only_members
class CondaDependencies:
    """Channels, packages of conda and packages of pip; a new object has Python and `azureml-defaults`.

    `azureml-defaults` stands for the server of this program. `conda_dependencies_file_path` names a conda file to
    start from, which is not changed.
    """

    def __init__(
        self, conda_dependencies_file_path: str | None = None, _underlying_structure: dict[str, Any] | None = None
    ) -> None:
        found: Any = _DEFAULT if _underlying_structure is None else _underlying_structure
        if conda_dependencies_file_path is not None:
            found = read_mapping(Path(conda_dependencies_file_path), _NO_MAPPING)
        if not isinstance(found, Mapping):
            raise UserErrorException(_NO_MAPPING)
        for key in found:
            if key not in _KEYS:
                raise UserErrorException(f"Environment error: unknown {key} key in environment specification")
        self._found: dict[str, Any] = copy.deepcopy(dict(found))

    @staticmethod
    def create(
        pip_indexurl: str | None = None,
        pip_packages: Iterable[str] | None = None,
        conda_packages: Iterable[str] | None = None,
        python_version: str = PYTHON_DEFAULT_VERSION,
        pin_sdk_version: bool = True,
    ) -> CondaDependencies:
        """Make conda dependencies of packages; `pip_packages` replace `azureml-defaults`.

        `pin_sdk_version` has no effect: no SDK is installed.
        """
        del pin_sdk_version
        made = CondaDependencies()
        if pip_indexurl:
            made.set_pip_option(f"--find-links {pip_indexurl}")
        made.set_python_version(python_version)
        if pip_packages is not None:
            made.set_pip_requirements([*made.pip_options])
            for package in pip_packages:
                made.add_pip_package(package)
        for package in conda_packages or ():
            made.add_conda_package(package)
        return made

    @property
    def conda_channels(self) -> Iterator[str]:
        return iter(tuple(self._found.get("channels") or ()))

    @property
    def conda_packages(self) -> Iterator[str]:
        return iter([item for item in self._dependencies() if isinstance(item, str)])

    @property
    def pip_packages(self) -> Iterator[str]:
        return iter([line for line in self._pip() if not _is_option(line)])

    @property
    def pip_options(self) -> Iterator[str]:
        return iter([line for line in self._pip() if _is_option(line)])

    def get_python_version(self) -> str | None:
        """Return the version that is asked for, such as `3.10.18` or `3.10`; None where any version will do."""
        return python_version(self._dependencies())

    def set_python_version(self, version: str) -> None:
        index, text = python_index(self._dependencies()), f"python={version}"
        if index is None:
            self._dependencies().append(text)
        else:
            self._dependencies()[index] = text

    def add_channel(self, channel: str) -> None:
        channels = self._list("channels")
        if channel not in channels:
            channels.append(channel)

    def remove_channel(self, channel: str) -> None:
        _remove(self._list("channels"), channel)

    def add_conda_package(self, conda_package: str) -> None:
        """Add a package; a requirement for Python replaces the present one."""
        index = python_index(self._dependencies())
        if requirement_name(conda_package) == "python" and index is not None:
            self._dependencies()[index] = conda_package
        elif conda_package not in self._dependencies():
            self._dependencies().append(conda_package)

    def remove_conda_package(self, conda_package: str) -> None:
        if requirement_name(conda_package) == "python":
            raise UserErrorException("python must not be removed from conda dependencies")
        _remove(self._dependencies(), conda_package)

    def add_pip_package(self, pip_package: str) -> None:
        """Add a requirement at the end, and remove an earlier one for the same package."""
        self.remove_pip_package(pip_package)
        self._pip().append(pip_package)

    def remove_pip_package(self, pip_package: str) -> None:
        """Remove the requirements for a package, whatever version they ask for."""
        if _is_option(pip_package):
            raise UserErrorException(f"Invalid package name {pip_package}")
        name = requirement_name(pip_package)
        self._pip()[:] = [line for line in self._pip() if _is_option(line) or requirement_name(line) != name]

    def set_pip_option(self, pip_option: str) -> None:
        """Add one of pip's options, and remove the same option with another value."""
        self.remove_pip_option(pip_option)
        self._pip().append(pip_option)

    def set_pip_index_url(self, index_url: str) -> None:
        self.set_pip_option(index_url)

    def remove_pip_option(self, pip_option: str) -> None:
        if not _is_option(pip_option):
            raise UserErrorException(f"Invalid pip option {pip_option}")
        option = pip_option.split(maxsplit=1)[0]
        self._pip()[:] = [line for line in self._pip() if line.split()[:1] != [option]]

    def set_pip_requirements(self, pip_requirements: Iterable[str]) -> None:
        """Replace all of pip's packages and options."""
        self._pip()[:] = list(pip_requirements)

    def save(self, path: str) -> str:
        """Write a conda file, and return its path."""
        if Path(path).is_dir():
            raise UserErrorException(
                "Cannot save a conda environment specification file to a directory. Please specify a fully qualified "
                "path along with the file name to save the file."
            )
        if not Path(path).absolute().parent.is_dir():
            raise UserErrorException("Cannot save the conda environment specification file to an invalid path.")
        replace_text(Path(path), self.serialize_to_string())
        return str(path)

    def save_to_file(self, base_directory: str, conda_file_path: str = CONDA_FILE_NAME) -> str:
        self.save(str(Path(base_directory, conda_file_path)))
        return conda_file_path

    def serialize_to_string(self) -> str:
        """Return the text of a conda file."""
        return as_environment_file(node_of(self._found, "CondaDependencies"))

    def as_dict(self) -> dict[str, Any]:
        return copy.deepcopy(self._found)

    def _list(self, key: str) -> list[Any]:
        if not isinstance(self._found.get(key), list):
            self._found[key] = []
        return cast("list[Any]", self._found[key])

    def _dependencies(self) -> list[Any]:
        return self._list("dependencies")

    def _pip(self) -> list[str]:
        for item in self._dependencies():
            if isinstance(item, dict) and "pip" in item:
                item["pip"] = item["pip"] or []
                return cast("list[str]", item["pip"])
        made: list[str] = []
        self._dependencies().append({"pip": made})
        return made


def _is_option(line: str) -> bool:
    return line.startswith("-")


def _remove(items: list[Any], item: str) -> None:
    if item in items:
        items.remove(item)
