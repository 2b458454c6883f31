"""Byte streams to Arrow tables of text: charset and CSV, nothing typed yet."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv as pa_csv

from gio_pandas.errors import DecodeError
from gio_pandas.exports.files import ChangedFileError, Part
from gio_pandas.exports.quotes import QuoteWatch

__all__ = ["TextTable", "candidates", "codec_name", "read_part"]

CHUNK = 1 << 16
"""Bytes transcoded at a time: what fits the processor's cache (measured: 64 KiB is best)."""

_BLOCK = 1 << 22
_LONGEST_HEADER = 1 << 20
_HEARD = 0.2
"""Seconds within which Ctrl-C is heard."""

_FALLBACKS = ("utf-8", "utf-16-le", "gb18030")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins as UTF-16's does
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# GB18030 reads every GBK and GB2312 text the same way, and the letters that they lack.
_SUPERSETS = {"gbk": "gb18030", "gb2312": "gb18030", "utf-16": "utf-16-le"}
_END = "\x1e"
_CHINESE = re.compile("[ -~\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]*")
_RECORD = re.compile(rb'(?:[^"\r\n]|"[^"]*")*+(\r\n|\n|\r(?!\Z))')


@dataclass(frozen=True)
class TextTable:
    """A file as it was written.

    Parameters
    ----------
    names
        The header, duplicates and all.
    data
        A column of text for each name; an empty field is null.
    charset
        What it was written in.
    """

    names: tuple[str, ...]
    data: pa.Table
    charset: str


def codec_name(charset: str) -> str:
    """Give the name of Python's codec that reads a charset."""
    name = codecs.lookup(charset).name
    return _SUPERSETS.get(name, name)


def candidates(head: bytes, asked: str) -> tuple[str, ...]:
    """Say what a file may be written in, best first, going by its first bytes.

    A byte order mark wins; else the charset asked for, if the bytes can be it; else UTF-8,
    UTF-16LE and GB18030, each if the bytes can be it.

    Parameters
    ----------
    head
        The file's first bytes, or all of it.
    asked
        The charset that the export was asked for in.
    """
    for mark, charset in _BOMS:
        if head.startswith(mark):
            return (charset,)
    order = dict.fromkeys((codec_name(asked), *_FALLBACKS))
    return tuple(charset for charset in order if _fits(head, charset))


def _fits(head: bytes, charset: str) -> bool:
    try:
        text = codecs.getincrementaldecoder(charset)().decode(head)
    except UnicodeDecodeError:
        return False
    if charset.startswith("utf-16"):
        return _can_be_utf16(head, text)
    if "\0" in text:
        return False  # letters of one byte read out of UTF-16's two
    return charset != "gb18030" or not _reads_as_utf8(head)


def _reads_as_utf8(head: bytes) -> bool:
    """Tell Chinese in UTF-8, which GBK reads as other letters without an error.

    Chinese has three bytes a letter there; texts in GBK are not that by chance.
    """
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    beyond = [letter for letter in text if not letter.isascii()]
    return bool(beyond) and max(beyond) >= "\u0800"


def _can_be_utf16(head: bytes, text: str) -> bool:
    """Refuse bytes of another charset, which UTF-16 reads as rare letters without an error.

    A table has a line break: where its byte occurs and its letter does not, the bytes are no
    UTF-16. A header alone may be without; then it is UTF-16 if it is Chinese in it, and not text
    in UTF-8.
    """
    if any(letter in text for letter in '\n\r,"'):
        return True
    if any(byte in head for byte in b'\n\r,"'):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError:
        return _CHINESE.fullmatch(text) is not None
    return b"\0" in head or not head


def read_part(part: Part, charset: str) -> TextTable:
    """Read one file of an export.

    Parameters
    ----------
    part
        The file.
    charset
        The charset that was asked for.

    Raises
    ------
    DecodeError
        The bytes are in none of the charsets, or not the table that their header says.
    """
    try:
        return _read_once(part, charset)
    except ChangedFileError:
        return _read_once(part, charset)  # the new one, from its beginning


def _read_once(part: Part, charset: str) -> TextTable:
    """Read a file in the first charset that all of it fits, downloading it for each it does not."""
    refused: list[str] = []
    failure: UnicodeDecodeError | None = None
    while True:
        with closing(part.chunks()) as chunks:
            head = _take(chunks)
            fitting = [name for name in candidates(head, charset) if name not in refused]
            if not fitting:
                raise _undecodable(part, charset, failure, head)
            try:
                return _parse(itertools.chain([head], chunks), fitting[0], part)
            except UnicodeDecodeError as error:
                failure = failure or error
                refused.append(fitting[0])


def _undecodable(
    part: Part, charset: str, failure: UnicodeDecodeError | None, head: bytes
) -> DecodeError:
    tried = dict.fromkeys((codec_name(charset), *_FALLBACKS))
    offset = failure.start if failure else _first_bad_byte(head, codec_name(charset))
    return DecodeError(
        f"{part.name!r} cannot be read at byte {offset:,}: it is none of {', '.join(tried)}",
        hint='Pass the charset= that the platform writes, or charset="UTF-8".',
        file=part.uri,
        offset=offset,
    )


def _take(chunks: Iterator[bytes]) -> bytes:
    """Collect enough of a stream to tell its charset."""
    head = bytearray()
    for chunk in chunks:
        head += chunk
        if len(head) >= CHUNK:
            break
    return bytes(head)


