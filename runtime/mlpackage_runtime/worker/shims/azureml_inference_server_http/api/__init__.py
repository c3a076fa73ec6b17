"""Stand in for a package of the original server; see `shims/__init__.py`."""
