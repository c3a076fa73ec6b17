"""Register the build target and the build hook with Hatch, which are imported only when Hatch asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hatchling.plugin import hookimpl

if TYPE_CHECKING:
    from hatch_mlpackage.plugin.build_hook import MLPackageBuildHook
    from hatch_mlpackage.plugin.builder import MLPackageBuilder


@hookimpl
def hatch_register_builder() -> type[MLPackageBuilder]:
    from hatch_mlpackage.plugin.builder import MLPackageBuilder  # noqa: PLC0415 - every hatch command loads this module

    return MLPackageBuilder


@hookimpl
def hatch_register_build_hook() -> type[MLPackageBuildHook]:
    from hatch_mlpackage.plugin.build_hook import MLPackageBuildHook  # noqa: PLC0415 - see above

    return MLPackageBuildHook
