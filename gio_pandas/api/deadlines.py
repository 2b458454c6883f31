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

__all__ = ["hang_up", "watch", "within"]


class _Until(threading.local):
    at = math.inf


_until = _Until()
_reading: dict[int, Any] = {}
"""What each thread reads from just now."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """End whatever this thread reads meanwhile so many seconds from now, with a ``ReadTimeout``."""
    before = _until.at
    _until.at = min(before, time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.at = before


def watch(request: httpx.Request) -> None:
    """Let the connection that a request opens heed ``within``; a hook for httpx."""
    request.extensions["trace"] = _trace


def _trace(event: str, info: Mapping[str, Any]) -> None:
    """Take a connection as it is opened, and again when its TLS is: later requests use it too."""
    if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
        stream = info["return_value"]
        stream.read = partial(_read, stream, stream.read)


def hang_up(thread: int | None) -> None:
    """End what a thread waits for the platform to send, if it does, from another thread.

    Parameters
    ----------
    thread
        The thread's ``ident``.
    """
    stream = _reading.get(thread or 0)
    connection = stream.get_extra_info("socket") if stream is not None else None
    if connection is not None:
        with suppress(OSError):  # it has ended by itself
            # Not TLS's own shutdown: that one must not run beside a read.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _read(
    stream: Any, read: Callable[..., bytes], max_bytes: int, timeout: float | None = None
) -> bytes:
    _reading[threading.get_ident()] = stream
    try:
        return _read_in_time(read, max_bytes, timeout)
    finally:
        _reading.pop(threading.get_ident(), None)


def _read_in_time(read: Callable[..., bytes], max_bytes: int, timeout: float | None) -> bytes:
    left = _until.at - time.monotonic()
    if left <= 0:
        raise httpx.ReadTimeout("the answer did not come whole in time")
    patience = min(math.inf if timeout is None else timeout, left)
    return read(max_bytes, None if patience == math.inf else patience)
