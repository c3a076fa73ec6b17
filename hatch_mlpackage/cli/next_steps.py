"""Name the command that asks a server: at an address that can be reached, and with a file that exists."""

from __future__ import annotations

from pathlib import Path

from hatch_mlpackage.cli.output import from_here
from hatch_mlpackage.files.quoting import shown_command
from hatch_mlpackage.project.config.keys import PORT

_SAMPLES = ("sample.json", "sample_request.json", "sample-request.json", "request.json")
LOOPBACK = "127.0.0.1"
_ANY_ADDRESS = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - compared with, not listened on


def score_step(host: str, port: int, folder: Path) -> str:
    """Return the command that sends a server the sample request in a folder, or asks its health if there is none."""
    reached = _ANY_ADDRESS.get(host, host)
    url = f"http://{f'[{reached}]' if ':' in reached else reached}:{port}"
    sample = next((folder / name for name in _SAMPLES if (folder / name).is_file()), None)
    if sample is None:
        return shown_command(("curl", f"{url}/"))
    place = () if (host, port) == (LOOPBACK, PORT) else ("--url", url)
    return shown_command(("mlpackage", "score", *place, "--data", f"@{from_here(sample)}"))
