"""Values that the configuration refuses, each with its key or place and the fix."""

from __future__ import annotations

from typing import Any

import pytest

from hatch_mlpackage.project.read_config import read_declaration

K = "tool.mlpackage"
SYSTEM_FIX = "Write a name, name=version (also name=1.2*) or name/release."


def found(problems):
    """Return the collected problems as text, in order."""
    return [str(problem) for problem in problems.found]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"entry-scrip": "x"}, f"{K}.entry-scrip: unknown key. Did you mean 'entry-script'?"),
        ({"entry-script": 3}, f"{K}.entry-script: must be a string, not 3."),
        ({"models": "ridge.pkl"}, f"{K}.models: must be an array, not 'ridge.pkl'."),
        ({"models": [3]}, f"{K}.models[0]: must be a table, not 3."),
        ({"models": [{"name": "ridge"}]}, f"{K}.models[0].path: is required and missing."),
        ({"server": {"workers": True}}, f"{K}.server.workers: must be an integer, not true."),
        ({"server": {"workers": 0}}, f"{K}.server.workers: must be at least 1, not 0."),
        (
            {"server": {"max-concurrent-requests": 0}},
            f"{K}.server.max-concurrent-requests: must be at least 1, not 0.",
        ),
        ({"server": {"max-queue-wait-ms": -1}}, f"{K}.server.max-queue-wait-ms: must be at least 0, not -1."),
        (
            {"server": {"batching": {"max-rows": 0}}},
            f"{K}.server.batching.max-rows: must be at least 1, not 0.",
        ),
        (
            {"server": {"batching": {"max-delay-ms": -1}}},
            f"{K}.server.batching.max-delay-ms: must be at least 0, not -1.",
        ),
        ({"server": {"batching": True}}, f"{K}.server.batching: must be a table, not true."),
        ({"server": {"worker-memory-mb": 0}}, f"{K}.server.worker-memory-mb: must be at least 1, not 0."),
        ({"image": {"port": 0}}, f"{K}.image.port: must be between 1 and 65535, not 0."),
        ({"image": {"healthcheck": {"retries": 0}}}, f"{K}.image.healthcheck.retries: must be at least 1, not 0."),
        (
            {"extra-dockerfile-steps": ["RUN a", "FROM b"]},
            (
                f"{K}.extra-dockerfile-steps[1]: starts a new image, but these lines are added to an existing one. "
                "Leave FROM out, or write the lines up to there as base-dockerfile."
            ),
        ),
        (
            {"extra-dockerfile-steps": "models/ridge.pkl"},
            "models/ridge.pkl:1: 'RIDGE' is not a Dockerfile instruction. Start the line with RUN, COPY, ENV …",
        ),
        ({"extra-dockerfile-steps": "src"}, f"{K}.extra-dockerfile-steps: 'src' is not a file."),
        ({"extra-dockerfile-steps": 5}, f"{K}.extra-dockerfile-steps: must be a string, not 5."),
        (
            {"environment-variables": {"A": 1}},
            f"{K}.environment-variables.A: must be a string, not 1.",
        ),
        (
            {"environment-variables": {"AML_APP_ROOT": "/"}},
            f"{K}.environment-variables.AML_APP_ROOT: is set by the context itself. Remove it.",
        ),
        (
            {"environment-variables": {"MLPACKAGE_PORT": "80"}},
            (
                f"{K}.environment-variables.MLPACKAGE_PORT: is set by the context itself. Remove it: the image listens "
                "on 5001; image.port is the port on the machine that runs it."
            ),
        ),
        (
            {"environment-variables": {"WORKER_COUNT": "4"}},
            (
                f"{K}.environment-variables.WORKER_COUNT: is set by the context itself. "
                "Remove it: server.workers is the number of workers."
            ),
        ),
        (
            {"environment-variables": {"SCORING_TIMEOUT_MS": "5"}, "server": {"scoring-timeout-ms": 6}},
            (
                f"{K}.environment-variables.SCORING_TIMEOUT_MS: is also set by server.scoring-timeout-ms. "
                "Keep one of them."
            ),
        ),
        *(
            (
                {"environment-variables": {name: "5"}, "server": {key: value}},
                f"{K}.environment-variables.{name}: is also set by server.{key}. Keep one of them.",
            )
            for name, key, value in (
                ("MLPACKAGE_MAX_CONCURRENT_REQUESTS", "max-concurrent-requests", 2),
                ("MLPACKAGE_MAX_QUEUE_WAIT_MS", "max-queue-wait-ms", 2),
                ("MLPACKAGE_WORKER_MEMORY", "worker-memory-mb", 2),
                ("MLPACKAGE_WARM_UP", "warm-up", False),
            )
        ),
        (
            {
                "environment-variables": {"PATH": "/usr/bin"},
                "user-managed-dependencies": True,
                "base-image": "a/b",
                "python-version": "3.12",
            },
            (
                f"{K}.environment-variables.PATH: decides which 'python' runs, and the build has checked the one on "
                'the base image\'s own PATH. Name it by its whole path: interpreter-path = "/usr/bin/python3".'
            ),
        ),
        *(
            (
                {"environment-variables": {"HEALTH_PORT": port}},
                (
                    f"{K}.environment-variables.HEALTH_PORT: '{port}' is not a port besides 5001, where the image "
                    "serves. Write a number from 1 to 65535."
                ),
            )
            for port in ("5001", "0", "65536", "80 443", "٣")
        ),
        (
            {"environment-variables": {"A": "x\ny"}},
            (
                f"{K}.environment-variables.A: 'x\\ny' holds a line break or control character. "
                "Remove it: a Dockerfile cannot hold one in a value."
            ),
        ),
        (
            {"environment-variables": {"A-B": "x"}},
            f"{K}.environment-variables.A-B: 'A-B' is not a variable name. Use letters, digits and underscores.",
        ),
        (
            {"base-image": "mcr.microsoft.com/azureml/openmpi 4.1.0-ubuntu 20.04:20220601.v1"},
            (
                f"{K}.base-image: 'mcr.microsoft.com/azureml/openmpi 4.1.0-ubuntu 20.04:20220601.v1' is not an "
                "image reference. Write [registry/]name[:tag][@sha256:digest], without spaces and with the name in "
                "lower case."
            ),
        ),
        (
            {"base-image": "python:3.11-slim", "python-version": "3.12"},
            f"{K}.python-version: '3.12' is not the Python of base-image 'python:3.11-slim'. Make them agree.",
        ),
        (
            {"python-version": "2.7"},
            (
                f"{K}.python-version: '2.7' is not a supported Python version. "
                "Use one of 3.6, 3.7, 3.8, 3.9, 3.10, 3.11, 3.12, 3.13, 3.14."
            ),
        ),
        (
            {"platform": "linux/amd46"},
            f"{K}.platform: 'linux/amd46' is not one of linux/amd64, linux/arm64. Did you mean 'linux/amd64'?",
        ),
        (
            {"cuda": "12.7"},
            (
                f"{K}.cuda: '12.7' is not one of 11.8, 12.1, 12.2, 12.3, 12.4, 12.5, 12.6, 12.8, 12.9, 13.0. "
                "For another version, name its image in base-image."
            ),
        ),
        (
            {"cuda": "12.8", "base-image": "nvidia/cuda:12.4.1-base-ubuntu22.04"},
            (f"{K}.cuda: '12.8' is not the CUDA of base-image 'nvidia/cuda:12.4.1-base-ubuntu22.04'. Make them agree."),
        ),
        (
            {"cuda": "12.8", "python-version": "3.11"},
            (
                f"{K}.python-version: '3.11' is not the Python of "
                "'nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04', which is Ubuntu's 3.12. "
                'Set python-version to "3.10" or "3.12", or name a base-image with CUDA and that Python.'
            ),
        ),
        (
            {
                "user-managed-dependencies": True,
                "base-image": "team/base:1",
                "python-version": "3.9",
                "requirements": ["requirements.txt"],
                "dependencies": ["numpy"],
            },
            (
                f"{K}.user-managed-dependencies: says that the base image brings the model's packages, but "
                "dependencies and requirements would install others. Remove them, or user-managed-dependencies."
            ),
        ),
        (
            {"user-managed-dependencies": True, "base-image": "team/base:1"},
            (
                f"{K}.python-version: is required with user-managed-dependencies: the name "
                "'team/base:1' does not say which Python it has. "
                'Write python-version = "X.Y"; the build stops if the image has another one.'
            ),
        ),
        (
            {"user-managed-dependencies": True, "python-version": "3.9", "interpreter-path": "conda run python"},
            (
                f"{K}.interpreter-path: 'conda run python' is not a program's name or path. "
                'Write its name, or its whole path in the image: "/opt/conda/bin/python".'
            ),
        ),
        (
            {"interpreter-path": "python"},
            f"{K}.interpreter-path: is only used with user-managed-dependencies = true. Remove it.",
        ),
        ({"locker": "poetry"}, f"{K}.locker: 'poetry' is not one of uv, pip-tools."),
        *(
            (
                {"system-packages": [name]},
                f"{K}.system-packages[0]: '{name}' is not a Debian package name. {SYSTEM_FIX}",
            )
            for name in (
                "gcc;rm",
                "",
                "-y",
                "a",
                "Gcc",
                "lib*",
                "gcc^",
                "lib.",
                "\u017fed",
            )
        ),
        *(
            (
                {"system-packages": [f"gcc{rest}"]},
                f"{K}.system-packages[0]: 'gcc{rest}' has no {kind} of Debian: '{rest[1:]}'. {SYSTEM_FIX}",
            )
            for rest, kind in (
                ("=", "version"),
                ("=1/a", "version"),
                ("=*", "version"),
                ("=1*2", "version"),
                ("/", "release"),
                ("/a*", "release"),
            )
        ),
        (
            {"system-packages": ["gcc\n"]},
            f"{K}.system-packages[0]: 'gcc\n' is not a Debian package name. {SYSTEM_FIX}",
        ),
        *(
            (
                {"system-packages": [name]},
                (
                    f"{K}.system-packages[0]: '{name}' would remove a package: apt-get reads the dash as an order. "
                    "Remove it."
                ),
            )
            for name in ("libc6-", "gcc=1.0-", "gcc/bookworm-")
        ),
        *(
            (
                {"system-packages": [name]},
                (
                    f"{K}.system-packages[0]: '{name}' is not a package's name: apt-get reads the plus as an order to "
                    f"install. Write '{name.rstrip('+')}'."
                ),
            )
            for name in ("libc6+", "gcc=1.0+", "g++=12++")
        ),
        (
            {"system-packages": ["gcc"], "base-image": "python:3.12-alpine"},
            f"{K}.base-image: 'python:3.12-alpine' has no apt for system-packages. Use a Debian or Ubuntu base.",
        ),
        (
            {"image": {"name": "My Image"}},
            f"{K}.image.name: 'My Image' is not an image name. Write [registry/]name[:tag] in lower case.",
        ),
        (
            {"image": {"labels": {"a b": "x"}}},
            f"{K}.image.labels.a b: 'x' is not a label that a Dockerfile can hold.",
        ),
    ],
)
def test_value(make_project, problems, table, expected):
    """A wrong value is reported with its full key, what it is and what is allowed."""
    read_declaration(make_project(table), problems)

    assert found(problems) == [expected]


