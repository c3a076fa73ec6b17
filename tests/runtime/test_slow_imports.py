"""The log ranks the imports of a script that starts slowly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from runtime_service import Service, Start

LINE = r"(Loaded in [\d.]+ s, of which init\(\) took .*)"


def package(folder: Path, name: str, seconds: float, text: str = "") -> None:
    """Write an installed module that takes some time to import."""
    file = folder / "site-packages" / f"{name.replace('.', '/')}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"import time\n{text}\ntime.sleep({seconds})\n", encoding="utf-8")


def started(serve: Start, folder: Path, script: str, **environment: str) -> Service:
    return serve(script, PYTHONPATH=str(folder / "site-packages"), **environment)


def said(service: Service) -> tuple[float, float, list[tuple[str, float]]]:
    """Return the seconds of the start, of init() and of the imports that the log ranks."""
    line = service.wait_for_log(LINE)
    total, init = map(float, re.findall(r"([\d.]+) s, of which init\(\) took ([\d.]+) s", line)[0])
    ranked = line.partition("; slowest imports: ")[2]
    return total, init, [(name, float(seconds)) for name, seconds in re.findall(r"(\w+) ([\d.]+) s", ranked)]


def test_the_slowest_imports_are_ranked(serve: Start, tmp_path: Path) -> None:
    """A package's time has that of all it imports, in the script, in the project's modules and in init()."""
    package(tmp_path, "quick", 0.0)
    package(tmp_path, "deep", 0.5)
    package(tmp_path, "slow/__init__", 0.5, "import deep")
    package(tmp_path, "slow/part", 0.6)
    package(tmp_path, "late", 0.8)
    package(tmp_path, "middle", 0.3)
    (tmp_path / "own.py").write_text("import middle, time\ntime.sleep(0.2)\n", encoding="utf-8")
    script = """
        import quick
        import own
        import slow.part
        import deep

        def init():
            import late

        def run(data):
            return data
    """
    total, init, ranked = said(started(serve, tmp_path, script))
    assert [name for name, _ in ranked] == ["slow", "late", "middle"]
    assert [seconds >= least for least, (_, seconds) in zip((1.6, 0.8, 0.3), ranked, strict=True)] == [True] * 3
    assert total > sum(seconds for _, seconds in ranked)  # own.py waits too, and nothing counts twice
    assert 0.8 <= init <= total - 2


def test_a_quick_start_is_not_worth_a_line(serve: Start, tmp_path: Path) -> None:
    """Below a second the log has no ranking."""
    package(tmp_path, "slow", 0.1)
    service = started(serve, tmp_path, "import slow\ndef init(): pass\ndef run(x): return x\n")
    assert "Loaded in" not in service.log


def test_a_slow_init_needs_no_import(serve: Start) -> None:
    """Where nothing took long to import, the line has only the times."""
    service = serve("import time\ndef init(): time.sleep(1.1)\ndef run(x): return x\n")
    assert re.fullmatch(r"Loaded in [\d.]+ s, of which init\(\) took 1\.\d s", service.wait_for_log(LINE))


SHOWING = """
    import importlib.util
    import importlib.resources
    import sys
    import alpha
    import alpha.beta

    def init():
        pass

    def run(data):
        loader = alpha.__spec__.loader
        return [
            alpha.__loader__ is loader,
            sorted(vars(loader)),
            loader.get_source("alpha").splitlines()[0],
            [type(finder).__module__ for finder in sys.meta_path if "mlpackage" in type(finder).__module__],
            importlib.util.find_spec("alpha.beta").name,
        ]
"""


def test_scripts_see_the_import_system_of_python(serve: Start, tmp_path: Path) -> None:
    """What measures leaves no trace in the modules, and is gone when the script runs."""
    package(tmp_path, "alpha/__init__", 0)
    package(tmp_path, "alpha/beta", 0)
    shims = ["mlpackage_runtime.worker.shims"] * 2
    found = started(serve, tmp_path, SHOWING).post("{}").json()
    assert found == [True, ["name", "path"], "import time", shims, "alpha.beta"]


@pytest.mark.parametrize("error", ["ValueError('broken')", "ImportError('broken')"])
def test_tracebacks_have_no_frames_of_ours(start: Start, tmp_path: Path, error: str) -> None:
    """An import that fails shows the lines of the script and of the packages, and no others."""
    package(tmp_path, "inner", 0, f"raise {error}")
    package(tmp_path, "outer", 0, "import inner")
    service = start(
        "import outer\ndef init(): pass\ndef run(x): return x\n", PYTHONPATH=str(tmp_path / "site-packages")
    )
    assert service.wait() == 3
    files = re.findall(r'File "(.*?)", line', service.log)
    site = tmp_path / "site-packages"
    assert files == [str(tmp_path / "score.py"), str(site / "outer.py"), str(site / "inner.py")]
