"""What an HTTP answer means: GraphQL data, or an error in our terms."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from gio_pandas.errors import (
    AuthenticationError,
    GioError,
    GraphQLError,
    PermissionDeniedError,
    PlatformUnavailableError,
    SettingsError,
)

__all__ = [
    "TRANSIENT_STATUSES",
    "check_status",
    "graphql_data",
    "graphql_error",
    "is_login_page",
    "is_moved",
    "read_json",
    "refuse_moved",
    "refuse_nowhere",
    "retry_after",
]

TRANSIENT_STATUSES = (429, 500, 502, 503, 504)
"""What may be another answer a little later."""

_UNSEEN_STATUSES = (429, 503)

_LONGEST_PAGE_DIGITS = 6
"""Digits of the length of a web page: what has a megabyte or more is a file."""
_MOST_VALUES = 5_000_000
# What decodes to half of a letter beyond 16 bits, or of one such letter.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")


def graphql_data(response: httpx.Response) -> dict[str, Any]:
    """Read the ``data`` of a GraphQL answer (op-api §5.4, §5.5).

    Raises
    ------
    GraphQLError
        There are errors; what data came beside them is in it.
    AuthenticationError, PermissionDeniedError, PlatformUnavailableError, SettingsError
        It is no GraphQL answer.
    """
    check_status(response)
    answer = _json_answer(response)
    if answer is None:
        raise _odd_answer(response)
    errors = answer.get("errors") or []
    errors = [error for error in errors if error] if isinstance(errors, list) else [errors]
    data = answer.get("data")
    if errors:
        try:
            error = graphql_error(errors, data)
        except RecursionError:  # its words are lists of lists of lists
            raise _odd_answer(response) from None
        raise error
    if not isinstance(data, dict):
        raise _odd_answer(response)
    return data


def check_status(response: httpx.Response) -> None:
    """Raise where status and headers say that this is no answer to the question.

    Raises
    ------
    AuthenticationError, PermissionDeniedError, PlatformUnavailableError, SettingsError
        See each.
    """
    status = response.status_code
    refuse_moved(response, "/graphql")
    if status == 401:
        raise AuthenticationError(
            f"The platform does not accept the token (HTTP 401, {_scheme(response)})",
            hint='Pass a valid api_key=; newer platforms want auth_scheme="Bearer", some "".',
        )
    if status == 403:
        raise PermissionDeniedError(
            "The platform refuses this to your account (HTTP 403)",
            hint="Ask the administrator for the right to the project and to exports.",
        )
    # Before the look for a login: a gateway's "502 Bad Gateway" is a web page too.
    if status in TRANSIENT_STATUSES:
        raise PlatformUnavailableError(
            f"The platform is not ready (HTTP {status}){_said(response)}",
            hint="Try again in a minute; gio-pandas doctor shows which step fails.",
            status=status,
            retry_after=retry_after(response.headers),
            seen=status not in _UNSEEN_STATUSES,
        )
    if is_login_page(response) or _is_html(response):
        raise _login_page(response)


def is_login_page(response: httpx.Response) -> bool:
    """Tell by status and headers whether a gateway's login answered (op-api §5.8).

    A table that a server calls HTML, as some do where nobody told them better, is none.
    """
    is_page = "html" in response.headers.get("content-type", "").lower()
    is_ok = response.status_code == 200
    return response.has_redirect_location or (is_ok and is_page and not _is_file(response))


def _is_file(response: httpx.Response) -> bool:
    length = response.headers.get("content-length", "")
    is_long = len(length) > _LONGEST_PAGE_DIGITS
    return is_long or "attachment" in response.headers.get("content-disposition", "").lower()


def refuse_moved(response: httpx.Response, service: str) -> None:
    """Raise where a redirect names the same service under another address, mostly https.

    A gateway that wants a slash at its end is one that no ``url`` helps against.

    Parameters
    ----------
    response
        What answered; anything but a redirect passes.
    service
        The path that was asked for, without the platform's own prefix.

    Raises
    ------
    SettingsError
        The platform has moved as a whole.
    """
    target = _new_address(response, service)
    if target is None:
        return
    address = str(target).removesuffix("/")
    if address == str(response.url):
        raise SettingsError(
            f"The platform has moved to {target}",
            hint=f"Ask who runs the gateway before it to answer POST {service} without a redirect.",
        )
    raise SettingsError(
        f"The platform has moved to {address.removesuffix(service)}",
        hint="Use that address as url.",
    )


def is_moved(response: httpx.Response, service: str) -> bool:
    """Tell whether ``refuse_moved`` would raise."""
    return _new_address(response, service) is not None


def _new_address(response: httpx.Response, service: str) -> httpx.URL | None:
    if not response.has_redirect_location:
        return None
    try:
        target = response.url.join(response.headers["location"])
        target = target.copy_with(userinfo=b"", query=None, fragment=None)
    except httpx.InvalidURL:
        return None
    is_same = target.path.removesuffix("/").endswith(service) and target != response.url
    return target if is_same else None


def refuse_nowhere(response: httpx.Response) -> None:
    """Raise where a redirect leads to a host that is none; a hook for httpx.

    Raises
    ------
    httpx.RemoteProtocolError
        As httpx does for other addresses that are none. Of these it has errors of another tree.
    """
    if not response.has_redirect_location:
        return
    try:
        response.url.join(response.headers["location"]).host  # noqa: B018 it is parsed here
    except httpx.InvalidURL:
        return
    except UnicodeError as error:
        raise httpx.RemoteProtocolError(
            f"it redirects to no address ({error})", request=response.request
        ) from None


def _scheme(response: httpx.Response) -> str:
    scheme, _, token = response.request.headers.get("authorization", "").partition(" ")
    return f"scheme {scheme!r}" if token else "sent bare"


def retry_after(headers: httpx.Headers) -> float | None:
    """Read ``Retry-After`` as seconds, whichever of its two forms it has."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None


