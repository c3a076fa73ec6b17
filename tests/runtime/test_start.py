"""Starting: ready only when every init() has finished, and otherwise a clear log and status 3."""

from __future__ import annotations

import gc
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mlpackage_runtime import frames
from mlpackage_runtime.progress import shared_memory
from mlpackage_runtime.server.settings import read_settings

if TYPE_CHECKING:
    from runtime_service import Start

GOOD = """
    def init():
        pass

    def run(raw_data):
        return raw_data
"""


@pytest.mark.parametrize("name", ["score-it.py", "class.py"])
def test_a_script_whose_name_is_no_module_s(serve: Start, tmp_path: Path, name: str) -> None:
    """The script is loaded by its path, so that its name may have a dash or be a keyword."""
    (tmp_path / name).write_text("def init(): pass\ndef run(raw_data): return __file__\n", encoding="utf-8")
    service = serve(None, AZUREML_ENTRY_SCRIPT=name)
    assert service.post("x").json() == str(tmp_path / name)


def test_one_port_for_two_purposes_is_refused(start: Start) -> None:
    """A health port that is the port itself keeps the server from starting."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    script = "def init(): pass\ndef run(x): return x\n"
    service = start(script, f"--port={port}", SEPERATE_HEALTH_ENDPOINT="true", HEALTH_PORT=port)
    assert service.wait() == 3
    step = "Stop what listens there, or choose another port: --health-port"
    assert f"Cannot listen on 127.0.0.1 port {port}: Address already in use. {step}\n" in service.log


def test_unhealthy_until_every_worker_has_finished_init(start: Start, tmp_path: Path) -> None:
    """`/` and `/score` answer 503 while a worker still starts, and 200 when all are ready."""
    service = start(
        """
        import os, pathlib, time

        def init():
            folder = pathlib.Path(__file__).parent
            try:
                (folder / "first").touch(exist_ok=False)
            except FileExistsError:
                while not (folder / "go").exists():
                    time.sleep(0.01)

        def run(raw_data):
            return os.getpid()
        """,
        "--worker_count=2",
    ).wait_until_listening()
    service.wait_for_log(r"(Worker with pid \d+ ready)")
    before = service.request("GET", "/").status_code, service.post("{}").status_code
    (tmp_path / "go").touch()
    service.wait_until_ready()
    after = service.request("GET", "/")
    assert (before, after.status_code, after.text, len(service.worker_pids())) == ((503, 503), 200, "Healthy", 2)


def test_init_runs_once_in_each_worker(start: Start, tmp_path: Path) -> None:
    """Every worker calls init() exactly once, however many requests follow."""
    service = start(
        """
        def init():
            with open("inits", "a") as log:
                log.write("x")

        def run(raw_data):
            return 1
        """,
        "--worker-count=2",
    ).wait_until_ready()
    assert [service.post("{}").json() for _ in range(6)] == [1] * 6
    assert (tmp_path / "inits").read_text() == "xx"


@pytest.mark.parametrize(
    ("script", "log"),
    [
        (
            "import no_such_module\n",
            r"Failed to import user script .*: .*score\.py:1: ModuleNotFoundError: .*no_such_module",
        ),
        ("def init():\n    pass\n\ndef run(:\n", r"Failed to import user script .*: .*score\.py:4: SyntaxError"),
        ("def run(x): pass\n", r"score\.py does not have a init\(\) function defined"),
        ("def init(): pass\n", r"score\.py does not have a run\(\) function defined"),
        ("def init(): pass\ndef run(*a): pass\n", r"run\(\) cannot accept positional-only arguments"),
        ("def init(): pass\ndef run(): pass\n", r"run\(\) needs to accept an argument for input data"),
        (
            "def init(): pass\ndef run(request_headers): pass\n",
            r'run\(\) needs to accept an argument other than "request_headers"',
        ),
        (
            "def init():\n    x = 1\n    return x / 0\ndef run(x): pass\n",
            r"init function failed: .*score\.py:3: ZeroDivisionError",
        ),
        ("raise SystemExit(0)\n", r"Failed to import user script .*: .*score\.py:1: SystemExit"),
        ("import os\nos._exit(9)\n", r"ended while it was starting"),
    ],
)
def test_a_script_that_cannot_start_ends_the_server_with_3(start: Start, script: str, log: str) -> None:
    """The log says what is wrong and where, and the exit status is 3."""
    service = start(script)
    assert service.wait() == 3
    assert re.search(log, service.log), service.log
    assert "Task exception" not in service.log


@pytest.mark.parametrize(
    "script", ["def init():\n    raise ValueError('once')\ndef run(x): pass\n", "once = nowhere\n"]
)
def test_a_failed_start_is_logged_once(start: Start, script: str) -> None:
    """Several workers that fail alike log the reason and its traceback once."""
    service = start(script, "--worker-count=3")

    assert service.wait() == 3
    assert (service.log.count("cannot start"), service.log.count("Traceback")) == (1, 1)


def test_a_missing_interpreter_is_logged_once(start: Start) -> None:
    """A worker that cannot be run is reported once, with the next step."""
    service = start("def init(): pass\ndef run(x): pass\n", "--worker-python=/no/such/python", "--worker-count=2")

    assert service.wait() == 3
    assert service.log.count("/no/such/python cannot be run") == 1
    assert "Set MLPACKAGE_WORKER_PYTHON or --worker-python." in service.log


def test_a_failing_init_shows_its_traceback_and_the_models(start: Start, tmp_path: Path) -> None:
    """The traceback has the script's frames alone; the model directory is listed."""
    (tmp_path / "models" / "ridge" / "1").mkdir(parents=True)
    (tmp_path / "models" / "ridge" / "1" / "model.pkl").touch()
    service = start(
        """
        def load():
            open("missing.pkl")

        def init():
            load()

        def run(raw_data):
            pass
        """,
        f"--model_dir={tmp_path}/models/",
    )
    assert service.wait() == 3
    lines = [re.sub(r"^\S+ \S+ . \[\d+\] azmlinfsrv - ", "", line) for line in service.log.splitlines()]
    trace = lines[lines.index("Traceback (most recent call last):") :]
    assert [line.strip() for line in trace if not re.match(r"\s+[~^]+$", line)][:10] == [
        "Traceback (most recent call last):",
        f'File "{tmp_path}/score.py", line 6, in init',
        "load()",
        f'File "{tmp_path}/score.py", line 3, in load',
        'open("missing.pkl")',
        "FileNotFoundError: [Errno 2] No such file or directory: 'missing.pkl'",
        "Model Directory Contents:",
        "models/",
        "ridge/",
        "1/",
    ]


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        ("import json\n\ndef init():\n    json.loads('{')\n", r"score\.py:4: json\.decoder\.JSONDecodeError: "),
        ("import json\n\njson.loads('{')\n\ndef init(): pass\n", r"score\.py:3: json\.decoder\.JSONDecodeError: "),
        ("import own\n\ndef init():\n    own.load()\n", r"own\.py:4: json\.decoder\.JSONDecodeError: "),
        ("import stranger\n\ndef init():\n    stranger.load()\n", r"score\.py:4: KeyError: 'column'"),
        ("import stranger.old\n\ndef init(): pass\n", r"score\.py:1: SyntaxError: "),
        ("def init():\n    eval('1 +')\n", r"score\.py:2: SyntaxError: "),
        ("import broken\n\ndef init(): pass\n", r"broken\.py:2: SyntaxError: "),
    ],
    ids=["library", "import", "own-module", "installed", "installed-syntax", "text", "own-syntax"],
)
def test_the_reason_names_the_line_of_the_project(start: Start, tmp_path: Path, lines: str, where: str) -> None:
    """The reason names the last line of the project's own files, not the line inside a library where it failed."""
    packages = tmp_path / ".venv" / "lib" / "site-packages" / "stranger"
    packages.mkdir(parents=True)
    (packages / "__init__.py").write_text("def load():\n    return {}['column']\n")
    (packages / "old.py").write_text("print 'Python 2'\n")
    (tmp_path / "own.py").write_text("import json\n\ndef load():\n    json.loads('{')\n")
    (tmp_path / "broken.py").write_text("\ndef load(:\n")

    service = start(f"{lines}\ndef run(x): pass\n", PYTHONPATH=str(packages.parent))

    assert service.wait() == 3
    own = re.escape(str(tmp_path))
    assert re.search(rf"The entry script cannot start: [^:]+: {own}/{where}", service.log), service.log


