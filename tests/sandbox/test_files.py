"""Files on the wire: charsets, marks, lengths, ranges, streams."""

import codecs
import sys
import threading
import time
from collections.abc import Callable

import pytest

from .client import Client
from .process import run_python

Started = Callable[..., Client]
SIX = ["usr_gender", "usr_city", "usr_phone", "usr_card_no", "usr_nickname", "usr_note"]
CHARSETS = {
    "UTF-8": ("utf-8", codecs.BOM_UTF8),
    "UTF-16LE": ("utf-16-le", codecs.BOM_UTF16_LE),
    "UTF-16BE": ("utf-16-be", codecs.BOM_UTF16_BE),
    "UTF-32LE": ("utf-32-le", codecs.BOM_UTF32_LE),
    "UTF-32BE": ("utf-32-be", codecs.BOM_UTF32_BE),
    "GB18030": ("gb18030", b""),
    "GBK": ("gbk", b""),
    "GB2312": ("gb2312", b""),
    "BIG5": ("big5", b""),
}

# Prints how many lines a large segment has, and by how much the process's peak memory grew.
STREAM = """
import json, resource
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from gio_pandas import sandbox

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

with sandbox.start(users=1_000_000, stage_seconds=0) as platform:
    form = dict(grant_type="client_credentials", client_id="api", scope="system")
    form["client_secret"] = platform.api_key
    def ask(path, body=None, **headers):
        with urlopen(Request(platform.url + path, body, headers)) as answer:
            return json.load(answer)
    token = ask("/accounts/oauth/access_token", urlencode(form).encode())["access_token"]
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    def data(query):
        return ask("/graphql", json.dumps({"query": query}).encode(), **headers)["data"]
    def lines(share):
        segments = data('{segments(projectId:"WlGk4Daj"){id detector{usersRatio}}}')["segments"]
        chosen = next(s for s in segments if s["detector"]["usersRatio"] == share)
        job = data('mutation{job:submitSegmentUserExportJob(projectId:"WlGk4Daj",segmentId:"%s")'
            '{id}}' % chosen["id"])["job"]
        (uri,) = data('{jobResult(id:"%s"){uris}}' % job["id"])["jobResult"]["uris"]
        url = platform.url + "/download?" + urlencode({"file": uri})
        with urlopen(Request(url, headers=headers)) as answer:
            return sum(chunk.count(b"\\n") for chunk in iter(lambda: answer.read(65536), b""))
    lines(0.1)
    before = peak()
    print(lines(1.0), peak() - before)
"""


@pytest.mark.parametrize("charset", CHARSETS)
def test_every_charset_carries_the_same_text(client: Client, charset: str) -> None:
    """Decoded, a file says what the UTF-8 one says, with ? for what the charset lacks."""
    codec, _ = CHARSETS[charset]
    expected = client.text(client.segment("高价值用户", properties=SIX))
    got = client.text(client.segment("高价值用户", properties=SIX, charset=charset), codec)
    assert got == expected.encode(codec, "replace").decode(codec)
    if charset.startswith(("UTF", "GB1")):
        assert got == expected
        assert "𠮷" in got
    else:
        assert "?野家" in got


@pytest.mark.parametrize("spelling", ["utf-16le", "UTF_16LE", "utf16le", " UTF-16LE "])
def test_charsets_are_found_however_they_are_spelled(client: Client, spelling: str) -> None:
    """Upper and lower case, dashes and underlines make no difference."""
    assert client.files(client.segment("空分群", charset=spelling)) == [
        "gio_id\n".encode("utf-16-le")
    ]


def test_no_charset_is_utf_8(client: Client) -> None:
    """Without a charset, or with an empty one, files are UTF-8."""
    for arguments in ({}, {"charset": None}, {"charset": ""}):
        job = client.segment("空分群", properties=["usr_city"], **arguments)
        assert client.files(job) == ["gio_id,用户ID,城市\n".encode()]


def test_marks_are_written_where_told(signed_in: Started, client: Client) -> None:
    """bom=True puts the mark before every file in a UTF charset, and nothing before GBK."""
    marked = signed_in(bom=True, parts=2)
    for charset, (_, mark) in CHARSETS.items():
        files = marked.files(marked.segment("分群1", charset=charset))
        assert [content[: len(mark)] for content in files] == [mark] * 2
        (plain,) = client.files(client.segment("空分群", charset=charset))
        assert files[0][len(mark) :].startswith(plain)


def test_plain_utf_16_always_has_its_mark(client: Client) -> None:
    """UTF-16 without a byte order is big-endian under a mark, as Java writes it."""
    (content,) = client.files(client.segment("空分群", charset="UTF-16"))
    assert content == codecs.BOM_UTF16_BE + "gio_id\n".encode("utf-16-be")


