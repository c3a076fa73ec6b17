"""Compare two folders of the runtime by the large raw bodies that their servers take and give.

    python tests/benchmarks/bench_bodies.py OLD [NEW] [--sizes 1 64] [--seconds 2] [--rounds 5] [--connections 1]

NEW is this checkout's runtime if it is not given, OLD that of another one (`git worktree add`). Both servers run with
one worker, and the rounds alternate between them, so that other work on the machine slows them alike. `take` counts
requests with a body, `give` answers with one, `echo` both. The table shows medians per second and their ratio,
milliseconds of processor time per request (server and worker) and their ratio, and the peak memory of the servers in
MiB. The exit status is 1 if a ratio of requests is below 1.5. It needs werkzeug, and Linux.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "runtime"))

import runtime_service
from measuring import children, peak_mb
from runtime_service import Service, start_service

TARGET = 1.5
MIB = 2**20
SCRIPT = """
    from azureml_inference_server_http.api.aml_request import rawhttp
    from azureml_inference_server_http.api.aml_response import AMLResponse

    LARGE = b"x" * {size}

    def init():
        pass

    @rawhttp
    def run(request):
        return {result}
"""
RESULTS = {
    "take": "len(request.get_data())",
    "give": "AMLResponse(LARGE, 200)",
    "echo": "AMLResponse(request.get_data(), 200)",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """Hold a server, and for each round its requests per second and processor time per request."""

    service: Service
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    def measure(self, body: bytes, options: argparse.Namespace) -> None:
        before, began = self._processor_ms(), time.perf_counter()
        with ThreadPoolExecutor(options.connections) as pool:
            loads = [pool.submit(load, self.service.port, body, options.seconds) for _ in range(options.connections)]
        number = sum(done.result() for done in loads)
        self.rates.append(number / (time.perf_counter() - began))
        self.costs.append((self._processor_ms() - before) / number)

    def _processor_ms(self) -> float:
        pids = (self.service.process.pid, *children(self.service.process.pid))
        times = [Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0] for pid in pids]
        return sum(map(int, times)) / 1e6


def main() -> int:
    """Print the table, and return 0 if every ratio reaches the target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path, nargs="?", default=Path(__file__).parents[2] / "runtime")
    parser.add_argument("--sizes", type=float, nargs="+", default=[1, 64], help="in MiB")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=1)
    options = parser.parse_args()
    print("body   MiB     old/s     new/s  ratio    old ms    new ms  ratio  old MiB  new MiB")
    ratios = [compared(way, int(size * MIB), options) for way in RESULTS for size in options.sizes]
    return 0 if min(ratios) >= TARGET else 1


def compared(way: str, size: int, options: argparse.Namespace) -> float:
    """Print the line of one kind of body, and return the ratio of the servers' requests per second."""
    script = SCRIPT.format(size=size, result=RESULTS[way])
    body = b"" if way == "give" else b"x" * size
    with serving(options.old, script) as old, serving(options.new, script) as new:
        for _ in range(options.rounds + 1):
            for server in (old, new):
                server.measure(body, options)
        rates = [statistics.median(server.rates[1:]) for server in (old, new)]  # the first round warms up
        costs = [statistics.median(server.costs[1:]) for server in (old, new)]
        peaks = [peak_mb(server.service.process.pid) for server in (old, new)]
    ratio = rates[1] / rates[0]
    line = f"{way} {size / MIB:5g} {rates[0]:9.1f} {rates[1]:9.1f} {ratio:6.2f} {costs[0]:9.2f} {costs[1]:9.2f}"
    print(f"{line} {costs[0] / costs[1]:6.2f} {peaks[0]:8.0f} {peaks[1]:8.0f}", flush=True)
    return ratio


@contextlib.contextmanager
def serving(runtime: Path, script: str) -> Iterator[Measured]:
    """Run the server of a folder."""
    runtime_service.RUNTIME = runtime.resolve()
    with tempfile.TemporaryDirectory() as name:
        service = start_service(Path(name), script)
        try:
            yield Measured(service=service.wait_until_ready())
        finally:
            service.stop()


def load(port: int, body: bytes, seconds: float) -> int:
    """Send requests one after another for some seconds, and return how many were answered."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    number, end = 0, time.perf_counter() + seconds
    buffer = bytearray(MIB)
    while not number or time.perf_counter() < end:
        connection.request("POST", "/score", body, {"Content-Type": "application/octet-stream"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(answer.read().decode())
        while answer.readinto(buffer):
            pass
        number += 1
    connection.close()
    return number


if __name__ == "__main__":
    sys.exit(main())
