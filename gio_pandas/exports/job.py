"""A submitted export: how far it is, the wait for it, and the tables it becomes."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from pathlib import Path
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Protocol, Self

from gio_pandas.api.models import JobResult, Kind
from gio_pandas.errors import (
    AuthenticationError,
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
    import dask.dataframe as dd
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from gio_pandas.exports.cache import Cache
    from gio_pandas.exports.frames import DtypeBackend
    from gio_pandas.exports.kept import Kept
    from gio_pandas.exports.ledger import Ledger

__all__ = [
    "ExportJob",
    "Order",
    "Platform",
    "Verdict",
    "Wait",
    "asked_for",
    "judge",
    "next_delay",
    "rerouted",
]

_SHORTEST_DELAY = 0.5
_LONGEST_DELAY = 15.0
_PATIENCE = 60.0
"""Seconds that an unknown stage, or no answer at all, is taken for something passing."""

_SHORTEST_POLL = 1.0
"""Seconds that a poll may take though fewer are left: else the last look would be of no use."""

_PATIENCE_WITH_ID = 15.0
"""Seconds that nothing at all is taken for something passing, of a job that was attached by id."""

_NAMING = 2.0
"""Seconds that a platform may take to name the files of a job that it calls finished."""

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
    columns, dtype, dtype_backend, memory_limit, timeout
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
    columns: Sequence[str] | None = None
    dtype: Any = None
    dtype_backend: DtypeBackend | None = None
    memory_limit: int | None = None
    timeout: float | None = 3600.0


class Platform(Downloads, Protocol):
    """What answers polls and downloads."""

    def job_result(self, job_id: str, *, timeout: float | None = None) -> JobResult | None:
        """Ask once how far a job is; see ``Client.job_result``."""
        ...


class ExportJob:
    """One export on the platform. Made by ``submit_…`` and ``attach``, never by hand.

    A job is its id: whatever happens here, ``gio.attach(job.id)`` has it again. ``await job``
    gives the DataFrame without blocking the kernel. ``rows`` is how many rows its files have, once
    they have been read.

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
    submitted_at, finished_at
        When; None where that is not known.
    attached
        Whether it was submitted earlier, so that the platform may have forgotten it.
    ledger
        Where to write down how far the job is, if anywhere.
    cache
        Where its result is kept, if anywhere.
    clock, sleep
        Seconds that only grow, and how to pass them.
    """

    def __init__(
        self,
        platform: Platform,
        job_id: str,
        order: Order,
        *,
        stage: str = "NONE",
        submitted_at: datetime | None = None,
        finished_at: datetime | None = None,
        attached: bool = False,
        ledger: Ledger | None = None,
        cache: Cache | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._platform = platform
        self._id = job_id
        self._order = order
        self._stage = stage
        self._uris: tuple[str, ...] = ()
        self._failure: GioError | None = None
        self._bare_since: float | None = None
        self._clock = clock
        self._sleep = sleep
        self._created = clock()
        self._seconds: dict[str, float] = {stage: 0.0}
        self._known = submitted_at is not None and not attached
        self._ledger = ledger
        self._cache = cache
        self.submitted_at = submitted_at
        self.finished_at = finished_at
        self.rows: int | None = None

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
    def is_known(self) -> bool:
        """Whether the platform has answered for it; False for what it has not, or has forgotten."""
        return self._known

    @property
    def seconds(self) -> Mapping[str, float]:
        """When each stage was first seen, in seconds since the submit."""
        return dict(self._seconds)

    def is_kept(self) -> bool:
        """Tell whether the result is kept on this machine (``reuse=``), so that none is asked."""
        return self._cache is not None and self._cache.has(self)

    def done(self) -> bool:
        """Poll once, and tell whether the files are ready.

        Raises
        ------
        JobFailedError
            The platform gave the job up.
        DownloadError
            The job has been finished for two seconds and names no file.
        PlatformUnavailableError, AuthenticationError
            No answer came, or the platform does not let you in.
        """
        with self._named():
            if not self._uris:
                self._take(self._platform.job_result(self._id))
            return bool(self._uris)

    def wait(self, *, timeout: float | EllipsisType | None = ...) -> Self:
        """Wait until the files are ready.

        The first poll comes at once, each next one after a tenth of the time waited so far, at
        least 0.5 s and at most 15 s, or after what the platform asks for (``Retry-After``), at
        most a minute. A poll that fails in transit is not a job that failed. An answer that cannot
        be understood is borne for a minute, a finished job without files for two seconds.

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
        AuthenticationError, PermissionDeniedError
            The platform does not let you in any more.
        DownloadError
            The job is finished and names no file.
        """
        bound = self._order.timeout if timeout is ... else check_timeout(timeout)
        with self._named():
            for pause in self._pauses(bound):
                self._sleep(pause)
        return self

    def fail_later(self, error: GioError) -> None:
        """Keep an error of a wait elsewhere: whoever waits for the job next gets it, once."""
        self._failure = error

    def _pauses(self, bound: float | None) -> Iterator[float]:
        """Poll until the files are ready, and say before each further poll how long to pause."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        wait = Wait(self, bound, self._clock())
        while not wait.is_over:
            answer = self._ask(wait.patience(self._clock()))
            pause = wait.after(answer, self._clock(), random.random())
            if pause is not None:
                yield pause

    def _ask(self, left: float | None) -> JobResult | GioError | None:
        try:
            return self._platform.job_result(self._id, timeout=left)
        except GioError as error:
            return error

    def _take(self, result: JobResult | None) -> Verdict:
        """Note what a poll answered."""
        verdict = judge(result.stage if result else None)
        was_seen, self._known = self._known, self._known or result is not None
        if result is not None:
            self._stage = result.stage
            self._seconds.setdefault(result.stage, self._clock() - self._created)
        if verdict is Verdict.FAILED and result is not None:
            self._write_down()
            raise self._given_up(result)
        if verdict is Verdict.DONE and result is not None:
            return self._finish(result.uris, was_seen=was_seen)
        self._bare_since = None
        return verdict

    def _given_up(self, result: JobResult) -> JobFailedError:
        code, message = result.error_code, result.error_message
        reason = f": {code} {message[:500]}".rstrip() if code or message else ", without a reason"
        return JobFailedError(
            f"The platform gave the export of {self._label()} up{reason}",
            hint="Check that it can be computed on the platform, then export it again.",
            code=code,
            message=message,
        )

    def _finish(self, uris: tuple[str, ...], *, was_seen: bool) -> Verdict:
        if not uris:
            now = self._clock()
            self._bare_since = now if self._bare_since is None else self._bare_since
            if now - self._bare_since >= _NAMING:
                raise self._without_files()
            return Verdict.BARE
        self._uris = uris
        if was_seen and self.finished_at is None:  # else it may have been finished long ago
            self.finished_at = datetime.now(UTC)
        self._write_down()
        return Verdict.DONE

    def count(self, rows: int) -> None:
        """Take how many rows the files have."""
        self.rows = rows
        self._write_down()

    def _write_down(self) -> None:
        if self._ledger is not None:
            self._ledger.note(self)

    def _without_files(self) -> DownloadError:
        return DownloadError(
            f"The export of {self._label()} is finished, but the platform names no file: "
            "even an empty export has one, with its header line",
            hint="Export it again; if it comes back, report it to the platform's operator.",
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
            if isinstance(error, DownloadError) and error.gone and self._ledger is not None:
                self._ledger.forget(self)
            again = f"gio.attach({self.id!r})"
            line = f"The job: {again}"
            if again not in str(error) and line not in getattr(error, "__notes__", ()):
                error.add_note(line)
            raise

    def to_pandas(
        self,
        *,
        columns: Iterable[str] | None = None,
        dtype: Any = None,
        dtype_backend: DtypeBackend | None = None,
        memory_limit: int | float | str | None = None,
        timeout: float | EllipsisType | None = ...,
    ) -> pd.DataFrame:
        """Wait, download every file, and give the table.

        Parameters
        ----------
        columns
            Names of the columns to read, in the order wanted; the work of the others is skipped.
            Left out, what the job was submitted with, else all; so for the other four.
        dtype
            A dtype, or one by column name; wins over everything else.
        dtype_backend
            ``"pyarrow"`` or ``"numpy_nullable"``, as pandas' readers take it.
        memory_limit
            Bytes, or a text such as ``"4 GB"``: as soon as the table is going to need more, it is
            an error, and not a kernel that dies.
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
        MemoryLimitError
            The table would need more memory than ``memory_limit``; the message has the estimate.
        """
        with self._named():
            from gio_pandas.exports import frames, sinks

            frames.check_choice(dtype, dtype_backend)
            wanted, limit = self._wanted(columns), self._limit(memory_limit)
            dtype = self._order.dtype if dtype is None else dtype
            backend = dtype_backend or self._order.dtype_backend
            with self._kept(wanted, dtype, timeout) as kept:
                read = kept.to_pandas if kept else partial(sinks.to_pandas, self)
                return read(columns=wanted, dtype=dtype, dtype_backend=backend, memory_limit=limit)

    def to_arrow(
        self,
        *,
        columns: Iterable[str] | None = None,
        memory_limit: int | float | str | None = None,
        timeout: float | EllipsisType | None = ...,
    ) -> pa.Table:
        """Wait, download every file, and give the table as Arrow.

        Parameters
        ----------
        columns, memory_limit, timeout
            As ``to_pandas``.

        Returns
        -------
        pyarrow.Table
            The rows and columns of ``to_pandas``: int64, double, timestamp[us], large_string. What
            ``dtype=`` wants as text is text; what else it says, and ``dtype_backend=``, are
            pandas' own. So it is with batches, Polars and Parquet.

        Raises
        ------
        JobTimeoutError, JobFailedError, DownloadError, DecodeError, MemoryLimitError
            As ``to_pandas``.
        """
        with self._named():
            return self._arrow(columns, memory_limit, timeout)

    def to_polars(
        self,
        *,
        columns: Iterable[str] | None = None,
        memory_limit: int | float | str | None = None,
        timeout: float | EllipsisType | None = ...,
    ) -> pl.DataFrame:
        """Wait, download every file, and give the table as a Polars frame (extra ``polars``).

        Parameters
        ----------
        columns, memory_limit, timeout
            As ``to_pandas``.

        Returns
        -------
        polars.DataFrame
            The rows and columns of ``to_pandas``: Int64, Float64, Datetime("us"), String.

        Raises
        ------
        SettingsError
            Polars is not installed.
        JobTimeoutError, JobFailedError, DownloadError, DecodeError, MemoryLimitError
            As ``to_pandas``.
        """
        with self._named():
            from gio_pandas.exports import sinks

            sinks.check_polars()
            return sinks.to_polars(self._arrow(columns, memory_limit, timeout))

    def to_dask(
        self,
        client: Any = None,
        *,
        columns: Iterable[str] | None = None,
        blocksize: int | str | None = "128 MB",
        timeout: float | EllipsisType | None = ...,
    ) -> dd.DataFrame:
        """Wait, and give a lazy Dask frame whose partitions workers fetch (extra ``dask``).

        What a column is depends on every value of it. So every file is read twice, by the workers:
        now, to see what the columns are, of which nothing is kept, and when the frame is computed.
        A file that is not the same then is an error. ``ddf.persist()`` spares a third time.

        Workers need gio-pandas, must reach the platform, and have the file that ``verify=`` names,
        if any, at the same path. Credentials come to them by a plugin of the client's, also to
        workers that come later, for as long as the cluster lives; they are in no graph, key or log.
        Between scheduler and workers they are as safe as the cluster's own traffic: use its TLS
        where the network is not yours.

        Parameters
        ----------
        client
            A ``distributed.Client``; left out, the current one, and without one threads of this
            process.
        columns
            As ``to_pandas``. ``ddf[["a", "b"]]`` skips the work of other columns, too.
        blocksize
            Bytes, or a text such as ``"128 MB"``: where the platform sends parts of a file
            (``Range``), a larger one is read in several partitions of about that size. Else, and
            with None, each file is one.
        timeout
            Seconds to wait; None waits for ever.

        Returns
        -------
        dask.dataframe.DataFrame
            The rows of ``to_pandas``, in order. Its index is that of ``to_pandas``, 0, 1, …, over
            all partitions, with known divisions. Each partition has the dtypes of ``to_pandas``,
            and its ``attrs``.

        Raises
        ------
        SettingsError
            Dask is not installed, or the client cannot be used.
        JobTimeoutError, JobFailedError, DownloadError, DecodeError
            As ``to_pandas``; ``compute()`` may raise DownloadError, too.
        """
        with self._named():
            from gio_pandas.exports import cluster
            from gio_pandas.exports.memory import parse_size

            wanted, size = self._wanted(columns), parse_size(blocksize, "blocksize")
            workers = cluster.workers(self._platform, client)
            self.wait(timeout=timeout)
            return cluster.to_dask(self, self._platform, workers, columns=wanted, blocksize=size)

    def iter_batches(
        self,
        rows: int = 131_072,
        *,
        columns: Iterable[str] | None = None,
        timeout: float | EllipsisType | None = ...,
    ) -> Iterator[pa.RecordBatch]:
        """Wait, download every file, and give the rows batch by batch, in constant memory.

        The files are kept on disk, in a temporary file that vanishes with the iterator: what a
        column is depends on every value of it, so the first batch comes when all bytes have.

        Parameters
        ----------
        rows
            Rows in a batch; the last one may have fewer.
        columns, timeout
            As ``to_pandas``.

        Yields
        ------
        pyarrow.RecordBatch
            Rows in order; names and types as ``to_arrow``, the same in every batch.
            ``batch.to_pandas()`` makes a frame of one.

        Raises
        ------
        JobTimeoutError, JobFailedError, DownloadError, DecodeError
            As ``to_pandas``.
        """
        if not isinstance(rows, int) or rows < 1:
            raise ValueError(f"rows must be a whole number of at least 1, not {rows!r}")
        wanted = self._wanted(columns)

        def batches() -> Iterator[pa.RecordBatch]:
            from gio_pandas.exports import frames, sinks

            text = frames.text_choices(self._order.dtype)
            with self._named(), self._kept(wanted, text, timeout) as kept:
                if kept:
                    yield from kept.iter_batches(rows)
                else:
                    yield from sinks.iter_batches(self, rows, columns=wanted)

        return batches()

    def to_parquet(
        self,
        path: str | os.PathLike[str],
        *,
        columns: Iterable[str] | None = None,
        compression: str = "zstd",
        timeout: float | EllipsisType | None = ...,
    ) -> list[str]:
        """Wait, download every file, and write Parquet, in constant memory however large it is.

        ``pd.read_parquet(path)`` gives what ``to_pandas()`` gives, ``df.gio.source`` too.

        Parameters
        ----------
        path
            One file, if its name ends in ``.parquet``. Else a folder: ``part-00000.parquet`` and
            so on, one for each file of the export; part files of an earlier export are replaced.
            An address such as ``s3://bucket/users/`` goes through fsspec, with the package that
            it needs for it (s3fs, gcsfs, adlfs, …). A local file is whole or not there.
        columns, timeout
            As ``to_pandas``.
        compression
            ``"zstd"``, ``"snappy"``, ``"gzip"``, ``"lz4"`` or ``"none"``.

        Returns
        -------
        list of str
            The files written.

        Raises
        ------
        SettingsError
            The folder holds other files, or the address cannot be written to.
        JobTimeoutError, JobFailedError, DownloadError, DecodeError
            As ``to_pandas``.
        """
        with self._named():
            from gio_pandas.exports import frames, writers

            wanted, target = self._wanted(columns), writers.parquet_target(path, compression)
            self.wait(timeout=timeout)
            text = frames.text_choices(self._order.dtype)
            return writers.to_parquet(
                self, target, columns=wanted, compression=compression, dtype=text
            )

    def to_csv(
        self,
        path: str | os.PathLike[str],
        *,
        columns: Iterable[str] | None = None,
        encoding: str = "utf-8-sig",
        timeout: float | EllipsisType | None = ...,
    ) -> str:
        r"""Wait, download every file, and write one CSV file, in constant memory.

        Every value is written as the platform wrote it; only the charset, the quotes and the line
        ends (``\r\n``) are of one kind now, and the files one.

        Parameters
        ----------
        path
            The file, or an address that goes through fsspec. A local file is whole or not there.
        columns, timeout
            As ``to_pandas``.
        encoding
            UTF-8 with a byte order mark by default, so that Excel opens it.

        Returns
        -------
        str
            The file written.

        Raises
        ------
        SettingsError
            The encoding is unknown, or lacks a letter of the export.
        JobTimeoutError, JobFailedError, DownloadError, DecodeError
            As ``to_pandas``.
        """
        with self._named():
            from gio_pandas.exports import writers

            wanted, target = self._wanted(columns), writers.csv_target(path, encoding)
            self.wait(timeout=timeout)
            return writers.to_csv(self, target, columns=wanted, encoding=encoding)

    def download(
        self,
        folder: str | os.PathLike[str],
        *,
        timeout: float | EllipsisType | None = ...,
    ) -> list[Path]:
        """Wait, and save the export's files as the platform wrote them.

        Parameters
        ----------
        folder
            Where to; made if it is not there. A file is whole or not there.
        timeout
            As ``to_pandas``.

        Returns
        -------
        list of pathlib.Path
            The files, in order, under the names that they have on the platform, as far as those
            are safe; a number tells apart what has the same name.

        Raises
        ------
        SettingsError
            ``folder`` is a file, or an address.
        JobTimeoutError, JobFailedError, DownloadError
            As ``to_pandas``.
        """
        with self._named():
            from gio_pandas.exports import writers

            target = writers.download_target(folder)
            self.wait(timeout=timeout)
            return writers.download(self, target)

    def _wanted(self, columns: Iterable[str] | None) -> Sequence[str] | None:
        from gio_pandas.exports.layout import check_columns

        return self._order.columns if columns is None else check_columns(columns)

    def _limit(self, memory_limit: int | float | str | None) -> int | None:
        from gio_pandas.exports.memory import parse_size

        return self._order.memory_limit if memory_limit is None else parse_size(memory_limit)

    def _arrow(
        self,
        columns: Iterable[str] | None,
        memory_limit: int | float | str | None,
        timeout: float | EllipsisType | None,
    ) -> pa.Table:
        from gio_pandas.exports import frames, sinks

        wanted, limit = self._wanted(columns), self._limit(memory_limit)
        with self._kept(wanted, frames.text_choices(self._order.dtype), timeout) as kept:
            if kept:
                return kept.to_arrow(memory_limit=limit)
            return sinks.to_arrow(self, columns=wanted, memory_limit=limit)

    @contextmanager
    def _kept(
        self, columns: Sequence[str] | None, dtype: Any, timeout: float | EllipsisType | None
    ) -> Iterator[Kept | None]:
        """Give the result out of the cache; without one, wait for the files, and give None."""
        if self._cache is None:
            self.wait(timeout=timeout)
            yield None
        else:
            with self._cache.result(self, columns=columns, dtype=dtype, timeout=timeout) as kept:
                self.rows = kept.source["rows"] if kept else None
                yield kept

    def parts(self) -> list[Part]:
        """Give the files of a finished job, in order, ready to be read."""
        sleep = None if self._sleep is time.sleep else self._sleep
        return [Part(self._platform, uri, sleep=sleep, clock=self._clock) for uri in self._uris]

    def __await__(self) -> Generator[Any, None, pd.DataFrame]:
        return self._read_without_blocking().__await__()

    async def _read_without_blocking(self) -> pd.DataFrame:
        """Poll and read in threads; between polls nothing is held up, nor after a cancel."""
        import asyncio

        from gio_pandas.exports import notices
        from gio_pandas.exports.leash import Leash, in_thread

        leash = Leash()
        try:
            with self._named():
                pauses = iter(()) if self.is_kept() else self._pauses(self._order.timeout)
                while (pause := await in_thread(next, pauses, None)) is not None:
                    await asyncio.sleep(pause)
                twin = rerouted(self, leash.line, leash.sleep)
                with notices.collected() as collected:
                    frame = await in_thread(twin.to_pandas)
        except asyncio.CancelledError:
            raise asyncio.CancelledError(
                f"stopped waiting; the job goes on: gio.attach({self.id!r}) picks it up"
            ) from None
        finally:
            leash.let_go()
        self.rows = twin.rows
        for notice in collected:
            notices.warn(notice)
        return frame

    def __repr__(self) -> str:
        return f"<ExportJob {self._label()}, {self._stage}: gio.attach({self.id!r})>"


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
            f"The export of {job._label()} was not finished within {self._bound:g} s ({state})",
            hint=f"It goes on: gio.attach({job.id!r}).to_pandas(timeout=…) waits on.",
            job=job,
        )


def rerouted(
    job: ExportJob, route: Callable[[Platform], Platform], sleep: Callable[[float], None]
) -> ExportJob:
    """Give the same job, read over another line than its own.

    Parameters
    ----------
    job
        A finished job.
    route
        Makes the line out of the job's platform.
    sleep
        How to pass the seconds between attempts to download.
    """
    twin = copy(job)
    twin._platform = route(job._platform)
    twin._sleep = sleep
    return twin
