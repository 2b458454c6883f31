"""Misbehaving on purpose, seen over a real socket."""

import gzip
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from click.testing import CliRunner

from gio_pandas import sandbox
from gio_pandas.cli import main
from gio_pandas.sandbox import FAULTS, Fault
from gio_pandas.sandbox.faults.kind import ALWAYS, STEPS

from .client import PROJECT, Client

Started = Callable[..., Client]
ASK = f'{{ segments(projectId: "{PROJECT}") {{ id }} }}'
URL = "http://127.0.0.1:9/elsewhere"


@pytest.fixture
def platform(client: Client) -> Iterator[Client]:
    """Return a signed-in client of a sandbox that misbehaves for this test alone."""
    client.ids("segments")
    client.sandbox.forget_requests()
    yield client
    client.sandbox.misbehave()


def played(client: Client) -> list[str]:
    """Return what has happened, in order."""
    return [f"{play.fault}:{play.step}@{play.number}" for play in client.sandbox.played]


def steps(client: Client) -> Counter[str]:
    """Count what was asked."""
    return Counter(request.step for request in client.sandbox.requests)


def small(client: Client, **arguments: Any) -> str:
    """Export a segment and return the address of its file."""
    arguments = {"properties": ["usr_gender", "usr_city"], **arguments}
    (uri,) = client.wait(client.segment("高价值用户", **arguments))["uris"]
    return uri


