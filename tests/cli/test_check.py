from __future__ import annotations

import json
import sys

import joblib
import pytest
from sklearn.linear_model import Ridge

from hatch_mlpackage.context.build import plan_context
from hatch_mlpackage.errors import ConfigurationError
from hatch_mlpackage.lock.inputs import inspect_requirements
from hatch_mlpackage.lock.pins.header import split_header, with_header
from hatch_mlpackage.plugin.builder import error_report
from hatch_mlpackage.project.pyproject import load_project

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_ok(project, mlpackage):
    """`check` describes a sound project line by line and names the next command."""
    outcome = mlpackage("check")

    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.splitlines()[:4] == [
        "entry script  score.py: run() takes text",
        "model         greeting 1",
        "image         python:3.12-slim-bookworm@sha256:0b0d8ad0f3a1…, Python 3.12, linux/amd64",
        "lock          locks/requirements.txt: fits",
    ]
    assert outcome.out.splitlines()[4].startswith("ok: ")
    assert outcome.out.splitlines()[5:] == ["Next: mlpackage generate"]


def test_two_pythons(copy_project, mlpackage):
    """Where the server runs on another Python than the model, both are named."""
    outcome = mlpackage("check", "--project", str(copy_project("old-python")))

    image = "python:3.6-slim-bullseye@sha256:36aa0f0c1d2e…, Python 3.6 (the server: 3.13), linux/amd64"
    assert outcome.out.splitlines()[1:3] == ["models        none declared", f"image         {image}"]


def test_quiet(project, mlpackage):
    """`--quiet`, before or after the verb, prints nothing for a sound project."""
    assert (mlpackage("check", "-q").out, mlpackage("--quiet", "check").out) == ("", "")


def test_every_problem_at_once(project, mlpackage):
    """One run reports the problems of the table, of the models and of the script."""
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace("greeting.txt", "gone.txt") + "\n[tool.mlpackage.sever]\n")
    (project / "score.py").write_text("def init():\n    pass\n")

    outcome = mlpackage("check")

    assert (outcome.status, outcome.out) == (1, "")
    places = [line.split(": ")[:2] for line in outcome.err.splitlines()[1:]]
    assert places == [
        ["  pyproject.toml:26", "tool.mlpackage.sever"],
        ["  pyproject.toml:24", "tool.mlpackage.models[0].path"],
        ["  score.py:1", "no run() is defined. Define run(data), which is called for each request."],
    ]


def test_the_same_text_from_hatch(project, mlpackage):
    """The build target and the build hook report problems in the same words as the command line."""
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace("greeting.txt", "gone.txt"))
    with pytest.raises(ConfigurationError) as raised:
        plan_context(load_project(project))

    outcome = mlpackage("generate")

    assert outcome.err == f"{error_report(raised.value, project)}\n"
    assert outcome.err.splitlines()[1].startswith("  pyproject.toml:24: tool.mlpackage.models[0].path: ")


def test_a_flag_has_no_line(project, mlpackage):
    """A problem with a flag's value names the flag instead of a line of a file."""
    outcome = mlpackage("check", "--python-version", "2.7")

    assert outcome.err.splitlines()[1].startswith("  --python-version: '2.7' is not a supported Python version.")


def test_syntax_of_a_newer_python(project, mlpackage):
    """A script that the image's Python cannot read is an error, of `check` and of `generate`."""
    script = project / "score.py"
    script.write_text(f"match 1:\n    case _:\n        pass\n{script.read_text()}")

    found = [mlpackage(verb, "--python-version", "3.9").err.splitlines()[1] for verb in ("check", "generate")]

    error = "syntax error: the image has Python 3.9, and match needs Python 3.10."
    fix = 'Write it in another way, or set python-version = "3.10".'
    assert found == [f"  score.py:1: {error} {fix}"] * 2


