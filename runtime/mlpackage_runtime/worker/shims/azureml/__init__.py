"""Stand in for a package of azureml; see `shims/__init__.py`."""
