from __future__ import annotations

import os
import socket

import pytest

from hatch_mlpackage.context.plan import ContextFile, ContextPlan, make_plan, text_file
from hatch_mlpackage.context.project_files import model_files, runtime_files, source_files
from hatch_mlpackage.errors import ContextError
from hatch_mlpackage.files.resources import runtime_directory
from hatch_mlpackage.project.read_config import read_declaration
from hatch_mlpackage.project.target import OLD_PYTHONS, SUPPORTED_PYTHONS


def planned(files):
    """Return path, layer, size and mode of the files, sorted."""
    return sorted((file.path, file.layer, file.size, oct(file.mode)) for file in files)


@pytest.fixture
def plan_of(problems):
    """Give a function that plans a project's models and sources."""

    def plan(project):
        config = read_declaration(project, problems).config
        return planned([*model_files(project, config, problems), *source_files(project, config, problems)])

    return plan


def found(problems):
    return [str(problem) for problem in problems.found]


def test_a_file_model_and_a_lone_script(make_project, plan_of, problems):
    """A model file lies below its name and version; without a source directory only the script is packed."""
    project = make_project()
    (project.root / "src/other.py").write_text("")

    assert plan_of(project) == [
        ("azureml-app/score.py", "source", 54, "0o644"),
        ("azureml-models/ridge/1/ridge.pkl", "azureml-models/ridge/1", 5, "0o644"),
    ]
    assert found(problems) == []


def test_a_folder_model(make_project, plan_of):
    """A model folder keeps its name and its hidden and ignored files, but not histories and caches."""
    project = make_project({"models": [{"name": "m", "version": "2", "path": "models"}]})
    kept = ("sub/weights.bin", ".config", "sub/.gitignore", "sub/code.pyc")
    for name in (*kept, ".git/HEAD", "sub/.DS_Store", ".vscode/settings.json"):
        path = project.root / "models" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("*")

    assert plan_of(project)[1:] == [
        ("azureml-models/m/2/models/.config", "azureml-models/m/2", 1, "0o644"),
        ("azureml-models/m/2/models/ridge.pkl", "azureml-models/m/2", 5, "0o644"),
        ("azureml-models/m/2/models/sub/.gitignore", "azureml-models/m/2", 1, "0o644"),
        ("azureml-models/m/2/models/sub/code.pyc", "azureml-models/m/2", 1, "0o644"),
        ("azureml-models/m/2/models/sub/weights.bin", "azureml-models/m/2", 1, "0o644"),
    ]


