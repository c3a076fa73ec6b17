"""Declare the keys of `[tool.mlpackage]`, and check the values that a project gives them."""
