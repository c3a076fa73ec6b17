from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import joblib
import pytest
from sklearn.linear_model import Ridge

PATIENCE = 60
FILES = [
    ".github/workflows/ci.yml",
    ".gitignore",
    ".pre-commit-config.yaml",
    "LICENSE",
    "README.md",
    "pyproject.toml",
    "src/sample.json",
    "src/score.py",
    "tests/conftest.py",
    "tests/test_score.py",
    "tests/test_service.py",
    "tests/test_train.py",
    "train.py",
]


def files_of(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def table_of(folder: Path) -> dict:
    return tomllib.loads((folder / "pyproject.toml").read_text())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Stand in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def type_in(monkeypatch):
    """Give a function that puts a person with a keyboard before the program."""

    class Keyboard(io.StringIO):
        def isatty(self):
            return True

    def type_(*lines: str) -> None:
        monkeypatch.setattr(sys, "stdin", Keyboard("".join(f"{line}\n" for line in lines)))

    return type_


@pytest.fixture
def own_model(tmp_path) -> Path:
    """Train a user's own model, outside any project."""
    path = tmp_path / "elsewhere" / "My Ridge.joblib"
    path.parent.mkdir()
    joblib.dump(Ridge().fit([[0.0, 1.0, 2.0], [1.0, 0.0, 2.0]], [0.0, 1.0]), path)
    return path


def test_without_questions(folder, mlpackage):
    """`--no-input` takes every default, lists the files, and names the next commands."""
    outcome = mlpackage("new", "--no-input", "--no-lock")

    assert (outcome.status, outcome.err) == (0, "")
    assert files_of(folder / "my-model") == FILES
    assert outcome.out.splitlines() == [
        *(f"  my-model/{name}" for name in FILES),
        "",
        "Next:",
        "  cd my-model",
        '  python -m pip install --editable ".[dev]"',
        "  python train.py && pytest",
        "  mlpackage lock",
        "  mlpackage serve   # in another terminal: mlpackage score --data @src/sample.json",
    ]


def test_every_question_has_an_option(folder, mlpackage):
    """Options replace the questions, and accept the usual names of the choices."""
    answers = [
        "--framework",
        "XGBoost",
        "--dependencies",
        "conda",
        "--ci",
        "Azure Pipelines",
        "--license",
        "bsd-3-clause",
    ]

    outcome = mlpackage("new", "trees", *answers, "--no-lock", "--quiet")

    assert (outcome.status, outcome.out, outcome.err) == (0, "", "")
    assert {"azure-pipelines.yml", "environment.yml", "LICENSE"} <= set(files_of(folder / "trees"))
    assert not (folder / "trees/.github").exists()
    assert table_of(folder / "trees")["project"]["license"] == "BSD-3-Clause"
    assert "import xgboost\n" in (folder / "trees/src/score.py").read_text()


def test_no_temporary_file_is_left(folder, start):
    """`new` leaves nothing in the system's temporary folder."""
    (folder / "tmp").mkdir()

    process = start("new", "--no-input", "--no-lock", env={**os.environ, "TMPDIR": str(folder / "tmp")})

    assert process.wait(PATIENCE) == 0
    assert list((folder / "tmp").iterdir()) == []


def test_for_this_machine(folder, mlpackage):
    """The image gets the running Python and this machine's architecture, so that its lock installs here too."""
    mlpackage("new", "--no-input", "--no-lock")

    table = table_of(folder / "my-model")["tool"]["mlpackage"]
    assert table["python-version"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert table["platform"] == f"linux/{'arm64' if os.uname().machine in {'arm64', 'aarch64'} else 'amd64'}"


def test_questions(folder, mlpackage, type_in):
    """On a terminal `new` asks for the name and the choices, takes the default on Enter, and rejects a wrong answer."""
    type_in("Big Model", "big-model", "tensor", "light", "lightgbm", "", "none", "proprietary")

    outcome = mlpackage("new", "--no-lock")

    assert outcome.status == 0
    assert "Did you mean 'big-model'?" in outcome.out + outcome.err
    assert "Did you mean 'lightgbm'?" in outcome.out + outcome.err
    assert not {".github/workflows/ci.yml", "LICENSE", "environment.yml"} & set(files_of(folder / "big-model"))
    assert table_of(folder / "big-model")["tool"]["mlpackage"]["system-packages"] == ["libgomp1"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--framework", "torch"],
            (
                "Invalid value for '--framework': 'torch' is not one of sklearn, onnx, pytorch, xgboost, lightgbm, "
                "python. Did you mean 'pytorch'?"
            ),
        ),
        (["--ci", "jenkins"], "Invalid value for '--ci': 'jenkins' is not one of github, azure, none."),
        (
            ["My_Model"],
            (
                "Invalid value for '[NAME]': 'My_Model' cannot name a package and an image: a name has lower-case "
                "letters, digits and single dashes between them. Did you mean 'my-model'?"
            ),
        ),
        (
            ["https://me:secret@host"],
            (
                "Invalid value for '[NAME]': 'https://****@host' cannot name a package and an image: a name has "
                "lower-case letters, digits and single dashes between them."
            ),
        ),
    ],
)
def test_wrong_answers(folder, mlpackage, arguments, message):
    """For a wrong option the error suggests the right one, the exit status is 2, and no folder is made."""
    outcome = mlpackage("new", *arguments, "--no-input")

    assert (outcome.status, outcome.err.splitlines()[-1]) == (2, f"Error: {message}")
    assert list(folder.iterdir()) == []


