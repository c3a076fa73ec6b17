"""The user's Dockerfile as the context's first stages: what is read from it, and what is written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from hatch_mlpackage.context.build import plan_context
from hatch_mlpackage.errors import ConfigurationError
from hatch_mlpackage.project.config.keys import Config
from hatch_mlpackage.project.dockerfiles.base_read import parse_base_dockerfile
from hatch_mlpackage.project.pyproject import load_project
from hatch_mlpackage.project.read_config import read_declaration

PLATFORM = "linux/amd64"
PINNED = {"python:3.11": "python:3.11@sha256:1", "debian:12": "debian:12@sha256:2", "team/tools": "team/tools@sha256:3"}
K = "tool.mlpackage.base-dockerfile"


def read(tmp_path, text):
    return parse_base_dockerfile(tmp_path, f"{text}\n", PLATFORM)


@pytest.mark.parametrize(
    ("given", "base", "written"),
    [
        ("FROM python:3.11", "python:3.11", "FROM python:3.11@sha256:1 AS mlpackage-stage-1"),
        ("from python:3.11 as Own", "python:3.11", "FROM python:3.11@sha256:1 AS Own"),
        (
            "ARG V=3.11\nARG IMAGE=python:${V}\n\nFROM $IMAGE",
            "python:3.11",
            "ARG V=3.11\nARG IMAGE=python:${V}\n\nFROM python:3.11@sha256:1 AS mlpackage-stage-1",
        ),
        ("FROM ${IMAGE:-python:3.11}", "python:3.11", "FROM python:3.11@sha256:1 AS mlpackage-stage-1"),
        ('ARG A="a" B=1\nFROM $A:$B', "a:1", 'ARG A="a" B=1\nFROM a:1 AS mlpackage-stage-1'),
        ("FROM --platform=$BUILDPLATFORM python:3.11", "python:3.11", "FROM python:3.11@sha256:1 AS mlpackage-stage-1"),
        (
            "FROM debian:12 AS tools\nFROM python:3.11 AS own\nFROM OWN\nCOPY --from=tools /a /b\nCOPY --from=0 /a /b",
            "python:3.11",
            (
                "FROM debian:12@sha256:2 AS tools\nFROM python:3.11@sha256:1 AS own\nFROM OWN AS mlpackage-stage-3\n"
                "COPY --from=tools /a /b\nCOPY --from=0 /a /b"
            ),
        ),
        (
            "FROM python:3.11\nCOPY --chown=1:0 --from=team/tools /a /b",
            "python:3.11",
            "FROM python:3.11@sha256:1 AS mlpackage-stage-1\nCOPY --chown=1:0 --from=team/tools@sha256:3 /a /b",
        ),
        (
            "FROM python:3.11\nRUN --mount=type=bind,from=team/tools,target=/t \\\n    /t/install",
            "python:3.11",
            (
                "FROM python:3.11@sha256:1 AS mlpackage-stage-1\n"
                "RUN --mount=type=bind,from=team/tools@sha256:3,target=/t \\\n    /t/install"
            ),
        ),
        (
            "FROM other:1@sha256:4\nRUN a \\\n  # why\n\n  && b\nUSER 1000",
            "other:1@sha256:4",
            "FROM other:1@sha256:4 AS mlpackage-stage-1\nRUN a \\\n  # why\n\n  && b\nUSER 1000",
        ),
    ],
)  # fmt: skip
def test_images(tmp_path, given, base, written):
    """Each image is pinned where it is named, each stage gets a name, and the rest stays as it is."""
    found = read(tmp_path, given)

    assert found.wrong == ()
    assert (found.base_image, found.text(PINNED)) == (base, f"{written}\n")


@pytest.mark.parametrize(
    ("given", "patterns", "written"),
    [
        ("COPY a.txt b /opt/", ["a.txt", "b"], "COPY base/a.txt base/b /opt/"),
        ("COPY --chown=1:0 ./a/ /a/", ["a"], "COPY --chown=1:0 base/a /a/"),
        ('COPY ["a file", "/opt/"]', ["a file"], 'COPY ["base/a file", "/opt/"]'),
        ("COPY *.txt \\\n   # all\n   /b/?.csv /opt/", ["*.txt", "b/?.csv"], "COPY base/*.txt base/b/?.csv /opt/"),
        ("ADD https://example.org/a.tgz b.tgz /opt/", ["b.tgz"], "ADD https://example.org/a.tgz base/b.tgz /opt/"),
        ("ADD https://example.org/a.tgz /opt/", [], "ADD https://example.org/a.tgz /opt/"),
        ("COPY <<EOF /opt/a\nFROM nowhere\nEOF", [], "COPY <<EOF /opt/a\nFROM nowhere\nEOF"),
        (
            "RUN <<-'END' cat <<TWO >/b\n\tCOPY x y\n\tEND\nCOPY z\nTWO\nCOPY a b",
            ["a"],
            "RUN <<-'END' cat <<TWO >/b\n\tCOPY x y\n\tEND\nCOPY z\nTWO\nCOPY base/a b",
        ),
        ('RUN echo "a <<EOF b" 1<<2\nCOPY a b', ["a"], 'RUN echo "a <<EOF b" 1<<2\nCOPY base/a b'),
    ],
)  # fmt: skip
def test_what_is_copied(tmp_path, given, patterns, written):
    """Sources in the build context get a folder of their own; remote sources and heredocs stay as they are."""
    found = read(tmp_path, f"FROM python:3.11 AS own\n{given}")

    assert found.wrong == ()
    assert [source.pattern for source in found.sources] == patterns
    assert found.text({}) == f"FROM python:3.11 AS own\n{written}\n"


def test_a_whole_file(tmp_path):
    """Directives, a shell and the first line that needs BuildKit are found, and line endings become Unix's."""
    text = (
        "# syntax=docker/dockerfile:1\n# escape=\\\n# check=skip=all\n# a comment\nFROM python:3.11 AS own\n"
        'SHELL ["/bin/bash", "-c"]\nRUN --mount=type=cache,target=/c true\nCOPY --link a b\n'
    )
    (tmp_path / "Dockerfile").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())

    found = parse_base_dockerfile(tmp_path, "Dockerfile", PLATFORM)

    assert (found.place, found.wrong, found.images) == ("Dockerfile", (), ((5, "python:3.11"),))
    assert found.directives == ("# syntax=docker/dockerfile:1", "# check=skip=all")
    assert (found.last_stage, found.needs_buildkit, found.sets_shell) == ("own", 7, True)
    assert found.text({}) == (
        '# a comment\nFROM python:3.11 AS own\nSHELL ["/bin/bash", "-c"]\nRUN --mount=type=cache,target=/c true\n'
        "COPY --link base/a b\n"
    )


