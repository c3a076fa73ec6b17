"""Configuration files for every key and quirk of the original, and the project that they belong to."""

from __future__ import annotations

import json
from typing import NamedTuple

SCRIPT = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
CONDA = "name: project_environment\ndependencies:\n  - python=3.8.13\n  - pip:\n      - azureml-defaults>=1.0.45\n"
PROJECT = {
    "score.py": SCRIPT,
    "bad-name.py": SCRIPT,
    "class.py": SCRIPT,
    "notes.txt": "not a script\n",
    "conda.yml": CONDA,
    "myenv.yml": "dependencies:\r\n- numpy\r\n- 'conda-forge::python >=3.7,<3.10'\r\n",
    "old.yml": "dependencies:\n  - python=3.6.2\n",
    "older.yml": "dependencies:\n  - python=2.7\n",
    "steps.Dockerfile": "RUN true\n",
    "src/score.py": SCRIPT,
    "src/conda.yml": CONDA,
    "src/inner/score.py": SCRIPT,
    "x/y/score.py": SCRIPT,
    "deploy/beside.py": SCRIPT,
    "deploy/conda.yml": "dependencies:\n  - python=3.9\n",
    "deploy/steps": "RUN true\n",
    "../scripts/score.py": SCRIPT,
    "../conda_dependencies.yml": CONDA,
}
ONLINE = """\
$schema: https://schemas.example/managedOnlineDeployment.schema.json
name: blue
endpoint_name: my-endpoint
model:
  path: ../src/inner
code_configuration:
  code: ../src
  scoring_script: score.py
environment:
  conda_file: conda.yml
  image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:latest
instance_type: Standard_DS3_v2
instance_count: 1
"""
ONLINE_WHOLE = """\
name: green
type: kubernetes
endpoint_name: my-endpoint
description: Ridge regression
model: ../notes.txt
code_configuration: {code: ../src, scoring_script: inner/score.py}
environment:
  name: env
  version: 2
  image: registry.example/base:1
  conda_file:
    channels: [conda-forge]
    dependencies: [python=3.9, {pip: [azureml-inference-server-http]}]
  inference_config: {liveness_route: {path: /, port: 5001}}
environment_variables: {WORKER_COUNT: 2, API_KEY: letmein, A: b}
request_settings: {request_timeout_ms: 3000, max_concurrent_requests_per_instance: 4, max_queue_wait_ms: 100}
liveness_probe: {initial_delay: 10, period: 5, timeout: 2, success_threshold: 1, failure_threshold: 30}
readiness_probe: {initial_delay: 10}
resources: {requests: {cpu: "0.1"}}
scale_settings: {type: default}
app_insights_enabled: true
data_collector: {collections: {}}
egress_public_network_access: disabled
model_mount_path: /var/model
tags: {a: b}
propertys: {}
"""
REGISTRY = {"address": "registry.example", "username": "me", "password": "hunter2"}
CONDA_DEPENDENCIES = {
    "name": "project_environment",
    "channels": ["anaconda", "conda-forge"],
    "dependencies": ["python=3.10.18", "numpy", {"pip": ["azureml-defaults", "joblib==1.3.2"]}],
}


class Case(NamedTuple):
    """An inference configuration and the files beside it; `values` are written as JSON where there is no `text`."""

    values: object = None
    text: str = ""
    deployment: object = None
    environment: object = None
    folder: str = ""
    python: str = ""

    def written(self) -> str:
        return self.text or json.dumps(self.values, indent=2)


def nested(**sections: object) -> Case:
    """Make a configuration with an environment of these sections."""
    return Case({"entryScript": "score.py", "environment": {"name": "env", **sections}})


def conda(**keys: object) -> Case:
    return nested(python={"condaDependencies": keys})


def deployed(**keys: object) -> Case:
    return Case({"entryScript": "score.py", "condaFile": "conda.yml"}, deployment=keys)


