"""The opt-in build hook: every wheel build writes the context beside the wheel.

Enabled by `[tool.hatch.build.targets.wheel.hooks.mlpackage]`, so that plain `hatch build`, `python -m build` and
`uv build` make both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

from hatch_mlpackage.errors import MLPackageError

HOOK = "tool.hatch.build.targets.wheel.hooks.mlpackage"
# What Hatch itself reads in a hook's table (hatch.pypa.io/latest/config/build#build-hooks).
HATCH_HOOK_KEYS = frozenset(
    {"dependencies", "enable-by-default", "require-runtime-dependencies", "require-runtime-features"}
)


class MLPackageBuildHook(BuildHookInterface[BuilderConfig]):
    """Checks before the wheel is made, writes after it: a mistake costs no half-made `dist`."""

    PLUGIN_NAME = "mlpackage"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del build_data
        if not self._is_wanted(version):
            return
        # Imported here: frontends construct every hook only to ask for its dependencies.
        from hatch_mlpackage.context.build import check_destination, plan_context  # noqa: PLC0415
        from hatch_mlpackage.plugin.builder import error_report, refuse_own_keys  # noqa: PLC0415

        try:
            refuse_own_keys(self.config, HOOK, HATCH_HOOK_KEYS)
            check_destination(self._destination(), plan_context(self._project()))
        except MLPackageError as error:
            self.app.abort(error_report(error, Path(self.root)))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        del build_data, artifact_path
        if not self._is_wanted(version):
            return
        from hatch_mlpackage.context.build import build_context  # noqa: PLC0415
        from hatch_mlpackage.plugin.builder import error_report  # noqa: PLC0415

        try:
            # Planned anew: the hooks of others may have written sources since.
            build_context(self._project(), self._destination(), warn=self.app.display_warning)
        except MLPackageError as error:
            self.app.abort(error_report(error, Path(self.root)))
        self.app.display_info(f"Docker build context: {self._destination()}")

    def _is_wanted(self, version: str) -> bool:
        # A context that installs the project has its wheel built, with this hook, which must not begin again.
        from hatch_mlpackage.context.project_wheel import is_building  # noqa: PLC0415

        return version != "editable" and self.target_name == "wheel" and not is_building()

    def _project(self) -> Any:
        from hatch_mlpackage.project.pyproject import project_of_hatch  # noqa: PLC0415

        return project_of_hatch(self.metadata)

    def _destination(self) -> Path:
        from hatch_mlpackage.context.package import context_name  # noqa: PLC0415

        return Path(self.directory, context_name(self._project()))
