"""Runs pip-compile as a program of its own, with three corrections; started by `pip_tools.py`, never imported.

The first argument is the newest glibc minor version that a wheel may need; the rest are pip-compile's own.

1. `_get_file_hash` downloads every file of every platform to hash it, though the index gave its sha256: pip-tools
   compares the link, which carries `#sha256=…`, with an address of the index's JSON interface, which does not and
   which most private indexes lack. Locking a handful of packages took a hundred times what it has to.
   https://github.com/jazzband/pip-tools/issues/1669
2. `--only-binary` hides source archives from the hashes too, while uv lists them. The image never installs one; the
   lock is to be the same whichever resolver wrote it.
3. pip takes wheels for this machine's glibc. PEP 600 lets a module `_manylinux` say no to those newer than the
   image's.

pip logs why an index could not be read as debugging output only, then says "no matching distribution"; and what a
conflict is caused by is hidden with all news. Those lines are let through, or a dead network would be told as a
conflict of versions, and a conflict without its cause.
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

    def _get_hashes_from_pypi(self, ireq: Any) -> dict[str, str]:  # noqa: ARG002 - one request a package, for nothing
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
