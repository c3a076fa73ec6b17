from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import joblib
import pytest
from sklearn.linear_model import Ridge

from hatch_mlpackage.cli.bake import bake

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


@pytest.fixture
def installed_from(tmp_path_factory, monkeypatch):
    """Give a function that makes mlpackage look installed from an index, or as `direct_url.json` says."""

    def install(direct_url: dict | None = None) -> None:
        site = tmp_path_factory.mktemp("site")
        (site / "hatch_mlpackage-9.dist-info").mkdir()
        (site / "hatch_mlpackage-9.dist-info/METADATA").write_text("Name: hatch-mlpackage\nVersion: 9\n")
        if direct_url:
            (site / "hatch_mlpackage-9.dist-info/direct_url.json").write_text(json.dumps(direct_url))
        monkeypatch.syspath_prepend(site)

    return install


def test_without_questions(folder, mlpackage, installed_from):
    """`--no-input` takes every default, lists the files, and names the next commands."""
    installed_from()

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


@pytest.mark.parametrize(
    ("direct_url", "origin"),
    [
        ({"url": "file:///tmp", "dir_info": {"editable": True}}, "/tmp"),
        ({"url": "file:///tmp/no%20such%20file.whl", "archive_info": {}}, None),
        ({"url": "https://host/a.whl", "archive_info": {"hash": "sha256=00"}}, "https://host/a.whl"),
        (
            {"url": "https://host/a", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}, "subdirectory": "b"},
            "'git+https://host/a@c0ffee#subdirectory=b'",
        ),
    ],
)
def test_installed_from_elsewhere(folder, mlpackage, installed_from, direct_url, origin):
    """Where mlpackage came from no index, a wheel of it is made for the project's build, and no setting changes."""
    installed_from(direct_url)

    lines = mlpackage("new", "--no-input", "--no-lock").out.splitlines()

    found = [line.strip() for line in lines if "python -m pip" in line]
    with_wheel = [
        f"python -m pip wheel --no-deps --wheel-dir dist {origin}",
        'python -m pip install --find-links dist --editable ".[dev]"',
    ]
    assert found == (with_wheel if origin else ['python -m pip install --editable ".[dev]"'])


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


@pytest.mark.parametrize(
    ("version", "for_cpus"), [("2.1.1", True), ("2.1.0", False), ("1.7.6", False), ("3.4.1", True)]
)
def test_xgboost_for_cpus(tmp_path, version, for_cpus):
    """A project with XGBoost takes the package without the libraries of GPUs, where the model's version has one."""
    answers = {"framework": "xgboost", "_pins": {"xgboost": f"=={version}"}}

    bake({"project_slug": "trees", **answers}, tmp_path / "trees")

    ours = [line for line in table_of(tmp_path / "trees")["project"]["dependencies"] if "xgboost" in line]
    split = [f"xgboost-cpu=={version}; sys_platform != 'darwin'", f"xgboost=={version}; sys_platform == 'darwin'"]
    assert ours == (split if for_cpus else [f"xgboost=={version}"])


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
    type_in("", "Big Model", "big-model", "tensor", "light", "lightgbm", "", "none", "proprietary")

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


def test_an_existing_folder_is_refused_before_the_other_questions(folder, mlpackage, type_in):
    """A name that something has is refused when it is given, and asked for again when it is typed."""
    (folder / "thesis").symlink_to("nowhere")
    type_in("n", "thesis", "essay", "python", "", "none", "MIT")

    given = mlpackage("new", "thesis", "--no-lock")
    type_in("n", "thesis", "essay", "python", "", "none", "MIT")
    typed = mlpackage("new", "--no-lock")

    refusal = "thesis: exists already. Choose another name, or remove it first."
    assert (given.status, given.err.splitlines()[-1]) == (1, f"  {refusal}")
    assert "Framework" not in given.out
    assert (typed.status, typed.out.count(refusal) + typed.err.count(refusal)) == (0, 1)
    assert (folder / "essay/LICENSE").is_file()


