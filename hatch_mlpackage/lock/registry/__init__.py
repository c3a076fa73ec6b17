"""Asks an image registry, over the OCI distribution API, which bytes a tag stands for. No container engine is needed.

https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
"""

from __future__ import annotations

from .reference import Reference, parse_reference
from .resolve import Resolved, resolve
from .transport import UnreachableError

__all__ = ["Reference", "Resolved", "UnreachableError", "parse_reference", "resolve"]
