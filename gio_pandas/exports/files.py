"""A job's uris to checked byte streams."""

from __future__ import annotations

import codecs
import json
import random
import re
import time
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from typing import Protocol
from urllib.parse import quote, unquote, urlsplit

from gio_pandas.api.downloads import BrokenTransferError, Reply
from gio_pandas.errors import AuthenticationError, DownloadError

__all__ = ["ChangedFileError", "Downloads", "Part", "download_urls", "file_name", "retry_delay"]

_ATTEMPTS = 6
_PROGRESS = 1 << 20
"""Bytes: a transfer that came so far since it broke last begins to count anew."""

_AGAIN = "gio.attach(…).to_pandas() reads the files of a finished job again."
# What encoders leave as it is, Java's and JavaScript's too.
_ENCODED = re.compile(r"(?:[A-Za-z0-9._~/!*'()+-]|%[0-9A-Fa-f]{2})+")
_PAGE = re.compile(rb"\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)


class Downloads(Protocol):
    """What a file is downloaded from."""

    def download(
        self, url: str, *, start: int = 0, validator: str | None = None
    ) -> AbstractContextManager[Reply]:
        """Begin a download; see ``Transport.download``."""
        ...


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
        The uri is empty, or an address that is not of the web.
    """
    if _is_address(uri):
        return (uri,)
    if not uri or "://" in uri or any(ord(letter) < 32 for letter in uri):
        raise DownloadError(
            f"The platform names a file by {uri!r}, which is no path",
            hint="Run the export again; if it comes back, report it to the platform's operator.",
            file=uri,
        )
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
    return parts.scheme in ("http", "https")


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
        What was asked for, at most 30 seconds; else 0.2 seconds, doubled with each attempt.
    """
    if retry_after:
        return min(retry_after, 30.0)
    return 0.1 * 2.0**attempt * (1 + jitter)


class ChangedFileError(DownloadError):
    """A file is another one than it was when its download began: what came is worth nothing."""


class Part:
    """One file of an export; ``chunks()`` gives its bytes, whole or not without an error.

    A transfer that breaks is taken up where it broke, or begun again where the platform cannot
    do that; what was already handed on is then compared by checksum, not handed on twice.

    Parameters
    ----------
    client
        What downloads.
    uri
        The file's uri on the platform.
    sleep
        How to pass seconds.
    """

    def __init__(
        self, client: Downloads, uri: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.uri = uri
        self.name = file_name(uri)
        self._client = client
        self._sleep = sleep

    def chunks(self) -> Generator[bytes, None, None]:
        """Download the file from its start.

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

    def _transfer(self, url: str) -> Iterator[bytes]:
        # No stamina here: it counts in thread-locals, and Arrow pulls the chunks in its threads.
        transfer = _Transfer(self._client, url, self)
        attempt, reached = 0, 0
        while True:
            try:
                yield from transfer.rest()
            except BrokenTransferError as error:
                if transfer.position - reached >= _PROGRESS:
                    attempt, reached = 0, transfer.position
                attempt += 1
                if attempt == _ATTEMPTS:
                    raise self._broken_off(transfer, error) from error
                self._sleep(retry_delay(attempt, error.retry_after, random.random()))
            except FileNotFoundError as error:
                if transfer.position:  # it was there: this is no other spelling of its name
                    raise self._gone(error) from None
                raise
            else:
                return

    def _gone(self, missing: FileNotFoundError) -> DownloadError:
        return DownloadError(
            f"The platform has no file {self.name!r} any more ({missing})",
            hint="Results are kept for a while only: run the export again.",
            file=self.uri,
        )

    def _broken_off(self, transfer: _Transfer, error: BrokenTransferError) -> DownloadError:
        whole = f" of {transfer.size:,}" if transfer.size else ""
        return DownloadError(
            f"{self.name!r} broke off after {transfer.position:,}{whole} bytes, "
            f"{_ATTEMPTS} times ({error})",
            hint=f"The job is finished and nothing is lost: {_AGAIN}",
            file=self.uri,
        )


class _Transfer:
    """How far one file has come, over as many connections as it takes."""

    def __init__(self, client: Downloads, url: str, part: Part) -> None:
        self.position = 0
        self.size: int | None = None
        self._client = client
        self._url = url
        self._part = part
        # Summed up where the platform could only begin again, to compare what comes twice.
        self._checksum: int | None = 0
        self._validator: str | None = None

    def rest(self) -> Iterator[bytes]:
        """Give what has not been given yet."""
        with self._client.download(
            self._url, start=self.position, validator=self._validator
        ) as reply:
            self._validator = reply.validator
            if None not in (self.size, reply.size) and self.size != reply.size:
                raise self._changed()
            self.size = self.size if reply.size is None else reply.size
            if reply.resumable and not self.position:
                self._checksum = None
            skip = self.position - reply.start
            seen = 0
            for chunk in reply.chunks:
                if skip > 0:
                    chunk, skip, seen = self._skip(chunk, skip, seen)
                if chunk:
                    if not self.position:
                        self._refuse_page(chunk, reply)
                        self._refuse_message(chunk)
                    self.position += len(chunk)
                    if self._checksum is not None:
                        self._checksum = zlib.crc32(chunk, self._checksum)
                    yield chunk
            self._check_length(skip)

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
        if self.size is not None and self.position != self.size:
            raise BrokenTransferError(f"{self.size:,} bytes were announced")

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
            json.loads(chunk)
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
