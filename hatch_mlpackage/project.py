"""The project a context is made for: its folder, its name and version, its `[tool.mlpackage]` table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """`table` is `[tool.mlpackage]` as TOML gave it; `dependencies` is `[project.dependencies]`."""

    root: Path
    name: str
    version: str
    dependencies: tuple[str, ...] = ()
    requires_python: str = ""
    table: Mapping[str, Any] = field(default_factory=dict)
