"""Measure locking with uv and with pip-tools: the same requirements, for this Python and platform.

    python tests/benchmarks/bench_lock.py [--rounds 3]

It asks this machine's package index, with separate caches that the warm-up fills, and starts without a lock. The exit
status is 1 if a limit is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

from measure import Limit, compare, judge, peak, ratio, report

REQUIREMENTS = ("scikit-learn", "pandas", "lightgbm", "joblib", "inference-schema[numpy-support]")
PROGRAM = f"""
import platform, sys
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.resolve.make import make_lock
from hatch_mlpackage.project.target import Target

libc = "manylinux_" + platform.libc_ver()[1].replace(".", "_")
architecture = {{"x86_64": "amd64", "aarch64": "arm64"}}[platform.machine()]
target = Target(python="%d.%d" % sys.version_info[:2], platform="linux/" + architecture, libc=libc)
make_lock(Requirements(requirements={REQUIREMENTS}), target, locker=sys.argv[1])
"""


def main() -> int:
    """Measure both resolvers, and return 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    commands = {locker: [sys.executable, "-c", PROGRAM, locker] for locker in ("pip-tools", "uv")}
    with tempfile.TemporaryDirectory(prefix="mlpackage-bench-") as folder:
        os.environ |= {"UV_CACHE_DIR": f"{folder}/uv", "PIP_CACHE_DIR": f"{folder}/pip"}
        runs = compare(commands, Path(folder), rounds=rounds)
    python = platform.python_version()
    report(f"locking {', '.join(REQUIREMENTS)} for Python {python}", runs, against="pip-tools")
    return judge(
        [
            Limit(says="locking with uv, times pip-tools", found=ratio(runs, "uv", against="pip-tools"), most=0.5),
            Limit(says="MiB of memory for locking with uv", found=peak(runs, "uv"), most=100),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