def test_the_framework_of_a_model(project, mlpackage, change):
    """`check` compares the framework that saved a model with the lock; `generate` gives no hints."""
    joblib.dump(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), project / "models/ridge.joblib")
    change(project / "pyproject.toml", "models/greeting.txt", "models/ridge.joblib")
    change(project / "score.py", "greeting.txt", "ridge.joblib")
    version = joblib.load(project / "models/ridge.joblib").__getstate__()["_sklearn_version"]

    outcomes = [mlpackage(verb) for verb in ("check", "generate")]

    said = f"'models/ridge.joblib' was saved with scikit-learn {version}, and the lock has none."
    fix = f"Require scikit-learn=={version}, if the script needs it to load the model."
    hint = f"Hint[model-version]: pyproject.toml:24: tool.mlpackage.models[0].path: {said} {fix}\n"
    assert [(it.status, it.err) for it in outcomes] == [(0, hint), (0, "")]


def test_json(project, mlpackage):
    """`--json` gives each problem as its place, what is wrong, and the fix."""
    sound = mlpackage("check", "--json")
    (project / "score.py").write_text("def init(:\n")
    broken = mlpackage("check", "--json")

    assert (sound.status, json.loads(sound.out)) == (0, {"ok": True, "problems": []})
    assert (broken.status, json.loads(broken.out)) == (
        1,
        {
            "ok": False,
            "problems": [
                {
                    "where": "score.py:1",
                    "what": "syntax error: invalid syntax.",
                    "fix": f"The script was read as Python {HERE}; for newer syntax run this tool with a newer Python.",
                    "level": "error",
                    "code": "configuration",
                    "at": "",
                }
            ],
        },
    )


def test_findings_of_every_level(project, mlpackage):
    """`check` reports findings in the sources by file and line; `--strict` makes warnings errors."""
    (project / "score.py").write_text(
        "import pickle\nimport cv2\n\ndef init():\n    pickle.loads(b'')\n    open('gone.json')\n\ndef run(data): ...\n"
    )
    hint = (
        "Hint[unpickling]: score.py:5: pickle.loads runs whatever code the file holds. "
        "Package only models whose origin you know; ONNX, safetensors and skops files hold none.\n"
    )
    file = "score.py:6: 'gone.json' is not in the image. Declare it as a model, or put it into the source-directory."
    module = (
        "score.py:2: `import cv2`: no locked package has it. "
        "Add opencv-python-headless to the requirements and run `mlpackage lock`."
    )

    loose = mlpackage("check")
    strict = mlpackage("check", "--strict")

    assert (loose.status, loose.err) == (
        0,
        f"Warning[unlocked-import]: {module}\nWarning[unpacked-file]: {file}\n{hint}",
    )
    assert (strict.status, strict.out, strict.err) == (
        1,
        "",
        (
            f"{hint}Error[configuration]: 2 problems in the configuration or the files it names:\n"
            f"  {module} [unlocked-import]\n  {file} [unpacked-file]\n"
        ),
    )


def test_a_file_that_looks_like_a_secret(project, mlpackage):
    """`check` warns about a secret beside the sources with its path and the next step; `--strict` makes it an error."""
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace("[tool.mlpackage]", '[tool.mlpackage]\nsource-directory = "."'))
    (project / ".env").write_text("TOKEN=1\n")
    (project / ".env.example").write_text("TOKEN=\n")
    said = (
        ".env: looks like a secret (by its name), and whoever has the image can read it. Leave it out: "
        'exclude = ["/.env"]. Give the server what it needs when it runs, as a variable or a mounted file. '
        'If it is meant to be there: allowed-secrets = ["/.env"].'
    )

    loose = mlpackage("check")
    strict = mlpackage("check", "--strict")
    generated = mlpackage("generate")

    assert (loose.status, loose.err) == (0, f"Warning[secret-file]: {said}\n")
    assert (strict.status, strict.err) == (
        1,
        f"Error[configuration]: 1 problem in the configuration or the files it names:\n  {said} [secret-file]\n",
    )
    assert (generated.status, generated.err) == (0, f"Warning: {said}\n")
    for verb in ("plan", "generate"):
        refused, planned = mlpackage(verb, "--strict"), mlpackage("plan")
        assert (refused.status, refused.err, planned.err) == (1, strict.err, f"Warning: {said}\n")


