"""Measure the time from the start of a server to its first 200 for a GET of /, ours against azmlinfsrv.

    python tests/benchmarks/bench_start.py [--rounds 5] [--old RUNTIME]

The servers start in turn, with a script that imports nothing and with one that has a NumPy schema and loads
scikit-learn's Ridge with joblib; one worker each. `--old` names the runtime folder of an earlier version, which then
takes part. The benchmark needs azureml-inference-server-http, scikit-learn and inference-schema[numpy-support] in the
interpreter of AZMLINFSRV_PYTHON (by default this one), which runs the workers of all servers. It prints medians,
their ratios and the memory of the server's own process; the exit status is 1 if a limit is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from measure import Limit, Run, Runs, judge, peak, report, seconds

RUNTIME = Path(__file__).parents[2] / "runtime"
PYTHON = os.environ.get("AZMLINFSRV_PYTHON", sys.executable)
PATIENCE = 120  # seconds
PAUSE = 0.01  # seconds between two probes; more of them would take the processor from the server
MOST_MEMORY = 45  # MiB

TRAIN = """
    import joblib
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge

    joblib.dump(Ridge().fit(*load_diabetes(return_X_y=True)), "ridge.pkl")
"""
SCRIPTS = {
    "nothing": """
        def init():
            pass


        def run(data):
            return data
    """,
    "ridge": """
        import os

        import joblib
        import numpy as np
        from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
        from inference_schema.schema_decorators import input_schema, output_schema


        def init():
            global model
            model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "ridge.pkl"))


        @input_schema("data", NumpyParameterType(np.zeros((1, 10))))
        @output_schema(NumpyParameterType(np.zeros(1)))
        def run(data):
            return model.predict(data).tolist()
    """,
}
MOST = {"nothing": 0.4, "ridge": 0.75}  # times azmlinfsrv


def main() -> int:
    """Measure both scripts, and return 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--old", type=Path)
    options = parser.parse_args()
    servers = {"azmlinfsrv": [PYTHON, "-m", "azureml_inference_server_http"], "ours": ours(RUNTIME)}
    if options.old:
        servers["old"] = ours(options.old.resolve())
    with tempfile.TemporaryDirectory(prefix="mlpackage-bench-") as name:
        folder = Path(name)
        (folder / "train.py").write_text(textwrap.dedent(TRAIN), encoding="utf-8")
        subprocess.run([PYTHON, "train.py"], cwd=folder, check=True)
        limits = [limit for script in SCRIPTS for limit in bench(script, servers, folder, options.rounds)]
    return judge(limits)


def ours(runtime: Path) -> list[str]:
    return [sys.executable, "-I", str(runtime), "serve", "--host=127.0.0.1", f"--worker-python={PYTHON}"]


def bench(script: str, servers: Mapping[str, list[str]], folder: Path, rounds: int) -> Iterator[Limit]:
    (folder / "score.py").write_text(textwrap.dedent(SCRIPTS[script]), encoding="utf-8")
    runs: Runs = {name: [] for name in servers}
    for number in range(rounds + 1):
        for name, command in servers.items():
            run = started(command, folder)
            if number:  # the first round compiles modules and fills the cache of files
                runs[name].append(run)
    report(f"start to ready, a script that imports {script}", runs, against="azmlinfsrv")
    found = seconds(runs, "ours") / seconds(runs, "azmlinfsrv")
    yield Limit(says=f"start to ready with {script}, times azmlinfsrv", found=found, most=MOST[script])
    yield Limit(says=f"MiB of the server's process with {script}", found=peak(runs, "ours"), most=MOST_MEMORY)


def started(command: list[str], folder: Path) -> Run:
    """Start a server, wait until it is ready, stop it, and return how long it took and its resident memory."""
    port = free_port()
    flags = ["--entry_script=score.py", f"--model_dir={folder}", f"--port={port}", "--worker_count=1"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with (folder / "server.log").open("w+", encoding="utf-8") as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            [*command, *flags],
            cwd=folder,
            env={**environment, "AML_APP_ROOT": str(folder)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            while not is_ready(port):
                if process.poll() is not None or time.perf_counter() - began > PATIENCE:
                    raise RuntimeError((folder / "server.log").read_text(encoding="utf-8"))
                time.sleep(PAUSE)
            return Run(seconds=time.perf_counter() - began, peak=resident_mb(process.pid))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(PATIENCE)


def is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False


def free_port() -> int:
    """Return a port that nobody is given by chance, because it is below those that systems give out."""
    while True:
        port = random.randrange(15_000, 30_000)
        with socket.socket() as found, contextlib.suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))) / 1024


if __name__ == "__main__":
    sys.exit(main())
