"""Services of this machine: each a server in the background, as a process or as a container.

service.json   what is served, and how
claim          held by the server for as long as it runs
log.txt        what it says
<generation>/  the staged project, and its layout as the image would have it
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from hatch_mlpackage.azureml.exceptions import UserErrorException
from hatch_mlpackage.azureml.local.make_package import build_image, lock_staged, write_context
from hatch_mlpackage.azureml.local.stage_project import StagedModel, stage
from hatch_mlpackage.azureml.local.workspace_folder import held, read_json, write_json
from hatch_mlpackage.errors import ConfigurationError
from hatch_mlpackage.files.run_background import end, is_running, run_in_background
from hatch_mlpackage.serve.container import RUNNERS, find_engine, run_command
from hatch_mlpackage.serve.health import free_port, wait_until_healthy
from hatch_mlpackage.serve.layout import serve_project, server_command

if TYPE_CHECKING:
    from hatch_mlpackage.project.pyproject import Project

_RECORD = "service.json"
_MADE = "made.txt"  # what was said while it was made
_HOST = "127.0.0.1"
_PATIENCE = 300  # seconds that init() may take


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceSettings:
    """How a service runs: `port` 0 for any; an engine's name for a container; its options; else `python` scores."""

    port: int = 0
    python: str = ""
    engine: str = ""
    engine_options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceRecord:
    """A service as it was deployed last: `models` are ids and paths, `inference` is the original's JSON form."""

    port: int
    generation: str
    models: tuple[str, ...]
    inference: Mapping[str, Any] | None
    settings: ServiceSettings


class ServiceFolder:
    """A service's folder and the server that belongs to it."""

    def __init__(self, workspace: Path, name: str) -> None:
        self.name = name
        self.folder = workspace / "services" / name
        self._workspace = workspace
        self._claim = self.folder / "claim"
        self._log = self.folder / "log.txt"

    def record(self) -> ServiceRecord | None:
        """Read what is served; None where nothing was deployed under this name."""
        found = read_json(self.folder / _RECORD)
        if found is None:
            return None
        settings = {**found["settings"], "engine_options": tuple(found["settings"]["engine_options"])}
        return ServiceRecord(**{**found, "models": tuple(found["models"]), "settings": ServiceSettings(**settings)})

    @property
    def runs(self) -> bool:
        return is_running(self._claim)

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def start(
        self,
        models: Sequence[StagedModel],
        sources: Sequence[str],
        inference: Mapping[str, Any] | None,
        settings: ServiceSettings,
    ) -> ServiceRecord:
        """Serve models in place of what was served; `sources` are the ids and paths that they came from.

        What is wrong with the input is raised as UserErrorException or MLPackageError, and what was served goes on.
        """
        with held(self.folder), _new_folder(self.folder) as generation:
            launch = self._prepare(generation, models, inference, settings)
            old = self.record()
            port = settings.port or (old.port if old else free_port())
            command = launch.command(port)
            end(self._claim)
            record = ServiceRecord(
                port=port,
                generation=generation.name,
                models=tuple(sources),
                inference=inference,
                settings=settings,
            )
            write_json(self.folder / _RECORD, asdict(record))
            shutil.copyfile(generation / _MADE, self._log)
            run_in_background(
                command,
                environment={**os.environ, **launch.environment},
                folder=launch.folder,
                log=self._log,
                claim=self._claim,
            )
            if old:
                shutil.rmtree(self.folder / old.generation, ignore_errors=True)
        return record

    def _prepare(
        self,
        generation: Path,
        models: Sequence[StagedModel],
        inference: Mapping[str, Any] | None,
        settings: ServiceSettings,
    ) -> _Launch:
        """Make all that can go wrong, while what was served goes on."""
        folder = generation / "project"
        folder.mkdir()
        try:
            project = stage(folder, models, inference, workspace=self._workspace, image_name=f"service-{self.name}")
            with (generation / _MADE).open("wb", buffering=0) as log:
                return (
                    self._container(generation, project, settings, log)
                    if settings.engine
                    else self._process(generation, project, settings)
                )
        except ConfigurationError as error:
            raise UserErrorException(str(error)) from error

    def _process(self, generation: Path, project: Project, settings: ServiceSettings) -> _Launch:
        top = generation / "layout"
        top.mkdir()
        serving = serve_project(project, top)
        flags = ("--host", _HOST, "--worker-python", settings.python or sys.executable)
        return _Launch(
            command=lambda port: server_command(serving, (*flags, "--port", str(port))),
            environment={"SERVICE_NAME": self.name, **serving.environment},
            folder=serving.folder,
        )

    def _container(self, generation: Path, project: Project, settings: ServiceSettings, log: IO[bytes]) -> _Launch:
        engine = find_engine(settings.engine, RUNNERS)
        context, tag = generation / "context", f"service-{self.name}:{generation.name}"

        def report(text: str) -> None:
            log.write(f"{text}\n".encode())

        lock_staged(project, self._workspace, report)
        write_context(project, context, report)
        build_image(context, tag, log, report, engine)
        extra = ("--env", f"SERVICE_NAME={self.name}", *settings.engine_options)
        return _Launch(
            command=lambda port: run_command(engine, tag, port=port, extra=extra), environment={}, folder=generation
        )

    def wait(self, port: int) -> bool:
        """Wait until the server is ready; False when it ended before, or has not come up in five minutes."""
        deadline = time.monotonic() + _PATIENCE
        return wait_until_healthy(
            f"http://{_HOST}:{port}/", while_alive=lambda: self.runs and time.monotonic() < deadline
        )

    def remove(self) -> None:
        """End the server, and remove what was made for it."""
        with held(self.folder):
            end(self._claim)
            shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Launch:
    """A server that is ready to be started on a port."""

    command: Callable[[int], Sequence[str]]
    environment: Mapping[str, str]
    folder: Path


@contextlib.contextmanager
def _new_folder(parent: Path) -> Iterator[Path]:
    """Make a folder, and remove it where it came to nothing."""
    made = Path(tempfile.mkdtemp(dir=parent))
    try:
        yield made
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
