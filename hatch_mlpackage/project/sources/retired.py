"""Find names that the locked versions no longer have, by the distributions' release notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hatch_mlpackage.errors import Level, Problem
from hatch_mlpackage.project.sources.environment import REMOVED, ImageEnvironment

if TYPE_CHECKING:
    from hatch_mlpackage.project.sources.read import When
    from hatch_mlpackage.project.sources.tree import Tree

CODE = "retired-import"


@dataclass(frozen=True, kw_only=True, slots=True)
class Retired:
    """Describe a module or name that `of` lacks from version `since` on, up to `until` if it came back.

    `stood_in` says that the image's worker has a stand-in for it.
    """

    name: str
    of: str
    since: str
    instead: str
    until: str = ""
    stood_in: bool = False


_ABCS = (
    "Callable Container Coroutine Generator Hashable ItemsView Iterable Iterator KeysView Mapping MappingView"
    " MutableMapping MutableSequence MutableSet Sequence Set Sized ValuesView"
)
# Module of the standard library without a `standard-…` distribution (python-deadlib) → what to use instead.
_INSTEAD = {
    "asynchat": "asyncio, or the distribution pyasynchat",
    "asyncore": "asyncio, or the distribution pyasyncore",
    "binhex": "binascii",
    "cgi": "the distribution legacy-cgi",
    "cgitb": "the distribution legacy-cgi",
    "distutils": "the distribution setuptools, which brings it back",
    "dummy_threading": "threading",
    "formatter": "code of your own",
    "imp": "importlib",
    "lib2to3": "the distribution libcst",
    "macpath": "posixpath",
    "msilib": "code of your own",
    "nis": "code of your own",
    "ossaudiodev": "code of your own",
    "parser": "ast",
    "smtpd": "the distribution aiosmtpd",
    "spwd": "code of your own",
    "symbol": "ast",
}
# Distribution and version → each name that is gone since then, and what to use instead.
_NAMES: Mapping[tuple[str, str], Mapping[str, str]] = {
    # docs.python.org/3/whatsnew, "Removed" of each version
    ("python", "3.9"): {"fractions.gcd": "math.gcd", "xml.etree.cElementTree": "xml.etree.ElementTree"},
    ("python", "3.10"): {f"collections.{name}": f"collections.abc.{name}" for name in _ABCS.split()},
    ("python", "3.11"): {"inspect.getargspec": "inspect.getfullargspec", "asyncio.coroutine": "async def"},
    # numpy.org/doc/stable/release: 1.24.0, and the migration guide of 2.0
    ("numpy", "1.24"): {f"numpy.{name}": name for name in ("complex", "float", "int", "object", "str")},
    ("numpy", "2.0"): {
        "numpy.Inf": "numpy.inf",
        "numpy.NaN": "numpy.nan",
        "numpy.alltrue": "numpy.all",
        "numpy.asfarray": "numpy.asarray(…, dtype=float)",
        "numpy.cast": "numpy.asarray(…, dtype=…)",
        "numpy.complex_": "numpy.complex128",
        "numpy.cumproduct": "numpy.cumprod",
        "numpy.float_": "numpy.float64",
        "numpy.infty": "numpy.inf",
        "numpy.mat": "numpy.asmatrix",
        "numpy.product": "numpy.prod",
        "numpy.sometrue": "numpy.any",
        "numpy.string_": "numpy.bytes_",
        "numpy.unicode_": "numpy.str_",
    },
    # pandas.pydata.org/docs/whatsnew: 1.0.0, 2.0.0
    ("pandas", "2.0"): {
        "pandas.util.testing": "pandas.testing",
        "pandas.Int64Index": "pandas.Index",
        "pandas.datetime": "datetime.datetime",
        "pandas.np": "numpy",
    },
    # scikit-learn.org/stable/whats_new
    ("scikit-learn", "0.20"): {
        "sklearn.cross_validation": "sklearn.model_selection",
        "sklearn.grid_search": "sklearn.model_selection",
        "sklearn.learning_curve": "sklearn.model_selection",
    },
    ("scikit-learn", "0.22"): {"sklearn.preprocessing.Imputer": "sklearn.impute.SimpleImputer"},
    ("scikit-learn", "0.23"): {"sklearn.externals.six": "the distribution six"},
    ("scikit-learn", "1.2"): {"sklearn.datasets.load_boston": "sklearn.datasets.fetch_california_housing"},
    # docs.scipy.org/doc/scipy/release: 1.2.0, 1.3.0, 1.14.0
    ("scipy", "1.2"): {"scipy.misc.imread": "imageio.imread", "scipy.misc.imsave": "imageio.imwrite"},
    ("scipy", "1.3"): {"scipy.misc.imresize": "PIL.Image.resize"},
    ("scipy", "1.14"): {
        "scipy.integrate.simps": "scipy.integrate.simpson",
        "scipy.integrate.trapz": "scipy.integrate.trapezoid",
    },
    # tensorflow.org/guide/migrate; keras.io/guides/migrating_to_keras_3
    ("tensorflow", "2.0"): {
        "tensorflow.contrib": "tensorflow_addons, tf_slim, or what the model's author names",
        "tensorflow.Session": "tensorflow.compat.v1.Session",
        "tensorflow.placeholder": "tensorflow.compat.v1.placeholder",
    },
    ("keras", "3.0"): {"keras.utils.np_utils": "keras.utils", "keras.wrappers.scikit_learn": "scikeras"},
    # flask.palletsprojects.com, jinja.palletsprojects.com, werkzeug.palletsprojects.com: changes
    ("flask", "2.3"): {"flask.json.JSONEncoder": "flask.json.provider.DefaultJSONProvider"},
    ("jinja2", "3.1"): {"jinja2.Markup": "markupsafe.Markup", "jinja2.escape": "markupsafe.escape"},
    ("werkzeug", "1.0"): {"werkzeug.secure_filename": "werkzeug.utils.secure_filename"},
    # github.com/Azure/azure-sdk-for-python, azure-storage-blob 12.0.0
    ("azure-storage-blob", "12.0"): {"azure.storage.blob.BlockBlobService": "azure.storage.blob.BlobServiceClient"},
}
RETIRED = (
    *(
        Retired(name=name, of=of, since=since, instead=instead)
        for (of, since), names in _NAMES.items()
        for name, instead in names.items()
    ),
    *(
        Retired(name=name, of="python", since=version, instead=_INSTEAD.get(name, f"the distribution standard-{name}"))
        for version, names in REMOVED.items()
        for name in names.split()
    ),
    Retired(name="numpy.bool", of="numpy", since="1.24", instead="bool", until="2.0"),
    Retired(name="numpy.long", of="numpy", since="1.24", instead="int", until="2.0"),
    Retired(name="sklearn.externals.joblib", of="scikit-learn", since="0.23", instead="joblib", stood_in=True),
)


def retired_imports(tree: Tree, environment: ImageEnvironment) -> Iterator[Problem]:
    """Yield each retired name where it is first used, unless the code is ready for its failure."""
    seen: set[str] = set()
    for file in tree.reached.values():
        uses = [
            (name, found.line, found.when) for found in file.imports if not found.level for name in found.full_names
        ]
        uses += [(lookup.name, lookup.line, lookup.when) for lookup in file.lookups]
        for name, line, when in uses:
            for gone in RETIRED:
                if _is(name, gone.name) and gone.name not in seen and when != "guarded" and _counts(gone, environment):
                    seen.add(gone.name)
                    yield _problem(gone, f"{file.path}:{line}", when, environment)


def is_retired(module: str, environment: ImageEnvironment) -> bool:
    """Tell whether `retired_imports` reports a module."""
    return any(_is(module, gone.name) and _counts(gone, environment) for gone in RETIRED)


def _is(name: str, gone: str) -> bool:
    return name == gone or name.startswith(f"{gone}.")


def _counts(gone: Retired, environment: ImageEnvironment) -> bool:
    """Tell whether the image's version lacks a name, and nothing installed brings it back."""
    given_back = gone.of == "python" and "." not in gone.name and environment.provides(gone.name)
    return not given_back and environment.has(gone.of, since=gone.since, before=gone.until)


def _problem(gone: Retired, where: str, when: When, environment: ImageEnvironment) -> Problem:
    owner = "Python" if gone.of == "python" else gone.of
    has = environment.python if gone.of == "python" else environment.distributions[gone.of].version
    what = f"{gone.name} was removed in {owner} {gone.since}, and the image has {has}."
    if gone.stood_in:
        what = f"{what[:-1]}; the server provides {gone.instead} in its place."
    level: Level = "error" if when == "always" and not gone.stood_in else "warning"
    return Problem(where=where, what=what, fix=f"Use {gone.instead}.", level=level, code=CODE)
