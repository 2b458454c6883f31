"""Results on a disk: finished jobs whose files are served as they are."""

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from gio_pandas import sandbox
from gio_pandas.sandbox import disk

from .client import Client
from .process import run_python, start_python

Started = Callable[..., Client]
Served = Callable[..., tuple[Client, str]]
AWKWARD = "下载 用户+列表&100%#1%20.csv"
# More than 32 bits can count, on a disk that stores no zeros.
SIZE = 5_000_000_000

# Prints the bytes of a download and by how much the process's peak memory grew.
STREAM = """
import json, resource
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from gio_pandas import sandbox

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

with sandbox.start(results={"J": [SOURCE]}) as platform:
    form = dict(grant_type="client_credentials", client_id="api", scope="system")
    form["client_secret"] = platform.api_key
    with urlopen(platform.url + "/accounts/oauth/access_token", urlencode(form).encode()) as answer:
        token = json.load(answer)["access_token"]
    url = platform.url + "/download?" + urlencode({"file": "/jobs/results/RES-1/1/large.csv"})
    before = peak()
    with urlopen(Request(url, headers={"Authorization": f"Token {token}"})) as answer:
        print(sum(map(len, iter(lambda: answer.read(65536), b""))), peak() - before)
"""


@pytest.fixture
def served(signed_in: Started, tmp_path: Path) -> Served:
    """Serve some bytes as the one file of the job J."""

    def serve(content: bytes, name: str = "users.csv", **options: Any) -> tuple[Client, str]:
        (tmp_path / name).write_bytes(content)
        client = signed_in(results={"J": [tmp_path / name]}, **options)
        (uri,) = _uris(client)
        return client, uri

    return serve


def _uris(client: Client, job: str = "J") -> list[str]:
    result = client.result({"id": job})
    assert result is not None
    assert result["stage"] == "FINISH"
    return result["uris"]


def test_a_result_is_finished_from_the_start(signed_in: Started, tmp_path: Path) -> None:
    """`jobResult` answers FINISH and the files in their order, however long a stage takes."""
    names = ["b.csv", "a.csv", "c.csv"]
    for name in names:
        (tmp_path / name).write_text(f"gio_id\n{name}\n")
    results = {"job/1==": [tmp_path / name for name in names], "none": []}
    client = signed_in(results=results, stage_seconds=60)
    uris = _uris(client, "job/1==")
    assert [uri.rpartition("/")[2] for uri in uris] == names
    assert [client.download(uri).text for uri in uris] == [f"gio_id\n{name}\n" for name in names]
    assert _uris(client, "none") == []


def test_files_of_one_name_are_two_files(signed_in: Started, tmp_path: Path) -> None:
    """Files of the same name, in one job or in two, keep their own bytes."""
    paths = [tmp_path / folder / "users.csv" for folder in ("1", "2", "3")]
    for path in paths:
        path.parent.mkdir()
        path.write_text(path.parent.name)
    client = signed_in(results={"J": paths[:2], "K": paths[2:]})
    assert [client.download(uri).text for uri in _uris(client) + _uris(client, "K")] == list("123")


@pytest.mark.parametrize("uris", ["raw", "encoded"])
def test_a_file_keeps_its_own_name(served: Served, uris: str) -> None:
    """Chinese letters, blanks and signs in a name come through, in the form of uri asked for."""
    client, uri = served("城市\n".encode(), AWKWARD, uris=uris)
    raw = unquote(uri) if uris == "encoded" else uri
    assert raw.rpartition("/")[2] == AWKWARD
    assert ("/" in uri) == (uris == "raw")
    response = client.download(raw)
    assert response.text == "城市\n"
    name = response.headers["content-disposition"].partition("''")[2]
    assert unquote(name) == AWKWARD


def test_the_bytes_are_those_of_the_disk(served: Served) -> None:
    """Every byte arrives, over the edges of what is read at once, and under its full length."""
    content = os.urandom(2 * disk.CHUNK + 17)
    client, uri = served(content)
    response = client.download(uri)
    assert response.content == content
    assert int(response.headers["content-length"]) == len(content)
    assert response.headers["content-type"] == "text/csv"