def _is_html(response: httpx.Response) -> bool:
    is_read = response.status_code == 200 and response.is_closed
    return is_read and response.content[:200].lstrip()[:1] == b"<"


def _login_page(response: httpx.Response) -> AuthenticationError:
    return AuthenticationError(
        f"{response.url.host} answered with a web page in place of data, most likely a login",
        hint="Check the url and the API key; if a gateway stands before the platform, "
        "pass its cookie as headers={'Cookie': …}.",
    )


def _json_answer(response: httpx.Response) -> dict[str, Any] | None:
    try:
        answer = read_json(response.content)
    except ValueError:
        return None
    if isinstance(answer, list) and len(answer) == 1:  # one page shows it wrapped (op-api §5.4)
        answer = answer[0]
    return answer if isinstance(answer, dict) else None


def read_json(text: bytes) -> Any:
    """Read JSON that may be anything.

    ``NaN`` and its like, which are none of JSON's, are null. Half of a letter beyond 16 bits, which
    nothing can write down, becomes U+FFFD.

    Raises
    ------
    ValueError
        It is no JSON, nested too deeply, or so many values that they would fill the memory: an
        empty list takes 3 bytes there, and 60 here.
    """
    if sum(map(text.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        raise ValueError(f"more than {_MOST_VALUES:,} values")
    try:
        value = json.loads(text, parse_constant=lambda _: None)
        if _SURROGATE.search(text):
            # Whole letters may be written as two halves, and come whole out of this.
            halves = json.dumps(value, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
            value = json.loads(halves.decode("utf-16-le", "replace"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def _odd_answer(response: httpx.Response) -> PlatformUnavailableError:
    return PlatformUnavailableError(
        f"{response.url.copy_with(query=None)} does not answer as the platform's API does "
        f"(HTTP {response.status_code}, {response.headers.get('content-type', 'no type')})"
        f"{_said(response)}",
        hint="Check the url, with its path prefix if the platform has one.",
        status=response.status_code,
        seen=not response.is_client_error,
        transient=False,
    )


def _said(response: httpx.Response) -> str:
    """Repeat the words of an answer that is no data, where it has some."""
    answer = (response.is_closed and _json_answer(response)) or {}
    errors = answer.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else answer
    message = first.get("message") if isinstance(first, dict) else None
    return f": {message[:200]}" if isinstance(message, str) and message else ""


_CODES: Mapping[str, type[GioError]] = {
    "UNAUTHENTICATED": AuthenticationError,
    "UNAUTHORIZED": AuthenticationError,
    "FORBIDDEN": PermissionDeniedError,
    "PERMISSION_DENIED": PermissionDeniedError,
}


def graphql_error(errors: list[Any], data: Any = None) -> GioError:
    """Say a GraphQL answer's errors in our terms.

    Parameters
    ----------
    errors
        At least one, as they came.
    data
        What came beside them.
    """
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
        return kind(
            what, hint="Check the API key, or ask the administrator for the right to do this."
        )
    return GraphQLError(
        what,
        hint="Check ids and arguments; the platform's words say which.",
        errors=entries,
        data=data if isinstance(data, dict) else None,
    )
