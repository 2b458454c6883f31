"""What others may see of what we send: no secret in logs, and none in frames.

httpx logs addresses, httpcore the headers of answers: ``Set-Cookie``, and in ``Location`` the
signed address of a file. Their frames hold what is sent: who prints a traceback with locals, as
IPython's ``%xmode Verbose`` and rich do, would print the token.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, ParamSpec, TypeVar

import httpx

from gio_pandas.errors import GioError
from gio_pandas.settings import Secret

__all__ = ["Cookies", "SecretiveClient", "bare", "masked", "sealed", "unechoed", "without_key"]

E = TypeVar("E", bound=BaseException)
G = TypeVar("G", bound=GioError)
P = ParamSpec("P")
R = TypeVar("R")

_LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)
_PLAIN_HEADERS = {
    *("accept-ranges", "cache-control", "connection", "content-encoding", "content-length"),
    *("content-range", "content-type", "date", "etag", "expires", "last-modified", "retry-after"),
    *("server", "transfer-encoding", "vary"),
}
_COMMON_HEADERS = {
    *("accept", "accept-encoding", "connection", "content-length", "content-type", "host"),
    "user-agent",
}
_SHORTEST = 8
"""Characters of a secret; what is shorter is a word that an answer may well have of its own."""

_DEEPEST = 50
_BYTES = r"""b(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_PAIR = re.compile(rf"\(({_BYTES}), {_BYTES}\)")
_USER = re.compile(r"(?<=://)[^/\s@\"']*@")
_QUERY = re.compile(r"[?#][^\s\"'<>]*")
_VALUE = re.compile(r"([?#&])(?!file=)([^&#=]*)(=?)[^&#]*")

_sending: ContextVar[bool] = ContextVar("gio_pandas_sending", default=False)


def masked(message: str) -> str:
    """Take out of a log's line what may be secret; a reader still sees what was asked and when.

    Of headers the harmless ones keep their values, of addresses all but user, query and fragment;
    the ``file`` of a download stays.
    """
    message = _PAIR.sub(_masked_pair, message)
    if "exception=" in message:  # a broken header is quoted whole
        message = re.sub(_BYTES, "b'…'", message)
    return _QUERY.sub(_masked_query, _USER.sub("…@", message))


def _masked_pair(pair: re.Match[str]) -> str:
    harmless = pair[1][2:-1].lower() in _PLAIN_HEADERS
    return pair[0] if harmless else f"({pair[1]}, b'…')"


def _masked_query(query: re.Match[str]) -> str:
    # What has no name is all value.
    return _VALUE.sub(lambda v: f"{v[1]}{v[2]}=…" if v[3] else f"{v[1]}…", query[0])


class _Mask(logging.Filter):
    """Rewrites records of our own requests; those of other users of httpx stay as they are."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record, and let every one pass."""
        if _sending.get():
            message = record.getMessage()
            if (shown := masked(message)) != message:
                record.msg, record.args = shown, ()
        return True


_MASK = _Mask()


@contextmanager
def _masking() -> Iterator[None]:
    """Mask what the HTTP library logs meanwhile, however logging was set up since the last time.

    The filters sit on the loggers, not on handlers: whoever listens gets the masked record.
    """
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_MASK)  # a second time does nothing
    token = _sending.set(True)
    try:
        yield
    finally:
        _sending.reset(token)


