"""Ask an image registry which bytes a tag stands for, over the OCI distribution API, without a container engine.

https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
"""
