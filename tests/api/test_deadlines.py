"""Deadlines: what drips for ever ends all the same, whichever part of an answer it is."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from wire import API_KEY, GRAPHQL, TOKEN, Answer, Wire, data

import gio_pandas as gio
from gio_pandas.api.deadlines import LetGoError, Work, pause, watch, within
from gio_pandas.api.downloads import BrokenTransferError
from gio_pandas.api.transport import Transport

QUERY = "query Projects { projects { id } }"
MUTATION = "mutation Submit { submit { id } }"
HEADER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Long: "
BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
IN_TIME = r"did not come whole in time|timed out"
Open = Callable[..., Transport]
Drip = Callable[[bytes], str]


@pytest.fixture
def drip() -> Iterator[Drip]:
    """Open a server that sends how an answer begins, and a byte every hundredth of a second."""
    done = threading.Event()
    listeners = []
    threads = []

    def answer(connection: socket.socket, begin: bytes) -> None:
        with connection:
            connection.recv(1 << 16)
            connection.sendall(begin)
            try:
                while not done.wait(0.01):
                    connection.sendall(b"x")
            except OSError:
                return

    def serve(listener: socket.socket, begin: bytes) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=answer, args=(connection, begin)))
            threads[-1].start()

    def open_one(begin: bytes) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threads.append(threading.Thread(target=serve, args=(listener, begin)))
        threads[-1].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield open_one
    done.set()
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join()


@pytest.fixture
def little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a whole answer for a fifth of a second."""
    for name in ("_WHOLE", "_SUBMIT"):
        monkeypatch.setattr(f"gio_pandas.api.transport.{name}", 0.2)


@pytest.mark.parametrize("begin", [b"", HEADER, BODY], ids=["nothing", "header", "body"])
def test_an_answer_that_drips_is_not_waited_for(
    drip: Drip, transport: Open, little_time: None, begin: bytes
) -> None:
    """Each byte comes in time, and all of them never: queries, submits and files have an end."""
    opened = transport(drip(begin), token="t", api_key=None)
    with pytest.raises(gio.PlatformUnavailableError, match=IN_TIME):
        opened.query(QUERY, {}, attempts=1)
    with pytest.raises(gio.SubmitUncertainError, match=IN_TIME):
        opened.submit(MUTATION, {})
    if begin != BODY:
        with pytest.raises(BrokenTransferError, match=IN_TIME), opened.download("/download"):
            pass


@pytest.mark.parametrize("begin", [HEADER, BODY], ids=["header", "body"])
def test_a_poll_that_drips_ends_with_the_wait(drip: Drip, transport: Open, begin: bytes) -> None:
    """It has no more time than the wait has left."""
    opened = transport(drip(begin), token="t", api_key=None)
    began = time.monotonic()
    with pytest.raises(gio.PlatformUnavailableError, match=IN_TIME):
        opened.query(QUERY, {}, attempts=1, timeout=0.2)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("begin", [HEADER, BODY], ids=["header", "body"])
def test_a_token_that_drips_is_not_waited_for(
    drip: Drip, transport: Open, little_time: None, begin: bytes
) -> None:
    """Nothing was submitted then."""
    with pytest.raises(gio.PlatformUnavailableError, match=IN_TIME) as caught:
        transport(drip(begin), api_key=API_KEY).query(QUERY, {}, attempts=1)
    assert caught.value.seen is False


def test_a_connection_that_was_kept_is_watched_too(
    wire: Wire, transport: Open, request: pytest.FixtureRequest
) -> None:
    """The second answer on it has the same time as the first."""

    def dripping() -> Iterator[bytes]:
        while not wire.closing.wait(0.01):
            yield b" "

    wire.on(GRAPHQL, data(ok=1), lambda _: Answer(body=dripping()))
    opened = transport(wire.url)
    assert opened.query(QUERY, {}) == {"ok": 1}
    request.getfixturevalue("little_time")  # the honest answer has had all it needed
    with pytest.raises(gio.PlatformUnavailableError, match=IN_TIME):
        opened.query(QUERY, {}, attempts=1)
    assert len({asked.port for asked in wire.at(GRAPHQL) + wire.at(TOKEN)}) == 1


