"""Attack the server, and print how long probes take meanwhile, what memory it needs, and what honest clients lose.

    python tests/benchmarks/bench_attacks.py [--seconds 5] [ATTACK ...]

Without names it runs all attacks, kills the worker every second (the probe of a server without a worker fails, and
counts as `inf`), and stops the server under load. It measures the server of this checkout, or of the folder in
MLPACKAGE_RUNTIME_DIR, so that two servers can be compared.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import textwrap
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "runtime"))

from attacks import ATTACKS, Attack
from measuring import Figures, Watch, attacked, children, forget_peaks, loaded
from runtime_service import RUNTIME, Service, start_service

HONEST = b'{"data": [1]}'
REST = "rest"
KILLS = "kills"
SIGTERM = "sigterm"


def main() -> int:
    """Print a table, one line for each attack."""
    names = [REST, *ATTACKS, KILLS, SIGTERM]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help=", ".join(names))
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    unknown = set(options.attacks) - set(names)
    if unknown:
        parser.error(f"there is no attack {', '.join(sorted(unknown))}: choose from {', '.join(names)}")
    print(f"server: {RUNTIME}")
    print(f"{'':22} {'p50':>7} {'p99':>7} {'max':>7}    {'server':>7} {'worker':>7}       lost; answers")
    for name in options.attacks or names:
        print(f"{name:22} {measured(name, options.seconds)}", flush=True)
    return 0


def measured(name: str, seconds: float) -> str:
    """Run one attack against a server of its own and return its line of the table."""
    attack = ATTACKS.get(name) or Attack(go=lambda assault: None)
    with tempfile.TemporaryDirectory() as folder:
        script = textwrap.dedent(attack.script)
        service = start_service(Path(folder), script, **attack.settings).wait_until_ready()
        try:
            if name == SIGTERM:
                return stopped(service)
            figures, got = (
                quiet(service, name, seconds) if name in {REST, KILLS} else attacked_by(service, name, seconds)
            )
        finally:
            service.process.kill()
            service.process.wait()
    return f"{figures}; {dict(sorted(got.items()))}"


def attacked_by(service: Service, name: str, seconds: float) -> tuple[Figures, dict[str, int]]:
    return attacked(service.port, service.process.pid, name, seconds, HONEST)


def quiet(service: Service, name: str, seconds: float) -> tuple[Figures, dict[str, int]]:
    """Measure without an attack, or while the worker is killed every second."""
    forget_peaks(service.process.pid)
    until, kills = time.monotonic() + seconds, 0
    with Watch(service.port, service.process.pid, HONEST) as watch:
        while time.monotonic() < until:
            time.sleep(1)
            for pid in children(service.process.pid)[-1:] if name == KILLS else []:
                os.kill(pid, signal.SIGKILL)
                kills += 1
    return watch.figures, {"kills": kills}


def stopped(service: Service) -> str:
    """Stop a server under load, and return what the load got."""
    found: Counter[str] = loaded(service.port, 60, lambda: service.process.send_signal(signal.SIGTERM))
    return f"{'':47}{found['lost']:4d} lost of {found['200'] + found['503']}; {dict(sorted(found.items()))}"


if __name__ == "__main__":
    sys.exit(main())
