"""Run the build target through hatchling in a separate process."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TARGET = [sys.executable, "-m", "hatchling", "build", "-t", "mlpackage"]
CONTEXT = "minimal-model-1.0-context"
GOLDEN = Path(__file__).parents[1] / "golden/minimal/Dockerfile"


def replace(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_building_again_replaces_the_context(copy_project, run, succeed):
    """A second build replaces the first as a whole, unless somebody changed it by hand."""
    root = copy_project("minimal")
    succeed(TARGET, root)
    (root / "models/greeting.txt").write_text("Good day\n")
    succeed(TARGET, root)
    context = root / "dist" / CONTEXT
    assert (context / "azureml-models/greeting/1/greeting.txt").read_text() == "Good day\n"
    (context / "Dockerfile").write_text("FROM scratch\n")

    result = run(TARGET, root)

    assert result.returncode == 1
    assert result.stderr.strip().endswith(
        "holds changes made by hand (Dockerfile: 13 bytes, expected "
        f"{len(GOLDEN.read_bytes())}). "
        "Move it away, or choose another output."
    )
    assert (context / "Dockerfile").read_text() == "FROM scratch\n"


def test_clean_removes_only_contexts(copy_project, succeed):
    """`--clean` removes our contexts and nothing else."""
    root = copy_project("minimal")
    succeed(TARGET, root)
    foreign = root / "dist/minimal-model-0-context"
    foreign.mkdir()
    (foreign / "manifest.json").write_text("{}")

    succeed([*TARGET, "--clean-only"], root)

    assert [path.name for path in (root / "dist").iterdir()] == [foreign.name]


def add_an_index(root):
    """Add an option to the lock, with a digest in its header that suits."""
    lock = root / "locks/requirements.txt"
    first, header, body = lock.read_text().split("\n", 2)
    body = f"--index-url https://evil.example/simple\n{body}"
    digest = hashlib.sha256(body.encode()).hexdigest()
    lock.write_text(f"{first}\n{header.partition('body=')[0]}body=sha256:{digest}\n{body}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root: (root / "locks/requirements.txt").unlink(), "locks/requirements.txt is missing."),
        (add_an_index, "nothing asks for `--index-url https://evil.example/simple` (line 3)"),
        (
            lambda root: replace(root / "pyproject.toml", "entry-script", "entry-scrip"),
            "tool.mlpackage.entry-scrip: unknown key. Did you mean 'entry-script'?",
        ),
        (
            lambda root: (root / "models/greeting.txt").unlink(),
            "tool.mlpackage.models[0].path: 'models/greeting.txt' does not exist in ",
        ),
        (lambda root: (root / "score.py").unlink(), "tool.mlpackage.entry-script: 'score.py' does not exist in "),
        (lambda root: (root / "score.py").write_text("x = 1\n"), "score.py:1: no init() is defined."),
        (lambda root: (root / "score.py").write_text("\ndef init(:\n"), "score.py:2: syntax error: "),
        (
            lambda root: replace(root / "pyproject.toml", "[tool.mlpackage]", '[tool.mlpackage]\nbase-image = "a b"'),
            "tool.mlpackage.base-image: 'a b' is not an image reference.",
        ),
        (
            lambda root: replace(
                root / "pyproject.toml", "targets.mlpackage]", 'targets.mlpackage]\nentry-script = "x"'
            ),
            "tool.hatch.build.targets.mlpackage.entry-script: belongs in [tool.mlpackage]. Move it there.",
        ),
        (
            lambda root: (root / "dist" / CONTEXT / "photos").mkdir(parents=True),
            f"{CONTEXT}: not empty and not a context that mlpackage wrote. Move it away, or choose another output.",
        ),
    ],
)
def test_bad_input(copy_project, change, message, run, everything):
    """An error names the place and the next step in one line, and nothing is written."""
    root = copy_project("minimal")
    change(root)
    before = everything(root)

    result = run(TARGET, root)

    assert result.returncode == 1
    assert message in result.stderr
    assert everything(root).keys() - {"dist"} == before.keys() - {"dist"}


def test_an_unreadable_model(copy_project, run):
    """The error names a file that the user may not read, with the next step."""
    root = copy_project("minimal")
    (root / "models/greeting.txt").chmod(0)
    # Root can read every file until it gives up that right.
    powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []

    result = run([*powerless, *TARGET], root)

    assert result.returncode == 1
    assert result.stderr.strip() == (
        "Error[configuration]: 1 problem in the configuration or the files it names:\n"
        f"  {root / 'models/greeting.txt'}: cannot be read: permission denied. Give yourself read permission for it."
    )


def test_dynamic_metadata(copy_project, succeed, everything):
    """A version that hatchling computes is the same in hatchling's and in the command line's contexts."""
    root = copy_project("minimal")
    replace(root / "pyproject.toml", 'version = "1.0"', 'dynamic = ["version"]')
    with (root / "pyproject.toml").open("a") as pyproject:
        pyproject.write('\n[tool.hatch.version]\npath = "about.py"\n')
    (root / "about.py").write_text('__version__ = "1.0"\n')
    succeed(TARGET, root)
    built = everything(root / "dist" / CONTEXT)

    succeed([sys.executable, "-m", "hatch_mlpackage", "generate", "--output", "again"], root)

    assert everything(root / "again") == built


def test_json_manifest_is_stable_text(copy_project, succeed):
    """The manifest is readable JSON in one spelling that ends in a line feed."""
    root = copy_project("minimal")
    succeed(TARGET, root)

    text = (root / "dist" / CONTEXT / "manifest.json").read_text()

    assert json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n" == text


@pytest.mark.parametrize("version", ["1.0\\nRUN touch /pwned", "x/../../../../escaped", '1.0\\";id'])
def test_a_version_that_breaks_out(copy_project, everything, version):
    """A hostile version ends the build, in Hatch's own way, and nothing is written anywhere."""
    root = copy_project("minimal", "a/b/c/project")
    replace(root / "pyproject.toml", 'version = "1.0"', f'version = "{version}"')
    before = everything(root.parents[2])

    result = subprocess.run(TARGET, cwd=root, capture_output=True, text=True, check=False)

    assert (result.returncode, "version" in result.stderr) == (1, True)
    assert everything(root.parents[2]) == before


def test_warnings(copy_project, run, succeed):
    """A secret in the context is warned of once, and stops the build with `strict = true`."""
    root = copy_project("two-models")
    (root / "src/.env").write_text("TOKEN=1\n")

    built = succeed(TARGET, root)
    replace(root / "pyproject.toml", "[tool.mlpackage]\n", "[tool.mlpackage]\nstrict = true\n")
    refused = run(TARGET, root)

    said = "src/.env: looks like a secret (by its name), and whoever has the image can read it."
    assert (built.stdout + built.stderr).count(said) == 1
    assert (refused.returncode, refused.stderr.count(said)) == (1, 1)
