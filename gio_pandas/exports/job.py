"""A submitted export: how far it is, the wait for it, and the tables it becomes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Protocol, Self

from gio_pandas.api.models import JobResult, Kind
from gio_pandas.errors import (
    DownloadError,
    GioError,
    GraphQLError,
    JobFailedError,
    JobTimeoutError,
    PlatformUnavailableError,
)
from gio_pandas.exports.files import Downloads, Part
from gio_pandas.settings import check_timeout

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from gio_pandas.exports.dtypes import DtypeBackend

__all__ = [
    "ExportJob",
    "Order",
    "Verdict",
    "judge",
    "next_delay",
]

_SHORTEST_DELAY = 0.5
_LONGEST_DELAY = 15.0
_PATIENCE = 60.0
"""Seconds that an unknown stage, or no answer at all, is taken for something passing."""


class Verdict(Enum):
    """What an answer about a job means for who waits for it."""

    GOING = "going"
    DONE = "done"
    FAILED = "failed"
    ODD = "odd"


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
        From 0 to 1: lengthens the pause by up to a tenth, so that many jobs do not ask at once.

    Returns
    -------
    float
        A tenth of the time waited, from 0.5 to 15 seconds.
    """
    pause = max(_SHORTEST_DELAY, waited / 10) * (1 + jitter / 10)
    return min(_LONGEST_DELAY, pause)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What was asked for: all that a job knows beside how far it is.

    Parameters
    ----------
    platform
        The platform's address.
    kind
        What is exported; None where a job was attached by an id that does not tell.
    item_id, name
        The tag, segment or analysis; None where a job was attached.
    project_id, project_name
        Its project; None for the platform's own.
    charset
        What the files were asked for in.
    arguments
        The verb's other arguments, for provenance and ``refresh``.
    value_types
        The platform's ``valueType`` of a tag's column, by key and by name.
    dtype, dtype_backend, timeout
        What ``to_pandas`` and ``wait`` take where they are given nothing.
    """

    platform: str
    kind: Kind | None
    item_id: str | None = None
    name: str | None = None
    project_id: str | None = None
    project_name: str | None = None
    charset: str = "UTF-16LE"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    value_types: Mapping[str, str] = field(default_factory=dict)
    dtype: Any = None
    dtype_backend: DtypeBackend | None = None
    timeout: float | None = 3600.0


class _Platform(Downloads, Protocol):
    def job_result(self, job_id: str, *, timeout: float | None = None) -> JobResult | None: ...


class ExportJob:
    """One export on the platform. Made by ``submit_…`` and ``attach``, never by hand.

    A job is its id: whatever happens here, ``gio.attach(job.id)`` has it again. ``await job``
    gives the DataFrame without blocking the kernel.

    Parameters
    ----------
    platform
        What answers polls and downloads.
    job_id
        The id that the submit answered (op-api §5.1).
    order
        What was asked for.
    stage
        What the submit answered.
    submitted_at
        When; None where that is not known, as after ``attach``.
    clock, sleep
        Seconds that only grow, and how to pass them.
    """

    def __init__(
        self,
        platform: _Platform,
        job_id: str,
        order: Order,
        *,
        stage: str = "NONE",
        submitted_at: datetime | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._platform = platform
        self._id = job_id
        self._order = order
        self._stage = stage
        self._uris: tuple[str, ...] = ()
        self._clock = clock
        self._sleep = sleep
        self._created = clock()
        self._seconds: dict[str, float] = {stage: 0.0}
        self._known = submitted_at is not None
        self.submitted_at = submitted_at
        self.finished_at: datetime | None = None

    @property
    def id(self) -> str:
        """The job's id, which ``gio.attach`` takes."""
        return self._id

    @property
    def kind(self) -> str | None:
        """What is exported: tag, segment, funnel, event, retention or frequency."""
        return self._order.kind.value if self._order.kind else None

    @property
    def name(self) -> str | None:
        """The name of what is exported; None after ``attach``."""
        return self._order.name

    @property
    def order(self) -> Order:
        """What was asked for."""
        return self._order

    @property
    def stage(self) -> str:
        """The stage as of the last poll: NONE, READY, RUNNING, DATA_READY, FINISH or ERROR."""
        return self._stage

    @property
    def uris(self) -> tuple[str, ...]:
        """The files on the platform; empty until the job is finished."""
        return self._uris

    @property
    def seconds(self) -> Mapping[str, float]:
        """When each stage was first seen, in seconds since the submit."""
        return dict(self._seconds)

    def done(self) -> bool:
        """Poll once, and tell whether the files are ready.

        Raises
        ------
        JobFailedError
            The platform gave the job up.
        DownloadError
            The job is finished and names no file.
        PlatformUnavailableError, AuthenticationError
            No answer came, or the platform does not let you in.
        """
        with self._named():
            return self._poll() is Verdict.DONE

    def wait(self, *, timeout: float | EllipsisType | None = ...) -> Self:
        """Wait until the files are ready.

        The first poll comes at once, each next one after a tenth of the time waited so far, at
        least 0.5 s and at most 15 s. A poll that fails in transit is not a job that failed.

        Parameters
        ----------
        timeout
            Seconds; None waits for ever; left out, what the job was submitted with.

        Raises
        ------
        JobTimeoutError
            The time is over; the job goes on, and the error has it as ``.job``.
        JobFailedError
            The platform gave the job up, or says nothing that could be understood.
        AuthenticationError
            The platform does not let you in any more.
        DownloadError
            The job is finished and names no file.
        """
        bound = self._order.timeout if timeout is ... else check_timeout(timeout)
        with self._named():
            for pause in self._pauses(bound):
                self._sleep(pause)
        return self

    def _pauses(self, bound: float | None) -> Iterator[float]:
        """Poll until the files are ready, and say before each further poll how long to pause."""
        began = self._clock()
        odd_since: float | None = None
        while True:
            left = None if bound is None else bound - (self._clock() - began)
            verdict, trouble = self._try_poll(left)
            if verdict is Verdict.DONE:
                return
            waited = self._clock() - began
            if verdict is Verdict.ODD:
                odd_since = waited if odd_since is None else odd_since
                self._refuse_oddity(waited - odd_since, trouble)
            elif verdict is Verdict.GOING:
                odd_since = None
            self._refuse_overtime(bound, waited, trouble)
            pause = next_delay(waited, random.random())
            yield pause if bound is None else min(pause, max(bound - waited, 0.01))

    def _try_poll(
        self, left: float | None
    ) -> tuple[Verdict | None, GraphQLError | PlatformUnavailableError | None]:
        try:
            return self._poll(left), None
        except GraphQLError as error:
            if not self._known:  # an id of nothing is told at once
                raise
            return Verdict.ODD, error
        except PlatformUnavailableError as error:
            # What is not the platform will not become it; what is away will come back.
            return (None if error.transient else Verdict.ODD), error

    def _poll(self, left: float | None = None) -> Verdict:
        if self._uris:
            return Verdict.DONE
        result = self._platform.job_result(self._id, timeout=left)
        verdict = judge(result.stage if result else None)
        if result is not None:
            self._known = True
            self._stage = result.stage
            self._seconds.setdefault(result.stage, self._clock() - self._created)
        if verdict is Verdict.FAILED:
            raise JobFailedError(
                f"The platform gave the export of {self._label()} up, without a reason",
                hint="Check that it can be computed on the platform, then export it again.",
            )
        if verdict is Verdict.DONE and result is not None:
            self._finish(result.uris)
        return verdict

    def _finish(self, uris: tuple[str, ...]) -> None:
        if not uris:
            raise DownloadError(
                f"The export of {self._label()} is finished, but the platform names no file: "
                "even an empty export has one, with its header line",
                hint="Export it again; if it comes back, report it to the platform's operator.",
            )
        self._uris = uris
        if self.submitted_at is not None:  # else it may have been finished long ago
            self.finished_at = datetime.now(UTC)

    def _refuse_oddity(self, seconds: float, trouble: GioError | None) -> None:
        if seconds >= _PATIENCE:
            if trouble is not None:
                raise trouble
            raise JobFailedError(
                f"For {seconds:.0f} s the platform has given no documented answer about the job "
                f"(last stage: {self._stage})",
                hint="Check that the id is of a job on this platform; else try a newer gio-pandas.",
            )

    def _refuse_overtime(
        self, bound: float | None, waited: float, trouble: GioError | None
    ) -> None:
        if bound is None or waited < bound:
            return
        state = f"last trouble: {trouble.what}" if trouble else f"stage {self._stage}"
        raise JobTimeoutError(
            f"The export of {self._label()} was not finished within {bound:g} s ({state})",
            hint=f"It goes on: gio.attach({self.id!r}).to_pandas(timeout=…) waits on.",
            job=self,
        )

    def _label(self) -> str:
        kind = self._order.kind.label if self._order.kind else ""
        return (
            f"{kind} {self._order.name!r}" if self._order.name else f"{kind} job {self._id}".strip()
        )

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Let every error on the way, and Ctrl-C, say how to get at the job again."""
        try:
            yield
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"stopped waiting; the job goes on: gio.attach({self.id!r}) picks it up"
            ) from None
        except GioError as error:
            line = f"The job: gio.attach({self.id!r})"
            if self.id not in str(error) and line not in getattr(error, "__notes__", ()):
                error.add_note(line)
            raise

    def to_pandas(
        self,
        *,
        dtype: Any = None,
        dtype_backend: DtypeBackend | None = None,
        timeout: float | EllipsisType | None = ...,
    ) -> pd.DataFrame:
        """Wait, download every file, and give the table.

        Parameters
        ----------
        dtype
            A dtype, or one by column name; wins over everything else. Left out, what the job was
            submitted with; so for the other two.
        dtype_backend
            ``"pyarrow"`` or ``"numpy_nullable"``, as pandas' readers take it.
        timeout
            Seconds to wait; None waits for ever.

        Returns
        -------
        pandas.DataFrame
            One row per user, or per row of the result table. Columns are named as the platform
            names them, and typed as promised under "Types" in the README.
            ``attrs["gio"]`` says where it comes from.

        Raises
        ------
        JobTimeoutError, JobFailedError
            As ``wait``.
        DownloadError
            A file is missing or never came whole.
        DecodeError
            A file is not the table it should be, or not of the same columns as the others.
        """
        with self._named():
            from gio_pandas.exports import dtypes, sinks

            dtypes.check_choice(dtype, dtype_backend)
            self.wait(timeout=timeout)
            return sinks.to_pandas(
                self,
                dtype=self._order.dtype if dtype is None else dtype,
                dtype_backend=dtype_backend or self._order.dtype_backend,
            )

    def to_arrow(self, *, timeout: float | EllipsisType | None = ...) -> pa.Table:
        """Wait, download every file, and give the table as Arrow.

        Returns
        -------
        pyarrow.Table
            The rows and columns of ``to_pandas``: int64, double, timestamp[us], large_string.
            ``dtype=`` and ``dtype_backend=`` do not apply.

        Raises
        ------
        JobTimeoutError, JobFailedError, DownloadError, DecodeError
            As ``to_pandas``.
        """
        with self._named():
            from gio_pandas.exports import sinks

            self.wait(timeout=timeout)
            return sinks.to_arrow(self)

    def parts(self) -> list[Part]:
        """Give the files of a finished job, in order, ready to be read."""
        return [Part(self._platform, uri, sleep=self._sleep) for uri in self._uris]

    def __await__(self) -> Generator[Any, None, pd.DataFrame]:
        return self._read_without_blocking().__await__()

    async def _read_without_blocking(self) -> pd.DataFrame:
        """Poll and read in threads; between polls nothing is held up, nor after a cancel."""
        import asyncio

        try:
            pauses = self._pauses(self._order.timeout)
            with self._named():
                while (pause := await asyncio.to_thread(next, pauses, None)) is not None:
                    await asyncio.sleep(pause)
            return await asyncio.to_thread(self.to_pandas)
        except asyncio.CancelledError:
            raise asyncio.CancelledError(
                f"stopped waiting; the job goes on: gio.attach({self.id!r}) picks it up"
            ) from None

    def __repr__(self) -> str:
        return f"<ExportJob {self._label()}, {self._stage}: gio.attach({self.id!r})>"
