"""A project of which a package only has a source archive, from the failing lock to the files of the context."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
SCRIPT = "import lib\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    return lib.version\n"
TABLE = (
    '[project]\nname = "a"\nversion = "1"\ndependencies = ["alpha"]\n'
    '[tool.mlpackage]\nentry-script = "score.py"\npin-base-image = false\n'
)
PYTHON = f'python-version = "{HERE}"\n'
KEY = 'build-from-source = ["Lib"]\n'
CALL = "__import__('subprocess').call([__import__('os').environ['CC'], '-c', 'x.c'])"


@pytest.fixture
def root(tmp_path, monkeypatch, index, add_archive):
    """Change into a project that needs alpha, which needs lib, which has an extension and only a source archive."""
    index.add("alpha", "1.0", "lib")
    add_archive("lib", "1.5", before=CALL)
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "score.py").write_text(SCRIPT)
    (folder / "pyproject.toml").write_text(TABLE + PYTHON)
    monkeypatch.chdir(folder)
    return folder


def test_from_the_failure_to_the_context(root, index, mlpackage):
    """The failure names the key; with it, the lock, the checks, the plan and the context's files know of the build."""
    failed = mlpackage("lock")
    (root / "pyproject.toml").write_text(TABLE + PYTHON + KEY)

    locked, again = mlpackage("lock"), mlpackage("lock")
    asked = len(index.asked)
    fits, check, plan, generated = (
        mlpackage(*words) for words in (("lock", "--check"), ("check",), ("plan",), ("generate", "--output", "context"))
    )

    archive = index.sha256("lib-1.5.tar.gz")
    about = "lib 1.5 from lib-1.5.tar.gz without its extensions"
    assert (failed.status, 'build-from-source = ["lib"]' in failed.err) == (1, True)
    assert "Building a wheel of lib 1.5 from lib-1.5.tar.gz" in locked.err
    assert "lib 1.5: its extensions are left out: it runs as pure Python, which may be slower." in locked.err
    assert (again.status, "Building" in again.err) == (0, False)
    assert [outcome.status for outcome in (locked, fits, check, plan, generated)] == [0] * 5
    assert f"built         {about}" in check.err.splitlines() + check.out.splitlines()
    assert f"Built from source: {about}" in plan.out.splitlines()
    assert len(index.asked) == asked
    assert json.loads((root / "context/manifest.json").read_text())["built_from_source"] == [
        {
            "name": "lib",
            "version": "1.5",
            "archive": "lib-1.5.tar.gz",
            "archive_sha256": archive,
            "without_extensions": True,
        }
    ]
    bill = json.loads((root / "context/sbom.cdx.json").read_text())
    wheel = hashlib.sha256((root / "context/environment/wheels/lib-1.5-py3-none-any.whl").read_bytes()).hexdigest()
    assert [it for it in bill["components"] if it["name"] == "lib"] == [
        {
            "type": "library",
            "bom-ref": "environment/lib@1.5",
            "name": "lib",
            "version": "1.5",
            "hashes": [{"alg": "SHA-256", "content": wheel}],
            "purl": "pkg:pypi/lib@1.5",
            "pedigree": {
                "ancestors": [
                    {
                        "type": "library",
                        "name": "lib",
                        "version": "1.5",
                        "hashes": [{"alg": "SHA-256", "content": archive}],
                        "purl": "pkg:pypi/lib@1.5?file_name=lib-1.5.tar.gz",
                    }
                ],
                "notes": "built from lib-1.5.tar.gz by `mlpackage lock`, without its extensions",
            },
        }
    ]


def test_pip_installs_what_was_built(root, mlpackage, tmp_path):
    """pip installs the wheel that was built, and asks no index for it, with the others of the lock."""
    (root / "pyproject.toml").write_text(TABLE + PYTHON + KEY)
    mlpackage("lock")
    (lib, *_) = (root / "locks/wheels").glob("*.whl")
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    command = [*install, "--target", str(tmp_path / "site"), "-r", "requirements.txt"]

    done = subprocess.run(command, cwd=root / "locks", check=False, capture_output=True, text=True)

    assert (lib.name, done.returncode) == ("lib-1.5-py3-none-any.whl", 0), done.stderr
    assert sorted(path.name for path in (tmp_path / "site").glob("*.py")) == ["alpha.py", "lib.py"]


def test_a_comparison_with_the_index(root, index, mlpackage):
    """`--online` compares the archive, and says so; another archive under the same name contradicts the lock."""
    (root / "pyproject.toml").write_text(TABLE + PYTHON + KEY)
    mlpackage("lock")

    same = mlpackage("lock", "--check", "--online")
    index.files["lib-1.5.tar.gz"] += b"another"
    other = mlpackage("lock", "--check", "--online")

    assert (same.status, same.out) == (
        0,
        "locks/requirements.txt fits. Compared 1 pin with the index, and not the 1 wheel beside the lock.\n",
    )
    assert "lib 1.5: its source archive was compared, and not the wheel that was built from it." in same.err
    assert other.status == 1
    assert "lib 1.5 (line 7): the index has no file with sha256:" in other.err


def test_the_option(root, mlpackage):
    """`--build-from-source` names packages for one command, and the next commands that are shown repeat it."""
    locked = mlpackage("lock", "--build-from-source", "lib")
    without = mlpackage("lock", "--check")

    assert (locked.status, "mlpackage check --build-from-source lib" in locked.err + locked.out) == (0, True)
    assert mlpackage("lock", "--check", "--build-from-source", "lib").status == 0
    assert without.status == 1
    assert "was built from source, and build-from-source does not name lib" in without.err


def test_a_name_that_nothing_needs_is_hinted_at(root, mlpackage):
    """An entry without use is a hint that says to remove it."""
    (root / "pyproject.toml").write_text(TABLE + PYTHON + 'build-from-source = ["gamma", "lib"]\n')

    assert "Hint[unneeded-build]: tool.mlpackage.build-from-source: nothing needs gamma. Remove it." in " ".join(
        mlpackage("lock").err.split()
    )


def test_what_the_key_cannot_be(root, mlpackage):
    """A name with a version, and a list beside a pylock.toml, are refused with the next step."""
    (root / "pylock.toml").write_text('lock-version = "1.0"\ncreated-by = "test"\npackages = []\n')
    (root / "pyproject.toml").write_text(
        TABLE + PYTHON + 'pylock = "pylock.toml"\nbuild-from-source = ["lib==1.5", "alpha"]\n'
    )

    outcome = mlpackage("check", "--json")

    assert [
        {key: problem[key] for key in ("where", "what", "fix")}
        for problem in json.loads(outcome.out)["problems"]
        if "build-from-source" in problem["where"]
    ] == [
        {
            "where": "tool.mlpackage.build-from-source[0]",
            "what": "'lib==1.5' is not the name of a package.",
            "fix": "Write the name alone; a version goes into the requirements.",
        },
        {
            "where": "tool.mlpackage.build-from-source",
            "what": "cannot be used with pylock: the pins of pylock.toml are taken as they are.",
            "fix": 'Remove one of them; with pylock = "none" the requirements are resolved anew.',
        },
    ]
