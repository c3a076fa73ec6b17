"""Secrets for the steps that install packages: what is refused, and what the context says."""

from __future__ import annotations

from typing import Any

import pytest

from hatch_mlpackage.context.build import build_context
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.lock.pins.header import with_header
from hatch_mlpackage.project.config.keys import Image, Secret
from hatch_mlpackage.project.read_config import read_declaration

K = "tool.mlpackage.image.secrets"
PIP = {"id": "pip", "target": "/etc/pip.conf"}


def image(*secrets: dict[str, str], builder: str = "buildkit") -> dict[str, Any]:
    return {"image": {"builder": builder, "secrets": list(secrets)}}


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (image(PIP), []),
        (
            {"image": {"secrets": [PIP]}},
            [
                (
                    f"{K}: needs a builder that can keep a secret: the classic builder and kaniko would write it "
                    'into the image. Set builder = "buildkit" in [tool.mlpackage.image], and build with BuildKit or '
                    "buildah."
                )
            ],
        ),
        (
            image({"id": "a b", "target": "pip.conf"}),
            [
                f"{K}[0].id: 'a b' is not an id. Use letters, digits and dashes.",
                f"{K}[0].target: 'pip.conf' is not an absolute path. Write \"/etc/pip.conf\".",
            ],
        ),
        (
            image(PIP, {"id": "pip", "target": "/root/.netrc"}),
            [f"{K}[1]: 'pip' or its target is used twice. Remove one of them."],
        ),
        (
            image({"id": "pip", "target": "/etc/pip.conf,required=false"}),
            [
                f"{K}[0].target: '/etc/pip.conf,required=false' is not an absolute path. Write \"/etc/pip.conf\".",
            ],
        ),
        (
            image(builder="kaniko"),
            ["tool.mlpackage.image.builder: 'kaniko' is not one of classic, buildkit."],
        ),
    ],
)
def test_what_is_taken(make_project, problems, table, expected):
    """A secret needs a builder that keeps it, an id, and an absolute path; each is there once."""
    read_declaration(make_project(table), problems)

    assert [str(problem).rstrip() for problem in problems.found] == expected


def test_the_context_mounts_them_where_packages_are_installed(make_project, problems, tmp_path):
    """Both installs get the secret and no other step; the README names it in both commands, with no value."""
    project = make_project({**image(PIP), "pin-base-image": False})
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
