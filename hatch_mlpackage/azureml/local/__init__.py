"""What stands behind the original's names here: a workspace's folder, staged projects, and services on this machine."""
