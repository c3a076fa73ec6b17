"""Pin what is declared: make locks, which may use the network, and check them, which never does.

Order: asked < pins < resolve < conda, images, remote < wheels < models < fetch_models, locks
    < changes, foreign, project_conda, project_models < inputs
    < check_locks, nothing_locked, unneeded < compare, project_lock.
"""
