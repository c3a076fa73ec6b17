from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

CONTEXT = "dist/minimal-model-1.0-context"
RUN = ["run", "--rm", "--pull", "never", "--read-only", "--tmpfs", "/tmp", "--publish"]


def arguments(record: Path) -> list[str]:
    return record.read_text().splitlines()


def test_build(project, mlpackage, recorder):
    """`image build` writes the context, shows the engine's command, runs it, and names the next command."""
    record = recorder("docker")

    outcome = mlpackage("image", "build")

    assert outcome.status == 0
    assert arguments(record) == ["build", "--tag", "minimal-model:1.0", CONTEXT]
    assert outcome.err == f"Wrote {CONTEXT}\n$ docker build --tag minimal-model:1.0 {CONTEXT}\n"
    assert outcome.out == "Built minimal-model:1.0.\nNext: mlpackage image run\n"
    assert Path(CONTEXT, "manifest.json").is_file()


def test_build_takes_the_configured_name(project, mlpackage, recorder):
    """`image.name` names the image, and keeps its own tag if it has one."""
    record = recorder("podman")
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text() + '\n[tool.mlpackage.image]\nname = "registry.example:5000/hello:2"\n')

    mlpackage("image", "build", "--engine", "podman")

    assert arguments(record)[3:5] == ["--tag", "registry.example:5000/hello:2"]


def test_build_of_a_context_with_options_of_the_engine(project, mlpackage, recorder):
    """`--context` builds a context unchanged, outside any project; the engine gets what follows `--`."""
    mlpackage("generate", "--output", "made")
    (project / "pyproject.toml").unlink()
    record = recorder("buildah")

    outcome = mlpackage("image", "build", "--context", "made", "--", "--no-cache", "--network", "host")

    assert outcome.status == 0
    assert arguments(record) == [
        *("build", "--format", "docker", "--tag", "minimal-model:1.0"),
        *("--no-cache", "--network", "host", "made"),
    ]


def test_build_of_a_context_that_was_changed(project, mlpackage, recorder):
    """`image build --context` gives no context to the engine that is not as its manifest says."""
    mlpackage("generate", "--output", "made")
    with Path("made/Dockerfile").open("a") as file:
        file.write("RUN echo changed by hand\n")
    record = recorder("docker")

    outcome = mlpackage("image", "build", "--context", "made")

    assert (outcome.status, outcome.out, record.exists()) == (1, "", False)
    assert "made: was changed after it was written:\n  Dockerfile: " in outcome.err
    assert outcome.err.endswith("Move it away and make it again: mlpackage generate --output made\n")


def test_build_with_models_that_are_not_copied(copy_project, mlpackage, recorder):
    """The engine gets the models' folders, but only if the models still match the context."""
    project = copy_project("named-models")
    context, models = project / "dist/named-models-1.0-context", (project / "models").resolve()
    named = [f"--build-context=model-1={models}", f"--build-context=model-2={models}/bert"]
    record = recorder("buildah")
    mlpackage("image", "build", "--project", project)

    given = arguments(record)
    record.unlink()
    (project / "models/ridge.bin").write_text("other weights")
    outcome = mlpackage("image", "build", "--project", project, "--context", context)

    assert given == ["build", "--format", "docker", *named, "--tag", "named-models:1.0", str(context)]
    assert (outcome.status, record.exists()) == (1, False)
    assert f"{project}/models/ridge.bin: 13 bytes, expected 7\n" in outcome.err


def test_the_engines_exit_status_is_ours(project, mlpackage, recorder):
    """A failed build ends with the engine's exit status and prints no result."""
    recorder("docker", then="echo no space >&2; exit 17")

    outcome = mlpackage("image", "build")

    assert (outcome.status, outcome.out) == (17, "")


def test_without_an_engine(project, mlpackage, monkeypatch, tmp_path):
    """Without an engine the exit status is 4, and no context is written."""
    monkeypatch.setenv("PATH", str(tmp_path))

    outcome = mlpackage("image", "build")

    assert outcome.status == 4
    assert "no container engine found on PATH (looked for: docker, podman, buildah)" in outcome.err
    assert not (project / "dist").exists()


def test_with_a_daemon_that_is_down(project, mlpackage, recorder):
    """`image build` takes the next engine and says why; `image run` needs one that serves, and writes nothing."""
    down = "echo 'Is the daemon running?' >&2; exit 1"
    recorder("docker", then=down, asked=down)
    record = recorder("buildah")

    built = mlpackage("image", "build")
    asked = mlpackage("image", "build", "--engine", "docker")
    ran = mlpackage("image", "run")

    assert built.status == 0
    assert built.err.splitlines()[0] == "docker does not work here, so buildah is used: Is the daemon running?"
    assert arguments(record)[:3] == ["build", "--format", "docker"]
    assert (asked.status, asked.err.splitlines()[-1]) == (1, f"$ docker build --tag minimal-model:1.0 {CONTEXT}")
    assert ran.status == 4
    assert "docker: Is the daemon running? Start its daemon" in ran.err
    assert "podman: not found on PATH." in ran.err


def test_run(project, mlpackage, recorder):
    """`image run` serves the image read-only on the loopback; the engine gets what follows `--`."""
    record = recorder("docker")

    outcome = mlpackage("image", "run", "--port", "8080", "--", "--env", "WORKER_COUNT=2")

    assert outcome.status == 0
    assert arguments(record) == [*RUN, "127.0.0.1:8080:5001", "--env", "WORKER_COUNT=2", "minimal-model:1.0"]


