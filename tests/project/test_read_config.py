from __future__ import annotations

import pytest

from hatch_mlpackage.errors import Problem
from hatch_mlpackage.project.config.keys import Config, Image, Model, Server
from hatch_mlpackage.project.read_config import read_declaration
from hatch_mlpackage.project.target import Target


def found(problems):
    """Return the collected problems as text, in order."""
    return [str(problem) for problem in problems.found]


class TestAccepted:
    def test_minimal(self, make_project, problems):
        """A script and a model are enough: Python, base image, platform and the image's name have defaults."""
        config = read_declaration(make_project(dependencies=("numpy",)), problems).config

        assert found(problems) == []
        assert config == Config(
            entry_script="src/score.py",
            python_version="3.12",
            base_image="python:3.12-slim-bookworm",
            dependencies=("numpy",),
            models=(Model(name="ridge", version="1", path="models/ridge.pkl"),),
            image=Image(name="diabetes"),
        )
        assert config.target == Target(python="3.12", platform="linux/amd64", libc="manylinux_2_36")
        assert config.lock_path == "locks/requirements.txt"

    def test_everything(self, make_project, problems):
        """Every key is read into the value of its field."""
        project = make_project(
            {
                "source-directory": "./src/",
                "exclude": ["*.csv"],
                "python-version": "3.11",
                "base-image": "registry.example:5000/team/python:3.11-bullseye",
                "platform": "linux/arm64",
                "requirements": ["requirements.in"],
                "dependencies": ["scipy>=1.10"],
                "system-packages": ["libgomp1", "libfoo=1.2-3"],
                "environment-variables": {"OMP_NUM_THREADS": "1"},
                "locker": "pip-tools",
                "lock-directory": "deploy/locks",
                "models": [{"name": "ridge", "version": 3, "path": "./models/ridge.pkl"}],
                "server": {"workers": 2, "scoring-timeout-ms": 1000},
                "image": {"name": "team/ridge:1", "labels": {"team": "risk"}},
            },
            dependencies=("ignored",),
        )

        config = read_declaration(project, problems).config

        assert found(problems) == []
        assert config == Config(
            entry_script="src/score.py",
            source_directory="src",
            exclude=("*.csv",),
            python_version="3.11",
            base_image="registry.example:5000/team/python:3.11-bullseye",
            platform="linux/arm64",
            requirements=("requirements.in",),
            dependencies=("scipy>=1.10",),
            system_packages=("libgomp1", "libfoo=1.2-3"),
            environment_variables={"OMP_NUM_THREADS": "1"},
            locker="pip-tools",
            lock_directory="deploy/locks",
            models=(Model(name="ridge", version="3", path="models/ridge.pkl"),),
            server=Server(workers=2, scoring_timeout_ms=1000),
            image=Image(name="team/ridge:1", labels={"team": "risk"}),
        )
        assert config.target == Target(python="3.11", platform="linux/arm64", libc="manylinux_2_31")

    @pytest.mark.parametrize(
        ("table", "python", "base_image"),
        [
            ({"base-image": "python:3.10-slim"}, "3.10", "python:3.10-slim"),
            ({"python-version": "3.13"}, "3.13", "python:3.13-slim-bookworm"),
            ({"base-image": "ubuntu:22.04"}, "3.10", "ubuntu:22.04"),
            ({"base-image": "registry.example/team/ubuntu-22.04:1"}, "3.12", "registry.example/team/ubuntu-22.04:1"),
            ({"cuda": "12.4"}, "3.10", "nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04"),
            ({"cuda": "12.8"}, "3.12", "nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04"),
            ({"cuda": "12.8", "python-version": "3.10"}, "3.10", "nvidia/cuda:12.8.1-cudnn-runtime-ubuntu22.04"),
            ({"cuda": "12.4", "base-image": "python:3.11-slim"}, "3.11", "python:3.11-slim"),
            ({"base-image": "python:3.11@sha256:" + "0" * 64}, "3.11", "python:3.11@sha256:" + "0" * 64),
        ],
    )
    def test_python_and_base_complete_each_other(self, make_project, problems, table, python, base_image):
        """The Python version comes from the base image's tag, the base image from the Python version."""
        config = read_declaration(make_project(table), problems).config

        assert found(problems) == []
        assert (config.python_version, config.base_image) == (python, base_image)

    def test_no_model(self, make_project, problems):
        """A script that brings its own knowledge needs no model."""
        assert read_declaration(make_project({"models": []}), problems).config.models == ()
        assert found(problems) == []

    def test_a_link_may_lead_outside(self, make_project, problems, tmp_path):
        """A symbolic link in the project is a deliberate way to a model elsewhere."""
        (tmp_path / "big.pkl").write_bytes(b"big")
        project = make_project({"models": [{"name": "big", "path": "models/big.pkl"}]})
        (project.root / "models/big.pkl").symlink_to(tmp_path / "big.pkl")

        read_declaration(project, problems)

        assert found(problems) == []


