"""The service's description on /swagger.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime_service import Start

ECHO = "def init(): pass\ndef run(x): return x\n"
NESTED = """
    import numpy as np
    from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
    from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
    from inference_schema.schema_decorators import input_schema, output_schema

    def init():
        pass

    @input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
    @input_schema("mixed", StandardPythonParameterType([1, "a"]))
    @output_schema(StandardPythonParameterType({"a": 1}))
    def run(data, mixed):
        pass
"""

MIXED = """
    from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
    from inference_schema.schema_decorators import input_schema

    def init():
        pass

    @input_schema("mixed", StandardPythonParameterType([1, "a"]))
    def run(mixed):
        pass
"""


def test_names_and_schemas_stand_in_the_document(serve: Start) -> None:
    """The service's name, version and prefix, and what the decorators say about run()."""
    named = {"SERVICE_NAME": "diabetes", "SERVICE_VERSION": "7", "SERVICE_PATH_PREFIX": "/api/v1/"}
    service = serve(NESTED, **named)
    document = service.request("GET", "/swagger.json?version=3").json()
    assert document["info"] == {
        "title": "diabetes",
        "description": "API specification for the Azure Machine Learning service diabetes",
        "version": "7",
    }
    assert list(document["paths"]) == ["/api/v1/", "/api/v1/score", "/api/v1/swagger.json"]
    assert document["components"]["schemas"]["ServiceInput"]["example"] == {
        "data": [[1.0, 2.0]],
        "mixed": [1, "a"],
    }


def test_versions_that_the_script_cannot_have_are_refused(serve: Start) -> None:
    """Swagger 2 has no lists of mixed types; an unknown version is another matter."""
    service = serve(MIXED)
    answers = [service.request("GET", f"/swagger.json{query}") for query in ("", "?version=3.1", "?version=9")]
    assert [answer.status_code for answer in answers] == [404, 200, 404]
    assert answers[0].json() == {
        "message": "Swagger version [2] is not supported for the scoring script. Supported swagger versions: [3, 3.1]."
    }
    assert answers[1].json()["openapi"] == "3.1.0"
    assert answers[2].json() == {"message": "Swagger version [9] is not valid. Supported versions: [3, 3.1]."}


def test_files_of_the_project_win(serve: Start, tmp_path: Path) -> None:
    """A document of the project's own is served as it is; one that cannot be read is reported and replaced."""
    (tmp_path / "swagger2.json").write_text('{"own": 2}', encoding="utf-8")
    (tmp_path / "swagger3.json").write_text("{", encoding="utf-8")
    service = serve(ECHO)
    two, three = (service.request("GET", f"/swagger.json?version={version}").json() for version in (2, 3))
    assert (two, three["openapi"]) == ({"own": 2}, "3.0.3")
    assert f"{tmp_path}/swagger3.json cannot be used: " in service.log
    assert json.dumps(three["components"]["schemas"]["ServiceInput"]) == '{"type": "object", "example": {}}'
