from __future__ import annotations

import pytest

from hatch_mlpackage.project.other_tools.asked import Asked
from hatch_mlpackage.project.other_tools.setup_files import names_in_setup_py, read_setup_cfg

LINES = """\
[metadata]
name = a

[options]
packages = find:
install_requires =
    numpy>=1.26
    # comment
    requests; python_version < '3.9'

[options.extras_require]
dev = numpy
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LINES, (("numpy>=1.26", 7), ("requests; python_version < '3.9'", 9))),
        ("[options]\ninstall_requires = numpy; pandas\n", (("numpy", 2), ("pandas", 2))),
        ("[options]\r\ninstall-requires: \r\n  numpy\r\n", (("numpy", 3),)),
        ("[options]\npython_requires = >=3.9\n", ()),
        ("[flake8]\nignore = E501\n", ()),
        (None, ()),
    ],
    ids=["lines", "semicolons", "dash and CRLF", "none", "no options", "no file"],
)
def test_setup_cfg(text, expected, tmp_path, problems):
    """The requirements are those that setuptools reads, each with its line."""
    if text is not None:
        (tmp_path / "setup.cfg").write_bytes(text.encode())

    found = tuple(Asked(text=text, where=f"setup.cfg:{line}") for text, line in expected)
    assert read_setup_cfg(tmp_path, problems) == (found, ())
    assert problems.found == ()


def test_files_in_setup_cfg(tmp_path, problems):
    """`file:` names files of requirements."""
    (tmp_path / "setup.cfg").write_text("[options]\ninstall_requires = file: a.txt, more/b.txt\n")

    assert read_setup_cfg(tmp_path, problems) == ((), ("a.txt", "more/b.txt"))


def test_a_setup_cfg_that_is_none(tmp_path, problems):
    """What configparser cannot read is reported with its line."""
    (tmp_path / "setup.cfg").write_text("[options]\ninstall_requires\n")

    assert read_setup_cfg(tmp_path, problems) == ((), ())
    (problem,) = problems.found
    assert problem.where == "setup.cfg"
    assert "line" in problem.what
    assert "install_requires" in problem.what


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from setuptools import setup\n\nsetup(\n    name='a',\n    install_requires=['numpy'],\n)\n", "setup.py:5"),
        ("import setuptools\nsetuptools.setup(**about)\n", "setup.py:2"),
        ("from setuptools import setup\nsetup()\n", ""),
        ("from setuptools import setup\nsetup(name='a', ext_modules=[])\n", ""),
        ("about = {}\nabout['install_requires'] = ['numpy']\nrun(about)\n", "setup.py:2"),
        ("print 'install_requires'\n", "setup.py"),
        ("print 'nothing'\n", ""),
        ("raise SystemExit('must not run')\n", ""),
        (None, ""),
    ],
)
def test_setup_py(text, expected, tmp_path, problems):
    """The program is searched for requirements and never run."""
    if text is not None:
        (tmp_path / "setup.py").write_text(text)

    assert (names_in_setup_py(tmp_path, problems), problems.found) == (expected, ())
