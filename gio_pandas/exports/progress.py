"""How far an export is: pulled by whoever shows it, at no cost for who does the work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

from gio_pandas.errors import GioError

__all__ = ["Followed", "ManyTracker", "Phase", "Progress", "Read", "Tracker", "Usual", "followed"]

Usual = tuple[float, int]
"""How many seconds such exports took before (the median), and how many are known."""

_LONG = 30.0
"""Seconds after which it is of interest how long such exports took before."""


class Phase(Enum):
    """What is being done just now, or how it ended."""

    SUBMIT = "submit"
    WAIT = "wait"
    READ = "read"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A moment of an export: everything that a display needs.

    Parameters
    ----------
    title
        What is exported, such as ``segment (分群) '高价值用户'``.
    phase
        What is being done.
    job_id
        The job's id; None before the submit was answered.
    stage
        The platform's word as of the last poll; of many exports, how many are how far.
    seconds
        Since it began.
    files
        How many files the export has; 0 while that is not known.
    bytes, total_bytes
        How much came, of how much; None while that is not known.
    rows
        How many rows were read.
    rate
        Bytes a second while they came; None where none did.
    usual
        After half a minute: how long such exports took before, where that is known.
    error
        What went wrong.
    exports
        Of many exports, how many are done with, of how many.
    """

    title: str
    phase: Phase
    job_id: str | None = None
    stage: str = ""
    seconds: float = 0.0
    files: int = 0
    bytes: int = 0
    total_bytes: int | None = None
    rows: int = 0
    rate: float | None = None
    usual: Usual | None = None
    error: str | None = None
    exports: tuple[int, int] | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing is going to change any more."""
        return self.phase in (Phase.DONE, Phase.FAILED, Phase.STOPPED)

    @property
    def fraction(self) -> float | None:
        """How much is done, from 0 to 1; None where that cannot be told."""
        if self.phase is Phase.DONE:
            return 1.0
        if self.exports:
            done, total = self.exports
            return done / total if total else None
        if self.phase is Phase.READ and self.total_bytes:
            return min(self.bytes / self.total_bytes, 1.0)
        return None


class Read(Protocol):
    """A file that is being read; see ``files.Part``."""

    position: int
    size: int | None


class Followed(Protocol):
    """A job, as far as it is followed; see ``ExportJob``."""

    rows: int | None

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def title(self) -> str:
        """What is exported."""
        ...

    @property
    def stage(self) -> str:
        """The stage as of the last poll."""
        ...

    @property
    def uris(self) -> tuple[str, ...]:
        """The files; empty until it is finished."""
        ...

    def usual(self) -> Usual | None:
        """Say how long such exports took before."""
        ...


@dataclass(frozen=True)
class _Amounts:
    bytes: int = 0
    total_bytes: int | None = None
    rows: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class _Outcome:
    phase: Phase
    error: str | None = None


class Tracker:
    """Knows of one export how far it is; threads may look, and work, at once.

    Parameters
    ----------
    title
        What is exported, until there is a job that says it.
    job
        The job, where there is one already.
    clock
        Seconds that only grow.
    """

    def __init__(
        self,
        title: str,
        job: Followed | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._title = title
        self._job = job
        self._clock = clock
        self._lock = threading.Lock()
        self._running: set[object] = set()
        self._began = clock()
        self._ended: float | None = None
        self._outcome: _Outcome | None = None
        self._look: Callable[[], _Amounts] | None = None
        self._usual: Usual | None = None
        self._was_asked = False

    @property
    def is_running(self) -> bool:
        """Whether somebody waits for the export, or reads it, just now."""
        return bool(self._running)

    def follow(self, job: Followed) -> None:
        """Follow a job from now on: the submit was answered."""
        self._job = job

    @contextmanager
    def running(self) -> Iterator[None]:
        """Do something with the export; how that ends is how it ended."""
        this, outcome = object(), _Outcome(Phase.DONE)
        try:
            self._enter(this)
            yield
        except BaseException as error:
            outcome = _outcome(error)
            raise
        finally:
            try:
                self._leave(this, outcome)
            finally:
                self._leave(this, outcome)  # a second Ctrl-C may have cut the first try short

    def _enter(self, this: object) -> None:
        with self._lock:
            if not self._running:  # else it is part of what is being done already
                self._began, self._ended = self._clock(), None
                self._outcome = self._look = None
            self._running.add(this)

    def _leave(self, this: object, outcome: _Outcome) -> None:
        with self._lock:
            if self._running == {this}:
                self._outcome, self._ended = outcome, self._clock()
            self._running.discard(this)

    @contextmanager
    def reading(
        self, files: Sequence[Read] = (), rows: Callable[[], int] = lambda: 0
    ) -> Iterator[None]:
        """Read files; what they and ``rows`` say is looked at only when somebody looks."""
        began = self._clock()

        def look() -> _Amounts:
            sizes = [file.size for file in files]
            total = sum(size or 0 for size in sizes) if files and None not in sizes else None
            came = sum(file.position for file in files)
            return _Amounts(came, total, rows(), self._clock() - began)

        self._look = look
        try:
            yield
        finally:
            amounts = look()  # and let go of what was read
            self._look = lambda: amounts

    def snapshot(self) -> Progress:
        """Say how far it is."""
        with self._lock:
            phase, error = self._phase(), self._outcome.error if self._outcome else None
            now = self._clock() if self._ended is None else self._ended
            seconds, look, job = now - self._began, self._look, self._job
        amounts = look() if look else _Amounts()
        rows = job.rows if job and (phase is Phase.DONE or not look) else None
        return Progress(
            title=job.title if job else self._title,
            phase=phase,
            job_id=job.id if job else None,
            stage=job.stage if job else "",
            seconds=seconds,
            files=len(job.uris) if job else 0,
            bytes=amounts.bytes,
            total_bytes=amounts.total_bytes,
            rows=amounts.rows if rows is None else rows,
            rate=_rate(amounts),
            usual=self._ask_usual(job) if seconds >= _LONG else None,
            error=error,
        )

    def _phase(self) -> Phase:
        if self._outcome:
            return self._outcome.phase
        if self._running:
            return Phase.READ if self._look else Phase.WAIT if self._job else Phase.SUBMIT
        if self._job is None:
            return Phase.SUBMIT
        if self._job.stage == "ERROR":
            return Phase.FAILED
        return Phase.DONE if self._job.uris else Phase.WAIT

    def _ask_usual(self, job: Followed | None) -> Usual | None:
        if job is not None and not self._was_asked:
            self._was_asked = True
            self._usual = job.usual()
        return self._usual


def _outcome(error: BaseException) -> _Outcome:
    if not isinstance(error, Exception):  # Ctrl-C, a cancelled task, an iterator that is dropped
        return _Outcome(Phase.STOPPED)
    said = error.what if isinstance(error, GioError) else f"{type(error).__name__}: {error}"
    return _Outcome(Phase.FAILED, " ".join(said.split()))


def _rate(amounts: _Amounts) -> float | None:
    return amounts.bytes / amounts.seconds if amounts.bytes and amounts.seconds > 0 else None


class ManyTracker(Tracker):
    """Knows of many exports how far they are together.

    Parameters
    ----------
    total
        How many there are.
    clock
        Seconds that only grow.
    """

    def __init__(self, total: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(f"{total} export{'s' * (total != 1)}", clock=clock)
        self._total = total
        self._settled = 0
        self._trackers: list[Tracker] = []

    def add(self, tracker: Tracker) -> None:
        """Take one more that was submitted; one that is among them already counts once."""
        if tracker not in self._trackers:
            self._trackers.append(tracker)

    def settle(self) -> None:
        """Count one more that is done with."""
        self._settled += 1

    def snapshot(self) -> Progress:
        """Say how far they are."""
        own, each = super().snapshot(), [tracker.snapshot() for tracker in self._trackers]
        came = sum(one.bytes for one in each)
        rates = [one.rate for one in each if one.phase is Phase.READ and one.rate]
        over = came / own.seconds if came and own.seconds > 0 else None
        return replace(
            own,
            phase=own.phase if own.is_over else _phase_of(each),
            stage=_counted(each),
            files=sum(one.files for one in each),
            bytes=came,
            rows=sum(one.rows for one in each),
            rate=over if own.is_over else sum(rates) or None,
            exports=(self._settled, self._total),
        )


def _phase_of(each: Sequence[Progress]) -> Phase:
    phases = {one.phase for one in each}
    if Phase.READ in phases:
        return Phase.READ
    return Phase.WAIT if phases else Phase.SUBMIT


def _counted(each: Sequence[Progress]) -> str:
    counts = {"waiting": Phase.WAIT, "reading": Phase.READ, "failed": Phase.FAILED}
    numbers = {word: sum(one.phase is phase for one in each) for word, phase in counts.items()}
    return ", ".join(f"{number} {word}" for word, number in numbers.items() if number)


@contextmanager
def followed(tracker: Tracker, mode: str) -> Iterator[None]:
    """Do something with an export, and show how far it is.

    Parameters
    ----------
    tracker
        What knows how far it is. What is done as a part of something is not shown for itself.
    mode
        How it is shown; see ``settings.check_progress``.
    """
    with ExitStack() as stack:
        if mode != "off" and not tracker.is_running:
            from gio_pandas.notebook.progress import shown_as

            stack.enter_context(shown_as(tracker, mode))
        stack.enter_context(tracker.running())
        yield
