from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hatch_mlpackage.context.verify import verify_context
from hatch_mlpackage.serve.health import free_port, wait_until_healthy

if TYPE_CHECKING:
    import subprocess

PATIENCE = 30
NEEDS = "--model-dir needs --entry-script, and no other option of a project: "
NEEDS += "a project and a context declare their own models."
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def serve(start):
    """Give a function that starts `mlpackage serve`, waits until it is healthy, and returns process, URL and log."""

    def begin(*arguments: object) -> tuple[subprocess.Popen[str], str, list[str]]:
        url = f"http://127.0.0.1:{free_port()}"
        flags = ("--port", url.rpartition(":")[2], "--python", sys.executable)
        process = start("serve", *arguments, *flags)
        log: list[str] = []
        reader = threading.Thread(target=lambda: log.extend(process.stderr), daemon=True)
        reader.start()
        assert wait_until_healthy(url, while_alive=lambda: process.poll() is None), log
        return process, url, log

    return begin


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
    process.send_signal(number)
    return process.wait(PATIENCE)


def said(log: list[str], pattern: str) -> str:
    """Wait for a line of the log that matches the pattern, and return the text of its group."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for line in list(log):
            if match := re.search(pattern, line):
                return match[1]
        time.sleep(0.05)
    pytest.fail(f"no line {pattern!r} in {log}")


def test_project(project, serve, mlpackage):
    """`serve` serves a project from its own files, and leaves nothing behind."""
    before = sorted(project.rglob("*"))
    process, url, log = serve()

    outcome = mlpackage("score", "--url", url, "--data", "world")

    assert log[1] == f"Next, elsewhere: mlpackage score --url {url} --data TEXT   # for TEXT, what run() takes\n"
    assert (outcome.status, outcome.out) == (0, '"Hello, world!"\n')
    assert end(process) == 143
    assert sorted(project.rglob("*")) == before


@pytest.mark.parametrize(("source", "file"), [("", "score.py"), ('source-directory = "."', "helper.py")])
def test_a_failed_start_names_the_file_of_the_user(project, start, change, source, file):
    """The reason and its traceback name the project's own files, not those that are laid out for serving."""
    (project / "helper.py").write_text("raise ValueError('nothing works')\n")
    line = 'import runpy; runpy.run_path("no such file")\n' if file == "score.py" else "import helper\n"
    (project / "score.py").write_text(f"{line}{(project / 'score.py').read_text()}")
    change(project / "pyproject.toml", "[tool.mlpackage]\n", f"[tool.mlpackage]\n{source}\n")
    process = start("serve", "--port", "0")

    _, log = process.communicate(timeout=PATIENCE)

    assert process.returncode == 3
    assert f'File "{project}/{file}", line 1' in log
    assert "mlpackage-" not in log.partition("cannot start")[2]


def test_context(project, serve, mlpackage):
    """`serve --context` serves a context and leaves it unchanged."""
    mlpackage("generate", "--output", "context")
    process, url, _ = serve("--context", "context", "--worker-count", "2")

    outcome = mlpackage("score", "--url", url, "--data", "world")

    assert outcome.out == '"Hello, world!"\n'
    assert end(process) == 143
    assert verify_context(project / "context") == ()


def test_what_a_script_writes(project, serve, mlpackage, change):
    """A script that writes beside itself, found by its resolved path, leaves the context as it was."""
    change(
        Path("score.py"),
        "def init():\n",
        (
            "from pathlib import Path\n\nHERE = Path(__file__).resolve().parent\n\n\n"
            "def init():\n    (HERE / 'cache').mkdir()\n"
        ),
    )
    mlpackage("generate", "--output", "context")
    process, url, _ = serve("--context", "context")

    assert mlpackage("score", "--url", url, "--data", "you").out == '"Hello, you!"\n'
    assert end(process) == 143
    assert verify_context(project / "context") == ()


@pytest.fixture
def own_lock(project, index, mlpackage, change):
    """Lock a package that only the image has, which the script returns the version of."""
    index.add("alpha", "1.0")
    settings = f'[tool.mlpackage]\npython-version = "{HERE}"\npin-base-image = false'
    change(Path("pyproject.toml"), "idna>=3.7", "alpha")
    change(Path("pyproject.toml"), "[tool.mlpackage]", settings)
    Path("score.py").write_text("import alpha\n\n\ndef init(): ...\n\n\ndef run(data):\n    return alpha.version\n")
    assert mlpackage("lock").status == 0
    assert mlpackage("generate", "--output", "context").status == 0


