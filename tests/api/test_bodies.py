"""Bodies: unpacked in small pieces, and read no further than an honest answer goes."""

from __future__ import annotations

import dataclasses
import gzip
import json
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator

import httpx
import pytest
from wire import DOWNLOAD, GRAPHQL, TOKEN, Answer, Asked, Wire, data, page

import gio_pandas as gio
from gio_pandas.api.bodies import MOST_BYTES, packing, unpacked
from gio_pandas.api.client import Client
from gio_pandas.api.downloads import BrokenTransferError
from gio_pandas.api.transport import Transport

QUERY = "query Projects { projects { id } }"
MUTATION = "mutation Submit { submit { id } }"
FILE = "/download?file=a.csv"
Open = Callable[..., Transport]
MEGABYTE = b" " * (1 << 20)
TABLE = b"gio_id,x\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(50_000))


def cut(body: bytes, size: int) -> Iterator[bytes]:
    """Give bytes in chunks of a size."""
    return (body[at : at + size] for at in range(0, len(body), size))


# --- what is compressed --------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
@pytest.mark.parametrize(
    ("packed", "named"),
    [
        (gzip.compress(TABLE), "gzip"),
        (gzip.compress(TABLE[:9999]) + gzip.compress(b"") + gzip.compress(TABLE[9999:]), "gzip"),
        (gzip.compress(TABLE), "X-GZip "),
        (zlib.compress(TABLE), "deflate"),
        (TABLE, "identity"),
    ],
    ids=["gzip", "members", "x-gzip", "deflate", "identity"],
)
def test_what_was_packed_is_unpacked(packed: bytes, named: str, size: int) -> None:
    """Whatever the chunks are, and however many members there are."""
    kind = packing(httpx.Headers({"Content-Encoding": named}))
    assert b"".join(unpacked(cut(packed, size), kind)) == TABLE


@pytest.mark.parametrize("length", [1 << 20, (1 << 20) + 1, (3 << 20) - 1, 30_000_000])
@pytest.mark.parametrize("size", [100, 1 << 16, 1 << 20])
def test_no_piece_is_large(length: int, size: int) -> None:
    """However much is packed into a chunk, a megabyte comes out of it at a time, and all of it."""
    packed = gzip.compress(bytes(length))
    lengths = [len(piece) for piece in unpacked(cut(packed, size), "gzip")]
    assert sum(lengths) == length
    assert max(lengths) <= 1 << 20


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(TABLE)[:-1],
        gzip.compress(TABLE)[:1000],
        gzip.compress(bytes(5 << 20))[:-9],
        gzip.compress(b"x") + b"x",
        gzip.compress(TABLE)[:-8] + bytes(8),
        TABLE,
    ],
    ids=["last byte", "middle", "zeros", "more", "checksum", "plain"],
)
def test_what_is_not_whole_is_an_error(packed: bytes) -> None:
    """Half of a compressed body is never taken for all of it."""
    with pytest.raises(httpx.DecodingError, match=r"ends early|garbled"):
        list(unpacked(iter([packed]), "gzip"))


@pytest.mark.parametrize("named", ["gzip", "deflate"])
@pytest.mark.parametrize("chunks", [[], [b""]])
def test_nothing_is_nothing_however_it_is_packed(named: str, chunks: list[bytes]) -> None:
    """Gateways name a packing where there is no body to pack."""
    assert b"".join(unpacked(iter(chunks), named)) == b""


UNREADABLE = {
    "empty": Answer(headers={"Content-Encoding": "gzip"}),
    "br": Answer(body=b"x", headers={"Content-Encoding": "br"}),
    "garbled": Answer(body=b"x", headers={"Content-Encoding": "deflate"}),
    "ends early": Answer(body=gzip.compress(TABLE)[:99], headers={"Content-Encoding": "gzip"}),
    "cut": Answer(body=b"{", ending="cut"),
    "cut in pieces": Answer(body=[b"{"], ending="cut"),
}


