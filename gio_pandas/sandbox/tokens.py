"""Access tokens: issued, checked, expired."""

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest

CLIENT_ID = "api"
SCOPE = "system"


class Tokens:
    """The tokens that are valid now, safe to use from any thread.

    Parameters
    ----------
    ttl
        Seconds a token lives; None means for ever.
    clock
        Seconds on a clock that never goes back.
    """

    def __init__(self, ttl: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl = ttl
        self._clock = clock
        self._lock = threading.Lock()
        self._issued: dict[str, float] = {}

    def issue(self) -> str:
        """Return a new token."""
        token = secrets.token_hex(20)
        with self._lock:
            self._issued[token] = self._clock()
        return token

    def valid(self, token: str) -> bool:
        """Tell whether a token was issued here and has not expired."""
        with self._lock:
            issued = self._issued.get(token)
        if issued is None:
            return False
        return self._ttl is None or self._clock() - issued < self._ttl

    def revoke(self, token: str) -> None:
        """Make one token invalid."""
        with self._lock:
            self._issued.pop(token, None)

    def expire(self) -> None:
        """Make every token issued so far invalid."""
        with self._lock:
            self._issued.clear()


@dataclass(frozen=True)
class Refusal:
    """Why a token was not given: an HTTP status and the OAuth error code."""

    status: int
    error: str
    description: str


def refusal(form: Mapping[str, str], api_key: str) -> Refusal | None:
    """Return what is wrong with a token request, None when nothing is (`op-api` section 1)."""
    if form.get("grant_type") != "client_credentials":
        return Refusal(400, "unsupported_grant_type", "grant_type must be client_credentials")
    if form.get("scope") != SCOPE:
        return Refusal(400, "invalid_scope", f"scope must be {SCOPE}")
    secret = form.get("client_secret", "")
    known = compare_digest(secret.encode(), api_key.encode())
    if form.get("client_id") != CLIENT_ID or not known:
        return Refusal(401, "invalid_client", "unknown client_id or client_secret")
    return None
