from __future__ import annotations

import pytest

from hatch_mlpackage.context.build import build_context
from hatch_mlpackage.context.check import check_project
from hatch_mlpackage.context.plan import BASE_LAYER, ContextFile
from hatch_mlpackage.context.secret_files import SECRET, secret_problems
from hatch_mlpackage.errors import Problem
from hatch_mlpackage.project.pyproject import load_project

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
WHAT = "looks like a secret, and whoever has the image can read it."
AT_RUN_TIME = "Give the server what it needs when it runs, as a variable or a mounted file."


@pytest.fixture
def found_in(tmp_path):
    """Give a function that writes files of a source tree, and lists those that cause a warning."""

    def found(texts):
        files = []
        for name, text in texts.items():
            path = tmp_path / "src" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            files.append(ContextFile(path=f"azureml-app/src/{name}", layer="source", source=path, size=len(text)))
        return [problem.where for problem in secret_problems(files, tmp_path)]

    return found


@pytest.mark.parametrize(
    "name",
    [
        *(".env", ".env.local", "deep/.env.production", ".netrc", "_netrc", ".pypirc", ".pgpass", ".git-credentials"),
        *("id_rsa", "ID_ED25519", "keys.p12", "keys.pfx", "credentials.json", "client_secret_1.json"),
        *("service-account.json", "service_account_prod.json", "secrets.toml", "secrets.yaml"),
    ],
)
def test_names_that_secrets_have(found_in, name):
    """A file with a common name of secrets causes a warning, whatever it holds."""
    assert found_in({name: ""}) == [f"src/{name}"]


@pytest.mark.parametrize(
    "name",
    [
        *(".env.example", ".env.sample", ".env.template", ".env.local.example", "id_rsa.pub", "env", "my.env.py"),
        *("credentials.py", "secrets.py", "tokenizer.json", "score.py"),
    ],
)
def test_names_of_what_is_public(found_in, name):
    """Examples, public keys and code with similar names cause no warning."""
    assert found_in({name: KEY}) == []


def test_keys_are_known_by_what_they_hold(found_in):
    """Of the files that may hold certificates or keys, only those with a private key cause a warning."""
    texts = {
        "ca.pem": CERTIFICATE,
        "both.pem": CERTIFICATE + KEY,
        "server.key": KEY,
        "slides.key": "PK\x03\x04",
        "encrypted.pem": "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
    }

    assert found_in(texts) == ["src/both.pem", "src/server.key", "src/encrypted.pem"]


def test_the_next_step_fits_the_place(tmp_path):
    """Each file causes one warning with the fix for its layer; our own runtime causes none."""
    (tmp_path / ".env").touch()
    files = [
        ContextFile(path=path, layer=layer, source=tmp_path / ".env", size=0)
        for path, layer in (
            ("azureml-app/src/sub/.env", "source"),
            ("base/.env", BASE_LAYER),
            ("azureml-models/m/1/m/.env", "azureml-models/m/1"),
            ("runtime/.env", "runtime"),
        )
    ]

    def only(file):
        return list(secret_problems([file], tmp_path))

    assert [only(file) for file in files] == [
        [Problem(where=".env", what=WHAT, fix=f"{fix} {AT_RUN_TIME}", level="warning", code=SECRET)]
        for fix in (
            'Leave it out: exclude = ["/sub/.env"].',
            "Leave it out of what the base Dockerfile copies.",
            "Move it out of the model's folder.",
        )
    ] + [[]]
    assert list(secret_problems(files, tmp_path)) == only(files[0])


def test_a_generated_file_is_no_secret(tmp_path):
    """A generated file causes no warning."""
    file = ContextFile(path="azureml-app/.env", layer="source", source=b"", size=0)

    assert list(secret_problems([file], tmp_path)) == []


def test_check_and_generate_warn(copy_project, tmp_path):
    """`check` and `generate` both give the warning, and the file is packed all the same."""
    root = copy_project("two-models")
    project = load_project(root)
    (root / "src/.env").write_text("TOKEN=1\n")
    expected = Problem(
        where="src/.env",
        what=WHAT,
        fix=f'Leave it out: exclude = ["/.env"]. {AT_RUN_TIME}',
        level="warning",
        code=SECRET,
    )
    said: list[str] = []

    manifest = build_context(project, tmp_path / "context", warn=said.append)

    assert [problem for problem in check_project(project).problems if problem.code == SECRET] == [expected]
    assert [warning for warning in said if "secret" in warning] == [str(expected)]
    assert "azureml-app/src/.env" in {file.path for file in manifest.files}
