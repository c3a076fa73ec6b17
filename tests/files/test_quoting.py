"""Text from outside, hostile or not, is read back by other programs' parsers as it was, or it is refused."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess

import pytest
import yaml
from hypothesis import given, strategies as st

from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.files.quoting import (
    code_line,
    escaped,
    is_one_line,
    paths_for_dockerfile,
    quote_below_variable,
    quote_for_dockerfile,
    quote_for_shell,
    quote_for_yaml,
    shown_command,
    shown_word,
    word_for_dockerfile,
)

BREAKS = ["\n", "\r", "\0", "\x1b[2J", "\x7f", "\x85", "\u2028", "\u202e", "\ud800"]
HOSTILE = st.text(st.characters() | st.sampled_from("\ud800\udce9\n\r\t\\\"'$`;&|#*?[]{}()<>~! "), max_size=20)


def accepted(quote, text):
    """Return what a function makes of a text, or None if it refuses it."""
    try:
        return quote(text)
    except MLPackageError:
        return None


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("1", '"1"'),
        ("", '""'),
        ("good morning!!!", '"good morning!!!"'),
        ('say "hi"', r'"say \"hi\""'),
        ("C:\\models\\", r'"C:\\models\\"'),
        ("$HOME ${PATH}", r'"\$HOME \${PATH}"'),
        ("it's #1 `x`", '"it\'s #1 `x`"'),
    ],
)
def test_quote_for_dockerfile(value, quoted):
    """The builder neither splits nor expands a quoted value."""
    assert quote_for_dockerfile(value) == quoted


@pytest.mark.parametrize("quote", [quote_for_dockerfile, quote_for_shell, word_for_dockerfile, code_line])
@pytest.mark.parametrize("text", BREAKS)
def test_what_ends_a_line_is_refused(quote, text):
    """No line break, control character or half of a character gets into a format of lines."""
    with pytest.raises(MLPackageError, match=re.escape(ascii(f"a{text}b"))):
        quote(f"a{text}b")


@given(HOSTILE)
def test_a_value_of_a_dockerfile(text):
    """A quoted value stays on one line, and is the text again without its escapes; the rest is refused."""
    quoted = accepted(quote_for_dockerfile, text)

    assert (quoted is None) == (not is_one_line(text))
    if quoted is not None:
        assert quoted[:1] + quoted[-1:] == '""'
        assert re.fullmatch(r'(?:[^"\\$]|\\["\\$])*', quoted[1:-1])
        assert re.sub(r'\\(["\\$])', r"\1", quoted[1:-1]) == text


@given(HOSTILE)
def test_a_word_of_a_command_line(text):
    """A shell's word is read back; one that would break the line is refused."""
    word = accepted(quote_for_shell, text)

    assert (word is None) == (not is_one_line(text))
    if word is not None:
        assert shlex.split(f"a {word} b") == ["a", text, "b"]


@given(HOSTILE)
def test_a_command_line_on_a_terminal(text):
    """A command line that is shown has one line of printable characters, and no word of it is lost."""
    line = shown_command(["a", text])

    assert is_one_line(line)
    assert not is_one_line(text) or shlex.split(line) == ["a", text]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize("text", ["a\nb", "it's\x1b[2J\\", "caf\udce9 $(id)", "\u2028"])
def test_a_shown_word_in_bash(text):
    """bash reads a word with control characters, or with bytes that are no text, as it was."""
    ended = subprocess.run(["bash", "-c", f"printf %s {shown_word(text)}"], capture_output=True, check=True)

    assert os.fsdecode(ended.stdout) == text


@pytest.mark.parametrize(
    ("path", "quoted"),
    [
        ("models", '"$PROJECT/models"'),
        ("a b!/$HOME", "\"$PROJECT\"/'a b!/$HOME'"),
        ("it's", "\"$PROJECT\"/'it'\"'\"'s'"),
    ],
)
def test_a_path_below_a_variable(path, quoted):
    """Only the variable is expanded."""
    assert quote_below_variable("PROJECT", path) == quoted


@pytest.mark.parametrize("word", ["python:3.12@sha256:ab", "libstdc++6", "a=1:2~rc1+b", "/opt/x_y.whl"])
def test_words_of_a_dockerfile(word):
    """A plain word stays as it is."""
    assert word_for_dockerfile(word) == word


@pytest.mark.parametrize("word", ["", "a b", "a;b", "$a", "~root", "a=~b", "a\\", "a'", "a&b", "a>b", "ä", "a#`b`"])
def test_words_that_a_builder_takes_apart(word):
    """A word that the builder or its shell would split or expand is refused."""
    with pytest.raises(MLPackageError, match="cannot be a word of a Dockerfile"):
        word_for_dockerfile(word)


@given(st.lists(HOSTILE, min_size=1, max_size=3))
def test_paths_of_a_copy(paths):
    """The paths are read back as JSON, and none holds what a builder expands."""
    written = accepted(paths_for_dockerfile, paths)

    assert (written is None) == any(not is_one_line(path) or set(path) & set("*?[]$\\") for path in paths)
    if written is not None:
        assert (json.loads(written), is_one_line(written)) == (paths, True)


@given(HOSTILE)
def test_yaml(text):
    """PyYAML reads every text back, from one line; half of a character is refused."""
    quoted = accepted(quote_for_yaml, text)

    assert (quoted is None) == any("\ud800" <= character <= "\udfff" for character in text)
    if quoted is not None:
        assert yaml.safe_load(f"- {quoted}\n- 1\n") == [text, 1]
        assert len(quoted.splitlines()) == 1


@given(HOSTILE)
def test_escaped_text(text):
    """What is shown can be printed, and printable text is shown as it is."""
    assert escaped(text).isprintable()
    assert escaped(text) == text or not text.isprintable()


def test_a_line_of_code():
    """A line of a code block is indented, so that Markdown leaves it as it is."""
    assert code_line("``` *a* # b") == "    ``` *a* # b"
