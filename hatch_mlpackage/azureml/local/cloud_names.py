"""The SDK's names that only the cloud has, each with what to use instead; the SDK is azureml-core 1.61."""

from __future__ import annotations

from collections.abc import Mapping

_TRAINING = "train the model anywhere and register its file: Model.register(ws, model_path, model_name)"
_SERVICE = (
    "try the service here with LocalWebservice.deploy_configuration(port=8890), and give the platform that runs it the "
    "image that Model.package(...) builds"
)
DATA = "read the data with a library for its files (pandas.read_csv, pyarrow), and register models from a path"
_IMAGE = "Model.package(...) writes the build context or builds the image"
_COMPUTE = "run the program on this machine"
_SECRETS = "give secrets to the container when it starts, as environment variables or files"
_LOGIN = "nothing here needs an account, so there is no token"
_WORKSPACE = "a workspace is a folder of this machine, Workspace.folder, which has no such setting"
_DEPLOY = "use Model.deploy(...)"
_PACKAGES = 'list the package: CondaDependencies.add_pip_package("tensorflow==2.16.1")'
_CHECKED = "the constructor has checked the configuration; Model.package(...) and Model.deploy(...) take it as it is"
_REST = (
    "models, environments, packages and local services are what works here. For the rest, install the SDK "
    "(pip install azureml-core) and run the program with python"
)

# Module of ours below `azureml` → name that it has in the SDK alone → what to use instead.
MODULES: Mapping[str, Mapping[str, str]] = {
    "core": {
        **dict.fromkeys(("Dataset", "Datastore"), DATA),
        **dict.fromkeys(
            ("Experiment", "Run", "RunConfiguration", "ScriptRun", "ScriptRunConfig", "get_run"), _TRAINING
        ),
        **dict.fromkeys(("PrivateEndPoint", "PrivateEndPointConfig"), _WORKSPACE),
        **dict.fromkeys(("LinkedService", "SynapseWorkspaceLinkedServiceConfiguration"), _WORKSPACE),
        **dict.fromkeys(("ComputeTarget", "attach_legacy_compute_target", "is_compute_target_prepared"), _COMPUTE),
        **dict.fromkeys(("prepare_compute_target", "remove_legacy_compute_target"), _COMPUTE),
        "Image": _IMAGE,
        "Keyvault": _SECRETS,
        "diagnostic_log": "service.get_logs() and package.get_logs() return what happened",
    },
    "core.authentication": {"Audience": _LOGIN},
    "core.container_registry": {"RegistryIdentity": "the engine's own login is used: docker login, podman login"},
    "core.environment": {
        **dict.fromkeys(
            ("DockerBuildContext", "DockerEnvironment"), "give its Dockerfile to Environment.from_dockerfile"
        ),
        **dict.fromkeys(("DockerImageDetails", "ImageBuildDetails"), _IMAGE),
        **dict.fromkeys(("RCranPackage", "RGitHubPackage", "RSection"), "entry scripts here are Python"),
        **dict.fromkeys(
            ("SparkEnvironment", "SparkPackage", "SparkSection"), "entry scripts here are Python without Spark"
        ),
        "EnvironmentReference": "give the environment itself: Environment.get(ws, name, version)",
        "PythonEnvironment": "use Environment(name).python",
    },
    "core.runconfig": dict.fromkeys(
        (
            "AmlComputeConfiguration",
            "ApplicationEndpointConfiguration",
            "AzureContainerRegistry",
            "Data",
            "DataLocation",
            "DataPath",
            "DataReferenceConfiguration",
            "DatacacheConfiguration",
            "Dataset",
            "DatasetRegistrationOptions",
            "DockerConfiguration",
            "EnvironmentDefinition",
            "GlobsOptions",
            "HdiConfiguration",
            "HistoryConfiguration",
            "KubernetesComputeConfiguration",
            "MountOptions",
            "MpiConfiguration",
            "OutputData",
            "OutputOptions",
            "ParallelTaskConfiguration",
            "PyTorchConfiguration",
            "RegistrationOptions",
            "RunConfiguration",
            "SparkConfiguration",
            "TensorflowConfiguration",
            "UploadOptions",
            "Uri",
        ),
        _TRAINING,
    ),
    "core.webservice": dict.fromkeys(("AciWebservice", "AksEndpoint", "AksWebservice", "UnknownWebservice"), _SERVICE),
    "core.webservice.webservice": dict.fromkeys(
        (
            "AutoScaler",
            "ContainerResourceRequirements",
            "DataCollection",
            "LivenessProbeRequirements",
            "WebServiceAccessToken",
            "WebserviceDeploymentConfiguration",
        ),
        _SERVICE,
    ),
}

