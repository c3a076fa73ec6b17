"""Provide the opt-in build hook, which writes the context beside the wheel at every build of the wheel.

`[tool.hatch.build.targets.wheel.hooks.mlpackage]` enables it: plain `hatch build`, `python -m build` and `uv build`
then make both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class MLPackageBuildHook(BuildHookInterface[BuilderConfig]):
    """Check before the wheel is made and write after it, so that a mistake leaves no incomplete `dist`."""

    PLUGIN_NAME = "mlpackage"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del build_data
        if not self._is_wanted(version):
            return
        # Imported late: frontends make every hook just to ask for its dependencies.
        from hatch_mlpackage.context.build import check_destination, plan_context  # noqa: PLC0415
        from hatch_mlpackage.plugin.builder import aborting_on_error, refuse_own_keys  # noqa: PLC0415
        from hatch_mlpackage.project.config.hatch_tables import HATCH_HOOK_KEYS, HOOK  # noqa: PLC0415

        with aborting_on_error(self.app, self.root):
            refuse_own_keys(self.config, HOOK, HATCH_HOOK_KEYS)
            check_destination(self._destination(), plan_context(self._project()))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        del build_data, artifact_path
        if not self._is_wanted(version):
            return
        from hatch_mlpackage.context.build import build_context  # noqa: PLC0415
        from hatch_mlpackage.plugin.builder import aborting_on_error  # noqa: PLC0415

        with aborting_on_error(self.app, self.root):
            # Plan again: other hooks may have written sources since `initialize`.
            build_context(self._project(), self._destination(), warn=self.app.display_warning)
        self.app.display_info(f"Docker build context: {self._destination()}")

    def _is_wanted(self, version: str) -> bool:
        # A context that installs the project builds its wheel, which runs this hook again: it must do nothing then.
        from hatch_mlpackage.context.project_wheel import is_building  # noqa: PLC0415

        return version != "editable" and self.target_name == "wheel" and not is_building()

    def _project(self) -> Any:
        from hatch_mlpackage.project.pyproject import project_of_hatch  # noqa: PLC0415

        return project_of_hatch(self.metadata)

    def _destination(self) -> Path:
        from hatch_mlpackage.context.package import context_name  # noqa: PLC0415

        return Path(self.directory, context_name(self._project()))
