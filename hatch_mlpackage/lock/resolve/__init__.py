"""Run a resolver, uv or pip-tools, with the indexes that the user has configured."""
