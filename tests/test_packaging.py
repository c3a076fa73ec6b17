"""Check our own distribution: the same wheel from a checkout and from the sdist, however it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import httpx
import pytest

from hatch_mlpackage.serve.health import free_port, wait_until_healthy

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
    """The wheel's file list and bytes do not depend on how it was built."""
    direct, through = (next(folder.glob("*.whl")) for folder in built)

    assert sorted(zipfile.ZipFile(direct).namelist()) == sorted(zipfile.ZipFile(through).namelist())
    assert direct.read_bytes() == through.read_bytes()


def test_what_is_in_the_wheel(built):
    """The wheel has the package, the templates and the runtime, and no files for developers only."""
    names = zipfile.ZipFile(next(built[0].glob("*.whl"))).namelist()
    project = next(name.rpartition("/")[0] for name in names if name.endswith("}}/README.md"))

    assert project.startswith("hatch_mlpackage/_templates/project/{%")
    assert {name.split("/")[0] for name in names} == {"hatch_mlpackage", "hatch_mlpackage-0.1.0.dist-info"}
    assert [name for name in names if name.endswith((".pyc", ".orig", ".env"))] == []
    for name in (
        "hatch_mlpackage/py.typed",
        "hatch_mlpackage/_templates/context/Dockerfile.j2",
        f"{project}/.github/workflows/ci.yml",
        f"{project}/.gitignore",
        "hatch_mlpackage/_runtime/__main__.py",
        "hatch_mlpackage/_runtime/mlpackage_runtime/frames.py",
        "hatch_mlpackage/_runtime/requirements/3.12.txt",
        "hatch_mlpackage-0.1.0.dist-info/licenses/LICENSE",
    ):
        assert name in names


def test_one_version():
    """CITATION.cff names the version of the project."""
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

    assert f"\nversion: {version}\n" in (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "command",
    [
        ["twine", "check", "--strict", "{sdist}", "{wheel}"],
        ["check_wheel_contents", "{wheel}"],
        ["validate_pyproject", "pyproject.toml"],
    ],
    ids=lambda command: command[0],
)
def test_checkers_have_nothing_to_say(built, command):
    """The checkers find no fault in the metadata, in the wheel's contents and in our own table."""
    files = {"sdist": next(built[0].glob("*.tar.gz")), "wheel": next(built[0].glob("*.whl"))}
    arguments = [part.format(**files) for part in command]

    checked = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.environments
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["hatch", "build", "-t", "wheel", "{output}"],
        ["build", "--wheel", "--outdir", "{output}"],
        ["uv", "build", "--no-config", "--wheel", "--out-dir", "{output}"],
        ["pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", "{output}", "."],
    ],
    ids=lambda command: command[0],
)
def test_every_front_end_builds_it(built, tmp_path, command):
    """Each front end makes exactly hatchling's wheel, in an isolated environment."""
    arguments = [part.format(output=tmp_path / "dist") for part in command]

    subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=next(built[1].glob("*/")),
        check=True,
        capture_output=True,
        timeout=300,
        env={**os.environ, "HATCH_DATA_DIR": str(tmp_path / "hatch")},
    )

    assert next((tmp_path / "dist").glob("*.whl")).read_bytes() == next(built[0].glob("*.whl")).read_bytes()


@pytest.mark.environments
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize(
    ("python", "resolution"),
    [("3.11", "lowest-direct"), ("3.11", "highest"), ("3.12", "highest"), ("3.13", "highest")],
)
def test_pythons_and_bounds(built, copy_project, tmp_path, python, resolution, interpreter):
    """The installed wheel makes one context on every Python, with the oldest allowed requirements and the newest."""
    environment, root = tmp_path / "venv", copy_project("minimal")
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--python", interpreter(python), str(environment)], check=True, timeout=60)
    install = [*uv, "pip", "install", "--python", f"{environment}/bin/python", "--resolution", resolution]
    subprocess.run([*install, str(next(built[0].glob("*.whl")))], check=True, timeout=120)

    subprocess.run([f"{environment}/bin/hatchling", "build", "-t", "mlpackage"], cwd=root, check=True, timeout=60)

    here = copy_project("minimal", "here")
    build(here, here / "dist", "-t", "mlpackage")
    manifests = [folder / "dist/minimal-model-1.0-context/manifest.json" for folder in (root, here)]
    assert manifests[0].read_bytes() == manifests[1].read_bytes()


@pytest.mark.environments
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("way", ["wheel", "sdist", "editable", "checkout"])
def test_works_however_it_is_installed(built, copy_project, tmp_path, way):
    """The wheel, the sdist, an editable install and a bare checkout each make a context."""
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
        "from hatch_mlpackage.context.build import build_context\n"
        "from hatch_mlpackage.project.pyproject import load_project\n"
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


RAW = """\
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse


def init():
    pass


@rawhttp
def run(request):
    return AMLResponse(request.get_data()[::-1], 200)
"""


@pytest.mark.environments
@pytest.mark.network
@pytest.mark.slow
def test_the_extra_serves_a_raw_script(built, tmp_path):
    """With nothing but the extra `cli` installed, `serve` runs a script that takes the raw request."""
    environment = tmp_path / "venv"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--python", sys.executable, str(environment)], check=True, timeout=60)
    wheel = f"{next(built[0].glob('*.whl'))}[cli]"
    install = [*uv, "pip", "install", "--python", f"{environment}/bin/python", wheel]
    subprocess.run(install, check=True, timeout=300)
    (tmp_path / "score.py").write_text(RAW)
    url = f"http://127.0.0.1:{free_port()}"
    command = [f"{environment}/bin/mlpackage", "serve", "--entry_script", "score.py", "--port", url.rpartition(":")[2]]
    bare = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "CONDA_PREFIX"}}

    with subprocess.Popen(command, cwd=tmp_path, env=bare) as process:
        try:
            assert wait_until_healthy(url, while_alive=lambda: process.poll() is None)
            answer = httpx.post(f"{url}/score", content=b"\x00abc\xff", trust_env=False)
        finally:
            process.terminate()

    assert (answer.status_code, answer.content) == (200, b"\xffcba\x00")
