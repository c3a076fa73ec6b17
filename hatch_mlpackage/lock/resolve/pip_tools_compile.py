"""Run pip-compile with three corrections, as a program that `pip_tools.py` starts and no module imports.

The first argument is the newest glibc minor version that a wheel may need; the rest are pip-compile's own.

1. `_get_file_hash` downloads every file of every platform to hash it, although the index gives its sha256: pip-tools
   compares the link, which has a `#sha256=…`, with an address of the index's JSON interface, which has none and which
   most private indexes lack. Locking a few packages took a hundred times as long as it must.
   https://github.com/jazzband/pip-tools/issues/1669
2. `--only-binary` hides source archives from the hashes too, while uv lists them. The image never installs one, but
   both resolvers must write the same lock.
3. pip takes wheels for this machine's glibc. By PEP 600 a module `_manylinux` can refuse those that need a newer one
   than the image's.

pip logs why it could not read an index only for debugging, and then reports "no matching distribution"; `--quiet` hides
the cause of a conflict. This program prints those lines: without them a network failure would look like a conflict of
versions, and a conflict would have no cause.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from piptools.repositories import pypi
from piptools.scripts import compile as pip_compile

if TYPE_CHECKING:
    from pip._internal.models.link import Link


class _Repository(pypi.PyPIRepository):
    def _get_file_hash(self, link: Link) -> str:
        return f"sha256:{link.hash}" if link.hash_name == "sha256" else super()._get_file_hash(link)

    def _get_hashes_from_pypi(self, ireq: Any) -> dict[str, str]:  # noqa: ARG002 - a request for each package, in vain
        return {}

    @contextmanager
    def allow_all_wheels(self) -> Iterator[None]:
        control = self.finder.format_control
        only_binary, control.only_binary = control.only_binary, set()
        try:
            with super().allow_all_wheels():
                yield
        finally:
            control.only_binary = only_binary


def _limit_glibc(minor: int) -> None:
    module = ModuleType("_manylinux")
    vars(module)["manylinux_compatible"] = lambda major, its_minor, _architecture: (major, its_minor) <= (2, minor)
    sys.modules["_manylinux"] = module


def _let_through(module: str, start: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(lambda record: record.getMessage().lstrip().startswith(start))
    logger = logging.getLogger(f"pip._internal.{module}")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)


if __name__ == "__main__":
    vars(pip_compile)["PyPIRepository"] = _Repository
    _limit_glibc(int(sys.argv.pop(1)))
    _let_through("index.collector", "Could not fetch URL")
    _let_through("resolution.resolvelib.factory", "The conflict is caused by")
    pip_compile.cli(prog_name="pip-compile")
