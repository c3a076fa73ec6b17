from __future__ import annotations

import re
from pathlib import Path

from hatch_mlpackage import errors
from hatch_mlpackage.context import check as checking, model_versions, outside_links, secret_files
from hatch_mlpackage.lock import nothing_locked, unneeded
from hatch_mlpackage.lock.resolve import passed_over, younger
from hatch_mlpackage.project.sources import imports, opened, retired, same_names, unparsed

PAGE = Path(__file__).parents[2] / "docs/errors.md"
OF_PROBLEMS = {
    *(imports.UNLOCKED, imports.RELATIVE, imports.UNUSED, opened.UNPACKED, opened.PICKLE),
    *(retired.CODE, unparsed.UNPARSED, same_names.SAME_NAME),
}


def kinds(base: type[errors.MLPackageError]) -> set[type[errors.MLPackageError]]:
    return {base}.union(*map(kinds, base.__subclasses__())) if base.__module__.startswith("hatch_mlpackage") else set()


def test_every_code_is_listed():
    """The page has a row for every error code, and no other."""
    listed = re.findall(r"^\| `([a-z-]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(listed) == sorted(
        {kind.code for kind in kinds(errors.MLPackageError)}
        | OF_PROBLEMS
        | {
            checking.BASE_IMAGE,
            checking.IGNORED,
            model_versions.CUT_SHORT,
            checking.OLD_PYTHON,
            model_versions.MODEL_VERSION,
            outside_links.OUTSIDE,
            passed_over.CODE,
            younger.YOUNGER,
            nothing_locked.CODE,
            secret_files.SECRET,
            unneeded.CODE,
        }
    )


def test_exit_statuses():
    """The page lists the exit status of each kind of error."""
    told = dict(re.findall(r"^\| `([a-z-]+)` \| (\d) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))

    assert told == {kind.code: str(kind.exit_status) for kind in kinds(errors.MLPackageError) if kind.code in told}
