"""Make the environments of builds: one in which no compiler works, and one with the compilers of this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from hatch_mlpackage.files.fixed_time import TIMESTAMP
from hatch_mlpackage.files.quoting import quote_for_shell
from hatch_mlpackage.lock.resolve import index_settings

_COMPILERS = (
    *("cc", "c++", "gcc", "g++", "clang", "clang++", "gfortran"),
    *("x86_64-linux-gnu-gcc", "x86_64-linux-gnu-g++", "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-g++"),
)
_OTHERS = ("cargo", "rustc", "cmake", "go", "nvcc")
# Python's own `ctypes.util` and others ask a compiler of C where a library is, or which one it is, and compile nothing.
_ASKED = "*' --version '* | *' -dump'* | *' -Wl,-t '*"
_PROGRAM = '#!/bin/sh\ncase " $* " in {asked}) ;; *) : > {called} ;; esac\nexit 1\n'
_VARIABLES = {"CC": "cc", "CXX": "c++", "FC": "gfortran", "LDSHARED": "cc", "CARGO": "cargo", "RUSTC": "rustc"}


def without_compiler(folder: Path, called: Path) -> dict[str, str]:
    """Return the environment of a build, in which every compiler fails and leaves a file at a path.

    The programs that stand in for compilers lie below `folder`.
    """
    programs = folder / "no-compiler"
    programs.mkdir()
    for name in (*_COMPILERS, *_OTHERS):
        program = programs / name
        asked = _ASKED if name in _COMPILERS else "''"
        program.write_text(_PROGRAM.format(asked=asked, called=quote_for_shell(str(called))), encoding="utf-8")
        program.chmod(0o755)
    environment, _ = index_settings.for_uv(os.environ, folder)
    return {
        **environment,
        **{variable: str(programs / name) for variable, name in _VARIABLES.items()},
        "PATH": os.pathsep.join((str(programs), os.environ.get("PATH", os.defpath))),
        "SOURCE_DATE_EPOCH": str(TIMESTAMP),
        "PYTHONHASHSEED": "0",
    }


def with_compiler(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with the machine's compilers, and without what differs from one build to the next."""
    own = {name: value for name, value in os.environ.items() if name in {"PATH", *_VARIABLES}}
    kept = {name: value for name, value in environment.items() if name not in _VARIABLES}
    flags = {name: f"{os.environ.get(name, '')} -g0".strip() for name in ("CFLAGS", "CXXFLAGS")}
    return {**kept, **own, **flags}