def _first_bad_byte(head: bytes, charset: str) -> int:
    try:
        codecs.getincrementaldecoder(charset)().decode(head)
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _parse(chunks: Iterator[bytes], charset: str, part: Part) -> TextTable:
    names, rest = _split_header(_to_utf8(chunks, charset), part)
    columns = [str(position) for position in range(len(names))]
    watch = QuoteWatch()
    stream = _Stream(_ended(watch.watch(rest), len(names)))
    try:
        data = _table(stream, columns)
    except pa.ArrowInvalid as error:
        raise _malformed(part, str(error)) from error
    data = _without_end(data, part)
    if watch.broken:
        raise _malformed(part, "a field goes on behind its closing quote")
    return TextTable(names, data, charset)


def _table(stream: _Stream, columns: list[str]) -> pa.Table:
    """Parse in a thread: Ctrl-C does not reach into Arrow, but what Arrow reads can end."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        parsing = thread.submit(
            pa_csv.read_csv,
            pa.PythonFile(stream, mode="r"),
            read_options=pa_csv.ReadOptions(column_names=columns, block_size=_BLOCK),
            # A blank line is a missing value where there is one column, and nothing else.
            parse_options=pa_csv.ParseOptions(
                newlines_in_values=True, ignore_empty_lines=len(columns) > 1
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.large_string()),
                null_values=[""],
                strings_can_be_null=True,
                check_utf8=False,  # the transcoder wrote it
            ),
        )
        try:
            # A wait without an end is not always interrupted: a signal may come just before it.
            while not wait([parsing], timeout=_HEARD).done:
                pass
            return parsing.result()
        except BaseException:
            stream.stop()
            raise


def _to_utf8(chunks: Iterator[bytes], charset: str) -> Iterator[bytes]:
    """Transcode strictly, with no character lost at a chunk's edge.

    Raises
    ------
    UnicodeDecodeError
        With ``start`` counted from the stream's first byte.
    """
    decoder = codecs.getincrementaldecoder(charset)()
    done = 0
    first = True
    all_ascii = True
    for piece in itertools.chain(_pieces(chunks), [b""]):
        if all_ascii and not piece.isascii():
            all_ascii = False
            if charset == "gb18030" and _reads_as_utf8(piece):
                raise UnicodeDecodeError(charset, piece, 0, 1, "it reads as UTF-8")
        try:
            text = decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            # It counts from what was left of the piece before, which is still kept.
            error.start += done - len(decoder.getstate()[0])
            raise
        done += len(piece)
        if first and text:
            text, first = text.removeprefix("\ufeff"), False
        if text:
            yield text.encode()


def _pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), CHUNK):
            yield chunk[start : start + CHUNK]


def _split_header(stream: Iterator[bytes], part: Part) -> tuple[tuple[str, ...], Iterator[bytes]]:
    """Take the first record off a stream of UTF-8."""
    seen = b""
    for piece in stream:
        seen += piece
        end = _record_end(seen)
        if end is None and len(seen) > _LONGEST_HEADER:
            raise _malformed(part, f"no header line ends within {_LONGEST_HEADER:,} bytes")
        if end is not None:
            return _header(seen[:end], part), itertools.chain([seen[end:]], stream)
    if not seen:
        raise DecodeError(
            f"{part.name!r} is empty: not even a header line came",
            hint="Run the export again; even an empty export has a header line.",
            file=part.uri,
        )
    return _header(seen, part), iter(())


def _record_end(text: bytes) -> int | None:
    """Find where the first record ends: behind the first line break outside of quotes.

    A return at the very end may be half of a pair, and is not taken for one.
    """
    record = _RECORD.match(text)
    return record.end() if record else None


def _header(record: bytes, part: Part) -> tuple[str, ...]:
    if record.count(b'"') % 2:
        raise _malformed(part, "a quote in the header line is never closed")
    try:
        names = next(csv.reader(io.StringIO(record.decode(), newline="")), [])
    except csv.Error as error:
        raise _malformed(part, f"no header line: {error}") from error
    if not any(names):
        raise _malformed(part, "its header line is blank")
    return tuple(names)


def _ended(stream: Iterator[bytes], width: int) -> Iterator[bytes]:
    """Add a last row of our own: where it is not the last row read, a quote swallowed it."""
    last = b"\n"
    for piece in stream:
        if piece:
            last = piece[-1:]
            yield piece
    row = ",".join([_END] * width) + "\n"
    yield (row if last in b"\r\n" else "\n" + row).encode()


def _without_end(data: pa.Table, part: Part) -> pa.Table:
    rows = data.num_rows - 1
    if any(column[rows].as_py() != _END for column in data.columns):
        raise _malformed(part, "a quote is never closed")
    return data.slice(0, rows)


def _malformed(part: Part, reason: str) -> DecodeError:
    return DecodeError(
        f"{part.name!r} is not the table that its header says ({reason[:200]})",
        hint="Run the export again; if it comes back, report the file to the platform's operator.",
        file=part.uri,
    )


class _Stream(io.RawIOBase):
    """A file that can be read, over pieces as they come."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""
        self._stopped = False

    def stop(self) -> None:
        """Let the next read fail."""
        self._stopped = True

    def readable(self) -> bool:
        """Say yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Give ``size`` bytes, or fewer at the end alone."""
        parts, have = [self._left], len(self._left)
        while size < 0 or have < size:
            if self._stopped:
                raise InterruptedError
            piece = next(self._pieces, None)
            if piece is None:
                break
            parts.append(piece)
            have += len(piece)
        whole = b"".join(parts)
        cut = len(whole) if size < 0 else size
        self._left = whole[cut:]
        return whole[:cut]
