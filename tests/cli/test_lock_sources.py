"""Lock projects that tell another tool what they need, with an index on the loopback address."""

from __future__ import annotations

import subprocess
import sys

import pytest
from uv import find_uv_bin

from hatch_mlpackage.lock.pins.pins import read_pins

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
TABLE = '[tool.mlpackage]\nentry-script = "score.py"\npin-base-image = false\n'
PROJECT = '[project]\nname = "a"\nversion = "1"\n'
PYTHON = f'python-version = "{HERE}"\n'


@pytest.fixture
def root(tmp_path, monkeypatch, index):
    """Change into an empty project, and give an index with two releases of alpha and of beta."""
    for name in ("alpha", "beta"):
        index.add(name, "1.0")
        index.add(name, "2.0")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "score.py").write_text(SCRIPT)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def declare(root):
    """Give a function that writes pyproject.toml, with the table of mlpackage before other lines."""

    def write(*more, table=PYTHON):
        (root / "pyproject.toml").write_text(TABLE + table + "".join(f"{one}\n" for one in more))

    return write


def pinned(root):
    return {pin.name: pin.version for pin in read_pins((root / "locks/requirements.txt").read_text())}


def test_poetry(root, declare, mlpackage):
    """Poetry's main group is locked and stays fresh; the lines say where it comes from and what is left out."""
    declare(
        "[tool.poetry.dependencies]",
        'python = "^3.9"',
        'alpha = "^1.0"',
        'beta = {version = "*", optional = true}',
        "[tool.poetry.group.test.dependencies]",
        'pytest = "*"',
    )

    outcome = mlpackage("lock")

    assert (outcome.status, pinned(root)) == (0, {"alpha": "1.0"})
    assert outcome.err.splitlines()[:2] == [
        (
            "The requirements are those of [tool.poetry.dependencies]: nothing in [tool.mlpackage] or [project] names "
            "any."
        ),
        (
            "As with `poetry install --only main`, these are left out: [tool.poetry.group.test.dependencies], beta, "
            "which is optional."
        ),
    ]
    assert (mlpackage("lock", "--check").status, mlpackage("check").status) == (0, 0)


def test_what_poetry_has_and_pip_has_not(declare, mlpackage):
    """Each entry that cannot be converted is one problem, with its line and the command that exports it."""
    declare(
        "[tool.poetry.dependencies]",
        'python = "~3.8"',
        'alpha = "^1 || ^3"',
        'beta = {version = "*", source = "ours"}',
        table='python-version = "3.12"\n',
    )

    outcome = mlpackage("lock")

    export = (
        "Run `poetry export --output requirements.txt` (plugin poetry-plugin-export), and set "
        'requirements = ["requirements.txt"] in [tool.mlpackage].'
    )
    assert outcome.status == 1
    assert outcome.err.splitlines()[1:] == [
        (
            "  pyproject.toml:6: tool.poetry.dependencies.python: excludes the Python of the image, 3.12. Set a "
            'version that the project allows: python-version = "X.Y" in [tool.mlpackage].'
        ),
        (
            "  pyproject.toml:7: tool.poetry.dependencies.alpha: '^1 || ^3' has a gap, which one requirement of pip "
            f"cannot express. {export}"
        ),
        (
            "  pyproject.toml:8: tool.poetry.dependencies.beta.source: takes the package from 'ours' alone, which a "
            f"lock of pip cannot promise. {export}"
        ),
    ]


def test_project_wins_over_poetry(root, declare, mlpackage):
    """[project.dependencies] counts as in Poetry, and a line names what is passed over."""
    declare(
        '[project]\nname = "a"\nversion = "1"\ndependencies = ["beta<2"]', '[tool.poetry.dependencies]\nalpha = "1"'
    )

    outcome = mlpackage("lock")

    assert (outcome.status, pinned(root)) == (0, {"beta": "1.0"})
    assert outcome.err.splitlines()[0] == (
        "The requirements are those of [project.dependencies]: beside them, [tool.poetry.dependencies] only says where "
        "packages come from, which is not read."
    )


def test_setup_cfg(root, declare, mlpackage):
    """install_requires is locked, and a line of it that is none is refused with its number."""
    declare()
    (root / "setup.cfg").write_text("[options]\ninstall_requires =\n  alpha<2\n")
    locked = mlpackage("lock")
    (root / "setup.cfg").write_text("[options]\ninstall_requires =\n  alpha<2\n  beta=1\n")
    refused = mlpackage("lock")

    assert (locked.status, pinned(root), refused.status) == (0, {"alpha": "1.0"}, 1)
    assert locked.err.splitlines()[0] == (
        "The requirements are those of setup.cfg: nothing in [tool.mlpackage] or [project] names any."
    )
    assert refused.err.splitlines()[1].startswith("  setup.cfg:4: `beta=1`: a single `=` is conda's spelling")


def test_dynamic_dependencies_of_setuptools(root, declare, mlpackage):
    """The files that setuptools takes the dependencies from are read."""
    declare(
        f'{PROJECT}dynamic = ["dependencies"]',
        '[tool.setuptools.dynamic]\ndependencies = {file = ["requirements.txt"]}',
    )
    (root / "requirements.txt").write_text("alpha<2\n")

    assert (mlpackage("lock").status, pinned(root)) == (0, {"alpha": "1.0"})


