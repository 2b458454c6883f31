"""The bodies of answers: unpacked piece by piece, and no longer than an honest one.

An answer that is read whole (of a query, a submit, the token service, or in place of a file) is
bounded. A file is not: it is handed on as it comes, in small pieces.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping

import httpx

from gio_pandas.api.answers import is_login_page

__all__ = ["MOST_BYTES", "PACKINGS", "OversizedError", "bound", "packing", "unpacked"]

MOST_BYTES = 1 << 26
"""An answer's length, packed or not: 100,000 tags of 600 bytes each fit in."""

_DECIDED = (401, 403, 429)
"""Statuses that say all there is to know, as those from 300 to 399 and from 500 on."""

_BROKEN = (httpx.DecodingError, httpx.NetworkError, httpx.RemoteProtocolError)
_PIECE = 1 << 20
PACKINGS = ("gzip", "x-gzip", "deflate")
"""The compressions that are undone."""


class OversizedError(httpx.RequestError):
    """An answer is longer than an honest one can be; asking again does not help."""


def bound(response: httpx.Response) -> None:
    """Bound what can be read of an answer; a hook for httpx, which calls it with each answer.

    It stands before everything that reads, httpx's own reading of refused tokens too. A file's
    bytes pass, where the request's ``extensions`` say ``file``, but not those of a web page. The
    ``extensions`` may also say how many bytes are the ``most``.
    """
    is_file = response.request.extensions.get("file") and response.status_code in (200, 206)
    if is_file and not is_login_page(response):
        return
    assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101 of a synchronous client
    response.stream = _Bounded(
        response.stream,
        packing(response.headers),
        most=response.request.extensions.get("most", MOST_BYTES),
        decided=_is_decided(response.status_code),
    )
    if packing(response.headers):
        for name in ("content-encoding", "content-length"):  # those of other bytes
            response.headers.pop(name, None)


def _is_decided(status: int) -> bool:
    return status in _DECIDED or 300 <= status < 400 or status >= 500


def packing(headers: Mapping[str, str]) -> str:
    """Say how a body is compressed; nothing where it is not."""
    named = headers.get("content-encoding", "").strip().lower()
    return "" if named == "identity" else named


def unpacked(chunks: Iterator[bytes], packing: str) -> Iterator[bytes]:
    """Undo a compression, in pieces of a megabyte at most, however much is packed into a chunk.

    Whether a body is a bomb cannot be told by how much it expands: a column of one value is
    compressed 1000:1, and more than 1032:1 gzip cannot. So memory is bounded, not the ratio; and
    what is packed twice, or in a way that expands without a bound (br, zstd), is refused.

    Parameters
    ----------
    chunks
        The bytes as they came.
    packing
        What ``packing`` says of the answer.

    Raises
    ------
    httpx.DecodingError
        It is compressed in another way, garbled, or ends early. Nothing at all is not: there is
        nothing to compress where no body came.
    """
    if not packing:
        return chunks
    if packing not in PACKINGS:
        raise httpx.DecodingError(f"it is compressed as {packing!r}, which was not asked for")
    return _inflated(chunks)


def _inflated(chunks: Iterator[bytes]) -> Iterator[bytes]:
    # By hand: httpx takes a body that ends early for the whole one, and unpacks chunks at once.
    inflate = zlib.decompressobj(wbits=47)  # gzip's and zlib's heads alike
    came = False
    try:
        for chunk in chunks:
            came = came or bool(chunk)
            piece = b""
            # A full piece may leave more behind, though all of the chunk was taken.
            while chunk or (len(piece) == _PIECE and not inflate.eof):
                if inflate.eof:  # one member ended, another follows
                    inflate = zlib.decompressobj(wbits=47)
                piece = inflate.decompress(chunk, _PIECE)
                chunk = inflate.unconsumed_tail or inflate.unused_data
                yield piece
    except zlib.error as error:
        raise httpx.DecodingError(f"what is compressed is garbled ({error})") from error
    if came and not inflate.eof:
        raise httpx.DecodingError("what is compressed ends early")


class _Bounded(httpx.SyncByteStream):
    """A body that ends with an error where it is too long, packed or not.

    Where the status has ``decided``, a body that cannot be read is one that ends there.
    """

    def __init__(
        self, stream: httpx.SyncByteStream, packing: str, *, most: int, decided: bool
    ) -> None:
        self._stream = stream
        self._packing = packing
        self._most = most
        self._decided = decided

    def __iter__(self) -> Iterator[bytes]:
        try:
            packed = _limited(iter(self._stream), self._most)
            yield from _limited(unpacked(packed, self._packing), self._most)
        except _BROKEN:
            if not self._decided:
                raise

    def close(self) -> None:
        self._stream.close()


def _limited(chunks: Iterator[bytes], most: int) -> Iterator[bytes]:
    came = 0
    for chunk in chunks:
        came += len(chunk)
        if came > most:
            raise OversizedError(f"the answer is longer than {most:,} bytes")
        yield chunk
