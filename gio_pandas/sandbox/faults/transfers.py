"""Downloads that break off, begin elsewhere or change on the way.

All but the cuts hold a file in memory as they change it.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from gio_pandas.sandbox.faults.kind import ALWAYS, DOWNLOAD, SECOND_ON, Behave, Kind

if TYPE_CHECKING:
    from starlette.types import Message, Scope

    from gio_pandas.sandbox.faults.call import Call

# How long a file is taken to be that does not say so.
_LENGTH_UNKNOWN = 1 << 20
_CHANGED = '"changed-'
# Digits stay digits in every charset that a file can be in, and a file's length the same.
_OTHER_DIGITS = bytes.maketrans(b"12", b"21")


def _cut(*, with_length: bool) -> Behave:
    async def cut(call: "Call") -> None:
        left: int | None = None

        async def send(message: "Message") -> None:
            nonlocal left
            if message["type"] == "http.response.start":
                left = _place(call, message)
                if left is not None and not with_length:
                    message["headers"] = _without_length(message["headers"])
            elif left is not None and len(message["body"]) > left:
                call.play()
                await call.send({**message, "body": message["body"][:left], "more_body": True})
                await call.leave()
            elif left is not None:
                left -= len(message["body"])
            await call.send(message)

        await call.pass_on(send)

    return cut


def _place(call: "Call", start: "Message") -> int | None:
    """Return how many bytes are sent; None where all of them are."""
    if start["status"] not in (200, 206):
        return None
    length = dict(start["headers"]).get(b"content-length", b"%d" % _LENGTH_UNKNOWN)
    return int(length) // 2 if call.size is None else call.size


def _without_length(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [pair for pair in headers if pair[0] != b"content-length"]


async def _range_ignored(call: "Call") -> None:
    if "range" in call.headers:
        call.play()
    await call.pass_on(scope=call.without("range", "if-range"))


async def _wrong_range(call: "Call") -> None:
    answer = await call.carry_out()
    if answer.status == 206:
        call.play()
        answer.headers = [
            (name, _later(value) if name == b"content-range" else value)
            for name, value in answer.headers
        ]
    await call.reply(answer)


def _later(content_range: bytes) -> bytes:
    start, _, rest = content_range.removeprefix(b"bytes ").partition(b"-")
    return b"bytes %d-%s" % (int(start) + 1, rest)


async def _unsatisfiable(call: "Call") -> None:
    answer = await call.carry_out(call.without("range", "if-range"))
    call.play()
    await call.answer(416, b"", {"content-range": f"bytes */{len(answer.body)}"})


async def _file_changed(call: "Call") -> None:
    answer = await call.carry_out(_asking_for_the_other(call))
    if answer.status in (200, 206):
        call.play()
        answer.body = answer.body.translate(_OTHER_DIGITS)
        answer.headers = [
            (name, _CHANGED.encode() + value[1:] if name == b"etag" else value)
            for name, value in answer.headers
        ]
    await call.reply(answer)


def _asking_for_the_other(call: "Call") -> "Scope":
    """Return the request with a range only where it is one of the changed file."""
    known = call.headers.get("if-range", "")
    if not known.startswith(_CHANGED):
        return call.without("range", "if-range")
    scope = call.without("if-range")
    scope["headers"].append((b"if-range", b'"' + known.removeprefix(_CHANGED).encode()))
    return scope


async def _short(call: "Call") -> None:
    answer = await call.carry_out()
    if answer.status in (200, 206):
        call.play()
        answer.body = answer.body[: len(answer.body) // 2]
    await call.reply(answer)


async def _trickle(call: "Call") -> None:
    answer = await call.carry_out()
    call.play()
    await call.reply(answer, _pieces(call, answer.body))


async def _pieces(call: "Call", body: bytes) -> AsyncIterator[bytes]:
    length = max(1, call.size or 0)
    for start in range(0, len(body), length):
        yield body[start : start + length]
        await call.pause(call.seconds)


def _kind(
    name: str,
    about: str,
    behave: Behave,
    at: "range | tuple[int, ...]" = (1,),
    **takes: float | None,
) -> Kind:
    return Kind(name, about, behave, DOWNLOAD, at=at, takes=takes)


KINDS = (
    _kind(
        "cut",
        "The connection ends after size= bytes (half of them), under the whole length.",
        _cut(with_length=True),
        size=None,
    ),
    _kind(
        "cut_chunked",
        "The connection ends after size= bytes (half of them) of a body without a length.",
        _cut(with_length=False),
        size=None,
    ),
    _kind("range_ignored", "The whole file, whatever is asked for.", _range_ignored, ALWAYS),
    _kind("416", "The file has no byte where it is looked for.", _unsatisfiable),
    _kind("wrong_range", "The part asked for, said to begin a byte later.", _wrong_range, ALWAYS),
    _kind("file_changed", "Another file of the same length and name.", _file_changed, SECOND_ON),
    _kind("short", "Half of the bytes, under a length that fits.", _short),
    _kind(
        "trickle",
        "Pieces of size= bytes, with seconds= between them.",
        _trickle,
        size=1_000,
        seconds=0.05,
    ),
)