def read_broken(client: Client, uri: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """Read what comes of a download before it breaks off."""
    got = b""
    with (
        client.http.stream("GET", "/download", params={"file": uri}, headers=headers) as response,
        suppress(httpx.RemoteProtocolError),
    ):
        for chunk in response.iter_raw():
            got += chunk
        raise AssertionError("it did not break")
    return response, got


# --- what can be said -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("drop", Fault("drop")),
        ("lose_answer", Fault("lose_answer", step="submit", at=1)),
        ("cut:download@2,size=1000", Fault("cut", "download", at=(2,), size=1000)),
        ("503:poll@1+3,retry_after=0.5", Fault("503", "poll", at=[1, 3], retry_after=0.5)),
        ("429@2-4,retry_date=3", Fault("429", at=range(2, 5), retry_date=3)),
        ("401:query@all", Fault("401", "query", at=ALWAYS)),
        ("reset@5%,seed=7", Fault("reset", at=ALWAYS, probability=0.05, seed=7)),
        ("cut@2-,file=3", Fault("cut", at=range(2, ALWAYS.stop), file=3)),
        ("uris_other_origin,url=http://a:1/b", Fault("uris_other_origin", url="http://a:1/b")),
    ],
)
def test_the_text_form_says_what_the_class_says(text: str, fault: Fault) -> None:
    """Each way to write a fault; and what is written of it reads the same."""
    assert Fault.parse(text) == fault
    assert Fault.parse(str(fault)) == fault


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dorp", "no fault is called 'dorp'; there are drop, lose_answer, "),
        ("cut:poll", "cut hits download or any, not 'poll'"),
        ("cut@x", "@x must be like @2"),
        ("cut@0", "counts requests from 1"),
        ("cut@4-2", "counts requests from 1"),
        ("reset@0%", "probability must be above 0"),
        ("cut,sise=3", "no parameter is 'sise'; some: seed, file, seconds"),
        ("cut,size", "write it like cut:download@2,size=1000"),
        ("cut,size=much", "is no fault"),
        ("cut,size=-1", "size must be 0 or more"),
        ("drop,size=3", "drop does not take size; its parameters: file"),
        ("401:query,file=1", "file is of downloads"),
        ("redirect_elsewhere", "redirect_elsewhere needs url="),
        ("", "is no fault"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(text: str, words: str) -> None:
    """The message has what is wrong and what there is, at the start and later on."""
    with pytest.raises(ValueError, match=re.escape(words)):
        sandbox.start(faults=[text])


def test_the_list_says_what_each_does() -> None:
    """Every fault has a line, steps that exist, and is refused nowhere where it says it hits."""
    for name, kind in FAULTS.items():
        assert kind.name == name
        assert kind.about.endswith(".")
        url = {"url": URL} if "url" in kind.takes else {}
        assert [Fault(name, step, **url).requests for step in kind.steps] == [kind.at] * len(
            kind.steps
        )
        assert set(kind.steps) <= set(STEPS)


# --- when -----------------------------------------------------------------------------------------


def test_requests_are_counted_by_step(platform: Client) -> None:
    """The second poll is the second poll, whatever else was asked; each fault counts for itself."""
    platform.sandbox.misbehave("500:poll@2", "503:query@1+3")
    job = platform.segment("分群1")
    statuses = [platform.post(ASK).status_code for _ in range(4)]
    assert statuses == [503, 200, 503, 200]
    query = "query($id: String!) { jobResult(id: $id) { stage } }"
    assert [platform.post(query, id=job["id"]).status_code for _ in range(3)] == [200, 500, 200]
    assert played(platform) == ["503:query@1", "503:query@2", "500:poll@1"]
    assert steps(platform) == {"submit": 1, "query": 4, "poll": 3}


def test_new_faults_count_anew_and_none_end_them(platform: Client) -> None:
    """misbehave() replaces what was to be played; without arguments all is well again."""
    for _ in range(2):
        platform.sandbox.misbehave("500:query")
        assert [platform.post(ASK).status_code for _ in range(2)] == [500, 200]
    platform.sandbox.misbehave("500@all")
    platform.sandbox.misbehave()
    assert platform.post(ASK).status_code == 200


def test_a_lot_is_drawn_by_its_seed(platform: Client) -> None:
    """A share of the requests is hit, the same ones for the same seed."""

    def hits(seed: int) -> list[int]:
        platform.sandbox.misbehave(f"500:query@30%,seed={seed}")
        return [n for n in range(60) if platform.post("{ __typename }").status_code == 500]

    assert hits(1) == hits(1) != hits(2)
    assert 5 < len(hits(1)) < 35


def test_a_download_can_be_told_by_its_file(started: Started) -> None:
    """With file=, a job's n-th file alone is hit, and its requests are counted."""
    client = started(parts=3, faults=["404:download@1-2,file=2"]).sign_in()
    uris = client.wait(client.segment("高价值用户"))["uris"]
    got = [[client.download(uri).status_code for uri in uris] for _ in range(3)]
    assert got == [[200, 404, 200], [200, 404, 200], [200, 200, 200]]


def test_several_faults_hit_one_request(started: Started) -> None:
    """The first one has the last word: here the range is ignored, then the whole file is cut."""
    client = started(faults=["cut:download@2,size=30", "range_ignored"]).sign_in()
    whole = client.download(uri := small(client)).content
    response, got = read_broken(client, uri, range="bytes=20-")
    assert (response.status_code, got) == (200, whole[:30])
    assert played(client) == ["range_ignored:download@2", "cut:download@1"]


def test_what_never_happened_is_not_said_to_have(platform: Client) -> None:
    """A cut behind the end, a range that nobody asked for, a file that is the first: not played."""
    uri = small(platform)
    platform.sandbox.misbehave("cut@all,size=9999999", "range_ignored", "wrong_range@all")
    assert platform.download(uri).status_code == 200
    platform.sandbox.misbehave("other_columns", "uris_null", "job_backwards")
    assert platform.download(uri).status_code == 200
    assert platform.download("/no/such/file").status_code == 404
    assert played(platform) == []


# --- connections ----------------------------------------------------------------------------------


@pytest.mark.parametrize("step", STEPS)
def test_nothing_was_done_where_the_connection_ends(platform: Client, step: str) -> None:
    """A dropped request of each step gets no answer, leaves no job, and is logged with status 0."""
    uri, jobs = small(platform), len(platform.sandbox.jobs)
    asks: dict[str, Callable[[], object]] = {
        "token": platform.ask_token,
        "query": lambda: platform.post("{ projects { id } }"),
        "submit": lambda: platform.segment("分群1"),
        "poll": lambda: platform.result({"id": "none"}),
        "download": lambda: platform.download(uri),
    }
    platform.sandbox.forget_requests()
    platform.sandbox.misbehave(Fault("drop", step))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        asks[step]()
    (request,) = platform.sandbox.requests
    assert (request.step, request.status) == (step, 0)
    assert played(platform) == [f"drop:{step}@1"]
    assert len(platform.sandbox.jobs) == jobs
    asks[step]()


def test_a_reset_is_one(platform: Client) -> None:
    """The client's socket hears RST, not an orderly end."""
    platform.sandbox.misbehave("reset:query")
    with pytest.raises(httpx.ReadError) as caught:
        platform.post(ASK)
    assert isinstance(root(caught.value), ConnectionResetError)
    assert platform.post(ASK).status_code == 200


def root(error: BaseException | None) -> BaseException | None:
    """Return what an error came of."""
    while error is not None and (error.__cause__ or error.__context__):
        error = error.__cause__ or error.__context__
    return error


@pytest.mark.parametrize("fault", ["lose_answer", "timeout_page", "truncated_json:submit"])
def test_a_submit_whose_answer_is_lost_starts_a_job(platform: Client, fault: str) -> None:
    """The request is carried out: the job is there, and can be asked for by its id."""
    before = platform.sandbox.jobs
    platform.sandbox.misbehave(fault)
    with pytest.raises((httpx.RemoteProtocolError, AssertionError, json.JSONDecodeError)):
        platform.segment("分群1")
    (job,) = platform.sandbox.jobs[len(before) :]
    assert platform.wait({"id": job})["stage"] == "FINISH"


def test_a_stall_gives_nothing_and_hears_the_client_go(platform: Client) -> None:
    """No byte within the client's patience; the server does not sit the time out."""
    platform.sandbox.misbehave("stall:query,seconds=60")
    with pytest.raises(httpx.ReadTimeout):
        platform.http.post("/graphql", json={"query": ASK}, timeout=0.1)
    deadline = time.monotonic() + 20
    while len(platform.sandbox.requests) < 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [request.status for request in platform.sandbox.requests] == [0]


def test_a_stall_ends_in_a_hang_up(platform: Client) -> None:
    """When its seconds are over, the connection ends without an answer."""
    platform.sandbox.misbehave("stall:query,seconds=0.01")
    with pytest.raises(httpx.RemoteProtocolError):
        platform.post(ASK)


def test_a_slow_answer_comes(platform: Client) -> None:
    """The body of the request is still there when it is answered at last, no sooner than said."""
    platform.sandbox.misbehave("slow:query,seconds=0.1")
    began = time.monotonic()
    assert platform.data(ASK)["segments"]
    assert time.monotonic() - began >= 0.1


@pytest.mark.parametrize("status", [None, 503])
def test_a_restart_refuses_everything_for_a_while(platform: Client, status: int | None) -> None:
    """From its first request on all steps are refused, then none is, and jobs are still known."""
    job = platform.segment("分群1")
    platform.sandbox.misbehave(Fault("restart", "query", seconds=0.3, status=status))
    assert platform.wait(job)["stage"] == "FINISH"
    began = time.monotonic()
    for ask in (lambda: platform.post(ASK), platform.ask_token, lambda: platform.post(ASK)):
        if status is None:
            with pytest.raises(httpx.RemoteProtocolError):
                ask()
        else:
            assert ask().status_code == status
    time.sleep(max(0.0, began + 0.35 - time.monotonic()))
    assert platform.data(ASK)["segments"]
    assert platform.wait(job)["stage"] == "FINISH"
    assert [play.step for play in platform.sandbox.played] == ["query", "token", "query"]


def test_the_sandbox_stops_while_it_stalls(started: Started) -> None:
    """stop() does not wait for what a fault holds up."""
    client = started(faults=["stall,seconds=600"])
    address = ("127.0.0.1", httpx.URL(client.sandbox.url).port)
    with socket.create_connection(address) as line:
        line.sendall(b"GET /download HTTP/1.1\r\nHost: a\r\n\r\n")
        deadline = time.monotonic() + 20
        while not client.sandbox.played and time.monotonic() < deadline:
            time.sleep(0.01)
        client.sandbox.stop()
    assert not client.sandbox.running
    assert [play.fault for play in client.sandbox.played] == ["stall"]


# --- statuses and gateways ------------------------------------------------------------------------


@pytest.mark.parametrize("status", [403, 404, 429, 500, 502, 503, 504])
def test_a_status_refuses_a_submit(platform: Client, status: int) -> None:
    """The status comes, no job starts, and what gateways answer is a page."""
    before = platform.sandbox.jobs
    platform.sandbox.misbehave(f"{status}:submit")
    segment = platform.ids("segments")["分群1"]
    query = "mutation($p: HashId!, $s: HashId!)"
    query += " { submitSegmentUserExportJob(projectId: $p, segmentId: $s) { id } }"
    response = platform.post(query, p=PROJECT, s=segment)
    assert response.status_code == status
    assert ("html" in response.headers["content-type"]) is (status in (502, 504))
    assert "retry-after" not in response.headers
    assert platform.sandbox.jobs == before


def test_retry_after_has_two_forms(platform: Client) -> None:
    """Seconds as they were said, or a date that is no sooner."""
    platform.sandbox.misbehave("429:query,retry_after=7", "503:query@2,retry_date=60")
    assert platform.post(ASK).headers["retry-after"] == "7"
    date = parsedate_to_datetime(platform.post(ASK).headers["retry-after"])
    assert 55 < (date - datetime.now(UTC)).total_seconds() <= 61


def test_a_token_dies_and_another_one_lives(started: Started) -> None:
    """After a 401 the token is refused for good, other tokens are not."""
    client = started(faults=["401:query@1"]).sign_in()
    other = Client(client.sandbox).sign_in()
    assert [client.post(ASK).status_code for _ in range(2)] == [401, 401]
    assert played(client) == ["401:query@1"]
    with other:
        assert other.post(ASK).status_code == 200


def test_a_gateway_shows_its_login(started: Started) -> None:
    """As a page, or by a redirect to one, under the platform's prefix."""
    client = started(path_prefix="/cdp", faults=["login_page:query", "login_redirect:query@2"])
    page = client.post(ASK)
    assert (page.status_code, page.headers["content-type"][:9]) == (200, "text/html")
    redirect = client.post(ASK)
    assert redirect.status_code == 302
    where = httpx.URL(client.sandbox.url).join(redirect.headers["location"])
    assert str(where) == f"{client.sandbox.url}/login"
    assert client.http.get(where).content == page.content
    assert client.sandbox.requests[-1].step == ""


def test_redirects_lead_elsewhere_or_nowhere(started: Started) -> None:
    """To another origin, or on and on within the platform's."""
    client = started(faults=[Fault("redirect_elsewhere", url=URL), "endless_redirects:download@2"])
    assert client.download("/a").headers["location"] == f"{URL}?file=%2Fa"
    with pytest.raises(httpx.TooManyRedirects):
        client.http.get("/download", params={"file": "/a"}, follow_redirects=True)
    assert played(client) == ["redirect_elsewhere:download@1", "endless_redirects:download@1"]


# --- answers --------------------------------------------------------------------------------------


def test_answers_that_are_no_json(platform: Client) -> None:
    """Cut in the middle, garbled, or empty: whole answers over HTTP, of the length they say."""
    whole = platform.post(ASK).content
    platform.sandbox.misbehave("truncated_json:query", "garbled:query@2", "empty_body:query@3")
    cut, garbled, empty = (platform.post(ASK) for _ in range(3))
    assert cut.content == whole[: len(whole) // 2]
    assert len(garbled.content) == len(whole)
    assert not set(garbled.content) & set(b'{}"')
    assert empty.content == b""
    for response in (cut, garbled, empty):
        assert response.status_code == 200
        assert response.headers["content-length"] == str(len(response.content))


@pytest.mark.parametrize("step", ["token", "query"])
def test_json_can_be_huge(platform: Client, step: str) -> None:
    """It is whole and of the size asked for, or ends where nobody reads on."""
    platform.sandbox.misbehave(Fault("huge_json", step, at=1, size=3_000_000))
    response = platform.ask_token() if step == "token" else platform.post(ASK)
    answer = response.json()
    text = answer["access_token"] if step == "token" else answer["data"]["segments"]
    assert len(text) == 3_000_000
    assert "content-length" not in response.headers
    platform.sandbox.misbehave("huge_json:query,size=100000000000")
    with platform.http.stream("POST", "/graphql", json={"query": ASK}) as stream:
        assert next(stream.iter_raw())
    assert platform.post(ASK).status_code == 200


@pytest.mark.parametrize("step", ["query", "download"])
def test_a_gzip_can_be_a_bomb(platform: Client, step: str) -> None:
    """A thousandth of it travels; it is a whole gzip all the same."""
    uri = small(platform)
    platform.sandbox.misbehave(Fault("gzip_bomb", step, size=50 << 20))
    request = (
        platform.http.build_request("GET", "/download", params={"file": uri})
        if step == "download"
        else platform.http.build_request("POST", "/graphql", json={"query": ASK})
    )
    response = platform.http.send(request, stream=True)
    packed = b"".join(response.iter_raw())
    assert response.headers["content-encoding"] == "gzip"
    assert len(packed) < 100_000
    body = gzip.decompress(packed)
    if step == "download":
        assert body == b"gio_id\n" + b"0" * (50 << 20) + b"\n"
    else:
        assert len(json.loads(body)["data"]["segments"]) == 50 << 20


def test_graphql_errors_come_with_and_without_data(platform: Client) -> None:
    """Alone nothing was done; beside data, a job was started."""
    before = platform.sandbox.jobs
    platform.sandbox.misbehave("graphql_error:submit", "partial_data:submit@2")
    mutation = "mutation($p: HashId!, $s: HashId!)"
    mutation += " { job: submitSegmentUserExportJob(projectId: $p, segmentId: $s) { id } }"
    ids = {"p": PROJECT, "s": platform.ids("segments")["分群1"]}
    nothing = platform.post(mutation, **ids)
    assert (nothing.status_code, nothing.json()["data"]) == (200, None)
    assert nothing.json()["errors"][0]["message"]
    assert platform.sandbox.jobs == before
    something = platform.post(mutation, **ids).json()
    assert something["errors"]
    assert (something["data"]["job"]["id"],) == platform.sandbox.jobs[len(before) :]


# --- results --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("job_null", None),
        ("job_unknown_stage", ("ARCHIVING", None)),
        ("job_error", ("ERROR", None)),
        ("uris_null", ("FINISH", None)),
        ("uris_empty", ("FINISH", [])),
    ],
)
def test_a_poll_can_be_told_anything(
    platform: Client, fault: str, expected: tuple[str, list[str] | None] | None
) -> None:
    """What is changed is the answer: once it is told the truth again, the job is there."""
    job = platform.segment("分群1")
    platform.sandbox.misbehave(Fault(fault, at=1))
    result = platform.result(job)
    assert (result and (result["stage"], result["uris"])) == expected
    assert len(platform.files(job)) == 1