NAMES = [
    "g++",
    "libstdc++6",
    "bonnie++",
    "memtest86+",
    "libc6:i386",
    "python3:any",
    "gcc=4:12.2.0-3",
    "gcc=4:12.*",
    "a1/bookworm-backports",
]


def test_names_of_debian_packages(make_project, problems):
    """Real names are taken as they are, with a plus at the end too, and so are versions, architectures and releases."""
    project = make_project({"system-packages": [*NAMES, "libfoo=1.2~rc1+b1"]})

    assert (read_declaration(project, problems).config.system_packages, found(problems)) == (
        (*NAMES, "libfoo=1.2~rc1+b1"),
        [],
    )


def test_variables_that_may_be_set(make_project, problems):
    """Settings of the server without a key, and the PATH of an image whose Python has a whole path, may be set."""
    variables = {"PATH": "/usr/bin", "HOME": "/a", "SCORING_TIMEOUT_MS": "5", "HEALTH_PORT": "80", "A": "a\tb"}

    assert read_declaration(
        make_project({"environment-variables": variables}), problems
    ).config.environment_variables == (variables)
    assert found(problems) == []


def test_one_name_and_version_twice(make_project, problems):
    """Two models may not share a name and a version."""
    model = {"name": "ridge", "path": "models/ridge.pkl"}
    read_declaration(make_project({"models": [model, {**model, "version": "2"}, model]}), problems)

    assert found(problems) == [
        f"{K}.models[2]: 'ridge' version 1 is already declared as models[0]. Change one of them."
    ]


