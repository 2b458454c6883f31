"""HTTP to the platform: one connection pool, and foreign errors translated in one place."""

from __future__ import annotations

import json
import platform as machine
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from gio_pandas._version import __version__
from gio_pandas.api.auth import TokenAuth, is_login_page, refuse_moved
from gio_pandas.errors import (
    AuthenticationError,
    DownloadError,
    GioError,
    GraphQLError,
    PermissionDeniedError,
    PlatformUnavailableError,
    SettingsError,
    SubmitUncertainError,
)
from gio_pandas.settings import Settings

__all__ = ["BrokenTransferError", "Reply", "Transport", "is_mutation", "retry_after"]

USER_AGENT = f"gio-pandas/{__version__} python/{machine.python_version()} httpx/{httpx.__version__}"

# A submit may compute for long before it answers: the vendor's own client waits 20 minutes.
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_SUBMIT_TIMEOUT = httpx.Timeout(1200.0, connect=10.0)
_UNSEEN_ERRORS = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_UNSEEN_STATUSES = (429, 503)
_TRANSIENT_STATUSES = (429, 500, 502, 503, 504)
_REDIRECTS = 5


class BrokenTransferError(Exception):
    """A download ended early or never began; asking for the rest may help."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Reply:
    """A download that has begun.

    Parameters
    ----------
    start
        The file's byte that ``chunks`` begins with.
    size
        The whole file's size in bytes; None where the platform does not say.
    validator
        The strong ETag, or the date, that tells whether the file is still the same one.
    resumable
        Whether the platform says that it can go on from the middle of this very file.
    content_type
        What the platform says it sends.
    chunks
        The bytes as they come.
    """

    start: int
    size: int | None
    validator: str | None
    resumable: bool
    content_type: str
    chunks: Iterator[bytes]


class Transport:
    """The one way out: GraphQL requests and downloads, with their errors in our terms.

    Parameters
    ----------
    settings
        Where the platform is and how to get in.
    """

    def __init__(self, settings: Settings) -> None:
        self._base = settings.url
        self._auth = TokenAuth(
            settings.url,
            api_key=settings.api_key,
            token=settings.token,
            scheme=settings.auth_scheme,
            headers=settings.headers,
        )
        self._scheme = settings.auth_scheme
        self._http = _http_client(settings)

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

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
        import stamina

        for attempt in stamina.retry_context(
            on=_wait_for_platform, attempts=attempts, timeout=60.0, wait_initial=0.3, wait_max=10.0
        ):
            with attempt:
                return self._data(self._post(document, variables, timeout=_bounded(timeout)))
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
        import stamina

        for attempt in stamina.retry_context(
            on=_wait_for_unseen, attempts=4, timeout=60.0, wait_initial=0.5, wait_max=10.0
        ):
            with attempt:
                try:
                    return self._data(
                        self._post(document, variables, timeout=_SUBMIT_TIMEOUT, submit=True)
                    )
                except PlatformUnavailableError as error:
                    if not error.seen:
                        raise
                    raise SubmitUncertainError(
                        f"The export may or may not have been started: {error.what}",
                        hint="Look at the platform's export list (导出任务) before you run this "
                        "again: a second submit makes a second job.",
                    ) from error
        raise AssertionError("unreachable")

    def _post(
        self,
        document: str,
        variables: Mapping[str, Any],
        *,
        timeout: httpx.Timeout,
        submit: bool = False,
    ) -> httpx.Response:
        request = self._http.build_request(
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
            return self._http.send(request, auth=self._auth)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def _data(self, response: httpx.Response) -> dict[str, Any]:
        self._check_status(response)
        answer = _json_answer(response)
        if answer is None:
            raise _odd_answer(response)
        errors = answer.get("errors") or []
        errors = [error for error in errors if error] if isinstance(errors, list) else [errors]
        data = answer.get("data")
        if errors:
            raise _graphql_error(errors, data)
        if not isinstance(data, dict):
            raise _odd_answer(response)
        return data

    def _check_status(self, response: httpx.Response) -> None:
        status = response.status_code
        refuse_moved(response, "/graphql")
        if status == 401:
            raise AuthenticationError(
                f"The platform does not accept the token (HTTP 401, scheme {self._scheme!r})",
                hint='Pass a valid api_key=, or try auth_scheme="Bearer" or "" if yours is newer.',
            )
        if status == 403:
            raise PermissionDeniedError(
                "The platform refuses this to your account (HTTP 403)",
                hint="Ask the administrator for the right to the project and to exports.",
            )
        # Before the look for a login: a gateway's "502 Bad Gateway" is a web page too.
        if status in _TRANSIENT_STATUSES:
            raise PlatformUnavailableError(
                f"The platform is not ready (HTTP {status})",
                hint="Try again in a minute; gio-pandas doctor shows where it ends.",
                status=status,
                retry_after=retry_after(response.headers),
                seen=status not in _UNSEEN_STATUSES,
            )
        if is_login_page(response) or _is_html(response):
            raise _login_page(response)

    @contextmanager
    def download(
        self, url: str, *, start: int = 0, validator: str | None = None
    ) -> Iterator[Reply]:
        """Begin a download, from ``start`` on where the platform can.

        Parameters
        ----------
        url
            What to get: a path and query on the platform, or a whole address.
        start
            The byte to begin with; where the reply's own ``start`` is less, the platform can't.
        validator
            What the first reply said, so that a changed file is sent from its beginning.

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
        if start and validator:
            headers |= {"Range": f"bytes={start}-", "If-Range": validator}
        try:
            target = httpx.URL(f"{self._base}{url}" if url.startswith("/") else url)
            response = self._get(target, headers)
            try:
                yield self._reply(response, start)
            finally:
                response.close()
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            raise BrokenTransferError(_words(error)) from error

    def _get(self, target: httpx.URL, headers: Mapping[str, str]) -> httpx.Response:
        """Follow redirects by hand: each hop gets credentials only on the platform's origin."""
        for _ in range(_REDIRECTS):
            request = self._http.build_request("GET", target, headers=headers)
            try:
                response = self._http.send(request, auth=self._auth, stream=True)
            except PlatformUnavailableError as error:  # no new token just now
                raise BrokenTransferError(error.what, error.retry_after) from error
            if not response.has_redirect_location:
                return response
            response.close()
            target = target.join(response.headers["location"])
        raise DownloadError(
            f"{target.host} redirects without an end", hint="Check the url of the platform."
        )

    def _reply(self, response: httpx.Response, start: int) -> Reply:
        status = response.status_code
        if status == 404:
            raise FileNotFoundError(str(response.url.path))
        if status == 416 and response.headers.get("content-range") == f"bytes */{start}":
            return _nothing_more(response, start)
        if status in _TRANSIENT_STATUSES or status == 416:
            raise BrokenTransferError(f"HTTP {status}", retry_after(response.headers))
        if status not in (200, 206):
            self._check_status(response)
            raise DownloadError(
                f"The platform answers HTTP {status} to a download",
                hint="Run the export again; gio-pandas doctor shows where it ends.",
            )
        encoded = "content-encoding" in response.headers
        length = response.headers.get("content-length")
        begin = _first_byte(response, start) if status == 206 else 0
        validator = None if encoded else _validator(response.headers)
        return Reply(
            start=begin,
            size=begin + int(length) if length and not encoded else None,
            validator=validator,
            resumable=bool(validator) and response.headers.get("accept-ranges") == "bytes",
            content_type=response.headers.get("content-type", ""),
            chunks=response.iter_bytes() if encoded else response.iter_raw(),
        )

    def _unreachable(self, error: httpx.HTTPError) -> PlatformUnavailableError:
        unseen = isinstance(error, _UNSEEN_ERRORS) or self._auth.is_token_request(error.request)
        hint = "Check the address, the network or VPN, and the proxy settings."
        if "CERTIFICATE" in str(error).upper():
            hint = "If the company has a CA of its own, pass its file as verify=."
        return PlatformUnavailableError(
            f"No answer from {self._base} ({_words(error)})", hint=hint, seen=not unseen
        )