@pytest.mark.parametrize("number", [401, 429, 503])
@pytest.mark.parametrize("body", UNREADABLE)
def test_a_status_outranks_a_body_that_cannot_be_read(
    wire: Wire, transport: Open, no_waits: None, number: int, body: str
) -> None:
    """A dead token is renewed, and a submit that was not seen sent again, whatever the body is."""
    refusal = dataclasses.replace(UNREADABLE[body], status=number)
    opened = transport(wire.url)
    for send in (opened.query, opened.submit):
        wire.on(GRAPHQL, refusal, data(ok=1))
        assert send(MUTATION, {}) == {"ok": 1}
    assert wire.counts() == {TOKEN: 3 if number == 401 else 1, GRAPHQL: 4}


def test_a_file_behind_a_401_that_cannot_be_read_comes(wire: Wire, transport: Open) -> None:
    """Of downloads the same is true."""
    refusal = dataclasses.replace(UNREADABLE["br"], status=401)
    wire.on(DOWNLOAD, refusal, Answer(body=TABLE))
    with transport(wire.url).download(FILE) as reply:
        assert b"".join(reply.chunks) == TABLE
    assert wire.counts() == {TOKEN: 2, DOWNLOAD: 2}


@pytest.mark.parametrize("number", [500, 502])
def test_a_submit_is_as_uncertain_as_its_status_says(
    wire: Wire, transport: Open, number: int
) -> None:
    """A body that cannot be read does not make it any surer."""
    wire.on(GRAPHQL, dataclasses.replace(UNREADABLE["br"], status=number))
    with pytest.raises(gio.SubmitUncertainError, match=f"HTTP {number}"):
        transport(wire.url).submit(MUTATION, {})
    assert len(wire.at(GRAPHQL)) == 1


@pytest.mark.parametrize("named", ["br", "zstd", "compress", "gzip, gzip", "gzip,deflate", "x"])
def test_what_was_not_asked_for_is_refused(wire: Wire, transport: Open, named: str) -> None:
    """Packings that expand without a bound, and packings of packings, answers and files alike."""
    answer = Answer(body=gzip.compress(gzip.compress(b'{"data": {}}')))
    wire.on(GRAPHQL, Answer(body=answer.body, headers={"Content-Encoding": named}))
    wire.on(DOWNLOAD, Answer(body=answer.body, headers={"Content-Encoding": named}))
    opened = transport(wire.url)
    with pytest.raises(gio.PlatformUnavailableError, match="not asked for"):
        opened.query(QUERY, {}, attempts=1)
    with (
        pytest.raises(gio.DownloadError, match=r"not asked for.*gateway"),
        opened.download(FILE),
    ):
        pass
    assert {asked.headers["accept-encoding"] for asked in wire.at(GRAPHQL)} == {"gzip"}


# --- what is too long ----------------------------------------------------------------------------


def _endless() -> Answer:
    return Answer(body=(MEGABYTE for _ in range(200)), headers={"Content-Type": "application/json"})


# A megabyte of gzip, of which nothing comes.
EMPTY_BLOCKS = b"\x1f\x8b\x08" + bytes(7) + b"\0\0\0\xff\xff" * 200_000
TOO_LONG: dict[str, Callable[[Asked], Answer]] = {
    "pieces": lambda _: _endless(),
    "length": lambda _: Answer(body=b"[" + bytes(MOST_BYTES)),
    "bomb": lambda _: Answer(
        body=gzip.compress(bytes(200 << 20), 1), headers={"Content-Encoding": "gzip"}
    ),
    "empty blocks": lambda _: Answer(
        body=[EMPTY_BLOCKS, *[EMPTY_BLOCKS[10:]] * 69], headers={"Content-Encoding": "gzip"}
    ),
    "an error": lambda _: Answer(500, _endless().body),
    "a refusal": lambda _: Answer(401, _endless().body),
}


@pytest.mark.parametrize("answer", TOO_LONG)
def test_an_answer_that_is_too_long_is_an_error(wire: Wire, transport: Open, answer: str) -> None:
    """Whatever its status and packing; it is not asked for again, and a submit not sent again."""
    wire.on(GRAPHQL, TOO_LONG[answer])
    opened = transport(wire.url)
    with pytest.raises(gio.PlatformUnavailableError, match="longer than 67,108,864 bytes"):
        opened.query(QUERY, {})
    with pytest.raises(gio.SubmitUncertainError, match="longer than 67,108,864 bytes"):
        opened.submit(MUTATION, {})
    assert len(wire.at(GRAPHQL)) == 2


