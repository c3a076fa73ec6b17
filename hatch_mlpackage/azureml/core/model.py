"""The original's Model: registered models, which a folder keeps in place of the cloud."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hatch_mlpackage.azureml.core.choose_models import registered_models, require_no_code, staged_model
from hatch_mlpackage.azureml.core.inference_config import InferenceConfig
from hatch_mlpackage.azureml.core.model_package import ModelPackage, image_of_now
from hatch_mlpackage.azureml.core.model_path import get_model_path
from hatch_mlpackage.azureml.core.registered_model import RegisteredModel, texts_of
from hatch_mlpackage.azureml.core.webservice.webservice import LocalWebservice
from hatch_mlpackage.azureml.exceptions import UserErrorException, WebserviceException
from hatch_mlpackage.azureml.local.cloud_names import DATA
from hatch_mlpackage.azureml.local.cloud_only import refuse, with_cloud_only_members
from hatch_mlpackage.azureml.local.model_search import ModelQuery, check_model_name, find_document
from hatch_mlpackage.azureml.local.models import add_model, find_source, list_models

if TYPE_CHECKING:
    from hatch_mlpackage.azureml.core.resource_configuration import ResourceConfiguration
    from hatch_mlpackage.azureml.core.webservice.webservice import LocalWebserviceDeploymentConfiguration
    from hatch_mlpackage.azureml.local.workspace_folder import WorkspaceFolder

__all__ = ["InferenceConfig", "Model", "ModelPackage"]


class Framework:
    """The frameworks that a model may be made with, by the original's names."""

    CUSTOM = "Custom"
    TENSORFLOW = "TensorFlow"
    SCIKITLEARN = "ScikitLearn"
    ONNX = "Onnx"
    TFKERAS = "TfKeras"
    PYTORCH = "PyTorch"
    MULTI = "Multi"


@with_cloud_only_members
class Model(RegisteredModel):
    """A registered model: the latest version of `name`, or the version that `version` or `id` (`name:version`) names.

    `tags` and `properties` list keys, or pairs `[key, value]`, that the model must have.
    Raises WebserviceException (ModelNotFound) where no model fits.
    """

    Framework = Framework

    def __init__(
        self,
        workspace: WorkspaceFolder,
        name: str | None = None,
        id: str | None = None,
        tags: Sequence[Any] | None = None,
        properties: Sequence[Any] | None = None,
        version: int | str | None = None,
        run_id: str | None = None,
        model_framework: str | None = None,
        expand: bool = True,
        **named: Any,
    ) -> None:
        del expand
        document = named.get("_document")
        if document is None:
            identity = id or (f"{name}:{version}" if name and version else None)
            wanted = ModelQuery(tags=tags, properties=properties, run_id=run_id, framework=model_framework)
            document = find_document(workspace.folder, identity, name, wanted)
        super().__init__(workspace, document)

    @staticmethod
    def register(
        workspace: WorkspaceFolder,
        model_path: str,
        model_name: str,
        tags: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        description: str | None = None,
        datasets: Any = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        child_paths: Sequence[str] | None = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: ResourceConfiguration | None = None,
    ) -> Model:
        """Copy a file or folder into the workspace as the next version of a name.

        Raises FileNotFoundError where nothing lies at the path, NotInTheCloudError for datasets, and
        WebserviceException for every other wrong argument.
        """
        check_model_name(model_name)
        if model_framework_version and not model_framework:
            raise WebserviceException("Model framework version cannot be provided without a valid framework")
        if datasets or sample_input_dataset or sample_output_dataset:
            refuse("A model's datasets", DATA)
        source = find_source(model_path, child_paths or ())
        if resource_configuration:
            resource_configuration.validate()
        print(f"Registering model {model_name}")
        about = {
            "createdTime": dt.datetime.now(dt.UTC).isoformat(),
            "description": description,
            "framework": model_framework,
            "frameworkVersion": model_framework_version,
            "tags": texts_of(tags, "Tags"),
            "properties": texts_of(properties, "Properties"),
            "resourceConfiguration": resource_configuration.serialize() if resource_configuration else None,
        }
        document = add_model(workspace.folder, model_name, source, child_paths or (), about)
        return Model(workspace, _document=document)

    get_model_path = staticmethod(get_model_path)

    @staticmethod
    def list(
        workspace: WorkspaceFolder,
        name: str | None = None,
        tags: Sequence[Any] | None = None,
        properties: Sequence[Any] | None = None,
        run_id: str | None = None,
        latest: bool = False,
        dataset_id: str | None = None,
        expand: bool = True,
        page_count: int = 255,
        model_framework: str | None = None,
    ) -> list[Model]:
        """Return the registered models that fit the arguments; with `latest` only the last version of each name."""
        del expand, page_count
        if tags is not None and not isinstance(tags, list | tuple):
            raise UserErrorException(
                f'Expected tags must be list type. Ex. ["key", ["key2", "key2 value"]]: provided {type(tags)}'
            )
        wanted = ModelQuery(tags=tags, properties=properties, run_id=run_id or dataset_id, framework=model_framework)
        seen: set[str] = set()
        found = []
        for document in list_models(workspace.folder, name):  # the newest of a name first
            if wanted.matches(document) and not (latest and document["name"] in seen):
                seen.add(document["name"])
                found.append(Model(workspace, _document=document))
        return found

    @staticmethod
    def deserialize(workspace: WorkspaceFolder, model_payload: Mapping[str, Any]) -> Model:
        return Model(workspace, _document=model_payload)

    @staticmethod
    def print_configuration(
        models: Iterable[RegisteredModel], inference_config: InferenceConfig | None, *_: Any
    ) -> None:
        """Print the models and the entry script of a deployment."""
        print(f"Models: {[model.id for model in models]}")
        if inference_config:
            print(f"Entry script: {inference_config.entry_script}")

    @staticmethod
    def package(
        workspace: WorkspaceFolder,
        models: Sequence[RegisteredModel | str],
        inference_config: InferenceConfig | None = None,
        generate_dockerfile: bool = False,
        image_name: str | None = None,
        image_label: str | None = None,
    ) -> ModelPackage:
        """Write a build context of models and their entry script, and build its image unless `generate_dockerfile`.

        A path among the models is registered first, under the name of its file. Wrong input is raised here; a failing
        lock or build is the state of the returned package, and `wait_for_creation` raises it.
        """
        register = functools.partial(Model.register, workspace)
        found = registered_models(workspace, models, register)
        staged = [staged_model(model) for model in found]
        if inference_config is None:
            require_no_code(staged)
        named = generate_dockerfile and not image_name
        image = "" if named and not image_label else image_of_now(image_name, image_label)
        return ModelPackage(workspace, staged, inference_config, generate_dockerfile=generate_dockerfile, image=image)

    @staticmethod
    def deploy(
        workspace: WorkspaceFolder,
        name: str,
        models: Sequence[RegisteredModel | str],
        inference_config: InferenceConfig | None = None,
        deployment_config: LocalWebserviceDeploymentConfiguration | None = None,
        deployment_target: Any = None,
        overwrite: bool = False,
        show_output: bool = False,
    ) -> LocalWebservice:
        """Serve models on this machine; a service of the same name is replaced, as the original replaced local ones."""
        del overwrite
        if deployment_target is not None:
            raise UserErrorException(
                "deployment_target names a cluster in the cloud: leave it out to serve on this machine; for a cluster, "
                "build an image with Model.package(...)."
            )
        if show_output:
            Model.print_configuration([m for m in models if isinstance(m, RegisteredModel)], inference_config)
        return LocalWebservice.deploy_models(workspace, name, models, inference_config, deployment_config)
