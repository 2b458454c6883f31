"""How long an exchange may take as a whole: httpx bounds each of its reads alone.

A server that sends a byte now and then, of its headers or its body, would hold a thread for ever.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import httpx

__all__ = ["LetGoError", "Work", "pause", "watch", "within", "work_at_hand"]


class LetGoError(httpx.ConnectError):
    """Nobody waits any more for what was about to be asked; nothing was sent."""


class Work:
    """What a thread does for a while, and another one may end: its reads from the platform.

    It is not the thread's number: that is another thread's as soon as the first one has ended.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stream: Any = None
        self._over = threading.Event()

    @property
    def is_over(self) -> bool:
        """Whether it was hung up: then it asks nothing more."""
        return self._over.is_set()

    def pause(self, seconds: float) -> bool:
        """Wait so many seconds, or until it is hung up, and tell whether it is not."""
        return not self._over.wait(seconds)

    @contextmanager
    def begun(self) -> Iterator[None]:
        """Take for this work's own what the thread reads meanwhile."""
        before, _here.work = _here.work, self
        try:
            yield
        finally:
            _here.work = before

    @contextmanager
    def reading(self, stream: Any) -> Iterator[None]:
        """Let a connection be hung up meanwhile; afterwards it may be another work's."""
        with self._lock:
            self._stream = stream
            if self._over.is_set():
                self._shut()
        try:
            yield
        finally:
            with self._lock:
                self._stream = None

    def hang_up(self) -> None:
        """End what is waited for from the platform, from another thread; no request follows."""
        with self._lock:
            self._over.set()
            self._shut()

    def _shut(self) -> None:
        connection = self._stream.get_extra_info("socket") if self._stream is not None else None
        if connection is not None:
            with suppress(OSError):  # it has ended by itself
                # Not TLS's own shutdown: that one must not run beside a read.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Here(threading.local):
    until = math.inf
    work: Work | None = None


_here = _Here()


def work_at_hand() -> Work:
    """Give the work that this thread is at; where it is at none, a new one to begin."""
    return _here.work or Work()


def pause(seconds: float) -> bool | None:
    """Wait, and tell whether the work goes on after it; None, at once, where there is none.

    Without one it is better slept: what is waited for otherwise, Ctrl-C does not end on Windows.
    """
    return None if _here.work is None else _here.work.pause(seconds)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """End whatever this thread reads meanwhile so many seconds from now, with a ``ReadTimeout``."""
    before = _here.until
    _here.until = min(before, time.monotonic() + seconds)
    try:
        yield
    finally:
        _here.until = before


def watch(request: httpx.Request) -> None:
    """Let the connection that a request opens heed ``within``; a hook for httpx.

    Raises
    ------
    LetGoError
        The work that it is for was hung up.
    """
    if _here.work is not None and _here.work.is_over:
        raise LetGoError("it was let go", request=request)
    request.extensions["trace"] = _trace


def _trace(event: str, info: Mapping[str, Any]) -> None:
    """Take a connection as it is opened, and again when its TLS is: later requests use it too."""
    if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
        stream = info["return_value"]
        stream.read = partial(_read, stream, stream.read)


def _read(
    stream: Any, read: Callable[..., bytes], max_bytes: int, timeout: float | None = None
) -> bytes:
    if _here.work is None:
        return _read_in_time(read, max_bytes, timeout)
    with _here.work.reading(stream):
        return _read_in_time(read, max_bytes, timeout)


def _read_in_time(read: Callable[..., bytes], max_bytes: int, timeout: float | None) -> bytes:
    left = _here.until - time.monotonic()
    if left <= 0:
        raise httpx.ReadTimeout("the answer did not come whole in time")
    patience = min(math.inf if timeout is None else timeout, left)
    return read(max_bytes, None if patience == math.inf else patience)
