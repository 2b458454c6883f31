"""Many exports at once: submitted, waited for and read side by side."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Literal

from gio_pandas.exports import notices
from gio_pandas.exports.job import ExportJob, Order, rerouted
from gio_pandas.exports.leash import Leash
from gio_pandas.exports.poller import Limiter, Poller, picked_up_by
from gio_pandas.exports.progress import ManyTracker
from gio_pandas.stops import stopped

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Draft", "Item", "read_all"]

_LONGEST_WAIT = 1.0
"""Seconds: on Windows Ctrl-C is heard between two waits for a thread, not in one."""


@dataclass(frozen=True)
class Draft:
    """An export that is ready to be submitted.

    Parameters
    ----------
    submit
        What submits it. With ``reading=True``, for a table in memory: see ``Desk.submit``.
    limiter
        How often the platform takes such a submit.
    order
        What is wanted, where that is known beforehand.
    """

    submit: Callable[..., ExportJob]
    limiter: Limiter
    order: Order | None = None


Item = ExportJob | Draft | Exception
"""What is to be read, or why it is not."""


def read_all(
    items: Sequence[Item],
    *,
    max_workers: int,
    keep_errors: bool,
    timeout: float | EllipsisType | None = ...,
    tracker: ManyTracker | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[pd.DataFrame | Exception]:
    """Read many exports; see ``Session.read_many``.

    Parameters
    ----------
    items
        What is to be read.
    max_workers
        How many threads submit and read. This one waits for the jobs.
    keep_errors
        Whether an error takes its place in the list, or is raised.
    timeout
        Seconds to wait for each of the jobs; None waits for ever; left out, what each was
        submitted with. A draft's own is always what counts for it.
    tracker
        What is to know how far they are.
    clock, sleep
        Seconds that only grow, and how to pass them.
    """
    tracker = tracker or ManyTracker(len(items), clock=clock)
    poller = Poller(clock=clock, sleep=sleep)
    batch = _Batch(items, max_workers, keep_errors, poller, sleep, tracker)
    try:
        batch.run(timeout)
    except KeyboardInterrupt:
        raise stopped(f"stopped waiting{batch.afterword()}") from None
    except Exception as error:
        if line := batch.afterword(error).removeprefix("; "):
            error.add_note(line[0].upper() + line[1:])
        raise
    finally:
        batch.stop()
    return batch.results


@dataclass(frozen=True)
class _Event:
    """A thread's work is done."""

    kind: Literal["submit", "read"]
    position: int
    value: Any = None
    error: BaseException | None = None
    notices: Sequence[str] = ()


@dataclass
class _Lane:
    """Work of one kind: what waits for a thread, and how many threads are at it."""

    waiting: deque[int] = field(default_factory=deque)
    running: int = 0