def test_an_empty_file_is_an_answer(served: Served) -> None:
    """A file without a byte is a length of 0, not an error."""
    client, uri = served(b"")
    response = client.download(uri)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == "0"


def test_a_broken_transfer_can_be_taken_up(served: Served) -> None:
    """Range gives the rest under the same ETag; the ETag or the date in If-Range allow it."""
    content = os.urandom(disk.CHUNK + 1_000)
    client, uri = served(content)
    whole = client.download(uri)
    assert whole.headers["accept-ranges"] == "bytes"
    assert not whole.headers["etag"].startswith("W/")
    for known in (whole.headers["etag"], whole.headers["last-modified"]):
        for start in (1, disk.CHUNK, len(content) - 1):
            rest = client.download(uri, **{"Range": f"bytes={start}-", "If-Range": known})
            assert rest.status_code == 206
            last = f"{len(content) - 1}/{len(content)}"
            assert rest.headers["content-range"] == f"bytes {start}-{last}"
            assert rest.headers["etag"] == whole.headers["etag"]
            assert rest.content == content[start:]
    assert client.download(uri, Range="bytes=100-199").content == content[100:200]
    beyond = client.download(uri, Range=f"bytes={len(content)}-")
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{len(content)}"


def test_a_file_that_changed_is_not_taken_up(served: Served, tmp_path: Path) -> None:
    """After a change of the same length the ETag is another, and If-Range gives the whole file."""
    client, uri = served(b"old\n")
    tag = client.download(uri).headers["etag"]
    (tmp_path / "users.csv").write_bytes(b"new\n")
    os.utime(tmp_path / "users.csv", ns=(1, 1))
    response = client.download(uri, **{"Range": "bytes=2-", "If-Range": tag})
    assert (response.status_code, response.content) == (200, b"new\n")
    assert response.headers["etag"] != tag


def test_ranges_and_lengths_can_be_switched_off(served: Served) -> None:
    """ranges=False offers no ranges and ignores them; content_length=False is chunked, too."""
    content = os.urandom(disk.CHUNK + 1)
    client, uri = served(content, ranges=False)
    response = client.download(uri, Range="bytes=10-")
    assert (response.status_code, response.content) == (200, content)
    assert not {"etag", "accept-ranges"} & set(response.headers)
    client, uri = served(content, content_length=False)
    response = client.download(uri, Range="bytes=10-")
    assert (response.status_code, response.content) == (200, content)
    assert "content-length" not in response.headers
    assert response.headers["transfer-encoding"] == "chunked"


def test_a_result_needs_the_token(served: Served) -> None:
    """Without a token a file on the disk is 401 as any other."""
    client, uri = served(b"gio_id\n")
    client.http.headers.pop("authorization")
    assert client.download(uri).status_code == 401


def test_only_what_was_named_is_served(served: Served, tmp_path: Path) -> None:
    """A path of the disk, a neighbour and a path with dots are 404."""
    client, uri = served(b"gio_id\n")
    (tmp_path / "secret.csv").write_bytes(b"secret")
    folder = uri.rpartition("/")[0]
    for path in (tmp_path / "secret.csv", f"{folder}/secret.csv", f"{folder}/../1/users.csv"):
        assert client.download(str(path)).status_code == 404


def test_a_file_that_has_gone_is_404(served: Served, tmp_path: Path) -> None:
    """A file deleted after the start is not found; the sandbox goes on."""
    client, uri = served(b"gio_id\n")
    (tmp_path / "users.csv").unlink()
    assert client.download(uri).status_code == 404
    assert client.ask_token().status_code == 200