@pytest.mark.parametrize(("folder", "place"), [("models", "{here}/models"), ("/no/models", "/no/models")])
def test_a_model_folder_that_is_not_there_is_refused(start: Start, tmp_path: Path, folder: str, place: str) -> None:
    """The server does not start for a script that would only fail at its first use of the folder."""
    service = start(GOOD, f"--model_dir={folder}")
    place = place.format(here=tmp_path)
    message = f"--model-dir is {folder!r}: nothing lies at {place}. Give the folder that holds the model."
    assert (service.wait(), service.log) == (3, f"Configuration error: {message}\n")


def test_a_missing_entry_script_is_named(start: Start, tmp_path: Path) -> None:
    """The log says which file was looked for."""
    service = start(None)
    assert service.wait() == 3
    assert f"No such file or directory: the entry script {tmp_path}/score.py" in service.log


def test_a_worker_interpreter_that_is_not_there_is_named(start: Start) -> None:
    """The log says which interpreter could not be run and which setting names it."""
    service = start(GOOD, "--worker-python=/nowhere/python")
    assert service.wait() == 3
    assert "The worker's interpreter /nowhere/python cannot be run: No such file or directory." in service.log
    assert "MLPACKAGE_WORKER_PYTHON" in service.log


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"WORKER_COUNT": "0"}, "WORKER_COUNT is '0': it must be 1 or more."),
        ({"SCORING_TIMEOUT_MS": "1s"}, "SCORING_TIMEOUT_MS is '1s': it must be a whole number."),
    ],
)
def test_a_bad_setting_is_named(start: Start, environment: dict[str, str], message: str) -> None:
    """A bad value ends the start with the variable's name and what is allowed, without a traceback."""
    service = start(GOOD, **environment)
    assert (service.wait(), service.log) == (3, f"Configuration error: {message}\n")


