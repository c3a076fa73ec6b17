from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from hatch_mlpackage.context.manifest import Manifest, ManifestFile, read_manifest
from hatch_mlpackage.context.verify import reason_to_keep, verify_context
from hatch_mlpackage.errors import ContextError

# jq -cSj "del(.digest)" manifest.json | sha256sum
DIGEST = "sha256:41d35826cd63044e699290193e9455bf6bc21679fc707596895095dcbdafad90"
SHA_OF_A = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"


def test_round_trip(context):
    """A manifest survives writing and reading, and its digest is that of the canonical JSON without the digest."""
    manifest = read_manifest(context)

    assert manifest.to_json() == (context / "manifest.json").read_text()
    assert json.loads(manifest.to_json()) == {
        "digest": DIGEST,
        "schema": 1,
        "project": {"name": "p"},
        "layers": ["source"],
        "files": [
            {"path": path, "layer": "source", "size": 1, "mode": "0644", "sha256": SHA_OF_A} for path in ("a", "sub/b")
        ],
    }
    assert [file.path for file in manifest.written] == ["a", "manifest.json", "sub/b"]
    assert manifest.size == 2 + (context / "manifest.json").stat().st_size


@given(st.lists(st.tuples(st.text(), st.integers(0), st.sampled_from(["", "model-1"]))))
def test_the_text_is_plain_json(named):
    """The text is what the standard library writes with an indent of two, whatever the names of the files."""
    files = tuple(
        ManifestFile(path=path, layer=path, size=size, mode="0644", sha256=SHA_OF_A, named_context=context)
        for path, size, context in named
    )
    manifest = Manifest(about={"project": {"name": "p"}, "none": []}, layers=("source",), files=files)

    text = manifest.to_json()

    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
    assert json.loads(text)["files"] == [file.values() for file in files]


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{}", '{"schema": 2}', '{"schema": 1, "digest": 1, "files": 3, "layers": []}', "\0"]
)
def test_a_foreign_manifest(context, text):
    """Another program's manifest.json does not make a context, whatever it holds."""
    (context / "manifest.json").write_text(text)

    with pytest.raises(ContextError, match=r"manifest\.json: not "):
        read_manifest(context)
    assert reason_to_keep(context) == "not empty and not a context that mlpackage wrote"


@pytest.mark.parametrize(
    "value", ['"\\ud800"', '{"\\udfff": 1}', "[" * 5000 + "]" * 5000], ids=["text", "key", "depth"]
)
def test_a_value_that_cannot_be_written(context, value):
    """A manifest with half a character, or lists in lists without end, is refused wherever they are."""
    (context / "manifest.json").write_text(f'{{"schema": 1, "digest": "", "layers": [], "files": [], "x": {value}}}')

    with pytest.raises(ContextError, match=r"manifest\.json: not "):
        verify_context(context)
    assert reason_to_keep(context) == "not empty and not a context that mlpackage wrote"


def test_no_manifest(tmp_path):
    """For a folder without a manifest, the error names the command that makes a context."""
    with pytest.raises(ContextError) as raised:
        verify_context(tmp_path)

    assert str(raised.value) == (
        f"{tmp_path}: not a context (manifest.json: No such file or directory). Make one with: mlpackage generate"
    )


