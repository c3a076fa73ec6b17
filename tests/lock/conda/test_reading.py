"""Locks that other tools made, given as `conda-file`."""

from __future__ import annotations

import pytest

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.lock.asked.pip_file import Line
from hatch_mlpackage.lock.conda.conda_file import CondaFile
from hatch_mlpackage.lock.conda.explicit import as_constraints, parse_package
from hatch_mlpackage.lock.conda.inputs import check_conda_python
from hatch_mlpackage.lock.conda.reading import read_conda_file

A, B = "a" * 64, "b" * 32
BASE = "https://channel.example/conda-forge"
TAKEN = "x: it is already a lock: its packages are used unchanged."
FOR_PIP = "x: its pins for pip are kept and locked with hashes."
WEAK = "x: 1 of its packages have only an MD5 hash, which is weaker than SHA-256."


@pytest.fixture
def read():
    def reading(text: str) -> tuple[CondaFile | None, list[str]]:
        problems = Problems()
        found = read_conda_file(text.encode(), "x", "linux-64", problems)
        return found, [str(problem) for problem in problems.found]

    return reading


def locked(*specs: tuple[int, str], pip=(), notes=()) -> CondaFile:
    return CondaFile(
        path="x",
        kind="locked",
        specs=tuple(Line(*spec) for spec in specs),
        pip=tuple(Line(*line) for line in pip),
        notes=(TAKEN, *notes),
    )


def test_explicit(read):
    """An explicit file is read with MD5 or SHA-256 hashes and with the lines that conda-lock adds for pip."""
    text = (
        f"# platform: linux-64\n@EXPLICIT\n{BASE}/linux-64/python-3.12.4-h_1.conda#{B}\n"
        f"{BASE}/noarch/tzdata-2024a-0.tar.bz2#sha256:{A}\n"
        f"# pip flask @ https://files.example/flask-2.0-py3-none-any.whl#sha256={A}\n"
    )

    assert read(text) == (
        locked(
            (3, f"{BASE}/linux-64/python-3.12.4-h_1.conda#{B}"),
            (4, f"{BASE}/noarch/tzdata-2024a-0.tar.bz2#sha256:{A}"),
            pip=((5, f"flask @ https://files.example/flask-2.0-py3-none-any.whl#sha256={A}"),),
            notes=(WEAK, FOR_PIP),
        ),
        [],
    )


def test_explicit_files_that_cannot_be_taken(read):
    """A package without a hash, for another platform or from one machine's folder is a problem with its line."""
    text = (
        f"@EXPLICIT\n{BASE}/linux-64/a-1-0.conda\n{BASE}/osx-64/b-1-0.conda#{B}\n"
        f"file:///home/me/linux-64/c-1-0.conda#{B}\nd=1\n"
    )

    assert read(text)[1] == [
        (
            f"x:2: `{BASE}/linux-64/a-1-0.conda` is not a package's URL with its hash. "
            "Write it with hashes: `conda list --explicit --sha256`, or `--md5` with older releases."
        ),
        (
            "x:3: b-1-0.conda is for osx-64, the image is linux-64. "
            "Give a file made for the image's platform, or change platform in [tool.mlpackage]."
        ),
        (
            "x:4: c-1-0.conda is a file that only one machine has. "
            "Give the URL of its channel, or name the environment file, and the folder as conda-channel."
        ),
        (
            "x:5: `d=1` is not a package's URL with its hash. "
            "Write it with hashes: `conda list --explicit --sha256`, or `--md5` with older releases."
        ),
    ]


CONDA_LOCK = f"""\
# A lock of conda-lock.
version: 1
metadata:
  platforms: [linux-64, osx-64]
package:
- name: python
  version: 3.12.4
  manager: conda
  platform: linux-64
  dependencies: {{tzdata: ''}}
  url: {BASE}/linux-64/python-3.12.4-h_1.conda
  hash: {{md5: {B}, sha256: {A}}}
  category: main
- name: python
  version: 3.12.4
  manager: conda
  platform: osx-64
  url: {BASE}/osx-64/python-3.12.4-h_1.conda
  hash: {{md5: {B}, sha256: {A}}}
- name: pytest
  version: '8.0'
  manager: pip
  platform: linux-64
  category: dev
- name: flask
  version: '2.0'
  manager: pip
  platform: linux-64
  category: main
"""


def test_conda_lock(read):
    """A `conda-lock.yml` gives the image's platform its conda and pip packages, without those for development."""
    assert read(CONDA_LOCK) == (
        locked((6, f"{BASE}/linux-64/python-3.12.4-h_1.conda#sha256:{A}"), pip=((25, "flask==2.0"),), notes=(FOR_PIP,)),
        [],
    )
    assert read(CONDA_LOCK.replace("linux-64", "win-64"))[1] == [
        "x: it holds no package for linux-64. Lock it for linux-64 too, or change platform."
    ]
    assert read(CONDA_LOCK.replace("- name: flask", "=======\n- name: flask"))[1] == [
        (
            "x:25: a merge-conflict marker is left in the file. "
            "Resolve the conflict: keep one side and delete the marker lines."
        )
    ]


