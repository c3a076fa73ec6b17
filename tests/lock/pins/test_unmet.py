"""What is asked for and what is in a lock, for requirements and locks of any shape."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies
from packaging.requirements import Requirement

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.lock.asked.requirements import Requirements, read_requirements
from hatch_mlpackage.lock.asked.sources import Source
from hatch_mlpackage.lock.pins.check import LockState, check_lock
from hatch_mlpackage.lock.pins.header import with_header
from hatch_mlpackage.lock.pins.pins import installed_pins
from hatch_mlpackage.project.target import Target

A, B = "a" * 64, "b" * 64
TARGET = Target(python="3.12", platform="linux/amd64", libc="manylinux_2_36")
WHEEL = "lib-1.0-py3-none-any.whl"
LIB = Source(text="lib @ ./lib", location="./lib", digest=f"sha256:{B}", name="lib")
RECORD = f"# vendored: {WHEEL} sha256:{B} from lib @ ./lib\n"


def entry(what: str, *, digest: str = A, via: str = "-r requirements.in") -> str:
    return f"{what} \\\n    --hash=sha256:{digest}\n    # via {via}\n"


LIB_ENTRY = entry(f"./wheels/{WHEEL}")
ONE_URL = "alpha @ https://host/alpha-1-py3-none-any.whl"


@pytest.mark.parametrize(
    ("asked", "body", "reasons"),
    [
        ({"sources": (LIB,)}, RECORD + LIB_ENTRY, ()),
        ({"sources": (LIB,)}, RECORD + LIB_ENTRY + entry("beta==1", via="lib"), ()),
        (
            {"sources": (LIB,)},
            LIB_ENTRY,
            (
                "lib @ ./lib is asked for, the lock has no wheel of it",
                f"nothing asks for wheels/{WHEEL} (line 3)",
            ),
        ),
        (
            {"sources": (LIB,)},
            RECORD + entry("lib==1.0"),
            (f"lib @ ./lib is asked for, the lock does not pin wheels/{WHEEL}",),
        ),
        (
            {"sources": (LIB,)},
            RECORD.replace("lib-", "evil-") + LIB_ENTRY.replace("lib-", "evil-"),
            ("lib @ ./lib is asked for, the lock has evil 1.0 for it",),
        ),
        (
            {"sources": (replace(LIB, digest=f"sha256:{A}"),)},
            RECORD + LIB_ENTRY,
            (f"./lib has changed since {WHEEL} was built from it",),
        ),
        (
            {"sources": (replace(LIB, location=f"./{WHEEL}"),)},
            RECORD + LIB_ENTRY,
            (f"wheels/{WHEEL} is not ./{WHEEL}",),
        ),
        (
            {"requirements": ("lib",)},
            RECORD + LIB_ENTRY,
            (f"nothing asks for wheels/{WHEEL} (line 4)",),
        ),
        ({"requirements": (ONE_URL,)}, entry(ONE_URL), ()),
        ({"requirements": (ONE_URL,)}, entry(f"{ONE_URL}#sha256={A}"), ()),
        (
            {"requirements": (ONE_URL,)},
            entry(f"{ONE_URL}#sha256={B}"),
            (f"nothing asks for {ONE_URL}#sha256={B} (line 3)",),
        ),
        (
            {"requirements": (ONE_URL,)},
            entry(f"{ONE_URL}#subdirectory=evil"),
            (f"nothing asks for {ONE_URL}#subdirectory=evil (line 3)",),
        ),
        (
            {"requirements": (f"{ONE_URL}#sha256={A}",)},
            f"{ONE_URL} --hash=sha256:{A} --hash=sha256:{B}\n",
            (f"{ONE_URL}#sha256={A} is asked for, the lock has {ONE_URL}",),
        ),
        ({"constraints": (ONE_URL,), "requirements": ("beta",)}, entry("beta==1") + entry(ONE_URL, via="beta"), ()),
        (
            {"options": ("--index-url https://a/", "--extra-index-url https://b/")},
            "--extra-index-url https://b/\n--index-url https://a/\n",
            ("its options are not those that are asked for, in that order, before the first pin",),
        ),
        (
            {"options": ("--index-url https://a/",), "requirements": ("beta",)},
            entry("beta==1") + "--index-url https://a/\n",
            ("its options are not those that are asked for, in that order, before the first pin",),
        ),
        (
            {"options": ("--index-url https://a/", "--pre")},
            "",
            ("`--index-url https://a/` is asked for, the lock has no such line",),
        ),
        (
            {"requirements": ("alpha",)},
            entry("alpha==1") + entry("beta==1", via="gamma") + entry("gamma==1", via="beta"),
            ("nothing that is asked for needs beta 1 (line 6)", "nothing that is asked for needs gamma 1 (line 9)"),
        ),
        (
            {"requirements": ("alpha",)},
            entry("alpha==1") + f"beta==1 --hash=sha256:{A}\n    # via\n    #   -c constraints.txt\n    #   Al.pha\n",
            ("nothing that is asked for needs beta 1 (line 6)",),
        ),
        (
            {"requirements": ("al-pha",)},
            entry("al-pha==1") + f"beta==1 --hash=sha256:{A}\n    # via\n    #   -c constraints.txt\n    #   Al.pha\n",
            (),
        ),
    ],
)
def test_differences(asked: dict, body: str, reasons: tuple[str, ...]) -> None:
    """Each wheel, URL, option and pin of a lock is compared with what asks for it."""
    requirements = Requirements(**asked)

    state = check_lock(with_header(body, requirements, TARGET), requirements, TARGET)

    assert state == LockState(status="stale" if reasons else "fresh", reasons=reasons)


NAMES = strategies.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?", fullmatch=True)
VERSIONS = strategies.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}((a|rc|\.post|\.dev)[0-9])?", fullmatch=True)
MARKERS = strategies.sampled_from(
    ("", "; sys_platform == 'linux'", "; sys_platform == 'win32'", '; python_version < "3.13"', "; os_name != 'posix'")
)
LINES = strategies.builds(
    "{}{}{}{}".format, NAMES, strategies.sampled_from(("==", ">=", "~=0.", "<")), VERSIONS, MARKERS
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(lines=strategies.lists(strategies.tuples(LINES, VERSIONS), max_size=8))
def test_what_is_asked_for_is_read_back(lines: list[tuple[str, str]]) -> None:
    """A lock with a pin for each requirement that counts is fresh exactly where every version is allowed."""
    problems = Problems()
    asked = read_requirements(Path(), (), [line for line, _ in lines], problems, "here")
    assert problems.found == ()
    counted = [it for it in map(Requirement, asked.requirements) if it.marker is None or it.marker.evaluate(IMAGE)]
    pins = {it.name: version for it, (_, version) in zip(counted, lines, strict=False)}
    lock = with_header("".join(entry(f"{name}=={version}") for name, version in pins.items()), asked, TARGET)

    state = check_lock(lock, asked, TARGET)

    assert {pin.name: pin.version for pin in installed_pins(lock, TARGET)} == pins
    fits = all(it.specifier.contains(pins[it.name], prereleases=True) for it in counted)
    assert state.status == ("fresh" if fits else "stale")


IMAGE = {"sys_platform": "linux", "python_version": "3.12", "os_name": "posix"}
