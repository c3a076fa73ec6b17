from __future__ import annotations

import base64
import json
import shutil
import tomllib
from pathlib import Path

import pytest

from hatch_mlpackage.context.manifest import read_manifest


def test_check_passes(project, mlpackage):
    """`lock --check` passes a fresh lock, even without the model's file."""
    (project / "models/greeting.txt").unlink()

    outcome = mlpackage("lock", "--check")

    assert (outcome.status, outcome.out, outcome.err) == (0, "locks/requirements.txt fits.\n", "")


def test_check_fails(project, mlpackage):
    """`lock --check` names a requirement that the lock lacks, and leaves the lock unchanged."""
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace('"idna>=3.7"', '"idna>=3.7", "certifi"'))
    before = (project / "locks/requirements.txt").read_bytes()

    outcome = mlpackage("lock", "--check")

    assert (outcome.status, outcome.out) == (1, "")
    assert "certifi" in outcome.err
    assert "Run `mlpackage lock` and commit the result." in outcome.err
    assert (project / "locks/requirements.txt").read_bytes() == before


@pytest.mark.parametrize("name", ["base-image.toml", "packages.json"])
def test_check_finds_damage_beside_the_lock(project, mlpackage, name):
    """A file beside the lock that is not UTF-8 text fails the check as it would fail the next context."""
    (project / "locks" / name).write_bytes(b'{"a": "\xff"}')

    checked, generated = mlpackage("lock", "--check"), mlpackage("generate")

    assert (checked.status, checked.out, checked.err) == (1, "", generated.err)
    assert checked.err.startswith(f"Error[lock]: The lock cannot be used:\n  {name} is damaged: ")


def test_damage_that_cannot_be_replaced(project, mlpackage):
    """A damaged lock of the base image stays, and is an error, where no registry can be asked for a new one."""
    toml, lock = project / "pyproject.toml", project / "locks/base-image.toml"
    changed = toml.read_text().replace('"idna>=3.7"', "")
    toml.write_text(
        changed.replace("[tool.mlpackage]", '[tool.mlpackage]\nbase-image = "registry.invalid/python:3.12"', 1)
    )
    lock.write_bytes(b"\xff")

    outcome = mlpackage("lock")

    assert (outcome.status, outcome.out, lock.read_bytes()) == (1, "", b"\xff")
    assert "Error[lock]: The lock cannot be used:\n  base-image.toml is damaged: " in outcome.err


def test_a_file_in_place_of_the_lock_directory(project, mlpackage):
    """A file where the locks belong is one problem, not one for each lock."""
    shutil.rmtree(project / "locks")
    (project / "locks").touch()

    assert mlpackage("lock").err == (
        "Error[configuration]: 1 problem in the configuration or the files it names:\n"
        "  locks: is not a folder. Move it away, and run: mlpackage lock\n"
    )


@pytest.mark.parametrize("name", ["requirements.txt", "packages.json"])
def test_a_foreign_file_in_place_of_a_lock(project, mlpackage, everything, name):
    """`lock` refuses to replace a file that it did not write, and changes nothing."""
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace("[tool.mlpackage]", '[tool.mlpackage]\nlock-directory = "."'))
    (project / name).write_text('{"mine": 1}\n')
    before = everything(project)

    outcome = mlpackage("lock")

    assert (outcome.status, outcome.out, everything(project)) == (1, "", before)
    assert f"{name} was not written by mlpackage, and locking would replace it." in outcome.err


def test_a_lock_directory_outside(project, mlpackage, tmp_path, everything):
    """A link out of the project in place of the locks is refused, and nothing behind it changes."""
    (project / "locks").rename(tmp_path / "victim")
    (project / "locks").symlink_to(tmp_path / "victim")
    before = everything(tmp_path)

    outcome = mlpackage("lock", "--upgrade")

    assert (outcome.status, outcome.out, everything(tmp_path)) == (1, "", before)
    assert "locks is a link that leads out of the project" in outcome.err


def test_writes(project, mlpackage):
    """`lock` without requirements needs no network, and names the next command."""
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace('"idna>=3.7"', ""))

    outcome = mlpackage("lock")

    assert outcome.status == 0
    locked = "Locked in locks/requirements.txt. Commit it.\nNext: mlpackage check\n"
    assert outcome.out == f"idna 3.20 removed\n{locked}"
    assert mlpackage("lock", "--check").status == 0


