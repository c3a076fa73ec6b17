"""`mlpackage image build|run|push|pull`: hand a context or its image to a container engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hatch_mlpackage.cli.generate import generate
from hatch_mlpackage.cli.output import from_here, say, show
from hatch_mlpackage.cli.project import with_project
from hatch_mlpackage.cli.verbs import Verb, Verbs
from hatch_mlpackage.context.manifest import read_manifest
from hatch_mlpackage.context.named_contexts import check_models, find_models
from hatch_mlpackage.context.package import default_destination
from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.lock.inputs import inspect_requirements
from hatch_mlpackage.project.config.keys import PORT
from hatch_mlpackage.serve import container

if TYPE_CHECKING:
    from hatch_mlpackage.project.pyproject import Project

_engine_option = click.option(
    "--engine",
    type=click.Choice(container.ENGINES),
    help="What to use; default: the first one found.",
)
_tag_option = click.option("--tag", metavar="NAME[:TAG]", help="The image's name; default: as configured.")
_context_option = click.option(
    "--context",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="A context to use as it is, instead of the project's.",
)
_extra_argument = click.argument("extra", nargs=-1, metavar="[-- ENGINE OPTIONS]")


@click.group("image", cls=Verbs)
def command() -> None:
    """Build, run, push or pull the image with docker, podman or buildah.

    The engine's command is printed first and its exit status is passed on; without any engine it is 4.
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
@with_project
@_context_option
@_engine_option
@_tag_option
@_extra_argument
def build_image(
    *, project: Project, context: Path | None, engine: str | None, tag: str | None, extra: tuple[str, ...]
) -> int:
    """Write the context and build the image from it."""
    found = container.find_engine(engine)
    if context is None:
        context = from_here(default_destination(project))
        generate(project, context)
        say(f"Wrote {context}")
    manifest = read_manifest(context)
    check_models(project, manifest)
    tag = tag or _name_in_manifest(context)
    named = find_models(project, manifest)
    status = container.execute(container.build_command(found, context, tag=tag, named=named, extra=extra), report=say)
    if status == 0:
        show(f"Built {tag}.\nNext: mlpackage image run --tag {tag}")
    return status


@command.command(
    "run",
    cls=Verb,
    examples=(
        "mlpackage image run",
        "mlpackage image run --port 8080 --tag diabetes:0.1.0",
        "mlpackage image run -- --env WORKER_COUNT=4 --memory 2g",
        "mlpackage image run --no-gpu",
    ),
)
@with_project
@_context_option
@_engine_option
@_tag_option
@click.option(
    "--port", type=click.IntRange(1, 65535), help=f"The port on 127.0.0.1; default: the context's, or {PORT}."
)
@click.option("--gpu/--no-gpu", default=None, help="Whether to give it this machine's GPUs; default: with CUDA.")
@_extra_argument
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
    if tag is None:
        about = read_manifest(context).about["image"] if context else _image_facts(project)
        tag, gpu = str(about["name"]), "cuda" in about if gpu is None else gpu
        port = port or about.get("port")
    port = port or PORT
    found = container.find_engine(engine, container.RUNNERS)
    say(f"Serving {tag} on http://127.0.0.1:{port} (Ctrl-C stops it)")
    return container.execute(container.run_command(found, tag, port=port, gpu=bool(gpu), extra=extra), report=say)


@command.command(
    "push",
    cls=Verb,
    examples=(
        "mlpackage image push",
        "mlpackage image push --engine podman --tag registry.example.com/team/diabetes:3",
    ),
)
@with_project
@_context_option
@_engine_option
@_tag_option
@_extra_argument
def push_image(
    *, project: Project, context: Path | None, engine: str | None, tag: str | None, extra: tuple[str, ...]
) -> int:
    """Send the built image to the registry that its name begins with, by the engine's own login."""
    name = _with_registry(tag or _configured_name(project, context))
    status = container.execute(container.push_command(container.find_engine(engine), name, extra=extra), report=say)
    if status == 0:
        show(f"Pushed {name}.\nNext, elsewhere: mlpackage image pull --tag {name}")
    return status


@command.command(
    "pull",
    cls=Verb,
    examples=("mlpackage image pull", "mlpackage image pull --tag registry.example.com/team/diabetes:3"),
)
@with_project
@_context_option
@_engine_option
@_tag_option
@_extra_argument
def pull_image(
    *, project: Project, context: Path | None, engine: str | None, tag: str | None, extra: tuple[str, ...]
) -> int:
    """Get the image from the registry that its name begins with, by the engine's own login."""
    name = _with_registry(tag or _configured_name(project, context))
    status = container.execute(container.pull_command(container.find_engine(engine), name, extra=extra), report=say)
    if status == 0:
        show(f"Pulled {name}.\nNext: mlpackage image run --tag {name}")
    return status


def _configured_name(project: Project, context: Path | None) -> str:
    return _name_in_manifest(context) if context else inspect_requirements(project).image_name


def _with_registry(name: str) -> str:
    """Refuse a bare name: each engine takes it for an image of another registry."""
    if "/" not in name:
        raise MLPackageError(
            f"The image's name {name} has no registry. Give --tag registry.example.com/{name}, or set "
            f'name = "registry.example.com/{name.partition(":")[0]}" in [tool.mlpackage.image] and build it again.'
        )
    return name


def _image_facts(project: Project) -> Mapping[str, Any]:
    """Tell what a manifest would say of the image, as far as it matters for running it."""
    inputs = inspect_requirements(project)
    config = inputs.config
    cuda = {"cuda": config.cuda} if config.cuda else {}
    return {"name": inputs.image_name, "port": config.image.port, **cuda}


def _name_in_manifest(context: Path) -> str:
    """Read from a context's manifest what its image is called."""
    return str(read_manifest(context).about["image"]["name"])
