"""What git ignores, compared with git itself in random repositories."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.files.git_ignored import ignored_by_git

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git to compare with")

NAMES = ["a", "b", "foo", "bar", "x.py", "y.txt", "a b", "#h", "!n", "[z]", "foo.txt", "é", "éa", "]", "-", "fo", "aa"]
WORDS = [
    *("a", "b", "foo", "bar", "*.py", "*.txt", "*", "**", "?", "[ab]", "[!a]", "fo*", "f?o", "a b", "\\#h", "\\!n"),
    *("\\[z\\]", "x.py", "*o", "[[:alpha:]]", "[^b]", "[a-f]", "a**", "**b", "b**", "[]a]", "[a-", "[[:foo:]]", "[!-]"),
    *("é?", "?x", "\\", "a\\", "*.*", "**.py", "[\\]a]", "[[:a]", "[a-\\f]", "[b-]", "***", "[^!]", "  ", "[/]", "é"),
]


def git(folder, *arguments):
    """Run git without the settings of the user, and return what it prints."""
    variables = {**os.environ, "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(["git", "-C", folder, *arguments], capture_output=True, check=True, env=variables).stdout


def pattern(chance):
    words = "/".join(chance.choices(WORDS, k=chance.randint(1, 3)))
    before = chance.choices(["", "/", "!", "!/", "# "], [10, 5, 5, 3, 1])[0]
    return before + words + chance.choices(["", "/", "  ", "\\ ", "\r"], [10, 5, 1, 1, 1])[0]


def patterns(chance):
    return "\n".join(pattern(chance) for _ in range(chance.randint(1, 5))) + "\n"


def fill(chance, folder, depth=0):
    """Write a tree of empty files and folders with files of rules."""
    for name in chance.sample(NAMES, chance.randint(1, 4)):
        if depth < 3 and chance.random() < 0.5:
            (folder / name).mkdir()
            fill(chance, folder / name, depth + 1)
        else:
            (folder / name).write_bytes(b"")
    if not depth or chance.random() < 0.4:
        (folder / ".gitignore").write_text(patterns(chance), newline="")


def kept(top, root=None):
    """Return the files that git does not ignore according to us."""
    is_ignored = ignored_by_git(top, root or top)
    found, waiting = set(), [top]
    while waiting:
        for path in waiting.pop().iterdir():
            if path.name == ".git" or is_ignored(path):
                continue
            if path.is_dir() and not path.is_symlink():
                waiting.append(path)
            else:
                found.add(path.relative_to(top).as_posix())
    return found


def kept_by_git(top):
    listed = git(top, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return {os.fsdecode(name) for name in listed.split(b"\0") if name}


@needs_git
@pytest.mark.parametrize("seed", range(40))
def test_as_git(tmp_path, seed):
    """Nested files of rules, negations, brackets, stars and tracked files mean what they mean to git."""
    chance = random.Random(seed)
    git(tmp_path, "init", "--quiet", f"--object-format={chance.choice(['sha1', 'sha256'])}")
    git(tmp_path, "config", "index.version", str(chance.choice([2, 4])))
    fill(chance, tmp_path)
    (tmp_path / ".git/info/exclude").write_text(patterns(chance))
    files = [path for path in sorted(tmp_path.rglob("*")) if path.is_file() and ".git" not in path.parts]
    tracked = chance.sample(files, min(len(files), chance.choice([0, 0, 2])))
    if tracked:
        git(tmp_path, "add", "--force", "--", *(f":(literal){path.relative_to(tmp_path)}" for path in tracked))

    assert kept(tmp_path) == kept_by_git(tmp_path)


@pytest.fixture
def repository(tmp_path):
    """Make a repository with a project below its top."""
    git(tmp_path, "init", "--quiet")
    project = tmp_path / "project"
    (project / "src/data").mkdir(parents=True)
    for name in ("src/a.py", "src/a.log", "src/data/b.csv", "src/kept.log"):
        (project / name).write_text("")
    (tmp_path / ".gitignore").write_text("*.log\n/project/src/data/\n")
    (project / "src/.gitignore").write_text("!kept.log\n")
    return project


@needs_git
def test_a_project_in_a_repository(repository):
    """The rules of the folders above the project count."""
    assert kept(repository / "src", repository) == {"a.py", "kept.log", ".gitignore"}


@needs_git
def test_a_worktree(repository):
    """In a worktree, what is tracked there counts, and the list of its clone."""
    top = repository.parent
    git(top, "add", ".")
    git(top, "add", "--force", "project/src/data/b.csv")
    git(top, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "--message=a")
    (top / ".git/info/exclude").write_text("*.tmp\n")
    git(top, "worktree", "add", "--quiet", top / "other.log")
    src = top / "other.log/project/src"
    (src / "c.tmp").write_text("")

    assert kept(src, src.parent) == {"a.py", "kept.log", "data/b.csv", ".gitignore"}


@needs_git
def test_a_repository_in_the_repository(repository):
    """The rules of a repository do not count in another one below it, such as a submodule."""
    inner = repository / "src/inner"
    inner.mkdir()
    git(inner, "init", "--quiet")
    for name in ("a.log", "b.txt"):
        (inner / name).write_text("")
    (inner / ".gitignore").write_text("*.txt\n")

    assert kept(repository / "src", repository) - {"a.py", "kept.log", ".gitignore"} == {
        "inner/a.log",
        "inner/.gitignore",
    }


def test_without_a_repository(tmp_path):
    """Without a repository, as in an unpacked archive, the rules in the project count, and those above it do not."""
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    for name in ("a.log", "b.txt", "c.py"):
        (project / "src" / name).write_text("")
    (tmp_path / ".gitignore").write_text("*.py\n")
    (project / ".gitignore").write_text("*.log\n")

    assert kept(project / "src", project) == {"b.txt", "c.py"}


@needs_git
@pytest.mark.parametrize("rule", ["/project/", "*", "/project/src"])
def test_a_folder_that_git_ignores(repository, rule):
    """Rules that ignore the folder that the project names do not count; those of the project still do."""
    (repository.parent / ".gitignore").write_text(f"{rule}\n")
    (repository / ".gitignore").write_text("*.log\n")

    assert kept(repository / "src", repository) == {"a.py", "data/b.csv", "kept.log", ".gitignore"}


@needs_git
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda index: b"x" * 100, "it is no index of git"),
        (lambda index: index[:4] + b"\0\0\0\x09" + index[8:], "it has version 9"),
        (lambda index: index[:60], "it is cut off"),
    ],
)
def test_an_index_that_cannot_be_read(repository, damage, reason):
    """Where it is not known what is tracked, nothing is left out in silence."""
    top = repository.parent
    git(top, "add", ".")
    index = top / ".git/index"
    index.write_bytes(damage(index.read_bytes()))

    with pytest.raises(MLPackageError) as raised:
        kept(repository / "src", repository)

    assert str(raised.value) == (
        f"{index}: cannot be read, so that it is not known which files git ignores: {reason}.\n"
        "Correct it: `git status` shows whether git can read it; `git update-index --no-split-index` joins a split one."
    )


@needs_git
def test_a_split_index(repository):
    """An index that lies partly in another file is refused, since the tracked files in there are not known."""
    top = repository.parent
    git(top, "add", ".")
    git(top, "update-index", "--split-index")
    (repository / "src/other.py").write_text("")
    git(top, "add", ".")

    with pytest.raises(MLPackageError, match="it is split"):
        kept(repository / "src", repository)


def test_a_project_named_from_inside(tmp_path, monkeypatch):
    """Rules hold as well for a project that is named by `.`, with and without a repository."""
    (tmp_path / ".gitignore").write_text("/src/a\n")
    (tmp_path / "src").mkdir()
    for name in ("a", "b"):
        (tmp_path / "src" / name).touch()
    monkeypatch.chdir(tmp_path)
    without = ignored_by_git(Path("src"), Path())
    (tmp_path / ".git").mkdir()
    within = ignored_by_git(Path("src"), Path())

    found = [[name for name in ("a", "b") if ignored(Path("src", name))] for ignored in (without, within)]
    assert found == [["a"], ["a"]]
