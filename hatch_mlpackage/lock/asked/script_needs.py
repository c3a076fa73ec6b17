"""Replace the original server's packages: the image has a server of its own, and scripts keep what they import.

An entry script written for the original server lists `azureml-defaults`, which installed that server into the model's
environment and pinned dozens of packages there. The lock leaves it out, and names the packages that the script itself
imports of those that it brought.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

if TYPE_CHECKING:
    from hatch_mlpackage.lock.asked.requirements import Requirements
    from hatch_mlpackage.project.sources.entry_script import EntryScript

# Distributions that only served, and what replaces each. `azureml-core` is not among them: a project that names it may
# use more of it than the stand-in for `Model.get_model_path` has.
SERVING = {
    "azureml-contrib-services": "the server's module of AMLRequest and AMLResponse",
    "azureml-defaults": "the server in the image",
    "azureml-inference-server-http": "the server in the image",
    "azureml-monitoring": "a collector that collects nothing",
}
# Modules that those brought and scripts import → requirement.
_BROUGHT = {
    "flask": "flask",
    "flask_cors": "flask-cors",
    "inference_schema": "inference-schema",
}
# Modules of inference-schema that need one of its extras → extra.
_SCHEMA_EXTRAS = {
    "inference_schema.parameter_types.numpy_parameter_type": "numpy-support",
    "inference_schema.parameter_types.pandas_parameter_type": "pandas-support",
}
# Modules whose requests and responses are werkzeug's.
_RAW = ("azureml.contrib.services", "azureml_inference_server_http")
_WERKZEUG, _FLASK = "werkzeug", "flask"


def replace_serving(requirements: Requirements, script: EntryScript) -> Requirements:
    """Leave out what the server replaces, and add what the script needs of it; each change gets a note."""
    asked = [(Requirement(text).name, text) for text in requirements.requirements]
    dropped = sorted((name, text) for name, text in asked if name in SERVING)
    kept = [text for name, text in asked if name not in SERVING]
    names = {name for name, _ in asked} - SERVING.keys()
    added = dict(_needed(script, names, after=tuple(dict.fromkeys(name for name, _ in dropped))))
    notes = [
        *(f"{text} is left out: {SERVING[name]} replaces it." for name, text in dropped),
        *(f"{requirement} is added: {reason}." for requirement, reason in added.items()),
    ]
    return replace(
        requirements,
        requirements=tuple(sorted([*kept, *added])),
        notes=(*requirements.notes, *notes),
    )


def _needed(script: EntryScript, asked: AbstractSet[str], *, after: Sequence[str]) -> Iterator[tuple[str, str]]:
    brought = " and ".join(after)
    for module, distribution in _BROUGHT.items():
        if after and distribution not in asked and script.uses(module):
            yield _with_extras(distribution, script), f"the script imports {module}, which {brought} brought"
    if not {_WERKZEUG, _FLASK} & asked and (script.call_style == "rawhttp" or any(map(script.uses, _RAW))):
        yield _WERKZEUG, "the script takes the raw request, an object of this package"


def _with_extras(distribution: str, script: EntryScript) -> str:
    extras = sorted(extra for module, extra in _SCHEMA_EXTRAS.items() if script.uses(module))
    return f"{distribution}[{','.join(extras)}]" if distribution == "inference-schema" and extras else distribution
