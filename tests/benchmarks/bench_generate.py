"""Measure the cost of a context, against a wheel of the same project and against copying and hashing its model.

    python tests/benchmarks/bench_generate.py [--rounds 5]

It makes the project of `mlpackage demo`, which asks the package index for its lock, and trains it with this Python's
scikit-learn. The exit status is 1 if a limit is missed.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import Limit, Runs, compare, fastest, judge, peak, ratio, report

PROJECTS = Path(__file__).resolve().parents[1] / "projects"
GIB = 1 << 30
MOST_MEMORY = 100  # MiB


def build(target: str) -> list[str]:
    return [sys.executable, "-m", "hatchling", "build", "-t", target]


def write_model(path: Path, size: int) -> None:
    """Write bytes that no file system can compress."""
    block = os.urandom(1 << 20)
    with path.open("wb") as file:
        for _ in range(size >> 20):
            file.write(block)


def memory(runs: Runs, what: str) -> Limit:
    return Limit(says=f"MiB of memory for {what}", found=peak(runs, "context"), most=MOST_MEMORY)


def make_demo(folder: Path) -> Path:
    """Make, lock and train the project of `mlpackage demo`."""
    new = [sys.executable, "-m", "hatch_mlpackage", "new", "diabetes", "--no-input", "--ci", "none"]
    subprocess.run(new, cwd=folder, check=True, capture_output=True)
    root = folder / "diabetes"
    subprocess.run([sys.executable, "train.py"], cwd=root, check=True, capture_output=True)
    return root


def bench_demo(folder: Path, rounds: int) -> Iterator[Limit]:
    root = make_demo(folder)
    runs = compare({"wheel": build("wheel"), "context": build("mlpackage")}, root, rounds=rounds)
    report("the context of the demo, against its wheel", runs, against="wheel")
    yield Limit(says="the demo's context, times its wheel", found=ratio(runs, "context", against="wheel"), most=2)
    yield memory(runs, "the demo's context")


def bench_big(folder: Path, rounds: int) -> Iterator[Limit]:
    root = shutil.copytree(PROJECTS / "minimal", folder / "big")
    model = root / "models/greeting.txt"
    write_model(model, 2 * GIB)
    copy = folder / "copy"

    def start_clean() -> None:
        copy.unlink(missing_ok=True)
        shutil.rmtree(root / "dist", ignore_errors=True)
        os.sync()  # so that no run waits for another run's unwritten data

    commands = {
        "cp + sha256sum": ["sh", "-c", f"cp {model} {copy} && sha256sum {model}"],
        "context": build("mlpackage"),
    }
    runs = compare(commands, root, rounds=rounds, before=start_clean)
    report("a context with a 2 GiB model, against cp and sha256sum", runs, against="cp + sha256sum")
    yield memory(runs, "a 2 GiB model")
    copy.unlink(missing_ok=True)
    yield from bench_unchanged(root, 4 * rounds + 1)


def bench_unchanged(root: Path, rounds: int) -> Iterator[Limit]:
    runs = compare({"wheel": build("wheel"), "context": build("mlpackage")}, root, rounds=rounds)
    report("the same context again, its 2 GiB model unchanged, against the wheel", runs, against="wheel")
    yield Limit(says="seconds for an unchanged 2 GiB model", found=fastest(runs, "context"), most=0.3)
    yield memory(runs, "an unchanged 2 GiB model")


def bench_many(folder: Path, rounds: int) -> Iterator[Limit]:
    root = shutil.copytree(PROJECTS / "minimal", folder / "many")
    model = root / "models/greeting.txt"
    model.unlink()
    for number in range(10_000):
        path = model / f"{number % 100}" / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(1000))
    copy = root / "dist/copy"
    replaced, numbers = folder / "replaced", itertools.count()
    replaced.mkdir()

    def start_clean() -> None:
        # Removed at the end: for minutes after files were removed, ext4 takes ten times as long to make new ones.
        if (root / "dist").exists():
            (root / "dist").rename(replaced / str(next(numbers)))
        (root / "dist").mkdir()
        os.sync()

    reference = "cp -r + sha256sum"
    commands = {
        reference: ["sh", "-c", f"cp -r {model} {copy} && find {model} -type f -print0 | xargs -0 sha256sum"],
        "context": build("mlpackage"),
    }
    runs = compare(commands, root, rounds=rounds, before=start_clean)
    report("a context with a model of 10,000 small files, against cp -r and sha256sum", runs, against=reference)
    found = ratio(runs, "context", against=reference)
    yield Limit(says="10,000 small files, times cp -r and sha256sum", found=found, most=1.3)
    yield memory(runs, "10,000 small files")


def main() -> int:
    """Measure everything, and return 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="mlpackage-bench-") as name:
        folder = Path(name)
        os.environ["MLPACKAGE_CACHE_DIR"] = f"{folder}/cache"
        limits = [
            *bench_many(folder, rounds),
            *bench_demo(folder, 2 * rounds + 1),
            *bench_big(folder, rounds),
        ]
    return judge(limits)


if __name__ == "__main__":
    sys.exit(main())