# As `Environment(name="env").serialize` gives it: keys that nobody set have their defaults.
WHOLE = {
    "name": "env",
    "version": "3",
    "assetId": None,
    "environmentVariables": {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"},
    "python": {
        "userManagedDependencies": False,
        "interpreterPath": "python",
        "condaDependenciesFile": None,
        "baseCondaEnvironment": None,
        "condaDependencies": CONDA_DEPENDENCIES,
    },
    "docker": {
        "enabled": False,
        "baseImage": "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1",
        "baseDockerfile": None,
        "buildContext": None,
        "baseImageRegistry": {"address": None, "username": None, "password": None, "registryIdentity": None},
        "platform": {"os": "Linux", "architecture": "amd64"},
        "shmSize": "2g",
        "sharedVolumes": True,
        "arguments": [],
    },
    "spark": {"repositories": [], "packages": [], "precachePackages": True},
    "databricks": {"mavenLibraries": [], "pypiLibraries": [], "rcranLibraries": [], "jarLibraries": []},
    "r": None,
    "inferencingStackVersion": None,
}

INFERENCE = {
    # The flat form: one case for each row of the original's table.
    "script-alone": Case({"entryScript": "score.py"}),
    "script-in-a-folder": Case({"entryScript": "x/y/score.py"}),
    "flat": Case({
        "entryScript": "score.py",
        "runtime": "python",
        "condaFile": "conda.yml",
        "extraDockerfileSteps": "steps.Dockerfile",
        "sourceDirectory": None,
        "enableGpu": False,
        "baseImage": "registry.example/team/base:1",
        "baseImageRegistry": REGISTRY,
        "description": "Ridge regression\nof diabetes",
    }),
    "steps-spelt-as-documented": Case({"entryScript": "score.py", "extraDockerFileSteps": "steps.Dockerfile"}),
    "registry-as-text": Case({
        "entryScript": "score.py", "baseImage": "team/base:1", "baseImageRegistry": "https://registry.example/",
    }),
    "registry-beside-another": Case({
        "entryScript": "score.py", "baseImage": "mcr.microsoft.com/azureml/base:1", "baseImageRegistry": "own.example",
    }),
    "registry-of-the-original": Case({
        "entryScript": "score.py",
        "baseImage": "azureml/openmpi4.1.0-ubuntu20.04",
        "baseImageRegistry": "mcr.microsoft.com",
    }),
    "runtime-in-capitals": Case({"entryScript": "score.py", "runtime": "Python"}),
    "runtime-slim": Case({"entryScript": "score.py", "runtime": "python-slim"}),
    "runtime-spark": Case({"entryScript": "score.py", "runtime": "spark-py"}),
    "gpu": Case({"entryScript": "score.py", "enableGpu": True, "cudaVersion": "10.0"}),
    "gpu-image": Case({
        "entryScript": "score.py", "enableGpu": True, "baseImage": "nvidia/cuda:12.4.1-base-ubuntu22.04",
    }),
    "keys-of-early-tools": Case({"entryScript": "score.py", "schemaFile": "s.json", "dependencies": ["a.py"]}),
    "unknown-and-misspelt": Case({"entryScript": "score.py", "condafile": "conda.yml", "ComputeTarget": "aks"}),
    # Where files are looked for.
    "source-directory": Case({"entryScript": "score.py", "sourceDirectory": "./src", "condaFile": "conda.yml"}),
    "source-directory-is-here": Case({"entryScript": "src/score.py", "sourceDirectory": "."}),
    "source-directory-with-slash": Case({"entryScript": "inner/score.py", "sourceDirectory": "./src/"}),
    "source-directory-twice": Case({"entryScript": "src/inner/score.py", "sourceDirectory": "src"}),
    "source-directory-blank": Case({"entryScript": "score.py", "sourceDirectory": ""}),
    "source-directory-outside": Case({"entryScript": "score.py", "sourceDirectory": "../scripts"}),
    "windows-paths": Case({"entryScript": "inner\\score.py", "sourceDirectory": ".\\src"}),
    "conda-file-above-the-source": Case({
        "entryScript": "score.py", "sourceDirectory": "src", "condaFile": "../myenv.yml",
    }),
    "conda-file-outside": Case({"entryScript": "score.py", "condaFile": "../conda_dependencies.yml"}),
    "found-beside-the-file": Case(
        {"entryScript": "beside.py", "extraDockerfileSteps": "steps"}, folder="deploy"
    ),
    "all-beside-the-file": Case(
        {"entryScript": "beside.py", "condaFile": "conda.yml", "extraDockerfileSteps": "steps"}, folder="deploy"
    ),
    "absolute-script": Case({"entryScript": "/src/score.py", "condaFile": "conda.yml"}),
    "absolute-script-beside-the-file": Case({"entryScript": "/scripts/beside.py"}, folder="deploy"),
    "old-python": Case({"entryScript": "score.py", "condaFile": "old.yml"}),
    "python-that-is-not-served": Case({"entryScript": "score.py", "condaFile": "older.yml"}),
    "old-python-replaced": Case({"entryScript": "score.py", "condaFile": "old.yml"}, python="3.11"),
    "old-python-replaced-in-an-environment": Case(
        conda(dependencies=["python=3.6.2"]).values, python="3.11"
    ),
    "python-that-is-pinned-is-chosen": Case({"entryScript": "score.py", "condaFile": "myenv.yml"}, python="3.8"),
    "python-without-packages": Case({"entryScript": "score.py"}, python="3.11"),
    # Notations.
    "yaml": Case(text="# MLOps\nentryScript: score.py\nsourceDirectory: src\ncondaFile: conda.yml # the packages\n"),
    "crlf-and-trailing-comma": Case(text='{\r\n  "entryScript": "score.py",\r\n  "condaFile": "conda.yml",\r\n}\r\n'),
    "yaml-nested": Case(text=(
        "entryScript: score.py\nenvironment:\n  name: env\n  version: 1\n  python:\n    condaDependencies:\n"
        "      dependencies:\n      - python=3.9\n      - pip: [azureml-defaults, 'idna>=3']\n"
        "  environmentVariables: {THREADS: 4, DEBUG: yes, NOTHING: ~, PI: 3.10}\n"
    )),
    # The nested form.
    "whole-environment": Case({"entryScript": "score.py", "environment": WHOLE}),
    "reference": Case({"entryScript": "score.py", "environment": {"name": "AzureML-sklearn", "version": "3"}}),
    "reference-with-its-environment": Case(
        {"entryScript": "score.py", "environment": {"name": "env", "version": "3"}}, environment=WHOLE
    ),
    "environment-given-to-the-flat-form": Case({"entryScript": "score.py"}, environment=WHOLE),
    "environment-without-packages": nested(condaFile="conda.yml", environmentVariables={}),
    "conda-file-nested": nested(python={"condaDependenciesFile": "conda.yml"}),
    "conda-and-pip-in-one-mapping": conda(
        channels=["conda-forge"], dependencies=[{"conda": ["python=3.9", "numpy"], "pip": ["azureml_defaults~=1.4"]}]
    ),
    "conda-with-quotes": conda(
        channels="defaults",
        dependencies=[
            "python>=3.8", "yes", "pkg[build=x]", {"pip": ["a @ https://e.example/a.whl", "# x", 'b; x=="1"']},
        ],
        prefix="/home/me/envs/x",
        variables={"A": "1"},
    ),
    "conda-odd": conda(dependencies=["python", {"npm": ["x"]}]),
    "secrets": nested(
        environmentVariables={"API_KEY": "letmein", "token": "", "MONKEY": "1", "SAS_TOKEN_X": "letmein"}
    ),
    "replicas-and-limits": deployed(computeType="aks", numReplicas=2, autoScaler={"minReplicas": 1}),
    "variables": nested(environmentVariables={
        "GREETING": "good morning!!!",
        "QUOTED": 'say "$HOME" \\ `id`',
        "EMPTY": "",
        "NUMBER": 3,
        "TRUTH": True,
        "NOTHING": None,
        "WORKER_COUNT": "4",
        "WORKER_TIMEOUT": "300",
        "AZUREML_MODEL_DIR": "/elsewhere",
        "AZUREML_ENTRY_SCRIPT": "main.py",
        "AZUREML_EXTRA_REQUIREMENTS_TXT": "more.txt",
        "EXAMPLE_ENV_VAR": "EXAMPLE_VALUE",
    }),
    "user-managed": nested(
        python={
            "userManagedDependencies": True,
            "interpreterPath": "/opt/miniconda/bin/python",
            "condaDependencies": CONDA_DEPENDENCIES,
        },
        docker={"baseImage": "mcr.microsoft.com/azureml/curated/sklearn:1"},
    ),
    "base-conda-environment": nested(python={"baseCondaEnvironment": "base"}),
    "base-dockerfile": nested(docker={"baseDockerfile": "FROM ubuntu:22.04\nRUN true\n"}),
    "base-dockerfile-as-a-file": nested(docker={"baseDockerfile": "steps.Dockerfile"}),
    "build-context": nested(docker={"buildContext": {"locationType": "git", "location": "https://e.example/x"}}),
    "private-image": nested(docker={"baseImage": "team/base", "baseImageRegistry": {
        **REGISTRY, "registryIdentity": {"resourceId": "r", "clientId": "c"}}}),
    "image-of-the-original-with-cuda": nested(
        docker={"baseImage": "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04"}
    ),
    "arm": nested(docker={"platform": {"os": "Linux", "architecture": "ARM64"}}),
    "unknown-platform": nested(docker={"platform": {"architecture": "riscv"}}),
    "arguments": nested(docker={"arguments": ["--ipc", "host"], "shmSize": "4g"}),
    "other-languages": nested(
        spark={"packages": [{"group": "g", "artifact": "a", "version": "1"}]}, r={"rVersion": "4"},
        inferencingStackVersion="latest", assetId="azureml://x",
    ),
    # Deployment configurations.
    "local": deployed(computeType="local", port=8890),
    "local-anywhere": deployed(computeType="LOCAL"),
    "aci": deployed(
        computeType="ACI", containerResourceRequirements={"cpu": 0.5, "memoryInGB": 1.0}, location="westus",
        authEnabled=True, sslEnabled=True, sslCertificate="c.pem", sslKey="k.pem", cname="www.example.com",
        appInsightsEnabled=True, dnsNameLabel="d", vnetName="v", subnetName="s", vaultBaseUrl="u", keyName="k",
        keyVersion="1", keys={"primaryKey": "secret", "secondaryKey": "secret"},
    ),
    "aks": deployed(
        computeType="AKS",
        autoScaler={"autoscaleEnabled": True, "minReplicas": 1, "maxReplicas": 3, "refreshPeriodInSeconds": 1,
                    "targetUtilization": 70},
        dataCollection={"storageEnabled": False}, authEnabled=True, tokenAuthEnabled=False,
        containerResourceRequirements={"cpu": 0.5, "memoryInGB": 1, "cpuLimit": 1, "memoryInGBLimit": 2},
        scoringTimeoutMs=60000, maxConcurrentRequestsPerContainer=2, maxQueueWaitMs=500, gpuCores=0, keys=None,
        livenessProbeRequirements={"periodSeconds": 10, "initialDelaySeconds": 310, "timeoutSeconds": 2,
                                   "successThreshold": 1, "failureThreshold": 3},
        namespace="scoring", computeTargetName="aks-1",
    ),
    "aks-endpoint": deployed(computeType="aksendpoint", versionName="a", trafficPercentile=50, numReplicas=2),
    "aks-as-found": deployed(
        computeType="aks", maxQueueWaitsMs=100, cpuCores=1, memoryInGB=2, ComputeTarget="a", autoScaler=None,
    ),
    "aks-with-keys-of-others": deployed(
        computeType="aks", authEnabled=True, sslEnabled=True, vnetName="v", port="8890", trafficPercentile=101,
    ),
    "aci-with-keys-of-others": deployed(
        computeType="aci", scoringTimeoutMs=0, autoScaler={"autoscaleEnabled": False}, namespace="No",
    ),
    "local-with-keys-of-others": deployed(computeType="local", port=8890, containerResourceRequirements={"cpu": 0}),
    "keys-given-again": Case(
        text=(
            '{\n"entryScript": "other.py",\n"entryScript": "score.py",\n"environment": {\n'
            '"environmentVariables": {"A": "1"},\n"environmentVariables": {\n"A": "2",\n"A": "3"}\n}}\n'
        )
    ),
    "keys-given-again-in-yaml": Case(
        text="entryScript: score.py\ncondaFile: old.yml\nruntime: python\ncondaFile: conda.yml\n",
    ),
    # Files of Azure ML v2.
    "online-deployment": Case(text=ONLINE, folder="deploy"),
    "online-deployment-with-everything": Case(text=ONLINE_WHOLE, folder="deploy"),
    "online-deployment-of-registered-things": Case(
        text=(
            "endpoint_name: e\nmodel: azureml:ridge:3\nenvironment: azureml:sklearn@latest\n"
            "code_configuration: {code: ../src, scoring_script: score.py}\nenvironment_variables: {A: 1}\n"
        ),
        folder="deploy",
    ),
    "online-deployment-with-its-image": Case(
        text=(
            "endpoint_name: e\nmodel: {name: ridge, version: 3, path: ../notes.txt}\n"
            "environment: {image: 'registry.example/own:1'}\n"
            "code_configuration: {code: .., scoring_script: bad-name.py}\n"
        ),
        folder="deploy",
    ),
    "online-deployment-with-a-dockerfile": Case(
        text=(
            "endpoint_name: e\nenvironment: {name: e, build: {path: .., dockerfile_path: steps.Dockerfile}}\n"
            "code_configuration: {code: ../src, scoring_script: score.py}\n"
        ),
        folder="deploy",
    ),
    "model-package": Case(
        text=(
            "base_environment_source:\n  type: environment_asset\n  resource_id: azureml:sklearn:1\n"
            "target_environment: packaged\ninferencing_server:\n  type: azureml_online\n"
            "  code_configuration:\n    code: src\n    scoring_script: score.py\n"
        )
    ),
    # What is refused.
    "online-deployment-without-a-script": Case(
        text="$schema: s\nendpoint_name: e\nmodel: azureml:m:1\ninstance_type: x\n"
    ),
    "online-deployment-beside-another": Case(
        text="endpoint_name: e\ncode_configuration: {code: src, scoring_script: score.py}\n",
        deployment={"computeType": "local"},
    ),
    "online-deployment-with-mistakes": Case(
        text=(
            "endpoint_name: e\ncode_configuration: {code: scr, scoring_script: score.py}\nrequest_settings:\n"
            "  request_timeout_ms: 0\nenvironment_variables: [A]\nenvironment: {conda_file: {dependancies: []}}\n"
        )
    ),
    "no-entry-script": Case({"sourceDirectory": "src"}),
    "blank-entry-script": Case({"entryScript": ""}),
    "an-environment-alone": Case(WHOLE),
    "environment-and-flat": Case({
        "entryScript": "score.py", "runtime": "python", "condaFile": "conda.yml", "baseImage": "a", "enableGpu": False,
        "environment": WHOLE,
    }),
    "two-bases": nested(docker={"baseImage": "a", "baseDockerfile": "FROM b"}),
    "no-source-directory": Case({"entryScript": "score.py", "sourceDirectory": "scr"}),
    "no-script": Case({"entryScript": "scroe.py"}),
    "script-outside-of-its-source": Case({"entryScript": "notes.txt", "sourceDirectory": "src"}),
    "a-name-too-long": Case({"entryScript": f"{'a' * 300}.py"}),
    "not-python": Case({"entryScript": "notes.txt"}),
    "bad-name": Case({"entryScript": "bad-name.py"}),
    "keyword": Case({"entryScript": "class.py"}),
    "unknown-runtime-and-cuda": Case({"entryScript": "score.py", "runtime": "pyhton", "cudaVersion": 11.8}),
    "no-files": Case({"entryScript": "score.py", "condaFile": "myenv.ym", "extraDockerfileSteps": "Dockerfile"}),
    "image-with-spaces": Case({
        "entryScript": "score.py", "baseImage": "mcr.microsoft.com/azureml/openmpi 4.1.0-ubuntu 20.04:1",
    }),
    "wrong-types": Case({
        "entryScript": ["score.py"], "enableGpu": "true", "environment": "env", "baseImageRegistry": 3,
    }),
    "wrong-types-nested": nested(
        environmentVariables=["A"], python={"condaDependencies": "conda.yml", "userManagedDependencies": "no"},
        docker={"platform": {"os": "Windows"}},
    ),
    "variable-that-is-an-object": nested(environmentVariables={"A": {"b": 1}}),
    "unknown-key-of-conda": conda(dependencies=["python=3.9"], dependancies=["numpy"]),
    "items-of-conda-that-are-no-text": conda(
        channels={"a": 1}, dependencies=["python", 7, None, ["a"], {"pip": ["b", {}]}]
    ),
    "conda-dependencies-as-text": conda(dependencies="numpy"),
    "a-list": Case(["score.py"]),
    "no-compute-type": deployed(port=1),
    "unknown-compute-type": deployed(computeType="acl"),
    "port-of-another-type": deployed(computeType="local", port="8890"),
    "wrong-port": deployed(computeType="local", port=0),
    "wrong-numbers": deployed(
        computeType="aksendpoint", scoringTimeoutMs=0, maxConcurrentRequestsPerContainer=-1, maxQueueWaitMs=-1,
        gpuCores=-1, trafficPercentile=101, cpuCores=0,
        containerResourceRequirements={"cpu": 2, "memoryInGB": 4, "cpuLimit": 1, "memoryInGBLimit": 3},
        livenessProbeRequirements={"periodSeconds": 0, "initialDelaySeconds": -1},
    ),
    "wrong-scale": deployed(
        computeType="aks", numReplicas=2, autoScaler={"autoscaleEnabled": True, "minReplicas": 5, "maxReplicas": 2},
        authEnabled=True, tokenAuthEnabled=True, namespace="No",
    ),
    "no-scale": deployed(computeType="aks", autoScaler={"autoscaleEnabled": False, "minReplicas": 1}),
    "half-a-network": deployed(computeType="aci", sslEnabled=True, sslKey="k", vnetName="v"),
}  # fmt: skip
