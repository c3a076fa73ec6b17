"""Serve a model without an entry script: turn what its file says into a script, requirements and a sample request."""