def retry_after(headers: httpx.Headers) -> float | None:
    """Read ``Retry-After`` as seconds, whichever of its two forms it has."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None


def _wait_for_platform(error: Exception) -> bool | float:
    """Say whether, or after how many seconds, a query is asked again."""
    if not isinstance(error, PlatformUnavailableError):
        return False
    if error.status is not None and error.status not in _TRANSIENT_STATUSES:
        return False
    return min(error.retry_after, 30.0) if error.retry_after else True


def _wait_for_unseen(error: Exception) -> bool | float:
    unseen = isinstance(error, PlatformUnavailableError) and not error.seen
    return unseen and _wait_for_platform(error)


def _bounded(timeout: float | None) -> httpx.Timeout:
    if timeout is None:
        return _TIMEOUT
    return httpx.Timeout(max(min(timeout, 60.0), 0.1), connect=max(min(timeout, 10.0), 0.1))


def _http_client(settings: Settings) -> httpx.Client:
    verify = _certificates(settings.verify)
    try:
        return httpx.Client(
            verify=verify,
            timeout=_TIMEOUT,
            headers={"User-Agent": USER_AGENT},
            follow_redirects=False,
            # A proxy of the environment would look for the sandbox on its own machine.
            trust_env=urlsplit(settings.url).hostname not in ("127.0.0.1", "localhost", "::1"),
        )
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise SettingsError(
            f"A proxy of the environment cannot be used ({error})",
            hint="Set HTTP_PROXY, HTTPS_PROXY and ALL_PROXY to http://…, or put the platform's "
            "host into NO_PROXY.",
        ) from error


def _certificates(verify: bool | str) -> Any:
    if not isinstance(verify, str):
        return True
    context = httpx.create_ssl_context()
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


def _first_byte(response: httpx.Response, start: int) -> int:
    """Read which byte a partial answer begins with; past ``start`` there would be a gap."""
    found = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
    begin = int(found[1]) if found else start
    if begin > start:
        raise BrokenTransferError(f"byte {start:,} was asked for and {begin:,} came")
    return begin


def _nothing_more(response: httpx.Response, start: int) -> Reply:
    """Take it for the rest that the file ends where the transfer before broke off."""
    return Reply(
        start=start,
        size=start,
        validator=_validator(response.headers),
        resumable=True,
        content_type="",
        chunks=iter(()),
    )


def _validator(headers: Mapping[str, str]) -> str | None:
    etag = headers.get("etag", "")
    return etag if etag and not etag.startswith("W/") else headers.get("last-modified")


def _is_html(response: httpx.Response) -> bool:
    return response.is_closed and response.content[:200].lstrip()[:1] == b"<"


def _login_page(response: httpx.Response) -> AuthenticationError:
    return AuthenticationError(
        f"{response.url.host} answered with a web page in place of data, most likely a login",
        hint="Check the url and the API key; if a gateway stands before the platform, "
        "pass its cookie as headers={'Cookie': …}.",
    )


def _json_answer(response: httpx.Response) -> dict[str, Any] | None:
    try:
        answer = json.loads(response.content)
    except ValueError:
        return None
    if isinstance(answer, list) and len(answer) == 1:  # one page shows it wrapped (op-api §5.4)
        answer = answer[0]
    return answer if isinstance(answer, dict) else None


def _odd_answer(response: httpx.Response) -> PlatformUnavailableError:
    return PlatformUnavailableError(
        f"{response.url.copy_with(query=None)} does not answer as the platform's API does "
        f"(HTTP {response.status_code}, {response.headers.get('content-type', 'no type')})",
        hint="Check the url, with its path prefix if the platform has one.",
        status=response.status_code,
    )


_CODES: Mapping[str, type[GioError]] = {
    "UNAUTHENTICATED": AuthenticationError,
    "UNAUTHORIZED": AuthenticationError,
    "FORBIDDEN": PermissionDeniedError,
    "PERMISSION_DENIED": PermissionDeniedError,
}


def _graphql_error(errors: list[Any], data: Any) -> GioError:
    entries: list[dict[str, Any]] = [
        error if isinstance(error, dict) else {"message": str(error)} for error in errors
    ]
    message = "; ".join(str(entry.get("message", "no message")) for entry in entries[:3])
    extensions = entries[0].get("extensions")
    code = extensions.get("code") if isinstance(extensions, dict) else None
    what = f"The platform answered: {message[:500]}"
    kind = _CODES.get(str(code).upper())
    # What came beside the errors is kept: it may be the job that a submit started.
    if kind is not None and not (isinstance(data, dict) and any(data.values())):
        return kind(what, hint="Check the API key and ask the administrator for the right to it.")
    return GraphQLError(
        what,
        hint="Check ids and arguments; the platform's words say which.",
        errors=entries,
        data=data if isinstance(data, dict) else None,
    )