def test_an_existing_folder(folder, mlpackage):
    """`new` refuses a folder that exists, even an empty one."""
    (folder / "thesis").mkdir()

    outcome = mlpackage("new", "thesis", "--no-input")

    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.splitlines()[-1] == "  thesis: exists already. Choose another name, or remove it first."
    assert [path.name for path in folder.rglob("*")] == ["thesis"]


def test_elsewhere(tmp_path, mlpackage):
    """`--output-dir` sets the parent folder, and the next commands name the project by its path from here."""
    outcome = mlpackage("new", "far", "--output-dir", tmp_path, "--no-input", "--no-lock")

    assert files_of(tmp_path / "far") == FILES
    assert f"  cd {tmp_path / 'far'}" in outcome.out.splitlines()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(folder, start, number):
    """Ctrl-C and SIGTERM in the middle of the baking leave no files; only Ctrl-C prints a word."""
    process = start("new", "--no-input", "--no-lock")
    deadline = time.monotonic() + PATIENCE
    while not list(folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.001)

    process.send_signal(number)

    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err.strip()) == (128 + number, "Interrupted." if number == signal.SIGINT else "")
    assert list(folder.iterdir()) == []


def test_interrupted_while_asking(folder, mlpackage, monkeypatch):
    """Ctrl-C at a question ends the program with 130, and no folder is made."""

    class Impatient(io.StringIO):
        def isatty(self):
            return True

        def readline(self, *_):
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Impatient())

    outcome = mlpackage("new")

    assert (outcome.status, outcome.err.split()) == (130, ["Interrupted."])
    assert list(folder.iterdir()) == []


def test_with_a_model_of_ones_own(folder, own_model, mlpackage):
    """`new --model` copies the model, takes the sample and the pins from its file, and omits the training."""
    outcome = mlpackage("new", "--model", own_model, "--no-input", "--no-lock")

    made = folder / "my-ridge"
    assert outcome.status == 0
    assert files_of(made) == sorted({*FILES, "models/My Ridge.joblib"} - {"train.py", "tests/test_train.py"})
    assert (made / "models/My Ridge.joblib").read_bytes() == own_model.read_bytes()
    assert json.loads((made / "src/sample.json").read_text()) == {"data": [[0.0, 0.0, 0.0]]}
    table = table_of(made)
    assert table["tool"]["mlpackage"]["models"][0]["path"] == "models/My Ridge.joblib"
    version = joblib.load(own_model).__getstate__()["_sklearn_version"]
    assert f"scikit-learn=={version}" in table["project"]["dependencies"]
    assert "/models/" not in (made / ".gitignore").read_text()
    assert outcome.out.splitlines()[-5:] == [
        "Next:",
        f"  python -m pip install joblib numpy scikit-learn=={version} 'inference-schema[numpy-support]'",
        "  mlpackage lock --project my-ridge",
        "  mlpackage serve --project my-ridge",
        "  mlpackage score --data @my-ridge/src/sample.json   # in another terminal",
    ]


def test_a_model_that_says_little(folder, mlpackage, type_in):
    """On a terminal `new` asks for what the model's file leaves out; elsewhere it requires an option."""
    (folder / "net.onnx").write_bytes(b"\x08\x07")

    refused = mlpackage("new", "--model", "net.onnx", "--no-input")
    type_in("", "zero", "4", "", "", "")
    asked = mlpackage("new", "--model", "net.onnx", "--no-lock")

    assert refused.status == 2
    assert refused.err.splitlines()[-1] == (
        "Error: net.onnx does not say how many numbers a row has, as it is not an ONNX model: give --features N."
    )
    assert asked.status == 0, asked.err
    assert json.loads((folder / "net/src/sample.json").read_text()) == {"data": [[0.0] * 4]}


