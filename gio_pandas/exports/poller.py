"""The wait for many jobs at once: one thread asks for all of them, in few requests."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from types import EllipsisType
from typing import Protocol, cast

from gio_pandas.api.models import JobResult
from gio_pandas.errors import GioError
from gio_pandas.exports.job import ExportJob, Platform
from gio_pandas.exports.wait import Wait, asked_for
from gio_pandas.settings import check_timeout
from gio_pandas.stops import stopped

__all__ = ["Limiter", "ManyJobsPlatform", "Outcome", "Poller", "as_completed", "picked_up_by"]

Outcome = tuple[ExportJob, GioError | None]
"""A job that is waited for no more, and why not where its files are not ready."""

_MOST_NAMED = 10
_MARGIN = 1.1
"""Requests are this much further apart than they need be: some travel faster than others."""


class Limiter:
    """Lets requests go one by one, evenly; threads may share it.

    Parameters
    ----------
    per_second
        How many a second; None is no limit.
    clock
        Seconds that only grow.
    """

    def __init__(
        self, per_second: float | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = _MARGIN / per_second if per_second else 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._next = float("-inf")

    def pause(self) -> float:
        """Say in how many seconds the next request may go; 0 where it may go now."""
        return max(0.0, self._next - self._clock())

    def take(self) -> float:
        """Let a request go if it may, and say 0; else say in how many seconds to try again."""
        with self._lock:
            pause = self.pause()
            if not pause:
                self._next = self._clock() + self._interval
            return pause

    def answered(self) -> None:
        """Count from now: nobody knows when a request that was slow came to the platform."""
        with self._lock:
            self._next = self._clock() + self._interval


class ManyJobsPlatform(Platform, Protocol):
    """A platform that is asked for many jobs at once."""

    @property
    def polls(self) -> Limiter:
        """How often it may be asked for jobs."""
        ...

    @property
    def jobs_per_request(self) -> int:
        """How many jobs it can be asked for at once."""
        ...

    def job_results(
        self, job_ids: Sequence[str], *, pace: Callable[[], None], timeout: float | None = None
    ) -> Mapping[str, JobResult | GioError | None]:
        """Ask once how far jobs are; see ``Client.job_results``."""
        ...


class _Turn:
    """One job's wait, and when its next poll is due."""

    def __init__(self, wait: Wait, due: float) -> None:
        self.wait = wait
        self.due = due


