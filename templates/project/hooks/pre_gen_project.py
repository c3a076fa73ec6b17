"""Refuse answers that a package, an image or a file of the project cannot hold, before anything is written."""

import json
import re
import sys

# Read as data, twice quoted: an answer may hold anything, and this is a program.
ANSWERS = json.loads({{ cookiecutter | tojson | tojson }})
CHOICES = {
    "framework": ["sklearn", "onnx", "pytorch", "xgboost", "lightgbm", "python"],
    "dependencies": ["pip", "conda"],
    "ci": ["github", "azure", "none"],
    "licence": ["MIT", "Apache-2.0", "BSD-3-Clause", "proprietary"],
}
NAME_RULE = "Use lower-case letters, digits and single dashes between them."
LONGEST = 99  # characters; the folder's name is cut there
VERSION = r"[0-9]+\.[0-9]+"
PLATFORM = r"linux/[a-z0-9]+"
PIN = r"(==[A-Za-z0-9.!_-]+)?"
WORD = r"[A-Za-z_][A-Za-z0-9_]*"  # of a program
PACKAGE = r"[a-z0-9-]+"


def fits(pattern, value):
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def problems():
    name = ANSWERS["project_slug"]
    if not fits(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        yield f"{ascii(name)} cannot be the project's name. {NAME_RULE}"
    elif len(name) > LONGEST:
        yield f"The project's name is longer than {LONGEST} characters. Use a shorter one."
    for key, choices in CHOICES.items():
        if ANSWERS[key] not in choices:
            yield f"{ascii(ANSWERS[key])} is no answer for {key}. Use one of {', '.join(choices)}."
    model = ANSWERS["_own_model"]
    if not (isinstance(model, str) and model.isprintable() and model not in (".", "..") and not set(model) & set("/\\")):
        yield f"{ascii(model)} cannot be the name of a model's file. Use one of printable characters without slashes."
    pins = list(ANSWERS["_pins"].values()) if isinstance(ANSWERS["_pins"], dict) else [None]
    if not (
        fits(VERSION, ANSWERS["_python_version"])
        and fits(PLATFORM, ANSWERS["_platform"])
        and all(fits(PIN, pin) for pin in pins)
    ):
        yield "The Python version, the platform or a pin is not one. Leave _python_version, _platform and _pins out."
    script = ANSWERS["_script"]
    words = [word for it in script["parameters"] for word in (it["name"], it["type"])]
    if not (all(fits(WORD, word) for word in words) and all(fits(PACKAGE, name) for name in script["packages"])):
        yield "A parameter of the script or a package has a name that it cannot have. Leave _script out."


found = list(problems())
if found:
    sys.exit("\n".join(found))
