"""Which package indexes a resolver asks: the machine's own settings, and nothing else of the machine.

A lock must depend on the requirements, the image and the index; not on a `resolution`, `constraint` or
`annotation-style` that one developer set for himself. Yet whoever has set an index, for uv or for pip, means it: a
private package must not be looked for on the public index. So a resolver's own configuration is kept off, except
for what says where the index is and how to reach it, which is handed over in environment variables. They never
reach the lock, and are not seen in a process list.
"""

from __future__ import annotations

from collections.abc import Mapping

from .resolver import Task


def for_uv(environ: Mapping[str, str], task: Task) -> tuple[dict[str, str], list[str]]:
    return {**environ, "UV_PYTHON_DOWNLOADS": "never"}, ["--no-config"]
