"""Choose the interpreter that scores; say how it differs from the image, and what to do where it lacks a module."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from hatch_mlpackage.cli.given_flags import with_flags
from hatch_mlpackage.cli.next_steps import score_step
from hatch_mlpackage.cli.output import say
from hatch_mlpackage.errors import LockError
from hatch_mlpackage.files.quoting import shown_command
from hatch_mlpackage.lock.pins.installed import missing_requirements
from hatch_mlpackage.serve.interpreter import Installed, installed
from hatch_mlpackage.serve.layout import Serving
from hatch_mlpackage.serve.locked import Locked, differences
from hatch_mlpackage.serve.locked_environment import make_locked

_NO_LOCK = "there is no lock that fits, or the base image brings its packages"


class Worker:
    """The interpreter that scores: a given one, or that of an environment which is made from the lock."""

    def __init__(self, interpreter: str, *, address: tuple[str, int], has_image: bool) -> None:
        self._given = interpreter
        self._host, self._port = address
        self._has_image = has_image
        self._said = ""
        self.remedy = ""

    def flags(self, serving: Serving) -> tuple[str, str]:
        """Return the flags that name the interpreter, and say once which it is and how it differs from the lock.

        From then on, `remedy` is what to do if it lacks a module.
        """
        interpreter = self._given or make_locked(_lock_of(serving), report=say)
        lines = [f"Serving with the packages of {interpreter} (Ctrl-C stops it)"]
        if self._port:  # the server itself says which free port it has taken
            lines.append(f"Next, elsewhere: {score_step(self._host, self._port, serving.sample_folder)}")
        if not self._given:
            self.remedy = "Add the package that has the module to the requirements, and run: mlpackage lock"
        elif self._has_image:
            here = installed(interpreter)
            lines += _compared(serving.locked, here)
            self.remedy = _ways_out(serving, here)
        else:
            install = shown_command((interpreter, "-m", "pip", "install"))
            self.remedy = f"Name an interpreter that has the module (--python FILE), or run: {install} PACKAGE"
        said = "\n".join(lines)
        if said != self._said:
            say(said)
        self._said = said
        return ("--worker-python", interpreter)


def find_python(python: str) -> str:
    """Return an interpreter's absolute path with its links: an environment's Python finds its packages by them."""
    found = shutil.which(python)
    if found is None:
        raise click.BadParameter(f"'{python}' is not a program.", param_hint="'--python'")
    return str(Path(found).absolute())


def _compared(locked: Locked | None, here: Installed) -> list[str]:
    """Return a line that says how an interpreter's packages differ from the image's, or none if they do not."""
    if locked is None:
        return [f"Not compared with the image: {_NO_LOCK}"]
    other = differences(locked, here)
    way = "" if locked.besides else "; --locked serves with what is locked"
    return [f"Not as in the image: {other}{way}"] if other else []


def _ways_out(serving: Serving, here: Installed) -> str:
    """Name every way to serve with the packages that an interpreter may lack."""
    ways = []
    locked = with_flags("mlpackage serve --locked", "context", "host", "port", "worker_count", "reload")
    if serving.locked is None:
        ways.append(f"lock the packages ({with_flags('mlpackage lock')}) and serve with them ({locked})")
    elif not serving.locked.besides:
        ways.append(f"serve with the packages of the lock ({locked})")
    ways.append("name an interpreter that has the module (--python FILE)")
    if missing := tuple(missing_requirements(serving.requirements, here.packages, here.python)):
        pip = (here.interpreter, "-m", "pip", "install")
        install = pip if "pip" in here.packages else ("uv", "pip", "install", "--python", here.interpreter)
        ways.append(f"install what it lacks ({shown_command((*install, *missing))})")
    text = f"{', '.join(ways[:-1])}, or {ways[-1]}" if len(ways) > 1 else ways[0]
    return f"{text[0].upper()}{text[1:]}."


def _lock_of(serving: Serving) -> Locked:
    if serving.locked is None:
        raise LockError(f"{_NO_LOCK.capitalize()}. Run: mlpackage lock")
    return serving.locked
