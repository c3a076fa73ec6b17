"""Tell the project's own files from those that were installed."""

import os

OWN_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STANDARD_LIBRARY = os.path.join(os.path.dirname(os.__file__), "")
INSTALLED = {"site-packages", "dist-packages"}  # the names of the folders into which packages are installed


def is_installed(file: str) -> bool:
    """Return whether a file belongs to an installed package."""
    return not INSTALLED.isdisjoint(file.split(os.sep))


def is_of_project(file: str) -> bool:
    """Return whether a file is the project's: neither installed, nor Python's, nor ours, nor a text that was run."""
    return (
        os.path.isabs(file) and not is_installed(file) and not file.startswith((OWN_FOLDER + os.sep, STANDARD_LIBRARY))
    )
