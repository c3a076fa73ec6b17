"""Read the flags of `serve`: those of the original server, and those for our own settings."""

from __future__ import annotations

import sys
from typing import NoReturn, Sequence

PORT = 5001
HEALTH_PORT = 5000

FLAGS = {
    "entry-script": "the scoring script (AZUREML_ENTRY_SCRIPT)",
    "model-dir": "the model directory (AZUREML_MODEL_DIR)",
    "host": "the address to listen on (MLPACKAGE_HOST, 0.0.0.0)",
    "port": f"the port to listen on (MLPACKAGE_PORT, {PORT}); 0 takes any free one",
    "health-port": f"a second port, for probes, where SEPERATE_HEALTH_ENDPOINT is true (HEALTH_PORT, {HEALTH_PORT})",
    "worker-count": "the number of processes that score, each one request at a time (WORKER_COUNT, 1)",
    "worker-python": "the interpreter of the user's environment (MLPACKAGE_WORKER_PYTHON)",
    "access-control-allow-origins": "the origins from which browsers may call, separated by commas (AML_CORS_ORIGINS)",
    "config-file": "a JSON file of settings under the names of their variables (AZUREML_CONFIG_FILE)",
    "log-format": "`line`, or `json` for one JSON object per line (MLPACKAGE_LOG_FORMAT)",
    "appinsights-instrumentation-key": "accepted for compatibility; nothing is sent",
}


def read_flags(arguments: Sequence[str]) -> dict[str, str]:
    """Return the values of the given flags by name; exits with status 2 for an unknown flag, and with 0 after --help.

    argparse would do the same, in ten milliseconds for which the workers would have to wait.
    """
    flags = {}
    rest = iter(arguments)
    for argument in rest:
        if argument in {"-h", "--help"}:
            sys.stdout.write(_help())
            sys.exit(0)
        name, equals, value = argument.partition("=")
        flag = name[2:].replace("_", "-")  # the original server's flags have underscores
        if not name.startswith("--") or flag not in FLAGS:
            _refuse(f"unrecognized argument: {argument}")
        if not equals:
            value = next(rest, "--")
            if value.startswith("--"):
                _refuse(f"{name} needs a value")
        flags[flag] = value
    return flags


def _help() -> str:
    lines = [f"  --{flag} VALUE\n        {text}" for flag, text in FLAGS.items()]
    return "\n".join(("usage: serve [--flag VALUE ...]", "", "Serve an entry script over HTTP.", "", *lines, ""))


def _refuse(reason: str) -> NoReturn:
    sys.stderr.write(f"serve: {reason}\nSee `serve --help`.\n")
    sys.exit(2)