def test_a_platform_may_ignore_the_charset(signed_in: Started) -> None:
    """faithful_charset=False writes UTF-8 whatever was asked for."""
    client = signed_in(faithful_charset=False)
    job = client.segment("空分群", properties=["usr_city"], charset="UTF-16LE")
    assert client.files(job) == ["gio_id,用户ID,城市\n".encode()]


def test_a_small_file_says_its_length(client: Client, signed_in: Started) -> None:
    """Content-Length is right for a small file, and absent where it is switched off."""
    for told in (client, signed_in(content_length=False)):
        (uri,) = told.wait(told.segment("高价值用户", properties=SIX))["uris"]
        response = told.download(uri)
        assert response.headers["content-type"] == "text/csv"
        if told is client:
            assert int(response.headers["content-length"]) == len(response.content)
        else:
            assert "content-length" not in response.headers
            assert response.headers["transfer-encoding"] == "chunked"


def test_a_large_file_is_chunked(signed_in: Started) -> None:
    """Above 50,000 rows no length is told."""
    client = signed_in(users=60_000)
    (uri,) = client.wait(client.segment("全部用户"))["uris"]
    response = client.download(uri)
    assert "content-length" not in response.headers
    assert response.content.count(b"\n") == 60_001


def test_an_unknown_file_is_404(client: Client) -> None:
    """A path nobody made, an empty one and a missing one are 404, as JSON."""
    assert client.download("/jobs/results/nothing.csv").status_code == 404
    assert client.http.get("/download").status_code == 404
    assert client.http.get("/download?file=").json()["error"] == "not_found"


def test_a_broken_transfer_can_be_taken_up(client: Client) -> None:
    """Range gives the rest of the bytes, If-Range with another tag the whole file."""
    (uri,) = client.wait(client.segment("高价值用户", properties=SIX, charset="UTF-16LE"))["uris"]
    whole = client.download(uri)
    tag, size = whole.headers["etag"], len(whole.content)
    for start in (1, 5_001, size - 1):
        rest = client.download(uri, **{"Range": f"bytes={start}-", "If-Range": tag})
        assert rest.status_code == 206
        assert rest.headers["content-range"] == f"bytes {start}-{size - 1}/{size}"
        assert rest.content == whole.content[start:]
    middle = client.download(uri, Range="bytes=100-199")
    assert middle.content == whole.content[100:200]
    changed = client.download(uri, **{"Range": "bytes=10-", "If-Range": '"other"'})
    assert (changed.status_code, changed.content) == (200, whole.content)
    beyond = client.download(uri, Range=f"bytes={size}-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")


def test_ranges_can_be_switched_off(signed_in: Started) -> None:
    """ranges=False answers the whole file and does not offer more."""
    client = signed_in(ranges=False)
    (uri,) = client.wait(client.segment("分群1"))["uris"]
    response = client.download(uri, Range="bytes=10-")
    assert response.status_code == 200
    assert not {"etag", "accept-ranges"} & set(response.headers)


def test_head_sends_no_body(client: Client) -> None:
    """HEAD answers the headers of the file alone."""
    (uri,) = client.wait(client.segment("分群1"))["uris"]
    response = client.http.head("/download", params={"file": uri})
    assert int(response.headers["content-length"]) > 0
    assert response.content == b""


def test_a_million_rows_need_no_memory() -> None:
    """A stream of a million rows grows a fresh process by no more than a few blocks of it."""
    rows, growth = map(int, run_python(STREAM).split())
    assert rows == 1_000_001
    # Bytes on macOS, kilobytes elsewhere.
    assert growth < 10 * (1024 * 1024 if sys.platform == "darwin" else 1024)


def test_polls_are_answered_while_files_stream(signed_in: Started) -> None:
    """A download under way does not hold up other requests."""
    client = signed_in(users=50_000_000)
    (uri,) = client.wait(client.segment("全部用户"))["uris"]
    enough = threading.Event()

    def read() -> None:
        with Client(client.sandbox) as reader:
            reader.sign_in()
            with reader.http.stream("GET", "/download", params={"file": uri}) as response:
                for _ in response.iter_raw():
                    if enough.is_set():
                        return

    thread = threading.Thread(target=read)
    thread.start()
    try:
        waits = []
        for _ in range(10):
            begin = time.monotonic()
            client.data("{ __typename }")
            waits.append(time.monotonic() - begin)
    finally:
        enough.set()
        thread.join()
    assert sorted(waits)[5] < 0.5