@pytest.mark.parametrize("advice", ["", "Install it."])
@pytest.mark.parametrize("place", ["import", "init"])
def test_a_missing_module_is_reported_with_its_interpreter(start: Start, advice: str, place: str) -> None:
    """The last line names the interpreter that lacks the module, and the advice of whoever started the server."""
    head = "" if place == "import" else "def init():\n    "
    service = start(f"{head}import no_such_module\ndef run(x): pass\n", MLPACKAGE_MISSING_MODULE=advice)
    assert service.wait() == 3
    reason = service.log[service.log.index("The entry script cannot start") :]
    assert reason.endswith(f"The packages are those of {sys.executable}.{' ' if advice else ''}{advice}\n")


@pytest.mark.parametrize(("version", "there"), [("__version__ = '1.26.4'", "alpha 1.26.4"), ("", "alpha")])
def test_a_module_that_another_version_has(start: Start, tmp_path: Path, version: str, there: str) -> None:
    """Where a package lacks a module, the last line blames its version, and does not advise to install the package."""
    site = tmp_path / "site-packages"
    (site / "alpha").mkdir(parents=True)
    (site / "alpha/__init__.py").write_text(version)
    script = f"import sys\ndef init():\n    sys.path.append({str(site)!r})\n    import alpha._core\ndef run(x): pass\n"
    service = start(script, MLPACKAGE_MISSING_MODULE="Install it.")
    assert service.wait() == 3
    assert service.log.endswith(
        f"The packages are those of {sys.executable}. {there} is installed and does not have alpha._core: the model "
        "was probably saved, or the script written, with another version of alpha. "
        "`mlpackage check` names the versions.\n"
    )


def test_a_module_of_a_namespace_that_is_there(start: Start, tmp_path: Path) -> None:
    """A package that shares its namespace with an installed one may be missing: the advice is to install it."""
    site = tmp_path / "site-packages"
    (site / "alpha/beta").mkdir(parents=True)
    script = f"import sys\nsys.path.append({str(site)!r})\nimport alpha.beta, alpha.gamma\ndef run(x): pass\n"
    service = start(script, MLPACKAGE_MISSING_MODULE="Install it.")
    assert service.wait() == 3
    assert service.log.endswith(f"The packages are those of {sys.executable}. Install it.\n")


