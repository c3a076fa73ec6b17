from __future__ import annotations

import pytest

from hatch_mlpackage.project.dockerfiles.extra_steps import names_in, steps_text, wrong_steps


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"RUN a\nENV B=1\n", "RUN a\nENV B=1\n"),
        (b"\xef\xbb\xbfRUN a  \r\n\r\nENV B=1\r\n\r\n", "RUN a\n\nENV B=1\n"),
        (b"RUN a", "RUN a\n"),
        (b"\n\n", ""),
    ],
    ids=["plain", "from Windows", "no line end", "blank"],
)
def test_a_file(content, text):
    """A file's lines lose the byte order mark, carriage returns and trailing blanks."""
    assert steps_text(content) == text


def test_lines():
    """A list of lines gives the same text as a file, and an empty list gives none."""
    assert steps_text(("RUN a \\", "  && b")) == "RUN a \\\n  && b\n"
    assert steps_text(()) == ""


@pytest.mark.parametrize(
    "text",
    [
        "# a comment\nRUN apt-get update \\\n && apt-get install -y x \\\n # a comment inside\n && true\ncopy a b\n",
        "RUN <<EOF\nFROM here it is a script\nEOF\nUSER 5\n",
        "RUN <<-'A' <<B\nCMD\n A\nCMD\nB\nARG X\n",
        "",
    ],
    ids=["continued lines", "heredoc", "two heredocs", "nothing"],
)
def test_nothing_wrong(text):
    """Comments, continued lines and heredocs are not read as instructions, which may be in lower case."""
    assert list(wrong_steps(text)) == []


def test_everything_wrong():
    """Each line that would break the following ones, or has no effect, is reported with its number."""
    text = "FROM ubuntu\nRUM a\nCMD b\napt-get update \\\nENTRYPOINT c\nRUN a \\\n"

    assert list(wrong_steps(text)) == [
        (
            1,
            "starts a new image, but these lines are added to an existing one.",
            "Leave FROM out, or write the lines up to there as base-dockerfile.",
        ),
        (2, "'RUM' is not a Dockerfile instruction.", "Start the line with RUN, COPY, ENV …"),
        (3, "CMD has no effect: the image sets its own afterwards.", "Remove the line."),
        (4, "'APT-GET' is not a Dockerfile instruction.", "Start the line with RUN, COPY, ENV …"),
        (6, "ends in a backslash: what follows it would be part of it.", "Remove the backslash."),
    ]


def test_instructions():
    """`names_in` returns the names of the instructions in capitals."""
    assert names_in("user 5\nRUN a\n") == {"USER", "RUN"}


@pytest.mark.parametrize("text", ["RUN a \\\n# b\n", "RUN a \\\n\n", "RUN a \\\n  b \\\n"])
def test_the_last_instruction_ends(text):
    """A backslash that continues past the last line is found, even behind a comment or an empty line."""
    assert [found[:2] for found in wrong_steps(text)] == [
        (1, "ends in a backslash: what follows it would be part of it.")
    ]


@pytest.mark.parametrize("character", ["\0", "\ud800"])
def test_what_no_file_can_hold(character):
    """A NUL and half of a character are found in an instruction, in a comment before it and in its heredoc."""
    text = f"RUN a{character}\n# {character}\nRUN b\nRUN <<E\n{character}\nE\nRUN c\n"

    assert [found[:2] for found in wrong_steps(text)] == [
        (line, "holds a NUL or half a character.") for line in (1, 3, 4)
    ]


def test_the_lines_of_a_file():
    """Only the ends of lines that builders know end a line."""
    assert steps_text("RUN a\u2028b\x0c c\r\nRUN d\rRUN e\n".encode()) == "RUN a\u2028b\x0c c\nRUN d\nRUN e\n"
