from __future__ import annotations

from dataclasses import replace

import pytest

from hatch_mlpackage.context.build import build_context, plan_context, plan_package
from hatch_mlpackage.context.check import check_project
from hatch_mlpackage.context.package import inspect_project
from hatch_mlpackage.context.plan import BASE_LAYER, ContextFile
from hatch_mlpackage.context.secret_files import SECRET, secret_problems
from hatch_mlpackage.errors import ConfigurationError, Problem
from hatch_mlpackage.project.pyproject import load_project

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
WHAT = "looks like a secret (by its name), and whoever has the image can read it."
ALLOW = 'If it is meant to be there: allowed-secrets = ["/.env"].'
AT_RUN_TIME = "Give the server what it needs when it runs, as a variable or a mounted file."


@pytest.fixture
def found_in(tmp_path):
    """Give a function that writes files of a source tree, and lists those that cause a warning."""

    def found(texts, allowed=()):
        files = []
        for name, text in texts.items():
            path = tmp_path / "src" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            files.append(ContextFile(path=f"azureml-app/src/{name}", layer="source", source=path, size=len(text)))
        return [problem.where for problem in secret_problems(files, tmp_path, allowed)]

    return found


@pytest.mark.parametrize(
    "name",
    [
        *(".env", ".env.local", "deep/.env.production", ".netrc", "_netrc", ".pypirc", ".pgpass", ".git-credentials"),
        *("id_rsa", "ID_ED25519", "keys.p12", "keys.pfx", "credentials.json", "client_secret_1.json"),
        *("service-account.json", "service_account_prod.json", "secrets.toml", "secrets.yaml"),
        *(".ssh/config", ".aws/credentials", ".azure/msal_token_cache.json", ".kube/config", ".docker/config.json"),
        *(".config/gcloud/credentials.db", ".cache/huggingface/token", ".token", "hf.token", "token.json", ".my.cnf"),
        *("prod.env", "local.env", "secrets.env", "id_rsa.bak", "credentials.json.old", ".env~", "id_ed25519.old.1"),
    ],
)
def test_names_that_secrets_have(found_in, name):
    """A file with a common name of secrets causes a warning, whatever it holds."""
    assert found_in({name: ""}) == [f"src/{name}"]


@pytest.mark.parametrize(
    "name",
    [
        *(".env.example", ".env.sample", ".env.template", ".env.local.example", "id_rsa.pub", "env", "my.env.py"),
        *("credentials.py", "secrets.py", "tokenizer.json", "score.py", "tokens.txt", "added_tokens.json"),
        *("example.env", "app.sample.env", "id_rsa.pub.bak", "score.py.bak", "environment.yml"),
        *(".ssh/id_rsa.pub", ".ssh/known_hosts", "kube/config", "docker/config.json", "config.json", "token/a.py"),
    ],
)
def test_names_of_what_is_public(found_in, name):
    """Examples, public keys and code with similar names cause no warning."""
    assert found_in({name: CERTIFICATE}) == []


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


ACCOUNT = '{"type": "service_account", "private_key_id": "1", "private_key": "x"}'
MARKED = "hf_" + "a1B2" * 8


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.txt", KEY),
        ("notes.txt", KEY.encode("utf-16")),
        ("notes.txt", "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\nlQOYBF0123456789abcdef\n"),
        ("score.py", f'KEY = """{KEY}"""\n'),
        ("score.py", 'KEY = "-----BEGIN PRIVATE KEY-----\\n" + \\\n  "MIIEvQIBADANBgkqhkiG9w0B"\n'),
        ("key.json", '{"key": "-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0B"}'),
        ("account.json", ACCOUNT),
        ("config", f"[default]\naws_secret_access_key = {'aB3/' * 10}\n"),
        ("score.py", f"login('{MARKED}')\n"),
        ("pip.conf", "[global]\nindex-url = https://me:pw@pypi.example/simple\n"),
        (".npmrc", "//registry.example/:_authToken=abcdef\n"),
        ("model.bin", bytes(4000) + KEY.encode()),
        ("score.py", f'S = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={"aB3/" * 21}aB=="\n'),
        ("bus.json", f'{{"s": "Endpoint=sb://a/;SharedAccessKeyName=k;SharedAccessKey={"aB3/" * 10}aBc="}}'),
        ("score.py", f"U = 'https://a.blob.core.windows.net/c/m?sv=2022&sig={'aB3%2F' * 10}abc%3D&se=2030'\n"),
        ("score.py", "URL = 'postgresql://scoring:t7Gq2mX9@db7.corp.net:5432/features'\n"),
        ("config.json", '{"url": "mongodb+srv://app:t7Gq2mX9@cluster0.mongodb.net"}'),
    ],
)
def test_what_secrets_hold(found_in, name, content):
    """A file of any name causes a warning if its beginning holds a key, a token or a login."""
    assert found_in({name: content}) == [f"src/{name}"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("score.py", 'if "-----BEGIN PRIVATE KEY-----" in text:\n    raise ValueError\n'),
        ("ca.txt", CERTIFICATE),
        ("account.json", '{"type": "service_account"}'),
        ("pip.conf", "[global]\nindex-url = https://pypi.example/simple\n"),
        (".npmrc", "registry=https://registry.example/\n//registry.example/:_authToken=${NPM_TOKEN}\n"),
        ("settings.py", "URL = 'https://me:pw@pypi.example/simple'\n"),
        ("model.bin", bytes(1 << 20) + KEY.encode()),
        ("score.py", "URL = 'postgresql://user:password@localhost/db'  # or postgresql://me:t7Gq2mX9@localhost\n"),
        ("score.py", "URL = f'postgresql://{user}:{password}@db7.corp.net/x'\nB = 'mysql://a:$PASSWORD@b.c/d'\n"),
        ("score.py", "# postgresql://user:yourpassword@db.corp.net/x, redis://:changeme@cache.corp.net\n"),
        ("score.py", "S = f'AccountName=a;AccountKey={key}=='\nU = 'https://a/b?sig=' + sig\n"),
        ("score.py", "URL = 'https://api.corp.net/x?sig=short'\n"),
    ],
)
def test_what_others_hold(found_in, name, content):
    """Code that speaks of keys, certificates and settings without a login cause no warning, nor does a file's end."""
    assert found_in({name: content}) == []


