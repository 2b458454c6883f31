"""The bytes of an export's files."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from gio_pandas.sandbox.charsets import Charset
from gio_pandas.sandbox.exports import Export

_NEED_QUOTES = (",", '"', "\n", "\r")


@dataclass(frozen=True)
class Form:
    """How a file is written: its charset, with or without a mark, and which fields are quoted."""

    charset: Charset
    mark: bool
    quote_all: bool


@dataclass(frozen=True)
class File:
    """One CSV file of an export: some of its rows under the header."""

    path: str
    export: Export
    rows: range
    form: Form

    def exists(self) -> bool:
        """Tell whether it is there: it is made when it is read."""
        return True

    def chunks(self, part: range | None = None) -> Generator[bytes, None, None]:
        """Yield the file's bytes, or a part of them, some thousand rows at a time.

        They are the same every time.
        """
        return self._whole() if part is None else _slice(self._whole(), part)

    def _whole(self) -> Generator[bytes, None, None]:
        charset = self.form.charset
        mark = charset.mark if self.form.mark or charset.marked else b""
        yield mark + charset.encode(self._lines([[name] for name in self.export.header]))
        for columns in self.export.blocks(self.rows):
            yield charset.encode(self._lines(columns))

    @cached_property
    def length(self) -> int:
        """The number of bytes, found by writing the file once."""
        return sum(map(len, self.chunks()))

    def _lines(self, columns: Sequence[Sequence[str]]) -> str:
        quote = _quote_all if self.form.quote_all else _quote_needed
        fields = [quote(column) for column in columns]
        lines = fields[0] if len(fields) == 1 else map(",".join, zip(*fields, strict=True))
        text = "\n".join(lines)
        return text + "\n" if text else ""


def split(count: int, parts: int, rows_per_file: int | None) -> list[range]:
    """Return the rows of each file: no file is empty, but for the one of an empty export."""
    if rows_per_file is not None:
        parts = -(-count // rows_per_file)
        starts = [number * rows_per_file for number in range(parts)]
    else:
        parts = min(parts, count)
        starts = [number * count // parts for number in range(parts)]
    stops = [*starts[1:], count]
    return [range(*pair) for pair in zip(starts or [0], stops, strict=True)]


def _slice(chunks: Iterator[bytes], part: range) -> Generator[bytes, None, None]:
    position = 0
    for chunk in chunks:
        piece = chunk[max(0, part.start - position) : max(0, part.stop - position)]
        position += len(chunk)
        if piece:
            yield piece


def _quote_needed(column: Sequence[str]) -> Sequence[str]:
    # One look at the whole column is far cheaper than one at each field.
    joined = "".join(column)
    if not _needs_quotes(joined):
        return column
    # Few of the values differ, so each is looked at once.
    written = {field: _quoted(field) if _needs_quotes(field) else field for field in set(column)}
    return [written[field] for field in column]


def _needs_quotes(text: str) -> bool:
    return any(mark in text for mark in _NEED_QUOTES)


def _quote_all(column: Sequence[str]) -> Sequence[str]:
    # A missing value stays bare, as in the vendor's examples.
    return [_quoted(field) if field else "" for field in column]


def _quoted(field: str) -> str:
    return '"' + field.replace('"', '""') + '"'