def test_a_submit_can_be_told_an_error(platform: Client) -> None:
    """The answer of the submit itself is changed."""
    platform.sandbox.misbehave("job_error:submit", "job_null:submit@2")
    job = platform.segment("分群1")
    assert (job["stage"], job["error"]["code"]) == ("ERROR", "EXPORT_FAILED")
    assert platform.segment("分群1") is None


def test_stages_go_backwards(platform: Client) -> None:
    """Three polls in the wrong order, and then the end; jobs asked for together, too."""
    job = platform.segment("分群1")
    platform.sandbox.misbehave("job_backwards")
    query = (
        "query($id: String!) { a: jobResult(id: $id) { stage } b: jobResult(id: $id) { stage } }"
    )
    seen = [platform.data(query, id=job["id"]) for _ in range(4)]
    assert [answer["a"]["stage"] for answer in seen] == ["RUNNING", "READY", "NONE", "FINISH"]
    assert all(answer["a"] == answer["b"] == {"stage": answer["b"]["stage"]} for answer in seen)


RENAMED = {
    "uris_dots": "/jobs/2/../../../..",
    "uris_local": "/etc/gio-pandas/2/passwd",
    "uris_control": "/jobs/2/用户\r\nX-Odd: 1\x00\x1b[31m.csv",
    "uris_long": "/jobs/2/" + "用户" * 1000 + ".csv",
    "uris_device": "/jobs/2/CON.csv",
    "uris_backslash": "/jobs/2/C:\\..\\..\\odd.csv",
}