def test_what_git_ignores(project, mlpackage):
    """`check` gives a hint of what git ignores, with the key that takes it along, and an error where it is imported."""
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace("[tool.mlpackage]", '[tool.mlpackage]\nsource-directory = "."'))
    (project / ".gitignore").write_text("*.csv\n_version.py\n")
    (project / "app").mkdir()
    for name in (*(f"{letter}.csv" for letter in "abcdef"), "app/__init__.py", "app/_version.py"):
        (project / name).write_text("")
    hint = (
        "Hint[ignored-file]: pyproject.toml:20: tool.mlpackage.source-directory: git ignores a.csv, app/_version.py, "
        "b.csv, c.csv, d.csv and 2 more, and the image does not get what git ignores. "
        'If the script needs it: include = ["/a.csv"].\n'
    )
    error = (
        "  score.py:2: `from app._version import x`: app/_version.py is in the project, but does not go into the "
        'image. Do not exclude it; if git ignores it: include = ["_version.py"]. [unlocked-import]'
    )

    outcome = mlpackage("check")
    script = (project / "score.py").read_text()
    (project / "score.py").write_text(f"from app import _version\nfrom app._version import x\n{script}")
    imported = mlpackage("check")

    assert (outcome.status, outcome.err) == (0, hint)
    assert (imported.status, imported.err.splitlines()[-1]) == (1, error)


def test_json_of_a_stale_lock(project, mlpackage):
    """`--json` lists a stale lock among the problems."""
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace('"idna>=3.7"', '"idna>=99"'))

    outcome = mlpackage("check", "--json")

    assert outcome.status == 1
    (problem,) = json.loads(outcome.out)["problems"]
    assert "idna>=99" in problem["what"]


@pytest.mark.parametrize("verb", ["check", "plan", "generate"])
def test_missing_lock(project, mlpackage, verb):
    """Without a lock the error names the missing file and the command that makes it."""
    (project / "locks/requirements.txt").unlink()

    outcome = mlpackage(verb)

    assert (outcome.status, outcome.out) == (1, "")
    assert "locks/requirements.txt" in outcome.err
    assert "mlpackage lock" in outcome.err
    assert not (project / "dist").exists()


def _unpin(project):
    (project / "locks/base-image.toml").unlink()


def _rename(project):
    toml = project / "pyproject.toml"
    toml.write_text(
        toml.read_text().replace("[tool.mlpackage]", '[tool.mlpackage]\nbase-image = "python:3.12-slim-trixie"')
    )


HEADER = "pyproject.toml:19"
UNPINNED = [
    pytest.param(_unpin, "python:3.12-slim-bookworm", "no digest is locked", id="no lock"),
    pytest.param(
        _rename, "python:3.12-slim-trixie", "the locked digest is of python:3.12-slim-bookworm", id="another image"
    ),
]
ADVICE = (
    "Its tag may name other bytes tomorrow. "
    "Run `mlpackage lock` where its registry can be reached, or name it by @sha256."
)


@pytest.mark.parametrize(("change", "image", "reason"), UNPINNED)
@pytest.mark.parametrize(
    ("verb", "refusal"),
    [
        pytest.param(["check"], "configuration", id="check"),
        pytest.param(["lock", "--check"], "lock", id="lock"),
    ],
)
def test_an_unpinned_base_image(project, mlpackage, verb, refusal, change, image, reason):
    """`check` and `lock --check` warn about a base image without a digest; `--strict` makes that an error."""
    change(project)
    said = f"The base image {image} is not pinned: {reason}. {ADVICE}"
    line = 19 if change is _unpin else 20  # the line of the table, where the key is missing

    warned = mlpackage(*verb)
    refused = mlpackage(*verb, "--strict")

    assert (warned.status, warned.err) == (
        0,
        f"Warning[base-image]: pyproject.toml:{line}: tool.mlpackage.base-image: {said}\n",
    )
    where = f"pyproject.toml:{line}: tool.mlpackage.base-image"
    reported = {"configuration": f"{where}: {said} [base-image]", "lock": said}[refusal]
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.splitlines()[0].startswith(f"Error[{refusal}]: ")
    assert refused.err.splitlines()[1:] == [f"  {reported}"]