class _Batch:
    """One call of ``read_all``. All but the work itself happens in the caller's thread."""

    def __init__(
        self,
        items: Sequence[Item],
        max_workers: int,
        keep_errors: bool,
        poller: Poller,
        sleep: Callable[[float], None],
        tracker: ManyTracker,
    ) -> None:
        self.results: list[Any] = [None] * len(items)
        self._items = items
        self._tracker = tracker
        self._workers = max_workers
        self._most = max(1, max_workers - 1)  # of one kind, where the other one waits too
        self._keep_errors = keep_errors
        self._poller = poller
        self._sleep = sleep
        self._open = len(items)
        self._drafts: dict[int, Draft] = {}
        self._jobs: dict[int, ExportJob] = {}
        self._failed: ExportJob | None = None
        self._submits, self._reads = _Lane(), _Lane()
        self._last: _Lane | None = None
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._leash = Leash()

    def run(self, timeout: float | EllipsisType | None) -> None:
        """Submit, wait and read until there is a result for every item."""
        for position, item in enumerate(self._items):
            if isinstance(item, ExportJob):
                self._await(position, item, timeout)
            elif isinstance(item, Draft):
                self._drafts[position] = item
                self._submits.waiting.append(position)
        for position, item in enumerate(self._items):
            if isinstance(item, Exception):
                self._fail(position, item)
        while self._open:
            self._begin_work()
            for job, error in self._poller.poll():
                self._is_waited_for(job, error)
            self._begin_work()
            self._hear_of_work()

    def _await(
        self, position: int, job: ExportJob, timeout: float | EllipsisType | None = ...
    ) -> None:
        self._jobs[position] = job
        self._tracker.add(job.tracker)
        if job.is_kept():
            self._reads.waiting.append(position)
        else:
            self._poller.add(job, timeout)

    def stop(self) -> None:
        """Let go of what still runs: downloads end at once, and submits that are on their way.

        Nobody waits for the threads, which nothing can hurry while a platform thinks.
        """
        self._leash.let_go()

    def afterword(self, error: Exception | None = None) -> str:
        """Say how the jobs are had again, but for the one that an error speaks of."""
        failed = self._failed if error is not None else None
        others = [job for job in self._jobs.values() if failed is None or job.id != failed.id]
        line = picked_up_by(others, "other" if error else "")
        if self._submits.running:
            line += (
                f"; {self._submits.running} more on the way may have been started: "
                "look at the platform's export list (导出任务)"
            )
        return line

    # Each kind of work leaves the other one a thread while there is more than one: a submit may
    # take minutes, and so may a download.

    def _begin_work(self) -> None:
        while lane := self._next_lane():
            position = lane.waiting.popleft()
            lane.running += 1
            self._last = lane
            if lane is self._submits:
                submit = partial(self._drafts[position].submit, reading=True)
                self._begin("submit", position, submit)
            else:
                job = rerouted(self._jobs[position], self._leash.line, self._leash.sleep)
                self._begin("read", position, partial(job.to_pandas, progress=False))

    def _next_lane(self) -> _Lane | None:
        """Say what a thread that is free does next; a submit stands in front of its lane then."""
        if self._submits.running + self._reads.running >= self._workers:
            return None
        may_read = bool(self._reads.waiting) and (
            not self._submits.waiting or self._reads.running < self._most
        )
        if may_read and self._last is not self._reads:
            return self._reads
        for limiter, position in self._next_drafts().items():
            if not limiter.take():
                self._submits.waiting.remove(position)
                self._submits.waiting.appendleft(position)
                return self._submits
        return self._reads if may_read else None

    def _next_drafts(self) -> dict[Limiter, int]:
        """Give the next submit of each limiter, if a thread is free for one."""
        busy = self._submits.running + self._reads.running >= self._workers
        if busy or self._submits.running >= self._most:
            return {}
        drafts: dict[Limiter, int] = {}
        for position in self._submits.waiting:
            drafts.setdefault(self._drafts[position].limiter, position)
        return drafts

    def _begin(
        self, kind: Literal["submit", "read"], position: int, work: Callable[[], Any]
    ) -> None:
        def do() -> None:
            with notices.collected() as collected:
                try:
                    event = _Event(kind, position, work(), notices=collected)
                except BaseException as error:
                    event = _Event(kind, position, error=error, notices=collected)
            self._events.put(event)

        # Not a pool's: the end of the program would wait for its threads, a submit's for minutes.
        threading.Thread(target=do, name=f"gio-{kind}-{position}", daemon=True).start()

    def _hear_of_work(self) -> None:
        """Pass the time until something is to be done, or a thread has done something."""
        pause = self._pause()
        if self._submits.running + self._reads.running:
            try:
                self._is_done(self._events.get(timeout=min(pause, _LONGEST_WAIT)))
            except queue.Empty:
                return
        elif pause and self._open:
            self._sleep(pause)

    def _pause(self) -> float:
        pauses = [limiter.pause() for limiter in self._next_drafts()]
        if (poll := self._poller.pause()) is not None:
            pauses.append(poll)
        return min(pauses, default=_LONGEST_WAIT)

    def _is_done(self, event: _Event) -> None:
        lane = self._submits if event.kind == "submit" else self._reads
        lane.running -= 1
        for notice in event.notices:
            notices.warn(notice)
        if isinstance(event.error, Exception):
            self._fail(event.position, event.error)
        elif event.error is not None:  # a thread's end is not its own alone
            raise event.error
        elif event.kind == "read":
            self.results[event.position] = event.value
            self._jobs[event.position].rows = len(event.value)  # its twin read them
            self._settle()
        else:
            self._await(event.position, event.value)

    def _is_waited_for(self, job: ExportJob, error: Exception | None) -> None:
        for position, known in self._jobs.items():
            if known is not job:
                continue
            if error is None:
                self._reads.waiting.append(position)
            else:
                self._fail(position, error)

    def _fail(self, position: int, error: Exception) -> None:
        if not self._keep_errors:
            self._failed = self._jobs.get(position)
            raise error
        self.results[position] = error
        self._settle()

    def _settle(self) -> None:
        self._open -= 1
        self._tracker.settle()