@pytest.mark.parametrize("uris", ["raw", "encoded"])
@pytest.mark.parametrize("fault", RENAMED)
def test_files_have_other_names(started: Started, fault: str, uris: str) -> None:
    """Under the names that are told the right files come, each its own."""
    client = started(parts=2, uris=uris).sign_in()
    job = client.segment("高价值用户")
    paths = [unquote(uri) for uri in client.wait(job)["uris"]]
    real = [client.download(path).content for path in paths]
    client.sandbox.misbehave(fault)
    told = client.wait(job)["uris"]
    renamed = [unquote(uri) for uri in told]
    assert (renamed == told) is (uris == "raw")
    assert renamed[1] == RENAMED[fault]
    assert [client.download(uri).content for uri in renamed] == real
    assert client.download("/etc/passwd").status_code == 404


def test_files_are_whole_addresses(started: Started) -> None:
    """On the platform they can be followed; elsewhere they keep their paths."""
    client = started(path_prefix="/cdp", faults=["uris_same_origin@1"]).sign_in()
    job = client.segment("高价值用户")
    (uri,) = client.result(job)["uris"]
    assert uri.startswith(f"{client.sandbox.url}/download?file=")
    assert [client.http.get(uri).content] == client.files(job)
    (path,) = client.result(job)["uris"]
    client.sandbox.misbehave(Fault("uris_other_origin", url="http://127.0.0.1:9/files/"))
    (uri,) = client.result(job)["uris"]
    assert httpx.URL(uri).path == f"/files{path}"


