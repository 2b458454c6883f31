"""Which charset a file is written in, and its bytes as UTF-8."""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterator

__all__ = ["CHUNK", "candidates", "codec_name", "first_bad_byte", "to_utf8", "tried"]

CHUNK = 1 << 16
"""Bytes transcoded at a time: what fits the processor's cache (measured: 64 KiB is best)."""

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
_ASCII = re.compile(rb"\A[\x00-\x7f]+")
_TELLING = 64
"""Bytes, the first of them beyond ASCII, that tell UTF-8 from GB18030."""

_TELLING_NULS = 16
"""Of so many bytes of a table in UTF-16, more than one is a NUL: each comma and digit has one."""

_CHINESE = re.compile("[ -~\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]*")


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
    return tuple(charset for charset in tried(asked) if _fits(head, charset))


def tried(asked: str) -> tuple[str, ...]:
    """List the charsets that a file without a mark is tried in, in order."""
    return tuple(dict.fromkeys((codec_name(asked), *_FALLBACKS)))


def first_bad_byte(head: bytes, charset: str) -> int:
    """Say at which byte a file stops being a table in a charset: a NUL may be one, else it is 0."""
    try:
        codecs.getincrementaldecoder(charset)().decode(head)
    except UnicodeDecodeError as error:
        return error.start
    return max(head.find(0), 0)


def _text(head: bytes, charset: str) -> str | None:
    """Read a file's first bytes, which may end within a letter; None where they are no text."""
    try:
        return codecs.getincrementaldecoder(charset)().decode(head)
    except UnicodeDecodeError:
        return None


def _fits(head: bytes, charset: str) -> bool:
    text = _text(head, charset)
    if text is None:
        return False
    if charset.startswith("utf-16"):
        return _can_be_utf16(head, text)
    if "\0" in text:
        # Else they are letters of one byte, read out of UTF-16's two.
        return charset == "utf-8" and _has_few_nuls(head)
    return charset != "gb18030" or not _reads_as_utf8(head)


def _has_few_nuls(head: bytes) -> bool:
    """Tell UTF-8 in which a NUL stands from UTF-16, in which each letter of ASCII has one."""
    return head.count(0) * _TELLING_NULS < len(head)


def _reads_as_utf8(head: bytes) -> bool:
    """Tell Chinese in UTF-8, which GBK reads as other letters without an error.

    Chinese has three bytes a letter there; texts in GBK are not that by chance.
    """
    beyond = [letter for letter in _text(head, "utf-8") or "" if not letter.isascii()]
    return bool(beyond) and max(beyond) >= "\u0800"


def _can_be_utf16(head: bytes, text: str) -> bool:
    """Refuse bytes of another charset, which UTF-16 reads as rare letters without an error.

    A table has a line break: where its byte occurs and its letter does not, the bytes are no
    UTF-16. A header alone may be without; then it is UTF-16 if it is Chinese in it, and not text
    in UTF-8.
    """
    if b"\0" in head and _has_few_nuls(head) and _text(head, "utf-8") is not None:
        return False
    if any(letter in text for letter in '\n\r,"'):
        return True
    if any(byte in head for byte in b'\n\r,"'):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError:
        return _CHINESE.fullmatch(text) is not None
    return b"\0" in head or not head


def to_utf8(chunks: Iterator[bytes], charset: str, *, from_start: bool = True) -> Iterator[bytes]:
    """Transcode strictly, with no character lost at a chunk's edge.

    Parameters
    ----------
    chunks
        The bytes.
    charset
        What they are written in.
    from_start
        Whether they are a file's first ones, before which a mark may stand.

    Raises
    ------
    UnicodeDecodeError
        With ``start`` counted from the stream's first byte.
    """
    decoder = codecs.getincrementaldecoder(charset)()
    done = 0
    first = from_start
    suspect = _Suspect() if charset == "gb18030" else None
    for piece in itertools.chain(_pieces(chunks), [b""]):
        if suspect and suspect.is_utf8(piece):
            raise UnicodeDecodeError(charset, piece, done, done + 1, "it reads as UTF-8")
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


class _Suspect:
    """Looks at the first letters beyond ASCII of what is said to be GB18030."""

    def __init__(self) -> None:
        self._letters = b""
        self._decided = False

    def is_utf8(self, piece: bytes) -> bool:
        """Tell whether a stream is UTF-8, once enough has come; an empty piece is its end."""
        if self._decided or (not self._letters and piece.isascii() and piece):
            return False
        self._letters += piece if self._letters else _ASCII.sub(b"", piece, count=1)
        self._decided = len(self._letters) >= _TELLING or not piece
        return self._decided and _reads_as_utf8(self._letters)


def _pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), CHUNK):
            yield chunk[start : start + CHUNK]
