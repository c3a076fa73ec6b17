from __future__ import annotations

import os

import pytest

from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.project.pyproject import load_project


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("project = 3", "project is not a table"),
        ("tool = []", "tool is not a table"),
        ("[tool]\nmlpackage = 'a'", "tool.mlpackage is not a table"),
        ("[build-system]\nbuild-backend = []", "build-system.build-backend is not a string"),
        ("[project]\nname = 3", "project.name is not a string"),
        ("[project]\nversion = 1.0", "project.version is not a string"),
        ("[project]\ndependencies = 'numpy'", "project.dependencies is not an array of strings"),
        ("[project]\ndynamic = [1]", "project.dynamic is not an array of strings"),
    ],
)
def test_values_of_another_kind(tmp_path, text, said):
    """The error about a value of a wrong type names the key and the right type."""
    (tmp_path / "pyproject.toml").write_text(text)

    with pytest.raises(MLPackageError) as caught:
        load_project(tmp_path)

    assert str(caught.value) == f"{tmp_path / 'pyproject.toml'}: {said}. Correct the file."


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            'version = "1.0\\nRUN touch /pwned"',
            "project.version: '1.0\\nRUN touch /pwned' is not a version. Write one as PEP 440 says, such as \"1.2.0\".",
        ),
        (
            'version = "x/../../../../escaped"',
            "project.version: 'x/../../../../escaped' is not a version. Write one as PEP 440 says, such as \"1.2.0\".",
        ),
        (
            "name = '../a\"'",
            (
                "project.name: '../a\"' is not a project's name. Use letters, digits, dashes, dots and underscores, "
                "a letter or digit first and last, and at most 100."
            ),
        ),
    ],
)
@pytest.mark.parametrize("backend", ["setuptools.build_meta", "hatchling.build"])
def test_a_name_or_version_that_is_none(tmp_path, line, said, backend):
    """A wrong name or version is reported at its line, whatever the build backend is."""
    given = f'[build-system]\nbuild-backend = "{backend}"\n[project]\ndynamic = ["readme"]\n'
    other = 'name = "a"' if line.startswith("version") else 'version = "1"'
    (tmp_path / "pyproject.toml").write_text(f"{given}{line}\n{other}\n")

    with pytest.raises(MLPackageError) as caught:
        load_project(tmp_path)

    if backend == "setuptools.build_meta":
        assert str(caught.value) == f"pyproject.toml:5: {said}"
    assert "\n" not in str(caught.value)


DYNAMIC = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "a"
dynamic = ["version"]
[tool.hatch.version]
source = "code"
path = "version.py"
"""


@pytest.mark.parametrize("version", ["1.0\nRUN touch /pwned", "x/../../escaped", "1.0;id", " ", "1" * 101])
def test_a_dynamic_version_that_is_none(tmp_path, version):
    """A version that a plugin computes is checked like any other."""
    (tmp_path / "pyproject.toml").write_text(DYNAMIC)
    (tmp_path / "version.py").write_text(f"__version__ = {version!r}\n")

    with pytest.raises(MLPackageError) as caught:
        load_project(tmp_path)

    assert str(caught.value).startswith(("pyproject.toml:", f"{tmp_path / 'pyproject.toml'}: "))


def test_a_dynamic_version(tmp_path):
    """A version that a plugin computes has its normal form."""
    (tmp_path / "pyproject.toml").write_text(DYNAMIC)
    (tmp_path / "version.py").write_text("__version__ = 'v1.0-rc1'\n")

    assert load_project(tmp_path).version == "1.0rc1"


@pytest.mark.parametrize("kind", ["pipe", "loop", "folder"])
def test_a_pyproject_that_is_no_file(tmp_path, kind):
    """A pipe, a link onto itself or a folder in the place of pyproject.toml is not a project without one."""
    path = tmp_path / "pyproject.toml"
    {"pipe": lambda: os.mkfifo(path), "loop": lambda: path.symlink_to(path), "folder": path.mkdir}[kind]()

    with pytest.raises(MLPackageError, match=r"pyproject\.toml: cannot be read: "):
        load_project(tmp_path)