def test_an_image_with_conda(tmp_path):
    """A Dockerfile like that of the original's documentation goes in unchanged, except for its FROM."""
    rest = (
        "\n\nARG CONDA=4.7.12\n\nENV LANG=C.UTF-8 LC_ALL=C.UTF-8\nENV PATH /opt/miniconda/bin:$PATH\n\n"
        "RUN apt-get update --fix-missing && \\\n    apt-get install -y wget && \\\n    rm -rf /var/lib/apt/lists/*\n\n"
        "RUN useradd --create-home somebody\nWORKDIR /home/somebody\nUSER somebody\n\n"
        "RUN wget --quiet https://conda.example/${CONDA}.sh -O ~/conda.sh && \\\n    bash ~/conda.sh -b && \\\n"
        "    find ~/miniconda/ -type d -name __pycache__ -prune -exec rm -rf {} \\;\n"
        'ENV PATH="/home/somebody/miniconda/bin/:${PATH}"\n'
    )

    found = read(tmp_path, f"FROM ubuntu:16.04{rest}")

    assert (found.base_image, found.wrong, found.sources, found.needs_buildkit) == ("ubuntu:16.04", (), (), 0)
    assert found.text({"ubuntu:16.04": "u@sha256:5"}) == f"FROM u@sha256:5 AS mlpackage-stage-1{rest}"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("\nRUN a", 2, "RUN stands before the first FROM."),
        ("ARG A=1\n", 1, "there is no FROM."),
        ("FROM a b c", 1, "'FROM a b c' is not FROM image [AS name]."),
        ("ARG A\nFROM $A", 2, "'$A' has a variable without a default."),
        ("FROM scratch", 1, "the last stage builds on scratch, which has no Python."),
        ("FROM --platform=linux/arm64 a", 1, "'--platform=linux/arm64' is not the image's platform, linux/amd64."),
        ("FROM a AS mlpackage-base", 1, "'mlpackage-base' is a name of the context's own stages."),
        ("# escape=`\nFROM a", 1, "changes the escape character."),
        ("FROM a\nRUNN b", 2, "'RUNN' is not a Dockerfile instruction."),
        ("FROM a\nONBUILD RUN b", 2, "ONBUILD would run in the stages that follow, on another context."),
        ("FROM a\nVOLUME /data /var", 2, "a volume at /var would lose what the image has there."),
        ('FROM a\nVOLUME ["/opt/mlpackage/"]', 2, "a volume at /opt/mlpackage/ would lose what the image has there."),
        ("FROM a\nCOPY . /app", 2, "'.' would copy the whole project, including what git ignores."),
        ("FROM a\nCOPY ../b /app", 2, "'../b' is outside the project."),
        ("FROM a\nCOPY b/** /app", 2, "'b/**' is not a pattern that COPY knows."),
        ("FROM a\nCOPY ${B} /app", 2, "'${B}' has a variable or a quote."),
        ('FROM a\nCOPY ["b\\u0000", "/app"]', 2, "'b\\x00' holds a character that cannot be printed."),
        ("FROM a\nRUN \0", 2, "holds a NUL or half a character."),
        ("FROM a\nCOPY b", 2, "COPY has no source and destination."),
        ("FROM a\nCOPY [b, c]", 2, "COPY has no source and destination."),
        ("FROM a\nCOPY --parents b /app", 2, "--parents would copy the context's folder for these files too."),
        ("FROM a\nCOPY --from=$B c d", 2, "'$B' has a variable."),
        ("FROM a\nRUN b \\\n# c", 2, "ends in a backslash: what follows it would be part of it."),
        ("FROM a\nRUN --mount=target=/b c", 2, "mounts the build context, which is not this folder."),
    ],
)
def test_what_cannot_be_taken(tmp_path, text, line, what):
    """A line that would build something else here, or nothing, is reported with a fix."""
    (wrong,) = read(tmp_path, text).wrong

    assert (wrong.line, wrong.what) == (line, what)
    assert wrong.fix


