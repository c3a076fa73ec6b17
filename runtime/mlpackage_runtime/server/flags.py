"""Read the flags of `serve`: those of the original server, and those for our own settings."""

from __future__ import annotations

import argparse
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
    """Return the values of the given flags by name; exits with status 2 for an unknown flag."""
    parser = _Parser(prog="serve", description="Serve an entry script over HTTP.", allow_abbrev=False)
    for flag, text in FLAGS.items():
        parser.add_argument(f"--{flag}", dest=flag, metavar="VALUE", help=text)
    flags = vars(parser.parse_args([_with_dashes(argument) for argument in arguments]))
    return {name: flags[name] for name in FLAGS if flags[name] is not None}


def _with_dashes(argument: str) -> str:
    """Return an argument with dashes in its flag, because the original server's flags have underscores."""
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument.partition("=")
    return name.replace("_", "-") + equals + value


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\nSee `{self.prog} --help`.\n")