def test_requires_python(make_project, problems):
    """The image's Python must be one that the project supports."""
    read_declaration(make_project(requires_python=">=3.13"), problems)

    assert found(problems) == [
        (
            f"{K}.python-version: '3.12' is excluded by requires-python '>=3.13'. "
            f'Set a version that the project allows: python-version = "X.Y" in [{K}].'
        ),
    ]


def test_requires_python_with_a_patch_version(make_project, problems):
    """A lower bound on the patch version does not exclude the minor version."""
    read_declaration(make_project(requires_python=">=3.12.4"), problems)

    assert found(problems) == []


def test_dynamic_dependencies(make_project, problems):
    """Dependencies that only another build backend knows must be named in the table."""
    read_declaration(make_project(dependencies=None), problems)

    assert found(problems) == [
        (
            "project.dependencies: is dynamic, and only the build backend knows its value. "
            f'Name the requirements here: requirements = ["requirements.txt"] in [{K}].'
        ),
    ]


def test_everything_at_once(make_project, problems):
    """All problems are reported together, in the order of the checks."""
    read_declaration(
        make_project({"modles": [], "entry-script": "src/scor.py", "platform": "windows", "server": {"workers": -1}}),
        problems,
    )

    assert [problem.where for problem in problems.found] == [
        f"{K}.modles",
        f"{K}.entry-script",
        f"{K}.platform",
        f"{K}.server.workers",
    ]


