"""Files that hold something else than they should, at every download of them."""

import csv
import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from gio_pandas.sandbox.faults.gateway import LOGIN_PAGE
from gio_pandas.sandbox.faults.kind import ALWAYS, DOWNLOAD, Behave, Kind

if TYPE_CHECKING:
    from gio_pandas.sandbox.faults.call import Body, Call

_BLOCK = 1 << 20
_MESSAGE = b'{"error": "export_expired", "message": "the file is gone"}'
# Lost halves of UTF-16's pairs; in UTF-8 and GB18030 no letter begins so either.
_IN_NO_CHARSET = b"\x00\xd8" * 8

Rewrite = Callable[[str, int], Iterator[str]]
"""From the file's text, and the fault's size, to another text."""


def _rewritten(rewrite: Rewrite) -> Behave:
    def written(call: "Call", body: bytes) -> Iterator[bytes]:
        charset = call.charset
        for text in rewrite(body.decode(charset.codec), call.size or 0):
            yield charset.encode(text)

    return _in_place(written)


def _in_place(write: "Callable[[Call, bytes], Body]") -> Behave:
    async def behave(call: "Call") -> None:
        # A part of the file would be one of another file.
        answer = await call.carry_out(call.without("range", "if-range"))
        if answer.status != 200:
            await call.reply(answer)
            return
        call.play()
        unwanted = (b"accept-ranges", b"etag", b"last-modified")
        answer.headers = [pair for pair in answer.headers if pair[0] not in unwanted]
        await call.reply(answer, write(call, answer.body))

    return behave


def _many_columns(text: str, size: int) -> Iterator[str]:
    for start in range(0, size, 10_000):
        names = (f"column_{number}" for number in range(start, min(start + 10_000, size)))
        yield ("," if start else "") + ",".join(names)
    yield "\n"


def _huge_field(text: str, size: int) -> Iterator[str]:
    header, rows = _split(text)
    yield header
    for _ in range(size // _BLOCK):
        yield "x" * _BLOCK
    yield "x" * (size % _BLOCK) + "," * (len(_names(header)) - 1) + "\n"
    yield rows


def _with_row(first: str, more: int = 0) -> Rewrite:
    """Return what puts a row under the header, with so many fields more than that has."""

    def rewrite(text: str, size: int) -> Iterator[str]:
        header, rows = _split(text)
        yield header + first + "," * (len(_names(header)) - 1 + more) + "\n" + rows

    return rewrite


def _other_columns(text: str, size: int) -> Iterator[str]:
    header, rows = _split(text)
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([f"{name} 2" for name in _names(header)])
    yield line.getvalue() + rows


def _split(text: str) -> tuple[str, str]:
    header, newline, rows = text.partition("\n")
    return header + newline, rows


def _names(header: str) -> list[str]:
    return next(csv.reader([header]))


def _no_charset(call: "Call", body: bytes) -> bytes:
    return body + _IN_NO_CHARSET


def _kind(name: str, about: str, behave: Behave, **takes: float) -> Kind:
    return Kind(name, about, behave, DOWNLOAD, at=ALWAYS, takes=takes)


KINDS = (
    _kind("empty_file", "No byte at all.", _in_place(lambda call, body: b"")),
    _kind(
        "many_columns",
        "A header of size= columns, and no row.",
        _rewritten(_many_columns),
        size=1_000_000,
    ),
    _kind(
        "huge_field", "A first field of size= letters.", _rewritten(_huge_field), size=100_000_000
    ),
    _kind("nul", "NUL within a field.", _rewritten(_with_row("a\x00b"))),
    _kind("stray_quote", "A field goes on behind its quotes.", _rewritten(_with_row('"a"b'))),
    _kind("unclosed_quote", "A quote that is never closed.", _rewritten(_with_row('"a'))),
    _kind("wide_row", "A row with a field too many.", _rewritten(_with_row("a", 1))),
    _kind("narrow_row", "A row with a field too few.", _rewritten(_with_row("a", -1))),
    _kind(
        "other_columns",
        "Other columns in the second file (file=).",
        _rewritten(_other_columns),
        file=2,
    ),
    _kind("no_charset", "Bytes at the end that are text in no charset.", _in_place(_no_charset)),
    _kind("html_file", "A login page, said to be text/csv.", _in_place(lambda *_: LOGIN_PAGE)),
    _kind("json_file", "An error in JSON, said to be text/csv.", _in_place(lambda *_: _MESSAGE)),
)
