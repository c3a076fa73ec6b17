"""Plug into Hatch: a build target, a build hook, and the functions that register them."""
