"""Name the types of what ASGI applications get and give."""

from __future__ import annotations

from typing import Any, Awaitable, Callable, List, MutableMapping, Tuple

GONE = "mlpackage.gone"  # set in a request's scope when its connection is lost
TAKE = "mlpackage.take"  # in a request's scope: what takes the parts of its body, and tells whether it wants more
DIRECT = "mlpackage.direct"  # in the scope of a request that left the direct path: the request there

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Take = Callable[[bytes], bool]
Headers = List[Tuple[bytes, bytes]]