PIXI_LOCK = f"""\
version: 6
environments:
  default:
    channels:
    - url: {BASE}/
    packages:
      linux-64:
      - conda: {BASE}/linux-64/python-3.12.4-h_1.conda
      - pypi: https://files.example/ab/flask-2.0-py3-none-any.whl
packages:
- conda: {BASE}/linux-64/python-3.12.4-h_1.conda
  sha256: {A}
  md5: {B}
- pypi: https://files.example/ab/flask-2.0-py3-none-any.whl
  name: flask
  version: '2.0'
  sha256: {A}
"""


def test_pixi_lock(read):
    """A `pixi.lock` gives the conda and pip packages of its `default` environment for the image's platform."""
    expected = locked(
        (11, f"{BASE}/linux-64/python-3.12.4-h_1.conda#sha256:{A}"), pip=((14, "flask==2.0"),), notes=(FOR_PIP,)
    )

    assert read(PIXI_LOCK) == (expected, [])
    assert read(PIXI_LOCK.replace("version: 6", "version: 3"))[1] == [
        (
            "x:1: version 3 is not read. "
            "Renew it with a recent pixi, or name the explicit file of `pixi workspace export conda-explicit-spec`."
        )
    ]


def test_pixi_lock_of_the_solver(tmp_path, read):
    """The newest lock format that py-rattler writes is read with its packages and hashes."""
    from rattler import LockChannel, LockFile, LockPlatform, PackageRecord, RepoDataRecord  # noqa: PLC0415
    from rattler.package import BuildString  # noqa: PLC0415

    record = RepoDataRecord(
        PackageRecord("python", "3.12.4", BuildString("h_1"), 0, "linux-64", sha256=bytes.fromhex(A)),
        "python-3.12.4-h_1.conda",
        f"{BASE}/linux-64/python-3.12.4-h_1.conda",
        BASE,
    )
    platform = LockPlatform("linux-64")
    lock = LockFile([platform])
    lock.set_channels("default", [LockChannel(BASE)])
    lock.add_conda_package("default", platform, record)
    lock.to_path(tmp_path / "pixi.lock")

    found, problems = read((tmp_path / "pixi.lock").read_text())

    assert problems == []
    assert [line.text for line in found.specs] == [f"{BASE}/linux-64/python-3.12.4-h_1.conda#sha256:{A}"]


def test_python_of_a_lock(read):
    """A lock without the image's Python is a problem, whether it has another version or none."""
    text = f"@EXPLICIT\n{BASE}/linux-64/python-3.8.13-h_1.conda#{B}\n"
    problems = Problems()

    check_conda_python(read(text)[0], "3.12", problems)
    check_conda_python(read(text)[0], "3.8", problems)
    check_conda_python(read(text.replace("python-", "tzdata-"))[0], "3.12", problems)

    assert [str(problem) for problem in problems.found] == [
        (
            "x:2: it has Python 3.8.13, the image is to have 3.12. "
            'Set python-version = "3.8" in [tool.mlpackage], or lock it anew.'
        ),
        "x: it has no python, and the model needs one. Lock it anew with python=3.12.",
    ]


def test_constraints_for_pip():
    """Only Python packages whose versions pip understands limit what pip may add."""
    files = (
        "numpy-1.26.4-py312h64a_0",
        "requests-2.31.0-pyhd8ed1ab_0",
        "zstd-1.5.5-hfc_0",
        "x-1.0w-py_0",
        "torch-2.0-cuda_py311_0",
    )
    packages = tuple(parse_package(f"{BASE}/linux-64/{file}.conda#{B}") for file in files)

    assert as_constraints(packages) == ("numpy==1.26.4", "requests==2.31.0", "torch==2.0")


TOKEN = "ab-0f8fad5b-d9cb-469f-a165-70867728950e"
FIX = (
    "Whoever has the image could read them. Lock it with the plain URL of the channel, and give the credentials to the "
    "programs that read it: ~/.netrc, `conda token set` or `pixi auth login`."
)


@pytest.mark.parametrize("base", ["https://me:pw@channel.example/x", f"https://channel.example/t/{TOKEN}/x"])
@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"@EXPLICIT\n{{base}}/linux-64/python-3.12.4-h_1.conda#{A}\n{BASE}/linux-64/a-1-h_1.conda#{A}\n", 2),
        (
            (
                "metadata: {content_hash: {}}\npackage:\n- {platform: linux-64, manager: conda, hash: {sha256: "
                f"{A}}}, url: '{{base}}/linux-64/python-3.12.4-h_1.conda'}}\n"
            ),
            3,
        ),
    ],
    ids=["explicit", "conda-lock"],
)
def test_credentials_in_the_urls_of_a_lock(read, base, text, line):
    """A lock whose URLs hold credentials is refused without showing them, as whoever has the image could read them."""
    _, problems = read(text.replace("{base}", base))

    assert problems[0] == f"x:{line}: the URL of python-3.12.4-h_1.conda holds credentials. {FIX}"
