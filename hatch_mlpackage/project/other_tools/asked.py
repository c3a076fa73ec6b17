"""Hold a requirement as pip writes it, with its place in the file that names it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A requirement; `where` is a full TOML key or `file:line`."""

    text: str
    where: str
