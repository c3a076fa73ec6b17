"""Read, write and check `base-image.toml`, which has the digest that the base image's tag stood for.

The file has the same for every other image that the Dockerfile starts a stage from, each in a table of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Literal

from hatch_mlpackage.errors import LockError
from hatch_mlpackage.files.parse import merge_conflict, parse_toml, text_of
from hatch_mlpackage.files.toml import toml_string
from hatch_mlpackage.lock.images.reference import parse_reference

NAME = "base-image.toml"
Status = Literal["pinned", "unpinned", "declined"]

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HEAD = """\
# Which bytes the base image's tag stood for: every build starts from them, wherever the tag has moved since.
# Written by hatch-mlpackage; commit it. Renew with: mlpackage lock --upgrade
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseImageLock:
    """A reference as configured, and the digest of its image for the platform on the day it was resolved (UTC).

    `index` is the digest of the tag itself, where it named several platforms.
    """

    reference: str
    platform: str
    digest: str
    resolved: date
    index: str | None = None

    def to_text(self) -> str:
        """Write the lock by hand: it is made without the extra `cli`, which has tomlkit, where uv is on PATH."""
        index = f"index = {toml_string(self.index)}  # what the tag named\n" if self.index else ""
        return (
            f"reference = {toml_string(self.reference)}\nplatform = {toml_string(self.platform)}\n"
            f"digest = {toml_string(self.digest)}  # the image for that platform\n{index}"
            f"resolved = {self.resolved.isoformat()}\n"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseImageState:
    """The status of an image: `image` is what the Dockerfile starts from, `reason` says why it is not pinned."""

    status: Status
    image: str
    reason: str = ""
    lock: BaseImageLock | None = None

    def describe(self) -> str:
        """Explain an unpinned base image and the next step; return nothing where it is pinned or declined."""
        if self.status != "unpinned":
            return ""
        return (
            f"The base image {self.image} is not pinned: {self.reason}. Its tag may name other bytes tomorrow. "
            "Run `mlpackage lock` where its registry can be reached, or name it by @sha256."
        )

    @property
    def shown(self) -> str:
        """Return the image with only the first digits of its digest, for a line of text."""
        name, at, digest = self.image.partition("@")
        return f"{name}{at}{digest[:19]}" + ("…" if at else "")

    def require_pinned(self) -> None:
        """Raise LockError for a base image that should be pinned and is not."""
        if self.status == "unpinned":
            raise LockError(self.describe())


def write_base_image_locks(base_image: str, locks: Sequence[BaseImageLock]) -> str:
    """Write `base-image.toml`: the lock of the base image, where there is one, stands first and in no table."""
    first = "".join(lock.to_text() for lock in locks if lock.reference == base_image)
    return _HEAD + first + "".join(f"\n[[other]]\n{lock.to_text()}" for lock in locks if lock.reference != base_image)


@lru_cache(maxsize=4)  # several steps of a run need it
def read_base_image_locks(content: bytes) -> tuple[BaseImageLock, ...]:
    """Read `base-image.toml`, the base image's own first.

    Raises LockError, with what is wrong, when it cannot be trusted.
    """
    conflict = merge_conflict(text_of(content) or "")
    if conflict:
        raise _damaged(conflict)
    try:
        values = parse_toml(content)
    except ValueError as error:
        raise _damaged(str(error)) from None
    others = values.pop("other", [])
    if not isinstance(others, list) or not all(isinstance(other, dict) for other in others):
        raise _damaged("its 'other' is not an array of tables")
    return tuple(_read_lock(table) for table in (values, *others) if table or not others)


def _read_lock(values: Mapping[str, Any]) -> BaseImageLock:
    for name, kind in (("reference", str), ("platform", str), ("digest", str), ("resolved", date)):
        if type(values.get(name)) is not kind:
            raise _damaged(f"its '{name}' is missing or of another type")
        if not str(values[name]).isprintable():
            raise _damaged(f"its '{name}' has a control character")
    for name in ("digest", "index"):
        if name in values and not _DIGEST.fullmatch(str(values[name])):
            raise _damaged(f"its '{name}' is not a sha256 digest")
    return BaseImageLock(
        reference=values["reference"],
        platform=values["platform"],
        digest=values["digest"],
        resolved=values["resolved"],
        index=values.get("index"),
    )


def _damaged(reason: str) -> LockError:
    return LockError(
        f"{NAME} is damaged: {reason}.\nRestore it from version control, or remove it and run `mlpackage lock`."
    )


def check_base_images(
    content: bytes | None, images: Sequence[str], platform: str, *, pin: bool
) -> tuple[BaseImageState, ...]:
    """Tell what the Dockerfile's stages start from, by the contents of a lock, None where there is no file.

    Needs no network. The first image is the base image. Raises LockError when the lock is damaged.
    """
    asked = pin and content is not None and any("@" not in image for image in images)
    locks = read_base_image_locks(content or b"") if asked else ()
    unused = [lock for lock in locks if not any(_same_image(lock.reference, image) for image in images)]
    # The first lock that no image uses is most likely that of the former base image.
    former = {images[0]: unused[0]} if unused else {}
    return tuple(_check(image, locks, former.get(image), platform, pin=pin) for image in images)


def _check(
    image: str, locks: Sequence[BaseImageLock], former: BaseImageLock | None, platform: str, *, pin: bool
) -> BaseImageState:
    if "@" in image:
        return BaseImageState(status="pinned", image=image)
    if not pin:
        return BaseImageState(status="declined", image=image)
    lock = next((lock for lock in locks if _same_image(lock.reference, image)), None)
    if lock is None:
        reason = f"the locked digest is of {former.reference}" if former else "no digest is locked"
        return BaseImageState(status="unpinned", image=image, reason=reason, lock=former)
    if lock.platform != platform:
        reason = f"the locked digest is for {lock.platform}, the image is for {platform}"
        return BaseImageState(status="unpinned", image=image, reason=reason, lock=lock)
    return BaseImageState(status="pinned", image=f"{image}@{lock.digest}", lock=lock)


def _same_image(one: str, other: str) -> bool:
    return one == other or parse_reference(one) == parse_reference(other)


def make_base_image_lock(
    state: BaseImageState, base_image: str, platform: str, *, upgrade: bool, report: Callable[[str], None]
) -> BaseImageLock | None:
    """Resolve the base image, and return the lock to write, or None where what there is stays.

    A digest that is locked is kept unless `upgrade`, as pins are. A registry that cannot be reached is reported and
    stops nothing. Raises LockError where there is no such image, UnavailableError where the registry refuses.
    """
    known = state.lock if state.status == "pinned" else None
    if state.status == "declined" or "@" in base_image or (known and not upgrade):
        return None
    from hatch_mlpackage.lock.images.resolve import Resolved, resolve  # noqa: PLC0415 - loads what only the network needs
    from hatch_mlpackage.lock.images.transport import UnreachableError  # noqa: PLC0415

    last = Resolved(digest=known.digest, index=known.index) if known else None
    try:
        found = resolve(base_image, platform, known=last, report=report)
    except UnreachableError as error:
        report(f"{error}\n{_left(base_image, known)}")
        return None
    if known and found == last:
        report(f"Base image {base_image} is still {found.digest}.")
        return None
    report(f"Base image {base_image} for {platform} is {found.digest}.")
    return BaseImageLock(
        reference=base_image,
        platform=platform,
        digest=found.digest,
        index=found.index,
        resolved=datetime.now(UTC).date(),
    )


def _left(base_image: str, known: BaseImageLock | None) -> str:
    if known:
        return f"Base image {base_image} is kept at {known.digest} of {known.resolved}."
    return f"Base image {base_image} is left unpinned: run `mlpackage lock` again when its registry can be reached."
