"""`mlpackage completion`: print the script that makes a shell complete verbs, options and paths."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from hatch_mlpackage.cli.output import answer
from hatch_mlpackage.cli.verbs import Verb
from hatch_mlpackage.errors import MLPackageError

_COMPLETION_VARIABLE = "_MLPACKAGE_COMPLETE"  # click derives it from the name of the program


@click.command(
    "completion",
    cls=Verb,
    examples=(
        """mlpackage completion bash >> ~/.bashrc""",
        """mlpackage completion zsh >> ~/.zshrc""",
        """mlpackage completion fish > ~/.config/fish/completions/mlpackage.fish""",
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print a script for SHELL that completes verbs, options and paths; nothing is installed.

    The examples add the script to a file that the shell reads when it starts. zsh must run compinit before it.
    """
    completes = get_completion_class(shell)
    if completes is None:
        raise MLPackageError(f"This version of click does not support {shell}. Install a newer one.")
    answer(completes(context.find_root().command, {}, "mlpackage", _COMPLETION_VARIABLE).source().strip())
