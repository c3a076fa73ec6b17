"""Check the layers by the imports in the sources, read with `ast`: late, relative and type-only imports count too."""

from __future__ import annotations

import ast
import graphlib
import html
import re
import sys
import textwrap
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "hatch_mlpackage"
PICTURE = PACKAGE.parent / "docs/pictures/rooms.svg"
ROOT = PACKAGE.name
# The rooms of the package: each may import from those to its left, and never from its neighbours in a group.
ROOMS = "redaction < errors < files < project < lock < context < serve, plugin < azureml, cli, api < __main__"
# The third-party packages that each room may import; packages of extras are imported late.
OUTSIDE = {
    "azureml": {"packaging"},
    "cli": {"click", "cookiecutter", "rich", "tomlkit"},
    "context": {"hatchling", "packaging"},
    "files": {"jinja2", "pathspec", "yaml"},
    "lock": {"fsspec", "packaging", "pip", "piptools", "rattler", "uv"},
    "plugin": {"hatchling"},
    "project": {"hatchling", "packaging"},
}
# The only files that start other programs: resolvers, container engines, servers and a person's commands.
STARTERS = {
    "files.run_background",
    "files.run_foreground",
    "lock.conda.solve",
    "lock.images.credentials",
    "lock.resolve.interpreters",
    "lock.resolve.task",
}


@cache
def modules() -> dict[str, Path]:
    """Map every module's name below the package to its file; a package has its folder's name."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


@cache
def imported(name: str) -> frozenset[str]:
    """Return the full names of a module's imports, wherever they stand; a submodule counts by its own name."""
    path = modules()[name]
    package = [ROOT, *name.split(".")] if path.name == "__init__.py" else [ROOT, *name.split(".")[:-1]]
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            inside = {f"{module}.{alias.name}" for alias in node.names}
            ours = {full for full in inside if full.removeprefix(f"{ROOT}.") in modules()}
            found |= ours | ({module} if inside - ours else set())
    return frozenset(found)


def ours(name: str) -> set[str]:
    """Return the modules of the package that a module imports."""
    return {full.removeprefix(f"{ROOT}.") for full in imported(name) if full.startswith(f"{ROOT}.")} - {name}


def rows(order: str) -> dict[str, int]:
    """Read an order such as `a < b, c < d`: the name of each member, with the number of its group."""
    return {name.strip(): row for row, group in enumerate(order.split("<")) for name in group.split(",")}


def order_of(folder: str) -> dict[str, int] | None:
    """Return the order of members in a folder's docstring, or None if it states none."""
    source = ast.get_docstring(ast.parse(modules()[folder].read_bytes())) or ""
    found = re.search(r"^Order: (.+?)\.$", source, re.MULTILINE | re.DOTALL)
    return rows(found[1]) if found else None


FOLDERS = [name for name, path in modules().items() if path.name == "__init__.py" and name != "__init__"]


def test_every_room_is_on_the_line():
    """Every room of the package has its place on the line."""
    assert {name.partition(".")[0] for name in modules()} - {"__init__"} == rows(ROOMS).keys()


@pytest.mark.parametrize("room", sorted(rows(ROOMS)))
def test_rooms_import_to_their_left(room):
    """A room never imports from its neighbours or from the rooms to its right."""
    row = rows(ROOMS)
    breaches = [
        f"{name}: {other}"
        for name in modules()
        if name.partition(".")[0] == room
        for other in ours(name)
        if (there := other.partition(".")[0]) != room and row[there] >= row[room]
    ]

    assert breaches == []


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_a_folder_keeps_the_order_that_it_states(folder):
    """Inside a folder the order in its docstring holds for all sub-folders, and for the files that it names."""
    subfolders = {name for name in FOLDERS if name.rpartition(".")[0] == folder}
    row = {f"{folder}.{name}": number for name, number in (order_of(folder) or {}).items()}

    def member(name):
        """Return the folder's member that a module belongs to, or nothing for a module outside."""
        return ".".join(name.split(".")[: folder.count(".") + 2]) if name.startswith(f"{folder}.") else ""

    breaches = [
        f"{name}: {other}"
        for name in modules()
        for other in ours(name)
        if (here := member(name)) in row and (there := member(other)) in row
        if here != there and row[there] >= row[here]
    ]

    assert (subfolders - row.keys(), row.keys() - modules().keys(), breaches) == (set(), set(), [])


def test_there_are_no_circles():
    """No file imports itself through other files."""
    graph = {name: ours(name) for name in modules()}

    assert list(graphlib.TopologicalSorter(graph).static_order()) != []