SECRETS = f"{K}.image.secrets"
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
                    f"{SECRETS}: needs a builder that can keep a secret: the classic builder and kaniko would write it "
                    'into the image. Set builder = "buildkit" in [tool.mlpackage.image], and build with BuildKit or '
                    "buildah."
                )
            ],
        ),
        (
            image({"id": "a b", "target": "pip.conf"}),
            [
                f"{SECRETS}[0].id: 'a b' is not an id. Use letters, digits and dashes.",
                f"{SECRETS}[0].target: 'pip.conf' is not an absolute path. Write \"/etc/pip.conf\".",
            ],
        ),
        (
            image(PIP, {"id": "pip", "target": "/root/.netrc"}),
            [f"{SECRETS}[1]: 'pip' or its target is used twice. Remove one of them."],
        ),
        (
            image({"id": "pip", "target": "/etc/pip.conf,required=false"}),
            [
                (
                    f"{SECRETS}[0].target: '/etc/pip.conf,required=false' is not an absolute path. "
                    'Write "/etc/pip.conf".'
                ),
            ],
        ),
        (
            image(builder="kaniko"),
            ["tool.mlpackage.image.builder: 'kaniko' is not one of classic, buildkit."],
        ),
    ],
)
def test_secrets(make_project, problems, table, expected):
    """A secret needs a builder that keeps it, an id and an absolute path, and neither may be used twice."""
    read_declaration(make_project(table), problems)

    assert [str(problem).rstrip() for problem in problems.found] == expected


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"python-version": ""}, "python-version"),
        ({"base-image": ""}, "base-image"),
        ({"cuda": ""}, "cuda"),
        ({"conda-image": ""}, "conda-image"),
        ({"image": {"name": ""}}, "image.name"),
    ],
)
def test_an_empty_value(make_project, problems, table, key):
    """An empty value is refused: it is not another way to ask for the default."""
    read_declaration(make_project(table), problems)

    assert list(map(str, problems.found)) == [
        f"{K}.{key}: is empty. Write its value, or remove the key to use the default."
    ]
