"""The original's logins, which are accepted wherever they were given, and not used: nothing here needs an account."""

from __future__ import annotations

from typing import Any

from hatch_mlpackage.azureml.local.cloud_only import cloud_only_classes, with_cloud_only_members


@with_cloud_only_members
class AbstractAuthentication:
    """A login that asks nobody, whatever its arguments."""

    def __init__(self, *_: Any, **_named: Any) -> None: ...


class ArmTokenAuthentication(AbstractAuthentication): ...


class AzureCliAuthentication(AbstractAuthentication): ...


class AzureMLTokenAuthentication(AbstractAuthentication): ...


class InteractiveLoginAuthentication(AbstractAuthentication): ...


class MsiAuthentication(AbstractAuthentication): ...


class ServicePrincipalAuthentication(AbstractAuthentication): ...


class TokenAuthentication(AbstractAuthentication): ...


globals().update(cloud_only_classes("core.authentication"))
