"""Many exports over a socket: few requests, few connections, none lost."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import pytest

import gio_pandas as gio
from gio_pandas import sandbox as embedded

PROJECT = "默认项目"
HIGH_VALUE = "高价值用户"
BROKEN = "计算失败的分群"
OURS = ("gio-read", "gio-submit", "gio-parse")
Open = Callable[..., gio.Session]


class Front:
    """A gateway before a platform: counts connections, and refuses what it is told to."""

    def __init__(self, platform: embedded.Sandbox) -> None:
        self.connections: set[int] = set()
        self.most_open = 0
        self.refused = 0
        self.refuse: Callable[[bytes], int] = lambda _: 0
        self.stalls = False
        self.stalled = threading.Event()
        self.closing = threading.Event()
        self._open = 0
        self._lock = threading.Lock()
        target = urlsplit(platform.url)
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                with front._lock:
                    front.connections.add(self.client_address[1])
                    front._open += 1
                    front.most_open = max(front.most_open, front._open)

            def finish(self) -> None:
                with front._lock:
                    front._open -= 1
                super().finish()

            def do_GET(self) -> None:
                self._pass_on()

            def do_POST(self) -> None:
                self._pass_on()

            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                status, kind, answer = front.refuse(body), "application/json", b'{"message": "no"}'
                if status:
                    front.refused += 1
                else:
                    there = HTTPConnection(str(target.hostname), int(target.port or 0))
                    there.request(self.command, self.path, body or None, dict(self.headers))
                    reply = there.getresponse()
                    status, answer = reply.status, reply.read()
                    kind = reply.headers.get("content-type", kind)
                    there.close()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                if front.stalls and self.path.startswith("/download"):
                    self.wfile.write(answer[:9])
                    front.stalled.set()
                    front.closing.wait(20)
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_: object) -> None:
                """Say nothing: a client may hang up."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    def __enter__(self) -> Front:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def platform() -> Iterator[embedded.Sandbox]:
    """Start a platform whose exports take a moment."""
    with embedded.start(users=300, stage_seconds=0.05) as started:
        yield started


@pytest.fixture
def connect(platform: embedded.Sandbox) -> Iterator[Open]:
    """Open a session without a limit, unless told otherwise."""
    with ExitStack() as stack:

        def open_session(url: str | None = None, **settings: Any) -> gio.Session:
            known = {"api_key": "sandbox-api-key", "project": PROJECT, "requests_per_second": None}
            return stack.enter_context(gio.Session(url or platform.url, **{**known, **settings}))

        platform.forget_requests()
        yield open_session


def asked(platform: embedded.Sandbox, field: str) -> list[float]:
    """Say when a field was asked for."""
    return [request.at for request in platform.requests if field in request.fields]


def most_in_a_second(times: list[float]) -> int:
    """Count the requests of the busiest second."""
    return max(sum(0 <= other - time < 1 for other in times) for time in times)


def test_two_hundred_exports_at_once(platform: embedded.Sandbox, connect: Open) -> None:
    """In order, in few requests over few connections, and soon."""
    with Front(platform) as front:
        direct = connect()
        jobs = [direct.submit_segment(HIGH_VALUE) for _ in range(199)]
        jobs.insert(7, direct.submit_funnel("漏斗1"))
        session = connect(front.url, requests_per_second=2)
        jobs = [session.attach(job.id) for job in jobs]
        platform.forget_requests()
        started = time.monotonic()
        frames = session.read_many(jobs)
        seconds = time.monotonic() - started
    assert [frame.attrs["gio"]["job"] for frame in frames] == [job.id for job in jobs]
    assert {len(frame) for frame in frames[:7]} == {30}
    assert frames[7].columns[0] != "gio_id"
    polls = asked(platform, "jobResult")
    assert 4 <= len(polls) <= 8
    assert most_in_a_second(polls) <= 2
    downloads = [request for request in platform.requests if request.path == "/download"]
    assert len(downloads) == 200
    assert len(front.connections) <= 8
    assert front.most_open <= 8
    assert seconds < 20


def test_specs_are_submitted_and_read(platform: embedded.Sandbox, connect: Open) -> None:
    """A mapping or a pair is what ``read_…`` of its kind takes, and gives the same frame."""
    session = connect()
    frames = session.read_many(
        [
            {
                "kind": "segment",
                "name": HIGH_VALUE,
                "tags": ["会员等级"],
                "properties": ["usr_city"],
                "dtype": {"城市": "category"},
            },
            ("tag", "tag_payment_times"),
            ["funnel", "漏斗1"],
            {"kind": "event", "name": "事件1", "charset": "GB18030"},
            ("retention", "留存1"),
            ("frequency", "分布1"),
        ],
        max_workers=3,
    )
    alone = [
        session.read_segment(
            HIGH_VALUE, tags=["会员等级"], properties=["usr_city"], dtype={"城市": "category"}
        ),
        session.read_tag("tag_payment_times"),
        session.read_funnel("漏斗1"),
        session.read_event("事件1"),
        session.read_retention("留存1"),
        session.read_frequency("分布1"),
    ]
    for together, by_itself in zip(frames, alone, strict=True):
        pd.testing.assert_frame_equal(together, by_itself)
    assert frames[3].attrs["gio"]["charset"].upper() == "GB18030"


