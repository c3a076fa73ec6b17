from __future__ import annotations

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
