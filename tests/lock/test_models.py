from __future__ import annotations

from dataclasses import replace

import pytest

from hatch_mlpackage.context.build import build_context
from hatch_mlpackage.context.package import inspect_project
from hatch_mlpackage.errors import ConfigurationError, ContextError, LockError, Problem, UnavailableError
from hatch_mlpackage.lock.models import RemoteModel, public, read_models, to_text
from hatch_mlpackage.lock.project_lock import lock_project
from hatch_mlpackage.project.config.model_url import url_problem
from hatch_mlpackage.project.pyproject import load_project

SHA_OF_ONE = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
SHA_OF_TWO = "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"


@pytest.fixture
def store(web):
    """Give a store that has a model, whose clients trust its certificate."""
    web.put("/model.onnx", b"one")
    return web


@pytest.fixture
def project(copy_project, store, tmp_path, monkeypatch):
    """Give a project that declares its model by URL, has its own cache and needs no packages."""
    monkeypatch.setenv("MLPACKAGE_CACHE_DIR", str(tmp_path / "cache"))
    loaded = load_project(copy_project("minimal"))
    table = {
        **loaded.table,
        "dependencies": [],
        "pin-base-image": False,
        "models": [{"name": "remote", "path": f"{store.url}/model.onnx"}],
        "private-hosts": ["127.0.0.1"],
    }
    return replace(loaded, table=table)


def lock(project, **options):
    said = []
    lock_project(project, report=said.append, **options)
    return said


def with_model(project, **keys):
    """Return the project with other keys in the table of its model."""
    (model,) = project.table["models"]
    return replace(project, table={**project.table, "models": [{**model, **keys}]})


