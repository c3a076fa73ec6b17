from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from hatch_mlpackage.errors import UnavailableError
from hatch_mlpackage.serve import container
from hatch_mlpackage.serve.container import RUNNERS, build_command, execute, find_engine, run_command


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Give a function that puts a shell script on an otherwise empty PATH."""
    monkeypatch.setenv("PATH", os.fspath(tmp_path))

    def place(name: str, script: str = "exit 0", mode: int = 0o755) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(mode)

    return place


class TestFindEngine:
    @pytest.mark.parametrize(
        ("present", "found"),
        [
            (["docker", "podman", "buildah"], "docker"),
            (["buildah", "podman"], "podman"),
            (["buildah"], "buildah"),
        ],
    )
    def test_takes_the_first_there_is(self, programs, present, found):
        """Docker comes before podman, and podman before buildah."""
        for name in present:
            programs(name)

        assert find_engine() == found

    def test_passes_over_what_does_not_answer(self, programs):
        """An engine whose daemon is down does not stop another one, and the reason is the engine's last line."""
        programs("docker", "echo a warning >&2; echo Cannot connect to the daemon. >&2; exit 1")
        programs("podman", "exit 125")
        programs("buildah")
        said: list[str] = []

        assert find_engine(report=said.append) == "buildah"
        assert said == [
            "docker does not work here, so buildah is used: Cannot connect to the daemon.",
            "podman does not work here, so buildah is used: `podman ps --quiet` ends with status 125.",
        ]

    def test_does_not_wait_for_ever(self, programs, monkeypatch):
        """An engine that does not answer in time is passed over, and its process ends."""
        monkeypatch.setattr(container, "PATIENCE", 0.2)
        programs("docker", "echo $$ > $0.pid; exec /bin/sleep 1000")
        programs("podman")
        said: list[str] = []

        assert find_engine(report=said.append) == "podman"
        assert said == [
            "docker does not work here, so podman is used: `docker ps --quiet` does not answer within 0.2 seconds."
        ]
        with pytest.raises(ProcessLookupError):
            os.kill(int(Path(os.environ["PATH"], "docker.pid").read_text()), 0)

    def test_asks_in_silence(self, programs, capfd):
        """The engine is asked what it runs, and its answer is not shown."""
        programs("docker", 'echo "$@" > $0.asked; echo 0123abcd; echo a warning >&2')

        assert find_engine() == "docker"
        assert Path(os.environ["PATH"], "docker.asked").read_text() == "ps --quiet\n"
        assert capfd.readouterr() == ("", "")

    def test_none_answers(self, programs):
        """If no engine answers, the error says of each what is wrong and what to do."""
        programs("docker", "echo 'Cannot connect to the \033[31mdaemon.' >&2; exit 1")
        (Path(os.environ["PATH"]) / "buildah").write_bytes(b"\x7fELF")
        (Path(os.environ["PATH"]) / "buildah").chmod(0o755)

        with pytest.raises(UnavailableError) as caught:
            find_engine()

        assert str(caught.value).splitlines() == [
            "No container engine works here.",
            (
                r"docker: Cannot connect to the \x1b[31mdaemon. "
                "Start its daemon (sudo systemctl start docker, or Docker Desktop), or get access to it."
            ),
            "buildah: it cannot be started: Exec format error. `buildah info` says more.",
            "podman: not found on PATH.",
            "Correct one, name one that is used in any case (--engine), or serve without an engine: mlpackage serve.",
        ]

    def test_takes_the_wanted_one_unasked(self, programs):
        """An engine that is named is never replaced: what it says of itself is for the user to read."""
        programs("docker", "exit 1")
        programs("podman")
        said: list[str] = []

        assert (find_engine("docker", report=said.append), said) == ("docker", [])

    def test_takes_the_wanted_one(self, programs):
        """An engine chosen by name wins over the earlier ones."""
        programs("docker")
        programs("buildah")

        assert find_engine("buildah") == "buildah"

    def test_leaves_out_what_cannot_be_run(self, programs):
        """A file without permission to execute does not count as an engine."""
        programs("docker", mode=stat.S_IRUSR)
        programs("podman")

        assert find_engine() == "podman"

    @pytest.mark.parametrize(("wanted", "looked_for"), [(None, "docker, podman, buildah"), ("podman", "podman")])
    def test_none(self, programs, wanted, looked_for):
        """Without an engine the error names the programs that were looked for, and what works without one."""
        with pytest.raises(UnavailableError) as caught:
            find_engine(wanted)

        assert str(caught.value) == (
            f"no container engine found on PATH (looked for: {looked_for}). "
            "Install one, or serve without an engine: mlpackage serve."
        )
        assert caught.value.exit_status == 4

    def test_buildah_runs_no_image(self, programs):
        """Buildah cannot serve an image, and the error names the engines that can."""
        programs("buildah")

        with pytest.raises(UnavailableError) as caught:
            find_engine("buildah", RUNNERS)

        assert str(caught.value) == "buildah cannot run an image as a server. Use --engine docker or podman."


@pytest.mark.parametrize(
    ("engine", "begins"),
    [
        ("docker", ("docker", "build")),
        ("podman", ("podman", "build", "--format", "docker")),
        ("buildah", ("buildah", "build", "--format", "docker")),
    ],
)
def test_build_command(engine, begins):
    """The context comes last, after the engine's own options; only docker's image format keeps the HEALTHCHECK."""
    command = build_command(engine, Path("dist/a b"), tag="ridge:1", extra=("--no-cache",))

    assert command == (*begins, "--tag", "ridge:1", "--no-cache", "dist/a b")


@pytest.mark.parametrize("engine", RUNNERS)
def test_run_command(engine):
    """The image runs read-only, on the loopback alone, and is never fetched from a registry."""
    command = run_command(engine, "ridge:1", port=8080, extra=("--env", "WORKER_COUNT=2"))

    assert command == (
        *(engine, "run", "--rm", "--pull", "never", "--read-only", "--tmpfs", "/tmp"),
        *("--publish", "127.0.0.1:8080:5001", "--env", "WORKER_COUNT=2", "ridge:1"),
    )


class TestExecute:
    def test_shows_the_command_then_its_output(self, programs, capfd):
        """The exact command is printed first, quoted for a shell, and then the engine's own output."""
        programs("docker", "echo built; echo warned >&2")

        status = execute(("docker", "build", "a b"), report=lambda text: print(text, flush=True))

        out, err = capfd.readouterr()
        assert (status, out, err) == (0, "$ docker build 'a b'\nbuilt\n", "warned\n")

    @pytest.mark.parametrize(("script", "status"), [("exit 17", 17), ("kill -KILL $$", 137)])
    def test_passes_the_exit_status_on(self, programs, script, status):
        """The engine's exit status is returned unchanged, or as 128 + N if signal N ended it."""
        programs("docker", script)

        assert execute(("docker", "build"), report=lambda text: None) == status

    def test_cannot_be_started(self, programs):
        """An engine that vanishes or is not a program is reported as unavailable, without a traceback."""
        with pytest.raises(UnavailableError, match=r"^docker cannot be started: \[Errno 2\]"):
            execute(("docker", "build"), report=lambda text: None)

    def test_inherits_the_environment(self, programs, capfd, monkeypatch):
        """DOCKER_HOST and similar variables reach the engine unchanged."""
        programs("docker", 'echo "$DOCKER_HOST"')
        monkeypatch.setenv("DOCKER_HOST", "unix:///somewhere")

        execute(("docker", "version"), report=lambda text: None)

        assert capfd.readouterr().out == "unix:///somewhere\n"
