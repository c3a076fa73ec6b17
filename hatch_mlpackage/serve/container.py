"""Hand a finished context to docker, podman or buildah; nothing else in the package runs a container engine.

We print the command, run it as a person would type it, leave its output to the reader and return its exit status. The
engine finds its own settings (DOCKER_HOST, DOCKER_BUILDKIT, registries.conf …) in the environment.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from hatch_mlpackage.errors import UnavailableError
from hatch_mlpackage.files.quoting import escaped, shown_command
from hatch_mlpackage.files.run_foreground import run_in_foreground
from hatch_mlpackage.project.config.keys import PORT

ENGINES = ("docker", "podman", "buildah")
RUNNERS = ("docker", "podman")  # buildah builds images but does not serve them

_BUILD = {
    "docker": ("docker", "build"),
    # The OCI image format has no HEALTHCHECK: without this option podman and buildah drop the line.
    "podman": ("podman", "build", "--format", "docker"),
    "buildah": ("buildah", "build", "--format", "docker"),
}
# Docker has an option for GPUs; podman takes a CDI device name, which `nvidia-ctk cdi generate` makes.
_ALL_GPUS = {"docker": ("--gpus", "all"), "podman": ("--device", "nvidia.com/gpu=all")}

# Engines that look installed may not work: Docker's daemon is down, or this user may not ask it. Each lists what runs,
# which asks the daemon or reads the storage.
_QUESTIONS = {
    "docker": ("docker", "ps", "--quiet"),
    "podman": ("podman", "ps", "--quiet"),
    "buildah": ("buildah", "containers", "--quiet"),
}
PATIENCE = 10.0  # seconds for the answer
_STEPS = {
    "docker": "Start its daemon (sudo systemctl start docker, or Docker Desktop), or get access to it.",
    "podman": "On a Mac, start its machine (podman machine start); `podman info` says more.",
    "buildah": "`buildah info` says more.",
}


def find_engine(
    wanted: str | None = None, among: Sequence[str] = ENGINES, *, report: Callable[[str], object] = lambda _: None
) -> str:
    """Return the wanted engine, or the first one on PATH that answers; report why an earlier one was passed over.

    Raises UnavailableError when there is none, or when the wanted one is not `among` those that can do the work.
    """
    if wanted and wanted not in among:
        raise UnavailableError(f"{wanted} cannot run an image as a server. Use --engine {' or '.join(among)}.")
    found = [engine for engine in ((wanted,) if wanted else among) if shutil.which(engine)]
    if not found:
        raise UnavailableError(
            f"no container engine found on PATH (looked for: {wanted or ', '.join(among)}). "
            "Install one, or serve without an engine: mlpackage serve."
        )
    if wanted:
        return wanted
    silent: dict[str, str] = {}
    for engine in found:
        reason = _why_silent(engine)
        if not reason:
            for other, why in silent.items():
                report(f"{other} does not work here, so {engine} is used: {why}")
            return engine
        silent[engine] = reason
    raise UnavailableError(_none_answers(silent, among))


def _why_silent(engine: str) -> str:
    """Ask an engine something that costs nothing; return why it does not answer, or "" when it does."""
    question = shown_command(_QUESTIONS[engine])
    with tempfile.TemporaryFile() as output:
        try:
            status = run_in_foreground(_QUESTIONS[engine], output=output, timeout=PATIENCE)
        except TimeoutError:
            return f"`{question}` does not answer within {PATIENCE:g} seconds."
        except OSError as error:
            return f"it cannot be started: {error.strerror}."
        output.seek(0)
        lines = output.read().decode(errors="replace").strip().splitlines()
    if status == 0:
        return ""
    return escaped(lines[-1].strip()) if lines else f"`{question}` ends with status {status}."


def _none_answers(silent: Mapping[str, str], among: Sequence[str]) -> str:
    """Say of each engine why it cannot be used, and what to do."""
    lines = [f"{engine}: {reason} {_STEPS[engine]}" for engine, reason in silent.items()]
    lines += [f"{engine}: not found on PATH." for engine in among if engine not in silent]
    last = "Correct one, name one that is used in any case (--engine), or serve without an engine: mlpackage serve."
    return "\n".join(("No container engine works here.", *lines, last))


def build_command(
    engine: str, context: Path, *, tag: str, named: Mapping[str, Path] | None = None, extra: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the command that builds an image from a context and its `named` contexts.

    `extra` holds the engine's own options.
    """
    contexts = [f"--build-context={name}={folder}" for name, folder in (named or {}).items()]
    return (*_BUILD[engine], *contexts, "--tag", tag, *extra, str(context))


def run_command(engine: str, tag: str, *, port: int, gpu: bool = False, extra: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the command that serves an image on a loopback port of this machine, with the machine's GPUs if `gpu`.

    `--pull never` keeps out another image of the same name; the root file system is read-only, as in production.
    """
    return (
        *(engine, "run", "--rm", "--pull", "never", "--read-only", "--tmpfs", "/tmp"),  # noqa: S108 - in the image
        *("--publish", f"127.0.0.1:{port}:{PORT}"),
        *(_ALL_GPUS[engine] if gpu else ()),
        *extra,
        tag,
    )


def push_command(engine: str, name: str, *, extra: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the command that sends an image to the registry with which its name begins."""
    return (engine, "push", *extra, name)


def pull_command(engine: str, name: str, *, extra: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the command that gets an image from its registry."""
    return (engine, "pull", *extra, name)


def execute(command: Sequence[str], *, report: Callable[[str], object] = print, output: IO[bytes] | None = None) -> int:
    """Show the command, run it with its output on the terminal or in `output`, and return the engine's exit status.

    Ctrl-C and SIGTERM stop the engine, and the container with it, before they take effect. Raises UnavailableError when
    the engine cannot be started.
    """
    report(f"$ {shown_command(command)}")
    try:
        return run_in_foreground(command, output=output)
    except OSError as error:
        raise UnavailableError(f"{command[0]} cannot be started: {error}.") from error