def test_run_of_a_tag(tmp_path, mlpackage, recorder, monkeypatch):
    """`image run --tag` runs an image from any folder."""
    monkeypatch.chdir(tmp_path)
    record = recorder("podman")

    assert mlpackage("image", "run", "--tag", "ridge:3").status == 0
    assert arguments(record) == [*RUN, "127.0.0.1:5001:5001", "ridge:3"]


@pytest.mark.parametrize(
    ("flags", "port"), [((), "8890"), (("--context", "made"), "8890"), (("--port", "7000"), "7000")]
)
def test_run_on_the_port_of_the_configuration(copy_project, mlpackage, recorder, monkeypatch, flags, port):
    """`image.port` sets the port on this machine, for a project and for its context; `--port` wins."""
    monkeypatch.chdir(copy_project("steps"))
    mlpackage("generate", "--output", "made")
    record = recorder("docker")

    assert mlpackage("image", "run", *flags).status == 0
    assert arguments(record) == [*RUN, f"127.0.0.1:{port}:5001", "steps:1.0"]


def test_interrupted_run(project, start, recorder, tmp_path):
    """Ctrl-C stops the engine before the program ends."""
    recorder("docker", then=f'trap "echo stopped >> {tmp_path}/log; exit 0" TERM INT\nwhile :; do :; done')
    process = start("image", "run")
    while not (tmp_path / "docker.arguments").exists():
        time.sleep(0.05)
    time.sleep(0.2)

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)

    assert (process.returncode, err.splitlines()[-1]) == (130, "Interrupted.")
    assert (tmp_path / "log").read_text() == "stopped\n"


@pytest.mark.parametrize(
    ("engine", "flags", "given"),
    [
        ("docker", (), ["--gpus", "all"]),
        ("podman", (), ["--device", "nvidia.com/gpu=all"]),
        ("docker", ("--no-gpu",), []),
        ("docker", ("--context", "made"), ["--gpus", "all"]),
        ("docker", ("--gpu", "--tag", "gpu:1.0"), ["--gpus", "all"]),
    ],
)
def test_run_with_gpus(copy_project, mlpackage, recorder, monkeypatch, engine, flags, given):
    """An image with CUDA gets this machine's GPUs, in each engine's own options, unless `--no-gpu` forbids it."""
    monkeypatch.chdir(copy_project("gpu"))
    mlpackage("generate", "--output", "made")
    record = recorder(engine)

    outcome = mlpackage("image", "run", "--engine", engine, *flags)

    assert outcome.status == 0
    assert arguments(record) == [*RUN, "127.0.0.1:5001:5001", *given, "gpu:1.0"]


@pytest.mark.parametrize(
    ("verb", "done", "following"),
    [
        ("push", "Pushed", "Next, elsewhere: mlpackage image pull --tag registry.example:5000/hello:1.0\n"),
        ("pull", "Pulled", "Next: mlpackage image run --engine {engine}\n"),
    ],
)
@pytest.mark.parametrize("engine", ["docker", "podman", "buildah"])
def test_push_and_pull(project, mlpackage, recorder, verb, done, following, engine):
    """The engine gets the configured name; its command is shown first, and the next command is named."""
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text() + '\n[tool.mlpackage.image]\nname = "registry.example:5000/hello"\n')
    record = recorder(engine)
    name = "registry.example:5000/hello:1.0"

    outcome = mlpackage("image", verb, "--engine", engine, "--", "--quiet")

    assert (outcome.status, arguments(record)) == (0, [verb, "--quiet", name])
    assert outcome.err == f"$ {engine} {verb} --quiet {name}\n"
    none_here = verb == "pull" and engine == "buildah"
    assert outcome.out == f"{done} {name}.\n" + ("" if none_here else following.format(engine=engine))


def test_a_name_without_a_registry(project, mlpackage, recorder):
    """`push` refuses a name without a registry, because engines read it differently, and suggests full names."""
    record = recorder("docker")

    outcome = mlpackage("image", "push")

    assert (outcome.status, outcome.out, record.exists()) == (1, "", False)
    assert outcome.err == (
        "Error[failed]: mlpackage image push failed:\n"
        "  The image's name minimal-model:1.0 has no registry. "
        "Give --tag registry.example.com/minimal-model:1.0, or set "
        'name = "registry.example.com/minimal-model" in [tool.mlpackage.image] and build it again.\n'
    )


def test_a_push_that_fails(project, mlpackage, recorder):
    """A failed push ends with the engine's exit status and prints no result."""
    recorder("docker", then="echo denied >&2; exit 5")

    outcome = mlpackage("image", "push", "--tag", "team/hello:2")

    assert (outcome.status, outcome.out) == (5, "")


def test_push_of_a_contexts_image(project, mlpackage, recorder):
    """`push --context` takes the image's name from the context."""
    mlpackage("generate", "--output", "made")
    manifest = Path("made/manifest.json")
    manifest.write_text(manifest.read_text().replace('"minimal-model:1.0"', '"team/minimal-model:1.0"'))
    record = recorder("docker")

    assert mlpackage("image", "push", "--context", "made").status == 0
    assert arguments(record) == ["push", "team/minimal-model:1.0"]
