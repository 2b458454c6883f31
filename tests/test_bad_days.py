"""Waits over a real socket while the platform restarts, refuses, stalls and forgets its tokens."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from conformance.platform import ALWAYS, API_KEY, Fault, Options, Platform
from conformance.world import World

import gio_pandas as gio
from gio_pandas.exports.poller import Poller

VIP = "高价值用户"
BAD_GATEWAY = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 20\r\n"
    b"Connection: close\r\n\r\n<h1>Bad gateway</h1>"
)
PLENTY = 20.0
"""Seconds in which whatever a test waits for has come, on a busy machine too."""


class Door:
    """The one port of a platform: shut, nothing listens there; or a gateway stands in it alone."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._behind = (parts.hostname or "", parts.port or 0)
        self._server: socketserver.ThreadingTCPServer | None = None
        self._held: list[socket.socket] = []
        self._port = 0
        self.alone = False

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Listen, on the same port as ever."""
        door = self

        class Visitor(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    door._let_in(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", self._port), Visitor)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def shut(self) -> None:
        """Listen no more, and reset every connection."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        held, self._held = self._held, []
        for connection in held:
            with suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.shutdown(socket.SHUT_RDWR)

    def _let_in(self, visitor: socket.socket) -> None:
        if self.alone:
            visitor.recv(1 << 16)
            visitor.sendall(BAD_GATEWAY)
            return
        with socket.create_connection(self._behind) as behind:
            self._held += [visitor, behind]
            threading.Thread(target=_pump, args=(visitor, behind), daemon=True).start()
            _pump(behind, visitor)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@dataclass
class Script:
    """What happens in the pauses of a wait, by their number; they take no time."""

    acts: Mapping[int, Callable[[], object]] = field(default_factory=dict)
    every: Callable[[], object] = lambda: None
    pauses: list[float] = field(default_factory=list)
    now: float = 0.0

    def sleep(self, seconds: float) -> None:
        """Pass a pause."""
        self.pauses.append(seconds)
        self.now += seconds
        self.every()
        self.acts.get(len(self.pauses), lambda: None)()

    def clock(self) -> float:
        """Tell the time."""
        return self.now

    def wait(self, *jobs: gio.ExportJob) -> list[gio.GioError | None]:
        """Wait for jobs, alone or together."""
        poller = Poller(clock=self.clock, sleep=self.sleep)
        for job in jobs:
            poller.add(job)
        return [error for _, error in poller.outcomes()]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Close in the end what the test opened."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(stack: ExitStack) -> Callable[..., Platform]:
    """Open a platform."""
    return lambda **options: stack.enter_context(Platform(Options(**options), World()))


@pytest.fixture
def connect(stack: ExitStack) -> Callable[..., gio.Session]:
    """Open a session on an address."""
    known: dict[str, Any] = {"api_key": API_KEY, "project": "默认项目"}
    return lambda url, **more: stack.enter_context(gio.Session(url, **known, **more))


Serve = Callable[..., Platform]
Connect = Callable[..., gio.Session]


def submitted(session: gio.Session, script: Script, count: int = 1) -> list[gio.ExportJob]:
    """Submit exports whose waits are played by the script."""
    jobs = [session.submit_segment(VIP) for _ in range(count)]
    for job in jobs:
        job._sleep = script.sleep
    return jobs


@pytest.mark.parametrize("together", [False, True])
def test_a_platform_may_restart_in_the_middle_of_a_wait(
    serve: Serve, connect: Connect, stack: ExitStack, together: bool
) -> None:
    """Its port refuses, then a gateway answers alone, then it is back and knows no token."""
    platform = serve(stages=("RUNNING",) * 4 + ("FINISH",))
    door = Door(platform.url)
    door.open()
    stack.callback(door.shut)

    def begin() -> None:
        door.alone = True
        door.open()

    def be_back() -> None:
        platform.revoke()
        door.alone = False

    script = Script({2: door.shut, 6: begin, 9: be_back})
    session = connect(door.url, requests_per_second=None)
    jobs = submitted(session, script, 3 if together else 1)
    if together:
        assert script.wait(*jobs) == [None] * 3
    else:
        jobs[0].wait(timeout=None)
    assert [len(job.to_pandas()) for job in jobs] == [3] * len(jobs)
    assert platform.submits == len(jobs)
    assert len(script.pauses) > 10


