"""Measure how long the imports of a script take, by the top-level package that the script imports.

What a package imports in turn counts as its own time, and nothing counts twice. The modules of the project are no
packages: what they import counts as imported by the script.
"""

import contextlib
import functools
import sys
import time
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from mlpackage_runtime.worker.origins import is_of_project

SLOW = 1.0  # seconds of a start that is worth a line in the log
SHOWN = 5
LEAST = 0.05  # seconds of an import that is worth naming


class Times(NamedTuple):
    """How long a script took to start in seconds: all of it, init() alone, and its imports, the slowest first."""

    total: float
    init: float
    imports: Sequence[Tuple[str, float]]

    def described(self) -> str:
        """Return the times as a line of the log."""
        named = [f"{name} {seconds:.1f} s" for name, seconds in self.imports[:SHOWN] if seconds >= LEAST]
        slowest = f"; slowest imports: {', '.join(named)}" if named else ""
        return f"Loaded in {self.total:.1f} s, of which init() took {self.init:.1f} s{slowest}"


class ImportTimes:
    """Adds up the times of imports, as the first of the finders.

    It finds what the others find. Where that is a package, it replaces the function that runs it by one that takes the
    time, until that function is called.
    """

    def __init__(self) -> None:
        self._seconds: Dict[str, float] = {}
        self._inside = False

    def ranking(self) -> List[Tuple[str, float]]:
        """Return the packages with their seconds, the slowest first."""
        return sorted(self._seconds.items(), key=lambda each: -each[1])

    def find_spec(self, fullname: str, path: Optional[Sequence[str]], target: Optional[ModuleType] = None) -> Any:
        """Return what the other finders find."""
        if self._inside:
            return None
        spec = self._found(fullname, path, target)
        loader = getattr(spec, "loader", None)
        if loader is None or isinstance(loader, type) or is_of_project(spec.origin or ""):
            return spec
        run = getattr(loader, "exec_module", None)
        if run is not None and hasattr(loader, "__dict__"):
            loader.exec_module = functools.partial(self._run, loader, run, fullname.partition(".")[0])
        return spec

    def _found(self, fullname: str, path: Optional[Sequence[str]], target: Optional[ModuleType]) -> Any:
        for finder in sys.meta_path:
            find_spec = getattr(finder, "find_spec", None)
            spec = find_spec(fullname, path, target) if find_spec is not None and finder is not self else None
            if spec is not None:
                return spec
        return None

    def _run(self, loader: Any, run: Callable[[ModuleType], None], package: str, module: ModuleType) -> None:
        vars(loader).pop("exec_module", None)
        if self._inside:
            run(module)
            return
        self._inside = True
        started = time.perf_counter()
        try:
            run(module)
        finally:
            self._inside = False
            self._seconds[package] = self._seconds.get(package, 0) + time.perf_counter() - started

    if sys.version_info >= (3, 8):
        # Python leaves the frames of this file out of tracebacks: a script's own errors should not show ours.
        _run.__code__ = _run.__code__.replace(co_filename="<frozen importlib._bootstrap_external>")


@contextlib.contextmanager
def measured() -> Iterator[ImportTimes]:
    """Measure the imports while the block runs."""
    times = ImportTimes()
    sys.meta_path.insert(0, times)
    try:
        yield times
    finally:
        if times in sys.meta_path:  # the script may have removed it
            sys.meta_path.remove(times)
