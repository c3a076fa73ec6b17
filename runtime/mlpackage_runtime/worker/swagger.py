"""Describe the service in Swagger 2.0, OpenAPI 3.0 and OpenAPI 3.1, as the original server did."""

import importlib
import json
import logging
import os
import sys
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from mlpackage_runtime.frames import WorkerSettings

Json = Dict[str, Any]

log = logging.getLogger("azmlinfsrv.swagger")


class Version(NamedTuple):
    """A version of the document: the names by which clients ask for it, the user's files for it, and its writer."""

    names: Tuple[str, ...]
    files: Tuple[str, ...]
    write: Callable[[WorkerSettings, Json, Json], Json]


def documents(service: WorkerSettings, run: Callable[..., Any]) -> Tuple[Dict[str, Optional[str]], List[str]]:
    """Return the document for each name of a version, or None where the script cannot have it, and the supported names.

    The content of the user's own file in the app root is served as it is.
    """
    found: Dict[str, Optional[str]] = {}
    supported = []
    for version in VERSIONS:
        own = _own_file(service.app_root, version.files)
        text = json.dumps(own) if own else _generated(service, run, version)
        found.update(dict.fromkeys(version.names, text))
        if text is not None:
            supported.append(version.names[0])
    log.info("Swaggers are prepared for the following versions: [%s].", ", ".join(supported))
    return found, supported


def _own_file(app_root: str, files: Tuple[str, ...]) -> Optional[Json]:
    loaded = (_loaded(os.path.join(app_root, name)) for name in files)
    return next(filter(None, loaded), None)


def _loaded(path: str) -> Optional[Json]:
    try:
        with open(path, encoding="utf-8") as file:
            document: Json = json.load(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        log.error("%s cannot be used: %s", path, error)  # noqa: TRY400 - the text says it all
        return None
    if document:
        log.info("Loaded user's swagger file from %s", path)
    return document


def _generated(service: WorkerSettings, run: Callable[..., Any], version: Version) -> Optional[str]:
    try:
        schemas = _schemas(run, version)
        return None if schemas is None else json.dumps(version.write(service, *schemas))
    except Exception:
        log.exception("The swagger document %s cannot be made for this script", version.names[0])
        return None


def _schemas(run: Callable[..., Any], version: Version) -> Optional[Tuple[Json, Json]]:
    if "inference_schema" in sys.modules:
        schema_util = importlib.import_module("inference_schema.schema_util")
        supported = getattr(schema_util, "get_supported_versions", None)  # absent before inference-schema 1.5
        if supported is not None and not set(version.names) & set(supported(run)):
            return None
        if schema_util.is_schema_decorated(run):
            return schema_util.get_input_schema(run), schema_util.get_output_schema(run)
    anything = {"type": "object", "example": {}}
    return anything, anything


def _prefix(service: WorkerSettings) -> str:
    stripped = service.service_path_prefix.strip("/")
    return f"/{stripped}" if service.service_path_prefix else ""


def _info(service: WorkerSettings) -> Json:
    return {
        "title": service.service_name,
        "description": f"API specification for the Azure Machine Learning service {service.service_name}",
        "version": service.service_version,
    }


BEARER = {"type": "apiKey", "name": "Authorization", "in": "header", "description": "For example: Bearer abc123"}
ERROR_SCHEMA = {"type": "object", "properties": {"message": {"type": "string"}}}

HEALTH = {
    "operationId": "ServiceHealthCheck",
    "description": "Simple health check endpoint to ensure the service is up at any given point.",
}
SCORE = {"operationId": "RunMLService", "description": "Run web service's model and get the prediction output"}
SPEC = {"operationId": "GetSwaggerSpec", "description": "Get the Swagger specification."}

INPUT_TEXT = "The input payload for executing the real-time machine learning service."
HEALTHY_TEXT = "If service is up and running, this response will be returned with the content 'Healthy'"
SCORED_TEXT = "The service processed the input correctly and provided a result prediction, if applicable."
FAILED_TEXT = "The service failed to execute due to an error."
SPEC_TEXT = "The Swagger specification."


def _swagger_2(service: WorkerSettings, input_schema: Json, output_schema: Json) -> Json:
    failed = {"description": FAILED_TEXT, "schema": {"$ref": "#/definitions/ErrorResponse"}}

    def responses(text: str, **content: Any) -> Json:
        return {"200": {"description": text, **content}, "default": failed}

    text = {"type": "string"}
    version = {"name": "version", "in": "query", "required": False, "type": "integer", "enum": [2, 3]}
    payload = {
        "name": "serviceInputPayload",
        "in": "body",
        "description": INPUT_TEXT,
        "schema": {"$ref": "#/definitions/ServiceInput"},
    }
    health = responses(HEALTHY_TEXT, schema=text, examples={"application/json": "Healthy"})
    scored = responses(SCORED_TEXT, schema={"$ref": "#/definitions/ServiceOutput"})
    prefix = _prefix(service)
    return {
        "swagger": "2.0",
        "info": _info(service),
        "schemes": ["https"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {"Bearer": BEARER},
        "paths": {
            f"{prefix}/": {"get": {**HEALTH, "responses": health}},
            f"{prefix}/score": {
                "post": {**SCORE, "security": [{"Bearer": []}], "parameters": [payload], "responses": scored}
            },
            f"{prefix}/swagger.json": {
                "get": {**SPEC, "parameters": [version], "responses": responses(SPEC_TEXT, schema=text)}
            },
        },
        "definitions": {"ServiceInput": input_schema, "ServiceOutput": output_schema, "ErrorResponse": ERROR_SCHEMA},
    }


def _openapi(number: str) -> Callable[[WorkerSettings, Json, Json], Json]:
    def content(kind: str, schema: Json) -> Json:
        return {"content": {kind: {"schema": schema}}}

    def reference(name: str) -> Json:
        return content("application/json", {"$ref": f"#/components/schemas/{name}"})

    failed = {"description": FAILED_TEXT, **reference("ErrorResponse")}

    def responses(text: str, body: Json) -> Json:
        return {"200": {"description": text, **body}, "default": failed}

    def write(service: WorkerSettings, input_schema: Json, output_schema: Json) -> Json:
        health = responses(HEALTHY_TEXT, content("text/plain", {"type": "string", "example": "Healthy"}))
        scored = responses(SCORED_TEXT, reference("ServiceOutput"))
        spec = responses(SPEC_TEXT, content("text/plain", {"type": "string"}))
        version = {"name": "version", "in": "query", "required": False, "schema": {"type": "integer", "enum": [2, 3]}}
        payload = {"description": INPUT_TEXT, **reference("ServiceInput")}
        prefix = _prefix(service)
        schemas = {"ServiceInput": input_schema, "ServiceOutput": output_schema, "ErrorResponse": ERROR_SCHEMA}
        return {
            "openapi": number,
            "info": _info(service),
            "security": [{"Bearer": []}],
            "paths": {
                f"{prefix}/": {"get": {**HEALTH, "responses": health}},
                f"{prefix}/score": {
                    "post": {**SCORE, "security": [{"Bearer": []}], "requestBody": payload, "responses": scored}
                },
                f"{prefix}/swagger.json": {"get": {**SPEC, "parameters": [version], "responses": spec}},
            },
            "components": {"schemas": schemas, "securitySchemes": {"Bearer": BEARER}},
        }

    return write


VERSIONS = (
    Version(("2", "2.0"), ("swagger.json", "swagger2.json"), _swagger_2),
    Version(("3", "3.0"), ("swagger3.json",), _openapi("3.0.3")),
    Version(("3.1",), ("swagger3.1.json",), _openapi("3.1.0")),
)