class Poller:
    """Waits for many jobs, each by the schedule and the judgement of ``ExportJob.wait``.

    Jobs that are due together are asked for in one request, and no platform is asked more often
    than it allows.

    Parameters
    ----------
    clock, sleep
        Seconds that only grow, and how to pass them.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._turns: dict[int, _Turn] = {}

    def add(self, job: ExportJob, timeout: float | EllipsisType | None = ...) -> None:
        """Begin to wait for a job; its first poll is due at once.

        Parameters
        ----------
        job
            One that is waited for already is waited for on.
        timeout
            Seconds from now; None waits for ever; left out, what the job was submitted with.
        """
        bound = job.order.timeout if timeout is ... else timeout
        now = self._clock()
        self._turns.setdefault(id(job), _Turn(Wait(job, bound, now), now))

    @property
    def jobs(self) -> list[ExportJob]:
        """What is waited for."""
        return [turn.wait.job for turn in self._turns.values()]

    def pause(self) -> float | None:
        """Say in how many seconds there is something to ask; None where nothing is waited for."""
        if not self._turns:
            return None
        now = self._clock()
        return min(
            max(0.0, min(turn.due for turn in turns) - now, platform.polls.pause())
            for platform, turns in self._by_platform()
        )

    def poll(self) -> list[Outcome]:
        """Ask each platform once for the jobs that are due, if it may be asked now.

        Returns
        -------
        list of (ExportJob, GioError or None)
            The jobs whose wait is over.
        """
        over = [turn for turn in self._turns.values() if turn.wait.is_over]
        outcomes: list[Outcome] = [self._end(turn) for turn in over]
        for platform, turns in self._by_platform():
            now = self._clock()
            due = sorted((turn for turn in turns if turn.due <= now), key=lambda turn: turn.due)
            if due and not platform.polls.take():
                outcomes += self._ask(platform, due[: platform.jobs_per_request])
        return outcomes

    def outcomes(self) -> Iterator[Outcome]:
        """Poll until no job is waited for; each comes as soon as its wait is over."""
        try:
            while (pause := self.pause()) is not None:
                if pause:
                    self._sleep(pause)
                yield from self.poll()
        except KeyboardInterrupt:
            raise stopped(f"stopped waiting{picked_up_by(self.jobs)}") from None

    def _by_platform(self) -> list[tuple[ManyJobsPlatform, list[_Turn]]]:
        groups: dict[int, tuple[ManyJobsPlatform, list[_Turn]]] = {}
        for turn in self._turns.values():
            platform = cast(ManyJobsPlatform, turn.wait.platform)
            groups.setdefault(id(platform), (platform, []))[1].append(turn)
        return list(groups.values())

    def _ask(self, platform: ManyJobsPlatform, turns: Sequence[_Turn]) -> list[Outcome]:
        now = self._clock()
        bounds = [bound for turn in turns if (bound := turn.wait.patience(now)) is not None]
        ids = list(dict.fromkeys(turn.wait.job.id for turn in turns))
        answers = platform.job_results(
            ids, pace=lambda: self._pace(platform.polls), timeout=min(bounds, default=None)
        )
        platform.polls.answered()
        # One jitter for all: what was asked for together is due together again.
        now, jitter = self._clock(), random.random()
        outcomes = [
            self._take(turn, answers[turn.wait.job.id], now, jitter)
            for turn in turns
            if turn.wait.job.id in answers
        ]
        self._leave_alone(platform, now, max(map(asked_for, answers.values()), default=0.0))
        return [outcome for outcome in outcomes if outcome is not None]

    def _leave_alone(self, platform: ManyJobsPlatform, now: float, seconds: float) -> None:
        """Put off all polls of a platform that asks for it, but for the last look at a job."""
        for turn in self._turns.values():
            if seconds and turn.wait.platform is platform:
                left = turn.wait.left(now)
                turn.due = max(turn.due, now + (seconds if left is None else min(seconds, left)))

    def _take(
        self, turn: _Turn, answer: JobResult | GioError | None, now: float, jitter: float
    ) -> Outcome | None:
        try:
            pause = turn.wait.after(_own(answer), now, jitter)
        except GioError as error:
            return self._end(turn, error)
        if pause is None:
            return self._end(turn)
        turn.due = now + pause
        return None

    def _end(self, turn: _Turn, error: GioError | None = None) -> Outcome:
        del self._turns[id(turn.wait.job)]
        return turn.wait.job, error

    def _pace(self, limiter: Limiter) -> None:
        limiter.answered()
        while pause := limiter.take():
            self._sleep(pause)


def as_completed(
    jobs: Iterable[ExportJob], *, timeout: float | EllipsisType | None = ...
) -> Iterator[ExportJob]:
    """Wait for many jobs, and give each as soon as its files are ready.

    One thread, the one that iterates, asks for all of them: jobs that are due together in one
    request, and no oftener than ``requests_per_second`` allows.

    Parameters
    ----------
    jobs
        What ``submit_…`` and ``attach`` gave, of one session or several; each is given once.
    timeout
        Seconds to wait for each job, from now; None waits for ever; left out, what each was
        submitted with.

    Returns
    -------
    iterator of ExportJob
        In the order in which they finish on the platform. A job that failed, or was not finished
        in time, is given too; its error is raised when it is read, by ``to_pandas`` or another
        way, and by that once: who reads it again asks the platform again.

    Examples
    --------
    >>> jobs = [gio.submit_segment(name) for name in ("高价值用户", "分群1")]
    >>> for job in gio.as_completed(jobs):
    ...     print(job.name, len(job.to_pandas()))
    高价值用户 1000
    分群1 310
    """
    poller = Poller()
    bound = timeout if timeout is ... else check_timeout(timeout)
    if isinstance(jobs, ExportJob):
        raise TypeError("as_completed takes several jobs: pass a list")
    for job in jobs:
        if not isinstance(job, ExportJob):
            raise TypeError(f"as_completed takes jobs, as submit_… gives them, not {job!r}")
        poller.add(job, bound)
    return _completed(poller)


def _completed(poller: Poller) -> Iterator[ExportJob]:
    for job, error in poller.outcomes():
        if error is not None:
            job.fail_later(error)
        yield job


def picked_up_by(jobs: Sequence[ExportJob], other: str = "") -> str:
    """Say how jobs are had again: the rest of a sentence, or nothing where there are none.

    Parameters
    ----------
    jobs
        What goes on, or waits to be read; ten are named.
    other
        A word before "job".
    """
    ids = list(dict.fromkeys(job.id for job in jobs))
    if not ids:
        return ""
    named = ", ".join(f"gio.attach({id_!r})" for id_ in ids[:_MOST_NAMED])
    more = f" and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else ""
    whose = f"the {other} " if other else "the "
    if len(ids) == 1:
        return f"; {whose}job goes on: {named} picks it up"
    return f"; {whose}jobs go on: {named}{more} pick them up"


def _own(answer: JobResult | GioError | None) -> JobResult | GioError | None:
    """Give a job an error of its own, for what it is told is noted on it."""
    if not isinstance(answer, GioError):
        return answer
    twin = copy(answer)
    twin.__dict__.pop("__notes__", None)
    twin.__cause__ = answer
    return twin
