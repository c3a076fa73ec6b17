"""Make the tests' base image from Debian's own packages where no image registry can be reached.

It answers to `python:3.11-slim-bookworm`: Debian bookworm's Python is 3.11. The machine's certificates and package
index go in, so that pip inside reaches what pip outside reaches.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

from .engine import Engine, EngineUnavailableError

NAME = "python:3.11-slim-bookworm"
SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3", "python3-venv")
# debootstrap takes about a minute, so its result is kept here.
CACHE = Path(os.environ.get("MLPACKAGE_CONTAINER_CACHE") or Path(tempfile.gettempdir(), "mlpackage-containers"))
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

_PASSED_ON = ("PIP_DEFAULT_TIMEOUT", "PIP_INDEX_URL", "PIP_TRUSTED_HOST", "http_proxy", "https_proxy", "no_proxy")
# Files of debootstrap that differ from run to run, or that an image does not need.
_LEFTOVERS = ("var/cache/apt", "var/lib/apt/lists", "var/log")


def make_base_image() -> Path:
    """Return a tar of the file system, and make it on the first call."""
    certificates = _machine_certificates().read_bytes()
    key = hashlib.sha256(repr((SUITE, PACKAGES)).encode() + certificates).hexdigest()[:16]
    archive = CACHE / f"{SUITE}-{key}.tar"
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="debootstrap-", dir=CACHE) as scratch:
            root = Path(scratch, "root")
            _debootstrap(root)
            (root / CERTIFICATES.lstrip("/")).write_bytes(certificates)
            partial = Path(scratch, "base.tar")
            subprocess.run(
                ["tar", "--directory", root, "--numeric-owner", "--create", "--file", partial, "."], check=True
            )
            partial.rename(archive)
    return archive


def image_environment() -> dict[str, str]:
    """Return the variables that let pip in the image reach the machine's package index."""
    return {"PIP_CERT": CERTIFICATES} | {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def import_base_image(engine: Engine, archive: Path) -> None:
    changes = [f"--change=ENV {name}={value}" for name, value in image_environment().items()]
    engine.run("import", *changes, "-", NAME, stdin=archive)


def _debootstrap(root: Path) -> None:
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EngineUnavailableError(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}{done.stderr}")
    for place in _LEFTOVERS:
        shutil.rmtree(root / place)
        (root / place).mkdir()


def _machine_certificates() -> Path:
    named = (os.environ.get(name) for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"))
    candidates = (*named, CERTIFICATES, ssl.get_default_verify_paths().cafile)
    return next(Path(path) for path in candidates if path and Path(path).is_file())
