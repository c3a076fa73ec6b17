"""Build the project's own wheel with hatchling, in this process, without network and outside the project's folder."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from tempfile import TemporaryDirectory

from hatch_mlpackage.errors import MLPackageError
from hatch_mlpackage.files.fixed_time import ZIP_TIME

_BUILDING: ContextVar[bool] = ContextVar("building", default=False)


def is_building() -> bool:
    """Tell whether a wheel is being built for a context, so that our own hook on wheels must do nothing."""
    return _BUILDING.get()


def build_project_wheel(root: Path) -> tuple[str, bytes]:
    """Return the file name and the bytes of the wheel; the same sources and hatchling give the same bytes.

    The project's build hooks run, with the plugins that are installed here. Raises MLPackageError.
    """
    from hatchling.builders.wheel import WheelBuilder  # noqa: PLC0415 - only projects that are installed pay for it

    try:
        with _building(), TemporaryDirectory(prefix="mlpackage-project-") as folder:
            [artifact] = WheelBuilder(str(root)).build(directory=folder, versions=["standard"])
            return Path(artifact).name, _stored(Path(artifact))
    except (Exception, SystemExit) as error:  # a build hook may raise anything, and only the user can correct it
        raise MLPackageError(
            f"{root / 'pyproject.toml'}: hatchling cannot build the project's wheel: {error}. See that "
            "`hatch build -t wheel` does, with the plugins that the project names installed beside mlpackage."
        ) from error


@contextmanager
def _building() -> Iterator[None]:
    token = _BUILDING.set(True)
    try:
        yield
    finally:
        _BUILDING.reset(token)


def _stored(wheel: Path) -> bytes:
    """Repack a wheel without compression, whose bytes depend on the version of zlib."""
    packed = io.BytesIO()
    with zipfile.ZipFile(wheel) as reader, zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as writer:
        for member in reader.infolist():
            info = zipfile.ZipInfo(member.filename, ZIP_TIME)  # whatever SOURCE_DATE_EPOCH says
            info.external_attr, info.create_system = member.external_attr, 3  # the modes are those of Unix
            writer.writestr(info, reader.read(member))
    return packed.getvalue()