def test_upgrade_and_check_exclude_each_other(project, mlpackage):
    """`--upgrade` with `--check` is wrong usage."""
    outcome = mlpackage("lock", "--upgrade", "--check")

    assert outcome.status == 2
    assert "--upgrade writes a lock and --check writes nothing: give one of them." in outcome.err


@pytest.fixture
def private(project, tmp_path, monkeypatch, run_registry):
    """Run a registry with a password, and set its image as the base image of a project without requirements."""
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    (project / "locks/base-image.toml").unlink()
    with run_registry(tmp_path / "registry", with_password=True) as running:
        toml = project / "pyproject.toml"
        key = f'[tool.mlpackage]\nbase-image = "{running.host}/python:3.12-bookworm"\n'
        toml.write_text(toml.read_text().replace('"idna>=3.7"', "").replace("[tool.mlpackage]", key))
        yield running


def log_in(tmp_path, registry, password):
    settings = tmp_path / "home/.docker/config.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(logins(registry, password))


def logins(registry, password):
    auth = base64.b64encode(f"{registry.user}:{password}".encode()).decode()
    return json.dumps({"auths": {registry.host: {"auth": auth}}})


def tree(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("variable", [False, True], ids=["docker login", "DOCKER_AUTH_CONFIG"])
def test_the_base_image(project, private, tmp_path, mlpackage, monkeypatch, variable):
    """`lock` pins the base image's digest, keeps it while the registry is down, and never writes the password."""
    pushed = private.push_index("python", "3.12-bookworm", "linux/amd64", "linux/arm64")
    image = f"{private.host}/python:3.12-bookworm"
    log_in(tmp_path, private, "wrong" if variable else private.password)
    if variable:
        monkeypatch.setenv("DOCKER_AUTH_CONFIG", logins(private, private.password))

    locked = mlpackage("lock")
    monkeypatch.delenv("DOCKER_AUTH_CONFIG", raising=False)
    checked = mlpackage("lock", "--check", "--strict")
    generated = mlpackage("generate")
    private.stop()
    again = mlpackage("lock", "--upgrade")

    assert (locked.status, checked.status, generated.status, again.status) == (0, 0, 0, 0)
    assert f"Base image {image} for linux/amd64 is {pushed['linux/amd64']}.\n" in locked.err
    assert f"{private.host} cannot be reached: Connection refused.\nBase image {image} is kept at " in again.err
    context = Path("dist/minimal-model-1.0-context")
    assert f"\nFROM {image}@{pushed['linux/amd64']}\n" in (context / "Dockerfile").read_text()
    assert read_manifest(context).about["image"]["base"] == f"{image}@{pushed['linux/amd64']}"
    assert f"\n    docker login {private.host}\n" in (context / "README.md").read_text()
    said = "".join(outcome.out + outcome.err for outcome in (locked, checked, generated, again))
    written = b"".join(tree(project).values()) + said.encode()
    assert private.password.encode() not in written
    assert base64.b64encode(f"{private.user}:{private.password}".encode()) not in written


@pytest.mark.parametrize(
    ("password", "status", "said"),
    [
        (None, 1, "Error[lock]: The lock cannot be used:\n  base-image '{image}' does not exist: "),
        (
            "guessed-it",
            4,
            (
                "Error[unavailable]: Something outside is missing or failed:\n"
                "  {host} refuses {image} to the login found in "
            ),
        ),
    ],
    ids=["no such tag", "wrong password"],
)
def test_a_base_image_that_cannot_be_had(project, private, tmp_path, mlpackage, password, status, said):
    """A missing tag and a refused login each end the run with their exit status; nothing is written."""
    log_in(tmp_path, private, password or private.password)
    before = tree(project)

    outcome = mlpackage("lock")

    image = f"{private.host}/python:3.12-bookworm"
    assert (outcome.status, outcome.out) == (status, "")
    assert outcome.err.startswith(said.format(image=image, host=private.host))
    assert "guessed-it" not in outcome.err
    assert tree(project) == before


def test_a_damaged_digest_is_made_anew(project, private, tmp_path, mlpackage):
    """`check` stops at a base-image.toml with a merge conflict; `lock` says so and writes it anew."""
    pushed = private.push_image("python", "3.12-bookworm")
    log_in(tmp_path, private, private.password)
    assert mlpackage("lock").status == 0
    damaged = project / "locks/base-image.toml"
    damaged.write_text("<<<<<<< ours\n")
    stopped = mlpackage("check")

    outcome = mlpackage("lock")

    reason = "base-image.toml is damaged: line 1 is a merge-conflict marker."
    assert (stopped.status, stopped.err.splitlines()[1]) == (1, f"  {reason}")
    assert (outcome.status, outcome.err.splitlines()[0]) == (0, f"{reason} It is made anew.")
    assert f'digest = "{pushed}"' in damaged.read_text()


def test_json(project, mlpackage):
    """`--json` gives the state of each lock and what it pins."""
    image = "python:3.12-slim-bookworm@sha256:" + tomllib.loads((project / "locks/base-image.toml").read_text())[
        "digest"
    ].removeprefix("sha256:")
    fresh = mlpackage("lock", "--check", "--json")
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace('"idna>=3.7"', '"idna>=99"'))
    (project / "locks/base-image.toml").unlink()
    stale = mlpackage("lock", "--check", "--json")

    assert (fresh.status, json.loads(fresh.out)) == (
        0,
        {
            "ok": True,
            "written": False,
            "locks": [{"path": "locks/requirements.txt", "status": "fresh", "reasons": []}],
            "images": [{"name": image, "pinned": True}],
            "packages": [{"name": "idna", "version": "3.20", "license": None, "size": None}],
            "changes": [],
            "notes": [],
            "compared": None,
        },
    )
    assert (stale.status, json.loads(stale.out)) == (
        1,
        {
            "ok": False,
            "written": False,
            "locks": [
                {
                    "path": "locks/requirements.txt",
                    "status": "stale",
                    "reasons": ["idna>=99 is asked for, the lock has idna 3.20"],
                }
            ],
            "images": [{"name": "python:3.12-slim-bookworm", "pinned": False}],
            "packages": [],
            "changes": [],
            "notes": [],
            "compared": None,
        },
    )


