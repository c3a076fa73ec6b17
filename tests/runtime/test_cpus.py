"""The threads of numeric libraries: by the affinity and the quotas of the container, shared by the workers."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mlpackage_runtime.server.cpus import Processors, processors, thread_variables

if TYPE_CHECKING:
    from runtime_service import Start

VISIBLE = len(os.sched_getaffinity(0))
TENTH, HALF = 10_000, 50_000  # microseconds of each 100,000


class Groups:
    """Control groups as a kernel shows them, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.proc = folder / "proc"
        self.proc.mkdir()
        self._folder = folder
        self._mounts: list[str] = []

    def mount(self, kind: str, options: str, root: str = "/", name: str = "cgroup") -> Path:
        """Mount a hierarchy, of which `root` is visible, and return its folder."""
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        shown = str(folder).replace(" ", "\\040")
        self._mounts.append(f"33 32 0:28 {root} {shown} rw,nosuid shared:9 - {kind} {kind} rw,{options}\n")
        (self.proc / "mountinfo").write_text("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + "".join(self._mounts))
        return folder

    def enter(self, *lines: str) -> None:
        (self.proc / "cgroup").write_text("".join(f"{line}\n" for line in lines))

    @property
    def usable(self) -> float:
        return processors(str(self.proc)).usable


@pytest.fixture
def groups(tmp_path: Path) -> Groups:
    folder = tmp_path / "a folder"
    folder.mkdir()
    return Groups(folder)


def limit_2(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cpu.max").write_text(text)


def limit_1(folder: Path, quota: str, period: str = "100000\n") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cpu.cfs_quota_us").write_text(quota)
    (folder / "cpu.cfs_period_us").write_text(period)


@pytest.mark.parametrize(
    ("text", "usable"),
    [
        (f"{HALF} 100000\n", 0.5),
        ("max 100000\n", VISIBLE),
        ("100000000 100000\n", VISIBLE),
        ("0 100000\n", VISIBLE),
        ("50000 0\n", VISIBLE),
        ("50000\n", VISIBLE),
        ("-1 100000\n", VISIBLE),
        ("half 100000\n", VISIBLE),
        ("\u0665\u0660 100\n", VISIBLE),
        ("", VISIBLE),
    ],
)
def test_the_quota_of_version_2(groups: Groups, text: str, usable: float) -> None:
    """`cpu.max` has a quota and a period; what it has not, and a damaged file, leave the affinity."""
    limit_2(groups.mount("cgroup2", "nsdelegate"), text)
    groups.enter("0::/")
    assert groups.usable == usable


@pytest.mark.parametrize(
    ("quota", "period", "usable"),
    [
        ("50000\n", "100000\n", 0.5),
        ("-1\n", "100000\n", VISIBLE),
        ("50000\n", "\n", VISIBLE),
        ("\n", "100000\n", VISIBLE),
        ("a\n", "b\n", VISIBLE),
    ],
)
def test_the_quota_of_version_1(groups: Groups, quota: str, period: str, usable: float) -> None:
    """`cpu.cfs_quota_us` and `cpu.cfs_period_us` say it; -1 is no limit."""
    limit_1(groups.mount("cgroup", "cpu,cpuacct"), quota, period)
    groups.enter("4:cpu,cpuacct:/", "3:memory:/", "0::/")
    assert groups.usable == usable


@pytest.mark.parametrize("limited", ["", "pods", "pods/one", "pods/one/container"])
def test_the_smallest_quota_of_nested_groups_counts(groups: Groups, limited: str) -> None:
    """A group may use what all groups above it allow; those beside it do not count."""
    top = groups.mount("cgroup2", "rw")
    for name in ("pods", "pods/one", "pods/one/container"):
        limit_2(top / name, "max 100000\n")
    limit_2(top / "pods/other", f"{TENTH} 100000\n")
    limit_2(top / limited, f"{HALF} 100000\n")
    groups.enter("0::/pods/one/container")
    assert groups.usable == 0.5


@pytest.mark.parametrize("group", ["/docker/abc", "/docker/abc/inner", "/elsewhere"])
def test_a_group_that_is_the_root_of_what_is_mounted(groups: Groups, group: str) -> None:
    """Containers without a namespace of their own see the names from outside, and their own group as the root."""
    limit_1(groups.mount("cgroup", "cpuacct,cpu", root="/docker/abc"), f"{HALF}\n")
    groups.enter(f"4:cpuacct,cpu:{group}")
    assert groups.usable == 0.5


def test_both_versions_at_once(groups: Groups) -> None:
    """Where both are mounted, the group of the controller counts, wherever it is."""
    limit_1(groups.mount("cgroup", "memory", name="memory"), f"{TENTH}\n")
    limit_1(groups.mount("cgroup", "cpu,cpuacct", name="cpu"), f"{HALF}\n")
    groups.mount("cgroup2", "rw", name="unified")
    groups.enter("5:memory:/", "4:cpu,cpuacct:/", "1:name=systemd:/user", "0::/user")
    assert groups.usable == 0.5


@pytest.mark.parametrize("damaged", ["", "0", ":", "0::", "x\n\n::\n", "\udc80:cpu:/", "0::/a"])
def test_damaged_files_leave_the_affinity(groups: Groups, damaged: str) -> None:
    """What cannot be read is no limit, and no error."""
    groups.mount("cgroup2", "rw")
    (groups.proc / "mountinfo").write_bytes(b"1 2 3 - cgroup2\n - \n\xff\n1 2 3 / /\\000 rw - cgroup2 none rw\n")
    (groups.proc / "cgroup").write_text(damaged, errors="surrogateescape")
    assert processors(str(groups.proc)) == Processors(VISIBLE, VISIBLE)


def test_a_system_without_the_files_has_its_affinity(tmp_path: Path) -> None:
    """macOS has no such folder."""
    assert processors(str(tmp_path / "none")) == Processors(VISIBLE, VISIBLE)


def test_this_process_may_use_something() -> None:
    """The kernel's own files give a number above 0, and no more than the affinity."""
    here = processors()
    assert (here.visible, 0 < here.usable <= VISIBLE) == (VISIBLE, True)


@pytest.mark.parametrize(
    ("workers", "processors", "threads"),
    [
        (1, Processors(8, 8), None),
        (1, Processors(8, 7.9), "7"),
        (1, Processors(8, 0.5), "1"),
        (2, Processors(8, 8), "4"),
        (3, Processors(8, 8), "2"),
        (9, Processors(8, 8), "1"),
        (2, Processors(8, 1.5), "1"),
        (2, Processors(1, 1), None),
    ],
)
def test_the_workers_share_the_processors(workers: int, processors: Processors, threads: str | None) -> None:
    """Each worker gets a whole number of threads, at least one; nothing is set that would change nothing."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    expected = {} if threads is None else dict.fromkeys(names, threads)
    assert thread_variables({}, workers, processors) == expected


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "GOTO_NUM_THREADS", "NUMEXPR_NUM_THREADS"])
def test_what_the_user_has_chosen_stays(name: str) -> None:
    """One variable of the user is enough to leave all of them alone; an empty one is none."""
    many = Processors(8, 8)
    assert thread_variables({name: "3"}, 2, many) == {}
    assert thread_variables({name: ""}, 2, many)["OMP_NUM_THREADS"] == "4"


SHOWING = "import os\ndef init(): pass\ndef run(x): return os.environ.get('OMP_NUM_THREADS')\n"
NONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "")


def test_workers_get_the_variables_and_the_log_says_so(serve: Start) -> None:
    """More workers than processors get one thread each."""
    service = serve(SHOWING, f"--worker-count={VISIBLE + 1}", **NONE)
    assert service.post("x").json() == ("1" if VISIBLE > 1 else "")
    said = re.findall(r"azmlinfsrv - (\S+ CPU\(s\) for .*)", service.log)
    line = (
        f"{processors().usable:g} CPU(s) for {VISIBLE + 1} worker(s): OMP_NUM_THREADS, OPENBLAS_NUM_THREADS and "
        "MKL_NUM_THREADS are set to 1"
    )
    assert said == ([line] if VISIBLE > 1 else [])


def test_workers_keep_the_users_variable(serve: Start) -> None:
    """What the image or the caller sets reaches the workers, and nothing is said."""
    service = serve(SHOWING, f"--worker-count={VISIBLE + 1}", **{**NONE, "OMP_NUM_THREADS": "3"})
    assert (service.post("x").json(), "CPU(s)" in service.log) == ("3", False)
