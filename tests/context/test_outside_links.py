from __future__ import annotations

import pytest

from hatch_mlpackage.context.outside_links import OUTSIDE, link_problems
from hatch_mlpackage.context.plan import ContextFile
from hatch_mlpackage.errors import Problem


@pytest.fixture
def root(tmp_path):
    """Give a project with links inside it and out of it."""
    outside, root = tmp_path / "outside", tmp_path / "project"
    (root / "src").mkdir(parents=True)
    outside.mkdir()
    for path in (outside / "a", outside / "b", root / "own"):
        path.touch()
    (root / "src/folder").symlink_to(outside)
    (root / "src/folder-inside").symlink_to(root)
    (root / "src/file").symlink_to(outside / "a")
    (root / "src/file-inside").symlink_to(root / "own")
    return root


def found_in(root, *paths, allowed=()):
    files = [ContextFile(path=path, layer="source", source=root / path, size=0) for path in paths]
    return list(link_problems(files, root, allowed))


def problem(root, link, target):
    return Problem(
        where=link,
        what=f"is a link out of the project, to {root.parent / target}.",
        fix=f'Copy what is there into the project. If it is meant to be there: allowed-links = ["/{link}"].',
        level="warning",
        code=OUTSIDE,
    )


def test_links_out_of_the_project(root):
    """Each link out of the project causes one warning, whatever lies below it, and links inside cause none."""
    paths = ("src/file", "src/file-inside", "src/folder/a", "src/folder/b", "src/folder-inside/own", "own")

    assert found_in(root, *paths) == [
        problem(root, "src/file", "outside/a"),
        problem(root, "src/folder", "outside"),
    ]


@pytest.mark.parametrize("allowed", [["/src/folder"], ["folder"], ["/src/fol*"]])
def test_allowed_links(root, allowed):
    """A link that is meant to lead out causes no warning, and the others still do."""
    found = found_in(root, "src/file", "src/folder/a", allowed=allowed)

    assert found == [problem(root, "src/file", "outside/a")]


def test_a_project_that_is_a_link_itself(root, tmp_path):
    """A project that is reached by a link has only its own links out of it."""
    (tmp_path / "linked").symlink_to(root)

    assert [it.where for it in found_in(tmp_path / "linked", "own", "src/file-inside", "src/file")] == ["src/file"]


def test_files_from_elsewhere(root, tmp_path):
    """Files that are not the project's, such as those of the server, are no links out of it."""
    (tmp_path / "cache").symlink_to(tmp_path / "outside")
    files = [
        ContextFile(path="azureml-models/m/1/a", layer="m", source=tmp_path / "cache/a", size=0),
        ContextFile(path="runtime/a", layer="runtime", source=root / "src/file", size=0),
        ContextFile(path="Dockerfile", layer="build", source=b"", size=0),
    ]

    assert list(link_problems(files, root)) == []
