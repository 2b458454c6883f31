"""Where exports are handed in: an order becomes a job, a new one or one that is there already."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from gio_pandas.api.models import Kind, SubmittedJob
from gio_pandas.errors import (
    DownloadError,
    GioError,
    GraphQLError,
    JobFailedError,
    NotFoundError,
    PermissionDeniedError,
    PlatformUnavailableError,
    SettingsError,
    SubmitUncertainError,
)
from gio_pandas.exports import notices
from gio_pandas.exports.cache import Cache, cache_of
from gio_pandas.exports.job import ExportJob, Order, Platform
from gio_pandas.exports.ledger import GONE, UNCERTAIN, Ledger, Record, ledger_of
from gio_pandas.exports.memory import parse_size
from gio_pandas.exports.turns import turn
from gio_pandas.settings import Settings
from gio_pandas.stops import stopped

__all__ = ["Desk", "read_age"]

_YOUNG = timedelta(minutes=1)
"""A platform may not know a job of this age yet (op-api §5.3)."""

_LONGEST_AGE = timedelta(days=36_500)
_PIECE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)\s*")
_SECONDS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "week", "weeks"), 604_800),
}

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
    span = _span(age) if isinstance(age, str) else age
    if isinstance(span, timedelta) and span > timedelta(0):
        return min(timedelta(seconds=span.total_seconds()), _LONGEST_AGE)
    raise SettingsError(
        f"{argument}={age!r} is no span of time",
        hint='Pass a text such as "30min", "1h" or "7d", or a timedelta.',
    )


def _span(text: str) -> timedelta | None:
    """Read numbers with units; not by pandas, to which a number alone is of nanoseconds."""
    seconds, rest = 0.0, text.strip().lower()
    while found := _PIECE.match(rest):
        number, unit = found.groups()
        if unit not in _SECONDS:
            return None
        seconds, rest = seconds + float(number) * _SECONDS[unit], rest[found.end() :]
    return None if rest else timedelta(seconds=min(seconds, _LONGEST_AGE.total_seconds()))


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
        self,
        order: Order,
        send: Send,
        *,
        reuse: timedelta | None = None,
        refresh: bool = False,
        reading: bool = False,
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
        reading
            Whether the job is for a table in memory and nothing else: then one whose result is
            kept is joined without a question, though the platform may have forgotten it.

        Raises
        ------
        SubmitUncertainError
            No answer came; the ledger has it, too.
        JobFailedError
            The platform refused the export, or gave it up at once.
        GraphQLError, AuthenticationError, PlatformUnavailableError
            Nothing was started.
        """
        if reuse is None:
            return self._submit(order, send, None)
        # Threads that want the same at once share one job.
        with _turn(order):
            joined = None if refresh else self._join(order, reuse, reading)
            if joined is None and not refresh:
                self._mention_doubt(order, reuse)
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
        stripped = job_id.strip()
        entry = self.ledger.find(self._settings.url, job_id)
        if entry is not None:
            bound, shown = self._settings.timeout, self._settings.progress
            order = entry.order(charset=charset, timeout=bound, progress=shown)
            return self._again(entry, order, None)
        if stripped not in ("", job_id):  # of somebody who copied more than the id
            return self.attach(stripped, charset=charset)
        order = Order(
            platform=self._settings.url,
            kind=Kind.of_job_id(job_id),
            charset=charset or self._settings.charset,
            timeout=self._settings.timeout,
            progress=self._settings.progress,
        )
        return ExportJob(self._line, job_id, order)

    def earlier(
        self, order: Order, *, at: datetime | None = None, until: datetime | None = None
    ) -> ExportJob:
        """Find an earlier job of an equal order, whose result can still be had.

        Parameters
        ----------
        order
            What it was to export.
        at
            About when it was submitted: of those that are nine tenths as old, or older, it is the
            one nearest to that. Left out, it is the newest of all.
        until
            When it was submitted at the latest.

        Raises
        ------
        NotFoundError
            There is none; the message says what there is.
        """
        now = datetime.now(UTC)
        # Who does something every day at nine is a few seconds late on some days.
        latest = min([now, *filter(None, [until, at and now - 0.9 * (now - at)])])
        known = self.ledger.finished(order)
        fitting = [entry for entry in known if _submitted_at(entry) <= latest]
        if at is not None:
            fitting.sort(key=lambda entry: abs(_submitted_at(entry) - at))
        for entry in fitting:
            if job := self._readable(entry, order):
                return job
        raise _nothing_earlier(order, known, fitting, latest)

    def _readable(self, entry: Record, order: Order) -> ExportJob | None:
        """Give an earlier job if its result is kept, or the platform still has it."""
        job = self._again(entry, order, self.cache)
        if job.is_kept() or _is_finished(job):
            return job
        # What is kept may have been read with other columns= or dtype=.
        own = entry.order(charset=None, timeout=order.timeout, progress=order.progress)
        job = self._again(entry, own, self.cache)
        return job if job.is_kept() else None

    def _submit(self, order: Order, send: Send, cache: Cache | None) -> ExportJob:
        began = datetime.now(UTC)
        # Before it is sent: this process may end, or be killed, before an answer comes.
        begun = self.ledger.begin(order, began)
        try:
            submitted = send()
        except SubmitUncertainError as error:
            error.add_note(_doubt(order, began))
            raise
        except GioError as error:
            if isinstance(error, JobFailedError) and error.job_id:
                self.ledger.add(order, error.job_id, "ERROR", datetime.now(UTC), begun=begun)
                error.add_note(f"The job: gio.attach({error.job_id!r})")
            else:
                self.ledger.drop(begun)
            raise
        except KeyboardInterrupt:
            raise stopped(
                "stopped in the middle of a submit, which may or may not have been started: look "
                "at the platform's export list (导出任务) before you run this again. "
                + _doubt(order, began)
            ) from None
        return self._submitted(order, submitted, begun, cache)

    def _submitted(
        self, order: Order, submitted: SubmittedJob, begun: int | None, cache: Cache | None
    ) -> ExportJob:
        submitted_at = datetime.now(UTC)
        known = (order, submitted.id, submitted.stage, submitted_at)
        try:
            self.ledger.add(*known, begun=begun)
        except KeyboardInterrupt:
            self.ledger.add(*known, begun=begun)
            raise stopped(
                f"stopped after the submit; the job goes on: gio.attach({submitted.id!r}) "
                "picks it up"
            ) from None
        return ExportJob(
            self._line,
            submitted.id,
            order,
            stage=submitted.stage,
            submitted_at=submitted_at,
            ledger=self.ledger,
            cache=cache,
        )

    def _join(self, order: Order, reuse: timedelta, reading: bool) -> ExportJob | None:
        entry = self.ledger.latest(order, since=datetime.now(UTC) - reuse)
        if entry is None:
            return None
        job = self._again(entry, order, self.cache)
        return job if (reading and job.is_kept()) or _is_of_use(job) else None

    def _mention_doubt(self, order: Order, reuse: timedelta) -> None:
        entry = self.ledger.doubt(order, since=datetime.now(UTC) - reuse)
        if entry is not None:
            when = datetime.fromisoformat(entry.submitted_at).astimezone()
            notices.mention(
                f"A submit of {entry.kind} {entry.name!r} of {when:%Y-%m-%d %H:%M} was not "
                "answered and cannot be joined: if it was started, it now runs twice. The "
                "platform's export list (导出任务) tells"
            )

    def _again(self, entry: Record, order: Order, cache: Cache | None) -> ExportJob:
        finished_at = entry.finished_at and datetime.fromisoformat(entry.finished_at)
        return ExportJob(
            self._line,
            entry.id or "",
            order,
            stage=entry.stage,
            submitted_at=datetime.fromisoformat(entry.submitted_at),
            finished_at=finished_at or None,
            attached=True,
            ledger=self.ledger,
            cache=cache,
        )


