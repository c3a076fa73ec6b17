"""Run services on this machine: each is a server in the background, as a process or in a container.

service.json   the record of what is served, and how
claim          locked by the server while it runs
log.txt        the output of the server and the entry script
<generation>/  the staged project, and its layout as in an image
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
from hatch_mlpackage.azureml.local.make_package import build_staged_image, make_context
from hatch_mlpackage.azureml.local.stage_project import StagedModel, stage
from hatch_mlpackage.azureml.local.workspace_folder import held, load_json, write_json
from hatch_mlpackage.errors import ConfigurationError
from hatch_mlpackage.files.read import file_text
from hatch_mlpackage.files.run_background import end, is_running, run_in_background
from hatch_mlpackage.serve.container import RUNNERS, find_engine, run_command
from hatch_mlpackage.serve.health import free_port, wait_until_healthy
from hatch_mlpackage.serve.layout import serve_project, server_command

if TYPE_CHECKING:
    from hatch_mlpackage.project.pyproject import Project

_RECORD = "service.json"
_MADE = "made.txt"  # the log of making it
_HOST = "127.0.0.1"
_PATIENCE = 300  # seconds for init()


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceSettings:
    """How a service runs: a port (0 for any), and the interpreter, or an engine and its options for a container."""

    port: int = 0
    python: str = ""
    engine: str = ""
    engine_options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceRecord:
    """The last deployment of a service: `models` are ids and paths, `inference` is the original's JSON form."""

    port: int
    generation: str
    models: tuple[str, ...]
    inference: Mapping[str, Any] | None
    settings: ServiceSettings


class ServiceFolder:
    """The folder of a service, and the server that runs from it."""

    def __init__(self, workspace: Path, name: str) -> None:
        self.name = name
        self.folder = workspace / "services" / name
        self._workspace = workspace
        self._claim = self.folder / "claim"
        self._log = self.folder / "log.txt"

    def record(self) -> ServiceRecord | None:
        """Read the last deployment; None where nothing was deployed under this name."""
        found = load_json(self.folder / _RECORD)
        if found is None:
            return None
        settings = {**found["settings"], "engine_options": tuple(found["settings"]["engine_options"])}
        return ServiceRecord(**{**found, "models": tuple(found["models"]), "settings": ServiceSettings(**settings)})

    @property
    def runs(self) -> bool:
        return is_running(self._claim)

    def log(self) -> str:
        return file_text(self._log, "replace") if self._log.exists() else ""

    def start(
        self,
        models: Sequence[StagedModel],
        sources: Sequence[str],
        inference: Mapping[str, Any] | None,
        settings: ServiceSettings,
    ) -> ServiceRecord:
        """Serve models in place of the last deployment; `sources` are their ids and paths.

        Raises UserErrorException or MLPackageError for wrong input; the last deployment then goes on.
        """
        with held(self.folder), _new_folder(self.folder) as generation:
            launch = self._prepare(generation, models, inference, settings)
            old = self.record()
            port = settings.port or (old.port if old else free_port())
            command = launch.command(port)
            end(self._claim)
            record = ServiceRecord(
                port=port, generation=generation.name, models=tuple(sources), inference=inference, settings=settings
            )
            write_json(self.folder / _RECORD, asdict(record))
            shutil.copyfile(generation / _MADE, self._log)
            variables = {**os.environ, **launch.environment}
            run_in_background(command, environment=variables, folder=launch.folder, log=self._log, claim=self._claim)
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
        """Do all that may fail while the last deployment goes on."""
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
        make_context(project, self._workspace, context, log)
        build_staged_image(context, tag, log, engine)
        extra = ("--env", f"SERVICE_NAME={self.name}", *settings.engine_options)
        return _Launch(
            command=lambda port: run_command(engine, tag, port=port, extra=extra), environment={}, folder=generation
        )

    def wait(self, port: int) -> bool:
        """Wait until the server is ready; return False where it ended, or was not ready in five minutes."""
        deadline = time.monotonic() + _PATIENCE
        return wait_until_healthy(
            f"http://{_HOST}:{port}/", while_alive=lambda: self.runs and time.monotonic() < deadline
        )

    def remove(self) -> None:
        """Stop the server and remove the folder."""
        with held(self.folder):
            end(self._claim)
            shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Launch:
    """A prepared server, to be started on a port."""

    command: Callable[[int], Sequence[str]]
    environment: Mapping[str, str]
    folder: Path


@contextlib.contextmanager
def _new_folder(parent: Path) -> Iterator[Path]:
    """Make a folder, and remove it again after an error."""
    made = Path(tempfile.mkdtemp(dir=parent))
    try:
        yield made
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
