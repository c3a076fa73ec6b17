"""Servers are halted, weighed and stopped with all of their processes, each by its id."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from processes import alive, free_ports, kill, members, memory, processor_seconds, stat, stop

# Starts a child of the same session and one of a session of its own; neither ends by SIGTERM.
STUBBORN = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
)
FAMILY = f"""
import subprocess, sys
children = [
    subprocess.Popen([sys.executable, "-c", {STUBBORN!r}], stdout=subprocess.PIPE, start_new_session=own)
    for own in (False, True)
]
for child in children:
    child.stdout.readline()
print(*(child.pid for child in children), flush=True)
children[0].wait()
"""


@pytest.fixture
def family():
    """Start a process with two children, and give it with the ids of all three."""
    process = subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, start_new_session=True)
    children = [int(pid) for pid in process.stdout.readline().split()]
    yield process, sorted([process.pid, *children])
    stop(process, patience=0)
    process.stdout.close()


def test_members(family):
    """The members of a tree are all processes below its leader, whatever their sessions are."""
    process, pids = family

    assert members(process.pid) == pids


def test_stop(family):
    """Stopping ends processes that SIGTERM does not end, that are halted, or whose parent has gone."""
    process, pids = family
    for pid in pids:
        kill(pid, 19)  # SIGSTOP

    stop(process, patience=0.2)

    assert alive(pids) == []
    assert process.returncode is not None


def test_memory(family):
    """The memory of a tree is the sum of its processes; shared pages count once where that is asked for."""
    process, _ = family

    found = memory(process.pid)

    assert 0 < found.first < found.resident
    assert 0 < found.proportional < found.resident
    assert memory(2**22).resident == 0


def test_processor_seconds():
    """The processor time is that of the tree, in seconds."""
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
    end = time.monotonic() + 30
    try:
        while processor_seconds(busy.pid) < 0.1 and time.monotonic() < end:
            time.sleep(0.05)
        assert 0.1 <= processor_seconds(busy.pid) < 30
    finally:
        stop(busy)

    assert stat(busy.pid) == []


def test_free_ports():
    """The ports of one server differ."""
    assert len(set(free_ports(3))) == 3
