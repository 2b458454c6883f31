"""HTTP to the platform: one connection pool, what is sent again and what never is."""

from __future__ import annotations

import logging
import platform as machine
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx

from gio_pandas._version import __version__
from gio_pandas.api.answers import graphql_data, is_login_page, refuse_nowhere
from gio_pandas.api.auth import TokenAuth
from gio_pandas.api.bodies import OversizedError, bound
from gio_pandas.api.deadlines import LetGoError, pause, watch, within
from gio_pandas.api.downloads import BrokenTransferError, Reply, read_reply
from gio_pandas.api.secrecy import SecretiveClient, bare, unechoed, without_key
from gio_pandas.errors import (
    DownloadError,
    GioError,
    PlatformUnavailableError,
    SettingsError,
    SubmitUncertainError,
)
from gio_pandas.settings import Settings
from gio_pandas.stops import stopped

__all__ = ["Transport", "is_mutation"]

USER_AGENT = f"gio-pandas/{__version__} python/{machine.python_version()} httpx/{httpx.__version__}"

# A submit may compute for long before it answers: the vendor's own client waits 20 minutes.
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_SUBMIT = 1200.0
_SUBMIT_TIMEOUT = httpx.Timeout(_SUBMIT, connect=10.0)
_WHOLE = 300.0
"""Seconds within which an answer comes whole, and a file begins, a new token's answer too."""

_LEAST = 0.5
"""Seconds for the last poll of a wait, however little of it is left."""

_UNSEEN_ERRORS = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_REDIRECTS = 5
_LONGEST_PAUSE = 30.0
_PATIENCE = 60.0
"""Seconds after which nothing is asked once more."""