@pytest.mark.parametrize("room", sorted(rows(ROOMS)))
def test_what_comes_from_outside(room):
    """Each room imports only its own third-party packages, and never the runtime."""
    used = {full.partition(".")[0] for name in modules() if name.partition(".")[0] == room for full in imported(name)}

    assert used - sys.stdlib_module_names - {ROOT} <= OUTSIDE.get(room, set())


def test_who_starts_processes():
    """Outside the command line, only the listed files start other programs."""
    starters = {name for name in modules() if any(full.partition(".")[0] == "subprocess" for full in imported(name))}

    assert {name for name in starters if not name.startswith("cli.")} == STARTERS


# The modules that open files otherwise: what comes with the package, and a file of a person's choice, which may be a
# pipe of the shell.
OPENERS = {"cli.score", "files.resources"}


def opens(node):
    """Tell whether a call reads a file, or follows a path's links, without the checks of `files.read`."""
    if not isinstance(node, ast.Call):
        return False
    first = node.args[0] if node.args else None
    if isinstance(node.func, ast.Name):
        return node.func.id == "open"
    name = getattr(node.func, "attr", "")
    to_read = first is None or (isinstance(first, ast.Constant) and str(first.value).startswith("r"))
    return (name == "open" and to_read) or (name in {"read_bytes", "read_text", "resolve"} and first is None)


def test_who_opens_files():
    """Every module but the listed ones opens the user's files with `files.read`, which waits for no pipe."""
    found = {name for name, path in modules().items() if any(map(opens, ast.walk(ast.parse(path.read_bytes()))))}

    assert found == OPENERS


def quotes(node):
    """Tell whether a call quotes for a shell."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) in {"shlex.quote", "shlex.join"}


def test_who_quotes_for_a_shell():
    """One module quotes for shells: it knows what a line cannot hold."""
    found = {name for name, path in modules().items() if any(map(quotes, ast.walk(ast.parse(path.read_bytes()))))}

    assert found == {"files.quoting"}


WIDTH, HEIGHT, GAP, MARGIN = 860, 84, 12, 20  # pixels
STYLE = "text { font-family: system-ui, sans-serif; fill: #1f2937; } .name { font-size: 15px; font-weight: 600; }"
STYLE += " .said { font-size: 12px; } rect { fill: #eef2ff; stroke: #4f46e5; }"


def said_of(room):
    """Return the first sentence of a room's docstring, and the order of its sub-folders if it states one."""
    text = ast.get_docstring(ast.parse(modules()[room].read_bytes()))
    folders = [name for name in order_of(room) or {} if f"{room}.{name}" in FOLDERS]
    return text.splitlines()[0], f"Its folders, lowest first: {', '.join(folders)}" if folders else ""


def boxes(row, top):
    """Draw the rooms of one row side by side."""
    width = (WIDTH - 2 * MARGIN - GAP * (len(row) - 1)) / len(row)
    for place, room in enumerate(row):
        left = MARGIN + place * (width + GAP)
        sentence, folders = said_of(room)
        lines = [*textwrap.wrap(sentence, int(width / 6.8)), *textwrap.wrap(folders, int(width / 6.8))]
        yield f'<rect x="{left:.0f}" y="{top}" width="{width:.0f}" height="{HEIGHT}" rx="8"/>'
        yield f'<text x="{left + 12:.0f}" y="{top + 22}" class="name">{room}</text>'
        for number, line in enumerate(lines):
            yield f'<text x="{left + 12:.0f}" y="{top + 40 + 15 * number}" class="said">{html.escape(line)}</text>'


def draw_rooms():
    """Draw the rooms as rows, from the one that everything may import at the bottom to the entry point at the top."""
    by_row = {}
    for room, row in rows(ROOMS).items():
        by_row.setdefault(row, []).append(room)
    height = MARGIN + len(by_row) * (HEIGHT + GAP) + MARGIN
    drawn = [part for row, rooms in by_row.items() for part in boxes(rooms, height - (row + 1) * (HEIGHT + GAP) - 6)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title">'
    about = '<title id="title">The rooms of the package: each imports only from rows below its own</title>'
    back = f'<rect width="{WIDTH}" height="{height}" rx="10" style="fill: #ffffff; stroke: none"/>'
    return "\n".join([head, about, f"<style>{STYLE}</style>", back, *drawn, "</svg>\n"])


def test_the_picture_of_the_rooms(request):
    """docs/architecture.md shows the rooms of this test; `--update-golden` draws them anew."""
    if request.config.getoption("--update-golden"):
        PICTURE.write_text(draw_rooms(), encoding="utf-8")

    assert PICTURE.read_text(encoding="utf-8") == draw_rooms()
