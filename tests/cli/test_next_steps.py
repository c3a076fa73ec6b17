"""Run every "Next:" line as it is printed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hatch_mlpackage.serve.health import free_port

PATIENCE = 60
SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return 1\n"
ADVISED = re.compile(r"[Rr]un `(.*?)`")
NEXT = re.compile(r"(?m)^(?:Next(?:, elsewhere)?|  or): (.*)$")


@pytest.fixture
def shell(tmp_path: Path, program: tuple[str, ...], monkeypatch) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Give a function that runs a line in the current folder as a person's shell does, with engines that do nothing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "mlpackage").write_text(f'#!/bin/sh\nexec {shlex.join(program)} "$@"\n')
    for engine in ("docker", "podman"):
        (folder / engine).write_text("#!/bin/sh\nexit 0\n")
    for path in folder.iterdir():
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return lambda line: subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, timeout=PATIENCE
    )


@pytest.fixture
def serve(shell) -> Iterator[Callable[[str], str]]:
    """Give a function that starts a printed line of `serve` on a free port; it returns the line that `serve` prints."""
    started: list[subprocess.Popen[str]] = []

    def start(line: str) -> str:
        command = f"{line.partition('#')[0]} --port {free_port()}"
        process = subprocess.Popen(["bash", "-c", f"exec {command}"], stderr=subprocess.PIPE, text=True)
        started.append(process)
        log = ""
        while "Ready: " not in log:
            log += (line := process.stderr.readline())
            assert line, log
        return NEXT.findall(log)[0]

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def ran(outcome: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the next lines of a command that succeeded."""
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return NEXT.findall(outcome.stdout)


def test_a_project_elsewhere(copy_project, tmp_path, monkeypatch, shell, serve):
    """From `check` to an answer, each command names the next one with the project's folder and an existing sample."""
    copy_project("minimal", "my project")
    (tmp_path / "my project/sample.json").write_text("world")
    monkeypatch.chdir(tmp_path)

    (generate,) = ran(shell("mlpackage check --strict --project 'my project'"))
    serve_it, build = ran(shell(generate.replace(" --strict", "")))
    score = serve(serve_it)

    assert generate == "mlpackage generate --project 'my project' --strict"
    assert ran(shell(build)) == []
    assert shell(score).returncode == 0
    assert re.sub(r"\d{4,5}", "…", score) == "curl http://127.0.0.1:…/"
    score = serve("mlpackage serve --project 'my project'")
    assert shell(score).stdout == '"Hello, world!"\n'
    assert score.endswith(" --data '@my project/sample.json'")


def test_no_project(tmp_path, monkeypatch, shell, serve):
    """Without a pyproject.toml, each command names the next one with the flags that describe the project."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "score.py").write_text("def init(): pass\n\n\ndef run(data): return 1\n")
    (tmp_path / "model.pkl").write_bytes(b"weights")
    (tmp_path / "none.txt").touch()
    flags = "--entry-script score.py --model ridge:2=model.pkl --requirement none.txt --python-version 3.12"

    (check,) = ran(shell(f"mlpackage lock {flags}"))
    (generate,) = ran(shell(check))
    serve_it, build = ran(shell(f"{generate} --output context"))

    assert check == f"mlpackage check {flags}"
    assert generate == f"mlpackage generate {flags}"
    assert ran(shell(build)) == []
    assert shell(serve(serve_it)).returncode == 0


@pytest.mark.parametrize("verb", ["check", "check --json", "generate", "plan", "lock --check", "image build"])
def test_advice_on_a_project_elsewhere(copy_project, tmp_path, monkeypatch, shell, verb):
    """What an error advises has the flags that describe the project, and mends what it was printed for."""
    shutil.rmtree(copy_project("minimal", "my project") / "locks")
    monkeypatch.chdir(tmp_path)
    flags = "--project 'my project' --python-version 3.12"

    refused = shell(f"mlpackage {verb} {flags}")
    (advised,) = ADVISED.findall(refused.stdout + refused.stderr)
    ran(shell(advised))

    assert (refused.returncode, advised) == (1, f"mlpackage lock {flags}")
    assert shell(f"mlpackage {verb} {flags}").returncode == 0


def test_advice_of_a_warning(project, mlpackage):
    """What a warning advises has the flags of the project, in `check` and where `generate` repeats it."""
    (project / "locks/base-image.toml").unlink()
    (project / "score.py").write_text(f"def work():\n    import cv2\n\n\n{SCRIPT.replace('pass', 'work()')}")

    texts = [mlpackage(verb, "--project", project).err for verb in ("check", "generate")]

    assert [set(ADVISED.findall(text)) for text in texts] == [{f"mlpackage lock --project {project}"}] * 2


@pytest.mark.parametrize(
    ("verb", "flags", "following"),
    [
        ("build", "", ""),
        ("build", "--project . --engine podman --tag mine:2", " --project . --engine podman --tag mine:2"),
        ("build", "--context made", " --context made"),
        ("pull", "--tag registry.example/mine:2", " --tag registry.example/mine:2"),
    ],
)
def test_images(project, mlpackage, shell, verb, flags, following):
    """`image build` and `image pull` name the command that runs the same image with the same engine."""
    mlpackage("generate", "--output", "made")

    (run_it,) = ran(shell(f"mlpackage image {verb} {flags}"))

    assert run_it == f"mlpackage image run{following}"
    assert ran(shell(run_it)) == []


def test_an_image_of_buildah(project, mlpackage, recorder):
    """What buildah has built, podman runs; without podman there is no such line."""
    recorder("buildah")

    alone = mlpackage("image", "build").out
    (project.parent / "bin/podman").symlink_to("buildah")
    with_podman = mlpackage("image", "build", "--engine", "buildah").out

    assert (NEXT.findall(alone), NEXT.findall(with_podman)) == ([], ["mlpackage image run --engine podman"])


@pytest.mark.parametrize(
    ("host", "url"), [("0.0.0.0", "http://127.0.0.1"), ("::", "'http://[::1]"), ("::1", "'http://[::1]")]
)
def test_every_address(project, start, host, url):
    """The address to ask is one that can be asked, also where the server listens on all of them."""
    port = free_port()
    process = start("serve", "--host", host, "--port", port)

    lines = [process.stderr.readline() for _ in range(2)]

    assert lines[1].startswith(f"Next, elsewhere: curl {url}:{port}/")


def test_models_that_are_not_copied(copy_project, mlpackage):
    """A context without its models cannot be served: the next line serves the project, or builds the image."""
    root = copy_project("named-models")

    whole = mlpackage("generate", "--project", root, "--output", root / "a").out
    with_flags = mlpackage("generate", "--project", root, "--output", root / "b", "--platform", "linux/amd64").out
    script = ("--entry-script", root / "score.py")
    with_script = mlpackage("generate", "--project", root, "--output", root / "c", *script).out

    assert NEXT.findall(whole)[0] == f"mlpackage serve --project {root}   # needs no container engine"
    assert NEXT.findall(with_flags)[0] == (
        f"mlpackage serve --project {root} --platform linux/amd64   # needs no container engine"
    )
    assert [line.split()[:2] for line in NEXT.findall(with_script)] == [["docker", "build"]]
