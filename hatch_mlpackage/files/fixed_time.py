"""The one moment that every file we write carries, whatever the clock: 2020-02-02, hatchling's own default."""

from __future__ import annotations

TIMESTAMP = 1580601600  # seconds since 1970
ZIP_TIME = (2020, 2, 2, 0, 0, 0)  # as a zip archive writes it
