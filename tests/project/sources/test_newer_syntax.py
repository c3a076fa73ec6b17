from __future__ import annotations

import ast
import sys

import pytest

from hatch_mlpackage.project.sources.entry_script import read_entry_script
from hatch_mlpackage.project.sources.newer_syntax import NewerSyntax, newer_syntax
from hatch_mlpackage.project.target import SUPPORTED_PYTHONS

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
QUOTES = "an f-string with its own quotes, a backslash or a comment inside its braces"
# The first Python that reads a program, the line of what is new in it, and its name.
NEW = {
    "from __future__ import annotations\n": ("3.7", 1, "from __future__ import annotations"),
    "if (x := 1):\n    pass\n": ("3.8", 1, "an assignment expression (:=)"),
    "def f(x, /): ...\n": ("3.8", 1, "a positional-only parameter (/)"),
    "@table[0].wrap\ndef f(): ...\n": ("3.9", 2, "a decorator that is more than a name"),
    "x = 1\nmatch x:\n    case 1:\n        pass\n    case _:\n        pass\n": ("3.10", 2, "match"),
    "try:\n    pass\nexcept* ValueError:\n    pass\n": ("3.11", 1, "except*"),
    "x = table[*keys]\n": ("3.11", 1, "a star in a subscript or an annotation"),
    "def f(*args: *Ts): ...\n": ("3.11", 1, "a star in a subscript or an annotation"),
    "\ndef f[T](x: T): ...\n": ("3.12", 2, "a type statement or parameter"),
    "class A[T]: ...\n": ("3.12", 1, "a type statement or parameter"),
    "type Row = list[float]\n": ("3.12", 1, "a type statement or parameter"),
    "x = f'{row['a']}'\n": ("3.12", 1, QUOTES),
    "x = f'{f'{1}'}'\n": ("3.12", 1, QUOTES),
    "x = f'{f\"'\"}'\n": ("3.12", 1, QUOTES),
    "x = f'''{'\\n'.join(row)}'''\n": ("3.12", 1, QUOTES),
    "x = f'''{\n1  # one\n}'''\n": ("3.12", 2, QUOTES),
    "x = f'{\n1}'\n": ("3.12", 1, QUOTES),
    "def f[T = int](x: T): ...\n": ("3.13", 1, "a default of a type parameter"),
    "try:\n    pass\nexcept KeyError, ValueError:\n    pass\n": ("3.14", 3, "except without parentheses"),
    "x = t'{1}'\n": ("3.14", 1, "a template string"),
}
SOUND = """
match = case = type = 1
with (open(match)):
    pass
with (open(match)) as file, open(case):
    pass
try:
    x = table[(*keys, 1)], table[1, 2], table[()]
except (KeyError, ValueError):
    pass
except ((KeyError), ValueError):
    pass
@a.b
@a.b(1)
def f(*args: int, **named): return lambda: (1)
type = f'{match}\\n' f"{case['a']:>{match}}" f'''{case["a"]!r}
{
match}''' rf'\\d{match}' f"{f'{1}'}" f'{{}}'
"""


def readable(python):
    """Tell whether the Python that runs this test can parse the syntax of another one."""
    return tuple(map(int, python.split("."))) <= sys.version_info[:2]


@pytest.mark.parametrize("program", NEW)
def test_syntax_of_a_newer_python(program, problems):
    """A script with syntax that the image's Python lacks is an error at its line, whatever Python runs the check."""
    since, line, name = NEW[program]
    script = f"{program}\n\ndef init(): ...\n\n\ndef run(data): ...\n"
    before = f"3.{int(since.removeprefix('3.')) - 1}"

    read_entry_script(script.encode(), "score.py", problems, python=before)

    (found,) = map(str, problems.found)
    if readable(since):
        assert found == (
            f"score.py:{line}: syntax error: the image has Python {before}, and {name} needs Python {since}. "
            f'Write it in another way, or set python-version = "{since}".'
        )
    elif before == RUNNING:
        assert found.endswith(
            f" Correct it. The image has Python {before}, which does not load newer syntax than its own."
        )
    else:
        assert found.endswith(" for newer syntax run this tool with a newer Python.")


@pytest.mark.parametrize("program", [program for program, (since, *_) in NEW.items() if readable(since)])
def test_syntax_that_the_image_reads(program):
    """The same syntax is no finding for the first Python that has it."""
    since = NEW[program][0]

    assert newer_syntax(ast.parse(program), program.encode(), since) is None


def test_the_oldest_syntax():
    """Programs that look like newer ones are no finding for the oldest Python of an image."""
    assert newer_syntax(ast.parse(SOUND), SOUND.encode(), SUPPORTED_PYTHONS[0]) is None


def test_the_first_of_several():
    """Of several constructs the first one in the file is named."""
    program = "try:\n    pass\nexcept* ValueError:\n    match 1:\n        case 1: ...\n"

    assert newer_syntax(ast.parse(program), program.encode(), "3.9") == NewerSyntax(
        line=1, name="except*", since="3.11"
    )
