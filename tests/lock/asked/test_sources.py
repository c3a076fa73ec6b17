from __future__ import annotations

import os
from pathlib import Path

import pytest

from hatch_mlpackage.lock.asked.requirement_line import CREDENTIALS_FIX, RefusedRequirementError
from hatch_mlpackage.lock.asked.sources import REMOTE, Source, digest_of, files_of, read_source


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a project with a library beside its requirements, and a neighbour outside."""
    for folder in ("project/lib", "project/requirements/own", "neighbour"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "pyproject.toml").touch()
    (tmp_path / "project/lib-1.0.tar.gz").touch()
    return tmp_path / "project"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("./lib", "./lib"),
        ("./lib[b,A]", "./lib[a,b]"),
        ("./lib ; python_version<'3.13'", './lib ; python_version < "3.13"'),
        ("Lib_x[a] @ file:lib", "lib-x[a] @ ./lib"),
        ("file:./lib", "./lib"),
        ("../neighbour", "../neighbour"),
        ("./own", "./requirements/own"),
        ("lib-1.0.tar.gz", "./lib-1.0.tar.gz"),
        (
            "git+https://host/a.git@v1#egg=A_b[c]&subdirectory=d",
            "a-b[c] @ git+https://host/a.git@v1#egg=A_b[c]&subdirectory=d",
        ),
        ("a @ git+ssh://git@host/a.git", "a @ git+ssh://git@host/a.git"),
        ("https://host/a-1.0.zip", "https://host/a-1.0.zip"),
        ("a @ https://host/a-1.0.tar.gz#sha256=00", "a @ https://host/a-1.0.tar.gz#sha256=00"),
    ],
)
def test_what_is_built(root: Path, text: str, expected: str) -> None:
    """Folders, archives and repositories are recorded in one spelling, with paths relative to the project's root."""
    found = read_source(text, root, root / "requirements")

    assert found is not None
    assert found.text == expected
    assert found.is_local == ("://" not in text)


@pytest.mark.parametrize(
    "text", ["numpy", "numpy==1.0", "a[b]>=1", "a @ https://host/a-1-py3-none-any.whl", "https://host/page", "~/a"]
)
def test_what_is_not_built(root: Path, text: str) -> None:
    """`read_source` returns None for a requirement that needs no build or that it does not understand."""
    assert read_source(text, root, root) is None


def test_absolute_paths_become_relative(root: Path) -> None:
    """A file URL or absolute path becomes relative, so the lock names no folder of this machine."""
    expected = Source(text="./lib", location="./lib", digest=digest_of(root / "lib"))

    assert read_source((root / "lib").as_uri(), root, root) == expected
    assert read_source(str(root / "lib"), root, root) == expected


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("./missing", "./missing does not exist."),
        ("./requirements", "./requirements is a folder without pyproject.toml or setup.py."),
        ("git+https://token@host/a.git", "the URL holds credentials."),
        ("git+https://host/${NAME}.git", "an environment variable stands in the URL."),
        ("./lib ; python_version <", "its marker cannot be read: Expected a marker variable or quoted string."),
    ],
)
def test_refused(root: Path, text: str, what: str) -> None:
    """A source that cannot be built, or whose URL holds a password, is refused with the reason."""
    with pytest.raises(RefusedRequirementError) as refused:
        read_source(text, root, root)

    assert refused.value.what == what
    assert bool(refused.value.fix)
    assert (refused.value.fix == CREDENTIALS_FIX) == ("credentials" in what)


def test_only_sources_count(root: Path) -> None:
    """Only sources change the digest, not version control, environments, tools' leftovers or skipped folders."""
    (root / "lib/module.py").write_text("a = 1\n")
    before = digest_of(root / "lib", {(root / "lib/models").resolve()})
    for litter in (
        ".git/HEAD",
        "__pycache__/a.pyc",
        "build/x",
        "dist/x.whl",
        "lib.egg-info/PKG-INFO",
        ".venv/pyvenv.cfg",
        "Thumbs.db",
        ".idea/lib.iml",
        ".module.py.swp",
    ):
        (root / "lib" / litter).parent.mkdir(parents=True, exist_ok=True)
        (root / "lib" / litter).touch()
    (root / "lib/models").mkdir()
    (root / "lib/models/large.bin").touch()
    (root / "lib/loop").symlink_to(root / "lib")
    os.utime(root / "lib/module.py", (1, 1))

    left_out = {(root / "lib/models").resolve()}
    assert [place for place, _ in files_of(root / "lib", left_out)] == ["module.py", "pyproject.toml"]
    assert digest_of(root / "lib", left_out) == before
    (root / "lib/module.py").write_text("a = 2\n")
    assert digest_of(root / "lib", left_out) != before


def test_the_digest_in_locks_stays(root: Path) -> None:
    """The digest of a folder is the same in every release, because locks record it."""
    for name, text in (("module.py", "a = 1\n"), ("pkg/build/x.txt", "x"), ("pkg-data.txt", ""), ("pkg/z", "z")):
        (root / "lib" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "lib" / name).write_text(text)
    (root / "lib/pkg/z").chmod(0o755)

    assert [place for place, _ in files_of(root / "lib")] == [
        *("module.py", "pkg-data.txt", "pkg/build/x.txt", "pkg/z", "pyproject.toml")
    ]
    assert digest_of(root / "lib") == "sha256:063cf2e0bcf6bd8f3e495c734d5b98659244766eaec68e3f8ca6b05c9af44417"


def test_a_source_that_cannot_be_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that the operating system cannot read is refused with its path and the reason."""

    def refuse(path: Path, *_: object) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("hatch_mlpackage.lock.asked.sources.digest_of", refuse)
    with pytest.raises(RefusedRequirementError, match=r"lib cannot be read: Permission denied\."):
        read_source("./lib", root, root)


def test_a_remote_source_has_no_digest(root: Path) -> None:
    """A remote source has no digest, because it is fetched only when it is locked anew."""
    found = read_source("git+https://host/a.git", root, root)

    assert found == Source(text="git+https://host/a.git", location="git+https://host/a.git", digest=REMOTE)