# --- transfers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "length"), [("cut", True), ("cut_chunked", False)])
def test_a_transfer_is_cut(platform: Client, fault: str, length: bool) -> None:
    """Half of the bytes, or as many as asked for; under the whole length or none."""
    uri = small(platform)
    whole = platform.download(uri).content
    for size, expected in ((None, whole[: len(whole) // 2]), (100, whole[:100]), (0, b"")):
        platform.sandbox.misbehave(Fault(fault, size=size))
        response, got = read_broken(platform, uri)
        assert got == expected
        told = response.headers.get("content-length")
        assert told == (str(len(whole)) if length else None)
        rest = platform.download(uri, range=f"bytes={len(got)}-")
        assert got + rest.content == whole


def test_ranges_are_ignored_or_wrong(platform: Client) -> None:
    """The whole file for a part; or the right bytes, said to be others."""
    uri = small(platform)
    whole = platform.download(uri).content
    platform.sandbox.misbehave("range_ignored@1", "wrong_range@2", "416@3")
    ignored = platform.download(uri, range="bytes=10-")
    assert (ignored.status_code, ignored.content) == (200, whole)
    wrong = platform.download(uri, range="bytes=10-")
    assert (wrong.status_code, wrong.content) == (206, whole[10:])
    assert wrong.headers["content-range"].startswith("bytes 11-")
    nothing = platform.download(uri, range="bytes=10-")
    assert (nothing.status_code, nothing.content) == (416, b"")
    assert nothing.headers["content-range"] == f"bytes */{len(whole)}"


def test_a_file_changes_between_two_requests(platform: Client) -> None:
    """Another ETag, other bytes, the same length; parts of the new file can be had by its ETag."""
    uri = small(platform)
    platform.sandbox.misbehave("file_changed")
    old = platform.download(uri)
    new = platform.download(uri, range="bytes=10-", **{"if-range": old.headers["etag"]})
    assert new.status_code == 200
    assert new.headers["etag"] != old.headers["etag"]
    assert len(new.content) == len(old.content)
    assert new.content != old.content
    part = platform.download(uri, range="bytes=10-", **{"if-range": new.headers["etag"]})
    assert (part.status_code, part.content) == (206, new.content[10:])
    assert part.headers["etag"] == new.headers["etag"]


def test_a_file_ends_early_and_cleanly(platform: Client) -> None:
    """Half of it, under a length that fits."""
    uri = small(platform)
    platform.sandbox.misbehave("short@2")
    whole, half = platform.download(uri), platform.download(uri)
    assert half.status_code == 200
    assert half.content == whole.content[: len(whole.content) // 2]


def test_a_file_trickles(platform: Client) -> None:
    """All of it, in small pieces, with a pause behind each."""
    uri = small(platform)
    whole = platform.download(uri).content
    size = len(whole) // 3
    platform.sandbox.misbehave(Fault("trickle", size=size, seconds=0.05))
    began = time.monotonic()
    assert platform.download(uri).content == whole
    assert time.monotonic() - began >= 0.15


# --- contents -------------------------------------------------------------------------------------


@pytest.fixture
def text(platform: Client) -> Callable[..., tuple[str, str]]:
    """Return a file's text before a fault and under it, in the charset that it is asked in."""

    def read(fault: Fault | str, charset: str = "UTF-16LE") -> tuple[str, str]:
        codec = charset.lower().replace("utf-16le", "utf-16-le")
        platform.sandbox.misbehave()
        uri = small(platform, charset=charset)
        before = platform.download(uri).content.decode(codec)
        platform.sandbox.misbehave(fault)
        response = platform.download(uri, range="bytes=5-")
        assert (response.status_code, response.headers["content-type"]) == (200, "text/csv")
        assert platform.download(uri).content == response.content
        return before, response.content.decode(codec)

    return read


@pytest.mark.parametrize("charset", ["UTF-16LE", "UTF-8", "GB18030"])
@pytest.mark.parametrize(
    ("fault", "row"),
    [
        ("nul", "a\x00b,,,\n"),
        ("stray_quote", '"a"b,,,\n'),
        ("unclosed_quote", '"a,,,\n'),
        ("wide_row", "a,,,,\n"),
        ("narrow_row", "a,,\n"),
        ("huge_field", "x" * 3_000_000 + ",,,\n"),
    ],
)
def test_an_odd_row_stands_under_the_header(
    text: Callable[..., tuple[str, str]], fault: str, row: str, charset: str
) -> None:
    """In the file's own charset; the rest of the file is as it was."""
    size = 3_000_000 if fault == "huge_field" else None
    before, after = text(Fault(fault, size=size), charset)
    header, rest = before.split("\n", 1)
    assert header.count(",") == 3
    assert after == f"{header}\n{row}{rest}"


def test_headers_can_be_others(started: Started, text: Callable[..., tuple[str, str]]) -> None:
    """A million columns; or other names in the second file alone."""
    _, wide = text("many_columns")
    names = wide.removesuffix("\n").split(",")
    assert (len(names), len(set(names))) == (1_000_000, 1_000_000)
    client = started(parts=2, faults=["other_columns"]).sign_in()
    one, two = client.files(client.segment("高价值用户", properties=["usr_city"]))
    header = one.partition(b"\n")[0].decode()
    assert two.partition(b"\n")[0].decode() == ",".join(f"{name} 2" for name in header.split(","))


def test_files_that_are_no_tables(platform: Client) -> None:
    """No byte; bytes in no charset; a page and a message under a file's content type."""
    uri = small(platform, charset="UTF-16LE")
    whole = platform.download(uri).content
    faults = ["empty_file@1", "no_charset@2", "html_file@3", "json_file@4"]
    platform.sandbox.misbehave(*faults)
    empty, odd, page, message = (platform.download(uri) for _ in faults)
    assert empty.content == b""
    assert odd.content.startswith(whole)
    for charset in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "gb18030", "big5"):
        with pytest.raises(UnicodeDecodeError):
            odd.content.decode(charset)
    assert page.content.startswith(b"<!DOCTYPE html>")
    assert message.json()["error"]
    for response in (empty, odd, page, message):
        assert (response.status_code, response.headers["content-type"]) == (200, "text/csv")


# --- the command ----------------------------------------------------------------------------------


def test_the_command_lists_what_can_go_wrong() -> None:
    """A line for each fault, and how one is written."""
    done = CliRunner().invoke(main, ["sandbox", "--faults"])
    assert done.exit_code == 0
    lines = [line.split()[0] for line in done.stdout.splitlines() if line.endswith("]")]
    assert lines == list(FAULTS)
    assert "cut:download@2,size=1000" in done.stdout


def test_the_command_refuses_what_cannot_be() -> None:
    """A misspelled fault is a mistake of usage, told in a line."""
    done = CliRunner().invoke(main, ["sandbox", "--port", "0", "--fault", "dorp"])
    assert done.exit_code == 2
    assert "no fault is called 'dorp'; there are drop" in done.stderr


def test_the_command_plays_what_it_is_told() -> None:
    """Each --fault is played; the rest is as ever."""
    command = [sys.executable, "-m", "gio_pandas.cli", "sandbox", "--port", "0"]
    command += ["--fault", "503:token@1", "--fault", "429:token@2,retry_after=3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[4].rstrip(",")
        ask = [httpx.post(f"{url}/accounts/oauth/access_token", trust_env=False) for _ in range(3)]
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=60)
        finally:
            process.kill()
    assert [response.status_code for response in ask] == [503, 429, 415]
    assert process.returncode == 0


def test_every_fault_is_tried_here() -> None:
    """A fault that is added is added to these tests."""
    with open(__file__, encoding="utf-8") as file:
        source = file.read()
    assert [name for name in FAULTS if name not in source] == []
