"""Any content of a file is read or reported as a problem."""

from __future__ import annotations

import json
import tomllib

import pytest
import tomlkit
import yaml
from hypothesis import given, settings, strategies as st

from hatch_mlpackage.errors import Problems
from hatch_mlpackage.project.azureml_files.conda_text import as_environment_file, in_place
from hatch_mlpackage.project.azureml_files.configurations import read_configuration
from hatch_mlpackage.project.azureml_files.deployment import DeploymentConfiguration
from hatch_mlpackage.project.azureml_files.documents import read_document
from hatch_mlpackage.project.azureml_files.environment import Docker, EnvironmentDefinition, Python
from hatch_mlpackage.project.azureml_files.inference import (
    InferenceConfiguration,
    read_environment_file,
)
from hatch_mlpackage.project.azureml_files.nodes import node_of
from hatch_mlpackage.project.azureml_files.online import CodeConfiguration, OnlineDeployment, OnlineEnvironment
from hatch_mlpackage.project.azureml_files.places import Places
from hatch_mlpackage.project.azureml_files.read_online import read_online_environment
from hatch_mlpackage.project.azureml_files.shapes import keys_of

SHAPES = (InferenceConfiguration, EnvironmentDefinition, Python, Docker, DeploymentConfiguration)
ONLINE_SHAPES = (OnlineDeployment, OnlineEnvironment, CodeConfiguration)
KEYS = sorted({key for shape in SHAPES for key in keys_of(shape)})
ONLINE_KEYS = sorted({key for shape in ONLINE_SHAPES for key in keys_of(shape)})
KNOWN_VALUES = (
    *("score.py", "python", "local", "aks", "python=3.8", "..", "/", "Linux", "a b", "{{x}}", ""),
    *("azureml:x:1", "./model", "https://e.example/x"),
    *("a" * 300, "/" * 5000),
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8)
    | st.sampled_from(KNOWN_VALUES)
)
keys = st.sampled_from([*KEYS, "dependencies", "channels", "pip", "conda", "A"]) | st.text(max_size=4)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=25,
)
documents = st.dictionaries(keys, trees, max_size=8).map(lambda tree: {"entryScript": "score.py", **tree})
online_documents = st.dictionaries(st.sampled_from(ONLINE_KEYS), trees, max_size=8).map(
    lambda tree: {"endpoint_name": "e", "code_configuration": {"scoring_script": "score.py"}, **tree}
)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    (root / "score.py").write_text("def init():\n    pass\n")
    return Places(root=root, here=root, beside=root)


def try_all(node, places):
    """Read a document as each kind of file, convert what can be read, and check that TOML can hold the table."""
    problems = Problems()
    read_environment_file(node, Problems())
    read_online_environment(node, Problems())
    configuration = read_configuration(node, None, problems)
    if not problems.found:
        found = Problems()
        both = read_configuration(node, node, found)
        configuration = configuration if found.found else both
        conversion = configuration.converted(places, problems)
        assert tomllib.loads(tomlkit.dumps(dict(conversion.table))) == conversion.table
        assert {row.outcome for row in conversion.rows} <= {"taken", "no meaning", "unknown", "repeated", "by hand"}
        configuration.converted(places, problems, in_place=True)
    assert all(problem.where and problem.what for problem in problems.found)


@settings(max_examples=150, deadline=None)
@given(tree=documents | online_documents)
def test_any_tree(tree, places):
    """Values of any type under any key become a table that TOML can hold, or problems with their places."""
    problems = Problems()
    node = read_document(json.dumps(tree).encode(), "ic.json", problems)
    try_all(node_of(tree, "ic") if node is None else node, places)


@settings(max_examples=100, deadline=None)
@given(tree=trees)
def test_json_and_yaml_are_one(tree):
    """JSON and YAML give the values that their standard readers give."""
    problems = Problems()

    as_json = read_document(json.dumps(tree).encode(), "ic.json", problems)

    assert problems.found == () or as_json is None
    if as_json is not None:
        assert as_json.plain() == tree
        written = yaml.safe_dump(tree, allow_unicode=True).encode()
        as_yaml = read_document(written, "ic.json", problems)
        assert as_yaml is None or as_yaml.plain() == yaml.safe_load(written)


@settings(max_examples=200, deadline=None)
@given(
    content=st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.text(alphabet='{}[]:,"\\ \n\t-&*!|>%#a1.', max_size=40).map(str.encode)
)
def test_any_bytes(content, places):
    """Any bytes are read as a document or reported as a problem with its place."""
    problems = Problems()

    node = read_document(content, "ic.json", problems)

    assert (node is None) == bool(problems.found)
    if node is not None:
        try_all(node, places)


@settings(max_examples=100, deadline=None)
@given(
    listed=st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=12)
    ),
    pip=st.lists(
        st.sampled_from(["a==1", "b[x]>=2", "c @ https://e.example/c.whl", "- d", "e: f", "#g", "yes", "1.0"])
    ),
)
def test_conda_dependencies_are_written_as_they_are(listed, pip):
    """A requirement keeps its text in the environment file and in place, even where YAML would change it."""
    dependencies = [*listed, {"pip": pip}]
    node = node_of({"channels": ["c"], "dependencies": dependencies}, "ic.json")
    expected = {"channels": ["c"], "dependencies": [*listed, {"pip": pip}] if pip else listed or None}

    assert yaml.safe_load(as_environment_file(node)) == expected
    assert yaml.safe_load(in_place(node)) == {**expected, "dependencies": expected["dependencies"] or []}
