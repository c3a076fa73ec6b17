from __future__ import annotations

from pathlib import Path

import pytest

from hatch_mlpackage.files.tree import Skip, is_derived, is_litter, place_below, walk


def make(top: Path, *names: str) -> Path:
    for name in names:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).touch()
    return top


def nothing(place: str, path: Path) -> bool:
    del place, path
    return False


def places(top: Path, skip: Skip = nothing, *, follow: bool = True) -> list[str]:
    return [place for place, _ in walk(top, skip, follow=follow)]


def test_every_file_with_its_place(tmp_path: Path) -> None:
    """Each file comes with its place, sorted by name, and a folder's files come before its folders'."""
    make(tmp_path, "b", "a", "folder/.hidden", "folder/deeper/c")

    assert list(walk(tmp_path, nothing)) == [
        (place, tmp_path / place) for place in ("a", "b", "folder/.hidden", "folder/deeper/c")
    ]


def test_a_file_alone(tmp_path: Path) -> None:
    """A file is yielded itself, with an empty place."""
    make(tmp_path, "model.pkl")

    assert list(walk(tmp_path / "model.pkl", nothing)) == [("", tmp_path / "model.pkl")]


def test_what_is_skipped(tmp_path: Path) -> None:
    """A skipped folder is left out with all that it holds, and `skip` is given the place and the path."""
    make(tmp_path, "a", "left/b", "kept/left")

    found = places(tmp_path, lambda place, path: place == "left" and path == tmp_path / "left")

    assert found == ["a", "kept/left"]


def test_links(tmp_path: Path) -> None:
    """Links are followed without circles, or yielded themselves, and a dangling link is yielded either way."""
    make(tmp_path, "outside/x", "top/a")
    (tmp_path / "top/linked").symlink_to(tmp_path / "outside")
    (tmp_path / "top/circle").symlink_to(tmp_path / "top")
    (tmp_path / "top/dangling").symlink_to("nowhere")

    assert places(tmp_path / "top") == ["a", "dangling", "linked/x"]
    assert places(tmp_path / "top", follow=False) == ["a", "circle", "dangling", "linked"]


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreadable folder raises its error, or the caller's function gets it beside the other files."""
    make(tmp_path, "a", "closed/b")
    listed = Path.iterdir

    def iterdir(path: Path) -> object:
        if path.name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    errors: list[tuple[Path, OSError]] = []

    assert [place for place, _ in walk(tmp_path, nothing, unreadable=lambda *it: errors.append(it))] == ["a"]
    assert [(path, error.strerror) for path, error in errors] == [(tmp_path / "closed", "Permission denied")]
    with pytest.raises(PermissionError):
        list(walk(tmp_path, nothing))


@pytest.mark.parametrize(
    ("path", "folder", "expected"),
    [
        ("/project/src/a b", "/project", "src/a b"),
        ("/project", "/project", ""),
        ("/projects/a", "/project", ""),
        ("/a/b", "/", "a/b"),
        ("src/a", ".", "src/a"),
        ("src/a", "src", "a"),
        ("../project/a", "../project", "a"),
        (".", ".", ""),
        ("/elsewhere", ".", ""),
    ],
)
def test_a_place_below_a_folder(path: str, folder: str, expected: str) -> None:
    """The place is what pathlib says, and empty for the folder itself and for what lies elsewhere."""
    assert place_below(Path(path), Path(folder)) == expected
    if Path(path).is_relative_to(folder):
        assert Path(path).relative_to(folder) == Path(expected)


LITTER = (
    *(".git", ".hg", ".svn", ".bzr", ".DS_Store", "Thumbs.db"),
    *(".idea", ".vscode", ".vs", ".spyproject", "a.code-workspace", ".a.py.swp", ".a.swo", "a.py~", ".#a", "#a#"),
)
DERIVED = (
    *("__pycache__", ".eggs", ".hypothesis", ".ipynb_checkpoints", ".mypy_cache", ".nox", ".pytest_cache"),
    *(".ruff_cache", ".tox", "node_modules", "a.pyc", "a.pyo"),
)
KEPT = (".gitignore", ".env", "#a", "a.py", "swp", "a.swp", ".config", "build", "venv")


def test_litter(tmp_path: Path) -> None:
    """The files of version control, desktops and editors are litter in any folder, and nothing else is."""
    named = {name for name in (*LITTER, *DERIVED, *KEPT) if is_litter(f"folder/{name}", tmp_path / name)}

    assert named == set(LITTER)


def test_derived(tmp_path: Path) -> None:
    """Litter, what tools make from sources, and folders with a pyvenv.cfg are derived."""
    make(tmp_path, "venv/pyvenv.cfg", "env/pyvenv.cfg")
    names = (*LITTER, *DERIVED, *KEPT, "env")

    assert {name for name in names if is_derived(f"folder/{name}", tmp_path / name)} == {
        *LITTER,
        *DERIVED,
        *("venv", "env"),
    }