@pytest.mark.parametrize("arguments", [(), ("--context", "context")])
def test_the_packages_of_the_lock(own_lock, start, mlpackage, arguments):
    """`serve` says in one line how the packages differ from the image's, and `--locked` serves with the image's."""
    url = f"http://127.0.0.1:{free_port()}"
    port = ("--port", url.rpartition(":")[2])

    _, err = start("serve", *arguments, *port, "--python", sys.executable).communicate(timeout=PATIENCE)
    process = start("serve", "--locked", *arguments, *port, stderr=None)

    assert err.splitlines()[2] == "Not as in the image: no alpha; --locked serves with what is locked"
    assert wait_until_healthy(url, while_alive=lambda: process.poll() is None)
    assert mlpackage("score", "--url", url, "--data", "x").out == '"1.0"\n'
    assert end(process) == 143


@pytest.mark.environments
@pytest.mark.parametrize("python", ["3.6", "3.7"])
def test_an_old_python(project, index, start, mlpackage, change, interpreter, python):
    """The model of a project runs on an old Python that is named, or that has what is locked, behind our own server."""
    index.add("alpha", "1.0")
    keys = f'[tool.mlpackage]\npython-version = "{python}"\npin-base-image = false'
    change(Path("pyproject.toml"), "idna>=3.7", "alpha")
    change(Path("pyproject.toml"), "[tool.mlpackage]", keys)
    change(Path("pyproject.toml"), ">=3.9", ">=3.6")
    loads = "try:\n    import alpha\nexcept ImportError:\n    alpha = None\n"
    returns = '    return ["%d.%d" % sys.version_info[:2], alpha and alpha.version]\n'
    Path("score.py").write_text(f"import sys\n\n{loads}\n\ndef init(): ...\n\n\ndef run(data):\n{returns}")
    assert mlpackage("lock").status == 0
    served = {}

    for options in (("--python", interpreter(python)), ("--locked",)):
        url = f"http://127.0.0.1:{free_port()}"
        process = start("serve", *options, "--port", url.rpartition(":")[2])
        assert wait_until_healthy(url, while_alive=lambda process=process: process.poll() is None)
        served[options[0]] = json.loads(mlpackage("score", "--url", url, "--data", "x").out)
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE)
        assert ("Not as in the image: no alpha;" in err) is (options[0] == "--python")

    assert served == {"--python": [python, None], "--locked": [python, "1.0"]}


def test_without_a_lock(project, serve):
    """Without a lock that fits, `serve` says that it compared nothing; a bare script has none to compare with."""
    Path("locks/requirements.txt").unlink()

    served = {
        arguments: serve(*arguments) for arguments in ((), ("--entry-script", "score.py", "--model-dir", "models"))
    }

    said = "Not compared with the image: there is no lock that fits, or the base image brings its packages\n"
    assert [said in log for _, _, log in served.values()] == [True, False]
    assert [end(process) for process, *_ in served.values()] == [143, 143]


def test_locked_without_a_lock(project, mlpackage):
    """`serve --locked` of a project whose lock does not fit ends with the next step."""
    Path("locks/requirements.txt").unlink()

    outcome = mlpackage("serve", "--locked", "--port", "0")

    said = "There is no lock that fits, or the base image brings its packages. Run: mlpackage lock"
    assert (outcome.status, outcome.err) == (1, f"Error[lock]: The lock cannot be used:\n  {said}\n")


def test_bare_script(project, serve, mlpackage):
    """`serve` serves a script and a model folder with the old server's flags."""
    process, url, _ = serve("--entry_script", "score.py", "--model_dir", "models", "--worker_count", "1")

    assert mlpackage("score", "--url", url, "--data", "you").out == '"Hello, you!"\n'
    assert end(process) == 143


