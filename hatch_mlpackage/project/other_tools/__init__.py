"""Read what other tools say about a project's requirements: Poetry and setuptools.

Order: asked, poetry_versions < poetry, setup_files < named.
"""
