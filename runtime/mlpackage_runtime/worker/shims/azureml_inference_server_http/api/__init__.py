"""Stand in for a package of the original server; see `shims/__init__.py`."""

# mypy: disable-error-code="import-not-found, unused-ignore"
import sys

try:
    import werkzeug.wrappers  # noqa: F401 - what both modules of this package are made of
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "the raw request and AMLResponse need werkzeug, which is not installed here. Add werkzeug to the requirements,"
        f" and run: {sys.executable} -m pip install werkzeug",
        name=error.name,
    ) from None
