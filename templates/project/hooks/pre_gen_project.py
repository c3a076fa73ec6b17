"""Refuse a name that a package or an image cannot have, before anything is written."""

import re
import sys

NAME = """{{ cookiecutter.project_slug }}"""

if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", NAME):
    sys.exit(f"'{NAME}' cannot be the project's name. Use lower-case letters, digits and single dashes between them.")
