"""Hatch's side: the build target, the build hook, and what registers them."""
