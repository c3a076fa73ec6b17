"""Every line in which a project asks pip for something reaches the lock's inputs or is reported."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.lock.asked.pip_file import Line
from hatch_mlpackage.lock.asked.requirements import Requirements, read_requirements
from hatch_mlpackage.lock.asked.script_needs import replace_serving, with_generated
from hatch_mlpackage.project.no_code.generated import NoCode
from hatch_mlpackage.project.sources.entry_script import EntryScript

NAMES = ("numpy", "NumPy", "scikit-learn", "Scikit_Learn", "pandas", "flask", "azureml-defaults", "AzureML.Defaults")
MARKERS = (
    "",
    "; python_version < '3.12'",
    ' ; python_version >= "3.12"',
    "; sys_platform == 'win32' and (python_version > '3' or extra == 'x')",
    "; platform_version != '#1'",
)
LINES = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(("", "[test]", "[A,b_c]")),
        st.sampled_from(("", "<2", ">= 1.2 , !=1.25", "==1.0.*", " (>1)")),
        st.sampled_from(MARKERS),
    ),
) | st.builds(
    "{} @ https://host/{}-1-py3-none-any.whl{}{}".format,
    st.sampled_from(NAMES),
    st.sampled_from(("a", "b")),
    st.sampled_from(("", "#sha256=0")),
    st.sampled_from(("", " ; python_version < '3.12'")),
)
OTHER_LINES = st.sampled_from(
    (
        "./lib",
        "-e ./lib[extra]",
        "lib @ ./lib ; python_version < '3.12'",
        "git+https://host/lib.git#egg=lib",
        "git+https://host/lib.git@v2#egg=lib",
        "./missing",
        "numpy=1",
        "numpy==",
        "--extra-index-url https://host/simple",
        "--extra-index-url https://host/more",
        "--find-links ./wheels",
        "--pre",
        "--no-such-option",
        "-c missing.txt",
    )
)
DECORATIONS = st.sampled_from(
    ("{}", "  {}\t", "{}  # why", "{} \\\n", "{} --hash=sha256:00", "# a note \\\n{}", "# a page\f{}", "\n\n{}")
)
Meaning = tuple[str, frozenset[str], str, str, str]


def meaning(text: str) -> Meaning:
    """Return what a line asks for, parsed with the library that pip itself uses."""
    read = Requirement(text)
    extras = frozenset(map(canonicalize_name, read.extras))
    return canonicalize_name(read.name), extras, str(read.specifier), read.url or "", str(read.marker or "")


def meanings(texts: Iterable[str]) -> set[Meaning]:
    return set(map(meaning, texts))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "lib").mkdir()
    (folder / "lib/pyproject.toml").write_text("")
    return folder


def read(
    root: Path, *files: str, inline: Iterable[str] = (), listed: Iterable[str] = ()
) -> tuple[Requirements, Problems]:
    problems = Problems()
    lines = [Line(number, text) for number, text in enumerate(listed, 1)]
    found = read_requirements(root, files, tuple(inline), problems, "inline", listed=("environment.yml", lines))
    return found, problems


@settings(max_examples=200, deadline=None)
@given(
    in_files=st.lists(st.tuples(st.sampled_from(("a.txt", "b.txt", "c.txt")), LINES, DECORATIONS), max_size=6),
    inline=st.lists(LINES, max_size=4),
    listed=st.lists(LINES, max_size=4),
)
def test_every_requirement_is_read(root: Path, in_files, inline, listed) -> None:
    """Every requirement is read, whatever its source and spelling, beside the others of its package."""
    texts = {"a.txt": "-r b.txt\n-c c.txt\n", "b.txt": "", "c.txt": ""}
    for file, line, decoration in in_files:
        texts[file] += decoration.format(line) + "\n"
    for file, text in texts.items():
        (root / file).write_text(text)

    found, problems = read(root, "a.txt", inline=inline, listed=listed)

    limits = meanings(line for file, line, _ in in_files if file == "c.txt")
    asked = meanings([*(line for file, line, _ in in_files if file != "c.txt"), *inline, *listed])
    assert (meanings(found.requirements), meanings(found.constraints), tuple(problems.found)) == (asked, limits, ())


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES | OTHER_LINES, max_size=8, unique=True))
def test_lines_do_not_hide_each_other(root: Path, lines) -> None:
    """A file yields exactly what its lines yield when each is read alone, problems included."""
    (root / "all.txt").write_text("".join(f"{line}\n" for line in lines))
    together, problems = read(root, "all.txt")
    said: set[object] = set()
    for number, line in enumerate(lines, 1):
        (root / "all.txt").write_text("\n" * (number - 1) + f"{line}\n")
        alone, its_problems = read(root, "all.txt")
        something: set[object] = {*alone.requirements, *alone.sources, *alone.options, *its_problems.found}
        assert something
        said |= something

    assert {*together.requirements, *together.sources, *together.options, *problems.found} == said


@settings(max_examples=200, deadline=None)
@given(
    lines=st.lists(LINES, max_size=8), inline=st.lists(LINES, max_size=3), imports=st.sets(st.sampled_from(("flask",)))
)
def test_every_requirement_is_kept_or_named(root: Path, lines, inline, imports) -> None:
    """A step that replaces requirements keeps each one, or notes that it leaves it out."""
    found, _ = read(root, inline=[*lines, *inline])
    model = NoCode(
        script="",
        sample="",
        requirements={"scikit-learn==1.5": "it made the model", "numpy>=2": "its pickle names modules of it"},
        about="",
        left_out=("pandas", "scikit-learn"),
    )
    script = EntryScript(call_style="rawhttp", parameters=("request",), imports=frozenset(imports))

    made = replace_serving(with_generated(found, model, inline=inline), script)

    left_out = {note.removesuffix(_left_out(note)) for note in made.notes if _left_out(note)}
    assert set(found.requirements) - set(made.requirements) == left_out


def _left_out(note: str) -> str:
    before, between, after = note.partition(" is left out: ")
    return between + after if before else ""
