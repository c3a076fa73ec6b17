"""`mlpackage verify`: prove that a context matches its manifest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from hatch_mlpackage.cli.output import answer, answer_json, plural, show
from hatch_mlpackage.cli.tables import summary
from hatch_mlpackage.cli.verbs import EXISTING_FOLDER, Verb, json_option
from hatch_mlpackage.context.manifest import read_manifest
from hatch_mlpackage.context.verify import verify_context


class _Digest(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic since click 8.5
    """Read a manifest's digest, as `mlpackage generate` prints it."""

    name = "SHA256"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch("sha256:[0-9a-f]{64}", str(value)):
            self.fail(f"'{value}' is not sha256: and 64 hexadecimal digits in lower case.", param, ctx)
        return str(value)


@click.command(
    "verify",
    cls=Verb,
    examples=(
        "mlpackage verify dist/diabetes-0.1.0-context",
        "mlpackage verify --digest sha256:DIGEST context",
        "mlpackage verify --json /opt/context",
    ),
    document='{"digest": "sha256:…", "directory": PATH, "differences": [TEXT], "unseen": [PATH]}',
)
@click.argument("directory", metavar="DIR", type=EXISTING_FOLDER)
@click.option("--digest", type=_Digest(), metavar="SHA256", help="The digest that the manifest must have: sha256:….")
@json_option()
def command(*, directory: Path, digest: str | None, as_json: bool) -> int:
    """Compare a context with its manifest, byte by byte and mode by mode.

    The manifest proves the files, and --digest proves the manifest: get the digest over another channel than the
    context, from whoever wrote it.

    The exit status is 1 when there is any difference. With --json, `unseen` lists the files of models that are not in
    the context, which nothing was compared with: the build of the image compares them.
    """
    manifest = read_manifest(directory)
    differences = verify_context(directory, digest or "")
    if as_json:
        found = {"digest": manifest.digest, "directory": str(directory), "differences": list(differences)}
        answer_json({**found, "unseen": [file.path for file in manifest.not_copied]})
        return 1 if differences else 0
    if differences:
        answer("\n".join(differences))
        show(f"{directory}: {plural(len(differences), 'difference')} from its manifest.")
    else:
        show(f"{directory}: proven, {summary(manifest.written)}, {manifest.digest}")
    if manifest.not_copied:
        models = summary(manifest.not_copied)
        show(f"Not checked: {models} of models, which are not in the context. mlpackage image build checks them.")
    return 1 if differences else 0
