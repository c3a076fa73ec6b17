from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings, strategies

from hatch_mlpackage.errors import ConfigurationError, Problems
from hatch_mlpackage.lock.asked.requirement_line import CREDENTIALS_FIX
from hatch_mlpackage.lock.asked.requirements import AskedHashes, Requirements, read_requirements

if TYPE_CHECKING:
    import pytest


def read(root: Path, *files: str, inline: tuple[str, ...] = ()) -> tuple[Requirements, list[tuple[str, str, str]]]:
    problems = Problems()
    found = read_requirements(root, files, inline, problems, "tool.mlpackage.dependencies")
    try:
        problems.raise_if_any()
    except ConfigurationError as error:
        return found, [(problem.where, problem.what, problem.fix) for problem in error.problems]
    return found, []


def test_everything_that_is_taken(tmp_path: Path) -> None:
    """Files that name each other, in every style, become sorted canonical requirements without duplicates."""
    (tmp_path / "deps").mkdir()
    (tmp_path / "deps/main.txt").write_bytes(
        b"\xef\xbb\xbf# what the model needs\r\n"
        b"--extra-index-url https://wheels.example/simple  # CPU builds\r\n"
        b"-f https://wheels.example/all.html\r\n--pre\r\n--trusted-host wheels.example\r\n--no-index\r\n"
        b"--only-binary :all:\r\n--prefer-binary\r\n--require-hashes\r\n"
        b"-r ../base.txt\r\n-c limits.txt\r\n"
        b"Scikit_Learn >= 1.3 , < 2 ; python_version >= '3.9' # trailing\r\n"
        b"uvicorn[standard] \\\r\n   >=0.30\r\n\r\nnumpy"
    )
    (tmp_path / "base.txt").write_text("numpy\n--extra-index-url=https://wheels.example/simple\n")
    (tmp_path / "deps/limits.txt").write_text("scipy<1.17\n")

    assert read(tmp_path, "deps/main.txt", inline=(" pandas ", "numpy")) == (
        Requirements(
            requirements=(
                "numpy",
                "pandas",
                'scikit-learn<2,>=1.3; python_version >= "3.9"',
                "uvicorn[standard]>=0.30",
            ),
            constraints=("scipy<1.17",),
            options=(
                "--extra-index-url https://wheels.example/simple",
                "--find-links https://wheels.example/all.html",
                "--pre",
                "--trusted-host wheels.example",
                "--no-index",
            ),
        ),
        [],
    )


def test_hashed_file(tmp_path: Path) -> None:
    """A locked file gives its pins, and a note says that its hashes are replaced."""
    (tmp_path / "locked.txt").write_text(
        "numpy==1.26.4 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via scipy\n"
        "scipy==1.11 --hash sha256:cc\n"
    )

    assert read(tmp_path, "locked.txt") == (
        Requirements(
            requirements=("numpy==1.26.4", "scipy==1.11"),
            notes=("locked.txt: its pins are kept, and its hashes are replaced by those of the index.",),
            hashes=(
                AskedHashes(requirement="numpy==1.26.4", hashes=("sha256:aa", "sha256:bb"), where="locked.txt:1"),
                AskedHashes(requirement="scipy==1.11", hashes=("sha256:cc",), where="locked.txt:5"),
            ),
        ),
        [],
    )


def test_a_package_that_is_to_be_built(tmp_path: Path) -> None:
    """pip's option for one package is refused with the key that takes its place."""
    (tmp_path / "requirements.txt").write_text("wrapt==1.12.1\n--no-binary wrapt\n")

    _, problems = read(tmp_path, "requirements.txt")

    assert problems == [
        (
            "requirements.txt:2",
            "`--no-binary wrapt`: a project cannot choose which packages come as wheels.",
            (
                "Only wheels are locked and installed: the image has no compiler. If it only has sources, name it in "
                "build-from-source in place of this line: `mlpackage lock` builds its wheel."
            ),
        ),
    ]


