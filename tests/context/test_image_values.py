from __future__ import annotations

from hatch_mlpackage.context.build import build_context
from hatch_mlpackage.lock.asked.requirements import Requirements
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
