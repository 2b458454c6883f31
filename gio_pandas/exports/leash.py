"""Downloads in other threads, that are let go of when nobody waits for them any more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from gio_pandas.api.deadlines import Work, work_at_hand
from gio_pandas.api.downloads import Reply
from gio_pandas.api.models import JobResult
from gio_pandas.errors import DownloadError

if TYPE_CHECKING:
    from gio_pandas.exports.job import Platform

__all__ = ["Leash", "in_thread"]

T = TypeVar("T")

_HEARD = 0.2
"""Seconds within which Ctrl-C is heard."""


async def in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """Work in a thread that neither the loop's end nor the program's waits for."""
    import asyncio

    done: Future[T] = Future()
    waiting = Work()

    def do() -> None:
        if done.set_running_or_notify_cancel():
            try:
                with waiting.begun():
                    done.set_result(work(*arguments))
            except BaseException as error:
                done.set_exception(error)

    context = copy_context()
    thread = threading.Thread(target=context.run, args=(do,), name="gio-await", daemon=True)
    thread.start()
    ended = asyncio.wrap_future(done)
    try:
        while not ended.done():
            # A notebook's kernel cancels a task at Ctrl-C, and does not wake its loop for it.
            await asyncio.wait([ended], timeout=_HEARD)
    finally:
        if not ended.done():
            waiting.hang_up()
        ended.cancel()  # nobody asks any more what became of it
    return ended.result()


class Leash:
    """What holds the downloads of other threads, and lets go of all of them at once."""

    def __init__(self) -> None:
        self._loose = threading.Event()
        self._lock = threading.Lock()
        self._replies: dict[int, Reply] = {}
        self._asking: set[Work] = set()

    def line(self, platform: Platform) -> Platform:
        """Give a line to a platform whose downloads are held."""
        return _HeldLine(platform, self)

    def sleep(self, seconds: float) -> None:
        """Pass seconds, unless it is let go."""
        self._loose.wait(seconds)
        self.check()

    def check(self) -> None:
        """Raise where it was let go: nobody waits any more for what this thread does."""
        if self._loose.is_set():
            raise DownloadError("The download was let go", hint="Read the job again.")

    def let_go(self) -> None:
        """End every download, and let none begin."""
        self._loose.set()
        try:
            self._hang_up()
        finally:
            self._hang_up()  # a second Ctrl-C may have cut the first try short

    def _hang_up(self) -> None:
        with self._lock:
            replies, asking = list(self._replies.values()), list(self._asking)
        for reply in replies:
            reply.hang_up()
        for work in asking:
            work.hang_up()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Hold a thread that waits for a download to begin."""
        work = work_at_hand()
        with self._lock:
            self._asking.add(work)
        try:
            self.check()
            with work.begun():
                yield
        finally:
            with self._lock:
                self._asking.discard(work)

    @contextmanager
    def hold(self, reply: Reply) -> Iterator[Reply]:
        """Hold a download while it is read."""
        with self._lock:
            self._replies[id(reply)] = reply
        try:
            self.check()
            yield replace(reply, chunks=self._checked(reply.chunks))
        finally:
            with self._lock:
                del self._replies[id(reply)]

    def _checked(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.check()
            yield chunk


class _HeldLine:
    """A platform, its downloads on a leash."""

    def __init__(self, platform: Platform, leash: Leash) -> None:
        self._platform = platform
        self._leash = leash

    def job_result(self, job_id: str, *, timeout: float | None = None) -> JobResult | None:
        return self._platform.job_result(job_id, timeout=timeout)

    @contextmanager
    def download(self, url: str, **span: Any) -> Iterator[Reply]:
        with (
            self._leash.asking(),
            self._platform.download(url, **span) as reply,
            self._leash.hold(reply) as held,
        ):
            yield held
