"""Provide the build target: `hatch build -t mlpackage` and `python -m hatchling build -t mlpackage`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.plugin.interface import BuilderInterface
from hatchling.plugin.manager import PluginManager

from hatch_mlpackage.context.build import build_context
from hatch_mlpackage.context.package import context_name
from hatch_mlpackage.context.verify import reason_to_keep
from hatch_mlpackage.errors import ConfigurationError, MLPackageError, Problems
from hatch_mlpackage.files.parse import read_if_there, text_of
from hatch_mlpackage.project.config.hatch_tables import HATCH_TARGET_KEYS, TARGET, check_hatch_table
from hatch_mlpackage.project.pyproject import PYPROJECT, located, project_of_hatch

if TYPE_CHECKING:
    from hatchling.bridge.app import Application


class MLPackageBuilder(BuilderInterface[BuilderConfig, PluginManager]):
    """Write the context into Hatch's output directory."""

    PLUGIN_NAME = "mlpackage"

    def get_version_api(self) -> dict[str, Callable[..., str]]:
        return {"standard": self.build_standard}

    def build_standard(self, directory: str, **build_data: Any) -> str:
        del build_data  # hooks may offer artifacts, but a context holds only what [tool.mlpackage] declares
        with aborting_on_error(self.app, self.root):
            refuse_own_keys(self.target_config, TARGET, HATCH_TARGET_KEYS)
            project = project_of_hatch(self.metadata)
            destination = Path(directory, context_name(project))
            build_context(project, destination, warn=self.app.display_warning)
        return os.fspath(destination)

    def clean(self, directory: str, versions: list[str]) -> None:
        """Remove this project's contexts that nobody has changed; everything else stays."""
        del versions
        name = project_of_hatch(self.metadata).name
        for path in Path(directory).glob(f"{name}-*-context"):
            if not reason_to_keep(path):
                shutil.rmtree(path)


@contextmanager
def aborting_on_error(app: Application, root: str) -> Iterator[None]:
    """End Hatch with the text of a known error, as the command line prints it, instead of a traceback."""
    try:
        yield
    except MLPackageError as error:
        app.abort(error_report(error, Path(root)))


def refuse_own_keys(table: Mapping[str, Any], where: str, hatch_keys: frozenset[str]) -> None:
    """Raise ConfigurationError for keys that Hatch does not know, wherever it has read them."""
    problems = Problems()
    check_hatch_table(table, where, hatch_keys, problems)
    problems.raise_if_any()


def error_report(error: MLPackageError, root: Path) -> str:
    """Return an error's text as the command line prints it, with the lines of the keys in pyproject.toml."""
    if isinstance(error, ConfigurationError):
        text = text_of(read_if_there(root / PYPROJECT)) or ""  # Hatch, which has read it, keeps no text
        error = ConfigurationError(located(error.problems, text))
    return error.report()