def test_setup_py(root, declare, make_source, mlpackage, tmp_path):
    """A setup.py is refused with its line and never run; both ways out work."""
    (root / "setup.py").write_text(
        "raise SystemExit('run')\nfrom setuptools import setup\nsetup(install_requires=['alpha'])\n"
    )
    declare()
    refused = mlpackage("lock")
    declare(table=PYTHON + 'dependencies = ["alpha<2"]\n')
    named, pins = mlpackage("lock"), pinned(root)
    source = make_source(tmp_path / "source", "mine", "1.0", "beta")
    for name in ("backend.py", "about.txt", "module.py"):
        (source / name).rename(root / name)
    declare((source / "pyproject.toml").read_text(), table=PYTHON + 'dependencies = ["."]\n')
    built = mlpackage("lock")

    assert refused.err.splitlines()[1:] == [
        (
            "  setup.py:3: names the requirements in a program, and mlpackage never runs it. Name them in "
            '[tool.mlpackage]: dependencies = ["numpy>=1.26"], or requirements = ["requirements.txt"]; or dependencies '
            '= ["."], and `mlpackage lock` lets pip build the wheel of the project.'
        )
    ]
    assert (refused.status, named.status, pins) == (1, 0, {"alpha": "1.0"})
    assert (built.status, pinned(root)) == (0, {"mine": "1.0", "beta": "2.0"})


def test_pipfile(root, declare, mlpackage):
    """A Pipfile is refused by name, with the command that exports it."""
    declare()
    (root / "Pipfile").write_text('[packages]\nalpha = "*"\n')

    outcome = mlpackage("lock")

    assert outcome.status == 1
    assert outcome.err.splitlines()[1] == (
        "  Pipfile: names the requirements, and mlpackage does not read it. Run `pipenv requirements > "
        'requirements.txt`, and set requirements = ["requirements.txt"] in [tool.mlpackage].'
    )


def test_no_requirement_anywhere(root, declare, mlpackage):
    """A lock of nothing comes with a line that lists the places that were searched, and files that may name some."""
    declare()
    hint = mlpackage("lock")
    (root / "requirements.txt").write_text("alpha\n")
    (root / "environment.yml").write_text("dependencies: [numpy]\n")
    warning = mlpackage("lock")

    places = (
        "dependencies, requirements, conda-file and pylock in [tool.mlpackage], [project.dependencies], "
        "[tool.poetry.dependencies], setup.cfg, setup.py, Pipfile"
    )
    fix = 'If the script needs any, name them in [tool.mlpackage]: requirements = ["requirements.txt"].'
    said = f"no package is locked: no requirement was found in {places}."
    assert (hint.status, warning.status, pinned(root)) == (0, 0, {})
    assert hint.err.splitlines()[-1] == f"Hint[nothing-locked]: {said} {fix}"
    assert warning.err.splitlines()[-1] == (
        f"Warning[nothing-locked]: {said} environment.yml and requirements.txt may name some, and no key names them. "
        f"{fix}"
    )


def test_python_version_file(root, declare, mlpackage):
    """`.python-version` chooses the image's Python where the table does not, and a line says so."""
    declare(f'{PROJECT}dependencies = ["alpha"]', table="")
    (root / ".python-version").write_text(f"{HERE}.1\n")
    taken, lock = mlpackage("lock"), (root / "locks/requirements.txt").read_text()
    (root / ".python-version").write_text("3.5\n")
    refused = mlpackage("check")
    (root / ".python-version").write_text("my-env\n")
    unknown = mlpackage("lock")

    assert (taken.err.splitlines()[0], lock.startswith(f"# Locked for CPython {HERE} on")) == (
        f"The image gets Python {HERE}, which .python-version names.",
        True,
    )
    assert refused.err.splitlines()[1] == (
        "  .python-version: '3.5' is not a supported Python version. Set python-version in [tool.mlpackage] to one of "
        "3.6, 3.7, 3.8, 3.9, 3.10, 3.11, 3.12, 3.13, 3.14."
    )
    assert unknown.err.splitlines()[0] == (
        "The image gets Python 3.12: .python-version has 'my-env', which is not a version of CPython."
    )


@pytest.fixture
def with_uv(root, declare, index):
    """Give a function that makes a uv.lock for requirements, with the releases that the index has."""

    def lock(*requirements, more=""):
        asked = ", ".join(f'"{one}"' for one in requirements)
        about = f'name = "demo"\nversion = "1"\nrequires-python = ">={HERE}"\ndependencies = [{asked}]'
        declare(f"[project]\n{about}\n{more}")
        command = [find_uv_bin(), "lock", "--quiet", f"--default-index={index.url}", f"--python={sys.executable}"]
        subprocess.run(command, cwd=root, check=True)

    return lock


