"""The bytes of a file to Arrow batches of text, while they come."""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

import pyarrow as pa
import pyarrow.csv as pa_csv

from gio_pandas.errors import DecodeError
from gio_pandas.exports import charset as charsets
from gio_pandas.exports import records
from gio_pandas.exports.dtypes import TEXT
from gio_pandas.exports.files import ChangedFileError, Part
from gio_pandas.exports.reading import Crew

__all__ = ["Head", "Taker", "read_head", "read_part", "read_rows"]

T = TypeVar("T")


class Taker(Protocol[T]):
    """What takes a file's rows."""

    def start(self, names: tuple[str, ...], charset: str) -> Sequence[int]:
        """Hear what the file's header is and what it is written in; say which columns to read.

        A file may be begun again, in another charset say: what came of it before is worth nothing.
        """
        ...

    def work(self, batch: pa.RecordBatch) -> T:
        """Make something of some rows, in one of many threads."""
        ...

    def put(self, made: T, position: int) -> None:
        """Take what was made, in the rows' order.

        ``position`` is how far into the file, in bytes, that is.
        """
        ...


def read_part(part: Part, charset: str, taker: Taker[T], crew: Crew) -> None:
    """Read one file of an export.

    Parameters
    ----------
    part
        The file.
    charset
        The charset that was asked for.
    taker
        What takes its rows.
    crew
        What parses them.

    Raises
    ------
    DecodeError
        The bytes are in none of the charsets, or not the table that their header says.
    DownloadError, AuthenticationError
        The file is missing or never came whole.
    """
    try:
        _read_once(part, charset, taker, crew)
    except ChangedFileError:
        _read_once(part, charset, taker, crew)  # the new one, from its beginning


def _read_once(part: Part, charset: str, taker: Taker[T], crew: Crew) -> None:
    """Read a file in the first charset that all of it fits, downloading it for each it does not."""
    refused: list[str] = []
    failure: UnicodeDecodeError | None = None
    while True:
        with closing(part.chunks()) as chunks:
            head = _take(chunks)
            fitting = [name for name in charsets.candidates(head, charset) if name not in refused]
            if not fitting:
                raise _undecodable(part, charset, failure, head)
            try:
                _read(itertools.chain([head], chunks), fitting[0], part, taker, crew)
                return
            except UnicodeDecodeError as error:
                failure = failure or error
                refused.append(fitting[0])


def _undecodable(
    part: Part, charset: str, failure: UnicodeDecodeError | None, head: bytes
) -> DecodeError:
    codec = charsets.codec_name(charset)
    offset = failure.start if failure else charsets.first_bad_byte(head, codec)
    return DecodeError(
        f"{part.name!r} cannot be read at byte {offset:,}: "
        f"it is none of {', '.join(charsets.tried(charset))}",
        hint='Pass the charset= that the platform writes, or charset="UTF-8".',
        file=part.uri,
        offset=offset,
    )


@dataclass(frozen=True)
class Head:
    """How a file begins.

    Parameters
    ----------
    names, charset
        Its header, and what it is likely written in.
    line
        The header's line, in UTF-8, its line break too.
    first_bytes
        The file's first bytes.
    """

    names: tuple[str, ...]
    charset: str
    line: bytes
    first_bytes: bytes


def read_head(part: Part, charset: str) -> Head:
    """Read a file's header, and leave the rest of it.

    Raises
    ------
    DecodeError, DownloadError, AuthenticationError
        As ``read_part``.
    """
    with closing(part.chunks()) as chunks:
        first = _take(chunks)
        fitting = charsets.candidates(first, charset)
        if not fitting:
            raise _undecodable(part, charset, None, first)
        pieces: list[bytes] = []
        text = charsets.to_utf8(itertools.chain([first], chunks), fitting[0])
        names, rows = _split(_kept(text, pieces), part)
        line = b"".join(pieces).removesuffix(next(rows, b""))
    return Head(names, fitting[0], line, first)


def _kept(text: Iterator[bytes], pieces: list[bytes]) -> Iterator[bytes]:
    for piece in text:
        pieces.append(piece)
        yield piece