def test_every_problem_is_reported_with_its_line(tmp_path: Path) -> None:
    """One reading finds all problems, each with its line, and shows no password."""
    (tmp_path / "requirements.txt").write_text(
        "numpy\n"
        "scipy=1.2\n"
        "-e .\n"
        "--index-url https://user:secret@host/simple\n"
        "--extra-index-url https://${TOKEN}@host/simple\n"
        "-f ./wheels\n"
        "--no-binary :all:\n"
        "--only-binary numpy\n"
        "--find-liks https://host\n"
        "pandas --global-option=x\n"
        "-r https://host/requirements.txt\n"
        "-r\n"
        "--trusted-host 'a b'\n"
        "-i https://one/simple\n"
        "-i https://two/simple\n"
        "git+https://token@host/a.git\n"
    )
    known = (
        "Known are -r, -c, -i, -f, --index-url, --extra-index-url, --find-links, --no-index, --pre and --trusted-host."
    )
    local = "Give a URL, or set PIP_FIND_LINKS or UV_FIND_LINKS on the machine that locks."
    wheels = "Only wheels are locked and installed: the image has no compiler."

    found, problems = read(tmp_path, "requirements.txt", inline=("numpy", "a=1"))

    assert found == Requirements(requirements=("numpy", "pandas"), options=("--index-url https://one/simple",))
    assert problems == [
        (
            "requirements.txt:2",
            "`scipy=1.2`: a single `=` is conda's spelling; pip compares versions with two.",
            "Write `name==version`.",
        ),
        (
            "requirements.txt:3",
            "`.`: . is a folder without pyproject.toml or setup.py.",
            "Name a folder that pip can install.",
        ),
        (
            "requirements.txt:4",
            "`--index-url https://****@host/simple`: the URL of an index holds credentials.",
            CREDENTIALS_FIX,
        ),
        (
            "requirements.txt:5",
            "`--extra-index-url https://****@host/simple`: the URL of an index holds credentials.",
            CREDENTIALS_FIX,
        ),
        (
            "requirements.txt:6",
            "`--find-links ./wheels`: this is not an http(s) URL, so the image cannot install from it.",
            local,
        ),
        ("requirements.txt:7", "`--no-binary :all:`: a project cannot choose which packages come as wheels.", wheels),
        ("requirements.txt:8", "`--only-binary numpy`: a project cannot choose which packages come as wheels.", wheels),
        ("requirements.txt:9", "`--find-liks`: this option is unknown here.", known),
        ("requirements.txt:9", "`https://host`: this option is unknown here.", known),
        (
            "requirements.txt:10",
            "`pandas --global-option=x`: --global-option is for building from source.",
            wheels,
        ),
        (
            "requirements.txt:11",
            "`https://host/requirements.txt`: only files are read, no URLs: its content could change unnoticed.",
            "Download the file, commit it, and name it here.",
        ),
        ("requirements.txt:12", "`-r`: --requirement has no value.", "Write it as pip's documentation does."),
        ("requirements.txt:13", "`--trusted-host a b`: this is not a host name.", "Write `host` or `host:port`."),
        (
            "requirements.txt:15",
            "`--index-url https://two/simple`: a second index, after --index-url https://one/simple.",
            "Write --extra-index-url here.",
        ),
        ("requirements.txt:16", "`git+https://****@host/a.git`: the URL holds credentials.", CREDENTIALS_FIX),
        (
            "tool.mlpackage.dependencies[1]",
            "`a=1`: a single `=` is conda's spelling; pip compares versions with two.",
            "Write `name==version`.",
        ),
    ]


def test_missing_files(tmp_path: Path) -> None:
    """A missing file is reported where it is named, with the file that was probably meant."""
    (tmp_path / "requirements.txt").write_text("# both\n-r requirments-gpu.txt\n-c nothing/like.this\n")
    (tmp_path / "requirements-gpu.txt").write_text("numpy\n")

    assert read(tmp_path, "https://host/r.txt", "requirement.txt", "requirements.txt")[1] == [
        (
            "https:/host/r.txt",
            "the file https:/host/r.txt does not exist.",
            "Only files are read, no URLs: download it, commit it, and name it here.",
        ),
        ("requirement.txt", "the file requirement.txt does not exist.", "Did you mean requirements.txt?"),
        ("requirements.txt:2", "the file requirments-gpu.txt does not exist.", "Did you mean requirements-gpu.txt?"),
        ("requirements.txt:3", "the file nothing/like.this does not exist.", "Create it, or correct the path."),
    ]


def test_circles_end(tmp_path: Path) -> None:
    """A circle of includes is refused once, at the line that closes it."""
    (tmp_path / "a.txt").write_text("-r b.txt\nnumpy\n")
    (tmp_path / "b.txt").write_text("scipy\n-r a.txt\n")

    assert read(tmp_path, "a.txt") == (
        Requirements(requirements=("numpy", "scipy")),
        [("b.txt:2", "a.txt includes itself in a circle.", "Remove this line.")],
    )


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    """A file that two files include is read once, and its problems are reported once."""
    (tmp_path / "a.txt").write_text("-r shared.txt\n")
    (tmp_path / "b.txt").write_text("-r shared.txt\n")
    (tmp_path / "shared.txt").write_text("numpy=1\nscipy\n")

    found, problems = read(tmp_path, "a.txt", "b.txt")

    assert (found.requirements, [where for where, *_ in problems]) == (("scipy",), ["shared.txt:1"])


def test_unreadable_files(tmp_path: Path) -> None:
    """A folder, a text that is not UTF-8 and a name that no file can have each get their own message."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin.txt").write_bytes(b"numpy\n# caf\xe9\n")

    assert read(tmp_path, "folder", "latin.txt", "a\0b")[1] == [
        ("folder", "the file folder cannot be read: Is a directory.", "Give a readable text file."),
        ("latin.txt:2", "this line is not UTF-8 text.", "Save the file as UTF-8."),
        ("a\0b", "the file a\0b cannot be read: embedded null byte.", "Give a readable text file."),
    ]


PIECES = strategies.sampled_from(
    [
        "numpy",
        "==",
        "=",
        ">=1",
        ",<2",
        "[x]",
        ";",
        "python_version",
        "<'3'",
        "extra",
        "and",
        "(",
        ")",
        "@",
        "https://",
        "u:p@h/",
        "a-1-py3-none-any.whl",
        "#",
        "sha256=0",
        "--hash",
        "-r ",
        "-c ",
        "-e ",
        "-i ",
        "--pre",
        "'",
        '"',
        "\\",
        "\n",
        "\r\n",
        "\x00",
        "\ufeff",
        "{{",
        "<<<<<<<",
        " ",
        "é",
        "../",
        "C:",
        "${A}",
    ]
)


@settings(max_examples=300, deadline=None)
@given(strategies.one_of(strategies.binary(max_size=200), strategies.lists(PIECES, max_size=20).map("".join)))
def test_no_text_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, text: bytes | str) -> None:
    """Any text becomes requirements or problems, and reading the requirements again gives the same ones."""
    root = tmp_path_factory.getbasetemp()
    content = text if isinstance(text, bytes) else text.encode()
    (root / "any.txt").write_bytes(content)

    found, _ = read(root, "any.txt", inline=(content.decode("latin-1"),))

    again, problems = read(root, inline=found.requirements)
    assert (again.requirements, problems) == (found.requirements, [])
