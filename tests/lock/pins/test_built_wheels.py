from __future__ import annotations

from pathlib import Path

import pytest

from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.pins.built_wheels import BuiltRecord, BuiltWheel, built_records, not_as_named, with_built
from hatch_mlpackage.lock.pins.pins import read_pins

DIGEST = f"sha256:{'0' * 64}"
BUILT = BuiltRecord(file="Lib.x-1.0-py3-none-any.whl", archive="Lib.x-1.0.tar.gz", digest=DIGEST)
REDUCED = BuiltRecord(file="wrapt-1.11.1-py3-none-any.whl", archive="wrapt-1.11.1.zip", digest=DIGEST, is_reduced=True)
PIN = f"\\\n    --hash={DIGEST}\n    # via -r requirements.in\n"


def test_records_are_read_as_they_are_written() -> None:
    """Each wheel gets a line before the pins, which says what it was built from and what was left out."""
    wheels = [
        BuiltWheel(path=Path(record.file), name=record.name, version=record.version, sha256="0" * 64, record=record)
        for record in (BUILT, REDUCED)
    ]

    text = with_built("alpha==1.0\n", wheels)

    assert text == (
        f"# built: Lib.x-1.0-py3-none-any.whl {DIGEST} from Lib.x-1.0.tar.gz\n"
        f"# built: wrapt-1.11.1-py3-none-any.whl {DIGEST} from wrapt-1.11.1.zip without its extensions\n"
        "alpha==1.0\n"
    )
    assert built_records(text) == (BUILT, REDUCED)
    assert [str(record) for record in built_records(text)] == [
        "lib-x 1.0 from Lib.x-1.0.tar.gz",
        "wrapt 1.11.1 from wrapt-1.11.1.zip without its extensions",
    ]


@pytest.mark.parametrize(
    "line",
    [
        f"# built: lib {DIGEST} from lib-1.0.tar.gz",
        "# built: lib-1.0-py3-none-any.whl sha256:00 from lib-1.0.tar.gz",
        f"# built: lib-1.0-py3-none-any.whl {DIGEST} from lib-1.0.tar.gz or elsewhere",
        f" # built: lib-1.0-py3-none-any.whl {DIGEST} from lib-1.0.tar.gz",
    ],
)
def test_other_lines_are_no_records(line: str) -> None:
    """A line that is not written just so says nothing."""
    assert built_records(f"{line}\n") == ()


def test_a_wheel_without_a_name() -> None:
    """A file that has not the name of a wheel stands for no package."""
    record = BuiltRecord(file="lib.whl", archive="lib-1.0.tar.gz", digest=DIGEST)

    assert (record.name, record.version) == ("", "")


def test_the_named_packages_and_no_others() -> None:
    """What was built has to be named, and what is named has to be built, unless a line names its file."""
    lock = (
        f"# built: {BUILT.file} {DIGEST} from {BUILT.archive}\n"
        f"alpha==1.0 {PIN}beta @ https://host/beta-1.0-py3-none-any.whl {PIN}./wheels/{BUILT.file} {PIN}"
        f"./wheels/gamma-1.0-py3-none-any.whl {PIN}"
    )
    pins = read_pins(lock)

    assert list(not_as_named(lock, pins, Requirements(built=("lib-x",)))) == []
    assert list(not_as_named(lock, pins, Requirements(built=("alpha", "beta", "gamma")))) == [
        "build-from-source names alpha, the lock has the files of an index for it (line 2)",
        f"wheels/{BUILT.file} was built from source, and build-from-source does not name lib-x",
    ]
