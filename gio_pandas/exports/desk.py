"""Where exports are handed in: an order becomes a job, a new one or one that is there already."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta

from gio_pandas.api.models import Kind, SubmittedJob
from gio_pandas.errors import (
    DownloadError,
    GraphQLError,
    JobFailedError,
    PlatformUnavailableError,
    SettingsError,
    SubmitUncertainError,
)
from gio_pandas.exports.cache import Cache, cache_of
from gio_pandas.exports.job import ExportJob, Order, Platform
from gio_pandas.exports.ledger import UNCERTAIN, Ledger, Record, ledger_of
from gio_pandas.exports.memory import parse_size
from gio_pandas.settings import Settings

__all__ = ["Desk", "read_age"]

_YOUNG = timedelta(minutes=1)
"""A platform may not know a job of this age yet (op-api §5.3)."""

Send = Callable[[], SubmittedJob]


def read_age(age: str | timedelta | None, argument: str) -> timedelta | None:
    """Read a span of time: ``"30min"``, ``"1h"``, ``"7d"``, or a ``timedelta``.

    Raises
    ------
    SettingsError
        It is none, or not above zero.
    """
    if age is None:
        return None
    import pandas as pd

    try:
        span = pd.Timedelta(age)
        if isinstance(age, str | timedelta) and span > pd.Timedelta(0):
            return span.to_pytimedelta()
    except (ValueError, TypeError, OverflowError):
        pass
    raise SettingsError(
        f"{argument}={age!r} is no span of time",
        hint='Pass a text such as "30min", "1h" or "7d", or a timedelta.',
    )


class Desk:
    """Takes orders, and remembers them in the ledger.

    Parameters
    ----------
    line
        What the jobs speak through.
    settings
        Whose ledger and cache are used.
    """

    def __init__(self, line: Platform, settings: Settings) -> None:
        self._line = line
        self._settings = settings
        self._lock = threading.Lock()
        self._turns: dict[Hashable, threading.Lock] = {}

    @property
    def ledger(self) -> Ledger:
        """What was submitted, from here and by other processes."""
        return ledger_of(self._settings.url)

    @property
    def cache(self) -> Cache:
        """Results that were kept."""
        limit = parse_size(self._settings.cache_limit, "cache_limit")
        assert limit is not None  # noqa: S101 None alone is no limit
        return cache_of(self._settings.url, limit)

    def submit(
        self, order: Order, send: Send, *, reuse: timedelta | None = None, refresh: bool = False
    ) -> ExportJob:
        """Submit an order, or join the job of an equal one.

        Parameters
        ----------
        order
            What is wanted.
        send
            What submits it.
        reuse
            How long ago a job may have been submitted that is joined; None joins none. A job that
            is given with it keeps its result in the cache.
        refresh
            Join none, whatever there is.

        Raises
        ------
        SubmitUncertainError
            No answer came; the ledger has it, too.
        JobFailedError, GraphQLError, AuthenticationError, PlatformUnavailableError
            Nothing was started.
        """
        if reuse is None:
            return self._submit(order, send, None)
        # Threads that want the same at once share one job.
        with self._turn(order):
            joined = None if refresh else self._join(order, reuse)
            return joined or self._submit(order, send, self.cache)

    def attach(self, job_id: str, *, charset: str | None = None) -> ExportJob:
        """Pick up a job, with all that the ledger knows of it.

        Parameters
        ----------
        job_id
            The id that the submit answered, here or on another machine.
        charset
            What it was asked for in, where that is known better than the ledger does.
        """
        entry = self.ledger.find(self._settings.url, job_id)
        if entry is not None:
            order = entry.order(charset=charset, timeout=self._settings.timeout)
            return self._again(entry, order, None)
        order = Order(
            platform=self._settings.url,
            kind=Kind.of_job_id(job_id),
            charset=charset or self._settings.charset,
            timeout=self._settings.timeout,
        )
        return ExportJob(self._line, job_id, order)

    def _submit(self, order: Order, send: Send, cache: Cache | None) -> ExportJob:
        began = datetime.now(UTC)
        try:
            submitted = send()
        except SubmitUncertainError as error:
            self._doubt(order, began, error)
            raise
        except KeyboardInterrupt as interrupt:
            self._doubt(order, began, interrupt)
            raise
        submitted_at = datetime.now(UTC)
        self.ledger.add(order, submitted.id, submitted.stage, submitted_at)
        return ExportJob(
            self._line,
            submitted.id,
            order,
            stage=submitted.stage,
            submitted_at=submitted_at,
            ledger=self.ledger,
            cache=cache,
        )

    def _doubt(self, order: Order, began: datetime, error: BaseException) -> None:
        self.ledger.add(order, None, UNCERTAIN, began)
        if order.kind is not None:
            error.add_note(
                f"The submit in doubt: {order.kind.label} {order.name!r}, "
                f"{began.astimezone():%Y-%m-%d %H:%M:%S}; gio.jobs() lists it as {UNCERTAIN}."
            )

    def _join(self, order: Order, reuse: timedelta) -> ExportJob | None:
        entry = self.ledger.latest(order, since=datetime.now(UTC) - reuse)
        if entry is None:
            return None
        job = self._again(entry, order, self.cache)
        return job if self.cache.has(job) or _is_there(job) else None

    def _again(self, entry: Record, order: Order, cache: Cache | None) -> ExportJob:
        finished_at = entry.finished_at and datetime.fromisoformat(entry.finished_at)
        return ExportJob(
            self._line,
            entry.id or "",
            order,
            submitted_at=datetime.fromisoformat(entry.submitted_at),
            finished_at=finished_at or None,
            attached=True,
            ledger=self.ledger,
            cache=cache,
        )

    def _turn(self, order: Order) -> threading.Lock:
        what = (order.kind, order.project_id, order.item_id, str(order.arguments))
        with self._lock:
            return self._turns.setdefault(what, threading.Lock())


def _is_there(job: ExportJob) -> bool:
    """Ask whether the platform still has a job that is of use."""
    try:
        job.done()
    except PlatformUnavailableError:
        return True  # to be waited for, rather than submitted once more
    except (JobFailedError, DownloadError, GraphQLError):
        return False
    assert job.submitted_at is not None  # noqa: S101 the ledger has it
    return job.stage != "NONE" or datetime.now(UTC) - job.submitted_at < _YOUNG
