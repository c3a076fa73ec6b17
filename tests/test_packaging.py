"""Our own distribution: the same wheel from a checkout and from the sdist, working however it is installed."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(
    not (REPOSITORY / "pyproject.toml").exists(), reason="needs the sources of the distribution"
)


def build(source, output, *targets):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(output), *targets],
        cwd=source,
        check=True,
        capture_output=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build the sdist and the wheel directly, and the wheel again from the unpacked sdist."""
    direct, through = tmp_path_factory.mktemp("direct"), tmp_path_factory.mktemp("through")
    build(REPOSITORY, direct, "-t", "sdist", "-t", "wheel")
    sdist = next(direct.glob("*.tar.gz"))
    with tarfile.open(sdist) as archive:
        archive.extractall(through, filter="data")
    build(through / sdist.name.removesuffix(".tar.gz"), through, "-t", "wheel")
    return direct, through


def test_one_wheel(built):
    """File list and bytes do not depend on the way the wheel was built."""
    direct, through = (next(folder.glob("*.whl")) for folder in built)

    assert sorted(zipfile.ZipFile(direct).namelist()) == sorted(zipfile.ZipFile(through).namelist())
    assert direct.read_bytes() == through.read_bytes()


def test_what_is_in_the_wheel(built):
    """The package, the templates and the runtime, and nothing that only developers need."""
    names = zipfile.ZipFile(next(built[0].glob("*.whl"))).namelist()

    assert {name.split("/")[0] for name in names} == {"hatch_mlpackage", "hatch_mlpackage-0.1.0.dist-info"}
    assert [name for name in names if name.endswith((".pyc", ".orig", ".env"))] == []
    for name in (
        "hatch_mlpackage/py.typed",
        "hatch_mlpackage/_templates/context/Dockerfile.j2",
        "hatch_mlpackage/_runtime/__main__.py",
        "hatch_mlpackage/_runtime/mlpackage_runtime/frames.py",
        "hatch_mlpackage/_runtime/requirements/3.12.txt",
        "hatch_mlpackage-0.1.0.dist-info/licenses/LICENSE",
    ):
        assert name in names


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("way", ["wheel", "sdist", "editable", "checkout"])
def test_works_however_it_is_installed(built, copy_project, tmp_path, way):
    """A context is made by the installed wheel, the sdist, an editable install and a bare checkout alike."""
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, timeout=120)
    python = environment / "bin/python"
    what = {
        "wheel": [str(next(built[0].glob("*.whl")))],
        "sdist": [str(next(built[0].glob("*.tar.gz")))],
        "editable": ["-e", str(REPOSITORY)],
        "checkout": ["hatchling", "jinja2", "packaging"],
    }[way]
    subprocess.run([python, "-m", "pip", "install", "-q", *what], check=True, timeout=300)
    root = copy_project("minimal")
    code = (
        "from pathlib import Path\n"
        "from hatch_mlpackage.context import build_context\n"
        "from hatch_mlpackage.project import load_project\n"
        f"print(build_context(load_project(Path({str(root)!r})), Path({str(tmp_path / 'context')!r})).digest)\n"
    )
    where = REPOSITORY if way == "checkout" else tmp_path

    made = subprocess.run([python, "-c", code], cwd=where, check=True, capture_output=True, text=True, timeout=60)

    assert made.stdout.startswith("sha256:")
    assert (tmp_path / "context/runtime/mlpackage_runtime/frames.py").is_file()
    if way != "checkout":
        subprocess.run([python, "-m", "hatchling", "build", "-t", "mlpackage"], cwd=root, check=True, timeout=60)
        again = (root / "dist/minimal-model-1.0-context/manifest.json").read_bytes()
        assert again == (tmp_path / "context/manifest.json").read_bytes()