def test_the_first_question(folder, own_model, mlpackage, type_in):
    """`new` first asks for a trained model; with one, the name follows from it and its framework is not asked for."""
    type_in("y", "missing.joblib", own_model, "", "", "none", "MIT")

    outcome = mlpackage("new", "--no-lock")

    assert outcome.status == 0, outcome.err
    asked = outcome.out[: outcome.out.index("  my-ridge/")]
    assert asked.startswith("Do you have a trained model? [y/N]: Its file or folder: ")
    assert "Framework" not in asked
    assert (folder / "my-ridge/models/My Ridge.joblib").is_file()


def test_a_model_of_an_unknown_framework(folder, mlpackage, type_in):
    """On a terminal `new` asks for the framework that the model's file does not tell."""
    (folder / "weights.bin").write_bytes(b"\x08\x07")
    type_in("y", "weights.bin", "", "onnx", "2", "", "none", "MIT")

    outcome = mlpackage("new", "--no-lock")

    assert outcome.status == 0, outcome.err
    assert "import onnxruntime" in (folder / "weights/src/score.py").read_text()


def test_a_question_breaks_between_words(folder, mlpackage, type_in, monkeypatch):
    """No line of a question is longer than the terminal, and no word of it is broken."""
    monkeypatch.setenv("COLUMNS", "50")
    type_in("", "", "python", "", "none", "MIT")

    asked = mlpackage("new", "--no-lock").out.partition("  my-model/")[0]

    lines = asked.replace("]: ", "]:\n").splitlines()
    assert [line for line in lines if len(line) > 40] == []
    assert {"  (sklearn, onnx, pytorch,", "  xgboost, lightgbm, python)", "  [sklearn]:"} <= set(lines)


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


def test_the_packages_of_this_machine(folder, mlpackage):
    """The install that `new --model` prints has the packages that count on this machine, and no markers."""
    (folder / "trees.ubj").write_bytes(b"{}")

    outcome = mlpackage("new", "--model", "trees.ubj", "--features", 2, "--no-input", "--no-lock")

    trees = "xgboost" if sys.platform == "darwin" else "xgboost-cpu"
    expected = f"  python -m pip install numpy {trees} 'inference-schema[numpy-support]'"
    assert [line for line in outcome.out.splitlines() if "pip install" in line] == [expected]


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


def test_the_build_of_pytorch_for_cpus(folder, mlpackage, index):
    """A project with PyTorch requires the newest version that the index has for CPUs, and locks that build."""
    for name, version, *requires in (
        ("torch", "2.15.0", "nvidia-nccl"),
        ("torch", "2.13.0"),
        ("torch", "2.13.0+cpu"),
        ("numpy", "2.5.5"),
        ("inference_schema", "1.8", "numpy; extra == 'numpy-support'"),
        ("nvidia_nccl", "1.0"),
    ):
        index.add(name, version, *requires)

    outcome = mlpackage("new", "net", "--framework", "pytorch", "--no-input")

    assert "torch==2.13.0" in table_of(folder / "net")["project"]["dependencies"]
    assert "Requiring torch 2.13.0, the newest that the index has for CPUs" in outcome.err
    locked = (folder / "net/locks/requirements.txt").read_text()
    assert ("torch==2.13.0+cpu" in locked, "nvidia" in locked) == (True, False)


def test_what_only_gpus_need(folder, mlpackage, index):
    """Where the index has PyTorch with CUDA alone, `new` says what of its lock an image without a GPU could spare."""
    for name, version, *requires in (
        ("torch", "2.15.0", "nvidia-nccl"),
        ("numpy", "2.5.5"),
        ("inference_schema", "1.8", "numpy; extra == 'numpy-support'"),
        ("nvidia_nccl", "1.0"),
    ):
        index.add(name, version, *requires)

    outcome = mlpackage("new", "net", "--framework", "pytorch", "--no-input")

    assert outcome.err.splitlines()[-1] == (
        "nvidia-nccl: no GPU in this image; the builds of torch for CPUs, which PyTorch's own index has, bring none"
    )


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
