from __future__ import annotations

import http.server
import os
import signal
import subprocess
import sys
import threading

import pytest

import hatch_mlpackage
from hatch_mlpackage.cli import program
from hatch_mlpackage.errors import (
    ConfigurationError,
    ContextError,
    EntryScriptError,
    LockError,
    MLPackageError,
    Problem,
    UnavailableError,
)

VERBS = ["new", "lock", "check", "plan", "generate", "verify", "diff", "image", "serve", "score"]
VERBS += ["import-azureml", "demo", "completion"]
EVERY_VERB = [[verb] for verb in VERBS if verb != "image"]
EVERY_VERB += [["image", below] for below in ("build", "run", "push", "pull")]


def test_help_lists_the_verbs_in_their_order_of_use(mlpackage):
    """`--help` lists the verbs in the order in which a newcomer uses them."""
    outcome = mlpackage("--help")

    listed = [line.split()[0] for line in outcome.out.partition("Commands:")[2].splitlines() if line.strip()]
    assert (outcome.status, listed) == (0, VERBS)


@pytest.mark.parametrize(
    "verb",
    [[verb] for verb in VERBS if verb != "image"] + [["image", below] for below in ("build", "run", "push", "pull")],
)
def test_every_verb_explains_itself_with_an_example(mlpackage, verb):
    """`--help` of a verb says what it does, lists its options, and shows an example."""
    outcome = mlpackage(*verb, "--help")

    assert outcome.status == 0
    assert outcome.out.startswith(f"Usage: mlpackage {' '.join(verb)} [OPTIONS]")
    assert f"Examples:\n  mlpackage {' '.join(verb)}" in outcome.out
    assert "-q, --quiet" in outcome.out


@pytest.mark.parametrize("group", [[], ["image"]])
@pytest.mark.parametrize("columns", ["80", "100"])
def test_the_list_of_verbs_is_whole(mlpackage, monkeypatch, group, columns):
    """Each verb has a summary of one line that a terminal of 80 columns shows to its full stop."""
    monkeypatch.setenv("COLUMNS", columns)

    summaries = mlpackage(*group, "--help").out.partition("Commands:\n")[2].splitlines()

    assert [line for line in summaries if not (line.startswith("  ") and line.endswith(".") and line[2] != " ")] == []
    assert [line for line in summaries if line.endswith("...") or len(line) > 80] == []


def test_version(mlpackage):
    """`--version` prints one line that fits a bug report."""
    assert mlpackage("--version").out == f"mlpackage, version {hatch_mlpackage.__version__}\n"


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("genrate", "No such command 'genrate'. Did you mean generate?"),
        ("predict", "No such command 'predict'. Did you mean score?"),
        ("build", "No such command 'build'. Did you mean generate, or image build?"),
        ("xyzzy", f"No such command 'xyzzy'. There are: {', '.join(VERBS)}."),
    ],
)
def test_unknown_verb(mlpackage, typed, hint):
    """For an unknown verb the error suggests the right one, even for the verbs of other tools."""
    outcome = mlpackage(typed)

    assert (outcome.status, outcome.err.splitlines()[-1]) == (2, f"Error: {hint}")


def test_unknown_option(mlpackage):
    """For a misspelt option the error suggests the right one, and the exit status is 2."""
    outcome = mlpackage("serve", "--entry_scrip", "score.py")

    assert outcome.status == 2
    assert outcome.err.splitlines()[-1].startswith("Error: No such option")
    assert "--entry-script" in outcome.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (
            ConfigurationError(
                (
                    Problem(where="tool.mlpackage.entry-script", what="is required and missing.", fix="Name it."),
                    Problem(where="score.py:3", what="syntax error."),
                )
            ),
            1,
            (
                "Error[configuration]: 2 problems in the configuration or the files it names:\n"
                "  tool.mlpackage.entry-script: is required and missing. Name it.\n"
                "  score.py:3: syntax error.\n"
            ),
        ),
        (LockError("stale.\nRun it."), 1, "Error[lock]: The lock cannot be used:\n  stale.\n  Run it.\n"),
        (ContextError("dist: full."), 1, "Error[context]: The context cannot be written or read:\n  dist: full.\n"),
        (
            UnavailableError("no engine."),
            4,
            "Error[unavailable]: Something outside is missing or failed:\n  no engine.\n",
        ),
        (EntryScriptError("no init()."), 3, "Error[entry-script]: The entry script cannot start:\n  no init().\n"),
        (MLPackageError("no."), 1, "Error[failed]: mlpackage failed:\n  no.\n"),
    ],
)
def test_errors_are_text_and_an_exit_status(mlpackage, monkeypatch, error, status, text):
    """Every known error prints a title and lines to stderr, without a traceback, and sets the exit status."""

    def fail(**settings: object) -> None:
        raise error

    monkeypatch.setattr(program.mlpackage, "main", lambda *_, **__: fail())

    outcome = mlpackage("check")

    assert (outcome.status, outcome.out, outcome.err) == (status, "", text)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (PermissionError(13, "Permission denied", "/etc/shadow"), "/etc/shadow: Permission denied."),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device."),
    ],
)
def test_errors_of_the_machine(mlpackage, monkeypatch, error, text):
    """An error of the operating system is printed in its own words, without a traceback."""

    def fail() -> None:
        raise error

    monkeypatch.setattr(program.mlpackage, "main", lambda *_, **__: fail())

    outcome = mlpackage("check")

    assert (outcome.status, outcome.out, outcome.err) == (1, "", f"Error[failed]: mlpackage failed:\n  {text}\n")


