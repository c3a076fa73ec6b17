"""Check the modules that a build loads: a project loads no module for features that it does not use."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

# The modules that each of these projects needs for its features, and that no other project loads.
ASKED_FOR = {
    "base-dockerfile": (
        "hatch_mlpackage.project.dockerfiles.base_read",
        "hatch_mlpackage.project.dockerfiles.base_stages",
    ),
    # Where there is no `yaml`, as in a build environment, the record beside the locks stands in for the file.
    "conda": ("hatch_mlpackage.lock.conda.conda_file", "hatch_mlpackage.files.yaml_lines", "yaml"),
}
# Modules that none of the projects needs: all of them are locked, and have an entry script.
OTHERS = (
    "hatch_mlpackage.project.azureml_files",
    "hatch_mlpackage.lock.resolve.make",
    "hatch_mlpackage.lock.images.resolve",
    "hatch_mlpackage.project.model_facts.read",
    "hatch_mlpackage.project.no_code.read",
    "asyncio",
    "ssl",
    "uv",
)
WATCHED = {*OTHERS, *(module for modules in ASKED_FOR.values() for module in modules)}
PROGRAM = """
import sys
from hatchling.cli import hatchling
sys.argv = ["hatchling", "build", "-t", "mlpackage"]
try:
    hatchling()
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""


def loaded(root):
    """Return the watched modules that a build of a project loads, in a separate process."""
    unmeasured = {**os.environ, "COVERAGE_PROCESS_CONFIG": ""}  # measuring coverage loads more modules
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=root, capture_output=True, text=True, check=True, env=unmeasured
    )
    return WATCHED & set(done.stderr.split())


@pytest.mark.parametrize("case", ["minimal", *ASKED_FOR])
def test_a_build_loads_what_the_project_asks_for(copy_project, case):
    """A build loads the readers for the features that the configuration names, and no others."""
    assert loaded(copy_project(case)) == set(ASKED_FOR.get(case, ()))


@pytest.mark.parametrize("module", sorted(module for module in WATCHED if module.startswith("hatch_mlpackage.")))
def test_the_watched_modules_are_ours(module):
    """Every watched module of ours exists, so that no renamed module goes unwatched."""
    assert find_spec(module) is not None


VERBS = {f"hatch_mlpackage.cli.{name}" for name in ("check", "demo", "generate", "image", "lock", "new", "serve")}
LISTING = """
import sys
from hatch_mlpackage.__main__ import main
try:
    main()
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("words", "variables", "expected"),
    [
        (["--help"], {}, set()),
        (["--version"], {}, set()),
        ([], {"_MLPACKAGE_COMPLETE": "bash_complete", "COMP_WORDS": "mlpackage ", "COMP_CWORD": "1"}, set()),
        (["check", "--help"], {}, {"hatch_mlpackage.cli.check"}),
    ],
)
def test_listing_the_verbs_loads_none(words, variables, expected):
    """The help, the version and a shell's completion load no verb, and a verb's help loads that verb."""
    unmeasured = {**os.environ, "COVERAGE_PROCESS_CONFIG": "", **variables}
    program = LISTING.replace("main()\n", f"sys.argv[1:] = {words}; main()\n", 1)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=unmeasured)

    assert VERBS & set(done.stderr.split()) == expected
    assert "check" in done.stdout or words == ["--version"]


@pytest.mark.parametrize(("words", "unused"), [(["lock", "--check"], "jinja2"), (["check"], "email.parser")])
def test_a_verb_loads_what_it_needs(copy_project, words, unused):
    """A verb that fills no template does not load Jinja, and a project without wheels needs no reader of metadata."""
    unmeasured = {**os.environ, "COVERAGE_PROCESS_CONFIG": ""}
    program = LISTING.replace("main()\n", f"sys.argv[1:] = {words}; main()\n", 1)
    root = copy_project("minimal")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True, env=unmeasured
    )

    assert unused not in done.stderr.split()
