"""How a request proves who sends it: the token, its renewal, and where it may go."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import httpx

from gio_pandas.api.answers import (
    TRANSIENT_STATUSES,
    is_login_page,
    is_moved,
    read_json,
    refuse_moved,
    retry_after,
)
from gio_pandas.api.secrecy import Cookies
from gio_pandas.errors import AuthenticationError, PlatformUnavailableError
from gio_pandas.settings import Secret

__all__ = ["TokenAuth", "same_origin"]

_SERVICE = "/accounts/oauth/access_token"
_RENEWALS = 8
"""Tokens that one request may cost: where several run at once, they may die again and again."""

_MOST_BYTES = 1 << 20
"""A token's answer is a few hundred."""

_MOST_PATIENCE = 30.0
_Flow = Generator[httpx.Request, httpx.Response, None]
_Exchange = Generator[httpx.Request, httpx.Response, httpx.Response]


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Tell whether two addresses have scheme, host and port in common."""
    return _origin(one) == _origin(other)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


class TokenAuth(httpx.Auth):
    """Attach token, headers and cookies to the platform's requests; renew a token that dies.

    A request that is answered with 401, or with a login page, is sent once more with a new
    token. Of many threads that meet a dead token, one fetches the new one and the others wait
    for it. Requests to any other origin pass without credentials, and set no cookies.

    Parameters
    ----------
    platform
        The platform's address.
    api_key
        What tokens are fetched with (``client_secret``); None where only a token is known.
    token
        A token to begin with.
    scheme
        The word before the token; ``""`` sends it bare.
    headers
        More headers for the platform alone.
    """

    def __init__(
        self,
        platform: str,
        *,
        api_key: Secret | None,
        token: Secret | None,
        scheme: str,
        headers: Mapping[str, Secret],
    ) -> None:
        self._platform = httpx.URL(platform)
        self._token_url = httpx.URL(f"{platform}{_SERVICE}")
        self._api_key = api_key
        self._token = token
        self._scheme = scheme
        self._headers = headers
        self._cookies = Cookies()
        self._file_places: set[str] = set()
        self._renewals = 0
        self._uses = 0
        self._lock = threading.Lock()
        self._counting = threading.Lock()

    def is_token_request(self, request: httpx.Request) -> bool:
        """Tell whether a request fetched a token: its failure says nothing of another's."""
        return request.url == self._token_url

    def trust(self, files: Iterable[httpx.URL]) -> None:
        """Remember that downloads lead to these files: no login is what comes in their place."""
        self._file_places.update(map(self._place, files))

    def sync_auth_flow(self, request: httpx.Request) -> _Flow:
        """Send, and where the token turns out dead, renew it and send again.

        This replaces the base class's flow because that one would read every response whole,
        a streamed download too, if it were told that the token's answer must be read.
        """
        if not same_origin(request.url, self._platform):
            yield request
            return
        if self._token is None and self._api_key is not None:
            yield from self._renew(self._api_key, self._renewals, request)
        known = self._attach_token(request)
        response = yield from self._exchange(request)
        for attempt in range(_RENEWALS):
            if not self._is_dead(response, request) or self._api_key is None:
                return
            # A new token that nobody else has used is refused; one that others used may have died.
            if attempt and (self._renewals, self._uses) == (known, 1):
                return
            yield from self._renew(self._api_key, known, request)
            known = self._attach_token(request)
            response = yield from self._exchange(request)

    def _exchange(self, request: httpx.Request) -> _Exchange:
        """Send a request with what cookies there are by now, and keep those of its answer."""
        self._attach_headers(request)
        response = yield request
        self._cookies.extract_cookies(response)
        return response

    def _is_dead(self, response: httpx.Response, request: httpx.Request) -> bool:
        if response.status_code == 401:
            return True
        if not is_login_page(response) or self._leads_to_a_file(response, request):
            return False
        if is_moved(response, "/graphql"):
            return False
        if request.extensions.get("submit"):
            # A submit is repeated after a 401 alone; the next request begins with a new token.
            self._token = None if self._api_key else self._token
            return False
        return True

    def _leads_to_a_file(self, response: httpx.Response, request: httpx.Request) -> bool:
        """Tell a download that lies elsewhere from one that a login came before."""
        if request.method != "GET" or not response.has_redirect_location:
            return False
        target = response.url.join(response.headers["location"])
        return not same_origin(target, self._platform) or self._place(target) in self._file_places

    def _place(self, url: httpx.URL) -> str:
        """Name what stands first below the platform's address, as ``files`` and ``login`` do."""
        path = url.path.removeprefix(self._platform.path.rstrip("/"))
        return path.lstrip("/").partition("/")[0]

    def _attach_headers(self, request: httpx.Request) -> None:
        request.headers.encoding = "utf-8"  # httpx would take that of what is there already
        request.headers.pop("Cookie", None)
        self._cookies.set_cookie_header(request)
        theirs = request.headers.pop("Cookie", "")
        for name, value in self._headers.items():
            request.headers[name] = value.reveal()
        if theirs:
            request.headers["Cookie"] = _joined(request.headers.get("Cookie", ""), theirs)

    def _attach_token(self, request: httpx.Request) -> int:
        """Put the token in force on a request, and say which renewal it is of."""
        with self._counting:
            token, renewals = self._token, self._renewals
            self._uses += 1
        if token is not None:
            request.headers["Authorization"] = f"{self._scheme} {token.reveal()}".strip()
        return renewals

    def _renew(
        self, api_key: Secret, known: int, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Fetch a token, unless another thread has done so since ``known`` renewals."""
        patience = _patience(request)
        if not self._lock.acquire(timeout=patience["read"]):
            raise PlatformUnavailableError(
                "The platform gives no token",
                hint="Try again in a minute; gio-pandas doctor shows which step fails.",
                seen=False,
            )
        try:
            if self._token is not None and self._renewals > known:
                return
            response = yield from self._exchange(self._token_request(api_key, request, patience))
            response.read()
            token = _read_token(response)
            with self._counting:
                self._token, self._uses = token, 0
                self._renewals += 1
        finally:
            self._lock.release()

    def _token_request(
        self, api_key: Secret, cause: httpx.Request, patience: Mapping[str, float]
    ) -> httpx.Request:
        return httpx.Request(
            "POST",
            self._token_url,
            content=_form(api_key),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
                "User-Agent": cause.headers.get("User-Agent", ""),
            },
            extensions={"timeout": dict(patience), "most": _MOST_BYTES},
        )


def _joined(mine: str, theirs: str) -> str:
    """Join two headers of cookies; of one name the first one's counts."""
    named = {cookie.partition("=")[0].strip() for cookie in mine.split(";")}
    more = [c for c in theirs.split("; ") if c.partition("=")[0] not in named]
    return "; ".join([mine.strip("; "), *more] if mine else more)


def _patience(request: httpx.Request) -> dict[str, float]:
    """Wait for a token as long as its request would be waited for, and half a minute at most."""
    allowed = request.extensions.get("timeout", {})
    kinds = ("connect", "read", "write", "pool")
    return {kind: min(allowed.get(kind) or _MOST_PATIENCE, _MOST_PATIENCE) for kind in kinds}


def _form(api_key: Secret) -> bytes:
    known = {"grant_type": "client_credentials", "client_id": "api", "scope": "system"}
    # No local name holds the key: a traceback may show those.
    return urlencode({**known, "client_secret": api_key.reveal()}).encode()


def _read_token(response: httpx.Response) -> Secret:
    status = response.status_code
    if status in TRANSIENT_STATUSES:
        raise PlatformUnavailableError(
            f"The platform gave no token (HTTP {status})",
            hint="Try again in a minute; gio-pandas doctor shows which step fails.",
            status=status,
            retry_after=retry_after(response.headers),
            seen=False,
        )
    refuse_moved(response, _SERVICE)
    if is_login_page(response) or status not in (200, 400, 401, 403):
        raise AuthenticationError(
            f"{response.url.host} has no token service under {response.url.path} (HTTP {status})",
            hint="Check the url, with its path prefix if the platform has one.",
        )
    answer = _answer_of(response)
    if answer is None and response.is_success:
        raise PlatformUnavailableError(
            f"The platform's token service answers what cannot be read (HTTP {status})",
            hint="Try again in a minute; gio-pandas doctor shows which step fails.",
            status=status,
            seen=False,
            transient=False,
        )
    token = _token_of(answer or {})
    if not response.is_success or token is None:
        raise AuthenticationError(
            f"The platform refused the API key (HTTP {status})",
            hint="Copy the key once more into api_key=, GIO_API_KEY or gio-pandas login, "
            "or ask the administrator.",
        )
    return token


def _answer_of(response: httpx.Response) -> dict[str, Any] | None:
    try:
        answer: Any = read_json(response.content)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _token_of(answer: Mapping[str, Any]) -> Secret | None:
    token = answer.get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        return None
    return Secret(token) if token else None
