"""Names and modules that the image's Python or libraries no longer have, or do not have yet."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("script", "locked", "expected"),
    [
        (
            "from sklearn.externals import joblib",
            {},
            (
                "warning",
                (
                    "sklearn.externals.joblib was removed in scikit-learn 0.23, and the image has 1.5.0; "
                    "the server provides joblib in its place."
                ),
                "Use joblib.",
            ),
        ),
        (
            "from sklearn.externals import six",
            {},
            (
                "error",
                "sklearn.externals.six was removed in scikit-learn 0.23, and the image has 1.5.0.",
                "Use the distribution six.",
            ),
        ),
        (
            "import numpy as np\nX = np.float(1)",
            {},
            ("error", "numpy.float was removed in numpy 1.24, and the image has 2.1.0.", "Use float."),
        ),
        (
            "import numpy\ndef run(d): return numpy.NaN",
            {},
            ("warning", "numpy.NaN was removed in numpy 2.0, and the image has 2.1.0.", "Use numpy.nan."),
        ),
        (
            "from collections import Mapping",
            {},
            (
                "error",
                "collections.Mapping was removed in Python 3.10, and the image has 3.12.",
                "Use collections.abc.Mapping.",
            ),
        ),
        (
            "import imp",
            {},
            ("error", "imp was removed in Python 3.12, and the image has 3.12.", "Use importlib."),
        ),
        (
            "from distutils.version import LooseVersion",
            {},
            (
                "error",
                "distutils was removed in Python 3.12, and the image has 3.12.",
                "Use the distribution setuptools, which brings it back.",
            ),
        ),
        (
            "import tomllib",
            {"python": "3.10"},
            (
                "error",
                "`import tomllib`: Python has it from 3.11 on, and the image has 3.10.",
                "Choose a newer python-version.",
            ),
        ),
    ],
)
def test_what_is_gone(check, script, locked, expected):
    """A name that the locked version does not have is reported with what to use instead."""
    (found,) = check(script, locked)

    assert (found[1], *found[3:]) == expected


@pytest.mark.parametrize(
    ("script", "locked"),
    [
        ("from sklearn.externals import joblib, six", {"scikit-learn": "0.22"}),
        ("import numpy as np\nX = np.float(1)", {"numpy": "1.23.5"}),
        ("import numpy as np\nX = np.bool", {"numpy": "2.0"}),
        ("import imp, distutils, cgi", {"python": "3.11"}),
        ("import distutils", {"unknown": ["setuptools"]}),
        ("from collections import Mapping", {"python": "3.9"}),
        ("try:\n    from collections import Mapping\nexcept ImportError: ...", {}),
    ],
)
def test_what_is_not_gone_yet(check, script, locked):
    """A name is no finding if the locked version has it, a package brings it back, or the import is guarded."""
    assert check(script, locked) == []