def test_a_model_that_cannot_be_read(folder, mlpackage):
    """With `--features`, `new` goes on without what the model's file says, and says that and why."""
    (folder / "net.onnx").write_bytes(b"\x08\x07")

    outcome = mlpackage("new", "--model", "net.onnx", "--features", "2", "--no-input", "--no-lock")

    assert outcome.status == 0
    said = (
        "what its file says is left out, as it is not an ONNX model. Pin what made it yourself, and edit "
        "src/sample.json and src/score.py if it takes other input than such rows."
    )
    assert outcome.err.split() == f"Hint[configuration]: net.onnx: {said}".split()


@pytest.mark.parametrize("arguments", [["--model", "weights.bin"], ["--model", "weights.bin", "--framework", "python"]])
def test_a_model_that_nothing_reads(folder, mlpackage, arguments):
    """`new` guesses the framework from a clear suffix, and requires the option otherwise."""
    (folder / "weights.bin").touch()

    outcome = mlpackage("new", *arguments, "--no-input")

    assert (outcome.status, outcome.err.splitlines()[-1]) == (
        2,
        (
            "Error: Say which framework reads weights.bin: give --framework with one of sklearn, onnx, pytorch, "
            "xgboost, lightgbm."
        ),
    )


def test_a_folder_as_a_model(folder, mlpackage):
    """`new` copies a model that is a folder as a whole."""
    (folder / "saved/variables").mkdir(parents=True)
    (folder / "saved/variables/weights").write_bytes(b"1")

    outcome = mlpackage("new", "--model", "saved", "--framework", "pytorch", "--features", 2, "--no-input", "--no-lock")

    assert (outcome.status, (folder / "saved").is_dir()) == (1, True)
    outcome = mlpackage(
        "new", "net", "--model", "saved", "--framework", "pytorch", "--features", 2, "--no-input", "--no-lock"
    )
    assert outcome.status == 0
    assert (folder / "net/models/saved/variables/weights").read_bytes() == b"1"


@pytest.mark.network
@pytest.mark.slow
def test_the_lock(folder, mlpackage):
    """With an index in reach, `new` locks the dependencies, and the project is ready to generate."""
    outcome = mlpackage("new", "stops", "--framework", "python", "--no-input")

    assert outcome.status == 0
    assert "mlpackage lock" not in outcome.out
    assert mlpackage("lock", "--check", "--project", "stops").status == 0


@pytest.mark.network
@pytest.mark.slow
def test_without_an_index(folder, mlpackage, monkeypatch):
    """Without an index `new` still makes the project, and lists the lock among the next commands."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(folder / "cache"))
    monkeypatch.setenv("UV_HTTP_TIMEOUT", "5")

    outcome = mlpackage("new", "stops", "--framework", "python", "--no-input")

    assert outcome.status == 0
    assert "Not locked: " in outcome.err
    assert "  mlpackage lock" in outcome.out.splitlines()
    assert files_of(folder / "stops") == FILES


def test_plain_cookiecutter(folder, mlpackage):
    """Plain cookiecutter makes the same project, except for the image's Python and platform."""
    template = Path(__file__).parents[2] / "templates/project"
    answers = ["project_slug=same", "framework=onnx", "ci=azure", "licence=MIT"]
    mlpackage("new", "same", "--framework", "onnx", "--ci", "azure", "--no-input", "--no-lock")
    (folder / "same").rename(folder / "ours")

    environment = {**os.environ, "HOME": str(folder / "home")}
    command = [sys.executable, "-m", "cookiecutter", "--no-input", str(template), *answers]
    subprocess.run(command, check=True, capture_output=True, env=environment, timeout=PATIENCE)

    assert files_of(folder / "same") == files_of(folder / "ours")
    table = table_of(folder / "ours")["tool"]["mlpackage"]
    for name in files_of(folder / "same"):
        ours, theirs = ((folder / which / name).read_text() for which in ("ours", "same"))
        if name in {"pyproject.toml", "azure-pipelines.yml"}:
            theirs = theirs.replace('"3.12"', f'"{table["python-version"]}"')
            theirs = theirs.replace('"linux/amd64"', f'"{table["platform"]}"')
        assert ours == theirs


def test_a_name_that_plain_cookiecutter_refuses(folder):
    """The template itself checks the name, and stops before it writes anything."""
    template = Path(__file__).parents[2] / "templates/project"
    command = [sys.executable, "-m", "cookiecutter", "--no-input", str(template), "project_slug=My_Model"]

    environment = {**os.environ, "HOME": str(folder / "home")}
    refused = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=PATIENCE)

    assert refused.returncode != 0
    assert "'My_Model' cannot be the project's name." in refused.stderr + refused.stdout
    assert not (folder / "My_Model").exists()