def cached(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache/models").iterdir())


def test_locks_and_generates(project, store, tmp_path):
    """The lock records the model's hash, and the context gets the file without another request."""
    said = lock(project)
    store.asked.clear()

    manifest = build_context(project, tmp_path / "context")

    path = "azureml-models/remote/1/model.onnx"
    assert (tmp_path / "context" / path).read_text() == "one"
    assert [file.sha256 for file in manifest.files if file.path == path] == [SHA_OF_ONE]
    assert read_models((project.root / "locks/models.toml").read_bytes()) == (
        RemoteModel(name="remote", version="1", url=f"{store.url}/model.onnx", sha256=SHA_OF_ONE, size=3),
    )
    assert f"Fetched the model remote 1 ({store.url}/model.onnx), 0.0 MB." in said
    assert (store.asked, cached(tmp_path)) == ([], [SHA_OF_ONE])


def test_what_is_locked_and_here_is_not_fetched_again(project, store):
    """A second lock sends no request to the store."""
    lock(project)
    store.asked.clear()

    lock(project)

    assert store.asked == []


def test_a_clone_fetches_the_same(project, tmp_path):
    """With an empty cache, locking fetches the locked bytes again and leaves the lock unchanged."""
    lock(project)
    text = (project.root / "locks/models.toml").read_text()
    (tmp_path / "cache/models" / SHA_OF_ONE).unlink()

    lock(project)

    assert ((project.root / "locks/models.toml").read_text(), cached(tmp_path)) == (text, [SHA_OF_ONE])


def test_another_file_at_the_url(project, store, tmp_path):
    """A file that changed at its URL is refused until an upgrade, and none of it is kept."""
    lock(project)
    (tmp_path / "cache/models" / SHA_OF_ONE).unlink()
    store.put("/model.onnx", b"two")
    text = (project.root / "locks/models.toml").read_text()

    with pytest.raises(LockError) as raised:
        lock(project)

    assert str(raised.value) == (
        f"The model remote 1 ({store.url}/model.onnx) is another file than the one that was locked: "
        f"sha256 {SHA_OF_TWO}, not {SHA_OF_ONE}. Run `mlpackage lock --upgrade` to take it."
    )
    assert ((project.root / "locks/models.toml").read_text(), cached(tmp_path)) == (text, [])
    lock(project, upgrade=True)
    assert cached(tmp_path) == [SHA_OF_TWO]


def problems_of(project):
    with pytest.raises(ConfigurationError) as raised:
        inspect_project(project)
    return [str(problem) for problem in raised.value.problems]


def test_not_locked(project, store):
    """A model that was never fetched, or whose URL has changed, is a problem that names the command."""
    where = "tool.mlpackage.models[0].path"
    fix = "is not locked. Run `mlpackage lock`, which fetches it."
    assert problems_of(project) == [f"{where}: {store.url}/model.onnx {fix}"]
    lock(project)

    assert problems_of(with_model(project, path=f"{store.url}/other.onnx")) == [
        f"{where}: {store.url}/other.onnx {fix}"
    ]


def test_locked_elsewhere(project, store, tmp_path):
    """A locked model that this machine lacks is a problem that names the command."""
    lock(project)
    (tmp_path / "cache/models" / SHA_OF_ONE).unlink()

    assert problems_of(project) == [
        (
            f"tool.mlpackage.models[0].path: {store.url}/model.onnx is locked, but not on this machine. "
            "Run `mlpackage lock`, which fetches it."
        )
    ]


def test_a_damaged_cache(project, tmp_path):
    """A cached file that differs from the locked one never reaches a context."""
    lock(project)
    place = tmp_path / "cache/models" / SHA_OF_ONE
    place.write_text("ONE")

    with pytest.raises(ContextError) as raised:
        build_context(project, tmp_path / "context")

    assert str(raised.value) == f"{place}: is not the file that was locked. Remove it, and run: mlpackage lock"
    assert not (tmp_path / "context").exists()


@pytest.mark.parametrize("text", ["[", "models = 3", "[[models]]\nname = 1", '[[models]]\nother = "x"'])
def test_a_damaged_record(project, text):
    """A damaged record is one problem that says how to repair it."""
    (project.root / "locks/models.toml").write_text(text)

    (problem,) = problems_of(project)

    assert problem.startswith("locks/models.toml: models.toml is damaged: ")
    assert problem.endswith("Restore it from version control, or remove it and run `mlpackage lock`.")


def test_no_such_file(project, store):
    """A URL without a file is an error of the project."""
    with pytest.raises(LockError, match="There is no model remote 1"):
        lock(with_model(project, path=f"{store.url}/nowhere.onnx"))


def test_no_server(project, tmp_path):
    """A store that cannot be reached is an outside error and leaves no file behind."""
    with pytest.raises(UnavailableError, match="cannot be fetched"):
        lock(with_model(project, path="https://127.0.0.1:9/model.onnx"))
    assert cached(tmp_path) == []


@pytest.mark.parametrize("verb", [inspect_project, lock])
@pytest.mark.parametrize(
    "path", ["file:///etc/passwd", "https://me:secret@store.example/m", "https://s.example/m?sig=s"]
)
def test_urls_that_are_refused(project, tmp_path, verb, path):
    """A URL that must not be read is refused with its key, by every verb, before anything is fetched."""
    what, fix = url_problem(path)

    with pytest.raises(ConfigurationError) as raised:
        verb(with_model(project, path=path))

    assert raised.value.problems == (Problem(where="tool.mlpackage.models[0].path", what=what, fix=fix),)
    assert not (tmp_path / "cache/models").exists()


def test_a_private_host(project, store, tmp_path):
    """A model from this machine is refused unless its host is listed."""
    with pytest.raises(LockError) as raised:
        lock(replace(project, table={**project.table, "private-hosts": []}))

    assert str(raised.value) == (
        f"The model remote 1 ({store.url}/model.onnx) cannot be fetched: 127.0.0.1 is this machine or on a private "
        'network. If the model is there, list the host: private-hosts = ["127.0.0.1"].'
    )
    assert cached(tmp_path) == []


def test_a_declared_hash(project, store, tmp_path):
    """The first fetch already takes the declared file alone, and keeps nothing of another one."""
    with pytest.raises(LockError) as raised:
        lock(with_model(project, sha256=SHA_OF_TWO))

    assert str(raised.value) == (
        f"The model remote 1 ({store.url}/model.onnx) is another file than the one that pyproject.toml names: "
        f"sha256 {SHA_OF_ONE}, not {SHA_OF_TWO}. Nothing of it was kept. Ask its author, or correct the sha256 in the "
        "model's table."
    )
    assert cached(tmp_path) == []
    lock(with_model(project, sha256=SHA_OF_ONE.upper()))
    assert cached(tmp_path) == [SHA_OF_ONE]


def test_a_hash_that_is_declared_later(project, store):
    """A lock of another file than the declared one does not count: `generate` says so, and `lock` fetches it."""
    lock(project)
    changed = with_model(project, sha256=SHA_OF_TWO)

    assert problems_of(changed) == [
        (
            f"tool.mlpackage.models[0].path: {store.url}/model.onnx is not locked with the sha256 {SHA_OF_TWO}. "
            "Run `mlpackage lock`, which fetches it."
        )
    ]
    store.put("/model.onnx", b"two")
    lock(changed)
    assert [model.sha256 for model in read_models((project.root / "locks/models.toml").read_bytes())] == [SHA_OF_TWO]


def test_a_declared_file_that_is_here(project, store, tmp_path):
    """A file that is in the cache under the declared hash is not fetched."""
    lock(project)
    (project.root / "locks/models.toml").unlink()
    store.asked.clear()

    lock(with_model(project, sha256=SHA_OF_ONE))

    (model,) = read_models((project.root / "locks/models.toml").read_bytes())
    assert (store.asked, model.sha256, model.size) == ([], SHA_OF_ONE, 3)


def test_plain_http(project, plain_web, tmp_path):
    """Over http a model needs a hash, declared or locked, for every verb, and again for an upgrade."""
    plain_web.put("/model.onnx", b"one")
    plain = with_model(project, path=f"{plain_web.url}/model.onnx")
    problem = (
        "tool.mlpackage.models[0].path: is fetched over http, where anyone on the way can replace the file. "
        'Write https, or give the hash of the file in the table of the model: sha256 = "…".'
    )

    assert problems_of(plain) == [problem]
    with pytest.raises(ConfigurationError) as raised:
        lock(plain)
    assert (str(raised.value), plain_web.asked) == (problem, [])
    lock(with_model(plain, sha256=SHA_OF_ONE))
    (tmp_path / "cache/models" / SHA_OF_ONE).unlink()
    lock(plain)
    assert cached(tmp_path) == [SHA_OF_ONE]
    with pytest.raises(ConfigurationError):
        lock(plain, upgrade=True)


@pytest.mark.parametrize("length", [{}, {"Content_Length": "1000001"}, {"Content_Length": "99999999999"}])
def test_a_file_that_is_too_large(project, store, tmp_path, length):
    """A file that is larger than it may be is refused as it arrives, whatever the server says of its length."""
    store.put("/model.onnx", bytes(1_000_001), **length)
    if not length:
        del store.answers["/model.onnx"][1]["Content-Length"]

    with pytest.raises(LockError) as raised:
        lock(with_model(project, **{"max-size-mb": 1}))

    assert str(raised.value) == (
        f"The model remote 1 ({store.url}/model.onnx) is larger than 1 MB. Nothing of it was kept. If it is to be as "
        "large, set max-size-mb in its table."
    )
    assert cached(tmp_path) == []


def test_a_file_that_is_larger_than_the_locked_one(project, store, tmp_path):
    """Of a file that is larger than the locked one, no more is read than shows it."""
    lock(project)
    (tmp_path / "cache/models" / SHA_OF_ONE).unlink()
    store.put("/model.onnx", b"three")

    with pytest.raises(LockError) as raised:
        lock(project)

    assert str(raised.value) == (
        f"The model remote 1 ({store.url}/model.onnx) is larger than the file that was locked (3 bytes): it is another "
        "one. Run `mlpackage lock --upgrade` to take it."
    )


def test_public():
    """`public` removes from a URL whatever may be secret."""
    assert public("https://me:pw@store.example:8443/a/b.onnx?sig=x#y") == "https://store.example:8443/a/b.onnx"
    assert public("https://[::1/no/url") == ""


def test_round_trip():
    """A record is read as it was written, whatever characters its texts hold."""
    model = RemoteModel(name='a"\\\x7f', version="1", url="s3://b/ü\U0001f600", sha256=SHA_OF_ONE, size=3)

    assert read_models(to_text([model, model]).encode()) == (model, model)
