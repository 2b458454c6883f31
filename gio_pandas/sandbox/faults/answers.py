"""Answers that are not what they should be; the request is carried out all the same."""

import json
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gio_pandas.sandbox.faults.kind import GRAPHQL, JSON, STEPS, Kind

if TYPE_CHECKING:
    from gio_pandas.sandbox.faults.call import Call

_TYPE = {"content-type": "application/json"}
_MESSAGE = "the warehouse did not answer"
_BLOCK = 1 << 20


async def _truncated_json(call: "Call") -> None:
    answer = await call.carry_out()
    call.play()
    await call.reply(answer, answer.body[: len(answer.body) // 2])


async def _garbled(call: "Call") -> None:
    answer = await call.carry_out()
    call.play()
    await call.reply(answer, bytes(byte ^ 0xA5 for byte in answer.body))


async def _empty_body(call: "Call") -> None:
    answer = await call.carry_out()
    call.play()
    await call.reply(answer, b"")


async def _huge_json(call: "Call") -> None:
    await call.carry_out()
    call.play()
    before, after = _around(call)
    await call.answer(200, _huge(before, b"x", call.size or 0, after), _TYPE)


def _around(call: "Call") -> tuple[bytes, bytes]:
    """Return what JSON stands around one very long text where an answer is looked for."""
    if call.step == "token":
        return b'{"access_token": "', b'"}'
    return b'{"data": {"%s": "' % (call.fields or ("data",))[0].encode(), b'"}}'


def _huge(before: bytes, letter: bytes, size: int, after: bytes) -> Iterator[bytes]:
    block = letter * _BLOCK
    yield before
    for _ in range(size // _BLOCK):
        yield block
    yield letter * (size % _BLOCK) + after


async def _gzip_bomb(call: "Call") -> None:
    if call.step == "download":
        kind, before, after = {"content-type": "text/csv"}, b"gio_id\n", b"\n"
    else:
        await call.carry_out()
        kind, (before, after) = _TYPE, _around(call)
    call.play()
    headers = {**kind, "content-encoding": "gzip"}
    await call.answer(200, _bomb(before, (call.size or 0) // _BLOCK, after), headers)


def _bomb(before: bytes, blocks: int, after: bytes) -> Iterator[bytes]:
    """Compress megabytes of zeros between two texts: a thousand times smaller, one at a time."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield packer.compress(before)
    for _ in range(blocks):
        yield packer.compress(b"0" * _BLOCK)
    yield packer.compress(after) + packer.flush()


async def _graphql_error(call: "Call") -> None:
    call.play()
    error = {"message": _MESSAGE, "path": list(call.fields[:1])}
    await call.answer(200, json.dumps({"errors": [error], "data": None}).encode(), _TYPE)


async def _partial_data(call: "Call") -> None:
    answer = await call.carry_out()
    said = answer.json()
    if not isinstance(said, dict) or not said.get("data"):
        await call.reply(answer)
        return
    call.play()
    said["errors"] = [{"message": _MESSAGE, "path": [next(iter(said["data"]))]}]
    await call.reply(answer, json.dumps(said).encode())


KINDS = (
    Kind("truncated_json", "Half of the JSON, under a length that fits.", _truncated_json, JSON),
    Kind("garbled", "As many other bytes.", _garbled, JSON),
    Kind("empty_body", "A success without a body.", _empty_body, JSON),
    Kind(
        "huge_json",
        "JSON with a text of size= bytes where the answer should be.",
        _huge_json,
        JSON,
        step="query",
        takes={"size": 200_000_000},
    ),
    Kind(
        "gzip_bomb",
        "A small gzip that becomes size= bytes: JSON, or a file's row without an end.",
        _gzip_bomb,
        STEPS,
        step="query",
        takes={"size": 1_000_000_000},
    ),
    Kind(
        "graphql_error",
        "GraphQL errors with status 200 and no data; nothing was done.",
        _graphql_error,
        GRAPHQL,
    ),
    Kind("partial_data", "The data, and errors beside them.", _partial_data, GRAPHQL),
)
