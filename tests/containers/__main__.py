"""Run the tests' container engine by hand, from the root: `python -m tests.containers start | stop | shell`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .base_image import import_base_image, make_base_image
from .engine import Engine, EngineUnavailableError, start, stop

DIRECTORY = Path(tempfile.gettempdir(), "mlpackage-engine")


def main(arguments: list[str]) -> int:
    match arguments:
        case ["start"]:
            engine = _start()
            print(f"export DOCKER_HOST={engine.address}")
        case ["stop"]:
            stop(DIRECTORY)
        case ["shell"]:
            engine = _start()
            try:
                shell = os.environ.get("SHELL", "/bin/sh")
                return subprocess.run(
                    [shell], env={**os.environ, "DOCKER_HOST": engine.address}, check=False
                ).returncode
            finally:
                stop(DIRECTORY)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


def _start() -> Engine:
    engine = start(DIRECTORY)
    import_base_image(engine, make_base_image())
    return engine


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except EngineUnavailableError as error:
        sys.exit(f"No container engine: {error}")