def problems_of(make_project, problems, table):
    config = read_declaration(make_project(table), problems).config
    return config, [str(problem) for problem in problems.found]


def test_the_configuration(make_project, problems):
    """The last stage's image is the base image and gives the Python version and the C library."""
    text = "FROM debian:12 AS a\nFROM python:3.11-slim-bookworm\n"

    config, said = problems_of(make_project, problems, {"base-dockerfile": text})

    assert (said, type(config)) == ([], Config)
    assert (config.base_image, config.python_version, config.target.libc) == (
        "python:3.11-slim-bookworm",
        "3.11",
        "manylinux_2_36",
    )


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            {"base-dockerfile": "docker/Dockerfile", "python-version": "3.11"},
            (
                f"{K}: 'docker/Dockerfile' does not exist in ROOT. "
                "Create it, or correct the path (relative to the project's folder)."
            ),
        ),
        (
            {"base-dockerfile": "FROM python:3.11", "base-image": "python:3.11"},
            f"{K}: cannot be used with base-image: its FROM names the image. Keep one of them.",
        ),
        (
            {"base-dockerfile": "FROM ubuntu:22.04"},
            (
                "tool.mlpackage.python-version: is required with base-dockerfile: the name 'ubuntu:22.04' "
                'does not say which Python it has. Write python-version = "X.Y"; the build stops if the image has '
                "another one."
            ),
        ),
        (
            {"base-dockerfile": "FROM a B:1\n", "python-version": "3.11"},
            f"{K}:1: 'FROM a B:1' is not FROM image [AS name]. Correct it.",
        ),
        (
            {"base-dockerfile": "FROM Ab:1 AS c\n", "python-version": "3.11"},
            f"{K}:1: 'Ab:1' is not an image reference. Correct it.",
        ),
        (
            {"base-dockerfile": "../Dockerfile"},
            (
                f"{K}: '../Dockerfile' is outside the project. "
                "Copy it into the project, or place a symbolic link to it there and name the link."
            ),
        ),
        (
            {"base-dockerfile": "FROM python:3.11\nRUN <<EOF\ntrue\nEOF\n"},
            (
                f"{K}:2: needs BuildKit or a recent buildah: the classic builder and kaniko do not support it. "
                'Set builder = "buildkit" in [tool.mlpackage.image], or write it another way.'
            ),
        ),
    ],
)  # fmt: skip
def test_a_wrong_configuration(make_project, problems, table, expected):
    """Each mistake is reported once, with its key or with the line of the text."""
    project = make_project(table)
    (project.root.parent / "Dockerfile").write_text("FROM python:3.11\n")
    read_declaration(project, problems)

    assert [str(problem).replace(str(project.root), "ROOT") for problem in problems.found] == [expected]


def test_the_files_go_along(copy_project):
    """Copied files form the first layer and keep their executable bits, and a missing file is a problem."""
    root = copy_project("base-dockerfile")

    plan = plan_context(load_project(root))

    assert plan.layers[:3] == ("base", "environment", "runtime")
    assert [(file.path, file.mode) for file in plan.in_layer("base")] == [
        ("base/docker/more/more.txt", 0o644),
        ("base/docker/settings.ini", 0o644),
        ("base/tools/enter.sh", 0o755),
    ]
    (root / "tools/enter.sh").unlink()
    with pytest.raises(ConfigurationError) as raised:
        plan_context(load_project(root))
    assert str(raised.value) == (
        f"docker/base.Dockerfile:16: 'tools/*.sh' is no file in {root}, nor a folder with files. "
        "Paths are relative to the project."
    )


_WORDS = st.sampled_from(["FROM", "COPY", "ADD", "RUN", "ARG", "SHELL", "VOLUME", "ONBUILD", "AS", "a:1", "/var"])
_FLAGS = st.sampled_from(["--from=a", "--mount=type=bind", "--platform=$X", "<<E", "E", "$A", "${B:-c}", "# escape=`"])
_SIGNS = st.sampled_from(["\n", "\r\n", " ", "\\\n", '["a",', '"b"]', "#", "'", '"', "=", "\t", "é", "..", "*"])


@settings(deadline=None, max_examples=300)
@given(st.lists(_WORDS | _FLAGS | _SIGNS | st.text(max_size=3), max_size=30).map("".join))
def test_any_text(tmp_path_factory, text):
    """Any text gives a base image and is written back, or gives problems on its own lines."""
    found = parse_base_dockerfile(tmp_path_factory.getbasetemp(), f"\n{text}", PLATFORM)

    assert found.text({}).endswith("\n")
    assert all(1 <= wrong.line <= text.count("\n") + 2 for wrong in found.wrong)
    assert found.wrong or found.base_image
