"""Files: whole, in order and unmixed over any number of broken connections, or an error."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, unquote_plus, urlsplit

import pytest

from gio_pandas import AuthenticationError, DownloadError, GioError
from gio_pandas.api.client import Client
from gio_pandas.exports.files import Part, download_urls, file_name, retry_delay
from gio_pandas.exports.job import ExportJob, Order
from gio_pandas.settings import Settings

from .text import read_text

NAME = "下载用户列表.csv"
URI = f"/jobs/results/DES-1/{NAME}"
BODY = b"gio_id,usr_x\n" + b"".join(b"%d,%d\n" % (n, 7 * n) for n in range(40_000))
OTHER = BODY.replace(b"7", b"8")


@dataclass
class Shelf:
    """What a platform's download answers, and what it was asked.

    ``cuts`` has the bytes that each answer in turn breaks off after; ``files`` the paths that
    there are, for all of which it has the same body; ``changes`` the body from the second
    answer on; a ``careless`` one sends the rest of whatever it has.
    """

    body: bytes = BODY
    files: tuple[str, ...] = (URI,)
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    says_ranges: bool = False
    most: int | None = None
    validator: str = "etag"
    changes: bytes | None = None
    careless: bool = False
    chunked: bool = False
    zipped: bool = False
    closing: bool = False
    says_place: bool = True
    statuses: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    kind: str = "text/csv"
    asked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def tag(self) -> str:
        """Name the body's version."""
        return f'"{zlib.crc32(self.body):x}"'

    def headers(self) -> dict[str, str]:
        """Say which version it is, in the way that is asked for."""
        if self.validator == "etag":
            return {"ETag": self.tag()}
        if self.validator == "weak":
            return {"ETag": "W/" + self.tag()}
        return {"Last-Modified": "Tue, 13 Apr 2021 11:40:00 GMT"} if self.validator else {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        shelf: Shelf = self.server.shelf
        file = dict(parse_qsl(urlsplit(self.path).query)).get("file", "")
        shelf.asked.append({"path": self.path, "file": file, **self.headers})
        if len(shelf.asked) == 2 and shelf.changes is not None:
            shelf.body = shelf.changes
        if shelf.statuses:
            status, headers = shelf.statuses.pop(0)
            self._say(status, {"Content-Length": "0", **headers})
        elif file not in shelf.files:
            self._say(404, {"Content-Length": "0"})
        else:
            self._send(shelf)

    def _send(self, shelf: Shelf) -> None:
        first = self._first(shelf)
        if first >= len(shelf.body) > 0:
            self._say(416, {"Content-Range": f"bytes */{len(shelf.body)}", "Content-Length": 0})
            return
        body = gzip.compress(shelf.body) if shelf.zipped else shelf.body
        headers = {"Content-Type": shelf.kind, **shelf.headers()}
        if shelf.says_ranges:
            headers["Accept-Ranges"] = "bytes"
        if shelf.zipped:
            headers["Content-Encoding"] = "gzip"
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
        rest = body[first:]
        if first and shelf.most is not None:  # a server may send less than was asked for
            rest = rest[: shelf.most]
            last = first + len(rest) - 1
            headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
        if not shelf.says_place:
            headers.pop("Content-Range", None)
        size: dict[str, Any] = {"Content-Length": len(rest)}
        if shelf.chunked:
            size = {"Transfer-Encoding": "chunked"}
        elif shelf.closing:
            size = {"Connection": "close"}
        self._say(206 if first else 200, {**headers, **size})
        cut = shelf.cuts.pop(0) if shelf.cuts else None
        self._write(shelf, rest if cut is None else rest[:cut], whole=cut is None)

    def _first(self, shelf: Shelf) -> int:
        wanted = self.headers.get("Range", "")
        is_same = shelf.careless or self.headers.get("If-Range") in shelf.headers().values()
        if not shelf.ranges or not is_same:
            return 0
        return int(wanted.removeprefix("bytes=").rstrip("-") or 0)

    def _write(self, shelf: Shelf, body: bytes, *, whole: bool) -> None:
        if shelf.chunked:
            pieces = [body[at : at + 9999] for at in range(0, len(body), 9999)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
            body += b"0\r\n\r\n" if whole else b""
        self.wfile.write(body)
        self.close_connection = self.close_connection or not whole

    def _say(self, status: int, headers: dict[str, Any]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    shelf: Shelf

    def handle_error(self, *_: object) -> None:
        """Say nothing of a reader who went away."""


Serve = Callable[[Shelf], Client]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Put a shelf on a loopback socket and open a client of it."""
    with ExitStack() as stack:

        def open_shelf(shelf: Shelf) -> Client:
            server = stack.enter_context(_Server(("127.0.0.1", 0), _Handler))
            server.shelf = shelf
            thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            shelf.url = f"http://127.0.0.1:{server.server_port}"
            client = Client(Settings.resolve(environ={}, url=shelf.url, token="a-token"))
            stack.callback(client.close)
            return client

        yield open_shelf


def part(client: Client, uri: str = URI) -> Part:
    """Make a part that passes no time between its attempts."""
    return Part(client, uri, sleep=lambda _: None)


def whole(client: Client, uri: str = URI) -> bytes:
    """Read a file to its end."""
    return b"".join(part(client, uri).chunks())


RAW = "/download?file="
URLS: list[tuple[str, tuple[str, ...]]] = [
    ("/jobs/a.csv", (RAW + "/jobs/a.csv",)),
    ("/jobs/用户.csv", (RAW + "/jobs/%E7%94%A8%E6%88%B7.csv",)),
    ("/a b+c&d#e.csv", (RAW + "/a%20b%2Bc%26d%23e.csv",)),
    ("/100%.csv", (RAW + "/100%25.csv",)),
    ("/100% 用户.csv", (RAW + "/100%25%20%E7%94%A8%E6%88%B7.csv",)),
    ("/100%25 用户.csv", (RAW + "/100%2525%20%E7%94%A8%E6%88%B7.csv",)),
    ("%2Fjobs%2Fa.csv", (RAW + "%2Fjobs%2Fa.csv", RAW + "%252Fjobs%252Fa.csv")),
    ("/jobs/%E7%94%A8.csv", (RAW + "/jobs/%E7%94%A8.csv", RAW + "/jobs/%25E7%2594%25A8.csv")),
    ("/a%20b.csv", (RAW + "/a%2520b.csv", RAW + "/a%20b.csv")),
    ("%2Fa+b%281%29.csv", (RAW + "%2Fa+b%281%29.csv", RAW + "%252Fa%2Bb%25281%2529.csv")),
    ("%2Fa(1)!.csv", (RAW + "%2Fa(1)!.csv", RAW + "%252Fa%281%29%21.csv")),
    ("//[x].csv", (RAW + "//%5Bx%5D.csv",)),
    ("https://cdn.example.cn/a.csv?x=1", ("https://cdn.example.cn/a.csv?x=1",)),
    ("HTTP://cdn.example.cn/a b.csv", ("HTTP://cdn.example.cn/a b.csv",)),
    ("http://[::1]:8080/a.csv", ("http://[::1]:8080/a.csv",)),
    ("http://例子.cn/a.csv", ("http://例子.cn/a.csv",)),
    # Where it leads is the platform's to say: to us it is a name.
    ("../../etc/passwd", (RAW + "../../etc/passwd",)),
    ("//evil.example/a.csv", (RAW + "//evil.example/a.csv",)),
    ("..\\..\\a.csv", (RAW + "..%5C..%5Ca.csv",)),
    ("%2e%2e%2fa.csv", (RAW + "%2e%2e%2fa.csv", RAW + "%252e%252e%252fa.csv")),
    ("/a%00.csv", (RAW + "/a%2500.csv", RAW + "/a%00.csv")),
    ("/a%0d%0aX: y", (RAW + "/a%250d%250aX%3A%20y",)),
    ("file:/etc/passwd", (RAW + "file%3A/etc/passwd",)),
    ("javascript:alert(1)", (RAW + "javascript%3Aalert%281%29",)),
    ("/a?b=c&file=/d#e", (RAW + "/a%3Fb%3Dc%26file%3D/d%23e",)),
]


@pytest.mark.parametrize(("uri", "expected"), URLS)
def test_a_uri_is_encoded_exactly_once(uri: str, expected: tuple[str, ...]) -> None:
    """Raw paths are encoded, encoded ones are not; what could be both has two places."""
    assert download_urls(uri) == expected


NO_PATHS = [
    "",
    "ftp://x/a.csv",
    "file:///etc/passwd",
    "javascript://x/%0aalert(1)",
    "http://[x/a",
    "http://",
    "https:///a.csv",
    "http://user@/a.csv",
    "/a\nb",
    "/a\r\nX: y",
    "/a\0b",
    "/a\x7fb",
    "/a\ud800b",
    "http://cdn.example.cn/a\r\nX: y",
    "http://cdn.example.cn/a\tb",
    "/" + "a" * 1_000_000,
    "http://cdn.example.cn/" + "a" * 1_000_000,
]


@pytest.mark.parametrize("uri", NO_PATHS, ids=range(len(NO_PATHS)))
def test_what_is_no_path_is_refused(uri: str) -> None:
    """A uri that leads nowhere, or out of the web, is an error before anything is sent."""
    with pytest.raises(DownloadError, match="is no path") as caught:
        download_urls(uri)
    assert caught.value.file == uri
    assert len(str(caught.value)) < 5_000


@pytest.mark.parametrize(
    "uri", ["http://x:port/a.csv", "http://xn--/a.csv", "http://a\u200bb\ufffd/"]
)
def test_an_address_that_leads_nowhere_is_not_asked_again(serve: Serve, uri: str) -> None:
    """It is an error at once, and not sixteen of them."""
    paused: list[float] = []
    with pytest.raises(DownloadError, match="names a file by"):
        list(Part(serve(Shelf()), uri, sleep=paused.append).chunks())
    assert paused == []


@pytest.mark.parametrize("path", [path for path in URLS if path[1][0].startswith(RAW)])
def test_what_the_platform_hears_is_what_it_said(
    serve: Serve, path: tuple[str, tuple[str, ...]]
) -> None:
    """Whatever a uri is: its own download is asked for it, or for what it is decoded."""
    uri, urls = path
    shelf = Shelf(files=())
    with pytest.raises(DownloadError):
        whole(serve(shelf), uri)
    assert {asked["file"] for asked in shelf.asked} <= {uri, unquote(uri), unquote_plus(uri)}
    assert shelf.asked[0]["file"] in (uri, unquote(uri), unquote_plus(uri))
    assert [asked["path"] for asked in shelf.asked] == list(urls)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (URI, NAME),
        ("%2Fjobs%2F%E7%94%A8%E6%88%B7_UserList.csv", "用户_UserList.csv"),
        ("/jobs/a b+c&100%.csv", "a b+c&100%.csv"),
        ("https://cdn.example.cn/x/%E7%94%A8.csv?sig=1", "用.csv"),
        ("a.csv", "a.csv"),
    ],
)
def test_a_files_name_can_be_read(uri: str, expected: str) -> None:
    """Messages and provenance have a file's own name, without its folder and decoded."""
    assert file_name(uri) == expected


@pytest.mark.parametrize(
    ("attempt", "retry_after", "jitter", "expected"),
    [
        (1, None, 0, 0.2),
        (2, None, 0, 0.4),
        (5, None, 0, 3.2),
        (5, None, 1, 6.4),
        (15, None, 0, 10.0),
        (15, None, 1, 20.0),
        (1, 7.0, 1, 7.0),
        (1, 900.0, 0, 900.0),
        (1, 0.0, 0, 0.2),
    ],
)
def test_the_pause_before_an_attempt(
    attempt: int, retry_after: float | None, jitter: float, expected: float
) -> None:
    """It doubles up to 10 s, and up to twice that by chance; what the platform asks for is it."""
    assert retry_delay(attempt, retry_after, jitter) == pytest.approx(expected)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_file_is_what_was_sent(serve: Serve, zipped: bool, chunked: bool) -> None:
    """With a length or in chunks, compressed against our wish or not, one request is enough."""
    shelf = Shelf(zipped=zipped, chunked=chunked)
    assert whole(serve(shelf)) == BODY
    assert [asked["file"] for asked in shelf.asked] == [URI]
    assert shelf.asked[0]["Authorization"] == "Token a-token"
    assert shelf.asked[0]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("zipped", [False, True])
def test_a_file_may_end_with_its_connection(serve: Serve, zipped: bool) -> None:
    """Without a length or chunks, what comes until the end is the file."""
    assert whole(serve(Shelf(closing=True, zipped=zipped))) == BODY


def test_a_compressed_file_tells_itself_that_it_was_cut(serve: Serve) -> None:
    """Where no length says so, a gzip stream without its end is no whole file."""
    assert whole(serve(Shelf(closing=True, zipped=True, cuts=[50_000]))) == BODY


def test_a_file_of_nothing_is_nothing(serve: Serve) -> None:
    """No byte announced and none sent is whole: decoding says what that means."""
    assert whole(serve(Shelf(b""))) == b""


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("says_ranges", [False, True])
@pytest.mark.parametrize("validator", ["etag", "date"])
def test_a_broken_transfer_is_taken_up_where_it_broke(
    serve: Serve, validator: str, says_ranges: bool, chunked: bool
) -> None:
    """Range asks for the rest, and If-Range for the same file's rest alone."""
    cuts = [100_000, 50_000]
    shelf = Shelf(cuts=cuts, validator=validator, says_ranges=says_ranges, chunked=chunked)
    assert whole(serve(shelf)) == BODY
    version = next(iter(shelf.headers().values()))
    ranges = [(asked.get("Range"), asked.get("If-Range")) for asked in shelf.asked]
    assert ranges[0] == (None, None)
    assert {condition for _, condition in ranges[1:]} == {version}
    starts = [int(str(asked).removeprefix("bytes=").rstrip("-")) for asked, _ in ranges[1:]]
    assert starts == sorted(starts)
    if not chunked:
        assert starts == [100_000, 150_000]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    "shelf",
    [Shelf(ranges=False), Shelf(validator=""), Shelf(validator="weak"), Shelf(zipped=True)],
    ids=["no-ranges", "no-validator", "weak-validator", "zipped"],
)
def test_where_there_is_no_range_a_file_begins_again(
    serve: Serve, shelf: Shelf, chunked: bool
) -> None:
    """What was handed on is compared and not handed on twice."""
    shelf = replace(shelf, cuts=[30_000, 60_000, 10], chunked=chunked, asked=[])
    assert whole(serve(shelf)) == BODY
    assert len(shelf.asked) == 4


def test_a_transfer_that_lacks_its_end_alone_is_whole(serve: Serve) -> None:
    """Where every byte came and only the last word did not, there is no rest to ask for."""
    shelf = Shelf(cuts=[len(BODY)], chunked=True)
    assert whole(serve(shelf)) == BODY
    assert len(shelf.asked) == 2


@pytest.mark.parametrize("says_ranges", [False, True])
@pytest.mark.parametrize("ranges", [False, True])
@pytest.mark.parametrize("changes", [OTHER, BODY[:50_000], b""], ids=["other", "shorter", "empty"])
def test_a_file_that_changed_is_never_mixed(
    serve: Serve, changes: bytes, ranges: bool, says_ranges: bool
) -> None:
    """The rest of another file than the one begun is refused, and the error names the file."""
    shelf = Shelf(cuts=[100_000], changes=changes, ranges=ranges, says_ranges=says_ranges)
    with pytest.raises(DownloadError, match=rf"'{NAME}' changed .*gio\.attach") as caught:
        whole(serve(shelf))
    assert caught.value.file == URI


def test_a_server_that_sends_the_rest_of_another_file_is_found_out(serve: Serve) -> None:
    """It is asked for the rest of this file alone; where it sends any, the tag tells."""
    shelf = Shelf(cuts=[100_000], changes=OTHER, says_ranges=True, careless=True)
    with pytest.raises(DownloadError, match=rf"'{NAME}' changed"):
        whole(serve(shelf))


@pytest.mark.parametrize("chunked", [False, True])
def test_a_transfer_that_never_gets_on_is_given_up(serve: Serve, chunked: bool) -> None:
    """After 16 attempts the error names the file, and how many of its bytes came."""
    shelf = Shelf(cuts=[100_000] + [0] * 99, chunked=chunked)
    begun = f"'{NAME}' broke off after [0-9,]+ of {len(BODY):,} bytes, 16 times .*gio.attach"
    with pytest.raises(DownloadError, match=begun) as caught:
        whole(serve(shelf))
    assert caught.value.file == URI
    assert len(shelf.asked) == 16


class Time:
    """A clock that only pauses move; ``then`` is called after each of them."""

    def __init__(self, then: Callable[[float], object] = lambda _: None) -> None:
        self.now = 0.0
        self.paused: list[float] = []
        self._then = then

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Pass seconds."""
        self.paused.append(seconds)
        self.now += seconds
        self._then(self.now)

    def part(self, client: Client) -> Part:
        """Make a part that passes this time."""
        return Part(client, URI, sleep=self.sleep, clock=self)


def test_a_platform_that_restarts_for_a_minute_is_waited_for(serve: Serve) -> None:
    """In the middle of a file: the attempts become rare, and the file comes whole."""
    shelf = Shelf(cuts=[100_000])

    def restart(now: float) -> None:
        shelf.statuses = [(503, {})] if now < 60 else []

    time = Time(restart)
    assert b"".join(time.part(serve(shelf)).chunks()) == BODY
    assert 60 <= time.now <= 80
    assert max(time.paused) <= 20


@pytest.mark.parametrize("retry_after", [{}, {"Retry-After": "30"}])
def test_a_platform_that_stays_away_is_given_up(serve: Serve, retry_after: dict[str, str]) -> None:
    """After a minute and a half without a byte; the error says how far the file came."""
    shelf = Shelf(cuts=[100_000])
    time = Time(lambda _: shelf.statuses.append((503, retry_after)))
    begun = rf"'{NAME}' broke off after 100,000 of {len(BODY):,} bytes, \d+ times .*503.*gio.attach"
    with pytest.raises(DownloadError, match=begun):
        list(time.part(serve(shelf)).chunks())
    # It is not asked before a Retry-After is over, and that one would be over too late.
    assert 60 <= time.now <= 90 if retry_after else time.now == pytest.approx(90)
    assert len(shelf.asked) <= 16


def test_what_the_reader_takes_is_no_silence(serve: Serve) -> None:
    """Who reads slowly has the same patience with the platform."""
    shelf, time = Shelf(cuts=[100_000]), Time()
    came = b""
    for chunk in time.part(serve(shelf)).chunks():
        came += chunk
        time.now += 1000
    assert came == BODY


@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize(("seconds", "is_granted"), [(60, True), (89, True), (200, False)])
def test_a_retry_after_is_granted_within_the_patience(
    serve: Serve, seconds: int, is_granted: bool, form: str
) -> None:
    """Nobody is asked again before it is over; what is longer ends the download at once."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    value = str(seconds) if form == "seconds" else date
    shelf, time = Shelf(statuses=[(429, {"Retry-After": value})]), Time()
    found = time.part(serve(shelf))
    if is_granted:
        assert b"".join(found.chunks()) == BODY
        assert time.paused == [pytest.approx(seconds, abs=2)]
        return
    with pytest.raises(DownloadError, match=r"once .*429; it asks for (200|19\d) s of peace"):
        list(found.chunks())
    assert (len(shelf.asked), time.paused) == (1, [])


def test_a_platform_that_only_begins_again_is_given_up(serve: Serve) -> None:
    """However far it gets: what never can be taken up costs sixteen times the file at most."""
    body = b"gio_id\n" + b"12345678\n" * 3_000_000
    shelf = Shelf(body, cuts=[n * 1_200_000 for n in range(1, 30)], ranges=False)
    with pytest.raises(DownloadError, match=r"broke off after 19,200,000 of .* 16 times"):
        whole(serve(shelf))
    assert len(shelf.asked) == 16


def test_a_part_without_its_place_is_not_put_anywhere(serve: Serve) -> None:
    """A 206 that does not say which bytes it has is no rest of the file."""
    shelf = Shelf(cuts=[100_000], says_place=False)
    with pytest.raises(DownloadError, match=r"after 100,000 of .*not which"):
        whole(serve(shelf))


def test_an_error_of_a_download_says_how_to_get_at_the_job(serve: Serve) -> None:
    """The note of a job's errors is on it, too."""
    client = serve(Shelf(cuts=[100_000] + [0] * 99))
    job = ExportJob(
        client, "VGFn", Order(platform="", kind=None, charset="UTF-8"), sleep=lambda _: None
    )
    job._uris = (URI,)
    with pytest.raises(DownloadError, match="broke off after 100,000 of") as caught:
        job.to_arrow()
    assert caught.value.__notes__ == ["The job: gio.attach('VGFn')"]


@pytest.mark.parametrize("says_ranges", [False, True])
def test_a_part_of_the_rest_is_not_the_rest(serve: Serve, says_ranges: bool) -> None:
    """Where a server sends less than was asked for, the file's own length counts."""
    shelf = Shelf(cuts=[100_000], most=90_000, says_ranges=says_ranges)
    assert whole(serve(shelf)) == BODY
    assert len(shelf.asked) > 3


@pytest.mark.parametrize("kind", ["text/csv", "application/octet-stream", "application/json"])
def test_json_is_no_file_whatever_it_is_called(serve: Serve, kind: str) -> None:
    """An error's words in place of a table are shown, and are no table of one column."""
    shelf = Shelf(b'{"code": 500, "message": "file is being generated"}', kind=kind)
    with pytest.raises(DownloadError, match="file is being generated"):
        whole(serve(shelf))


def test_a_transfer_that_gets_on_is_not_given_up(serve: Serve) -> None:
    """Attempts are counted anew where another MiB has come: big files meet many breaks."""
    body = b"gio_id\n" + b"12345678\n" * 1_300_000
    shelf = Shelf(body, cuts=[1_100_000] * 9)
    assert whole(serve(shelf)) == body
    assert len(shelf.asked) == 10


def test_a_file_that_goes_away_in_the_middle_has_no_other_name(serve: Serve) -> None:
    """Once bytes came, a 404 is the file's end, not a reason to begin under another spelling."""
    path = "/a%20b.csv"
    shelf = Shelf(files=(path, "/a b.csv"), cuts=[100_000])
    client = serve(shelf)

    def leave(_: float) -> None:
        shelf.files = ("/a b.csv",)

    with pytest.raises(DownloadError, match="any more"):
        list(Part(client, path, sleep=leave).chunks())


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_platform_that_is_busy_is_asked_again(serve: Serve, status: int) -> None:
    """The pauses are those that it asks for, bounded, or grow by themselves."""
    shelf = Shelf(statuses=[(status, {"Retry-After": "3"}), (status, {}), (status, {})])
    paused: list[float] = []
    found = Part(serve(shelf), URI, sleep=paused.append)
    assert b"".join(found.chunks()) == BODY
    assert paused[0] == 3.0
    assert 0.4 <= paused[1] <= 0.8 <= paused[2] <= 1.6


def test_a_raw_path_that_looks_encoded_is_found(serve: Serve) -> None:
    """Where there is no file at the likelier place, the other one is looked at."""
    shelf = Shelf(files=("/a b.csv",))
    assert whole(serve(shelf), "/a%20b.csv") == BODY
    assert [asked["file"] for asked in shelf.asked] == ["/a%20b.csv", "/a b.csv"]


@pytest.mark.parametrize("path", ["/jobs/a b+c.csv", "/jobs/用户 (1)!.csv", "/jobs/100%25.csv"])
@pytest.mark.parametrize("way", ["raw", "python", "java", "javascript"])
def test_a_file_is_found_however_its_uri_is_encoded(serve: Serve, path: str, way: str) -> None:
    """Java writes a blank as ``+``, JavaScript leaves brackets be; each is understood."""
    uri = {
        "raw": path,
        "python": quote(path, safe=""),
        "java": quote_plus(path, safe="*"),
        "javascript": quote(path, safe="!'()*~"),
    }[way]
    assert whole(serve(Shelf(files=(path,))), uri) == BODY


def test_a_file_that_is_gone_is_an_error(serve: Serve) -> None:
    """The platform having no such file is said with the file's name and what to do."""
    with pytest.raises(DownloadError, match=f"no file '{NAME}' .*404.*again") as caught:
        whole(serve(Shelf(files=())))
    assert caught.value.file == URI


PAGES = [
    (b"<!DOCTYPE html><html>login</html>", "text/csv"),
    (b"\xef\xbb\xbf\n <html lang='zh'>login</html>", "application/octet-stream"),
    (b"<!-- gateway --><p>login</p>", "text/html; charset=utf-8"),
    (b"<script>location='/login'</script>", "text/html"),
]


@pytest.mark.parametrize(("body", "kind"), PAGES)
def test_a_login_page_is_no_file(serve: Serve, body: bytes, kind: str) -> None:
    """A web page with status 200 is an AuthenticationError, never data."""
    with pytest.raises(AuthenticationError, match=f"web page .*'{NAME}'.*API key"):
        whole(serve(Shelf(body, kind=kind)))


def test_a_table_that_is_called_a_page_is_read(serve: Serve) -> None:
    """What a web server calls a file does not make it a page."""
    assert whole(serve(Shelf(kind="text/html"))) == BODY


def test_a_message_in_place_of_a_file_is_an_error(serve: Serve) -> None:
    """JSON with status 200 is no table."""
    with pytest.raises(DownloadError, match=f"message in place of '{NAME}'"):
        whole(serve(Shelf(b'{"error": "expired"}', kind="application/json")))


def test_a_table_of_brackets_is_no_message(serve: Serve) -> None:
    """Nested more deeply than any message is, it is what it is."""
    body = b"[" * 60_000 + b"\n1\n"
    assert whole(serve(Shelf(body))) == body


@pytest.mark.parametrize("answer", [(418, {}), (200, {"Content-Encoding": "br"})])
def test_a_refusal_says_which_file_it_is_of(
    serve: Serve, answer: tuple[int, dict[str, str]]
) -> None:
    """Also where it is found out before the file begins."""
    with pytest.raises(DownloadError) as caught:
        whole(serve(Shelf(statuses=[answer])))
    assert caught.value.file == URI
    assert caught.value.__notes__ == [f"The file: {NAME!r}"]


@pytest.mark.parametrize("status", [400, 403, 410, 418])
def test_a_refusal_is_not_asked_for_again(serve: Serve, status: int) -> None:
    """What asking again cannot help is an error at once."""
    shelf = Shelf(statuses=[(status, {})] * 9)
    with pytest.raises(GioError, match=str(status)):
        whole(serve(shelf))
    assert len(shelf.asked) == 1


def test_an_address_of_another_origin_gets_no_credentials(serve: Serve) -> None:
    """A whole address among the uris is asked without the platform's token."""
    platform, elsewhere = Shelf(), Shelf(files=("x",))
    client = serve(platform)
    serve(elsewhere)
    assert whole(client, f"{elsewhere.url}/download?file=x") == BODY
    assert not platform.asked
    assert "Authorization" not in elsewhere.asked[0]


def test_a_user_in_an_address_gets_nobody_in(serve: Serve) -> None:
    """Neither is its password sent, nor is another host taken for the platform."""
    platform, elsewhere = Shelf(files=("x",)), Shelf(files=("x",))
    client = serve(platform)
    serve(elsewhere)
    host, other = (urlsplit(shelf.url).netloc for shelf in (platform, elsewhere))
    assert whole(client, f"http://me:pw@{other}/download?file=x") == BODY
    assert whole(client, f"http://{host}@{other}/download?file=x") == BODY
    assert whole(client, f"http://me:pw@{host}/download?file=x") == BODY
    assert [asked.get("Authorization") for asked in elsewhere.asked] == [None, None]
    assert platform.asked[0]["Authorization"] == "Token a-token"


@pytest.mark.parametrize("ranges", [False, True])
def test_a_transfer_that_breaks_while_it_is_decoded_is_taken_up(serve: Serve, ranges: bool) -> None:
    """Arrow reads ahead in threads of its own: a transfer is taken up there as anywhere."""
    body = "gio_id,x\n" + "".join(f"{n},会员\n" for n in range(200_000))
    shelf = Shelf(body.encode("utf-16-le"), cuts=[70_000, 900_000, 1_000_000], ranges=ranges)
    found = read_text(part(serve(shelf)), "UTF-16LE")
    assert found.data.column(0).to_pylist() == [str(n) for n in range(200_000)]
    assert len(shelf.asked) == 4


@pytest.mark.parametrize("ranges", [False, True])
def test_a_table_that_changed_is_read_anew(serve: Serve, ranges: bool) -> None:
    """The new file is read from its beginning, and nothing of the old one is in it."""
    shelf = Shelf(cuts=[300_000], changes=OTHER, ranges=ranges)
    found = read_text(part(serve(shelf)), "UTF-8")
    columns = [column.to_pylist() for column in found.data.columns]
    rows = [",".join(row) for row in zip(*columns, strict=True)]
    assert "\n".join(["gio_id,usr_x", *rows, ""]) == OTHER.decode()


def test_a_reader_that_stops_early_leaves_nothing_open(serve: Serve) -> None:
    """Giving up a file's chunks in the middle closes its connection without a complaint."""
    client = serve(Shelf())
    chunks = part(client).chunks()
    next(chunks)
    chunks.close()
    assert whole(client) == BODY