@pytest.fixture
def silent_server():
    """Listen on the loopback without ever answering."""
    asked = threading.Event()
    leave = threading.Event()

    class Silent(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked.set()
            leave.wait(20)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        leave.set()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("number", "status", "said"), [(signal.SIGINT, 130, "\nInterrupted.\n"), (signal.SIGTERM, 143, "")]
)
def test_signals_end_the_program_quietly(start, silent_server, number, status, said):
    """Ctrl-C prints Interrupted and exits with 130, SIGTERM exits with 143; neither shows a traceback."""
    url, asked = silent_server
    process = start("score", "--url", url, "--data", "{}")
    assert asked.wait(20)

    process.send_signal(number)

    assert process.communicate(timeout=20) == ("", said)
    assert process.returncode == status


def test_closed_pipe(start, project):
    """A reader that closes the pipe early, as `head` does, causes no message."""
    reading, writing = os.pipe()
    os.close(reading)

    process = start("plan", "--json", stdout=writing)
    os.close(writing)

    assert process.communicate(timeout=20)[1] == ""
    assert process.returncode == 141


@pytest.mark.parametrize("absent", ["click", "rich"])
def test_without_the_extra(absent):
    """Without the extra `cli` the program says how to install it."""
    hidden = f"import sys; sys.modules[{absent!r}] = None; from hatch_mlpackage.__main__ import main; main()"

    outcome = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, check=False)

    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert outcome.stderr == (
        f"mlpackage: the command line cannot start without {absent}.\n"
        f'Run: {sys.executable} -m pip install "hatch-mlpackage[cli]"\n'
    )


def test_names_beyond_the_terminals_encoding(start, project):
    """The program prints a file name that the output's encoding lacks with escapes."""
    (project / "models/greeting.txt").rename(project / "models/模型.txt")
    for name in ("pyproject.toml", "score.py"):
        file = project / name
        file.write_text(file.read_text().replace("greeting.txt", "模型.txt"), encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}

    out, err = start("generate", env=environment).communicate(timeout=20)

    assert err == ""
    assert "azureml-models/greeting/1/\\u6a21\\u578b.txt" in out


URL = "https://me:secret@host.example/a?sig=secret"


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--model", URL],
        ["check", "--model", f"m={URL}"],
        ["check", "--json", "--model", f"m={URL}", "--entry-script", "score.py"],
        ["lock", "--model", f"m={URL}", "--entry-script", "score.py"],
        ["score", "--url", URL, "--data", "{}"],
    ],
)
def test_no_secret_is_shown(mlpackage, tmp_path, arguments):
    """Wrong usage, problems, documents and errors show a URL without what grants access to it."""
    outcome = mlpackage(*arguments, *([] if arguments[0] == "score" else ["--project", tmp_path]))

    assert outcome.status != 0
    assert "secret" not in outcome.out + outcome.err
    assert "host.example" in outcome.out + outcome.err


def test_no_secret_is_logged():
    """What a library logs is printed without what grants access to something."""
    script = "import logging, sys\nfrom hatch_mlpackage.cli import program\nprogram.main(['--version'])\n"
    script += f"logging.getLogger('library').warning('asked %s', {URL!r})\n"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stderr == "asked https://****@host.example/a?sig=****\n"