def _turn(order: Order) -> threading.Lock:
    """Give the lock that is held while an order, or one like it, is handed in."""
    what = (order.platform, order.kind, order.project_id, order.item_id, str(order.arguments))
    return turn(what)


def _doubt(order: Order, began: datetime) -> str:
    """Say which submit was not answered; the ledger has it since it was begun."""
    what = f"{order.kind.label if order.kind else 'export'} {order.name!r}"
    return (
        f"The submit in doubt: {what}, {began.astimezone():%Y-%m-%d %H:%M:%S}; "
        f"gio.jobs() lists it as {UNCERTAIN}."
    )


def _submitted_at(entry: Record) -> datetime:
    return datetime.fromisoformat(entry.submitted_at)


def _nothing_earlier(
    order: Order, known: Sequence[Record], fitting: Sequence[Record], latest: datetime
) -> NotFoundError:
    what = f"{order.kind.label if order.kind else 'export'} {order.name!r}"
    if fitting:
        found = f"Earlier exports of {what} are known ({len(fitting)}), but neither this machine "
        found += "nor the platform has the files any more"
    elif known:
        first, last = (when.astimezone() for when in (_submitted_at(known[-1]), latest))
        found = f"The first export of {what} that is known here is of {first:%Y-%m-%d %H:%M:%S}"
        found += f", and none of {last:%Y-%m-%d %H:%M:%S} or before"
    else:
        found = f"No earlier export of {what} with the same arguments is known on this machine"
    return NotFoundError(
        found, hint="Export it with reuse= to have its result kept; gio.jobs() lists what there is."
    )


def _is_finished(job: ExportJob) -> bool:
    """Ask whether the platform has a job's files, as far as it says."""
    if job.stage == GONE:
        return False
    try:
        return job.done()
    except (JobFailedError, DownloadError, GraphQLError, PermissionDeniedError):
        return False


def _is_of_use(job: ExportJob) -> bool:
    """Ask whether the platform still has a job, which did not fail, and its files."""
    was_finished = job.stage == "FINISH"
    try:
        job.done()
    except PlatformUnavailableError:
        return True  # to be waited for, rather than submitted once more
    except (JobFailedError, DownloadError, GraphQLError, PermissionDeniedError):
        return False
    assert job.submitted_at is not None  # noqa: S101 the ledger has it
    is_young = datetime.now(UTC) - job.submitted_at < _YOUNG and not was_finished
    names_no_file = job.stage == "FINISH" and not job.uris
    return is_young or (job.is_known and not names_no_file)
