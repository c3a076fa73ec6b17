"""`mlpackage image build|run|push|pull`: hand a context or its image to a container engine."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hatch_mlpackage.cli.generate import generate
from hatch_mlpackage.cli.given_flags import with_flags
from hatch_mlpackage.cli.output import from_here, say, show
from hatch_mlpackage.cli.project import with_project
from hatch_mlpackage.cli.verbs import EXISTING_FOLDER, Returned, Verb, VerbFunction, Verbs, add_options
from hatch_mlpackage.context.manifest import read_manifest
from hatch_mlpackage.context.named_contexts import check_named_models, find_models
from hatch_mlpackage.context.package import default_destination
from hatch_mlpackage.context.verify import require_proven
from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.files.quoting import shown_word
from hatch_mlpackage.lock.inputs import inspect_requirements
from hatch_mlpackage.project.config.keys import PORT
from hatch_mlpackage.serve import container

if TYPE_CHECKING:
    from hatch_mlpackage.project.pyproject import Project


def with_image(verb: VerbFunction[Returned]) -> VerbFunction[Returned]:
    """Give a verb the options that say which image it works on and which engine does the work."""
    text = "Use this context instead of the project's."
    context = click.option("--context", type=EXISTING_FOLDER, metavar="DIR", help=text)
    text = "The engine to use; default: the first one that works here."
    engine = click.option("--engine", type=click.Choice(container.ENGINES), help=text)
    tag = click.option("--tag", metavar="NAME[:TAG]", help="The image's name; default: as configured.")
    extra = click.argument("extra", nargs=-1, metavar="[-- ENGINE OPTIONS]")
    return add_options(verb, (with_project, context, engine, tag, extra))


@click.group("image", cls=Verbs)
def command() -> None:
    """Build, run, push or pull the image with docker, podman or buildah.

    The engine's command is printed first, and its exit status is passed on; without any engine the status is 4.
    """


@command.command(
    "build",
    cls=Verb,
    examples=(
        "mlpackage image build",
        "mlpackage image build --engine podman --tag registry.example.com/diabetes:3",
        "mlpackage image build --context dist/diabetes-0.1.0-context -- --no-cache",
    ),
)
@with_image
def build_image(
    *, project: Project, context: Path | None, engine: str | None, tag: str | None, extra: tuple[str, ...]
) -> int:
    """Write the context and build the image from it."""
    if context is not None:
        again = f"mlpackage generate --output {shown_word(str(context))}"
        require_proven(context, f"Move it away and make it again: {again}")
    found = container.find_engine(engine, report=say)
    if context is None:
        context = from_here(default_destination(project))
        generate(project, context)
        say(f"Wrote {context}")
    manifest = read_manifest(context)
    check_named_models(project, manifest)
    tag = tag or str(manifest.image["name"])
    named = find_models(project, manifest)
    built = container.build_command(found, context, tag=tag, named=named, extra=extra)
    return _execute(built, "\n".join((f"Built {tag}.", *_run_it(found))))


@command.command(
    "run",
    cls=Verb,
    short_help="Serve the image on a port of this machine.",
    examples=(
        "mlpackage image run",
        "mlpackage image run --port 8080 --tag diabetes:0.1.0",
        "mlpackage image run -- --env WORKER_COUNT=4 --memory 2g",
        "mlpackage image run --no-gpu",
    ),
)
@with_image
@click.option(
    "--port", type=click.IntRange(1, 65535), help=f"The port on 127.0.0.1; default: the context's, or {PORT}."
)
@click.option(
    "--gpu/--no-gpu",
    default=None,
    help="Whether the image gets this machine's GPUs; default: if it has CUDA.",
)
def run_image(
    *,
    project: Project,
    context: Path | None,
    engine: str | None,
    tag: str | None,
    port: int | None,
    gpu: bool | None,
    extra: tuple[str, ...],
) -> int:
    """Serve the image on a port of this machine, with a read-only root file system. Ctrl-C stops it."""
    about = {} if tag else _about_image(project, context)
    tag = tag or str(about["name"])
    port = port or about.get("port") or PORT
    gpu = "cuda" in about if gpu is None else gpu
    found = container.find_engine(engine, container.RUNNERS, report=say)
    say(f"Serving {tag} on http://127.0.0.1:{port} (Ctrl-C stops it)")
    return _execute(container.run_command(found, tag, port=port, gpu=gpu, extra=extra))


@command.command(
    "push",
    cls=Verb,
    short_help="Send the image to its registry.",
    examples=(
        "mlpackage image push",
        "mlpackage image push --engine podman --tag registry.example.com/team/diabetes:3",
    ),
)
@with_image
def push_image(
    *, project: Project, context: Path | None, engine: str | None, tag: str | None, extra: tuple[str, ...]
) -> int:
    """Send the built image to the registry in its name, with the engine's own login."""
    name = _with_registry(tag or str(_about_image(project, context)["name"]))
    pushed = container.push_command(container.find_engine(engine, report=say), name, extra=extra)
    return _execute(pushed, f"Pushed {name}.\nNext, elsewhere: mlpackage image pull --tag {name}")


@command.command(
    "pull",
    cls=Verb,
    short_help="Get the image from its registry.",
    examples=("mlpackage image pull", "mlpackage image pull --tag registry.example.com/team/diabetes:3"),
)
@with_image
def pull_image(
    *, project: Project, context: Path | None, engine: str | None, tag: str | None, extra: tuple[str, ...]
) -> int:
    """Get the image from the registry in its name, with the engine's own login."""
    name = _with_registry(tag or str(_about_image(project, context)["name"]))
    found = container.find_engine(engine, report=say)
    pulled = container.pull_command(found, name, extra=extra)
    return _execute(pulled, "\n".join((f"Pulled {name}.", *_run_it(found))))


def _run_it(engine: str) -> list[str]:
    """Name the command that runs an image which an engine has, if something here can run it."""
    if engine in container.RUNNERS:
        return [f"Next: {with_flags('mlpackage image run', 'context', 'engine', 'tag')}"]
    if shutil.which("podman"):  # it has the same images as buildah
        return [f"Next: {with_flags('mlpackage image run', 'context', 'tag')} --engine podman"]
    return []


def _execute(engine_command: Sequence[str], success: str = "") -> int:
    """Run an engine's command and return its exit status, with a closing line when it is 0."""
    status = container.execute(engine_command, report=say)
    if status == 0 and success:
        show(success)
    return status


def _with_registry(name: str) -> str:
    """Refuse a bare name: each engine would take it for an image of a registry of its own choice."""
    if "/" not in name:
        raise MLPackageError(
            f"The image's name {name} has no registry. Give --tag registry.example.com/{name}, or set "
            f'name = "registry.example.com/{name.partition(":")[0]}" in [tool.mlpackage.image] and build it again.'
        )
    return name


def _about_image(project: Project, context: Path | None) -> Mapping[str, Any]:
    """Return what the context's manifest says of the image, or what the project's next manifest would say."""
    if context:
        return read_manifest(context).image
    inputs = inspect_requirements(project)
    cuda = {"cuda": inputs.config.cuda} if inputs.config.cuda else {}
    return {"name": inputs.image_name, "port": inputs.config.image.port, **cuda}
