"""Run a private Docker engine: its own data, its own socket, no bridge, no firewall rules, stopped by its own pid."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

DOCKER = "/usr/bin/docker"  # Debian's: a newer client, found first on some machines, wants a buildx plugin for BuildKit
TOOLS = {
    DOCKER: "docker.io",
    "dockerd": "docker.io",
    "debootstrap": "debootstrap",
    "buildah": "buildah",
    "faketime": "faketime",
    "patchelf": "patchelf",
    "strip": "binutils",
}
_START_SECONDS = 60
_STOP_SECONDS = 60


class EngineUnavailableError(Exception):
    """Say why no engine can run here, and what to install."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """Hold a running engine, which keeps everything below `directory`."""

    directory: Path

    @property
    def address(self) -> str:
        return f"unix://{self.directory / 'docker.sock'}"

    def run(
        self, *arguments: str | Path, environment: Mapping[str, str] | None = None, stdin: Path | None = None
    ) -> str:
        """Run a docker command and return what it printed, stderr after stdout.

        Raises CalledProcessError with the output in its notes.
        """
        command = [DOCKER, "--host", self.address, *map(str, arguments)]
        with (stdin or Path(os.devnull)).open("rb") as reader:
            return run(command, environment=environment, stdin=reader)


def run(command: list[str], *, environment: Mapping[str, str] | None = None, stdin: object = None) -> str:
    """Run a command and return what it printed; a failure carries the output along."""
    done = subprocess.run(
        command,
        stdin=stdin,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode:
        error = subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
        error.add_note(done.stdout[-5000:] + done.stderr[-5000:])
        raise error
    return done.stdout + done.stderr


def start(directory: Path) -> Engine:
    """Start an engine with its data below `directory`; the path must be short (a socket's has 107 bytes at most).

    Raises EngineUnavailableError.
    """
    _require_tools()
    directory.mkdir(parents=True, exist_ok=True)
    engine = Engine(directory=directory)
    command = [
        "dockerd",
        *("--bridge=none", "--iptables=false", "--ip6tables=false"),
        *("--data-root", directory / "data", "--exec-root", directory / "exec"),
        *("--pidfile", _pid_file(directory), "--host", engine.address),
    ]
    # The shell detaches the engine, so that it outlives `start` by hand and leaves no child to wait for.
    detach = 'log="$1"; shift; setsid "$@" >"$log" 2>&1 </dev/null &'
    subprocess.run(["sh", "-c", detach, "sh", directory / "log", *command], check=True)
    try:
        _wait_until_ready(engine)
    except EngineUnavailableError:
        stop(directory)
        raise
    return engine


def stop(directory: Path) -> None:
    """Stop the engine that `start` left in the folder, and remove its data."""
    pid_file = _pid_file(directory)
    pid = int(pid_file.read_text()) if pid_file.exists() else None
    if pid and _is_engine(pid):
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not _is_engine(pid), _STOP_SECONDS)
    _unmount_below(directory)
    shutil.rmtree(directory, ignore_errors=True)


def _is_engine(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text() == "dockerd\n"
    except OSError:
        return False


def _pid_file(directory: Path) -> Path:
    return directory / "pid"


def _require_tools() -> None:
    if os.geteuid():
        raise EngineUnavailableError("a private Docker engine needs root")
    lacking = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if lacking:
        raise EngineUnavailableError(f"a private Docker engine needs: apt-get install {' '.join(lacking)}")


def _wait_until_ready(engine: Engine) -> None:
    def ready() -> bool:
        command = [DOCKER, "--host", engine.address, "version"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    try:
        wait_for(ready, _START_SECONDS)
    except TimeoutError:
        log = (engine.directory / "log").read_text(errors="replace")
        raise EngineUnavailableError(f"dockerd did not start:\n{log[-3000:]}") from None


def wait_for(condition: Callable[[], object], seconds: float) -> None:
    """Wait until the condition holds; raise TimeoutError if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so after {seconds} seconds")
        time.sleep(0.1)


def _unmount_below(directory: Path) -> None:
    # The engine's network namespace and buildah's storage stay mounted until they are unmounted by hand.
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((mount for mount in mounts if mount.startswith(f"{directory}/")), reverse=True):
        subprocess.run(["umount", mount], check=False)