def test_uv_lock(root, with_uv, index, mlpackage, change):
    """uv.lock gives the pins, without its groups, and a line says so; when it changes, ours is stale."""
    with_uv("alpha<2", more='[dependency-groups]\ndev = ["beta"]\n')
    index.add("alpha", "1.5")
    outcome = mlpackage("lock")
    fresh = mlpackage("lock", "--check")
    with_uv("alpha<3")
    (root / "pyproject.toml").write_text((root / "pyproject.toml").read_text().replace("alpha<3", "alpha<2"))
    stale = mlpackage("lock", "--check")

    assert (outcome.status, fresh.status, stale.status, pinned(root)) == (0, 0, 1, {"alpha": "1.0"})
    assert outcome.err.splitlines()[0] == (
        'The pins are those of uv.lock, beside pyproject.toml; pylock = "none" resolves them anew.'
    )
    assert "uv.lock has changed since the lock was selected from it" in stale.err


def test_uv_lock_is_compared_with_the_lock(root, with_uv, mlpackage):
    """Every hash of the lock is compared with uv's, offline and without uv."""
    with_uv("alpha")
    mlpackage("lock")
    digest = read_pins((root / "locks/requirements.txt").read_text())[0].hashes[0]
    other = (root / "uv.lock").read_text().replace(digest, f"sha256:{'0' * 64}")
    (root / "uv.lock").write_text(other)

    outcome = mlpackage("lock", "--check")

    assert outcome.status == 1
    assert "uv.lock has changed since the lock was selected from it" in outcome.err


def test_without_the_pins_of_uv(root, with_uv, mlpackage, index, change):
    """`pylock = "none"` resolves anew, and `pylock = "uv.lock"` takes uv's pins for requirements of the table too."""
    with_uv("alpha")
    index.add("alpha", "3.0")
    toml = root / "pyproject.toml"
    change(toml, PYTHON, f'{PYTHON}pylock = "none"\n')
    mlpackage("lock")
    anew = pinned(root)
    change(toml, 'pylock = "none"\n', 'pylock = "uv.lock"\ndependencies = ["alpha>=1"]\n')
    mlpackage("lock")

    assert (anew, pinned(root)) == ({"alpha": "3.0"}, {"alpha": "2.0"})


def test_a_damaged_uv_lock(root, with_uv, mlpackage):
    """A uv.lock that uv cannot read is an error with uv's reason and the next steps."""
    with_uv("alpha")
    (root / "uv.lock").write_text("version = 1\n<<<<<<< ours\n")

    outcome = mlpackage("lock")

    assert outcome.status == 1
    assert "uv.lock cannot be exported:" in outcome.err
    assert 'Write it anew with `uv lock`, or resolve the requirements anew with pylock = "none".' in outcome.err


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("poetry.lock", "poetry export --output requirements.txt` (plugin poetry-plugin-export)"),
        ("pdm.lock", "pdm export --prod --format requirements --output requirements.txt`"),
        ("Pipfile.lock", "pipenv requirements --hash > requirements.txt`"),
    ],
)
def test_locks_that_cannot_be_read(root, declare, mlpackage, change, name, command):
    """Other locks are not passed over in silence: a command exports each, and a key resolves anew."""
    declare(f'{PROJECT}dependencies = ["alpha"]')
    (root / name).write_text("")
    refused = mlpackage("lock")
    change(root / "pyproject.toml", PYTHON, f'{PYTHON}pylock = "{name}"\n')
    named = mlpackage("lock")
    change(root / "pyproject.toml", f'pylock = "{name}"', 'pylock = "none"')
    anew = mlpackage("lock")

    export = f'Run `{command}, and set requirements = ["requirements.txt"] in [tool.mlpackage].'
    assert (refused.status, named.status, anew.status, pinned(root)) == (1, 1, 0, {"alpha": "2.0"})
    assert refused.err.splitlines()[1] == (
        f"  {name}: has the versions of the project, and mlpackage cannot read it: the image would have others. "
        f'{export} Or set pylock = "none" to resolve anew.'
    )
    assert named.err.splitlines()[1] == f"  pyproject.toml:5: tool.mlpackage.pylock: '{name}' cannot be read. {export}"


def test_a_pylock_that_no_key_names(root, declare, mlpackage, change):
    """A pylock.toml, which may be that of a development environment, counts only if a key names it; a line says so."""
    declare(f'{PROJECT}dependencies = ["alpha"]')
    (root / "pylock.toml").write_text('lock-version = "1.0"\ncreated-by = "hatch"\npackages = []\n')
    unnamed = mlpackage("lock")
    change(root / "pyproject.toml", PYTHON, f'{PYTHON}pylock = "none"\n')
    left_alone = mlpackage("lock")

    said = 'pylock.toml, beside pyproject.toml, is not read: pylock = "pylock.toml" takes the pins from it.'
    assert (unnamed.err.splitlines()[0], said in left_alone.err) == (said, False)


def test_two_locks(root, with_uv, mlpackage):
    """Two locks of other tools are not chosen from."""
    with_uv("alpha")
    (root / "poetry.lock").write_text("")

    assert mlpackage("lock").err.splitlines()[1] == (
        "  uv.lock and poetry.lock: lie beside each other, and only one of them can be meant. Name one, pylock = "
        '"uv.lock", or "none", in [tool.mlpackage].'
    )
