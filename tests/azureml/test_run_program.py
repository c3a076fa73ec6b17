"""`python -m hatch_mlpackage.azureml` runs a program as `python` does, and answers the SDK's imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hatch_mlpackage import __version__
from hatch_mlpackage.azureml.run_program import main

SDK = "azureml: answered by the installed SDK, azureml-core 1.60.0, with the cloud."
OURS = f"azureml: answered by hatch-mlpackage {__version__}, on this machine"
# What a program can see of how it was started.
SEEN = """\
import json, os, sys
main = sys.modules["__main__"]
print(json.dumps([sys.argv, sys.path[0], __name__, __file__, main.__dict__ is globals(), __spec__ is None,
                  os.getcwd(), __doc__, __package__]))
"""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def through(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run("-m", "hatch_mlpackage.azureml", *arguments, **environment)


def write(path: str, text: str) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def sdk(folder: Path) -> str:
    """Write a package like the SDK, with its core and nothing else, and return its folder."""
    write("site/azureml/core/__init__.py", "WHO = 'the SDK'\n")
    write("site/azureml_core-1.60.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: azureml-core\nVersion: 1.60.0\n")
    return str(folder / "site")


@pytest.mark.parametrize("program", ["deploy.py", "steps/deploy.py", "linked.py"])
def test_a_program_sees_what_python_shows_it(folder, program):
    """Arguments, the first folder of the path, `__main__` and its names are those of `python deploy.py`."""
    write("steps/deploy.py", SEEN)
    write("deploy.py", SEEN)
    Path("linked.py").symlink_to("steps/deploy.py")
    arguments = (program, "--name", "greeter", "-m", "--", "--instead-of-sdk")

    plain, ours = run(*arguments), through(*arguments)

    assert (ours.returncode, ours.stdout, ours.stderr) == (0, plain.stdout, f"{OURS}\n")
    assert json.loads(ours.stdout)[0] == list(arguments)


def test_a_module_is_run_as_with_python(folder):
    """With `-m` a module of the current folder runs, also one in a package."""
    write("steps/__init__.py", "")
    write("steps/deploy.py", "import sys\nfrom azureml.core import Workspace\nfrom . import __name__ as above\n" + SEEN)

    plain = run("-m", "steps.deploy", "--name", "x", PYTHONPATH=_stand_in())
    ours = through("-m", "steps.deploy", "--name", "x")

    assert (ours.returncode, ours.stdout) == (0, plain.stdout), (ours.stderr, plain.stderr)


def _stand_in() -> str:
    write("stand-in/azureml/core/__init__.py", "class Workspace: ...\n")
    return "stand-in"


def test_python_without_the_folder_of_the_program(folder):
    """`python -P` keeps the program's folder off the path, here too."""
    write("steps/deploy.py", "import sys\nprint(sys.path)\n")

    plain, ours = run("-P", "steps/deploy.py"), run("-P", "-m", "hatch_mlpackage.azureml", "steps/deploy.py")

    assert (ours.returncode, ours.stdout) == (0, plain.stdout)


def test_one_module_under_both_names(folder):
    """A class is the same under the SDK's name and under ours, whichever is imported first."""
    program = write(
        "deploy.py",
        "import azureml.core.webservice.local\n"
        "import hatch_mlpackage.azureml.core.webservice.local as ours\n"
        "import azureml.core.webservice.local as theirs\n"
        "from azureml.core import Model, VERSION\n"
        "from azureml.exceptions import UserErrorException\n"
        "from hatch_mlpackage.azureml.core.model import Model as ours_too\n"
        "print(ours is theirs, azureml.core.webservice.local is ours, Model is ours_too, ours.__spec__.name)\n"
        "print(VERSION.split('+')[0], azureml.core.__version__ == VERSION)\n"
        "print(sorted(name for name in __import__('sys').modules if name.startswith('azureml.core.web')))\n",
    )

    done = through(program)

    assert (done.returncode, done.stderr) == (0, f"{OURS}\n")
    assert done.stdout.splitlines() == [
        "True True True hatch_mlpackage.azureml.core.webservice.local",
        "1.61.0 True",
        "['azureml.core.webservice', 'azureml.core.webservice.local']",
    ]


@pytest.mark.parametrize(
    ("flags", "said", "who"),
    [
        (
            (),
            f"{SDK} On this machine: python -m hatch_mlpackage.azureml --instead-of-sdk …",
            "the SDK",
        ),
        (("--instead-of-sdk",), f"{OURS}, instead of azureml-core 1.60.0", "hatch_mlpackage.azureml.core"),
    ],
)
def test_an_installed_sdk(sdk, flags, said, who):
    """An installed SDK answers its imports itself unless it is asked not to, and a line says which one it is."""
    program = write("deploy.py", "import azureml.core\nprint(getattr(azureml.core, 'WHO', azureml.core.__name__))\n")

    done = through(*flags, program, PYTHONPATH=sdk)

    assert (done.returncode, done.stdout, done.stderr) == (0, f"{who}\n", f"{said}\n")


def test_nothing_is_mixed_with_an_installed_sdk(sdk):
    """What an installed SDK lacks is missing, and is not taken from ours."""
    program = write("deploy.py", "import azureml.pipeline.core\n")

    done = through(program, PYTHONPATH=sdk)

    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        "ModuleNotFoundError: No module named 'azureml.pipeline'",
    )


