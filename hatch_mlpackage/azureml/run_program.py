"""Run a program of the SDK's user as `python` runs it, with its imports answered from here."""

from __future__ import annotations

import argparse
import builtins
import itertools
import os
import runpy
import sys
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, TracebackType

from hatch_mlpackage import __version__
from hatch_mlpackage.azureml.sdk_imports import answer_imports, installed_sdk
from hatch_mlpackage.errors import INTERRUPTED, MLPackageError
from hatch_mlpackage.files.read import file_bytes, real_path

_COMMAND = "python -m hatch_mlpackage.azureml"
_FLAG = "--instead-of-sdk"
_PACKAGE = str(Path(__file__).parents[1])
_EPILOG = f"""\
An installed SDK answers the imports itself, unless {_FLAG} is given. One line on standard error says which it is.

examples:
  {_COMMAND} deploy.py --name greeter
  {_COMMAND} {_FLAG} -m pipelines.deploy
"""


def main(arguments: Sequence[str]) -> int:
    """Run the program that the arguments name, with the arguments behind it, and return its exit status."""
    options = _options(arguments)
    if not options.module and not sys.flags.safe_path:
        sys.path[0] = str(real_path(Path(options.program)).parent)
    _choose(instead=options.instead)
    sys.argv[:] = [options.program, *options.arguments]
    try:
        if options.module:
            runpy.run_module(options.program, run_name="__main__", alter_sys=True)
        else:
            _run_file(Path(options.program))
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - shown as python shows it, without the frames above the program
        sys.excepthook(type(error), error.with_traceback(trace := _own_frames(error)), trace)
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=_COMMAND,
        usage=f"{_COMMAND} [{_FLAG}] (FILE | -m MODULE) [ARGUMENT ...]",
        description="Run a program that imports azureml.core on this machine, without changing it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(_FLAG, dest="instead", action="store_true", help="answer the imports also if the SDK is there")
    parser.add_argument("-m", dest="module", action="store_true", help="run a module, as python -m does")
    # Ours end where the program begins: what follows is the program's, whatever it looks like.
    ours = [*itertools.takewhile(lambda word: word.startswith("-") and word != "--", arguments)]
    options = parser.parse_args(ours)
    rest = [*arguments[len(ours) :]]
    if rest[:1] == ["--"]:
        del rest[0]
    if not rest:
        parser.error("give the program that is to be run")
    options.program, options.arguments = rest[0], rest[1:]
    if not options.module and not Path(options.program).is_file():
        parser.error(f"can't open file '{Path(options.program).absolute()}': no such file")
    return options


def _choose(*, instead: bool) -> None:
    """Decide who answers the imports, and print it."""
    sdk = installed_sdk()
    if sdk and not instead:
        print(
            f"azureml: answered by the installed SDK, {sdk}, with the cloud. On this machine: {_COMMAND} {_FLAG} …",
            file=sys.stderr,
        )
        return
    answer_imports(before_others=instead)
    ours = f"hatch-mlpackage {__version__}"
    print(f"azureml: answered by {ours}, on this machine{f', instead of {sdk}' if sdk else ''}", file=sys.stderr)


def _run_file(path: Path) -> None:
    full = os.path.abspath(path)  # noqa: PTH100 - a link keeps its name, as in python
    program = ModuleType("__main__")
    program.__file__ = full
    program.__loader__ = SourceFileLoader("__main__", full)
    vars(program)["__builtins__"] = builtins
    sys.modules["__main__"] = program
    code = compile(file_bytes(path), full, "exec", dont_inherit=True)
    exec(code, vars(program))  # noqa: S102 - the program that the user named


def _own_frames(error: BaseException) -> TracebackType | None:
    """Return a traceback from the program's first line on; for errors that say what to do, only to its last."""
    trace = error.__traceback__
    while trace is not None and _is_of_the_start(trace):
        trace = trace.tb_next
    says_what_to_do = isinstance(error, MLPackageError) or str(getattr(error, "name", "")).startswith("azureml")
    if trace is not None and says_what_to_do:
        _last_of_the_program(trace).tb_next = None
        if isinstance(error.__cause__, MLPackageError):  # it says the same
            error.__cause__, error.__suppress_context__ = None, True
    return trace


def _is_of_the_start(trace: TracebackType) -> bool:
    file = trace.tb_frame.f_code.co_filename
    return file in {__file__, runpy.__file__} or file.startswith("<frozen ")


def _last_of_the_program(trace: TracebackType) -> TracebackType:
    last, each = trace, trace.tb_next
    while each is not None:
        if not each.tb_frame.f_code.co_filename.startswith(_PACKAGE):
            last = each
        each = each.tb_next
    return last
