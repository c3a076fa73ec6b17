from __future__ import annotations

import tomllib

import pytest
from packaging.requirements import Requirement
from poetry.core.factory import Factory

from hatch_mlpackage.project.other_tools.asked import Asked
from hatch_mlpackage.project.other_tools.poetry import EXPORT, left_out, names_dependencies, read_poetry

D = "tool.poetry.dependencies"


def poetry(lines: str, more: str = "") -> dict[str, object]:
    return tomllib.loads(f"[dependencies]\n{lines}\n{more}")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('numpy = "^1.26"', "numpy>=1.26,<2.0"),
        ('numpy = "*"', "numpy"),
        ('numpy = "1.26.4"', "numpy==1.26.4"),
        ('numpy = {version = "~1.26", extras = ["a", "b"]}', "numpy[a,b]>=1.26,<1.27"),
        ('"ruamel.yaml" = ">=0.18"', "ruamel.yaml>=0.18"),
        ('a = {version = "^1", python = "<3.10"}', 'a>=1,<2.0; python_version < "3.10"'),
        ('a = {version = "^1", markers = "sys_platform == \'linux\'"}', 'a>=1,<2.0; sys_platform == "linux"'),
        ('a = {version = "*", platform = "linux"}', 'a; sys_platform == "linux"'),
        ('a = {version = "*", platform = "linux || darwin"}', 'a; sys_platform == "linux" or sys_platform == "darwin"'),
        (
            'a = {version = "*", python = "^3.9", markers = "os_name == \'posix\' or os_name == \'nt\'"}',
            'a; (os_name == "posix" or os_name == "nt") and (python_version >= "3.9" and python_version < "4.0")',
        ),
        ('a = {version = ">=2.0rc1", allow-prereleases = true}', "a>=2.0rc1"),
        ('a = {git = "https://host/team/a.git"}', "a @ git+https://host/team/a.git"),
        ('a = {git = "https://host/a.git", tag = "v1", extras = ["x"]}', "a[x] @ git+https://host/a.git@v1"),
        (
            'a = {git = "git@host:team/a.git", branch = "main", subdirectory = "lib", python = ">=3.9"}',
            'a @ git+ssh://git@host/team/a.git@main#subdirectory=lib ; python_version >= "3.9"',
        ),
        ('a = {path = "../lib", develop = true}', "a @ file:../lib"),
        ('a = {path = "my lib", subdirectory = "x"}', "a @ file:my%20lib/x"),
        ('a = {file = "vendor/a-1.0-py3-none-any.whl"}', "a @ file:vendor/a-1.0-py3-none-any.whl"),
        ('a = {url = "https://host/a-1.0.tar.gz"}', "a @ https://host/a-1.0.tar.gz"),
    ],
)
def test_a_dependency(line, expected, problems):
    """Each form becomes one requirement as pip writes it, with the place of its key."""
    name = next(iter(poetry(line)["dependencies"]))

    assert read_poetry(poetry(line), problems) == (Asked(text=expected, where=f"{D}.{name}"),)
    assert problems.found == ()


@pytest.mark.parametrize(
    "line",
    [
        'a = {version = "^1.2", extras = ["x"], python = "~3.9 || ^3.11", markers = "sys_platform == \'linux\'"}',
        'a = {version = ">=1.2,<3,!=2.5", python = ">=3.9", platform = "linux"}',
        'a = {version = "*", platform = "!=win32"}',
    ],
)
def test_as_poetry_converts_it(line, problems):
    """Name, extras, versions and marker mean the same as in the requirement that Poetry itself writes."""
    table = poetry(line)
    theirs = Requirement(Factory.create_dependency("a", table["dependencies"]["a"]).to_pep_508())
    (asked,) = read_poetry(table, problems)
    ours = Requirement(asked.text)

    versions = [f"{major}.{minor}" for major in range(4) for minor in range(8)]
    environments = [
        {"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.1", "sys_platform": platform}
        for minor in range(8, 14)
        for platform in ("linux", "win32")
    ]
    assert (ours.name, ours.extras) == (theirs.name, theirs.extras)
    assert [*map(ours.specifier.contains, versions)] == [*map(theirs.specifier.contains, versions)]
    assert [*map(ours.marker.evaluate, environments)] == [*map(theirs.marker.evaluate, environments)]


