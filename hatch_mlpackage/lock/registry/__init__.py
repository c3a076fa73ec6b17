"""Asks an image registry, over the OCI distribution API, which bytes a tag stands for. No container engine is needed.

https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
"""
