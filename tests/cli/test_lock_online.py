"""Compare locks with an index on the loopback address, as `lock --check --online` does."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

WHEEL = "beta-2.0-py3-none-any.whl"


@pytest.fixture
def locked(project, index, change, mlpackage):
    """Lock a project that needs alpha, which needs beta, from an index; return the lock."""
    index.add("alpha", "1.0", "beta>=2")
    for version in ("2.0", "3.0"):
        index.add("beta", version)
        index.add_source("beta", version)
    change(project / "pyproject.toml", '"idna>=3.7"', '"alpha", "beta<3"')
    change(project / "pyproject.toml", "[tool.mlpackage]", "[tool.mlpackage]\npin-base-image = false")
    assert mlpackage("lock").status == 0
    change(project / "pyproject.toml", ', "beta<3"', "")
    assert mlpackage("lock").status == 0
    index.asked.clear()
    return project / "locks/requirements.txt"


def edit(lock, old, new):
    """Change a lock, with a digest in its header that suits."""
    first, header, body = lock.read_text().split("\n", 2)
    assert old in body
    body = body.replace(old, new, 1)
    header = re.sub(r"body=\S+", f"body=sha256:{sha256(body.encode()).hexdigest()}", header)
    lock.write_text(f"{first}\n{header}\n{body}")
    (lock.parent / "packages.json").unlink(missing_ok=True)


def hash_of(lock, name):
    return re.search(rf"{name}==\S+ \\\n    --hash=sha256:(\w+)", lock.read_text())[1]


@pytest.mark.parametrize("as_json", [False, True], ids=["HTML", "JSON"])
def test_a_lock_that_the_index_confirms(locked, index, mlpackage, as_json):
    """The answer counts the pins that were compared, and only the pages of the index were asked."""
    index.as_json = as_json

    shown, document = mlpackage("lock", "--check", "--online"), mlpackage("lock", "--check", "--online", "--json")

    assert (shown.status, shown.out) == (0, "locks/requirements.txt fits. Compared 2 pins with the index.\n")
    assert "Asked the index for 2 of 2 pins." in shown.err
    assert json.loads(document.out)["compared"] == {"pins": 2, "wheels": 0, "notes": []}
    assert {path for path in index.asked if path.startswith("/simple/")} == {"/simple/alpha/", "/simple/beta/"}


def test_offline_without_online(locked, index, mlpackage):
    """Without `--online` nothing is asked."""
    assert (mlpackage("lock", "--check").status, index.asked) == (0, [])


@pytest.mark.parametrize("as_json", [False, True], ids=["HTML", "JSON"])
def test_swapped_hashes(locked, index, mlpackage, as_json):
    """Each pin with a hash that the index does not have is an error, which names the hash."""
    index.as_json = as_json
    for name, digit in (("alpha", "0"), ("beta", "1")):
        edit(locked, hash_of(locked, name), digit * 64)

    offline, online = mlpackage("lock", "--check"), mlpackage("lock", "--check", "--online")
    document = mlpackage("lock", "--check", "--online", "--json")

    reasons = [
        f"alpha 1.0 (line 3): the index has no file with sha256:{'0' * 64}",
        f"beta 2.0 (line 6): the index has no file with sha256:{'1' * 64}",
    ]
    assert (offline.status, online.status, document.status) == (0, 1, 1)
    assert [reason in online.err for reason in reasons] == [True, True]
    assert "locks/requirements.txt is not what the index says:" in online.err
    assert [json.loads(document.out)[key] for key in ("ok", "locks")] == [
        False,
        [{"path": "locks/requirements.txt", "status": "contradicted", "reasons": reasons}],
    ]


def test_a_version_that_is_gone(locked, index, mlpackage):
    """A pin that the index no longer has is an error; the others are compared nevertheless."""
    del index.files[WHEEL], index.files["beta-2.0.tar.gz"]
    edit(locked, hash_of(locked, "alpha"), "0" * 64)

    outcome = mlpackage("lock", "--check", "--online")

    assert outcome.status == 1
    assert f"alpha 1.0 (line 3): the index has no file with sha256:{'0' * 64}\n" in outcome.err
    assert "beta 2.0 (line 6): the index has no such version\n" in outcome.err


@pytest.mark.parametrize("as_json", [False, True], ids=["HTML", "JSON"])
def test_a_yanked_version(locked, index, mlpackage, as_json):
    """A pin that was yanked is named with the reason, and stays right."""
    index.as_json = as_json
    index.yanked = {WHEEL: "it breaks", "beta-2.0.tar.gz": "it breaks"}

    outcome = mlpackage("lock", "--check", "--online")

    assert (outcome.status, outcome.out) == (0, "locks/requirements.txt fits. Compared 2 pins with the index.\n")
    assert "beta 2.0 was yanked: it breaks\n" in outcome.err


def test_an_index_without_hashes(locked, index, mlpackage):
    """A pin that the index gives no hash for is named, and not counted as compared."""
    index.unhashed = {WHEEL, "beta-2.0.tar.gz"}

    outcome = mlpackage("lock", "--check", "--online")

    assert (outcome.status, outcome.out) == (0, "locks/requirements.txt fits. Compared 1 pin with the index.\n")
    assert "The index gives no hash of beta 2.0: it was not compared.\n" in outcome.err


def test_a_package_that_nothing_needs(locked, index, mlpackage):
    """An extra package with a made-up reason passes offline, and not when the index says what needs what."""
    digest = index.add("evil", "6.6")
    edit(locked, "alpha==", f"evil==6.6 \\\n    --hash=sha256:{digest}\n    # via alpha\nalpha==")

    offline, online = mlpackage("lock", "--check"), mlpackage("lock", "--check", "--online")

    assert (offline.status, online.status) == (0, 1)
    assert "evil 6.6 (line 3): nothing that is asked for needs it\n" in online.err


def test_a_version_that_its_dependents_exclude(locked, index, mlpackage):
    """A version that a package which needs it excludes is named, with what excludes it."""
    digest = index.add("beta", "1.0")
    entry = re.search(r"beta==.*", locked.read_text(), re.DOTALL)[0]
    edit(locked, entry, f"beta==1.0 \\\n    --hash=sha256:{digest}\n    # via alpha\n")

    offline, online = mlpackage("lock", "--check"), mlpackage("lock", "--check", "--online")

    assert (offline.status, online.status) == (0, 1)
    said = " ".join(online.err.split())
    assert "its versions do not go together: " in said
    assert "beta>=2" in said
    assert "beta==1.0" in said


def test_a_package_that_is_left_out(locked, index, mlpackage):
    """A package that another one needs, and that was taken out, is named."""
    edit(locked, re.search(r"beta==.*", locked.read_text(), re.DOTALL)[0], "")

    offline, online = mlpackage("lock", "--check"), mlpackage("lock", "--check", "--online")

    assert (offline.status, online.status) == (0, 1)
    assert "beta 3.0 is needed, and not in it\n" in online.err


@pytest.mark.parametrize("settings", [{"status": 503}, {"status": 403}, {"password": "s3cret"}], ids=str)
def test_an_index_that_cannot_be_asked(locked, index, mlpackage, settings):
    """A broken or refusing index ends the run with status 4, and says nothing about the lock."""
    for name, value in settings.items():
        setattr(index, name, value)

    outcome = mlpackage("lock", "--check", "--online")

    assert (outcome.status, outcome.out) == (4, "")
    assert "The package index could not be asked:" in outcome.err


def test_a_private_index(locked, index, other_index, clean_machine, mlpackage):
    """The index gets the login that pip's settings have for it, and no other host gets it."""
    index.password = "s3cret"
    index.files_at = f"http://{other_index.address}/files"
    other_index.files = dict(index.files)
    clean_machine.setenv("PIP_INDEX_URL", index.url_with_password)

    outcome = mlpackage("lock", "--check", "--online")

    assert (outcome.status, outcome.out) == (0, "locks/requirements.txt fits. Compared 2 pins with the index.\n")
    assert "s3cret" not in outcome.err
    assert (bool(index.logins), other_index.logins) == (True, [])


