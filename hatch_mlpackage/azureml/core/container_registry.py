"""A registry of images and its login, which is kept in memory and never written."""

from __future__ import annotations

from hatch_mlpackage.azureml.local.cloud_only import cloud_only_classes


class ContainerRegistry:
    """A registry's address, user name and password."""

    def __init__(self) -> None:
        self.address: str | None = None
        self.username: str | None = None
        self.password: str | None = None
        self.registry_identity: None = None


globals().update(cloud_only_classes("core.container_registry"))