def test_json_and_strict(project, mlpackage):
    """With `--strict` an image without a digest makes `ok` false."""
    (project / "locks/base-image.toml").unlink()

    loose, strict = (mlpackage("lock", "--check", "--json", *flags) for flags in ((), ("--strict",)))

    assert [(it.status, json.loads(it.out)["ok"]) for it in (loose, strict)] == [(0, True), (1, False)]


def test_the_images_of_a_dockerfile(project, mlpackage, tmp_path, run_registry):
    """`lock` pins, keeps and renews each image that a base-dockerfile names, and the context has each digest."""
    with run_registry(tmp_path / "registry") as running:
        base, tools = f"{running.host}/team/base:1", f"{running.host}/team/tools:2"
        digests = {base: running.push_image("team/base", "1"), tools: running.push_image("team/tools", "2")}
        toml = project / "pyproject.toml"
        key = f'python-version = "3.12"\nbase-dockerfile = "FROM {base}\\nCOPY --from={tools} /a /b\\n"\n'
        text = toml.read_text().replace('"idna>=3.7"', "")
        toml.write_text(text.replace("[tool.mlpackage]\n", f"[tool.mlpackage]\n{key}"))

        first = mlpackage("lock")
        moved = running.push_image("team/tools", "2", layer=b"newer")
        kept = mlpackage("lock")
        renewed = mlpackage("lock", "--upgrade")

    assert (first.status, kept.status, renewed.status, mlpackage("lock", "--check", "--strict").status) == (0, 0, 0, 0)
    assert [f"Base image {image} for linux/amd64 is {digest}." in first.err for image, digest in digests.items()] == [
        True,
        True,
    ]
    assert "Base image" not in kept.err
    assert f"Base image {base} is still {digests[base]}." in renewed.err
    mlpackage("generate")
    written = Path("dist/minimal-model-1.0-context/Dockerfile").read_text()
    assert f"\nFROM {base}@{digests[base]} AS mlpackage-stage-1\nCOPY --from={tools}@{moved} /a /b\n" in written