def test_a_file_has_as_much_time_as_it_takes(
    wire: Wire, transport: Open, little_time: None
) -> None:
    """Once it has begun, each byte that comes in time is one."""

    def slow() -> Iterator[bytes]:
        for _ in range(40):
            time.sleep(0.01)
            yield b"x"

    wire.on("/download", lambda _: Answer(body=slow()))
    with transport(wire.url).download("/download") as reply:
        assert b"".join(reply.chunks) == b"x" * 40


def test_a_shorter_time_within_a_longer_one_counts(wire: Wire, transport: Open) -> None:
    """And a longer one within a shorter one does not."""
    wire.on(GRAPHQL, data(ok=1))
    opened = transport(wire.url)
    with (
        within(0),
        within(100),
        pytest.raises(gio.PlatformUnavailableError, match="did not come whole in time"),
    ):
        opened.query(QUERY, {}, attempts=1)
    assert opened.query(QUERY, {}) == {"ok": 1}


# --- hung up from another thread ---------------------------------------------------------------


class Waiter:
    """A server of one connection, that answers a request when it is told to."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Semaphore(0), threading.Semaphore(0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            while connection.recv(1 << 16):
                self.asked.release()
                self.go.acquire()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def close(self) -> None:
        """End what is left."""
        self._listener.close()
        self._thread.join()


@pytest.fixture
def waiter() -> Iterator[Waiter]:
    """Start one."""
    started = Waiter()
    yield started
    started.close()


def test_a_work_that_has_ended_hangs_up_on_nobody(waiter: Waiter) -> None:
    """Its thread and its connection are another work's by now; that one can be hung up itself."""
    ended, going = Work(), Work()
    answers: list[str] = []

    def ask() -> None:
        with going.begun():
            for _ in range(2):
                try:
                    answers.append(client.get(waiter.url).text)
                except httpx.TransportError as error:
                    answers.append(type(error).__name__)
                    return

    with httpx.Client(event_hooks={"request": [watch]}, trust_env=False) as client:
        waiter.go.release()
        with ended.begun():
            assert client.get(waiter.url).text == "ok"
        thread = threading.Thread(target=ask)
        thread.start()
        for _ in range(2):
            assert waiter.asked.acquire(timeout=10)
        ended.hang_up()
        waiter.go.release()
        assert waiter.asked.acquire(timeout=10)
        while thread.is_alive():  # its read may begin a little later
            going.hang_up()
            thread.join(0.01)
        waiter.go.release()
    assert answers == ["ok", "RemoteProtocolError"]


def test_a_pause_ends_when_its_work_is_hung_up() -> None:
    """However long it would be; a thread that is at no work does not pause here at all."""
    going = Work()
    told: list[bool | None] = []

    def rest() -> None:
        with going.begun():
            told.append(pause(0.001))
            told.append(pause(600))

    thread = threading.Thread(target=rest, daemon=True)
    thread.start()
    going.hang_up()
    thread.join(20)
    assert not thread.is_alive()
    assert told[-1] is False
    assert pause(600) is None


def test_a_work_that_was_hung_up_asks_nothing_more(waiter: Waiter) -> None:
    """Not by a request that is sent again, either; another work of the same thread goes on."""
    over = Work()
    over.hang_up()
    with httpx.Client(event_hooks={"request": [watch]}, trust_env=False) as client:
        with over.begun(), pytest.raises(LetGoError):
            client.get(waiter.url)
        assert not waiter.asked.acquire(blocking=False)
        waiter.go.release()
        with Work().begun():
            assert client.get(waiter.url).text == "ok"
    assert over.is_over