@pytest.mark.parametrize("allowed", [["/src/.env"], [".env"], ["src/"], ["*.env", "!/other/.env"]])
def test_allowed_secrets(found_in, allowed):
    """A file that is meant to be there causes no warning, and the others still do."""
    assert found_in({".env": "", "x/.netrc": ""}, allowed) == ([] if "src/" in allowed else ["src/x/.netrc"])


def test_the_reasons(tmp_path):
    """The warning says why the file looks like a secret, and how it is allowed."""
    (tmp_path / "a[1].pem").write_text(KEY)
    file = ContextFile(path="azureml-app/src/a[1].pem", layer="source", source=tmp_path / "a[1].pem", size=0)

    assert list(map(str, secret_problems([file], tmp_path))) == [
        (
            "a[1].pem: looks like a secret (it holds a private key), and whoever has the image can read it. "
            f'Leave it out: exclude = ["/a[1].pem"]. {AT_RUN_TIME} '
            'If it is meant to be there: allowed-secrets = ["/a\\\\[1\\\\].pem"].'
        )
    ]
    assert list(secret_problems([file], tmp_path, [r"/a\[1\].pem"])) == []


def test_a_link_with_another_name(tmp_path):
    """A link is judged by the name of what it leads to, too."""
    (tmp_path / "id_rsa").touch()
    (tmp_path / "model.bin").symlink_to("id_rsa")
    file = ContextFile(path="azureml-models/m/1/model.bin", layer="m", source=tmp_path / "model.bin", size=0)

    assert [problem.where for problem in secret_problems([file], tmp_path)] == ["model.bin"]


def test_the_checked_bytes_of_the_script(tmp_path):
    """The entry script, whose bytes were read before, is judged by them."""
    script = tmp_path / "score.py"
    file = ContextFile(
        path="azureml-app/score.py", layer="source", source=f"KEY = '{MARKED}'".encode(), size=0, origin=script
    )

    (problem,) = secret_problems([file], tmp_path)

    assert (problem.where, problem.fix.partition(". ")[0]) == ("score.py", "Take it out of the script")


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
        [Problem(where=".env", what=WHAT, fix=f"{fix} {AT_RUN_TIME} {ALLOW}", level="warning", code=SECRET)]
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


@pytest.fixture
def project(copy_project):
    """Give a project with a secret beside its sources."""
    root = copy_project("two-models")
    (root / "src/.env").write_text("TOKEN=1\n")
    return load_project(root)


EXPECTED = Problem(
    where="src/.env",
    what=WHAT,
    fix=f'Leave it out: exclude = ["/.env"]. {AT_RUN_TIME} {ALLOW.replace("/", "/src/")}',
    level="warning",
    code=SECRET,
)


def secrets_of(problems):
    return [problem for problem in problems if problem.code == SECRET]


def test_every_verb_warns(project, tmp_path):
    """Checking, planning and writing each warn once, and the file is packed all the same."""
    planned: list[str] = []
    written: list[str] = []

    plan_package(inspect_project(project), warn=planned.append)
    manifest = build_context(project, tmp_path / "context", warn=written.append)

    assert secrets_of(check_project(project).problems) == [EXPECTED]
    assert [warning for warning in planned if "secret" in warning] == [str(EXPECTED)]
    assert [warning for warning in written if "secret" in warning] == [str(EXPECTED)]
    assert "azureml-app/src/.env" in {file.path for file in manifest.files}


def test_allowed(project, tmp_path):
    """What the project allows causes no warning, strict or not."""
    image = f"{project.table['base-image']}@sha256:{'1' * 64}"
    table = {**project.table, "base-image": image, "allowed-secrets": ["/src/.env"], "strict": True}
    allowed = replace(project, table=table)
    said: list[str] = []

    build_context(allowed, tmp_path / "context", warn=said.append)

    assert (secrets_of(check_project(allowed).problems), said) == ([], [])


def test_strict(project, tmp_path):
    """With `strict = true` a warning is an error of every step, once, and nothing is written."""
    strict = replace(project, table={**project.table, "strict": True})
    as_error = replace(EXPECTED, level="error")

    for step in (plan_context, lambda it: build_context(it, tmp_path / "context")):
        with pytest.raises(ConfigurationError) as raised:
            step(strict)
        assert secrets_of(raised.value.problems) == [as_error]
    assert secrets_of(check_project(strict).problems) == [as_error]
    assert not (tmp_path / "context").exists()
