"""Describe the machine that measures."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import time
from pathlib import Path

from places import REPOSITORY


def described() -> dict[str, str]:
    """Return what the figures depend on, and when they were measured."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "processor": f"{processor()}, {os.cpu_count()} cores, {memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
        "wrk": output("wrk", "--version").partition(" ")[2].partition(" ")[0],
        "commit": output("git", "-C", str(REPOSITORY), "rev-parse", "--short", "HEAD"),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def output(*command: str) -> str:
    """Return the first line that a program prints; wrk prints its version with status 1."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "?"
    return (done.stdout.splitlines() or ["?"])[0]