def test_the_advice_is_not_for_the_script(serve: Start) -> None:
    """A script finds the same environment as in the image."""
    script = "import os\ndef init(): pass\ndef run(x): return 'MLPACKAGE_MISSING_MODULE' in os.environ\n"
    assert serve(script, MLPACKAGE_MISSING_MODULE="Install it.").post("x").json() is False


def test_a_port_in_use_is_named(serve: Start, start: Start) -> None:
    """A second server on one port ends with the port and the next step in its log."""
    port = serve(GOOD).port
    service = start(GOOD, f"--port={port}")
    assert service.wait() == 3
    step = "Stop what listens there, or choose another port: --port"
    assert f"Cannot listen on 127.0.0.1 port {port}: Address already in use. {step}\n" in service.log


def test_an_address_of_another_machine_is_named(start: Start) -> None:
    """An address that is not this machine's ends the start with the flag that chooses another one."""
    service = start(GOOD, "--host=192.0.2.1", "--port=0")
    assert service.wait() == 3
    step = "Choose an address of this machine: --host"
    assert f"Cannot listen on 192.0.2.1 port 0: Cannot assign requested address. {step}\n" in service.log


def test_an_unknown_flag_is_a_usage_error(start: Start) -> None:
    """An unknown flag ends with status 2 and its name."""
    service = start(GOOD, "--nonsense=1")
    assert service.wait() == 2
    assert "--nonsense=1" in service.log


def test_the_project_is_importable_and_ours_is_out_of_its_way(serve: Start, tmp_path: Path, runtime: Path) -> None:
    """App root and source directory are on sys.path, the runtime is not, and its modules are one package."""
    (tmp_path / "src").mkdir()
    for name in ("config", "utils", "routes", "swagger", "frames"):
        (tmp_path / "src" / f"{name}.py").write_text(f"name = '{name}'\n")
    (tmp_path / "src" / "score.py").write_text(
        "import sys\nimport config, utils, routes, swagger, frames\n"
        "def init(): pass\n"
        "def run(raw_data):\n"
        "    files = [m.name for m in (config, utils, routes, swagger, frames)]\n"
        "    ours = sorted({n.split('.')[0] for n, m in list(sys.modules.items())\n"
        f"            if '{runtime}' in str(getattr(m, '__file__', ''))}})\n"
        "    return [files, ours, sys.path[-2:], sys.argv]\n"
    )
    # A measured process loads modules for the measuring.
    unmeasured = {"COVERAGE_PROCESS_CONFIG": ""}
    service = serve(None, AZUREML_ENTRY_SCRIPT="src/score.py", AZUREML_SOURCE_DIRECTORY="src", **unmeasured)
    assert service.post("{}").json() == [
        ["config", "utils", "routes", "swagger", "frames"],
        ["__main__", "mlpackage_runtime"],
        [str(tmp_path), f"{tmp_path}/src"],
        [f"{tmp_path}/src/score.py"],
    ]
    paths = serve("import sys\ndef init(): pass\ndef run(x): return sys.path\n").post("{}").json()
    assert str(runtime) not in paths


@pytest.mark.parametrize(("entry_script", "winner"), [("score.py", "own"), ("src/score.py", "installed")])
def test_two_modules_of_one_name(serve: Start, tmp_path: Path, entry_script: str, winner: str) -> None:
    """A module in the app root comes before an installed one, and that comes before one in the source directory."""
    script = tmp_path / entry_script
    script.parent.mkdir(exist_ok=True)
    script.write_text("import iniconfig\ndef init(): pass\ndef run(x): return iniconfig.__file__\n", encoding="utf-8")
    own = script.with_name("iniconfig.py")
    own.touch()

    found = serve(None, AZUREML_ENTRY_SCRIPT=entry_script, AZUREML_SOURCE_DIRECTORY="src").post("{}").json()

    assert (found == str(own), "site-packages" in found) == (winner == "own", winner == "installed")


