from __future__ import annotations

import pytest

from hatch_mlpackage.project.azureml_files.python_pin import items_of, pin_of, python_for


@pytest.mark.parametrize(
    ("requirement", "python"),
    [
        ("python=3.8.13", "3.8"),
        ("python==3.9", "3.9"),
        ("python=3.10.*", "3.10"),
        ("python 3.11.*", "3.11"),
        ("python=3.9.7=h12debd9_1", "3.9"),
        ("python>=3.6", "3.12"),
        ("python >=3.7,<3.10", "3.9"),
        ("python<3.9|>=3.13", "3.14"),
        ("conda-forge::python~=3.9.2", "3.9"),
        ("python=3", "3.12"),
        ("python=*", "3.12"),
        ("Python!=3.12.*", "3.14"),
        ("python=3.6.2", "3.6"),
        ("python 3.7.*", "3.7"),
        ("python<3.8", "3.7"),
        ("python=3.5.2", ""),
        ("python=2.7", ""),
        ("python=what", ""),
    ],
)
def test_python_for(requirement, python):
    """A conda constraint gives the default Python if it allows that, else the newest supported one, if any."""
    assert (pin_of(["numpy", requirement]), python_for(requirement)) == (requirement, python)


@pytest.mark.parametrize("requirements", [[], ["python"], ["python-dateutil=2.8"], ["ipython=8"]])
def test_no_pin(requirements):
    """Only the package `python` with a version pins Python."""
    assert pin_of(requirements) == ""


def test_items_of():
    """The items of a file's lists are found without a YAML reader, despite quotes, comments and line endings."""
    text = "name: x\r\ndependencies:\r\n  - python=3.8 # as before\r\n  - 'numpy'\r\n- pip:\r\n    - \"a==1\"\r\n"

    assert items_of(text) == ["python=3.8", "numpy", "pip:", "a==1"]
