"""What making a context costs: against a wheel of the same project, and against copying and hashing its model.

Run by hand: python tests/benchmarks/bench_generate.py [rounds]
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from measure import compare, report

PROJECTS = Path(__file__).resolve().parents[1] / "projects"
GIB = 1 << 30


def build(target: str) -> list[str]:
    return [sys.executable, "-m", "hatchling", "build", "-t", target]


def write_model(path: Path, size: int) -> None:
    """Write bytes that no file system can compress away."""
    block = os.urandom(1 << 20)
    with path.open("wb") as file:
        for _ in range(size >> 20):
            file.write(block)


def bench_small(folder: Path, rounds: int) -> None:
    root = shutil.copytree(PROJECTS / "minimal", folder / "small")
    print(f"\nthe context of a small project, against its wheel ({rounds} rounds)")
    report(compare({"wheel": build("wheel"), "context": build("mlpackage")}, root, rounds=rounds), against="wheel")


def bench_big(folder: Path, rounds: int) -> None:
    root = shutil.copytree(PROJECTS / "minimal", folder / "big")
    model = root / "models/greeting.txt"
    write_model(model, 2 * GIB)
    copy = folder / "copy"

    def start_clean() -> None:
        copy.unlink(missing_ok=True)
        shutil.rmtree(root / "dist", ignore_errors=True)
        os.sync()  # nobody pays for what another left unwritten

    print(f"\na context with a 2 GiB model, against cp and sha256sum ({rounds} rounds)")
    commands = {
        "cp + sha256sum": ["sh", "-c", f"cp {model} {copy} && sha256sum {model}"],
        "context": build("mlpackage"),
    }
    report(compare(commands, root, rounds=rounds, before=start_clean), against="cp + sha256sum")
    copy.unlink(missing_ok=True)
    print(f"\nthe same context again, its model unchanged ({rounds} rounds)")
    report(compare({"context": build("mlpackage")}, root, rounds=rounds), against="context")


def bench_many(folder: Path, rounds: int) -> None:
    root = shutil.copytree(PROJECTS / "minimal", folder / "many")
    model = root / "models/greeting.txt"
    model.unlink()
    for number in range(10_000):
        path = model / f"{number % 100}" / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(1000))
    copy = folder / "copies"

    def start_clean() -> None:
        for made in (copy, root / "dist"):
            shutil.rmtree(made, ignore_errors=True)
        os.sync()

    print(f"\na context with a model of 10,000 small files, against cp -r and sha256sum ({rounds} rounds)")
    commands = {
        "cp -r + sha256sum": ["sh", "-c", f"cp -r {model} {copy} && find {model} -type f -print0 | xargs -0 sha256sum"],
        "context": build("mlpackage"),
    }
    report(compare(commands, root, rounds=rounds, before=start_clean), against="cp -r + sha256sum")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory(prefix="mlpackage-bench-") as folder:
        os.environ["MLPACKAGE_CACHE_DIR"] = f"{folder}/cache"
        bench_small(Path(folder), 2 * rounds + 1)
        bench_many(Path(folder), rounds)
        bench_big(Path(folder), rounds)


if __name__ == "__main__":
    main()
