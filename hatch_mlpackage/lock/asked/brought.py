"""List the distributions of the original that are left out of a lock, and what they brought that scripts import."""

from __future__ import annotations

from collections.abc import Mapping

_SERVER = "the server in the image replaces it"
# Distributions that are left out, and why. `azureml-core` is not among them: a project that names it may use more of it
# than the stand-ins have.
LEFT_OUT = {
    "azureml-contrib-services": "the server's module of AMLRequest and AMLResponse replaces it",
    "azureml-defaults": _SERVER,
    "azureml-inference-server-http": _SERVER,
    "azureml-monitoring": "a collector that collects nothing replaces it",
    "azureml-sdk": "the parts of it that the script imports replace it",
}
# Module → requirement. The stand-ins for azureml.core replace the real one, as far as an image can have it.
_OF_SERVER = {
    "flask": "flask",
    "flask_cors": "flask-cors",
    "inference_schema": "inference-schema",
    "itsdangerous": "itsdangerous",
    "jinja2": "jinja2",
    "markupsafe": "markupsafe",
    "opentelemetry": "opentelemetry-api",
    "opentelemetry.sdk": "opentelemetry-sdk",
    "pydantic": "pydantic",
    "pydantic_settings": "pydantic-settings",
    "werkzeug": "werkzeug",
}
_OF_CORE = {
    "OpenSSL": "pyopenssl",
    "adal": "adal",
    "argcomplete": "argcomplete",
    "attr": "attrs",
    "azure.common": "azure-common",
    "azure.core": "azure-core",
    "azure.graphrbac": "azure-graphrbac",
    "azure.identity": "azure-identity",
    "azure.mgmt.authorization": "azure-mgmt-authorization",
    "azure.mgmt.containerregistry": "azure-mgmt-containerregistry",
    "azure.mgmt.core": "azure-mgmt-core",
    "azure.mgmt.keyvault": "azure-mgmt-keyvault",
    "azure.mgmt.network": "azure-mgmt-network",
    "azure.mgmt.resource": "azure-mgmt-resource",
    "azure.mgmt.storage": "azure-mgmt-storage",
    "azureml.dataprep": "azureml-dataprep",
    "backports.tempfile": "backports-tempfile",
    "bcrypt": "bcrypt",
    "certifi": "certifi",
    "cffi": "cffi",
    "charset_normalizer": "charset-normalizer",
    "click": "click",
    "cloudpickle": "cloudpickle",
    "contextlib2": "contextlib2",
    "cryptography": "cryptography",
    "dateutil": "python-dateutil",
    "deprecated": "deprecated",
    "docker": "docker",
    "dotenv": "python-dotenv",
    "humanfriendly": "humanfriendly",
    "idna": "idna",
    "importlib_metadata": "importlib-metadata",
    "isodate": "isodate",
    "jmespath": "jmespath",
    "jsonpickle": "jsonpickle",
    "jsonschema": "jsonschema",
    "jwt": "pyjwt",
    "knack": "knack",
    "msal": "msal",
    "msal_extensions": "msal-extensions",
    "msrest": "msrest",
    "msrestazure": "msrestazure",
    "nacl": "pynacl",
    "numpy": "numpy",
    "oauthlib": "oauthlib",
    "packaging": "packaging",
    "paramiko": "paramiko",
    "pathspec": "pathspec",
    "pkginfo": "pkginfo",
    "psutil": "psutil",
    "pyarrow": "pyarrow",
    "pyasn1": "pyasn1",
    "pygments": "pygments",
    "pytz": "pytz",
    "requests": "requests",
    "requests_oauthlib": "requests-oauthlib",
    "secretstorage": "secretstorage",
    "six": "six",
    "tabulate": "tabulate",
    "typing_extensions": "typing-extensions",
    "urllib3": "urllib3",
    "wrapt": "wrapt",
    "yaml": "pyyaml",
}
_OF_SDK = {
    "azureml.core": "azureml-core",
    "azureml.data": "azureml-dataset-runtime",
    "azureml.pipeline": "azureml-pipeline",
    "azureml.telemetry": "azureml-telemetry",
    "azureml.train": "azureml-train-core",
    "azureml.train.automl": "azureml-train-automl-client",
}
# All that these install at version 1.61, whatever the version that a project names.
BROUGHT: Mapping[str, Mapping[str, str]] = {
    "azureml-contrib-services": _OF_SERVER,
    "azureml-defaults": {**_OF_SERVER, **_OF_CORE},
    "azureml-inference-server-http": _OF_SERVER,
    "azureml-monitoring": _OF_SERVER,
    "azureml-sdk": {**_OF_CORE, **_OF_SDK},
}
# Modules of azureml.core for which the stand-ins are enough.
STOOD_IN = ("azureml.core.model", "azureml.core.run")