def test_a_tokens_answer_that_is_too_long_is_an_error(wire: Wire, transport: Open) -> None:
    """Nothing was submitted: that is no riddle."""
    wire.on(TOKEN, lambda _: _endless()).on(GRAPHQL, data(ok=1))
    with pytest.raises(gio.PlatformUnavailableError, match="longer than") as caught:
        transport(wire.url).submit(MUTATION, {})
    assert caught.value.seen is False
    assert wire.counts() == {TOKEN: 1}


def test_a_tokens_answer_of_many_values_is_an_error(wire: Wire, transport: Open) -> None:
    """A few kilobytes that unpack to 63 MB of empty lists are not read to their end."""
    packed = gzip.compress(b"[" + b"[]," * (21 << 20) + b"[]]", 1)
    wire.on(TOKEN, Answer(body=packed, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(gio.PlatformUnavailableError, match="longer than 1,048,576 bytes") as caught:
        transport(wire.url).submit(MUTATION, {})
    assert caught.value.seen is False
    assert wire.counts() == {TOKEN: 1}


def test_what_comes_in_place_of_a_file_is_bounded(wire: Wire, transport: Open) -> None:
    """A web page, and what a refusal says, are not read to their end; a file is."""
    wire.on(DOWNLOAD, lambda _: Answer(401, _endless().body))
    opened = transport(wire.url)
    with pytest.raises(BrokenTransferError, match="longer than"), opened.download(FILE):
        pass
    wire.on(DOWNLOAD, lambda _: Answer(200, _endless().body, page().headers))
    with pytest.raises(BrokenTransferError, match="longer than"), opened.download(FILE):
        pass
    wire.on(DOWNLOAD, lambda _: _endless())
    with opened.download(FILE) as reply:
        assert sum(map(len, reply.chunks)) == 200 << 20


def test_a_long_listing_comes_whole(wire: Wire, client: Callable[..., Client]) -> None:
    """A hundred thousand tags, with everything that is known of each."""
    tag = {
        "id": "WlGk4Daj",
        "name": "会员等级",
        "key": "tag_membership_level",
        "type": "AGGREGATED",
        "description": "最近三十天内" * 10,
        "valueType": {"type": "STRING", "unit": None, "isArray": False},
        "creator": "李雷",
        "creatorId": "WlGk4Daj",
        "createdAt": "2024-01-02T03:04:05Z",
        "updater": "李雷",
        "updatedAt": "2024-01-02T03:04:05Z",
        "detector": {"stage": "FINISH", "totalUsers": 123456, "usersRatio": 0.123},
    }
    text = json.dumps(tag, ensure_ascii=False).encode()
    wire.on(GRAPHQL, Answer(body=b'{"data": {"tags": [%b]}}' % b",".join([text] * 100_000)))
    assert len(client(wire.url).tags("P")) == 100_000


# --- memory --------------------------------------------------------------------------------------

_PEAK = """
import resource, sys
import gio_pandas as gio
from gio_pandas.api.transport import Transport
from gio_pandas.settings import Settings

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

opened = Transport(Settings.resolve(environ={}, url=sys.argv[1], api_key="key"))
before = peak()
try:
    if sys.argv[2] == "file":
        with opened.download("/download?file=a.csv") as reply:
            print(sum(map(len, reply.chunks)) >> 20, end=" ")
    else:
        opened.query("query A { a }", {}, attempts=1)
except gio.PlatformUnavailableError as error:
    print("refused", end=" ")
print(peak() - before)
"""
_BOMB = Answer(
    body=b"".join([gzip.compress(bytes(1 << 30), 1)]), headers={"Content-Encoding": "gzip"}
)


@pytest.mark.parametrize(
    ("path", "what", "most"),
    [(GRAPHQL, "query", 200), (TOKEN, "query", 200), (DOWNLOAD, "file", 40)],
)
def test_a_bomb_stays_small(wire: Wire, path: str, what: str, most: int) -> None:
    """A gigabyte in five megabytes: a query's or a token's is refused, a file's passes in pieces.

    Read whole, an answer is held twice: as pieces and as one. So 200 MB is what it may take.
    """
    pytest.importorskip("resource")
    wire.on(path, _BOMB)
    command = [sys.executable, "-c", _PEAK, wire.url, what]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert found[0] == ("1024" if what == "file" else "refused")
    assert int(found[1]) < most
