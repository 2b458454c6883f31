"""A download that has begun: where it begins, how long it is, and its bytes."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import httpx

from gio_pandas.api.answers import TRANSIENT_STATUSES, check_status, retry_after
from gio_pandas.api.bodies import PACKINGS, packing, unpacked
from gio_pandas.errors import DownloadError

__all__ = ["BrokenTransferError", "Reply", "read_reply"]


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
    hang_up
        Ends it from another thread: who waits for a chunk gets an error at once.
    partial
        Whether it is what a request for some of the file's bytes asked for.
    """

    start: int
    size: int | None
    validator: str | None
    resumable: bool
    content_type: str
    chunks: Iterator[bytes]
    hang_up: Callable[[], None] = lambda: None
    partial: bool = False


def read_reply(response: httpx.Response, start: int) -> Reply:
    """Read the head of a download's answer.

    Parameters
    ----------
    response
        The answer, its body not read.
    start
        The byte that was asked for.

    Raises
    ------
    BrokenTransferError
        Asking again may help.
    FileNotFoundError
        There is no such file.
    DownloadError, AuthenticationError, PermissionDeniedError
        Asking again does not help.
    """
    status = response.status_code
    if status in (400, 404):
        raise FileNotFoundError(f"HTTP {status}")
    if status == 416 and response.headers.get("content-range") == f"bytes */{start}":
        return _nothing_more(response, start)
    if status in TRANSIENT_STATUSES or status == 416:
        raise BrokenTransferError(f"HTTP {status}", retry_after(response.headers))
    if status not in (200, 206):
        check_status(response)
        raise DownloadError(
            f"The platform answers HTTP {status} to a download",
            hint="Run the export again; gio-pandas doctor shows which step fails.",
        )
    packed = packing(response.headers)
    if packed and packed not in PACKINGS:
        raise DownloadError(
            f"The platform sends the file compressed as {packed!r}, which was not asked for",
            hint="Ask who runs the gateway before it to leave downloads as they are.",
        )
    begin, size = _span(response, start) if status == 206 else (0, _length(response))
    validator = None if packed else _validator(response.headers)
    return Reply(
        start=begin,
        size=None if packed else size,
        validator=validator,
        resumable=bool(validator) and response.headers.get("accept-ranges") == "bytes",
        content_type=response.headers.get("content-type", ""),
        chunks=unpacked(response.iter_raw(), packed),
        hang_up=lambda: _hang_up(response),
        partial=status == 206,
    )


def _hang_up(response: httpx.Response) -> None:
    if response.is_closed:  # its connection may be another one's by now
        return
    stream = response.extensions.get("network_stream")
    connection = stream.get_extra_info("socket") if stream else None
    if connection is not None:
        with suppress(OSError):  # it has ended by itself
            # Not TLS's own shutdown: that one must not run beside a read.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _length(response: httpx.Response) -> int | None:
    length = response.headers.get("content-length", "")
    return int(length) if re.fullmatch(r"\d{1,18}", length) else None


def _span(response: httpx.Response, start: int) -> tuple[int, int | None]:
    """Read where a partial answer begins, and how long the whole file is.

    It may end before the file does; past ``start`` there would be a gap.
    """
    said = response.headers.get("content-range", "")
    found = re.match(r"bytes (\d{1,18})-\d+/(\d{1,18}|\*)", said)
    if found is None:
        raise BrokenTransferError(f"some of its bytes came, and not which ({said or 'no range'})")
    begin = int(found[1])
    if begin > start:
        raise BrokenTransferError(f"byte {start:,} was asked for and {begin:,} came")
    return begin, int(found[2]) if found[2] != "*" else None


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
