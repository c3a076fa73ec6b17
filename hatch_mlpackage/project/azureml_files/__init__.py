"""Read Azure ML's configuration files with the line of every key, and convert them to `[tool.mlpackage]`.

    node = read_document(content, "inferenceconfig.json", problems)    # or node_of(plain values, "InferenceConfig")
    inference = read_inference(node, problems)
    problems.raise_if_any()
    conversion = convert(inference, None, Places(root=…, here=…, beside=…), problems)
    problems.raise_if_any()
    conversion.table, conversion.files, conversion.rows

Nothing here writes a file or needs a network or an account.
"""

from __future__ import annotations

from hatch_mlpackage.project.azureml_files.convert import convert
from hatch_mlpackage.project.azureml_files.deployment import DeploymentConfiguration, read_deployment
from hatch_mlpackage.project.azureml_files.documents import read_document
from hatch_mlpackage.project.azureml_files.environment import EnvironmentDefinition, with_saved_files
from hatch_mlpackage.project.azureml_files.in_place import Imported, with_imported
from hatch_mlpackage.project.azureml_files.inference import (
    InferenceConfiguration,
    read_environment_file,
    read_inference,
)
from hatch_mlpackage.project.azureml_files.nodes import Node, node_of
from hatch_mlpackage.project.azureml_files.places import Places
from hatch_mlpackage.project.azureml_files.report import Conversion, Outcome, ReportRow

__all__ = [
    "Conversion",
    "DeploymentConfiguration",
    "EnvironmentDefinition",
    "Imported",
    "InferenceConfiguration",
    "Node",
    "Outcome",
    "Places",
    "ReportRow",
    "convert",
    "node_of",
    "read_deployment",
    "read_document",
    "read_environment_file",
    "read_inference",
    "with_imported",
    "with_saved_files",
]
