"""Name the folders and files that the benchmarks use."""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
APPS = Path(__file__).resolve().parent / "apps"
LOCK = REPOSITORY / "runtime/requirements" / f"{sys.version_info.major}.{sys.version_info.minor}.txt"
