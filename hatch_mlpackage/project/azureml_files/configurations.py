"""Read a configuration of Azure ML, of v1 or v2, and convert it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hatch_mlpackage.project.azureml_files.convert import convert
from hatch_mlpackage.project.azureml_files.deployment import DeploymentConfiguration
from hatch_mlpackage.project.azureml_files.inference import InferenceConfiguration, read_inference
from hatch_mlpackage.project.azureml_files.online import OnlineDeployment
from hatch_mlpackage.project.azureml_files.read_deployment import read_deployment
from hatch_mlpackage.project.azureml_files.read_online import as_deployment, as_inference, is_online, read_online
from hatch_mlpackage.project.target import NEARBY_PYTHON

if TYPE_CHECKING:
    from hatch_mlpackage.errors import Problems
    from hatch_mlpackage.project.azureml_files.nodes import Node
    from hatch_mlpackage.project.azureml_files.places import Places
    from hatch_mlpackage.project.azureml_files.report import Conversion


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """An inference configuration, with the deployment that goes with it or that the same file of v2 describes."""

    inference: InferenceConfiguration
    deployment: DeploymentConfiguration | None = None
    online: OnlineDeployment | None = None

    def converted(self, places: Places, problems: Problems, *, in_place: bool = False, python: str = "") -> Conversion:
        """Convert it; report problems with the files that it names."""
        return convert(
            self.inference,
            self.deployment,
            replace(places, from_file=self.online is not None),
            problems,
            in_place=in_place,
            python=python,
            python_way=f'python-version = "{NEARBY_PYTHON}"' if in_place else f"--python-version {NEARBY_PYTHON}",
            online=self.online,
        )


def read_configuration(node: Node, deployment: Node | None, problems: Problems) -> Configuration:
    """Read and check the nodes of both files; use the result only where no problem was added."""
    if not is_online(node):
        deploying = read_deployment(deployment, problems) if deployment else None
        return Configuration(inference=read_inference(node, problems), deployment=deploying)
    if deployment:
        what = "is not read: the file of Azure ML v2 describes the deployment itself."
        problems.add(deployment.where, what, "Leave it out.")
    online = read_online(node, problems)
    return Configuration(
        inference=as_inference(online, problems), deployment=as_deployment(online, problems), online=online
    )