class Transport:
    """The one way out: GraphQL requests and downloads, with their errors in our terms.

    Parameters
    ----------
    settings
        Where the platform is and how to get in.
    """

    def __init__(self, settings: Settings) -> None:
        self._base = settings.url
        self._api_key = settings.api_key
        self._auth = TokenAuth(
            settings.url,
            api_key=settings.api_key,
            token=settings.token,
            scheme=settings.auth_scheme,
            headers=settings.headers,
        )
        certificates = _certificates(settings.verify)
        self._http = _http_client(settings.url, certificates)
        # A connection that was kept may be closed from the other side just when it is used again:
        # of a submit nobody could say then whether it was seen, so each has one of its own.
        self._fresh = _http_client(
            settings.url,
            certificates,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def close(self) -> None:
        """Close every connection."""
        self._http.close()
        self._fresh.close()

    def query(
        self,
        document: str,
        variables: Mapping[str, Any],
        *,
        attempts: int = 4,
        timeout: float | None = None,
    ) -> Any:
        """Ask something that can be asked again, and do so while the platform is away.

        Parameters
        ----------
        document, variables
            What is asked.
        attempts
            How often, at most.
        timeout
            Seconds to wait for one answer, if fewer than a minute.

        Returns
        -------
        dict
            The answer's ``data``.

        Raises
        ------
        GraphQLError, AuthenticationError, PermissionDeniedError, PlatformUnavailableError
            See each.
        """
        for attempt in _attempts(attempts, _wait_for_platform):
            with attempt:
                whole = _WHOLE if timeout is None else max(min(timeout, _WHOLE), _LEAST)
                return self._data_of(
                    self._post(document, variables, timeout=_bounded(timeout), whole=whole)
                )
        raise AssertionError("unreachable")

    def submit(self, document: str, variables: Mapping[str, Any]) -> Any:
        """Start something that must not be started twice.

        It is sent again only where the platform cannot have seen it.

        Returns
        -------
        dict
            The answer's ``data``.

        Raises
        ------
        SubmitUncertainError
            No answer came, or one that does not say whether the job was started.
        """
        for attempt in _attempts(4, _wait_for_unseen):
            with attempt:
                try:
                    answer = self._post(
                        document, variables, timeout=_SUBMIT_TIMEOUT, whole=_SUBMIT, submit=True
                    )
                    return self._data_of(answer)
                except PlatformUnavailableError as error:
                    if not error.seen:
                        raise
                    raise SubmitUncertainError(
                        f"What was submitted may or may not have been started: {error.what}",
                        hint="Look at the platform's export list (导出任务) before you run this "
                        "again: a second submit makes a second job.",
                    ) from error
                except KeyboardInterrupt:
                    raise stopped(
                        "stopped while it was submitted; it may or may not have been started: look "
                        "at the platform's export list (导出任务) before you run this again"
                    ) from None
        raise AssertionError("unreachable")

    def _post(
        self,
        document: str,
        variables: Mapping[str, Any],
        *,
        timeout: httpx.Timeout,
        whole: float,
        submit: bool = False,
    ) -> httpx.Response:
        http = self._fresh if submit else self._http
        request = http.build_request(
            "POST",
            f"{self._base}/graphql",
            json={
                "query": document,
                "variables": variables,
                "operationName": _operation_name(document),
            },
            headers={"Accept": "application/json"},
            timeout=timeout,
            extensions={"submit": submit},
        )
        try:
            return self._send(http, request, whole)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def _send(
        self, http: httpx.Client, request: httpx.Request, whole: float, *, stream: bool = False
    ) -> httpx.Response:
        try:
            with within(whole):
                return http.send(request, auth=self._auth, stream=stream)
        except RuntimeError:
            if not http.is_closed:
                raise
            raise PlatformUnavailableError(
                f"Nothing more is asked of {self._base}: the session was closed meanwhile",
                hint="Close it when its threads are done; the next verb opens it again.",
                seen="trace" in request.extensions,  # httpx has begun to send it
                transient=False,
            ) from None

    def _data_of(self, response: httpx.Response) -> Any:
        try:
            return without_key(graphql_data(response), response, self._api_key)
        except GioError as error:
            raise unechoed(error, response.request, self._api_key) from error.__cause__

    @contextmanager
    def download(
        self,
        url: str,
        *,
        start: int = 0,
        validator: str | None = None,
        stop: int | None = None,
    ) -> Iterator[Reply]:
        """Begin a download, from ``start`` on, and up to ``stop``, where the platform can.

        Parameters
        ----------
        url
            What to get: a path and query on the platform, or a whole address.
        start
            The byte to begin with; where the reply's own ``start`` is less, the platform can't.
        validator
            What the first reply said, so that a changed file is sent from its beginning.
        stop
            The byte to end before; left out, the file's end. More may come all the same.

        Raises
        ------
        BrokenTransferError
            The transfer did not begin or broke off; it may be asked for again.
        FileNotFoundError
            The platform has no such file.
        DownloadError, AuthenticationError, PermissionDeniedError
            Asking again does not help.
        """
        headers = {"Accept-Encoding": "identity"}
        if validator and (start or stop is not None):
            headers["If-Range"] = validator
        if "If-Range" in headers or (stop is not None and not start):
            headers["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
        target = _address(f"{self._base}{url}" if url.startswith("/") else url)
        try:
            response = self._get(target, headers)
            try:
                yield read_reply(response, start)
            except GioError as error:
                raise unechoed(error, response.request, self._api_key) from error.__cause__
            finally:
                response.close()
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            raise BrokenTransferError(_words(bare(error))) from error
        except (BrokenTransferError, GioError) as error:
            # Its frames have the answer's headers.
            raise error.with_traceback(None) from error.__cause__

    def _get(self, target: httpx.URL, headers: Mapping[str, str]) -> httpx.Response:
        """Follow redirects by hand: each hop gets credentials only on the platform's origin."""
        followed: list[httpx.URL] = []
        for _ in range(_REDIRECTS):
            request = self._http.build_request(
                "GET", target, headers=headers, extensions={"file": True}
            )
            try:
                response = self._send(self._http, request, _WHOLE, stream=True)
            except PlatformUnavailableError as error:
                if self._http.is_closed:
                    raise
                # There is no new token just now.
                raise BrokenTransferError(error.what, error.retry_after) from error
            if not response.has_redirect_location:
                if response.is_success and not is_login_page(response):
                    self._auth.trust(followed)
                return response
            response.close()
            target = target.join(response.headers["location"])
            followed.append(target)
        raise DownloadError(
            f"{target.host} redirects without an end", hint="Check the url of the platform."
        )

    def _unreachable(self, error: httpx.HTTPError) -> PlatformUnavailableError:
        unseen = isinstance(error, _UNSEEN_ERRORS) or self._auth.is_token_request(error.request)
        hint = "Check the address, the network or VPN, and the proxy settings."
        if "CERTIFICATE" in str(error).upper():
            hint = "If the company has a CA of its own, pass its file as verify=."
        elif "WRONG_VERSION_NUMBER" in str(error):
            hint = "What answers there speaks no TLS: try http:// in place of https://."
        elif isinstance(error, OversizedError):
            hint = "Check that the url is the platform's; gio-pandas doctor shows which step fails."
        return PlatformUnavailableError(
            f"No answer from {self._base} ({_words(error)})",
            hint=hint,
            seen=not unseen,
            transient="SSL" not in str(error)
            and not isinstance(error, OversizedError | LetGoError),
        )


def _address(url: str) -> httpx.URL:
    try:
        address = httpx.URL(url)
        address.host  # noqa: B018 some names show here that they are none
    except (httpx.InvalidURL, UnicodeError) as error:
        raise DownloadError(
            f"The platform names a file by {url!r}, which is no address ({error})",
            hint="Run the export again; if it comes back, report it to the platform's operator.",
        ) from None
    return address


def _attempts(
    attempts: int, on: Callable[[Exception], bool | float]
) -> Iterator[AbstractContextManager[Any]]:
    import stamina

    # Its word on each retry goes to who listens, not to stderr in the middle of a notebook.
    logging.getLogger("stamina").addHandler(logging.NullHandler())
    usual: float | None = None  # seconds, where there is a next attempt
    end = time.monotonic() + _PATIENCE

    def heeding(error: Exception) -> bool | float:
        """Pause here, where the work may be hung up meanwhile: stamina would sleep through that."""
        seconds = on(error)
        if not seconds or usual is None or stamina.is_testing() or time.monotonic() >= end:
            return seconds
        goes_on = pause(usual if seconds is True else seconds)
        return seconds if goes_on is None else goes_on and 0.0

    for attempt in stamina.retry_context(
        on=heeding, attempts=attempts, timeout=_PATIENCE, wait_initial=0.3, wait_max=10.0
    ):
        usual = attempt.next_wait if attempt.num < attempts else None
        yield attempt


def _wait_for_platform(error: Exception) -> bool | float:
    """Say whether, or after how many seconds, a query is asked again."""
    if not isinstance(error, PlatformUnavailableError):
        return False
    if not error.transient:
        return False
    if error.retry_after is None:
        return True
    # Who asks for more patience than this is not asked again before.
    return error.retry_after if 0 < error.retry_after <= _LONGEST_PAUSE else not error.retry_after


def _wait_for_unseen(error: Exception) -> bool | float:
    unseen = isinstance(error, PlatformUnavailableError) and not error.seen
    return unseen and _wait_for_platform(error)


def _bounded(timeout: float | None) -> httpx.Timeout:
    if timeout is None:
        return _TIMEOUT
    return httpx.Timeout(max(min(timeout, 60.0), 0.1), connect=max(min(timeout, 10.0), 0.1))


def _http_client(url: str, certificates: ssl.SSLContext, **more: Any) -> httpx.Client:
    try:
        return SecretiveClient(
            verify=certificates,
            timeout=_TIMEOUT,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
            follow_redirects=False,
            event_hooks={"request": [watch], "response": [refuse_nowhere, bound]},
            # A proxy of the environment would look for the sandbox on its own machine.
            trust_env=urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"),
            **more,
        )
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        # The error's words are left out: they may hold a piece of the proxy's password.
        bare(error)
        raise SettingsError(
            "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names a proxy that cannot be used",
            hint="Set them to http://…, or put the platform's host into NO_PROXY.",
        ) from None


def _certificates(verify: bool | str) -> ssl.SSLContext:
    context = httpx.create_ssl_context()
    if not isinstance(verify, str):
        return context
    try:
        context.load_verify_locations(verify)
    except OSError as error:
        raise SettingsError(
            f"The CA file {verify!r} (verify) cannot be read ({error})",
            hint="It must hold the company's CA certificate in PEM form (BEGIN CERTIFICATE).",
        ) from error
    return context


def is_mutation(document: str) -> bool:
    """Tell whether a document may change something on the platform; in doubt, it does."""
    return re.search(r"\bmutation\b", document) is not None


def _operation_name(document: str) -> str | None:
    """Find the name of the document's operation, if it has just one and it has a name."""
    names = re.findall(r"^\s*(?:query|mutation)\s+(\w+)", document, flags=re.MULTILINE)
    return names[0] if len(names) == 1 else None


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
