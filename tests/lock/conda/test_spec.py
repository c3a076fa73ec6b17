from __future__ import annotations

import pytest

from hatch_mlpackage.lock.asked.requirement_line import RefusedRequirementError
from hatch_mlpackage.lock.conda.spec import allows, canonical_spec, package_name, version_of

SPELLINGS = {
    "numpy": "numpy",
    " NumPy = 1.2": "numpy 1.2.*",
    "numpy=1.2": "numpy 1.2.*",
    "numpy=1.2.*": "numpy 1.2.*",
    "numpy=1.2*": "numpy 1.2.*",
    "numpy==1.2.*": "numpy 1.2.*",
    "numpy==1.2": "numpy ==1.2",
    "numpy===1.2": "numpy ==1.2",
    "numpy 1.2": "numpy ==1.2",
    "numpy ~= 1.2": "numpy ~=1.2",
    "numpy >= 1.2 , < 2": "numpy >=1.2,<2",
    "numpy>=1.2|<0.3": "numpy >=1.2|<0.3",
    "numpy!=1.2": "numpy !=1.2",
    "numpy>=1.0,!=1.2.*": "numpy >=1.0,!=1.2.*",
    "pip>=20.0.*": "pip >=20.0",
    "numpy=*": "numpy *",
    "numpy=1.2=py38_0": "numpy ==1.2 py38_0",
    "numpy==1.2=py38_0": "numpy ==1.2 py38_0",
    "numpy 1.2 py38_0": "numpy ==1.2 py38_0",
    "numpy 1.2.* *nomkl*": "numpy 1.2.* *nomkl*",
    "blas=*=mkl": "blas * mkl",
    "numpy[build=py38_0]": "numpy [build=py38_0]",
    "x[version='>=1,<2']": "x [version='>=1,<2']",
    "conda-forge::numpy=1": "conda-forge::numpy 1.*",
    "conda-forge/linux-64::numpy": "conda-forge/linux-64::numpy",
    "https://channel.example/team::numpy": "https://channel.example/team::numpy",
    "_libgcc_mutex=0.1": "_libgcc_mutex 0.1.*",
}


@pytest.mark.parametrize(("written", "canonical"), SPELLINGS.items())
def test_spellings(written, canonical):
    """Every common spelling has one canonical form, which stays as it is when it is read again."""
    assert canonical_spec(written) == canonical
    assert canonical_spec(canonical) == canonical


@pytest.mark.parametrize("canonical", sorted(set(SPELLINGS.values())))
def test_the_solver_reads_it(canonical):
    """The solver's own parser accepts each canonical form and reads the same package name."""
    from rattler import MatchSpec  # noqa: PLC0415

    assert MatchSpec(canonical).name.normalized == package_name(canonical)


@pytest.mark.parametrize(
    ("written", "what", "fix"),
    [
        ("numpy=>1.2", "has its operator the wrong way round.", "Write `>=` or `<=`."),
        ("numpy; python_version < '3'", "has an environment marker, which is pip's.", "Put it into the pip list"),
        ("dask[complete]", "names extras, which are pip's.", "Name the packages that the extra brings"),
        ("git+https://code.example/x", "is for pip.", "Put it into the pip list"),
        ("x @ https://files.example/x-1-py3-none-any.whl", "is for pip.", "Put it into the pip list"),
        ("-r requirements.txt", "is an option, and conda specs have none.", "Put it into the pip list"),
        ("pip:", "ends in a colon without a list below it.", "Remove the colon, or indent the list below it."),
        ("numpy=", "is not a conda requirement.", "Write `name`, `name=1.2`"),
        ("numpy ==1.2 py38_0 extra", "is not a conda requirement.", "Write `name`, `name=1.2`"),
    ],
)
def test_refusals(written, what, fix):
    """A spec that conda cannot use is refused with the reason and what to write instead."""
    with pytest.raises(RefusedRequirementError) as refused:
        canonical_spec(written)

    assert refused.value.what == what
    assert refused.value.fix.startswith(fix)


@pytest.mark.parametrize(
    ("spec", "version", "allowed"),
    [
        ("python", "3.12.1", True),
        ("python 3.12.*", "3.12.1", True),
        ("python 3.8.*", "3.12.1", False),
        ("python >=3.6,<3.9", "3.8.2", True),
        ("python 3.7.*|3.12.*", "3.12.0", True),
        ("python *", "3.12.0", True),
        ("python ~=3.8", "3.12.0", True),
        ("openssl 1.1.1w.*", "3.0.1", True),  # pip cannot read this version, so it is not compared
    ],
)
def test_allows(spec, version, allowed):
    """A constraint allows a version if one of its alternatives matches, or if they cannot be compared."""
    assert allows(spec, (version,)) is allowed


def test_parts():
    """The name and the version of a spec are found, with or without a channel and a build."""
    spec = "conda-forge::numpy ==1.2 py38_0"

    assert (package_name(spec), version_of(spec), version_of("x [build=y]")) == ("numpy", "==1.2", "")