def test_a_name_that_is_not_found_for_a_while_is_waited_out(
    serve: Serve, connect: Connect, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that is away is no failed job."""
    platform = serve(stages=("RUNNING",) * 4 + ("FINISH",))
    door = Door(platform.url)
    door.open()
    stack.callback(door.shut)
    found, missed = socket.getaddrinfo, []

    def look_up(*arguments: Any, **more: Any) -> Any:
        if 2 <= len(script.pauses) < 6:
            missed.append(arguments)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return found(*arguments, **more)

    def hang_up() -> None:
        door.shut()
        door.open()

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    script = Script({2: hang_up})
    (job,) = submitted(connect(door.url), script)
    assert len(job.wait().to_pandas()) == 3
    assert len(missed) >= 3


@pytest.mark.parametrize("lives", [1, 2])
def test_tokens_die_again_and_again_while_jobs_are_polled(
    serve: Serve, connect: Connect, lives: int
) -> None:
    """Each poll may cost a token, and none of them the wait."""
    platform = serve(stages=("RUNNING",) * 9 + ("FINISH",), token_lives=lives)
    script = Script(every=platform.revoke)
    session = connect(platform.url, requests_per_second=None)
    jobs = submitted(session, script, 4)
    assert script.wait(*jobs) == [None] * 4
    assert [len(job.to_pandas()) for job in jobs] == [3] * 4
    assert platform.submits == 4


def test_tokens_die_while_threads_wait(serve: Serve, connect: Connect) -> None:
    """Waits in several threads get over it, too."""
    platform = serve(stages=("RUNNING",) * 20 + ("FINISH",))
    session = connect(platform.url)
    jobs = submitted(session, Script(every=platform.revoke), 4)
    threads = [threading.Thread(target=job.wait) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PLENTY)
    assert [len(job.uris) for job in jobs] == [1] * 4


@pytest.mark.parametrize("what", [429, 503])
@pytest.mark.parametrize("step", ["poll", "token"])
@pytest.mark.parametrize("together", [False, True])
def test_a_platform_that_names_a_pause_gets_it(
    serve: Serve, connect: Connect, what: int, step: str, together: bool
) -> None:
    """Retry-After is kept to, by one wait and by many, whatever it came upon."""
    platform = serve(stages=("RUNNING", "RUNNING", "FINISH"))
    script = Script()
    session = connect(platform.url, requests_per_second=None)
    jobs = submitted(session, script, 3 if together else 1)
    nth = len(platform.asked(step))
    platform.set(faults=(Fault(step, what, at=(nth + 1,), headers={"Retry-After": "17"}),))
    platform.revoke()
    if together:
        assert script.wait(*jobs) == [None] * 3
    else:
        jobs[0].wait()
    assert script.pauses[0] == 17.0
    assert max(script.pauses[1:]) < 5


def test_a_login_page_once_is_passed_over(serve: Serve, connect: Connect) -> None:
    """A gateway whose session ended gets a new token, and the wait goes on."""
    platform = serve(stages=("RUNNING", "RUNNING", "FINISH"), faults=(Fault("poll", "page", (2,)),))
    (job,) = submitted(connect(platform.url), Script())
    assert len(job.wait().to_pandas()) == 3


@pytest.mark.parametrize("what", ["page", "redirect", 401])
def test_who_is_locked_out_is_told_so(serve: Serve, connect: Connect, what: int | str) -> None:
    """A login that a new token does not help with ends the wait, after few requests."""
    platform = serve(stages=("RUNNING",), faults=(Fault("poll", what, range(3, 99)),))
    script = Script()
    (job,) = submitted(connect(platform.url), script)
    with pytest.raises(gio.AuthenticationError) as caught:
        job.wait()
    assert caught.value.__notes__ == [f"The job: gio.attach({job.id!r})"]
    assert len(script.pauses) == 3
    assert len(platform.asked("poll")) <= 7
    platform.set(stages=("FINISH",), faults=())
    assert len(job.to_pandas()) == 3


def test_a_right_that_is_lost_is_told_at_once(serve: Serve, connect: Connect) -> None:
    """403 in the middle of a wait ends it with the request that it came upon."""
    platform = serve(stages=("RUNNING",), faults=(Fault("poll", 403, (3,)),))
    (job,) = submitted(connect(platform.url), Script())
    with pytest.raises(gio.PermissionDeniedError):
        job.wait()
    assert len(platform.asked("poll")) == 3


@pytest.mark.parametrize("step", ["poll", "token"])
@pytest.mark.parametrize("together", [False, True])
def test_a_wait_ends_on_time_though_nothing_answers(
    serve: Serve, connect: Connect, step: str, together: bool
) -> None:
    """A platform that takes the request and says nothing does not stretch the wait."""
    platform = serve(stages=("RUNNING",))
    session = connect(platform.url)
    job = session.submit_segment(VIP)
    platform.set(faults=(Fault(step, "hang", ALWAYS),))
    platform.revoke()
    ended: list[Any] = []

    def wait() -> None:
        try:
            ended.append(session.read_many([job], timeout=1) if together else job.wait(timeout=1))
        except gio.JobTimeoutError as error:
            ended.append(error)

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    waiting.join(PLENTY)
    (error,) = ended
    assert isinstance(error, gio.JobTimeoutError)
    assert error.job.id == job.id
    platform.set(faults=(), stages=("FINISH",))
    assert len(error.job.to_pandas()) == 3


@pytest.mark.parametrize("uris", ["null", "empty"])
def test_files_that_are_named_late_are_read(serve: Serve, connect: Connect, uris: str) -> None:
    """A platform whose FINISH comes before its files is asked once more."""
    platform = serve(stages=("RUNNING", "FINISH"), uris_after=uris)
    script = Script({3: lambda: platform.set(uris_after="files")})
    (job,) = submitted(connect(platform.url), script)
    assert len(job.wait().to_pandas()) == 3
    assert script.pauses[2] == 0.5