GOOD = {"path": "a", "layer": "source", "size": 1, "mode": "0644", "sha256": SHA_OF_A}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        *(
            ([{**GOOD, "path": path}], f"files[0]: the path {path!a} {wrong}")
            for path, wrong in (
                ("../a", "does not name a file below the folder"),
                ("/etc/passwd", "does not name a file below the folder"),
                ("a/../../b", "does not name a file below the folder"),
                ("", "does not name a file below the folder"),
                ("a\\..\\b", "holds a backslash, which some systems read as a folder"),
                ("a\0b", "is not printable UTF-8"),
                ("a\nb", "is not printable UTF-8"),
                ("\ud800", "is not printable UTF-8"),
            )
        ),
        ([GOOD, GOOD], "files[1]: the path is listed twice"),
        ([{**GOOD, "path": "manifest.json"}], "files[0]: the manifest lists itself"),
        ([{**GOOD, "size": -1}], "files[0]: -1 is not a size"),
        ([{**GOOD, "mode": "644"}], "files[0]: '644' is not a mode"),
        ([{**GOOD, "mode": "4755"}], "files[0]: '4755' is not a mode"),
        ([{**GOOD, "sha256": "A" * 64}], f"files[0]: '{'A' * 64}' is not a SHA-256"),
        ([{**GOOD, "named_context": "model-1"}], "named_contexts lacks model-1"),
    ],
)
def test_what_no_context_holds(context, files, reason):
    """An entry that leads out of the context, is listed twice or is impossible is named, and the context refused."""
    values = json.loads((context / "manifest.json").read_text())
    (context / "manifest.json").write_text(json.dumps({**values, "files": files}))

    with pytest.raises(ContextError) as raised:
        read_manifest(context)

    assert str(raised.value) == (
        f"{context / 'manifest.json'}: not a manifest that mlpackage wrote: {reason}. "
        "Make the context again: mlpackage generate"
    )
    assert reason_to_keep(context) == "not empty and not a context that mlpackage wrote"


@pytest.mark.parametrize(
    "values", [{**GOOD, "size": value} for value in (True, 1.0, "1", None)] + [{**GOOD, "path": 3}, {**GOOD, "x": 1}, 3]
)
def test_values_of_another_type(context, values):
    """A value of another type is not of this schema."""
    manifest = json.loads((context / "manifest.json").read_text())
    (context / "manifest.json").write_text(json.dumps({**manifest, "files": [values]}))

    with pytest.raises(ContextError, match="not a manifest of schema 1"):
        read_manifest(context)


@pytest.mark.parametrize("place", ["/etc/debian_version", "../a", "a/../../b", "a\0", ""])
def test_a_named_context_outside_the_project(context, place):
    """A manifest cannot have a builder given a folder outside the project."""
    values = json.loads((context / "manifest.json").read_text())
    files = [{**GOOD, "named_context": "model-1"}]
    text = json.dumps({**values, "named_contexts": {"model-1": place}, "files": files})
    (context / "manifest.json").write_text(text)

    with pytest.raises(ContextError) as raised:
        read_manifest(context)

    assert f"named_contexts.model-1: {place!a} is not a model of the project." in str(raised.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["digest", "schema", "layers", "files", "named_contexts", "image"]), JSON)
def test_any_value(context, key, value):
    """Whatever a manifest holds, it is read or refused with a known error."""
    original = (context / "manifest.json").read_text()
    (context / "manifest.json").write_text(json.dumps({**json.loads(original), key: value}))
    with suppress(ContextError):
        assert isinstance(verify_context(context), tuple)
    with suppress(ContextError):
        assert read_manifest(context).image["name"]
    (context / "manifest.json").write_text(original)


@pytest.mark.parametrize(
    ("image", "what"),
    [
        (None, "its name is None"),
        ([], "its name is None"),
        ({"name": "--privileged"}, "its name is '--privileged'"),
        ({"name": "a\nb"}, "its name is 'a\\nb'"),
        ({"name": "a", "port": "80"}, "its port is '80'"),
        ({"name": "a", "port": 0}, "its port is 0"),
    ],
)
def test_an_image_that_cannot_be(image, what):
    """What a manifest says of the image is checked before it gets to a container engine."""
    with pytest.raises(ContextError) as raised:
        _ = Manifest(about={"image": image}, layers=(), files=()).image

    assert str(raised.value) == (f"The manifest describes no image: {what}. Make the context again: mlpackage generate")


def test_the_image():
    """The manifest's description of the image is given as it is."""
    image = {"name": "team/a:1", "port": 80, "environment": {}}

    assert Manifest(about={"image": image}, layers=(), files=()).image == image
