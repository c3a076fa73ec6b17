"""Stands in for a package of the original server; see the folder that holds it."""