def sealed(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function's errors out without its arguments, its frames and those below.

    They hold keys, tokens and the whole environment as they were passed, and whoever prints a
    traceback with locals (rich, a crash reporter) would print them.
    """

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            failure = error.with_traceback(None)
        del args, kwargs
        raise failure

    return wrapper


def bare(error: E) -> E:
    """Take from an error what holds what was sent: frames, causes, the request's headers and body.

    Its words lose the bytes that they quote: of a header that is none, they are the whole line.
    """
    error.__traceback__ = error.__cause__ = error.__context__ = None
    if isinstance(error, httpx.RequestError):
        error.args = (re.sub(_BYTES, "b'…'", str(error)),)
        with suppress(RuntimeError):  # it has none
            url = error.request.url.copy_with(userinfo=b"", query=None, fragment=None)
            error.request = httpx.Request(error.request.method, url)
    return error


def unechoed(error: G, request: httpx.Request, api_key: Secret | None) -> G:
    """Take from an error of ours what the platform repeats in its words, and its frames.

    Servers are talkative: "Invalid access token: …", with the token that was sent.

    Parameters
    ----------
    error
        What an answer means.
    request
        What was answered.
    api_key
        What its token was fetched with.
    """
    sent = _longest_first({*_credentials(request.headers), *_keys(request, api_key)})
    error.args = _without(sent, error.args)
    for name, value in vars(error).items():
        # Data is what was asked for.
        told = _keys(request, api_key) if name == "data" else sent
        setattr(error, name, _without(told, value))
    return error.with_traceback(None)


def without_key(data: dict[str, Any], response: httpx.Response, api_key: Secret | None) -> Any:
    """Take token and API key out of what was asked for: a job's error may repeat them.

    Nothing else is taken: a tag may well be named as a cookie is. ``uris`` stay as they are, for
    what they lead to may want the token in them.

    Parameters
    ----------
    data
        What was read from the answer.
    response
        The answer.
    api_key
        What its token was fetched with.
    """
    keys = _keys(response.request, api_key)
    text = response.content
    # What is escaped may be anything.
    if b"\\" in text or any(key.encode() in text for key in keys):
        return _without(keys, data)
    return data


def _keys(request: httpx.Request, api_key: Secret | None) -> list[str]:
    token = request.headers.get("authorization", "").rpartition(" ")[2]
    return _longest_first({token, api_key.reveal() if api_key else ""})


def _credentials(headers: httpx.Headers) -> list[str]:
    """List what a request says that only its sender may know."""
    told = [value for name, value in headers.items() if name not in _COMMON_HEADERS]
    return [word for value in told for word in (value, *re.split(r"[\s;=]+", value))]


def _longest_first(words: set[str]) -> list[str]:
    return sorted((word for word in words if len(word) >= _SHORTEST), key=len, reverse=True)


def _without(secrets: Sequence[str], value: Any, depth: int = 0) -> Any:
    """Copy a value of an answer without secrets; what is nested too deeply is left out."""
    if depth > _DEEPEST:
        return None
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, "…")
        return value
    if isinstance(value, dict):
        return {
            key: part if key == "uris" else _without(secrets, part, depth + 1)
            for key, part in value.items()
        }
    if isinstance(value, list | tuple):
        parts = [_without(secrets, part, depth + 1) for part in value]
        return parts if isinstance(value, list) else tuple(parts)
    return value


class _Jar(CookieJar):
    """Cookies that are not shown."""

    def __repr__(self) -> str:
        return f"<{len(self)} cookies>"


class Cookies(httpx.Cookies):
    """What httpx puts around a jar, without showing it either."""

    def __init__(self) -> None:
        super().__init__(_Jar())

    def __repr__(self) -> str:
        return repr(self.jar)


class SecretiveClient(httpx.Client):
    """An HTTP client that shows nobody what it sends; see the module.

    It keeps no cookies: a jar tells hosts apart, not ports. Whoever knows which origin is trusted
    keeps its cookies.
    """

    def __init__(self, **options: Any) -> None:
        none = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        super().__init__(cookies=none, **options)

    def build_request(self, *args: Any, **options: Any) -> httpx.Request:
        """Make a request; the frames below have its headers and body."""
        try:
            return super().build_request(*args, **options)
        except BaseException as error:
            raise bare(error) from None

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request; the frames below have its headers and body."""
        try:
            with _masking():
                return super().send(request, **options)
        except GioError as error:
            # Of the token: its frames have the answer's headers.
            raise error.with_traceback(None) from error.__cause__
        except BaseException as error:
            raise bare(error) from None
