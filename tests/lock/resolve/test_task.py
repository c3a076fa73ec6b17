from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hatch_mlpackage.errors import LockError, UnavailableError
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.resolve import task as resolver
from hatch_mlpackage.lock.resolve.task import Outcome, Task
from hatch_mlpackage.project.target import Target

LOOSEN = "Loosen one of these, or change the image's Python or platform, and run `mlpackage lock` again."


@pytest.fixture
def reported() -> list[str]:
    return []


@pytest.fixture
def task(tmp_path: Path, reported: list[str]) -> Task:
    target = Target(python="3.12", platform="linux/amd64", libc="musl")
    return Task(folder=tmp_path, requirements=Requirements(), target=target, upgrade=False, report=reported.append)


def test_run(task: Task, reported: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver runs in the task's folder, its output hides credentials, and a long run is reported."""
    monkeypatch.setattr(resolver, "NEWS_AFTER", 0.2)
    program = (
        "import os, tempfile, time; print(os.getcwd(), tempfile.gettempdir(), 'http://a:b@c'); time.sleep(0.5); exit(3)"
    )

    outcome = resolver.run([sys.executable, "-c", program], {}, task)

    assert outcome == Outcome(status=3, said=f"{task.folder} {task.folder} http://****@c\n")
    assert reported[:1] == ["Still resolving after 0 seconds."]


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ("hint: (401 Unauthorized)", "The index refuses: give the resolver credentials"),
        ("hint: returned a 403 Forbidden error", "The index refuses: give the resolver credentials"),
        ("cause: invalid peer certificate: UnknownIssuer", "The index's certificate is not trusted here"),
        ("hint: because the network was disabled", "The resolver is set to stay offline"),
        ("error sending request for url\nhint: no wheels", "Check the network"),
        ("Retry(total=0, connect=None)) after connection broken\nERROR: No matching", "Check the network"),
    ],
)
def test_outside_failures(task: Task, said: str, fix: str) -> None:
    """A failure outside the project is reported as one, whatever else the resolver says."""
    with pytest.raises(UnavailableError) as failure:
        resolver.fail(task, Outcome(status=1, said=said), "reason")

    first, reason, last = str(failure.value).splitlines()
    assert (first, reason, last.startswith(fix)) == ("The package index could not be asked:", "  reason", True)


@pytest.mark.parametrize(
    "said",
    [
        "error: Failed to initialize cache at `/c`\n  cause: failed to create directory `/c`: No such file",
        "failed to open file `/c/x`: Permission denied (os error 13)",
        "OSError: [Errno 30] Read-only file system: '/c'",
    ],
)
def test_a_folder_that_cannot_be_written(task: Task, said: str) -> None:
    """A cache that cannot be written is a failure of this machine, and no conflict of requirements."""
    with pytest.raises(UnavailableError) as failure:
        resolver.fail(task, Outcome(status=2, said=said), "reason")

    assert str(failure.value) == (
        "The resolver cannot write on this machine:\n  reason\n"
        "Set UV_CACHE_DIR, or PIP_CACHE_DIR and PIP_TOOLS_CACHE_DIR, to a folder that you can write to."
    )


@pytest.mark.parametrize(
    ("said", "reason", "expected"),
    [
        (
            "x",
            "a\n\n  b \n",
            f"  a\n    b\n{LOOSEN}",
        ),
        (
            "Retry(total=3, connect=None)) after connection broken",
            "",
            f"  It printed nothing, and ended with status 1.\n{LOOSEN}",
        ),
        (
            "Traceback (most recent call last):\nAttributeError: no attribute",
            "AttributeError: no attribute",
            (
                "  AttributeError: no attribute\n"
                "The resolver itself failed: bring pip-tools and pip up to date, or lock with uv."
            ),
        ),
        (
            "Expected sha256 aa\n     Got        " + "ab" * 32,
            "x",
            (
                "  x\nThe index serves another file than the one that it announces: somebody may have replaced it, or "
                "a proxy damages it. Empty the cache of the resolver and try again, else ask whoever runs the index."
            ),
        ),
        (
            "has no usable wheels",
            "\n".join(map(str, range(20))),
            "\n".join(f"  {number}" for number in range(12)) + "\n  …\n"
            "Only wheels are locked, as the image has no compiler: choose a version that has a wheel for the image. If "
            "there is only a source archive, name the package in build-from-source, and `mlpackage lock` builds it.",
        ),
    ],
)
def test_requirements_that_cannot_be_locked(task: Task, said: str, reason: str, expected: str) -> None:
    """A long reason is shortened, and the next step fits the reason."""
    with pytest.raises(LockError) as failure:
        resolver.fail(task, Outcome(status=1, said=said), reason)

    assert str(failure.value) == (
        f"The requirements cannot be locked for CPython 3.12 on linux/amd64 (musl):\n{expected}"
    )