def test_other_packages_below_azureml(folder):
    """A folder `azureml` of the project, or another distribution's, stays importable, and ours answers the rest."""
    write("azureml/own.py", "NAME = 'the project'\n")
    write("site/azureml/dataprep/__init__.py", "NAME = 'another distribution'\n")
    program = write(
        "deploy.py",
        "import azureml.own, azureml.dataprep\nfrom azureml.core import Workspace\nimport azureml.core.model\n"
        "import hatch_mlpackage.azureml.core.model as ours\n"
        "print(azureml.own.NAME, azureml.dataprep.NAME, azureml.core.model is ours, sep=', ')\n",
    )

    done = through(program, PYTHONPATH="site")

    assert (done.returncode, done.stdout) == (0, "the project, another distribution, True\n"), done.stderr


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("def f():\n    return 1 / 0\n\n\nf()\n", ["ZeroDivisionError: division by zero"]),
        ("def f(:\n", ["SyntaxError: invalid syntax"]),
        ("import missing_module\n", ["ModuleNotFoundError: No module named 'missing_module'"]),
        ("raise KeyboardInterrupt\n", ["KeyboardInterrupt"]),
        (
            "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('x') from error\n",
            ["ValueError: x"],
        ),
    ],
    ids=["error", "syntax", "import", "interrupt", "cause"],
)
def test_tracebacks_are_those_of_python(folder, text, end):
    """An error of the program is printed as by python, with no frames above the program."""
    program = write("deploy.py", text)

    plain, ours = run(program), through(program)

    assert ours.stderr.splitlines() == [OURS, *plain.stderr.splitlines()]
    assert ours.stderr.splitlines()[-1:] == end
    assert ours.returncode == (130 if end == ["KeyboardInterrupt"] else 1)


REFUSED = (
    "hatch_mlpackage.azureml.exceptions.NotInTheCloudError: {} needs Azure ML in the cloud, which is not used here: "
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "from azureml.core import Experiment\nfrom azureml.pipeline.core import Pipeline\nExperiment(None, 'x')\n",
            REFUSED.format("Experiment") + "train the model anywhere and register its file: ",
        ),
        (
            "from azureml.core import Model\n\nModel.profile\n",
            REFUSED.format("Model.profile") + "measure the service on the machine that is to run it.",
        ),
        (
            "# a module\n\nimport azureml._restclient\n",
            "ModuleNotFoundError: No module named 'azureml._restclient' here: ",
        ),
    ],
    ids=["class", "member", "module"],
)
def test_what_only_the_cloud_has(folder, text, said):
    """The traceback ends in the program's own line, and the error names what only the cloud has and the way here."""
    program = write("deploy.py", text)

    done = through(program)

    frames = [line for line in done.stderr.splitlines() if line.startswith("  File ")]
    assert (done.returncode, done.stderr.splitlines()[-1].startswith(said)) == (1, True), done.stderr
    assert frames == [f'  File "{folder}/deploy.py", line 3, in <module>']


def test_a_cause_that_says_the_same_is_not_printed_twice(folder):
    """Wrong input is one error, not a chain of them through our own files."""
    Path("model.bin").write_text("no graph")
    program = write(
        "deploy.py",
        "from azureml.core import Model, Workspace\n"
        "ws = Workspace.create('other')\n"
        "model = Model.register(ws, 'model.bin', 'mine', model_framework=Model.Framework.ONNX)\n"
        "Model.deploy(ws, 'served', [model])\n",
    )

    done = through(program)

    shown = [line for line in done.stderr.splitlines() if line.startswith(("  File", "hatch_mlpackage.", "The above"))]
    assert shown[0] == f'  File "{folder}/deploy.py", line 4, in <module>'
    assert [line.partition(": ")[0] for line in shown[1:]] == ["hatch_mlpackage.azureml.exceptions.UserErrorException"]
    assert done.stderr.count("model.bin") == 2  # the line that warns of the format, and the error


def test_a_program_that_handles_errors_itself(folder):
    """A program catches what cannot be imported, and its own hook gets the errors that it does not catch."""
    program = write(
        "deploy.py",
        "import sys, traceback\n"
        "try:\n    import azureml._restclient\nexcept ImportError as error:\n    print(error.name)\n"
        "sys.excepthook = lambda kind, error, trace: print(kind.__name__, len(traceback.extract_tb(trace)))\n"
        "1 / 0\n",
    )

    done = through(program)

    assert (done.returncode, done.stdout) == (1, "azureml._restclient\nZeroDivisionError 1\n")


@pytest.mark.parametrize(("end", "status"), [("sys.exit(7)", 7), ("sys.exit('no')", 1), ("sys.exit()", 0)])
def test_the_status_is_the_programs(folder, end, status):
    """`sys.exit` ends the program as with python."""
    program = write("deploy.py", f"import sys\n{end}\n")

    assert through(program).returncode == status


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give the program that is to be run"),
        (["--instead-of-sdk"], "give the program that is to be run"),
        (["--instead"], "unrecognized arguments: --instead"),
        (["nothing.py"], "can't open file '{folder}/nothing.py': no such file"),
    ],
)
def test_wrong_usage(folder, capsys, arguments, said):
    """Wrong usage ends with status 2 and says what is wrong."""
    try:
        status = main(arguments)
    except SystemExit as ended:
        status = ended.code

    last = capsys.readouterr().err.splitlines()[-1]
    assert (status, last) == (2, f"python -m hatch_mlpackage.azureml: error: {said.format(folder=folder)}")


def test_help(capsys):
    """`--help` shows the flag that puts ours in place of an installed SDK."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    assert (ended.value.code, "--instead-of-sdk" in capsys.readouterr().out) == (0, True)
