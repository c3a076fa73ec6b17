import json
import sys
from pathlib import Path

import greeting
import idna


def init():
    pass


def run(data):
    return {
        "greeting": greeting.greet(json.loads(data)),
        "idna": idna.encode("straße").decode(),
        "prefix": sys.prefix,
        "packages": sorted({"/".join(Path(it.__file__).relative_to(sys.prefix).parts[:3]) for it in (greeting, idna)}),
    }
