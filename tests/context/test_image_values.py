from __future__ import annotations

from dataclasses import replace

import pytest

from hatch_mlpackage.context.build import build_context
from hatch_mlpackage.errors import Problems
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.inputs import read_inputs
from hatch_mlpackage.lock.pins.header import with_header
from hatch_mlpackage.project.config.keys import Image, Secret
from hatch_mlpackage.project.read_config import read_declaration

SECRETS = {"image": {"builder": "buildkit", "secrets": [{"id": "pip", "target": "/etc/pip.conf"}]}}


def test_secrets_are_mounted_where_packages_are_installed(make_project, problems, tmp_path):
    """Only the two installing steps mount the secret, and both commands of the README name it without its value."""
    project = make_project({**SECRETS, "pin-base-image": False})
    config = read_declaration(project, problems).config
    (project.root / "locks").mkdir()
    (project.root / "locks/requirements.txt").write_text(with_header("", Requirements(), config.target))

    build_context(project, tmp_path / "context")

    assert config.image == Image(
        name="diabetes", builder="buildkit", secrets=(Secret(id="pip", target="/etc/pip.conf"),)
    )
    steps = [line for line in (tmp_path / "context/Dockerfile").read_text().splitlines() if "--mount" in line]
    assert steps == ["RUN --mount=type=secret,id=pip,target=/etc/pip.conf,required=true \\"] * 2
    assert [line.strip() for line in (tmp_path / "context/README.md").read_text().splitlines() if "--tag" in line] == [
        "DOCKER_BUILDKIT=1 docker build --secret id=pip,src=PATH --tag diabetes:1.0 .",
        "buildah build --format docker --secret id=pip,src=PATH --tag diabetes:1.0 .",
    ]


def test_a_star_in_the_version_of_a_system_package(make_project, tmp_path, problems):
    """The beginning of a version reaches apt-get as it is: the shell gets it quoted."""
    project = make_project({"pin-base-image": False, "system-packages": ["libgomp1=12.*", "curl"]})
    config = read_declaration(project, problems).config
    (project.root / "locks").mkdir()
    (project.root / "locks/requirements.txt").write_text(with_header("", Requirements(), config.target))

    build_context(project, tmp_path / "context")

    steps = [line for line in (tmp_path / "context/Dockerfile").read_text().splitlines() if "install --yes" in line]
    assert steps == [
        (
            " && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends curl 'libgomp1=12.*' "
            + chr(92)
        )
    ]


@pytest.mark.parametrize(
    ("variables", "exposed"),
    [
        ({}, "5001"),
        ({"HEALTH_PORT": "80"}, "5001"),
        ({"SEPERATE_HEALTH_ENDPOINT": "true"}, "5001 5000"),
        ({"SEPERATE_HEALTH_ENDPOINT": "true", "HEALTH_PORT": "80"}, "5001 80"),
    ],
)
def test_the_ports(make_project, tmp_path, variables, exposed):
    """The image exposes the server's port, and the port for probes where that is open."""
    project = make_project({"pin-base-image": False, "environment-variables": variables})
    config = read_declaration(project, Problems()).config
    (project.root / "locks").mkdir()
    (project.root / "locks/requirements.txt").write_text(with_header("", Requirements(), config.target))

    build_context(project, tmp_path / "context")

    lines = (tmp_path / "context/Dockerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("EXPOSE")] == [f"EXPOSE {exposed}"]


def test_a_version_that_no_tag_can_have(make_project, problems):
    """The epoch and the local part of a version stand in a tag with dashes."""
    project = make_project(dependencies=())

    assert read_inputs(replace(project, version="1!2.0+cpu.1"), problems).image_name == "diabetes:1-2.0-cpu.1"
