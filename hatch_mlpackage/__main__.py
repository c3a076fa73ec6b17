"""The `mlpackage` command, also `python -m hatch_mlpackage`."""

from __future__ import annotations

import sys
from importlib.util import find_spec

_NEEDED = ("click", "rich")
_INTERRUPTED = 130


def main() -> None:
    """Run the command line, or say how to install what it needs."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        print(
            f"mlpackage: the command line needs {' and '.join(missing)}, not installed here.\n"
            f'Run: {sys.executable} -m pip install "hatch-mlpackage[cli]"',
            file=sys.stderr,
        )
        sys.exit(1)
    try:
        from hatch_mlpackage.cli.program import main as program  # noqa: PLC0415 - needs the extra that was just looked for
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    sys.exit(program(sys.argv[1:]))


if __name__ == "__main__":
    main()
