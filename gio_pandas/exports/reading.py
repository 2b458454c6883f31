"""The files of a job, several at once, each to what takes its rows."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Thread
from typing import Any, TypeVar

from gio_pandas.api.deadlines import Work
from gio_pandas.exports.files import Part

__all__ = ["Crew", "for_each_part"]

T = TypeVar("T")

_AT_ONCE = 4
"""Files that come at once: more would take turns on the same wire."""

_BLOCK = 1 << 22
_HEARD = 0.2
"""Seconds within which Ctrl-C is heard."""

_LEFT = 1.0
"""Seconds that a thread has to end in, which waits for a server that does not answer."""


@dataclass(frozen=True)
class Crew:
    """Threads for the blocks of a file.

    Parameters
    ----------
    threads
        The threads, which other files may use too.
    ahead
        How many blocks of one file are worked on, or wait, at once: so much of it is in memory.
    block
        About how many bytes of UTF-8 are a block. Larger ones are faster: threads that work in
        Arrow wait for the interpreter whenever they come back from it.
    """

    threads: Executor
    ahead: int
    block: int

    def map(self, work: Callable[..., T], items: Iterable[tuple[Any, ...]]) -> Iterator[T]:
        """Map in the threads, a few items at a time, and give what is made in the items' order."""
        begun: deque[Future[T]] = deque()
        try:
            for item in items:
                begun.append(self.threads.submit(work, *item))
                del item  # let go where it is worked up
                if len(begun) == self.ahead:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            # None still works when a file is begun again.
            wait([future for future in begun if not future.cancel()])


def for_each_part(
    parts: Sequence[Part], do: Callable[[Part, Crew], None], *, block: int | None = None
) -> None:
    """Do something with each file, some of them at once; the first error ends all of it.

    Parameters
    ----------
    parts
        The files.
    do
        What to do; runs in a thread of its own, and is given threads to work in.
    block
        See ``Crew``; left out, one that is fast.
    """
    at_once, cores = min(_AT_ONCE, len(parts)), min(os.cpu_count() or 1, 8)
    begun: list[Future[None]] = [Future() for _ in parts]
    readers = [Work() for _ in range(at_once)]
    with ThreadPoolExecutor(cores, "gio-parse") as threads:
        crew = Crew(threads, ahead=max(2, (cores + 1) // at_once), block=block or _BLOCK)
        todo = iter(list(zip(begun, parts, strict=True)))
        try:
            for number, reader in enumerate(readers):
                # Not a pool's: the program's end would wait for it, a silent server's for a minute.
                name, work = f"gio-read-{number}", (reader, todo, do, crew)
                Thread(target=_work_off, args=work, name=name, daemon=True).start()
            _await(begun)
        except BaseException:
            try:
                _let_go(parts, begun, readers)
                wait(begun, timeout=_LEFT)
            finally:
                _let_go(parts, begun, readers)  # a second Ctrl-C may have cut the first try short
            raise


def _let_go(parts: Sequence[Part], begun: Sequence[Future[None]], readers: Sequence[Work]) -> None:
    for future in begun:
        future.cancel()
    for part in parts:
        part.abandon()
    for reader in readers:
        reader.hang_up()  # one that waits for an answer to begin has no reply to hang up


def _work_off(
    reader: Work,
    todo: Iterator[tuple[Future[None], Part]],
    do: Callable[[Part, Crew], None],
    crew: Crew,
) -> None:
    # One iterator of a list for all threads: each step of it is one of Python's own.
    for future, part in todo:
        if future.set_running_or_notify_cancel():
            try:
                with reader.begun():
                    do(part, crew)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(None)


def _await(begun: Sequence[Future[None]]) -> None:
    """Wait for all of them, or for the first that fails, in a way that Ctrl-C ends.

    A wait without an end is not always interrupted: a signal may come just before it.
    """
    while wait(begun, timeout=_HEARD, return_when=FIRST_EXCEPTION).not_done:
        _raise_first(begun)
    _raise_first(begun)


def _raise_first(begun: Sequence[Future[None]]) -> None:
    for future in begun:
        if future.done():
            future.result()
