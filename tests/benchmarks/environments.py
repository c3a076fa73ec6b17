"""Install each server into an environment of its own, since their requirements exclude each other."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from places import APPS, LOCK, REPOSITORY

ROOT = REPOSITORY / f".tox/benchmarks/python{sys.version_info.major}.{sys.version_info.minor}"
MODEL = ("scikit-learn", "joblib")
SCHEMA = "inference-schema[numpy-support]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """Hold what pip installs, the distribution whose version counts, and the program that saves the models."""

    requirements: tuple[str, ...]
    distribution: str
    models: str = ""


ENVIRONMENTS = {
    "server": Environment(requirements=("--require-hashes", "--no-deps", "-r", str(LOCK)), distribution="uvicorn"),
    "ours": Environment(requirements=(*MODEL, SCHEMA, "werkzeug"), distribution="scikit-learn"),
    "ours-msgspec": Environment(requirements=(*MODEL, SCHEMA, "msgspec"), distribution="msgspec"),
    "azmlinfsrv": Environment(
        requirements=("azureml-inference-server-http==1.5.1", *MODEL, SCHEMA),
        distribution="azureml-inference-server-http",
    ),
    "mosec": Environment(requirements=("mosec==0.9.8", *MODEL), distribution="mosec"),
    "mlserver": Environment(
        requirements=("mlserver==1.7.1", "mlserver-sklearn==1.7.1", "uvloop<0.22"),  # with later ones, its workers end
        distribution="mlserver",
        models="mlserver_models",
    ),
    "mlflow": Environment(requirements=("mlflow==3.17.2", *MODEL), distribution="mlflow", models="mlflow_models"),
    "litserve": Environment(requirements=("litserve==0.2.19", *MODEL), distribution="litserve"),
    "bentoml": Environment(requirements=("bentoml==1.4.40", "uv", *MODEL), distribution="bentoml"),
}


class NotInstalledError(Exception):
    """Say why an environment could not be made."""


def python_of(folder: Path) -> Path:
    return folder / "bin/python"


def models_of(folder: Path) -> Path:
    return folder / "models"


def install(name: str) -> Path:
    """Return the folder of an environment; make it anew unless it was made of the same things."""
    environment, folder = ENVIRONMENTS[name], ROOT / name
    made, mark = made_of(environment), folder / "made-of.json"
    if mark.is_file() and mark.read_text(encoding="utf-8") == made:
        return folder
    print(f"install {name}: {' '.join(environment.requirements)}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    run([sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, str(folder)])
    target = ["--python", str(python_of(folder)), "--compile-bytecode"]
    run([sys.executable, "-m", "uv", "pip", "install", "--quiet", *target, *environment.requirements])
    if name != "server":
        for program in programs_of(environment):
            run([str(python_of(folder)), str(APPS / f"{program}.py"), str(models_of(folder))])
    mark.write_text(made, encoding="utf-8")
    return folder


def programs_of(environment: Environment) -> tuple[str, ...]:
    """Return our programs that make the models which an environment serves."""
    return ("train", environment.models) if environment.models else ("train",)


def made_of(environment: Environment) -> str:
    """Return everything that an environment depends on: the Python, the requirements, our programs and our lock."""
    paths = (LOCK, *(APPS / f"{program}.py" for program in programs_of(environment)))
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    return json.dumps({"python": sys.version, "requirements": environment.requirements, "files": files})


def run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=without_bytecode_switch())
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise NotInstalledError(" ".join(lines[-3:])[:400])


def without_bytecode_switch() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def version(name: str, folder: Path) -> str:
    """Return the version of the distribution that counts in an environment."""
    program = f"import importlib.metadata as m; print(m.version({ENVIRONMENTS[name].distribution!r}))"
    return subprocess.run(
        [str(python_of(folder)), "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()
