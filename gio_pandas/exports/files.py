"""A job's uris to checked byte streams."""

from __future__ import annotations

import codecs
import random
import re
import threading
import time
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, unquote, urlsplit

from gio_pandas.api.answers import read_json
from gio_pandas.api.downloads import BrokenTransferError, Reply
from gio_pandas.errors import AuthenticationError, DownloadError

__all__ = [
    "ChangedFileError",
    "Downloads",
    "Part",
    "Span",
    "download_urls",
    "file_name",
    "retry_delay",
]

_ATTEMPTS = 16
_PROGRESS = 1 << 20
"""Bytes: a transfer that was taken up and came so far since begins to count anew."""

_SILENCE = 90.0
"""Seconds without a byte of a file: a platform that restarts is back within a minute."""

_LONGEST_PAUSE = 10.0
_LONGEST_URI = 16_384
_AGAIN = "gio.attach(…).to_pandas() reads the files of a finished job again."
# What encoders leave as it is, Java's and JavaScript's too.
_ENCODED = re.compile(r"(?:[A-Za-z0-9._~/!*'()+-]|%[0-9A-Fa-f]{2})+")
# Control characters, which would be lines of their own in a request, and halves of letters.
_NOT_SENT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_PAGE = re.compile(rb"\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)


class Downloads(Protocol):
    """What a file is downloaded from."""

    def download(
        self,
        url: str,
        *,
        start: int = 0,
        validator: str | None = None,
        stop: int | None = None,
    ) -> AbstractContextManager[Reply]:
        """Begin a download; see ``Transport.download``. ``stop`` is passed where there is one."""
        ...


@dataclass(frozen=True)
class Span:
    """Which bytes of a file are wanted, and what the file is known by.

    Parameters
    ----------
    start, stop
        The first byte, and the one behind the last; None is the file's end.
    size, validator
        What an earlier reply said of the file; None where there was none. A file that is not
        the same any more is an error. Needed where ``start`` is not 0.
    """

    start: int = 0
    stop: int | None = None
    size: int | None = None
    validator: str | None = None


def download_urls(uri: str) -> tuple[str, ...]:
    """Say where a uri's file may be, the likelier place first.

    Installations answer raw paths or percent-encoded ones (op-api §5.6); either is encoded exactly
    once. A path that could be both, such as ``/a%20b.csv``, has two places: where the platform
    has no file at the first, the second is tried.

    Parameters
    ----------
    uri
        One of a job's ``uris``.

    Raises
    ------
    DownloadError
        The uri is empty, endless, an address that is not of the web, or has letters in it that no
        name has.
    """
    is_address = _is_address(uri)
    is_path = bool(uri) and "://" not in uri
    if not (is_address or is_path) or _NOT_SENT.search(uri) or len(uri) > _LONGEST_URI:
        raise DownloadError(
            f"The platform names a file by {uri!r}, which is no path",
            hint="Run the export again; if it comes back, report it to the platform's operator.",
            file=uri,
        )
    if is_address:
        return (uri,)
    raw = f"/download?file={quote(uri, safe='/')}"
    encoded = f"/download?file={uri}"
    if "%" not in uri or not _ENCODED.fullmatch(uri):
        return (raw,)
    # An encoder leaves no letter beyond ASCII: escapes of such letters were made by one.
    was_encoded = "/" not in uri or not unquote(uri).isascii()
    return (encoded, raw) if was_encoded else (raw, encoded)


def _is_address(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
    except ValueError:  # brackets that hold no IPv6 address
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def file_name(uri: str) -> str:
    """Give a file's own name, readable, for messages and provenance."""
    path = urlsplit(uri).path if _is_address(uri) else uri
    likely_encoded = _ENCODED.fullmatch(path) is not None
    return (unquote(path) if likely_encoded else path).rpartition("/")[2]


def retry_delay(attempt: int, retry_after: float | None, jitter: float) -> float:
    """Say how long to pause after an attempt that broke off.

    Parameters
    ----------
    attempt
        Its number, from 1.
    retry_after
        Seconds that the platform asked for, if it did.
    jitter
        From 0 to 1: up to doubles the pause.

    Returns
    -------
    float
        What was asked for; else 0.2 seconds, doubled with each attempt, at most 10 (and jitter).
    """
    if retry_after:
        return retry_after
    return min(0.1 * 2.0**attempt, _LONGEST_PAUSE) * (1 + jitter)


class ChangedFileError(DownloadError):
    """A file is another one than it was when its download began: what came is worth nothing."""


class Part:
    """One file of an export; ``chunks()`` gives its bytes, whole or not without an error.

    A transfer that breaks is taken up where it broke, or begun again where the platform cannot
    do that; what was already handed on is then compared by checksum, not handed on twice. It is
    given up after 90 seconds without a byte, or 16 attempts: these count anew with each megabyte
    that came since it was taken up, but not where it only ever begins again. A ``Retry-After`` is
    waited for within those 90 seconds; where it is longer, the transfer is given up at once.

    One thing cannot be told: a file that comes without a length, neither compressed nor in chunks,
    ends with its connection, wherever that is cut. Who sends so does not know ranges either, so
    nothing is asked again to find out; such a cut shows only where a row lacks columns.

    ``position`` is how far into the file that is, in bytes, ``size`` how many it has, or None
    while that is not known. ``partial`` says whether the platform sends some of a file's bytes
    where these are asked for, ``validator`` what it tells the file by.

    Parameters
    ----------
    client
        What downloads.
    uri
        The file's uri on the platform.
    sleep, clock
        How to pass seconds; left out, in a way that ``abandon`` cuts short. And what counts them.
    span
        Which of its bytes are wanted; all where left out.
    """

    def __init__(
        self,
        client: Downloads,
        uri: str,
        *,
        sleep: Callable[[float], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
        span: Span | None = None,
    ) -> None:
        self.uri = uri
        self.name = file_name(uri)
        self.span = span or Span()
        self.size: int | None = self.span.size
        self.position = self.span.start
        self.partial = False
        self.validator: str | None = self.span.validator
        self._client = client
        self._abandoned = threading.Event()
        self._sleep = sleep or self._abandoned.wait
        self.clock = clock
        self._reply: Reply | None = None

    def chunks(self) -> Generator[bytes, None, None]:
        """Download the file, or the bytes of it that are wanted.

        Raises
        ------
        DownloadError
            The file is missing or never came whole.
        ChangedFileError
            It changed while it was read.
        AuthenticationError
            A gateway sent its login page in place of the file.
        """
        urls = download_urls(self.uri)
        for url in urls:
            try:
                yield from self._transfer(url)
            except FileNotFoundError as error:
                missing = error
                continue
            return
        raise self._gone(missing)

    def abandon(self) -> None:
        """End the download at once, from another thread: who reads it gets an error."""
        self._abandoned.set()
        if (reply := self._reply) is not None:
            reply.hang_up()

    def hold(self, reply: Reply | None) -> None:
        """Remember what is being read, if anything, so that it can be abandoned."""
        self._reply = reply
        if reply is not None and self._abandoned.is_set():
            reply.hang_up()

    def _transfer(self, url: str) -> Iterator[bytes]:
        # No stamina here: it counts in thread-locals, and chunks may be pulled in any thread.
        transfer = _Transfer(self._client, url, self)
        patience = _Patience(transfer)
        while True:
            if self._abandoned.is_set():
                raise InterruptedError(f"{self.name!r} was abandoned")
            try:
                yield from transfer.rest()
            except BrokenTransferError as error:
                if self._abandoned.is_set():
                    raise InterruptedError(f"{self.name!r} was abandoned") from error
                pause = patience.pause(error.retry_after, self.clock())
                if pause is None:
                    raise self._broken_off(transfer, patience.attempts, error) from error
                self._sleep(pause)
            except FileNotFoundError as error:
                if transfer.position:  # it was there: this is no other spelling of its name
                    raise self._gone(error) from None
                raise
            except DownloadError as error:
                if not error.file:  # who sends the request does not know it
                    error.file = self.uri
                    error.add_note(f"The file: {self.name!r}")
                raise
            else:
                return

    def _gone(self, missing: FileNotFoundError) -> DownloadError:
        return DownloadError(
            f"The platform has no file {self.name!r} any more ({missing})",
            hint="Results are kept for a while only: run the export again.",
            file=self.uri,
            gone=True,
        )

    def _broken_off(
        self, transfer: _Transfer, attempts: int, error: BrokenTransferError
    ) -> DownloadError:
        whole = f" of {transfer.size:,}" if transfer.size else ""
        times = "once" if attempts == 1 else f"{attempts} times"
        asked = f"; it asks for {error.retry_after:,.0f} s of peace" if error.retry_after else ""
        return DownloadError(
            f"{self.name!r} broke off after {transfer.position:,}{whole} bytes, "
            f"{times} ({error}{asked})",
            hint=f"The job is finished and nothing is lost: {_AGAIN}",
            file=self.uri,
        )


class _Patience:
    """How often, and for how long, a transfer that broke is taken up again."""

    def __init__(self, transfer: _Transfer) -> None:
        self.attempts = 0
        self._transfer = transfer
        self._reached = transfer.position

    def pause(self, retry_after: float | None, now: float) -> float | None:
        """Say how long to pause before the next attempt; None where there is none."""
        position = self._transfer.position
        if position - self._reached >= _PROGRESS and not self._transfer.began_again:
            self.attempts, self._reached = 0, position
        self.attempts += 1
        left = _SILENCE - (now - self._transfer.heard_at)
        if self.attempts == _ATTEMPTS or left <= 0 or (retry_after or 0) > left:
            return None
        return min(retry_delay(self.attempts, retry_after, random.random()), left)


class _Transfer:
    """How far one file has come, over as many connections as it takes."""

    def __init__(self, client: Downloads, url: str, part: Part) -> None:
        self._span = part.span
        self.position = part.position = self._span.start
        self.size = self._span.size
        self._client = client
        self._url = url
        self._part = part
        # Summed up where the platform could only begin again, to compare what comes twice.
        self._checksum = None if self._span.start else 0
        self._validator = self._span.validator
        self.heard_at = part.clock()
        self.began_again = False

    def rest(self) -> Iterator[bytes]:
        """Give what has not been given yet."""
        stop = self._span.stop
        more: dict[str, Any] = {} if stop is None else {"stop": stop}
        with self._client.download(
            self._url, start=self.position, validator=self._validator, **more
        ) as reply:
            self._part.hold(reply)
            try:
                yield from self._read(reply)
            finally:
                self._part.hold(None)

    def _read(self, reply: Reply) -> Iterator[bytes]:
        self._note(reply)
        skip = self.position - reply.start
        self.began_again |= skip > 0
        seen = 0
        for chunk in reply.chunks:
            self.heard_at = self._part.clock() if chunk else self.heard_at
            if skip > 0:
                chunk, skip, seen = self._skip(chunk, skip, seen)
            if self._span.stop is not None:
                chunk = chunk[: self._span.stop - self.position]
            if chunk:
                if not self.position:
                    self._refuse_page(chunk, reply)
                    self._refuse_message(chunk)
                self.position += len(chunk)
                self._part.position = self.position
                if self._checksum is not None:
                    self._checksum = zlib.crc32(chunk, self._checksum)
                yield chunk
                self.heard_at = self._part.clock()  # what the reader takes is no silence
            if self.position == self._span.stop:
                return
        self._check_length(skip)

    def _note(self, reply: Reply) -> None:
        """Take what a reply says of the file, and refuse to go on if it is another one."""
        told = [(self.size, reply.size), (self._span.validator, reply.validator)]
        if reply.start:  # the rest of what came before, if it is of the same file
            told.append((self._validator, reply.validator))
        if any(None not in pair and pair[0] != pair[1] for pair in told):
            raise self._changed()
        if self._span.start and reply.start < self.position:
            raise self._changed()
        self._validator = reply.validator or self._validator
        self._part.size = self.size = self.size if reply.size is None else reply.size
        self._part.validator, self._part.partial = self._validator, reply.partial
        if reply.resumable and not self.position:
            self._checksum = None

    def _skip(self, chunk: bytes, skip: int, seen: int) -> tuple[bytes, int, int]:
        """Drop what was given before; refuse to go on if it is not the same."""
        known, fresh = chunk[:skip], chunk[skip:]
        seen = zlib.crc32(known, seen)
        skip -= len(known)
        if skip == 0 and seen != self._checksum:
            raise self._changed()
        return fresh, skip, seen

    def _check_length(self, skip: int) -> None:
        if skip > 0:
            raise self._changed()
        if self.size is None:
            return
        end = self.size if self._span.stop is None else min(self._span.stop, self.size)
        if self.position != end:
            raise BrokenTransferError(f"{end:,} bytes were announced")

    def _changed(self) -> ChangedFileError:
        return ChangedFileError(
            f"{self._part.name!r} changed on the platform while it was read",
            hint=f"The job is finished: {_AGAIN}",
            file=self._part.uri,
        )

    def _refuse_message(self, chunk: bytes) -> None:
        """Refuse JSON, whatever it is called: an error that came in place of the file."""
        if chunk.lstrip()[:1] not in (b"{", b"["):
            return
        try:
            read_json(chunk)
        except ValueError:
            return
        raise DownloadError(
            f"The platform answers with a message in place of {self._part.name!r}: "
            f"{chunk[:200].decode(errors='replace')}",
            hint="Run the export again; gio-pandas doctor shows which step fails.",
            file=self._part.uri,
        )

    def _refuse_page(self, chunk: bytes, reply: Reply) -> None:
        text = chunk.removeprefix(codecs.BOM_UTF8)
        called_one = "html" in reply.content_type.lower() and text.lstrip().startswith(b"<")
        if called_one or _PAGE.match(text):
            raise AuthenticationError(
                f"A web page came in place of {self._part.name!r}, most likely a gateway's login",
                hint="Check the API key; if a gateway stands before the platform, "
                "pass its cookie as headers={'Cookie': …}.",
            )
