from __future__ import annotations


def test_check_passes(project, mlpackage):
    """A lock that fits passes `--check`, with the model or without it."""
    (project / "models/greeting.txt").unlink()

    outcome = mlpackage("lock", "--check")

    assert (outcome.status, outcome.out, outcome.err) == (0, "locks/requirements.txt fits.\n", "")


def test_check_fails(project, mlpackage):
    """A requirement that the lock lacks is named, and the lock is left as it is."""
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace('"idna>=3.7"', '"idna>=3.7", "certifi"'))
    before = (project / "locks/requirements.txt").read_bytes()

    outcome = mlpackage("lock", "--check")

    assert (outcome.status, outcome.out) == (1, "")
    assert "certifi" in outcome.err
    assert "Run `mlpackage lock` and commit the result." in outcome.err
    assert (project / "locks/requirements.txt").read_bytes() == before


def test_writes(project, mlpackage):
    """Locking nothing needs no network; the next command is named."""
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().replace('"idna>=3.7"', ""))

    outcome = mlpackage("lock")

    assert outcome.status == 0
    assert outcome.out == "Locked in locks/requirements.txt. Commit it.\nNext: mlpackage generate\n"
    assert mlpackage("lock", "--check").status == 0


def test_upgrade_and_check_exclude_each_other(project, mlpackage):
    """Asking to write and not to write at once is wrong usage."""
    outcome = mlpackage("lock", "--upgrade", "--check")

    assert outcome.status == 2
    assert "--upgrade writes a lock and --check does not: give one of them." in outcome.err