def test_a_file_that_shrinks_breaks_off(served: Served, tmp_path: Path) -> None:
    """What a client was promised and cannot get ends in a broken transfer, not in a short file."""
    client, uri = served(bytes(64 << 20))
    with client.http.stream("GET", "/download", params={"file": uri}) as response:
        chunks = response.iter_raw()
        next(chunks)
        os.truncate(tmp_path / "users.csv", 1)
        with pytest.raises(httpx.RemoteProtocolError):
            for _ in chunks:
                pass
    assert client.ask_token().status_code == 200


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="shows open files on Linux alone")
@pytest.mark.parametrize("rate", [None, 20e6])
def test_a_client_that_leaves_leaves_no_open_file(served: Served, rate: float | None) -> None:
    """A file is closed soon after its client has gone, without a run of the garbage collector."""
    client, uri = served(bytes(64 << 20), "left.csv", bytes_per_second=rate)
    gc.disable()
    try:
        for _ in range(3):
            with client.http.stream("GET", "/download", params={"file": uri}) as response:
                next(response.iter_raw())
        deadline = time.monotonic() + 10
        while _open("left.csv") and time.monotonic() < deadline:
            time.sleep(0.01)
        assert _open("left.csv") == 0
    finally:
        gc.enable()


def _open(name: str) -> int:
    """Return how often this process has a file of that name open."""
    return sum(os.path.realpath(fd).endswith(name) for fd in Path("/proc/self/fd").iterdir())


def test_head_reads_nothing(served: Served) -> None:
    """HEAD answers the length at once, at any rate."""
    client, uri = served(bytes(1_000_000), bytes_per_second=1)
    response = client.http.head("/download", params={"file": uri})
    assert (response.headers["content-length"], response.content) == ("1000000", b"")


def test_a_file_may_be_larger_than_four_gigabytes(signed_in: Started, tmp_path: Path) -> None:
    """Length and ranges of a file of 5 GB are right on both sides of 32 bits."""
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(SIZE)
        file.seek(SIZE - 4)
        file.write(b"end\n")
    client = signed_in(results={"J": [large]})
    (uri,) = _uris(client)
    head = client.http.head("/download", params={"file": uri})
    assert int(head.headers["content-length"]) == SIZE
    tail = client.download(uri, Range=f"bytes={SIZE - 10}-")
    assert tail.headers["content-range"] == f"bytes {SIZE - 10}-{SIZE - 1}/{SIZE}"
    assert tail.content == bytes(6) + b"end\n"


def test_a_large_file_needs_no_memory(tmp_path: Path) -> None:
    """A download of 400 MB grows a fresh process by no more than a few chunks of it."""
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(400_000_000)
    size, growth = map(int, run_python(f"SOURCE = {str(large)!r}\n{STREAM}").split())
    assert size == 400_000_000
    # Bytes on macOS, kilobytes elsewhere.
    assert growth < 16 * (1024 * 1024 if sys.platform == "darwin" else 1024)


def test_a_missing_file_is_an_error_at_the_start(tmp_path: Path) -> None:
    """A file that is not there, or a folder, is a ValueError that names it."""
    (tmp_path / "there.csv").touch()
    for missing in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(ValueError, match="there is no file") as caught:
            sandbox.start(results={"J": [tmp_path / "there.csv", missing]})
        assert repr(str(missing)) in str(caught.value)


def test_paths_must_be_lists(tmp_path: Path) -> None:
    """A path that is not in a list, or results that are no mapping, are a ValueError."""
    impossible: list[Any] = [{"J": str(tmp_path)}, {"J": tmp_path}, [str(tmp_path)]]
    for results in impossible:
        with pytest.raises(ValueError, match="results must be lists"):
            sandbox.start(results=results)


def test_relative_paths_hold_where_the_process_goes(
    signed_in: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path means the folder in which the sandbox was started."""
    (tmp_path / "users.csv").write_text("gio_id\n")
    monkeypatch.chdir(tmp_path)
    client = signed_in(results={"J": ["users.csv"]})
    monkeypatch.chdir("/")
    assert client.download(*_uris(client)).text == "gio_id\n"


def test_the_options_survive_json(tmp_path: Path) -> None:
    """serve() takes both options as JSON carries them: plain lists, strings and numbers."""
    (tmp_path / "users.csv").touch()
    options = {"results": {"J": [str(tmp_path / "users.csv")]}, "bytes_per_second": 100}
    code = f"""
import json
from gio_pandas import sandbox
options = json.loads({json.dumps(options)!r})
sandbox.serve(0, on_ready=lambda *_: print("ready", flush=True), **options)
"""
    with start_python(code) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
