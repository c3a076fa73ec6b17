"""Run the runtime's program: `python <this folder> serve | work FDS | health | profile FILE`."""

import os
import sys

USAGE = "usage: python <runtime folder> serve [options] | work FDS | health [--port PORT] | profile FILE"

FDS = 3  # that a worker inherits: sockets for frames and for files, and memory for its notes
INTERRUPTED = 130  # the status that shells report after Ctrl-C


def main(arguments: "list[str]") -> int:
    """Run a verb, with no more imports than it needs, and return the exit status."""
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if verb in {"serve", "work"} and sys.platform == "win32":
        print("The server needs Linux or macOS: use WSL or a container.", file=sys.stderr)
        return 2
    if verb == "serve":
        from mlpackage_runtime.server.program import serve

        return serve(rest)
    if verb == "work" and len(rest) == FDS and all(map(str.isdigit, rest)):
        from mlpackage_runtime.worker.process import work

        _leave_path()
        return work(*map(int, rest))
    if verb == "health":
        from mlpackage_runtime.server.health import health

        return health(rest)
    if verb == "profile" and len(rest) == 1:
        from mlpackage_runtime.worker.profile import profile

        _leave_path()
        return profile(rest[0])
    print(USAGE, file=sys.stderr)
    return 2


def _leave_path() -> None:
    """Remove this folder from sys.path, which belongs to the user's code in a worker."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != here]


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:  # before the server handles signals itself
        sys.exit(INTERRUPTED)
