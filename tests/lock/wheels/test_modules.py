from __future__ import annotations

import pytest

from hatch_mlpackage.lock.wheels.modules import modules_of


@pytest.mark.parametrize(
    ("names", "modules"),
    [
        (["a/__init__.py", "a/b/__init__.py", "a/b/c.py", "a-1.dist-info/METADATA"], ("a",)),
        (["six.py", "six-1.dist-info/RECORD"], ("six",)),
        (["_yaml/__init__.py", "yaml/__init__.py", "yaml/_yaml.cpython-312-x86_64-linux-gnu.so"], ("_yaml", "yaml")),
        (["google/auth/__init__.py", "google/oauth2/__init__.py"], ("google.auth", "google.oauth2")),
        (["google/protobuf/__init__.py", "google/_upb/_message.abi3.so"], ("google._upb._message", "google.protobuf")),
        (["m.abi3.so", "n.cp312-win_amd64.pyd"], ("m", "n")),
        (["a-1.data/purelib/p.py", "a-1.data/platlib/q/__init__.py", "a-1.data/scripts/s.py"], ("p", "q")),
        (["numpy.libs/libopenblas.so", "pandas-stubs/__init__.pyi", "share/doc/readme.txt"], ()),
        (["compiled/__init__.cpython-312-x86_64-linux-gnu.so"], ("compiled",)),
        ([], ()),
    ],
)
def test_modules_of(names, modules):
    """A wheel's file names tell what it makes importable: packages, modules, compiled ones and parts of namespaces."""
    assert modules_of(names) == modules
