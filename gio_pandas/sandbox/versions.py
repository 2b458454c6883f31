"""The state of a file's bytes, and which of them a request gets."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate

from gio_pandas.sandbox.disk import DiskFile
from gio_pandas.sandbox.files import File

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True)
class Version:
    """One state of a file's bytes; `modified` is an HTTP date, "" where there is none."""

    length: int
    etag: str
    modified: str = ""

    @property
    def validators(self) -> dict[str, str]:
        """The headers by which a client knows the same bytes again."""
        modified = {"last-modified": self.modified} if self.modified else {}
        return {"etag": self.etag, **modified}

    def part(self, headers: Mapping[str, str]) -> range | None:
        """Return the bytes that a request asks for, none of them beyond the end; None for all."""
        match = _RANGE.fullmatch(headers.get("range", ""))
        if match is None or headers.get("if-range", self.etag) not in self.validators.values():
            return None
        return range(self.length)[int(match[1]) : int(match[2] or self.length) + 1]


@dataclass(frozen=True)
class Reply:
    """How a download is answered; `part` are the bytes to send, None for all."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    part: range | None = None


def version(file: File | DiskFile) -> Version:
    """Return a file's present state; a generated file is written once to find its length."""
    if isinstance(file, File):
        return Version(file.length, f'"{hashlib.sha256(file.path.encode()).hexdigest()[:16]}"')
    state = file.source.stat()
    modified = formatdate(state.st_mtime, usegmt=True)
    return Version(state.st_size, f'"{state.st_size:x}-{state.st_mtime_ns:x}"', modified)


def reply(known: Version | None, headers: Mapping[str, str], *, ranges: bool) -> Reply:
    """Return the answer to a request for a file, whose state may not be known."""
    if known is None:
        return Reply()
    whole = {"content-length": str(known.length)}
    if not ranges:
        return Reply(headers=whole)
    part = known.part(headers)
    offer = {"accept-ranges": "bytes", **known.validators}
    if part is None:
        return Reply(headers=whole | offer)
    if not part:
        return Reply(416, {"content-range": f"bytes */{known.length}"}, part)
    sent = {
        "content-range": f"bytes {part[0]}-{part[-1]}/{known.length}",
        "content-length": str(len(part)),
    }
    return Reply(206, offer | sent, part)
