"""Build contexts whose models are not copied: the builder takes them by name from their own folders."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from errno import EACCES
from pathlib import Path

import pytest

from hatch_mlpackage.context.build import build_context, build_tar, plan_context
from hatch_mlpackage.context.diff import FileChange, compare, read_side
from hatch_mlpackage.context.manifest import ManifestFile, read_manifest
from hatch_mlpackage.context.named_contexts import check_named_models, find_models
from hatch_mlpackage.context.package import inspect_project
from hatch_mlpackage.context.verify import reason_to_keep, verify_context
from hatch_mlpackage.errors import ConfigurationError, ContextError
from hatch_mlpackage.lock.models import RemoteModel, place_of, to_text
from hatch_mlpackage.project.pyproject import load_project

WHERE = "tool.mlpackage.models[0].path"
KEEP = 'or leave image.models at "copied".'


@pytest.fixture
def project(copy_project):
    return load_project(copy_project("named-models"))


@pytest.fixture
def context(project, tmp_path):
    build_context(project, tmp_path / "context")
    return tmp_path / "context"


def with_model(project, path, **model):
    return replace(project, table={**project.table, "models": [{"name": "only", "path": path, **model}]})


def problems_of(project):
    with pytest.raises(ConfigurationError) as raised:
        inspect_project(project)
    return [str(problem) for problem in raised.value.problems]


def test_no_model_is_in_the_context(context):
    """The context holds the hashes of the models' files instead of the files, and the manifest lists them."""
    manifest = read_manifest(context)
    below = sorted(path.relative_to(context).as_posix() for path in (context / "azureml-models").rglob("*.*"))

    assert (below, sorted(path.name for path in context.rglob("SHA256SUMS"))) == ([], ["SHA256SUMS", "SHA256SUMS"])
    assert [(file.path, file.size, file.mode, file.named_context) for file in manifest.not_copied] == [
        ("azureml-models/bert/1/bert/config.json", 3, "0755", "model-2"),
        ("azureml-models/bert/1/bert/onnx/model.onnx", 5, "0755", "model-2"),
        ("azureml-models/ridge/3/ridge.bin", 7, "0644", "model-1"),
    ]
    assert manifest.about["named_contexts"] == {"model-1": "models/ridge.bin", "model-2": "models/bert"}
    assert (context / "azureml-models/bert/1/SHA256SUMS").read_text() == "".join(
        f"{file.sha256}  {file.path.removeprefix('azureml-models/bert/1/')}\n"
        for file in manifest.not_copied
        if file.layer == "azureml-models/bert/1"
    )


def test_the_bill_is_that_of_copied_models(project, context, tmp_path):
    """The bill of materials lists the models with the same hashes as if they were copied."""
    table = {key: value for key, value in project.table.items() if key != "image"}
    build_context(replace(project, table=table), tmp_path / "copied")

    bills = [(folder / "sbom.cdx.json").read_bytes() for folder in (context, tmp_path / "copied")]

    assert bills[0] == bills[1]


def test_verify_and_replace(project, context):
    """The context verifies without its models and can be replaced; a model file in it counts as added."""
    assert verify_context(context) == ()
    assert reason_to_keep(context) == ""
    build_context(project, context)

    (context / "azureml-models/ridge/3/ridge.bin").write_text("weights")

    assert verify_context(context) == ("azureml-models/ridge/3/ridge.bin: added",)


def test_diff_names_a_changed_model(project, context, tmp_path):
    """A retrained model changes its own layer, by its file and its hash."""
    (project.root / "models/ridge.bin").write_text("better weights")
    build_context(project, tmp_path / "after")

    found = compare(read_side(context), read_side(tmp_path / "after"))

    assert [layer.name for layer in found.layers] == ["azureml-models/ridge/3", "manifest"]
    assert found.layers[0].files == (
        FileChange(path="azureml-models/ridge/3/SHA256SUMS", kind="changed", before=76, after=76),
        FileChange(path="azureml-models/ridge/3/ridge.bin", kind="changed", before=7, after=14),
    )
    assert found.rebuilt == ("azureml-models/ridge/3", "azureml-models/bert/1", "source", "manifest")


def test_where_they_are(project, context):
    """The builder gets the models' folders with links resolved."""
    models = (project.root / "models").resolve()
    assert find_models(project, read_manifest(context)) == {"model-1": models, "model-2": models / "bert"}

    (project.root / "models").rename(project.root / "elsewhere")
    (project.root / "models").symlink_to("elsewhere")

    elsewhere = project.root.resolve() / "elsewhere"
    assert find_models(project, read_manifest(context)) == {"model-1": elsewhere, "model-2": elsewhere / "bert"}
    check_named_models(project, read_manifest(context))


def test_other_models_are_named_before_the_build(project, context):
    """The error names each model file that differs from the manifest, with the reason."""
    ridge, config = (project.root / "models" / name for name in ("ridge.bin", "bert/config.json"))
    model = project.root / "models/bert/onnx/model.onnx"
    ridge.write_text("WEIGHTS")
    config.write_text("")
    model.unlink()

    with pytest.raises(ContextError) as raised:
        check_named_models(project, read_manifest(context))

    assert str(raised.value) == (
        "The models are not the ones that the context was made for:\n"
        f"{config}: 0 bytes, expected 3\n{model}: No such file or directory\n{ridge}: other contents\n"
        "Make the context again: mlpackage generate. If the project is elsewhere, name its folder with --project."
    )


