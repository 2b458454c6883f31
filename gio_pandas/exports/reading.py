"""The files of a job, several at once, each to what takes its rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Executor, Future, ThreadPoolExecutor, wait

from gio_pandas.exports.files import Part

__all__ = ["for_each_part"]

_AT_ONCE = 4
"""Files that come at once: more would take turns on the same wire."""

_HEARD = 0.2
"""Seconds within which Ctrl-C is heard."""

_LEFT = 2.0
"""Seconds that a thread has to end in, which waits for a server that does not answer."""


def for_each_part(parts: Sequence[Part], do: Callable[[Part, Executor], None]) -> None:
    """Do something with each file, some of them at once; the first error ends all of it.

    Parameters
    ----------
    parts
        The files.
    do
        What to do; runs in a thread of its own, and is given threads to work in.
    """
    readers = ThreadPoolExecutor(min(_AT_ONCE, len(parts)), "gio-read")
    workers = ThreadPoolExecutor(min(os.cpu_count() or 1, 8), "gio-parse")
    begun: list[Future[None]] = []
    try:
        begun += [readers.submit(do, part, workers) for part in parts]
        _await(begun)
    except BaseException:
        for part in parts:
            part.abandon()
        for future in begun:
            future.cancel()
        wait(begun, timeout=_LEFT)
        raise
    finally:
        readers.shutdown(wait=False, cancel_futures=True)
        workers.shutdown(wait=False, cancel_futures=True)


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
