"""The charsets a file can be asked in."""

import codecs
from dataclasses import dataclass


@dataclass(frozen=True)
class Charset:
    """A charset as the platform names it, Python's codec for it, and its byte order mark.

    `marked` says that the mark is there always, not only when the sandbox is told to write it.
    """

    name: str
    codec: str
    mark: bytes = b""
    marked: bool = False

    def encode(self, text: str) -> bytes:
        """Return the bytes of a text, ``?`` for each character that the charset lacks.

        The platform's language, Java, writes the same ``?``.
        """
        return text.encode(self.codec, errors="replace")


UTF_8 = Charset("UTF-8", "utf-8", codecs.BOM_UTF8)
_CHARSETS = (
    UTF_8,
    Charset("UTF-16LE", "utf-16-le", codecs.BOM_UTF16_LE),
    Charset("UTF-16BE", "utf-16-be", codecs.BOM_UTF16_BE),
    # Java's plain UTF-16 is big-endian and always has its mark.
    Charset("UTF-16", "utf-16-be", codecs.BOM_UTF16_BE, marked=True),
    Charset("UTF-32LE", "utf-32-le", codecs.BOM_UTF32_LE),
    Charset("UTF-32BE", "utf-32-be", codecs.BOM_UTF32_BE),
    Charset("GBK", "gbk"),
    Charset("GB2312", "gb2312"),
    Charset("GB18030", "gb18030"),
    Charset("BIG5", "big5"),
)
NAMES = tuple(charset.name for charset in _CHARSETS)
_BY_SPELLING = {
    name.replace("-", ""): charset for name, charset in zip(NAMES, _CHARSETS, strict=True)
}


def find_charset(name: str | None) -> Charset | None:
    """Return a charset by name, however spelled; UTF-8 for no name, None for an unknown one."""
    if not name:
        return UTF_8
    return _BY_SPELLING.get(name.strip().upper().replace("-", "").replace("_", ""))