def test_the_lines_of_requests_on_a_terminal(project, start, mlpackage):
    """A terminal shows the line of a request while the server waits for the next one."""
    keyboard, screen = pty.openpty()
    url = f"http://127.0.0.1:{free_port()}"
    flags = ("--port", url.rpartition(":")[2], "--python", sys.executable)
    process = start("serve", *flags, stdout=screen, stderr=screen, text=False)
    os.close(screen)
    assert wait_until_healthy(url, while_alive=lambda: process.poll() is None)
    assert mlpackage("score", "--url", url, "--data", "you").status == 0
    asked = time.monotonic()

    shown = b""
    while b"POST /score 200" not in shown and select.select([keyboard], [], [], PATIENCE)[0]:
        shown += os.read(keyboard, 65536)

    assert b"POST /score 200" in shown
    assert time.monotonic() - asked < PATIENCE / 3  # it takes a tenth of a second; more where other work holds it up
    assert end(process) == 143
    os.close(keyboard)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_end_takes_all_processes_along(project, serve, number, monkeypatch, tmp_path):
    """Ctrl-C and SIGTERM end the server and its workers, and remove the temporary folder."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    process, _, log = serve()
    assert [folder.name.startswith("mlpackage-") for folder in scratch.iterdir()] == [True]
    server = int(said(log, r"\[(\d+)\].*Ready"))
    worker = int(said(log, r"Worker with pid (\d+)"))

    assert end(process, number) == 128 + number

    _wait_for(lambda: (log[-1] == "Stopped.\n") == (number == signal.SIGINT))
    assert "Interrupted.\n" not in log
    assert list(scratch.iterdir()) == []
    for pid in (server, worker):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has ended")
def test_a_kill_takes_all_processes_along(project, serve):
    """Even SIGKILL of `mlpackage serve` leaves neither the server nor a worker behind."""
    process, url, log = serve()
    worker = int(said(log, r"Worker with pid (\d+) ready"))
    assert end(process, signal.SIGKILL) == -signal.SIGKILL
    deadline = time.monotonic() + PATIENCE
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()
    assert not wait_until_healthy(url, while_alive=lambda: False)


def test_a_script_that_cannot_start(project, start):
    """If init() fails, the program exits with 3, as the old server did."""
    Path("score.py").write_text("def init():\n    raise RuntimeError('no weights')\n\n\ndef run(data):\n    pass\n")

    process = start("serve", "--port", "0", "--python", sys.executable)
    _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 3
    assert "no weights" in err


def test_a_project_of_options(tmp_path, serve, mlpackage, monkeypatch):
    """Without a pyproject.toml the options that `generate` takes describe the same project to `serve`."""
    monkeypatch.chdir(tmp_path)
    Path("words.txt").write_text("Hello")
    Path("score.py").write_text(
        "import os\nfrom pathlib import Path\n\n\ndef init(): ...\n\n\n"
        "def run(data):\n    return [path.name for path in Path(os.environ['AZUREML_MODEL_DIR']).iterdir()]\n"
    )
    process, url, log = serve("--entry-script", "score.py", "--model", "greeting:2=words.txt")

    assert mlpackage("score", "--url", url, "--data", "x").out == '["words.txt"]\n'
    assert "Not compared with the image: there is no lock" in "".join(log)
    assert end(process) == 143


def test_the_lock_of_a_project_of_options(tmp_path, index, start, mlpackage, monkeypatch):
    """`serve --locked` takes the lock that `lock` wrote for the same options."""
    monkeypatch.chdir(tmp_path)
    index.add("alpha", "1.0")
    Path("requirements.txt").write_text("alpha\n")
    Path("model.pkl").write_text("weights")
    Path("score.py").write_text("import alpha\n\n\ndef init(): ...\n\n\ndef run(data):\n    return alpha.version\n")
    flags = "--entry-script score.py --model ridge=model.pkl --requirement requirements.txt --python-version"
    assert mlpackage("lock", *flags.split(), HERE).status == 0
    url = f"http://127.0.0.1:{free_port()}"
    process = start("serve", *flags.split(), HERE, "--locked", "--port", url.rpartition(":")[2], stderr=None)

    assert wait_until_healthy(url, while_alive=lambda: process.poll() is None)
    assert mlpackage("score", "--url", url, "--data", "x").out == '"1.0"\n'
    assert end(process) == 143


def test_options_replace_keys(project, mlpackage):
    """The options of a project replace keys of its pyproject.toml, and a wrong one is named as it was typed."""
    outcome = mlpackage("serve", "--model", "other=models/gone.txt")

    assert outcome.status == 1
    assert "--model other=models/gone.txt: " in outcome.err


@pytest.mark.parametrize("arguments", [(), ("--entry-script", "score.py"), ("--context", "made"), ("--reload",)])
def test_a_busy_port(project, mlpackage, monkeypatch, tmp_path, arguments):
    """A port that is taken is reported before anything is said or laid out, with the option that chooses another."""
    mlpackage("generate", "--output", "made")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "no such folder"))
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        outcome = mlpackage("serve", "--port", port, *arguments)

    step = "Address already in use. Stop what listens there, or choose another port: --port"
    assert (outcome.status, outcome.out, outcome.err) == (
        3,
        "",
        f"Error[port]: The server cannot listen:\n  127.0.0.1 port {port}: {step}\n",
    )


@pytest.mark.parametrize("arguments", [(), ("--reload",)])
def test_a_bare_script_that_cannot_be_parsed(project, mlpackage, arguments):
    """A syntax error is reported before anything is said, by the interpreter that would run the script."""
    Path("score.py").write_text("def init(): ...\ndef run(:\n")

    outcome = mlpackage("serve", "--entry-script", "score.py", "--port", "0", "--python", sys.executable, *arguments)

    assert (outcome.status, outcome.err.splitlines()) == (
        3,
        [
            "Error[entry-script]: The entry script cannot start:",
            (
                "  score.py:2: syntax error: invalid syntax. Correct it. "
                f"The script was read by Python {HERE}, {sys.executable}; --python names another one."
            ),
        ],
    )


def test_a_model_folder_that_is_not_there(project, start):
    """A wrong --model-dir ends with status 3, as the old server did, and says which path was looked at."""
    process = start("serve", "--entry_script", "score.py", "--model_dir", "model", "--port", "0")
    _, err = process.communicate(timeout=PATIENCE)

    place = project / "model"
    said = f"--model-dir is '{place}': nothing lies at {place}. Give the folder that holds the model."
    assert (process.returncode, err.splitlines()[-1]) == (3, f"Configuration error: {said}")


def test_reload(project, serve, mlpackage):
    """`--reload` survives an edit that cannot start, and serves the next one."""
    process, url, log = serve("--reload")
    script = Path("score.py").read_text()

    Path("score.py").write_text("def init(:\n")
    _wait_for(lambda: any("syntax error" in line for line in log))
    Path("score.py").write_text(script.replace("!", "?"))
    _wait_for(lambda: mlpackage("score", "--url", url, "--data", "you").out == '"Hello, you?"\n')

    assert end(process, signal.SIGINT) == 130
    _wait_for(lambda: log[-1] == "Stopped.\n")


@pytest.mark.parametrize(
    ("output", "arguments"),
    [
        ("out.txt", ("--entry_script", "score.py", "--model_dir", "models")),
        ("models/out.txt", ("--entry_script", "score.py", "--model_dir", "models")),
        ("out.txt", ()),
    ],
)
def test_reload_with_its_output_among_the_sources(project, start, change, mlpackage, output, arguments):
    """Neither the file of the server's own output nor one that the script writes starts the service again."""
    change(Path("pyproject.toml"), "[tool.mlpackage]\n", '[tool.mlpackage]\nsource-directory = "."\n')
    change(Path("score.py"), "def init():\n", "def init():\n    open('written.txt', 'a').write('again')\n")
    url = f"http://127.0.0.1:{free_port()}"
    flags = ("--reload", *arguments, "--port", url.rpartition(":")[2], "--python", sys.executable)
    log = Path(output)
    with log.open("w") as file:
        process = start("serve", *flags, stdout=file, stderr=file)
        assert wait_until_healthy(url, while_alive=lambda: process.poll() is None)
        assert mlpackage("score", "--url", url, "--data", "you").out == '"Hello, you!"\n'
        time.sleep(1.5)  # three looks at the files
        assert "starting again" not in log.read_text()
        Path("score.py").write_text(Path("score.py").read_text().replace("!", "?"))
        _wait_for(lambda: "score.py changed: starting again" in log.read_text())
        _wait_for(lambda: mlpackage("score", "--url", url, "--data", "you").out == '"Hello, you?"\n')
        assert end(process, signal.SIGINT) == 130


