"""The layer that lets a request in or answers 401."""

from collections.abc import Mapping
from itertools import count

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gio_pandas.sandbox.options import Options
from gio_pandas.sandbox.tokens import Tokens

GUARDED = ("/graphql", "/download")


class Gate:
    """Checks the headers that every request must carry, then the token where one is needed."""

    def __init__(self, app: ASGIApp, options: Options, tokens: Tokens) -> None:
        self._app = app
        self._options = options
        self._tokens = tokens
        self._numbers = count(1)
        self._seen: set[str] = set()
        self._guarded = {options.path_prefix + path for path in GUARDED}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        reason = self._refusal(scope["path"], Headers(scope=scope))
        if reason is None:
            await self._app(scope, receive, send)
            return
        scheme = self._options.auth_scheme or "Token"
        response = JSONResponse(
            {"error": "unauthorized", "error_description": reason},
            status_code=401,
            headers={"www-authenticate": scheme},
        )
        await response(scope, receive, send)

    def _refusal(self, path: str, headers: Mapping[str, str]) -> str | None:
        for name, value in self._options.require_headers.items():
            if headers.get(name.lower()) != value:
                return f"the header {name} is missing or wrong"
        if path not in self._guarded:
            return None
        authorization = headers.get("authorization", "")
        if self._is_nth() and authorization in self._seen:
            return "the token has expired"
        self._seen.add(authorization)
        return self._token_refusal(authorization)

    def _is_nth(self) -> bool:
        every = self._options.unauthorized_every
        return every > 0 and next(self._numbers) % every == 0

    def _token_refusal(self, authorization: str) -> str | None:
        scheme = self._options.auth_scheme
        given, token = authorization.partition(" ")[::2] if scheme else ("", authorization)
        if not token:
            return "no access token"
        if given != scheme:
            return f"the authorization scheme must be {scheme}"
        return None if self._tokens.valid(token) else "the token is unknown or has expired"
