"""`mlpackage generate`: write the build context."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from hatch_mlpackage.cli.given_flags import only_script_given, with_flags
from hatch_mlpackage.cli.output import answer_json, from_here, is_quiet, say, show, warn, writing
from hatch_mlpackage.cli.project import check_option, strict_option, with_options, with_project
from hatch_mlpackage.cli.tables import draw_tree, summary
from hatch_mlpackage.cli.verbs import Verb, json_option
from hatch_mlpackage.cli.worker import locked_flag
from hatch_mlpackage.context.build import build_context, build_tar
from hatch_mlpackage.context.named_contexts import find_models
from hatch_mlpackage.context.package import default_destination
from hatch_mlpackage.files.quoting import shown_command, shown_word
from hatch_mlpackage.serve.container import build_command
from hatch_mlpackage.serve.locked import locked_by_context

if TYPE_CHECKING:
    from hatch_mlpackage.context.manifest import Manifest
    from hatch_mlpackage.project.pyproject import Project


@click.command(
    "generate",
    cls=Verb,
    examples=(
        "mlpackage generate",
        "mlpackage generate --output context",
        "mlpackage generate --tar - | docker build --tag diabetes -",
        "mlpackage generate --entry-script score.py --model ridge=model.pkl --requirement requirements.txt",
    ),
    document='{"context": PATH, "digest": "sha256:…", "size": BYTES}',
)
@with_project
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where to write it; default: dist/NAME-VERSION-context in the project.",
)
@click.option("--hardlink", is_flag=True, help="Make hard links to the models instead of copies.")
@click.option(
    "--tar",
    type=click.Path(allow_dash=True),
    metavar="FILE",
    help="Write a tar file instead of a folder; - is the standard output.",
)
@strict_option
@check_option
@json_option("Print the context's path, digest and size as a JSON document.")
def command(
    *,
    project: Project,
    output: Path | None,
    hardlink: bool,
    tar: str | None,
    strict: bool,
    check: bool,
    as_json: bool,
) -> None:
    """Write the build context: Dockerfile, locked requirements, server, models, entry script, manifest.

    Needs the lock, which mlpackage lock writes, but no network and no container engine.
    """
    if tar and output:
        raise click.UsageError("--output writes a folder and --tar writes a file instead: give one of them.")
    if tar and hardlink:
        raise click.UsageError("A tar cannot hold hard links to files outside it: give --hardlink without --tar.")
    project = with_options(project, strict=strict, check=check)
    if tar == "-":
        pipe(project, as_json=as_json)
        return
    destination = Path(tar) if tar else output or from_here(default_destination(project))
    manifest = export(project, destination) if tar else generate(project, destination, hardlink=hardlink)
    if as_json:
        answer_json({"context": str(destination), "digest": manifest.digest, "size": manifest.size})
    elif not is_quiet():
        _draw_files(manifest, destination)
        show(manifest.digest)
        show(next_commands(project, destination, manifest, as_tar=bool(tar)))


def _draw_files(manifest: Manifest, destination: Path) -> None:
    draw_tree(f"{destination} ({summary(manifest.written)})", manifest.written)
    if manifest.not_copied:
        show(f"Not copied: {summary(manifest.not_copied)} of models, which the build reads where they are.")


def generate(project: Project, destination: Path, *, hardlink: bool = False) -> Manifest:
    """Write the context and show the progress of big files."""
    with writing() as progress:
        return build_context(project, destination, progress=progress, warn=warn, hardlink=hardlink)


def export(project: Project, destination: Path | BinaryIO) -> Manifest:
    """Write the context as a tar and show the progress of big files."""
    with writing() as progress:
        return build_tar(project, destination, progress=progress, warn=warn)


def pipe(project: Project, *, as_json: bool) -> None:
    """Write the tar to the standard output, and its digest to stderr."""
    if as_json:
        raise click.UsageError(
            "The standard output cannot hold both the tar and a JSON document: give --tar FILE, or no --json."
        )
    if sys.stdout.isatty():
        raise click.UsageError(
            "A terminal cannot show a tar: pipe it, as in mlpackage generate --tar - | docker build -"
        )
    say(export(project, sys.stdout.buffer).digest)


def next_commands(project: Project, context: Path, manifest: Manifest, *, as_tar: bool = False) -> str:
    """Name the commands that serve a context and build its image, each in the form that works on this machine."""
    named = find_models(project, manifest)
    source, tag = Path("-") if as_tar else context, manifest.image["name"]
    command = build_command("docker", source, tag=tag, named=named)
    build, place = shown_command(command), shown_word(context)
    if as_tar:
        return f"\nNext: {build} < {place}"
    if named and only_script_given():
        return f"\nNext: {build}"
    locked = locked_flag(locked_by_context(context, manifest), project.root if named else Path.cwd())
    serve = f"{with_flags('mlpackage serve') if named else f'mlpackage serve --context {place}'}{locked}"
    return f"\nNext: {serve}   # needs no container engine\n  or: {build}"
