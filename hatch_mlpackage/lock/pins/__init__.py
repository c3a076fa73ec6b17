"""Read the lock of pip's packages, and tell whether it still satisfies what is asked."""