HEAVY = {"argparse", "asyncio", "httptools", "starlette", "uvicorn", "uvloop"}
LOADED_AT_SPAWN = """
import sys

def note(event, arguments):
    if event == "subprocess.Popen":
        print(*sorted(set({heavy!r}) & set(sys.modules)), file=sys.stderr)
        sys.stderr.write("the worker starts\\n")

sys.addaudithook(note)
sys.path.insert(0, {runtime!r})
from mlpackage_runtime.server.program import serve
sys.exit(serve(["--port=0", "--host=127.0.0.1", "--entry-script=nowhere.py"]))
"""


def test_workers_start_before_the_server_imports_what_it_needs(
    tmp_path: Path, server_python: str, runtime: Path
) -> None:
    """The server's own packages load while the workers load theirs."""
    program = LOADED_AT_SPAWN.format(heavy=sorted(HEAVY), runtime=str(runtime))
    unmeasured = {**os.environ, "COVERAGE_PROCESS_CONFIG": ""}  # measuring coverage loads more modules
    ran = subprocess.run(
        [server_python, "-I", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False, env=unmeasured
    )
    assert (ran.returncode, "\n\nthe worker starts\n" in f"\n{ran.stderr}") == (3, True), ran.stderr


@pytest.mark.parametrize("line", ["(Listening on)", "(Found user script)", r"(Worker with pid \d+ ready)"])
def test_sigterm_at_any_moment_of_the_start_stops_with_0(start: Start, line: str) -> None:
    """A signal to stop counts from the first line, although the server is still loading what it needs to serve."""
    service = start(GOOD)
    service.wait_for_log(line)
    service.process.send_signal(signal.SIGTERM)
    assert (service.wait(), "Traceback" in service.log) == (0, False)


SHOWING = """
    import gc, sys

    def init():
        pass

    {kind} run(raw_data):
        return [[name for name in ("asyncio", "importlib.abc", "logging.config", "ssl") if name in sys.modules],
                gc.get_threshold()]
"""


@pytest.mark.parametrize(("kind", "loaded"), [("def", []), ("async def", ["asyncio", "ssl"])])
def test_a_worker_imports_only_what_its_script_needs(serve: Start, kind: str, loaded: list[str]) -> None:
    """A script without coroutines waits for no asyncio; afterwards the collector is as Python has it."""
    found = serve(SHOWING.format(kind=kind), COVERAGE_PROCESS_CONFIG="").post("{}").json()
    assert found == [loaded, list(gc.get_threshold())]


def test_a_worker_whose_server_has_ended_does_not_start(tmp_path: Path, runtime: Path) -> None:
    """A worker that was started just before the end of its server does not load the script."""
    (tmp_path / "score.py").write_text("open('loaded', 'w')\ndef init(): pass\ndef run(x): pass\n", encoding="utf-8")
    settings = read_settings(["--entry-script", str(tmp_path / "score.py")], {"AML_APP_ROOT": str(tmp_path)})
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.socket() as files, shared_memory() as memory:
        frames.send(ours.sendall, frames.START, (), settings.start_frame())
        ours.close()
        fds = [theirs.fileno(), files.fileno(), memory.fileno()]
        command = [sys.executable, str(runtime), "work", *map(str, fds)]
        ran = subprocess.run(command, cwd=tmp_path, pass_fds=fds, capture_output=True, check=False)
    assert (ran.returncode, ran.stderr, (tmp_path / "loaded").exists()) == (0, b"", False)


def test_a_script_chooses_the_thresholds_of_the_collector(serve: Start) -> None:
    """What init() chooses stays."""
    script = "import gc\ndef init(): gc.set_threshold(12345, 6, 7)\ndef run(x): return gc.get_threshold()\n"
    assert serve(script).post("{}").json() == [12345, 6, 7]


def test_starting_takes_little_time(start: Start) -> None:
    """A script without imports is served within a few seconds even on a busy machine."""
    began = time.monotonic()
    start(GOOD).wait_until_ready()
    assert time.monotonic() - began < 10
