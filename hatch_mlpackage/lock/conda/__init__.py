"""Read a conda file, lock it for the image, and tell whether the lock still satisfies it.

Only solving loads a solver and uses the network, and only reading an environment file loads a YAML reader.
"""