def _take(chunks: Iterator[bytes]) -> bytes:
    """Collect enough of a stream to tell its charset."""
    head = bytearray()
    for chunk in chunks:
        head += chunk
        if len(head) >= charsets.CHUNK:
            break
    return bytes(head)


def _read(chunks: Iterator[bytes], charset: str, part: Part, taker: Taker[T], crew: Crew) -> None:
    names, rows = _split(charsets.to_utf8(chunks, charset), part)
    read_rows(rows, names, charset, part, taker, crew)


def _split(text: Iterator[bytes], part: Part) -> tuple[tuple[str, ...], Iterator[bytes]]:
    with _is_the_table(part):
        names, rows = records.split_header(text)
    if not names:
        raise DecodeError(
            f"{part.name!r} is empty: not even a header line came",
            hint="Run the export again; even an empty export has a header line.",
            file=part.uri,
        )
    return names, rows


def read_rows(
    rows: Iterator[bytes],
    names: tuple[str, ...],
    charset: str,
    part: Part,
    taker: Taker[T],
    crew: Crew,
) -> None:
    """Read what follows a header.

    Parameters
    ----------
    rows
        Whole rows in UTF-8, in pieces of any size.
    names, charset
        The header, and what the file is written in.
    part
        Where the rows are from.
    taker, crew
        As ``read_part``.

    Raises
    ------
    DecodeError
        They are not the table that the header says.
    UnicodeDecodeError
        ``rows`` raised it: they are in another charset.
    """
    wanted = taker.start(names, charset)
    parse = _parser(len(names), wanted)
    with _is_the_table(part):
        _feed(records.blocks(rows, crew.block), parse, part, taker, crew)


@contextmanager
def _is_the_table(part: Part) -> Iterator[None]:
    try:
        yield
    except (records.MalformedError, pa.ArrowInvalid) as error:
        raise DecodeError(
            f"{part.name!r} is not the table that its header says ({str(error)[:200]})",
            hint="Run the export again; if it comes back, report the file to the platform's "
            "operator.",
            file=part.uri,
        ) from error


def _feed(
    blocks: Iterator[bytes],
    parse: Callable[[bytes], pa.RecordBatch],
    part: Part,
    taker: Taker[T],
    crew: Crew,
) -> None:
    def work(block: bytes, position: int) -> tuple[int, T, int]:
        batch = parse(block)
        return batch.num_rows, taker.work(batch), position

    rows = 0
    placed = ((block, part.position) for block in blocks)
    try:
        for count, made, position in crew.map(work, placed):
            taker.put(made, position)
            rows += count
    except pa.ArrowInvalid as error:
        raise pa.ArrowInvalid(_counted(str(error), rows)) from error


def _counted(words: str, rows: int) -> str:
    """Count a row that Arrow names from the file's start, not from the block's."""
    return re.sub(r"Row #(\d+)", lambda found: f"Row #{int(found[1]) + rows:,}", words)


def _parser(width: int, wanted: Sequence[int]) -> Callable[[bytes], pa.RecordBatch]:
    """Make what parses blocks of rows of so many columns, and converts some of these."""
    columns = [str(position) for position in range(width)]
    kept = [columns[position] for position in wanted]
    convert = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(columns, TEXT),
        include_columns=kept,
        null_values=[""],
        strings_can_be_null=True,
        check_utf8=False,  # the transcoder wrote it
    )

    def parse(block: bytes) -> pa.RecordBatch:
        if block.startswith(codecs.BOM_UTF8):
            block = codecs.BOM_UTF8 + block  # a letter of the row, which Arrow takes for a mark
        table = pa_csv.read_csv(
            pa.BufferReader(block),
            read_options=pa_csv.ReadOptions(
                column_names=columns, block_size=len(block) + 1, use_threads=False
            ),
            # A blank line is a missing value where there is one column, and nothing else.
            parse_options=pa_csv.ParseOptions(
                newlines_in_values=b'"' in block, ignore_empty_lines=width > 1
            ),
            convert_options=convert,
        )
        arrays = [
            # Combining copies, even what is one already.
            column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
            for column in table.columns
        ]
        return pa.RecordBatch.from_arrays(arrays, names=kept)

    return parse
