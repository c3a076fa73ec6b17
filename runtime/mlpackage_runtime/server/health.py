"""Probe the server of a container with one GET of `/`, using the standard library alone."""

from __future__ import annotations

import argparse
import http.client
import os
import sys
from typing import Sequence

from mlpackage_runtime.server.flags import HEALTH_PORT, PORT

TIMEOUT = 5.0


def health(arguments: Sequence[str]) -> int:
    """Return 0 where the server on this machine is healthy, and print the reason and return 1 where it is not."""
    parser = argparse.ArgumentParser(prog="health", description="Ask the running server whether it is healthy.")
    parser.add_argument("--port", type=int, default=default_port(), help=f"the server's port (MLPACKAGE_PORT, {PORT})")
    port: int = parser.parse_args(arguments).port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        said = response.read(1000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return _unhealthy(f"port {port} does not answer: {error}")
    finally:
        connection.close()
    return 0 if response.status == http.client.OK else _unhealthy(f"port {port} answers {response.status}: {said}")


def default_port() -> int:
    """Return the port for probes, from the environment variables that the server reads."""
    separate = os.environ.get("SEPERATE_HEALTH_ENDPOINT") == "true"
    port = os.environ.get("HEALTH_PORT") if separate else os.environ.get("MLPACKAGE_PORT")
    return int(port or (HEALTH_PORT if separate else PORT))


def _unhealthy(reason: str) -> int:
    print(f"Not healthy: {reason}", file=sys.stderr)
    return 1