def _wait_for(condition) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--context", "models", "--entry-script", "score.py"),
            "--context serves what is written already: leave out --entry-script.",
        ),
        (
            ("--context", "models", "--model", "a=b", "--requirement", "c"),
            "--context serves what is written already: leave out --model, --requirement.",
        ),
        (("--model-dir", "models"), NEEDS),
        (("--entry-script", "score.py", "--model-dir", "models", "--model", "a=models"), NEEDS),
        (("--entry-script", "gone.py"), "Invalid value for '--entry-script': File 'gone.py' does not exist."),
        (("--python", "no-such-python"), "'no-such-python' is not a program."),
        (
            ("--locked", "--python", "python"),
            "--locked makes the environment of a project's or context's lock: leave out --python.",
        ),
        (
            ("--locked", "--entry-script", "score.py"),
            "--locked makes the environment of a project's or context's lock: leave out --entry-script.",
        ),
    ],
)
def test_wrong_usage(project, mlpackage, monkeypatch, arguments, said):
    """Contradicting flags are wrong usage."""
    monkeypatch.setenv("COLUMNS", "300")

    outcome = mlpackage("serve", *arguments)

    assert outcome.status == 2
    assert said in outcome.err


def test_a_broken_project_is_not_served(project, mlpackage):
    """`serve` reports the same problems as `check`, before it starts anything."""
    Path("models/greeting.txt").unlink()

    outcome = mlpackage("serve")

    assert outcome.status == 1
    assert "tool.mlpackage.models[0].path" in outcome.err