def test_a_wheel_beside_the_lock(project, index, change, mlpackage, make_source):
    """Wheels beside the lock are on no index: they are counted apart, and what they need is compared."""
    index.add("beta", "2.0")
    make_source(project / "lib", "lib", "1.0", "beta>=2")
    (project / "requirements.in").write_text("./lib\n")
    change(project / "pyproject.toml", '"idna>=3.7"', "")
    keys = 'pin-base-image = false\nrequirements = ["requirements.in"]'
    change(project / "pyproject.toml", "[tool.mlpackage]", f"[tool.mlpackage]\n{keys}")
    assert mlpackage("lock").status == 0

    outcome = mlpackage("lock", "--check", "--online")

    said = "locks/requirements.txt fits. Compared 1 pin with the index, and not the 1 wheel beside the lock.\n"
    assert (outcome.status, outcome.out) == (0, said)


def test_a_requirement_by_url(project, index, change, mlpackage):
    """The file at a URL is fetched and hashed anew."""
    index.add("beta", "2.0")
    change(project / "pyproject.toml", '"idna>=3.7"', f'"beta @ http://{index.address}/files/{WHEEL}"')
    change(project / "pyproject.toml", "[tool.mlpackage]", "[tool.mlpackage]\npin-base-image = false")
    assert mlpackage("lock").status == 0
    passed = mlpackage("lock", "--check", "--online")
    index.add("beta", "2.0", "alpha")
    swapped = mlpackage("lock", "--check", "--online")
    del index.files[WHEEL]
    gone = mlpackage("lock", "--check", "--online")

    assert (passed.status, swapped.status, gone.status) == (0, 1, 1)
    assert "the index has no file with sha256:" in swapped.err
    assert f"beta @ http://{index.address}/files/{WHEEL} (line 3): " in gone.err
    assert "(404 Not Found)" in gone.err


def test_packages_of_conda(copy_project, index, change, mlpackage, monkeypatch):
    """The answer says that conda's packages are not compared."""
    monkeypatch.chdir(copy_project("conda"))
    change(Path("environment.yml"), "- idna>=3.7", "[]")
    assert index.asked == []
    lock = Path("locks/requirements.txt")
    edit(lock, lock.read_text().split("\n", 2)[2], "")
    Path("locks/conda-file.json").unlink()

    outcome = mlpackage("lock", "--check", "--online")

    assert (outcome.status, outcome.out) == (0, "locks/requirements.txt fits. Compared 0 pins with the index.\n")
    assert "The packages of conda were not compared with their channels.\n" in outcome.err


def test_online_is_for_checking(project, mlpackage):
    """`lock --online` without `--check` is wrong usage."""
    outcome = mlpackage("lock", "--online")

    assert (outcome.status, outcome.err.splitlines()[-1]) == (2, "Error: --online is a part of --check: give both.")