def test_several_constraints(problems):
    """An array of constraints becomes one requirement for each, with its own marker and place."""
    lines = 'a = [{version = "<2", python = "<3.10"}, {version = "^2", python = ">=3.10"}]'

    assert read_poetry(poetry(lines), problems) == (
        Asked(text='a<2; python_version < "3.10"', where=f"{D}.a[0]"),
        Asked(text='a>=2,<3.0; python_version >= "3.10"', where=f"{D}.a[1]"),
    )


def test_what_the_main_group_leaves_out(problems):
    """Python, optional packages and other groups are no requirements of the image, and all but Python are named."""
    table = poetry(
        'python = "^3.9"\na = "1.0"\nb = {version = "*", optional = true}',
        '[group.test.dependencies]\npytest = "*"\n[dev-dependencies]\nruff = "*"\n[extras]\nmore = ["b"]\n',
    )

    assert [asked.text for asked in read_poetry(table, problems)] == ["a==1.0"]
    assert list(left_out(table)) == [
        "[tool.poetry.group.test.dependencies]",
        "[tool.poetry.dev-dependencies]",
        "b, which is optional",
    ]
    assert (names_dependencies(table), names_dependencies(poetry('python = "^3.9"'))) == (True, False)
    assert problems.found == ()


@pytest.mark.parametrize(
    ("line", "where", "what"),
    [
        ('a = "^1 || ^3"', "a", "'^1 || ^3' has a gap, which one requirement of pip cannot express."),
        ('a = "latest"', "a", "'latest' is not a version."),
        (
            'a = {version = "1", source = "torch"}',
            "a.source",
            "takes the package from 'torch' alone, which a lock of pip",
        ),
        ('a = {version = "1", git = "../a"}', "a", "'../a' is not the URL of a repository."),
        ('a = {git = "https://h/a", rev = "1", tag = "2"}', "a", "only one of branch, tag and rev can be given."),
        ('a = {git = "https://h/a", path = "x"}', "a", "git and path cannot both say where it comes from."),
        (
            'a = {version = "^2", allow-prereleases = true}',
            "a",
            "pip allows pre-releases of one package only where its",
        ),
        ('a = {version = "1", markers = "os is linux"}', "a", "'os is linux' is not a marker."),
        ('a = {version = "1", platform = "linux and mac"}', "a", "'linux and mac' is not the name of a platform."),
        ('a = {version = "1", python = "three"}', "a", "'three' is not a version."),
        ('a = {version = "1", pyhton = "^3.9"}', "a.pyhton", "is not a key of Poetry that can be converted."),
        ("a = {version = 1}", "a.version", "cannot be 1."),
        ('a = {version = "1", optional = "yes"}', "a.optional", "cannot be 'yes'."),
        ('a = {version = "1", extras = [1]}', "a.extras", "cannot be an array."),
        ("a = 1.0", "a", "must be a string or a table, not 1.0."),
    ],
)
def test_what_cannot_be_converted(line, where, what, problems):
    """Everything else is refused by its key, and never left out."""
    assert read_poetry(poetry(line), problems) == ()
    (problem,) = problems.found
    assert problem.where == f"{D}.{where}"
    assert problem.what.startswith(what)


@pytest.mark.parametrize(
    ("source", "is_refused"),
    [
        ('name = "mirror"\nurl = "https://mirror/simple"', True),
        ('name = "mirror"\nurl = "https://mirror/simple"\npriority = "supplemental"', True),
        ('name = "torch"\nurl = "https://torch/simple"\npriority = "explicit"', False),
        ('name = "PyPI"', False),
    ],
)
def test_sources(source, is_refused, problems):
    """An index that Poetry asks for every package is refused by name; one that nothing uses is not."""
    read_poetry(poetry('a = "1.0"', f"[[source]]\n{source}\n"), problems)

    assert [str(problem) for problem in problems.found] == (
        [
            "tool.poetry.source[0]: 'mirror' is an index for every package, which mlpackage does not take from here. "
            + EXPORT
        ]
        if is_refused
        else []
    )