K = "tool.mlpackage"


class TestRefused:
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
                    "Use one of 3.8, 3.9, 3.10, 3.11, 3.12, 3.13, 3.14."
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
                (
                    f"{K}.cuda: '12.8' is not the CUDA of base-image 'nvidia/cuda:12.4.1-base-ubuntu22.04'. "
                    "Make them agree."
                ),
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
            ({"system-packages": ["gcc;rm"]}, f"{K}.system-packages[0]: 'gcc;rm' is not a Debian package name."),
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
    def test_value(self, make_project, problems, table, expected):
        """A wrong value is reported with its full key, what it is and what is allowed."""
        read_declaration(make_project(table), problems)

        assert found(problems) == [expected]

    @pytest.mark.parametrize(
        ("model", "expected"),
        [
            (
                {"name": "-ridge", "path": "models/ridge.pkl"},
                (
                    f"{K}.models[0].name: '-ridge' is not a model name. "
                    "Use 1 to 255 letters, digits, dashes, dots and underscores, a letter or digit first."
                ),
            ),
            (
                {"name": "r", "version": "1/2", "path": "models/ridge.pkl"},
                f"{K}.models[0].version: '1/2' is not a version. Use a number such as \"3\".",
            ),
            (
                {"name": "r", "path": "../ridge.pkl"},
                (
                    f"{K}.models[0].path: '../ridge.pkl' is outside the project. "
                    "Copy it into the project, or place a symbolic link to it there and name the link."
                ),
            ),
            (
                {"name": "r", "path": "/srv/ridge.pkl"},
                (
                    f"{K}.models[0].path: '/srv/ridge.pkl' is outside the project. "
                    "Copy it into the project, or place a symbolic link to it there and name the link."
                ),
            ),
        ],
    )
    def test_model(self, make_project, problems, model, expected):
        """A model that cannot be packed is reported with its place in the array."""
        read_declaration(make_project({"models": [model]}), problems)

        assert found(problems) == [expected]

    def test_missing_model_names_the_nearest(self, make_project, problems):
        """A misspelt path is answered with the sibling that looks like it."""
        project = make_project({"models": [{"name": "r", "path": "models/rigde.pkl"}]})

        read_declaration(project, problems)

        assert problems.found == (
            Problem(
                where=f"{K}.models[0].path",
                what=f"'models/rigde.pkl' does not exist in {project.root}.",
                fix="Did you mean 'ridge.pkl'?",
            ),
        )

    def test_backslashes(self, make_project, problems):
        """A path as Windows shows it is answered with the one to write."""
        project = make_project({"models": [{"name": "r", "path": "models\\ridge.pkl"}]})

        read_declaration(project, problems)

        assert [problem.fix for problem in problems.found] == [
            "Write it with slashes, on every system: 'models/ridge.pkl'."
        ]

    def test_model_missing_from_a_source_distribution(self, make_project, problems):
        """In an unpacked sdist the cause of a missing model is that it was ignored, and the message says so."""
        project = make_project({"models": [{"name": "r", "path": "models/x.onnx"}]})
        (project.root / "PKG-INFO").write_text("Metadata-Version: 2.4\n")

        read_declaration(project, problems)

        assert [problem.fix for problem in problems.found] == [
            (
                "This is an unpacked source distribution, which holds no ignored files: build the wheel from the "
                "checkout (`python -m build --wheel`), or add the file to `artifacts` in "
                "[tool.hatch.build.targets.sdist]."
            )
        ]

    def test_one_name_and_version_twice(self, make_project, problems):
        """Two models cannot share a folder of the context."""
        model = {"name": "ridge", "path": "models/ridge.pkl"}
        read_declaration(make_project({"models": [model, {**model, "version": "2"}, model]}), problems)

        assert found(problems) == [
            f"{K}.models[2]: 'ridge' version 1 is already declared as models[0]. Change one of them."
        ]

    @pytest.mark.parametrize(
        ("script", "expected"),
        [
            (
                None,
                (
                    f"{K}.entry-script: is required and missing. Name the script with init() and run(): "
                    'entry-script = "score.py"; or, for a single model, name its framework in its table: framework = '
                    "one of sklearn, skops, onnx, tensorflow, pytorch, xgboost, lightgbm, mlflow."
                ),
            ),
            (
                "src/score-it.py",
                (
                    f"{K}.entry-script: 'src/score-it.py' cannot be imported as a module. "
                    "Rename it to a valid Python module name."
                ),
            ),
            (
                "src/class.py",
                (
                    f"{K}.entry-script: 'src/class.py' cannot be imported as a module. "
                    "Rename it to a valid Python module name."
                ),
            ),
            (
                "src/score.R",
                f"{K}.entry-script: 'src/score.R' is not a Python file. Only .py entry scripts can be served.",
            ),
            (
                "src/score.ipynb",
                (
                    f"{K}.entry-script: 'src/score.ipynb' is not a Python file. "
                    "Convert the notebook to a script: jupyter nbconvert --to script."
                ),
            ),
        ],
    )
    def test_entry_script(self, make_project, problems, script, expected):
        """A script that cannot be imported as a module is refused before anything is built."""
        project = make_project({"entry-script": script} if script else None)
        if script:
            (project.root / script).write_text("")
        else:
            del project.table["entry-script"]

        read_declaration(project, problems)

        assert found(problems) == [expected]

    def test_script_outside_its_source_directory(self, make_project, problems):
        """The entry script belongs to the tree that goes along."""
        read_declaration(make_project({"source-directory": "models"}), problems)

        assert found(problems) == [
            f"{K}.entry-script: 'src/score.py' is not inside source-directory 'models'.",
        ]

    def test_requires_python(self, make_project, problems):
        """The image's Python must be one that the project supports."""
        read_declaration(make_project(requires_python=">=3.13"), problems)

        assert found(problems) == [
            (
                f"{K}.python-version: '3.12' is excluded by requires-python '>=3.13'. "
                f'Set a version that the project allows: python-version = "X.Y" in [{K}].'
            ),
        ]

    def test_requires_python_with_a_patch_version(self, make_project, problems):
        """A lower bound on the patch version does not exclude the minor version."""
        read_declaration(make_project(requires_python=">=3.12.4"), problems)

        assert found(problems) == []

    def test_dynamic_dependencies(self, make_project, problems):
        """Dependencies that only another build backend knows must be named here."""
        read_declaration(make_project(dependencies=None), problems)

        assert found(problems) == [
            (
                "project.dependencies: is dynamic, and only the build backend knows its value. "
                f'Name the requirements here: requirements = ["requirements.txt"] in [{K}].'
            ),
        ]

    def test_everything_at_once(self, make_project, problems):
        """All problems are reported together, in the order of the checks."""
        read_declaration(
            make_project(
                {"modles": [], "entry-script": "src/scor.py", "platform": "windows", "server": {"workers": -1}}
            ),
            problems,
        )

        assert [problem.where for problem in problems.found] == [
            f"{K}.modles",
            f"{K}.entry-script",
            f"{K}.platform",
            f"{K}.server.workers",
        ]
