"""Compare what writes a build context: its time, its size, and what an edit or a new model makes a builder do again."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from environments import ROOT, python_of
from places import APPS, REPOSITORY
from rebuilds import files_of, rebuild
from results import Generated

if TYPE_CHECKING:
    from results import Results

GENERATE = "generate"  # the name of this comparison among the cases
MODEL_SIZE = 64 << 20
PROJECTS = APPS.parent / "generators"
THIS_PYTHON = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Generator:
    """Hold a project, what writes its context, and where that is; commands run in a copy of the project.

    `save` is what makes the model anew after an edit, which is not timed.
    """

    name: str
    environment: str
    project: Path
    command: str
    code: str
    model: str
    context: str = "{output}"
    dockerfile: str = "Dockerfile"
    save: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


OURS = {
    "environment": THIS_PYTHON,
    "project": REPOSITORY / "tests/projects/minimal",
    "code": "score.py",
    "model": "models/greeting.txt",
}
GENERATORS = (
    Generator(
        name="mlpackage generate", command="{python} -m hatch_mlpackage generate --quiet --output {output}", **OURS
    ),
    Generator(
        name="hatchling build -t mlpackage",
        command="{python} -m hatchling build -t mlpackage -d {output}",
        context="{output}/minimal-model-1.0-context",
        **OURS,
    ),
    Generator(
        name="mlflow models generate-dockerfile",
        environment="mlflow",
        project=PROJECTS / "mlflow",
        command="{bin}/mlflow models generate-dockerfile -m saved -d {output}",
        code="model.py",
        model="weights.bin",
        save="{python} save.py",
    ),
    Generator(
        name="mlserver dockerfile",
        environment="mlserver",
        project=PROJECTS / "mlserver",
        command="{bin}/mlserver dockerfile -i .",
        code="model.py",
        model="weights.bin",
        context=".",
    ),
    Generator(
        name="bentoml build",
        environment="bentoml",
        project=PROJECTS / "bentoml",
        command="{bin}/bentoml build --version 1 .",
        code="service.py",
        model="weights.bin",
        context="{output}/bentos/service/1",
        dockerfile="env/docker/Dockerfile",
        variables={"BENTOML_HOME": "{output}", "BENTOML_DO_NOT_TRACK": "True"},
    ),
)


class NotWrittenError(Exception):
    """Say why a generator wrote nothing."""


def generate(results: Results, folder: Path) -> None:
    """Write contexts in alternating rounds, and note the figures of each generator, or why there are none."""
    print("\nbuild contexts", flush=True)
    able = [it for it in GENERATORS if not results.failed(it.name, GENERATE)]
    benches = [Bench.of(it, folder) for it in able]
    seconds: dict[str, list[float]] = {}
    for number in range(results.rounds + 1):
        for bench in list(benches):
            try:
                took = bench.write(f"round-{number}")
            except NotWrittenError as error:
                results.fail(bench.generator.name, GENERATE, str(error))
                benches.remove(bench)
                continue
            if number:  # the first is a warm-up
                seconds.setdefault(bench.generator.name, []).append(took)
    results.generated.extend(bench.judged(seconds[bench.generator.name]) for bench in benches)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """Hold a generator with a copy of its project, and a folder for what it writes."""

    generator: Generator
    python: Path
    project: Path
    outputs: Path

    @classmethod
    def of(cls, generator: Generator, folder: Path) -> Bench:
        home = folder / generator.name.replace(" ", "-")
        project = shutil.copytree(generator.project, home / "project")
        outputs = home / "outputs"
        outputs.mkdir()
        python = python_of(ROOT / generator.environment) if generator.environment else Path(sys.executable)
        bench = cls(generator=generator, python=python, project=project, outputs=outputs)
        bench.retrain()
        bench.run(generator.save, "")
        return bench

    def retrain(self) -> None:
        """Write a new model of the same size."""
        (self.project / self.generator.model).write_bytes(os.urandom(1 << 20) * (MODEL_SIZE >> 20))

    def edit(self) -> None:
        code = self.project / self.generator.code
        code.write_text(f"{code.read_text(encoding='utf-8')}\n# An edit.\n", encoding="utf-8")

    def context(self, name: str) -> Path:
        return self.project / self.generator.context.format(output=self.outputs / name)

    def write(self, name: str) -> float:
        """Write a context into a new folder and return the seconds that it took; only the last two are kept."""
        for earlier in sorted(self.outputs.iterdir(), key=lambda path: path.stat().st_mtime)[:-1]:
            shutil.rmtree(earlier)
        start = time.perf_counter()
        self.run(self.generator.command, name)
        took = time.perf_counter() - start
        if not (self.context(name) / self.generator.dockerfile).is_file():
            raise NotWrittenError(f"there is no {self.generator.dockerfile} in what it wrote")
        return took

    def run(self, command: str, name: str) -> None:
        values = {"python": self.python, "bin": self.python.parent, "output": self.outputs / name}
        variables = {key: value.format_map(values) for key, value in self.generator.variables.items()}
        path = f"{self.python.parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            shlex.split(command.format_map(values)) or ["true"],
            cwd=self.project,
            env={**os.environ, **variables, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NotWrittenError(" ".join(done.stderr.split())[-300:])

    def judged(self, seconds: list[float]) -> Generated:
        """Compare the context with those after no change, an edit of the code, and a new model."""
        found = {}
        for name, change in (("before", None), ("again", None), ("edited", self.edit), ("retrained", self.retrain)):
            if change:
                change()
                self.run(self.generator.save, "")
            self.write(name)
            found[name] = files_of(self.context(name))
        dockerfile = (self.context("retrained") / self.generator.dockerfile).read_text(encoding="utf-8")
        return Generated(
            name=self.generator.name,
            seconds=seconds,
            size=sum(size for _, size in found["before"].values()),
            files=len(found["before"]),
            is_same=found["again"] == found["before"],
            edit=rebuild(dockerfile, found["again"], found["edited"]),
            retrain=rebuild(dockerfile, found["edited"], found["retrained"]),
        )
