"""The wait for a job: when to ask, and what each answer means."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

from gio_pandas.api.models import JobResult
from gio_pandas.errors import (
    AuthenticationError,
    GioError,
    GraphQLError,
    JobFailedError,
    JobTimeoutError,
    PlatformUnavailableError,
)

if TYPE_CHECKING:
    from gio_pandas.exports.job import ExportJob, Platform

__all__ = ["Lookout", "Verdict", "Wait", "asked_for", "judge", "next_delay"]

_SHORTEST_DELAY = 0.5
_LONGEST_DELAY = 15.0
_PATIENCE = 60.0
"""Seconds that an unknown stage, or no answer at all, is taken for something passing."""

_SHORTEST_POLL = 1.0
"""Seconds that a poll may take though fewer are left: else the last look would be of no use."""

_PATIENCE_WITH_ID = 15.0
"""Seconds that nothing at all is taken for something passing, of a job that was attached by id."""

_MOST_ASKED_FOR = 60.0
"""Seconds: a platform that asks for a longer pause (``Retry-After``) gets this one."""


class Verdict(Enum):
    """What an answer about a job means for who waits for it."""

    GOING = "going"
    DONE = "done"
    FAILED = "failed"
    ODD = "odd"
    BARE = "finished, and names no file yet"


def judge(stage: str | None) -> Verdict:
    """Read a ``JobStage`` (op-api, scalars and enums); None is "the platform knows nothing".

    A stage that is not documented may be passing, and is never taken for success.
    """
    if stage in ("NONE", "READY", "RUNNING", "DATA_READY"):
        return Verdict.GOING
    return {"FINISH": Verdict.DONE, "ERROR": Verdict.FAILED}.get(stage or "", Verdict.ODD)


def next_delay(waited: float, jitter: float) -> float:
    """Say how long to pause before the next poll.

    Parameters
    ----------
    waited
        Seconds since the wait began.
    jitter
        From 0 to 1: lengthens the pause by up to a twentieth, so that many jobs do not ask at once,
        and what the poll itself took is still within 11 % of the time waited.

    Returns
    -------
    float
        A tenth of the time waited, from 0.5 to 15 seconds.
    """
    pause = max(_SHORTEST_DELAY, waited / 10) * (1 + jitter / 20)
    return min(_LONGEST_DELAY, pause)


def asked_for(answer: object) -> float:
    """Say how many seconds the platform asks to be left alone (``Retry-After``), a minute at most.

    Parameters
    ----------
    answer
        What came upon a poll: anything but a refusal asks for none.
    """
    if not isinstance(answer, PlatformUnavailableError):
        return 0.0
    return min(answer.retry_after or 0.0, _MOST_ASKED_FOR)


class Wait:
    """One wait for one job: what each answer to a poll means for it. It asks nothing itself.

    Parameters
    ----------
    job
        What is waited for.
    bound
        Seconds that the wait may take; None is no bound.
    now
        When it begins, in seconds that only grow.
    """

    def __init__(self, job: ExportJob, bound: float | None, now: float) -> None:
        self.job = job
        self._bound = bound
        self._began = now
        self._odd_seconds = 0.0
        self._was_refused = False
        job._failure = None  # of a wait before this one

    @property
    def platform(self) -> Platform:
        """What answers for the job."""
        return self.job._platform

    @property
    def is_over(self) -> bool:
        """Whether the files are ready."""
        return bool(self.job._uris)

    def left(self, now: float) -> float | None:
        """Say how many seconds of the wait are left; None where it has no bound."""
        return None if self._bound is None else self._bound - (now - self._began)

    def patience(self, now: float) -> float | None:
        """Say how many seconds a poll may take: what is left, one at least; None is no bound."""
        left = self.left(now)
        return None if left is None else max(left, _SHORTEST_POLL)

    def after(self, answer: JobResult | GioError | None, now: float, jitter: float) -> float | None:
        """Take a poll's answer, and say how long to pause before the next poll.

        Parameters
        ----------
        answer
            What the platform said, None where it knows nothing; or why there is no answer.
        now
            When it came.
        jitter
            See ``next_delay``.

        Returns
        -------
        float or None
            Seconds; None where the files are ready.

        Raises
        ------
        JobFailedError, JobTimeoutError, AuthenticationError, DownloadError
            As ``ExportJob.wait``.
        """
        with self.job._named():
            self.job._heard_at = now
            verdict, trouble = self._read(answer)
            if verdict is Verdict.DONE:
                return None
            waited = now - self._began
            if verdict is Verdict.ODD:
                self._refuse_oddity(trouble)
            self._refuse_overtime(waited, verdict, trouble)
            pause = self._pause(waited, verdict, jitter, asked_for(answer))
            # Only what follows upon an oddity counts as one, not the time that nobody answers in.
            if verdict is Verdict.ODD:
                self._odd_seconds += pause
            elif verdict is not None:
                self._odd_seconds = 0.0
            return pause

    def _pause(
        self, waited: float, verdict: Verdict | None, jitter: float, asked_for: float
    ) -> float:
        if verdict is Verdict.BARE:
            pause = _SHORTEST_DELAY
        else:
            pause = max(next_delay(waited, jitter), asked_for)
        return pause if self._bound is None else min(pause, max(self._bound - waited, 0.01))

    def _read(self, answer: JobResult | GioError | None) -> tuple[Verdict | None, GioError | None]:
        was_refused, self._was_refused = self._was_refused, isinstance(answer, AuthenticationError)
        if not isinstance(answer, GioError):
            return self.job._take(answer), None
        # What is not the platform will not become it; what is away will come back.
        if isinstance(answer, PlatformUnavailableError):
            return (None if answer.transient else Verdict.ODD), answer
        if isinstance(answer, GraphQLError) and self.job._known:
            return Verdict.ODD, answer
        # A token may die, and the new one with it, while a platform comes back: once.
        if self._was_refused and not was_refused and self.job._known:
            return Verdict.ODD, answer
        raise answer  # an id of nothing is told at once

    def _refuse_oddity(self, trouble: GioError | None) -> None:
        if trouble is None and not self.job._known and self._odd_seconds >= _PATIENCE_WITH_ID:
            raise JobFailedError(
                f"The platform knows no job {self.job.id!r}: for {self._odd_seconds:.0f} s it has "
                "answered nothing about it",
                hint="Check the id, and that this is the platform it was submitted to; "
                "gio.jobs() lists what was submitted from here.",
            )
        if self._odd_seconds >= _PATIENCE:
            if trouble is not None:
                raise trouble
            raise JobFailedError(
                f"For {self._odd_seconds:.0f} s the platform has given no documented answer about "
                f"the job (last stage: {self.job.stage})",
                hint="Check that the id is of a job on this platform; else try a newer gio-pandas.",
            )

    def _refuse_overtime(
        self, waited: float, verdict: Verdict | None, trouble: GioError | None
    ) -> None:
        if self._bound is None or waited < self._bound:
            return
        job = self.job
        if verdict is Verdict.BARE:
            raise job._without_files()
        state = f"last trouble: {trouble.what}" if trouble else f"stage {job.stage}"
        raise JobTimeoutError(
            f"The export of {job.title} was not finished within {self._bound:g} s ({state})",
            hint=f"It goes on: gio.attach({job.id!r}).to_pandas(timeout=…) waits on.",
            job=job,
        )


class Lookout:
    """Asks how far a job is as a wait does, beside whoever else waits for it, and not as well.

    Parameters
    ----------
    job
        What is looked out for, as long as its order says (``timeout``).

    Attributes
    ----------
    error : GioError or None
        Why it is looked out for no more, though its files are not ready.
    """

    def __init__(self, job: ExportJob) -> None:
        self.job = job
        self.error = job._failure
        self._began = job._clock()
        self._age = _age(job)
        self._wait = (
            None if self.error or self.is_over else Wait(job, job.order.timeout, self._began)
        )
        self._pause = 0.0

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to ask for any more."""
        return bool(self.error or self.job.uris or self.job.stage == "ERROR")

    @property
    def seconds(self) -> float:
        """How old it was when the last answer came; without a submit's time, since it began."""
        return self._age + max(self.job._heard_at - self._began, 0.0)

    def step(self) -> float:
        """Ask if it is time to, and say how long to pause before the next step."""
        quiet = self.job._clock() - self.job._heard_at
        if self._wait is None or self.job.tracker.is_running:
            return _SHORTEST_DELAY
        if quiet < self._pause:  # somebody else has asked
            return self._pause - quiet
        try:
            answer = self.job._ask(self._wait.patience(self.job._clock()))
            self._pause = self._wait.after(answer, self.job._clock(), random.random()) or 0.0
        except GioError as error:
            self.error = error
        return self._pause


def _age(job: ExportJob) -> float:
    """Say how long ago it was submitted, in seconds; 0 where that is not known."""
    if job.submitted_at is None:
        return 0.0
    return max((datetime.now(UTC) - job.submitted_at).total_seconds(), 0.0)
