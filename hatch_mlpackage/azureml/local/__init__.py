"""The work behind the original's names: a workspace's folder, staged projects, packages and services."""
