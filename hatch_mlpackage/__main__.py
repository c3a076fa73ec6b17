"""Start the `mlpackage` command, also with `python -m hatch_mlpackage`."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from hatch_mlpackage.errors import INTERRUPTED

_NEEDED = ("click", "rich")


def main() -> None:
    """Run the command line, or say how to install the packages that it needs."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        print(
            f"mlpackage: the command line cannot start without {' and '.join(missing)}.\n"
            f'Run: {sys.executable} -m pip install "hatch-mlpackage[cli]"',
            file=sys.stderr,
        )
        sys.exit(1)
    try:
        from hatch_mlpackage.cli.program import main as program  # noqa: PLC0415 - needs the extra, which is installed
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit(program(sys.argv[1:]))


if __name__ == "__main__":
    main()