def test_the_platforms_limit_is_held(platform: embedded.Sandbox, connect: Open) -> None:
    """By polls and by submits, each for itself."""
    session = connect(requests_per_second=4)
    specs = [("segment", HIGH_VALUE)] * 8 + [("funnel", "漏斗1")] * 8
    assert len(session.read_many(specs, max_workers=8)) == 16
    assert most_in_a_second(asked(platform, "jobResult")) <= 4
    for field in ("submitSegmentUserExportJob", "submitAnalysisExportJob"):
        submits = asked(platform, field)
        # The log has when they were answered, which a busy machine does sooner or later.
        assert most_in_a_second(submits) <= 5
        assert 7 / 4 < submits[-1] - submits[0] < 4


@pytest.mark.parametrize("status", [400, 500])
def test_a_platform_that_refuses_aliases_is_read_all_the_same(
    platform: embedded.Sandbox, connect: Open, status: int
) -> None:
    """It is asked for one job at a time, and remembered for it."""
    with Front(platform) as front:
        front.refuse = lambda body: status if b"JobResults" in body else 0
        session = connect(front.url)
        for _ in range(2):
            jobs = [session.submit_segment(HIGH_VALUE) for _ in range(9)]
            assert [len(frame) for frame in session.read_many(jobs)] == [30] * 9
    assert front.refused == 2


BAD = [
    ([("segmnt", "x")], gio.SettingsError, "no kind 'segmnt'"),
    ([{"kind": "segment", "name": HIGH_VALUE, "tgas": []}], gio.SettingsError, "'tags'"),
    ([{"kind": "tag", "name": "会员等级", "charset": "x9"}], gio.SettingsError, "charset 'x9'"),
    ([{"kind": "tag", "name": "会员等级", "timeout": 0}], gio.SettingsError, "timeout="),
    ([{"kind": "segment", "name": HIGH_VALUE, "tags": [5]}], TypeError, "tags="),
    ([HIGH_VALUE], TypeError, "neither a job nor a spec"),
    ([None], TypeError, "neither a job nor a spec"),
]


@pytest.mark.parametrize("errors", ["raise", "return"])
@pytest.mark.parametrize(("specs", "error", "words"), BAD)
def test_what_cannot_be_meant_is_refused_before_anything_is_submitted(
    platform: embedded.Sandbox,
    connect: Open,
    errors: Any,
    specs: Any,
    error: type[Exception],
    words: str,
) -> None:
    """In either way with errors, and with its position."""
    with pytest.raises(error, match=words) as caught:
        connect().read_many([("segment", HIGH_VALUE), *specs], errors=errors)
    assert "position 1 of read_many" in caught.value.__notes__[-1]
    assert asked(platform, "submitSegmentUserExportJob") == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((HIGH_VALUE,), TypeError),
        (({"kind": "segment", "name": HIGH_VALUE},), TypeError),
        ((pd.DataFrame({"kind": ["tag"]}),), TypeError),
        (([], {"max_workers": 0}), gio.SettingsError),
        (([], {"max_workers": 2.5}), TypeError),
        (([], {"max_workers": True}), TypeError),
        (([], {"errors": "ignore"}), gio.SettingsError),
        (([], {"timeout": -1}), gio.SettingsError),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    connect: Open, arguments: Any, error: type[Exception]
) -> None:
    """Before anything else."""
    items, options = (*arguments, {})[:2]
    with pytest.raises(error):
        connect().read_many(items, **options)


def test_nothing_to_read_is_nothing(platform: embedded.Sandbox, connect: Open) -> None:
    """No items, no request."""
    assert connect().read_many([]) == []
    assert connect().read_many(iter(())) == []
    assert platform.requests == ()


def test_a_name_that_is_not_there(platform: embedded.Sandbox, connect: Open) -> None:
    """All names are looked up before the first submit; with ``"return"`` it takes its place."""
    session = connect()
    specs = [("segment", HIGH_VALUE), ("segment", "没有这个"), ("funnel", "漏斗1")]
    with pytest.raises(gio.NotFoundError, match="没有这个") as caught:
        session.read_many(specs)
    assert "position 1" in caught.value.__notes__[-1]
    assert asked(platform, "submitSegmentUserExportJob") == []
    one, two, three = session.read_many(specs, errors="return")
    assert isinstance(one, pd.DataFrame)
    assert isinstance(two, gio.NotFoundError)
    assert isinstance(three, pd.DataFrame)


