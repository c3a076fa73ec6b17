"""What services have in common; here a service is always a local one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hatch_mlpackage.azureml.local.cloud_only import with_absent_members

if TYPE_CHECKING:
    from hatch_mlpackage.azureml.core.webservice.local import LocalWebservice
    from hatch_mlpackage.azureml.core.workspace import Workspace


@with_absent_members
class Webservice:
    """A deployed service by its name; `auth_enabled` and `token_auth_enabled` are False, as nothing asks for a key."""

    auth_enabled = False
    token_auth_enabled = False

    def __new__(cls, *_: Any, **_named: Any) -> Any:
        from hatch_mlpackage.azureml.core.webservice.local import LocalWebservice  # noqa: PLC0415 - it imports this

        return object.__new__(LocalWebservice if cls is Webservice else cls)

    @staticmethod
    def list(workspace: Workspace, *_: Any, **named: Any) -> list[LocalWebservice]:
        """Return the services that run; `model_name` and `model_id` choose among them."""
        from hatch_mlpackage.azureml.core.webservice.local import LocalWebservice  # noqa: PLC0415 - it imports this

        chosen = {key: value for key, value in named.items() if key in {"model_name", "model_id"}}
        return LocalWebservice.list(workspace, **chosen)