# Module that is not ours, with all below it → what to use instead of any of its names. The longest one counts.
FAMILIES: Mapping[str, str] = {
    **dict.fromkeys(("core", "contrib", "accel", "ai", "explain", "interpret", "responsibleai"), _REST),
    **dict.fromkeys(("core.compute", "core.compute_target", "core.databricks"), _COMPUTE),
    **dict.fromkeys(
        ("core.dataset", "core.datastore", "data", "datadrift", "dataprep", "fsspec", "opendatasets"), DATA
    ),
    **dict.fromkeys(("core.experiment", "core.profile", "core.run"), _TRAINING),
    **dict.fromkeys(
        ("core.script_run", "core.script_run_config", "automl", "history", "mlflow", "pipeline"), _TRAINING
    ),
    **dict.fromkeys(("tensorboard", "train.automl", "train", "widgets"), _TRAINING),
    **dict.fromkeys(("core.image", "contrib.functions"), _IMAGE),
    **dict.fromkeys(("core.webservice.aci", "core.webservice.aks"), _SERVICE),
    **dict.fromkeys(("core.linked_service", "core.private_endpoint"), _WORKSPACE),
    "core.keyvault": _SECRETS,
}

# Modules that entry scripts import from their server; with all below them, no other program has them.
IN_ENTRY_SCRIPTS = ("ai.monitoring", "contrib.services", "monitoring")

# Class → member → what to use instead.
MEMBERS: Mapping[str, Mapping[str, str]] = {
    "AbstractAuthentication": dict.fromkeys(("get_authentication_header", "get_token", "signed_session"), _LOGIN),
    "CondaDependencies": {
        **dict.fromkeys(("add_cntk_package", "add_tensorflow_conda_package", "add_tensorflow_pip_package"), _PACKAGES),
        **dict.fromkeys(("DEFAULT_NUMBER_OF_CONDA_PACKAGES", "DEFAULT_NUMBER_OF_PIP_PACKAGES"), _PACKAGES),
        **dict.fromkeys(("get_default_number_of_packages", "merge_requirements", "sdk_origin_url"), _PACKAGES),
    },
    "Environment": {
        "add_private_pip_wheel": 'name the wheel\'s path among the pip packages: "./wheels/own-1.0-py3-none-any.whl"',
        "build": _IMAGE,
        "build_local": _IMAGE,
        "from_docker_build_context": "give its Dockerfile to Environment.from_dockerfile",
        "from_existing_conda_environment": (
            "export it with `conda env export --from-history --file environment.yml`, and give that file to "
            "Environment.from_conda_specification"
        ),
        "get_image_details": _IMAGE,
        "label": "name the version: Environment.get(ws, name, version)",
    },
    "InferenceConfig": dict.fromkeys(
        ("build_create_payload", "build_profile_payload", "validation_script_content"), _CHECKED
    ),
    "LocalWebservice": {"NETWORK_NAME": "a service here is a process", "deploy_to_cloud": _SERVICE},
    "Model": {
        "add_dataset_references": DATA,
        "get_sas_urls": "Model.download(target_dir) copies the files",
        "profile": "measure the service on the machine that is to run it",
    },
    "Webservice": dict.fromkeys(
        (
            "check_for_existing_webservice",
            "deploy",
            "deploy_from_image",
            "deploy_from_model",
            "deploy_local_from_model",
            "deserialize",
        ),
        _DEPLOY,
    ),
    "Workspace": {
        **dict.fromkeys(("compute_targets", "get_default_compute_target"), _COMPUTE),
        **dict.fromkeys(
            (f"DEFAULT_{kind}_CLUSTER_{what}" for kind in ("CPU", "GPU") for what in ("CONFIGURATION", "NAME")),
            _COMPUTE,
        ),
        **dict.fromkeys(("datasets", "datastores", "get_default_datastore", "set_default_datastore"), DATA),
        **dict.fromkeys(("experiments", "get_run", "get_mlflow_tracking_uri"), _TRAINING),
        **dict.fromkeys(
            ("delete_connection", "get_connection", "get_default_keyvault", "list_connections", "set_connection"),
            _SECRETS,
        ),
        **dict.fromkeys(
            ("add_private_endpoint", "delete_private_endpoint_connection", "private_endpoints"), _WORKSPACE
        ),
        **dict.fromkeys(("diagnose_workspace", "discovery_url", "linked_services", "list_keys", "setup"), _WORKSPACE),
        **dict.fromkeys(("service_context", "sku", "sync_keys", "update", "update_dependencies"), _WORKSPACE),
        "delete": "remove its folder, Workspace.folder",
        "images": _IMAGE,
    },
}