def test_a_tar_has_no_models_either(project, context, tmp_path):
    """The tar has the same manifest as the folder, and no model file."""
    manifest = build_tar(project, tmp_path / "context.tar")

    with tarfile.open(tmp_path / "context.tar") as tar:
        names = {member.name for member in tar if member.isreg()}
    assert manifest == read_manifest(context)
    assert names == {path.relative_to(context).as_posix() for path in context.rglob("*") if path.is_file()}


def test_the_folder_does_not_matter(project, context, copy_project, tmp_path):
    """The context does not depend on where the project and its models are."""
    other = load_project(copy_project("named-models", "elsewhere/again"))

    build_context(other, tmp_path / "other")

    assert read_manifest(tmp_path / "other").digest == read_manifest(context).digest


def test_modes_are_the_contexts(project, context, tmp_path):
    """A model that only its owner may read gives the same context as a readable one."""
    for path in (project.root / "models").rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)

    build_context(project, tmp_path / "other")

    assert read_manifest(tmp_path / "other").digest == read_manifest(context).digest


def test_a_remote_model_comes_from_the_cache(project, tmp_path, monkeypatch):
    """A fetched model stays in the cache, where its name is its hash."""
    monkeypatch.setenv("MLPACKAGE_CACHE_DIR", str(tmp_path / "cache"))
    url, digest = "https://models.example/m.onnx", "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"
    project = with_model(project, url)
    (project.root / "locks/models.toml").write_text(
        to_text([RemoteModel(name="only", version="1", url=url, sha256=digest, size=3)])
    )
    place = place_of(tmp_path / "cache", digest)
    place.parent.mkdir(parents=True)
    place.write_text("two")

    manifest = build_context(project, tmp_path / "context")

    copy = f'COPY --from=model-1 --chmod=0644 ["{digest}", "/var/azureml-app/azureml-models/only/1/m.onnx"]'
    assert copy in (tmp_path / "context/Dockerfile").read_text().splitlines()
    assert '--build-context model-1="$CACHE/models"' in (tmp_path / "context/README.md").read_text()
    assert manifest.not_copied == (
        ManifestFile(
            path="azureml-models/only/1/m.onnx",
            layer="azureml-models/only/1",
            size=3,
            mode="0644",
            sha256=digest,
            named_context="model-1",
        ),
    )
    assert find_models(project, manifest) == {"model-1": place.parent}
    check_named_models(project, manifest)


def test_the_classic_builder(project):
    """The classic builder has no named contexts, and the error says so."""
    table = {**project.table, "image": {"models": "named-context"}}

    (said,) = problems_of(replace(project, table=table))

    assert said == (
        "tool.mlpackage.image.models: needs a builder that takes folders by name: the classic builder and kaniko see "
        'only the context. Set builder = "buildkit" in [tool.mlpackage.image], and build with BuildKit or buildah.'
    )


def test_what_a_builder_would_copy_besides(project):
    """A model's folder is refused if it holds files that do not belong in the context, as builders copy it whole."""
    bert = project.root / "models/bert"
    (bert / ".git").mkdir()
    (bert / ".git/HEAD").touch()
    (bert / "link").symlink_to("config.json")

    link, head = problems_of(with_model(project, "models/bert"))

    assert link == (
        f"{WHERE}: 'link' is a symbolic link, which builders do not follow out of a named context. "
        f"Put the file itself there, {KEEP}"
    )
    assert head == (
        f"{WHERE}: '.git/HEAD' is no part of the model, and would be: builders copy a named context whole. "
        f"Move it away, {KEEP}"
    )


def test_what_a_builder_would_leave_out(project):
    """A model beside a .dockerignore is refused, because builders apply that file to a named context."""
    (project.root / "models/.dockerignore").write_text("*\n")

    (said,) = problems_of(with_model(project, "models/ridge.bin"))

    assert said == f"{WHERE}: 'models/ridge.bin' lies beside a .dockerignore, which builders heed. Move the model away."


def test_a_folder_that_cannot_be_read(project, monkeypatch):
    """A folder of a model that cannot be listed is one of the problems, and hides none of the others."""
    bert = project.root / "models/bert"
    (bert / ".DS_Store").write_text("")
    listed = Path.iterdir

    def iterdir(path):
        if path == bert / "onnx":
            raise PermissionError(EACCES, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)

    assert problems_of(with_model(project, "models/bert")) == [
        f"{bert / 'onnx'}: cannot be read: Permission denied. Give yourself permission, or exclude it.",
        (
            f"{WHERE}: '.DS_Store' is no part of the model, and would be: builders copy a named context whole. "
            f"Move it away, {KEEP}"
        ),
    ]


def test_names_that_builders_take_for_patterns(project):
    """A name with the characters of a pattern or a variable is refused."""
    (project.root / "models/ridge.bin").rename(project.root / "models/ridge[1].bin")

    (said,) = problems_of(with_model(project, "models/ridge[1].bin"))

    assert said == (
        f"{WHERE}: 'models/ridge[1].bin' has a character that builders or shells read as something else. "
        f"Rename it, {KEEP}"
    )


def test_a_name_with_spaces(project, tmp_path):
    """A name with spaces is quoted."""
    (project.root / "models/ridge.bin").rename(project.root / "models/my ridge.bin")

    build_context(with_model(project, "models/my ridge.bin"), tmp_path / "context")

    copy = 'COPY --from=model-1 --chmod=0644 ["my ridge.bin", "/var/azureml-app/azureml-models/only/1/my ridge.bin"]'
    assert copy in (tmp_path / "context/Dockerfile").read_text().splitlines()


def test_the_plan_marks_them(project):
    """The plan gives each model file its named context."""
    plan = plan_context(project)

    assert {file.named_context for file in plan.in_layer("azureml-models/bert/1")} == {"model-2"}
