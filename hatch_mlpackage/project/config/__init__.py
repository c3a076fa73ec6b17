"""The keys of `[tool.mlpackage]`: what each means, and what is wrong with the values that a project gives them."""