def test_jobs_that_fail_in_either_way(platform: embedded.Sandbox, connect: Open) -> None:
    """Returned, they stand in their places; raised, the others are named."""
    session = connect()
    jobs = [session.submit_segment(HIGH_VALUE), session.attach("nonsense")]
    jobs += [session.submit_segment(HIGH_VALUE, timeout=0.01)]
    one, two, three = session.read_many(jobs, errors="return", timeout=0.5)
    assert isinstance(one, pd.DataFrame)
    assert isinstance(two, gio.JobTimeoutError)
    assert isinstance(three, pd.DataFrame)
    assert two.job is jobs[1]
    with pytest.raises(gio.JobTimeoutError) as caught:
        session.read_many(jobs, timeout=0.5)
    assert f"gio.attach({jobs[0].id!r})" in caught.value.__notes__[-1]
    assert len(session.attach(jobs[0].id).to_pandas()) == 30


def test_a_job_that_the_platform_gives_up(platform: embedded.Sandbox, connect: Open) -> None:
    """Submitted by read_many itself; the others are read, or named."""
    session = connect()
    specs = [("segment", HIGH_VALUE), ("segment", BROKEN), ("funnel", "漏斗1")]
    one, two, three = session.read_many(specs, errors="return")
    assert isinstance(two, gio.JobFailedError)
    assert isinstance(one, pd.DataFrame)
    assert isinstance(three, pd.DataFrame)
    with pytest.raises(gio.JobFailedError, match=BROKEN) as caught:
        session.read_many([*specs, session.attach(one.attrs["gio"]["job"])])
    assert caught.value.__notes__[0].startswith("The job: gio.attach(")
    assert one.attrs["gio"]["job"] in caught.value.__notes__[-1]


def test_downloads_that_stall_are_let_go(platform: embedded.Sandbox, connect: Open) -> None:
    """An error does not wait for them, and their threads end."""
    with Front(platform) as front:
        front.stalls = True
        session = connect(front.url)
        finished = session.submit_funnel("漏斗1")
        failing = session.submit_segment(BROKEN)
        started = time.monotonic()
        with pytest.raises(gio.JobFailedError):
            session.read_many([finished, failing])
        assert front.stalled.is_set()
        assert time.monotonic() - started < 3
        while any(thread.name.startswith(OURS) for thread in threading.enumerate()):
            assert time.monotonic() - started < 5
            time.sleep(0.01)


def test_jobs_of_two_sessions(platform: embedded.Sandbox, connect: Open) -> None:
    """Each is asked for and downloaded by its own."""
    with embedded.start(users=20, stage_seconds=0, api_key="other") as other:
        there = connect(other.url, api_key="other")
        here = connect()
        job = there.submit_segment(HIGH_VALUE)
        frames = here.read_many([here.submit_segment(HIGH_VALUE), job, ("funnel", "漏斗1")])
    assert [len(frame) for frame in frames[:2]] == [30, len(frames[1])]
    assert frames[1].attrs["gio"]["platform"] == other.url
    assert len(asked(other, "jobResult")) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal of this kind")
def test_ctrl_c_leaves_at_once(connect: Open) -> None:
    """The message has the lines that pick the jobs up, and no thread is left."""
    with embedded.start(users=300, stage_seconds=30) as slow:
        session = connect(slow.url)
        jobs = [session.submit_segment(HIGH_VALUE) for _ in range(3)]
        interrupt = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        interrupt.start()
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt) as caught:
            session.read_many([*jobs, ("funnel", "漏斗1")])
        assert time.monotonic() - started < 2
        interrupt.join()
    said = str(caught.value)
    assert said.startswith("stopped waiting; the jobs go on: ")
    assert all(f"gio.attach({job.id!r})" in said for job in jobs)


def test_jobs_come_as_they_are_completed(platform: embedded.Sandbox, connect: Open) -> None:
    """What was finished first is read first."""
    session = connect()
    slow, quick = session.submit_segment(HIGH_VALUE), session.submit_funnel("漏斗1")
    found = [(job.id, len(job.to_pandas())) for job in gio.as_completed([slow, quick])]
    assert [job_id for job_id, _ in found] == [quick.id, slow.id]


def test_the_module_reads_many_as_a_session_does(platform: embedded.Sandbox) -> None:
    """On the current session."""
    session = gio.connect(platform.url, api_key=platform.api_key, project=PROJECT)
    with session, warnings.catch_warnings():
        (frame,) = gio.read_many([("segment", HIGH_VALUE)])
    assert len(frame) == 30
