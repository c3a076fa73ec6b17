"""Count requests per second of our server and of azmlinfsrv: one ridge model, NumPy schema and worker, the same load.

    python tests/benchmarks/bench_serve.py [--model numpy] [--seconds 8] [--rounds 3] [--connections 8]

The model is ridge regression on the diabetes data. By default its coefficients are NumPy arrays, so that the servers
dominate; `--model sklearn` calls scikit-learn's own Ridge.predict(), which takes longer than the rest of our request.
The benchmark needs wrk, and azureml-inference-server-http with scikit-learn in the interpreter of AZMLINFSRV_PYTHON
(by default this one), which runs the workers of both servers. It prints the rounds and the ratio of their medians; the
exit status is 1 if the ratio is below 5.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PYTHON = os.environ.get("AZMLINFSRV_PYTHON", sys.executable)
TARGET = 5.0

TRAIN = """
    import joblib
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge

    model = Ridge().fit(*load_diabetes(return_X_y=True))
    joblib.dump(model, "sklearn.pkl")
    joblib.dump((model.coef_, model.intercept_), "numpy.pkl")
"""
SCRIPT = """
    import os

    import joblib
    import numpy as np
    from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
    from inference_schema.schema_decorators import input_schema, output_schema


    def init():
        global predict
        kind = os.environ["RIDGE"]
        model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], f"{kind}.pkl"))
        predict = model.predict if kind == "sklearn" else lambda data: data @ model[0] + model[1]


    @input_schema("data", NumpyParameterType(np.zeros((1, 10))))
    @output_schema(NumpyParameterType(np.zeros(1)))
    def run(data):
        return predict(data).tolist()
"""
LOAD = """
    wrk.method = "POST"
    wrk.body = '{"data": [[0.03, 0.05, 0.06, 0.02, -0.04, -0.03, -0.04, -0.002, 0.01, -0.01]]}'
    wrk.headers["Content-Type"] = "application/json"
"""


def main() -> int:
    """Measure both servers, and return 0 if ours reaches the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=["numpy", "sklearn"], default="numpy")
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in {"train.py": TRAIN, "score.py": SCRIPT, "load.lua": LOAD}.items():
            (folder / file).write_text(textwrap.dedent(text), encoding="utf-8")
        subprocess.run([PYTHON, "train.py"], cwd=folder, check=True)
        rates: dict[str, list[float]] = {"azmlinfsrv": [], "ours": []}
        for _ in range(options.rounds):
            for server, found in rates.items():
                with serving(server, folder, options.model) as port:
                    found.append(load(port, folder, options))
    shown = {server: [round(rate) for rate in found] for server, found in rates.items()}
    ratio = statistics.median(rates["ours"]) / statistics.median(rates["azmlinfsrv"])
    print(f"requests/s: {shown}; ratio {ratio:.2f} of the medians (target {TARGET:g})")
    return 0 if ratio >= TARGET else 1


@contextlib.contextmanager
def serving(server: str, folder: Path, model: str) -> Iterator[int]:
    """Run a server with one worker and yield its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = ["--entry_script=score.py", f"--model_dir={folder}", f"--port={port}", "--worker_count=1"]
    ours = [sys.executable, "-I", str(REPOSITORY / "runtime"), "serve", "--host=127.0.0.1", f"--worker-python={PYTHON}"]
    command = [PYTHON, "-m", "azureml_inference_server_http"] if server == "azmlinfsrv" else ours
    environment = {**os.environ, "AML_APP_ROOT": str(folder), "RIDGE": model}
    with (folder / f"{server}.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *flags], cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_until_healthy(port)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def wait_until_healthy(port: int) -> None:
    limit = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/").close()
            break
        except OSError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.1)


def load(port: int, folder: Path, options: argparse.Namespace) -> float:
    """Return wrk's requests per second after a second of warm-up, and refuse answers that are errors."""
    command = ["wrk", "-t1", f"-c{options.connections}", "-s", str(folder / "load.lua")]
    url = f"http://127.0.0.1:{port}/score"
    subprocess.run([*command, "-d1s", url], check=True, capture_output=True)
    said = subprocess.run([*command, f"-d{options.seconds}s", url], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in said:
        raise RuntimeError(said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if rate is None:
        raise RuntimeError(said)
    return float(rate.group(1))


if __name__ == "__main__":
    sys.exit(main())
