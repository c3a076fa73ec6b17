from __future__ import annotations

import functools
import http.server
import threading
from dataclasses import replace

import pytest

from hatch_mlpackage.context.build import build_context
from hatch_mlpackage.context.package import inspect_project
from hatch_mlpackage.errors import ConfigurationError, ContextError, LockError, UnavailableError
from hatch_mlpackage.lock.models import RemoteModel, public, read_models, to_text
from hatch_mlpackage.lock.project_lock import lock_project
from hatch_mlpackage.project.pyproject import load_project

SHA_OF_ONE = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
SHA_OF_TWO = "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"


@pytest.fixture
def store(tmp_path):
    """Serve a folder on loopback; yield the folder, its URL, and what was asked for."""
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "model.onnx").write_text("one")
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_request(self, *arguments):
            asked.append((self.command, self.path))

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


@pytest.fixture
def project(copy_project, store, tmp_path, monkeypatch):
    """Give a project that declares its model by URL, has its own cache and needs no packages."""
    monkeypatch.setenv("MLPACKAGE_CACHE_DIR", str(tmp_path / "cache"))
    loaded = load_project(copy_project("minimal"))
    table = {
        **loaded.table,
        "dependencies": [],
        "pin-base-image": False,
        "models": [{"name": "remote", "path": f"{store[1]}/model.onnx"}],
    }
    return replace(loaded, table=table)


def lock(project, **options):
    said = []
    lock_project(project, report=said.append, **options)
    return said


def cached(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache/models").iterdir())


def test_locks_and_generates(project, store, tmp_path):
    """The lock records the model's hash, and the context gets the file without another request."""
    said = lock(project)
    store[2].clear()

    manifest = build_context(project, tmp_path / "context")

    path = "azureml-models/remote/1/model.onnx"
    assert (tmp_path / "context" / path).read_text() == "one"
    assert [file.sha256 for file in manifest.files if file.path == path] == [SHA_OF_ONE]
    assert read_models((project.root / "locks/models.toml").read_bytes()) == (
        RemoteModel(name="remote", version="1", url=f"{store[1]}/model.onnx", sha256=SHA_OF_ONE, size=3),
    )
    assert f"Fetched the model remote 1 ({store[1]}/model.onnx), 0.0 MB." in said
    assert (store[2], cached(tmp_path)) == ([], [SHA_OF_ONE])


def test_what_is_locked_and_here_is_not_fetched_again(project, store):
    """A second lock sends no request to the store."""
    lock(project)
    store[2].clear()

    lock(project)

    assert store[2] == []


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
    (store[0] / "model.onnx").write_text("two")
    text = (project.root / "locks/models.toml").read_text()

    with pytest.raises(LockError) as raised:
        lock(project)

    assert str(raised.value) == (
        f"The model remote 1 ({store[1]}/model.onnx) is another file than the one that was locked: "
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
    assert problems_of(project) == [f"{where}: {store[1]}/model.onnx {fix}"]
    lock(project)
    moved = replace(project, table={**project.table, "models": [{"name": "remote", "path": f"{store[1]}/other.onnx"}]})

    assert problems_of(moved) == [f"{where}: {store[1]}/other.onnx {fix}"]


def test_locked_elsewhere(project, store, tmp_path):
    """A locked model that this machine lacks is a problem that names the command."""
    lock(project)
    (tmp_path / "cache/models" / SHA_OF_ONE).unlink()

    assert problems_of(project) == [
        (
            f"tool.mlpackage.models[0].path: {store[1]}/model.onnx is locked, but not on this machine. "
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


def with_path(project, path):
    return replace(project, table={**project.table, "models": [{"name": "remote", "path": path}]})


def test_no_such_file(project, store):
    """A URL without a file is an error of the project."""
    with pytest.raises(LockError, match="There is no model remote 1"):
        lock(with_path(project, f"{store[1]}/nowhere.onnx"))


def test_no_server(project, tmp_path):
    """A store that cannot be reached is an outside error and leaves no file behind."""
    with pytest.raises(UnavailableError, match="cannot be fetched"):
        lock(with_path(project, "http://127.0.0.1:9/model.onnx"))
    assert cached(tmp_path) == []


def test_another_scheme(project, tmp_path):
    """A model may have any URL that fsspec reads, and an unknown scheme is an error."""
    (tmp_path / "local.bin").write_text("two")
    lock(with_path(project, (tmp_path / "local.bin").as_uri()))
    assert cached(tmp_path) == [SHA_OF_TWO]

    with pytest.raises(UnavailableError, match="Protocol not known: nonsense"):
        lock(with_path(project, "nonsense://bucket/model"))


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (
            "https://me:secret@store.example/model.onnx",
            (
                "tool.mlpackage.models[0].path: the URL holds a password, or a query, which may be a signature. "
                "Write the URL without it, and put the credentials into the settings of the store."
            ),
        ),
        (
            "https://store.example/model.onnx?sig=secret",
            (
                "tool.mlpackage.models[0].path: the URL holds a password, or a query, which may be a signature. "
                "Write the URL without it, and put the credentials into the settings of the store."
            ),
        ),
        (
            "s3://bucket/folder/",
            (
                "tool.mlpackage.models[0].path: 's3://bucket/folder/' does not name a file. "
                "A model that is declared by URL is one file."
            ),
        ),
    ],
)
def test_urls_that_are_refused(project, path, problem):
    """A URL that holds a password or a query, or that names a folder, is refused."""
    assert problem in problems_of(with_path(project, path))


def test_public():
    """`public` removes from a URL whatever may be secret."""
    assert public("https://me:pw@store.example:8443/a/b.onnx?sig=x#y") == "https://store.example:8443/a/b.onnx"


def test_round_trip():
    """A record is read as it was written, whatever characters its texts hold."""
    model = RemoteModel(name='a"\\\x7f', version="1", url="s3://b/ü\U0001f600", sha256=SHA_OF_ONE, size=3)

    assert read_models(to_text([model, model]).encode()) == (model, model)