def test_an_unpinned_base_image_as_json(project, mlpackage):
    """`--json` lists an unpinned base image as a warning, or as a problem with `--strict`."""
    _unpin(project)
    said = f"The base image python:3.12-slim-bookworm is not pinned: no digest is locked. {ADVICE}"

    warned = mlpackage("check", "--json")
    refused = mlpackage("check", "--json", "--strict")

    problem = {"where": "tool.mlpackage.base-image", "what": said, "fix": "", "code": "base-image", "at": HEADER}
    assert (warned.status, json.loads(warned.out)) == (0, {"ok": True, "problems": [{**problem, "level": "warning"}]})
    assert (refused.status, json.loads(refused.out)) == (1, {"ok": False, "problems": [{**problem, "level": "error"}]})


def test_a_base_image_that_is_not_to_be_pinned(project, mlpackage):
    """`pin-base-image = false`, or a digest in the reference itself, gives no warning."""
    _unpin(project)
    toml = project / "pyproject.toml"
    text = toml.read_text()
    toml.write_text(text.replace("[tool.mlpackage]", "[tool.mlpackage]\npin-base-image = false"))
    assert (mlpackage("check", "--strict").status, mlpackage("check").err) == (0, "")

    toml.write_text(text)
    flags = ("--base-image", f"python:3.12-slim-bookworm@sha256:{'5' * 64}")
    assert (mlpackage("check", "--strict", *flags).status, mlpackage("check", *flags).err) == (0, "")


def test_wheels_for_another_cuda(copy_project, mlpackage, monkeypatch):
    """`check` warns when locked wheels bring the libraries of another CUDA version than the image's."""
    root = copy_project("gpu")
    monkeypatch.chdir(root)
    inputs = inspect_requirements(load_project(root))
    body = f"{inputs.locks.requirements}nvidia-cudnn-cu13==9.24.0 \\\n    --hash=sha256:{'0' * 64}\n"
    body += "    # via nvidia-ml-py\n"
    inputs.lock_path.write_text(with_header(split_header(body)[1], inputs.requirements, inputs.config.target))

    problems = json.loads(mlpackage("check", "--json").out)["problems"]
    (warning,) = [problem for problem in problems if problem["level"] == "warning"]

    assert (warning["level"], warning["where"]) == ("warning", "tool.mlpackage.cuda")
    assert warning["what"] == (
        "locks/requirements.txt has wheels for CUDA 13 (nvidia-cudnn-cu13), and cuda is 12.4: the machine's driver has "
        "to suit them. Set cuda to what they are for, or name an index that has them for yours."
    )


def test_strict_is_for_checking(project, mlpackage):
    """`lock --strict` without `--check` is wrong usage."""
    outcome = mlpackage("lock", "--strict")

    assert (outcome.status, outcome.err.splitlines()[-1]) == (
        2,
        "Error: --strict makes --check stricter: give both.",
    )


def test_a_base_image_that_has_ended(project, mlpackage):
    """`check` and `lock --check` warn about a base image whose system no longer gets updates."""
    image = f"python:3.12-slim-buster@sha256:{'5' * 64}"
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace("[tool.mlpackage]", f'[tool.mlpackage]\nbase-image = "{image}"'))
    mlpackage("lock")
    line = 20
    said = f"{image} is built on Debian 10, which had its last updates on 2024-06-30. Choose another base-image."

    assert (
        mlpackage("lock", "--check").err
    ) == f"Warning[base-image]: pyproject.toml:{line}: tool.mlpackage.base-image: {said}\n"
    assert [it["what"] for it in json.loads(mlpackage("check", "--json").out)["problems"]] == [
        said,
        "nothing that the entry script leads to imports idna (idna).",
    ]
