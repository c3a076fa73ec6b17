"""Name the command that asks a server: at an address that can be reached, and with a file that exists."""

from __future__ import annotations

from hatch_mlpackage.cli.output import from_here
from hatch_mlpackage.files.quoting import shown_command
from hatch_mlpackage.project.config.keys import PORT
from hatch_mlpackage.serve.example import JSON, TEXT
from hatch_mlpackage.serve.layout import Serving

_SAMPLES = ("sample.json", "sample_request.json", "sample-request.json", "request.json")
LOOPBACK = "127.0.0.1"
_ANY_ADDRESS = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - compared with, not listened on


def score_step(host: str, port: int, serving: Serving) -> str:
    """Return the command that sends a server a sample request, or asks its health where no request is known."""
    reached = _ANY_ADDRESS.get(host, host)
    url = f"http://{f'[{reached}]' if ':' in reached else reached}:{port}"
    folder = serving.sample_folder
    sample = next((folder / name for name in _SAMPLES if (folder / name).is_file()), None)
    request = f"@{from_here(sample)}" if sample else serving.request
    if not request:
        return shown_command(("curl", f"{url}/"))
    place = () if (host, port) == (LOOPBACK, PORT) else ("--url", url)
    command = shown_command(("mlpackage", "score", *place, "--data", request))
    return f"{command}   # for {request}, what run() takes" if request in {TEXT, JSON} else command
