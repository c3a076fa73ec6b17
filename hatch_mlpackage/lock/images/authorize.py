"""Answer a registry's challenge with a password, or with a token that its token server issues.

https://distribution.github.io/distribution/spec/auth/token/ and …/auth/oauth/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.message import Message
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from hatch_mlpackage.errors import UnavailableError
from hatch_mlpackage.lock.images.reference import is_loopback
from hatch_mlpackage.lock.images.transport import Answer, UnreachableError, exchange

if TYPE_CHECKING:
    from hatch_mlpackage.lock.images.credentials import Credentials

_CLIENT = "mlpackage"
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_TOKEN = re.compile(r"[\x21-\x7e]+")


def answer_challenge(headers: Message, scope: str, credentials: Credentials | None) -> str | Answer:
    """Return the header `Authorization` for the next try, or the answer that refused a login.

    The header is empty where there is no login for the challenge. Raises UnreachableError or UnavailableError.
    """
    challenges = {
        line.partition(" ")[0].lower(): line.partition(" ")[2] for line in headers.get_all("WWW-Authenticate", [])
    }
    if "bearer" in challenges:
        return _bearer(_parameters(challenges["bearer"]), scope, credentials)
    if "basic" in challenges and credentials and credentials.password:
        return credentials.basic
    return ""


def _parameters(challenge: str) -> dict[str, str]:
    return {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) or plain for name, quoted, plain in _PARAMETER.findall(challenge)
    }


def _bearer(asked: Mapping[str, str], scope: str, credentials: Credentials | None) -> str | Answer:
    realm = urlsplit(asked.get("realm", ""))
    if realm.scheme != "https" and not (realm.scheme == "http" and is_loopback(realm.netloc)):
        raise UnavailableError(
            f"The registry asks to log in at '{realm.scheme}://{realm.netloc}', where a password could be read on the "
            "way. Nothing was sent."
        )
    wanted = {"service": asked.get("service", ""), "scope": asked.get("scope", scope)}
    answer = _ask(realm.geturl(), {name: value for name, value in wanted.items() if value}, credentials)
    if answer.status != 200:  # noqa: PLR2004 - OK
        return answer
    said = answer.json()
    token = (said.get("token") or said.get("access_token")) if isinstance(said, dict) else None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise UnreachableError(f"{realm.netloc} gave no token that can be sent to a registry.")
    return f"Bearer {token}"


def _ask(realm: str, wanted: Mapping[str, str], credentials: Credentials | None) -> Answer:
    if credentials and credentials.identity_token:
        form = {"grant_type": "refresh_token", "client_id": _CLIENT, "refresh_token": credentials.identity_token}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return exchange(realm, method="POST", headers=headers, data=urlencode({**form, **wanted}).encode())
    separator = "&" if urlsplit(realm).query else "?"
    authorization = credentials.basic if credentials else ""
    return exchange(f"{realm}{separator}{urlencode(wanted)}", headers={}, authorization=authorization)