def test_a_source_directory(make_project, plan_of):
    """The source directory is packed below its own name, without derived and excluded files."""
    project = make_project({"source-directory": "src", "exclude": ["*.csv", "drafts/"]})
    source = project.root / "src"
    kept = ("pkg/a.py", "run.sh")
    derived = ("pkg/__pycache__/a.pyc", ".venv/pyvenv.cfg", "b.pyc", ".hypothesis/x", ".idea/x", "pkg/.a.py.swp")
    for name in (*kept, *derived, "data.csv", "drafts/x"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text("")
    (source / "run.sh").chmod(0o700)

    assert plan_of(project)[:-1] == [
        ("azureml-app/src/pkg/a.py", "source", 0, "0o644"),
        ("azureml-app/src/run.sh", "source", 0, "0o755"),
        ("azureml-app/src/score.py", "source", 54, "0o644"),
    ]


IGNORING = ("*.log", "/src/generated/", "models/", "score.py", "/.env")
IGNORED = ("a.log", "generated/a.py", "generated/b.csv", ".vscode/settings.json", ".env")


def ignoring(make_project, table):
    """Make a project whose `.gitignore` takes its model, its script and other files."""
    project = make_project({"source-directory": "src", **table})
    (project.root / ".gitignore").write_text("\n".join(IGNORING))
    for name in ("a.py", *IGNORED):
        (project.root / "src" / name).parent.mkdir(exist_ok=True)
        (project.root / "src" / name).write_text("")
    return project


@pytest.mark.parametrize(
    ("table", "more"),
    [
        ({}, []),
        ({"include": ["*.log"]}, ["a.log"]),
        ({"include": ["/generated/"]}, ["generated/a.py", "generated/b.csv"]),
        ({"include": ["/generated/a.py"]}, ["generated/a.py"]),
        ({"include": [".vscode/"]}, [".vscode/settings.json"]),
        ({"include": ["*.log", "generated/"], "exclude": ["*.csv"]}, ["a.log", "generated/a.py"]),
        ({"exclude": ["*.log"], "include": ["*.log"]}, []),
    ],
)
def test_what_git_ignores(make_project, plan_of, table, more):
    """What git ignores and what editors keep stays out unless it is included; what is declared always goes along."""
    project = ignoring(make_project, table)

    planned = [path for path, *_ in plan_of(project)]

    sources = sorted(["a.py", "score.py", ".env", *more])
    assert planned == [*(f"azureml-app/src/{name}" for name in sources), "azureml-models/ridge/1/ridge.pkl"]


def test_a_script_in_a_folder_that_git_ignores(make_project, plan_of):
    """A declared script goes along from a folder that git ignores, and nothing else of that folder does."""
    project = make_project({"source-directory": "."})
    (project.root / ".gitignore").write_text("src/\n")
    (project.root / "src/a.py").write_text("")

    assert [path for path, *_ in plan_of(project)][:2] == [
        "azureml-app/diabetes/.gitignore",
        "azureml-app/diabetes/src/score.py",
    ]


def test_the_project_as_source_directory(make_project, plan_of):
    """The root is packed below the project's name, without a second copy of models, outputs and locks."""
    project = make_project({"source-directory": ".", "lock-directory": "pinned"})
    (project.root / "pinned/wheels").mkdir(parents=True)
    (project.root / "pinned/requirements.txt").touch()
    (project.root / "pinned/wheels/a-1-py3-none-any.whl").touch()
    (project.root / "dist").mkdir()
    (project.root / "dist/diabetes-1.0.whl").touch()
    (project.root / "elsewhere").mkdir()
    (project.root / "elsewhere/manifest.json").write_text('{"generator": {"hatch-mlpackage": "0.1.0"}}')

    assert plan_of(project) == [
        ("azureml-app/diabetes/src/score.py", "source", 54, "0o644"),
        ("azureml-models/ridge/1/ridge.pkl", "azureml-models/ridge/1", 5, "0o644"),
    ]


@pytest.mark.parametrize("text", ["{}", '{"generator": "vite"}', "[]", "no JSON"])
def test_a_manifest_of_another_program(make_project, plan_of, text):
    """Only a context of mlpackage's own is left out, not every folder with a manifest.json."""
    project = make_project({"source-directory": "src"})
    (project.root / "src/static").mkdir()
    (project.root / "src/static/manifest.json").write_text(text)

    assert plan_of(project)[:-1] == [
        ("azureml-app/src/score.py", "source", 54, "0o644"),
        ("azureml-app/src/static/manifest.json", "source", len(text), "0o644"),
    ]


def test_links_are_followed_but_not_in_circles(make_project, plan_of, tmp_path):
    """The target of a link is packed as a regular file; a link to a folder above is left out."""
    project = make_project({"source-directory": "src"})
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/x.py").write_text("x")
    (project.root / "src/linked").symlink_to(tmp_path / "outside")
    (project.root / "src/circle").symlink_to(project.root / "src")

    assert plan_of(project)[:-1] == [
        ("azureml-app/src/linked/x.py", "source", 1, "0o644"),
        ("azureml-app/src/score.py", "source", 54, "0o644"),
    ]


def test_what_cannot_be_packed(make_project, plan_of, problems):
    """Dangling links, sockets and empty model folders are all reported, and none is skipped."""
    project = make_project({"models": [{"name": "m", "path": "models"}], "source-directory": "src"})
    (project.root / "models/ridge.pkl").unlink()
    (project.root / "src/dangling").symlink_to("nowhere")
    os.mkfifo(project.root / "src/pipe")

    plan_of(project)

    source = project.root / "src"
    assert found(problems) == [
        "tool.mlpackage.models[0].path: 'models' is an empty folder.",
        f"{source / 'dangling'}: cannot be read: No such file or directory. Restore the file, or exclude it.",
        f"{source / 'pipe'}: is not a regular file. Remove it, or exclude it.",
    ]


def test_a_name_that_is_not_utf8(make_project, plan_of, problems):
    """A file name that is not UTF-8 is reported with escapes."""
    project = make_project({"source-directory": "src"})
    os.close(os.open(os.fsencode(project.root / "src") + b"/caf\xe9.py", os.O_CREAT | os.O_WRONLY))

    plan_of(project)

    assert [problem.what for problem in problems.found] == ["has a name that is not printable UTF-8."]


def test_the_runtime(tmp_path, problems):
    """The plan has the runtime's program and only the lock that fits the image's Python."""
    for name in (
        "__main__.py",
        "README.md",
        "mlpackage_runtime/a.py",
        "mlpackage_runtime/__pycache__/a.pyc",
        "requirements/3.11.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")

    assert planned(runtime_files(tmp_path, "3.11", problems)) == [
        ("runtime/__main__.py", "runtime", 0, "0o644"),
        ("runtime/mlpackage_runtime/a.py", "runtime", 0, "0o644"),
        ("runtime/requirements.txt", "runtime", 0, "0o644"),
    ]
    assert found(problems) == []


@pytest.mark.parametrize("python", [it for it in SUPPORTED_PYTHONS if it not in OLD_PYTHONS])
def test_the_runtime_has_a_lock_for_every_python(python, problems):
    """The server has locked requirements for every supported Python."""
    list(runtime_files(runtime_directory(), python, problems))

    assert found(problems) == []


def test_a_plan_is_sorted_and_knows_its_layers(make_project, problems):
    """A plan sorts its files by path and its layers from the most stable to the least."""
    config = read_declaration(make_project(), problems).config
    a, b = text_file("a", "é", layer="source"), text_file("b", "", layer="build")

    plan = make_plan([b, a], config.models)

    assert plan == ContextPlan(files=(a, b), layers=("runtime", "azureml-models/ridge/1", "source", "manifest"))
    assert a == ContextFile(path="a", layer="source", source="é".encode(), size=2, mode=0o644)
    assert (plan.size, plan.in_layer("source")) == (2, (a,))


def test_a_socket_is_not_a_model(make_project, plan_of, problems, monkeypatch):
    """A model that is neither a file nor a folder is refused by its key."""
    project = make_project()
    (project.root / "models/ridge.pkl").unlink()
    monkeypatch.chdir(project.root)  # a socket's path has about a hundred bytes at most
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind("models/ridge.pkl")

        plan_of(project)

    assert found(problems)[0] == ("tool.mlpackage.models[0].path: 'models/ridge.pkl' is neither a file nor a folder.")


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (("../a",), "../a: the path does not name a file below the folder. Rename what is declared there."),
        (("a\nb",), "a\\nb: the path is not printable UTF-8. Rename what is declared there."),
        (("a", "b", "a"), "a: the path is the place of two files. Rename what is declared there."),
    ],
)
def test_paths_that_no_context_has(paths, said):
    """No plan has a path that leads out of the context, or two files in one place, wherever they come from."""
    with pytest.raises(ContextError) as raised:
        make_plan([text_file(path, "", layer="source") for path in paths], ())

    assert str(raised.value) == said


def test_patterns_that_are_none(make_project, plan_of, problems):
    """A pattern that git would not take is reported with its index, and the others count."""
    project = make_project({"source-directory": "src", "exclude": ["*.csv", "a\\", "drafts/"]})
    (project.root / "src/a.csv").touch()

    assert [path for path, *_ in plan_of(project) if path.startswith("azureml-app/")] == ["azureml-app/src/score.py"]
    assert list(map(str, problems.found)) == [
        "tool.mlpackage.exclude[1]: 'a\\\\' is not a pattern of .gitignore. Correct it, or remove it."
    ]
