"""A submitted export: how far it is, and the tables it becomes."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Protocol, Self

from gio_pandas.api.models import JobResult, Kind
from gio_pandas.docstrings import explained
from gio_pandas.errors import DownloadError, GioError, JobFailedError
from gio_pandas.exports.files import Downloads, Part
from gio_pandas.exports.progress import Tracker, Usual, followed
from gio_pandas.exports.wait import Verdict, Wait, judge
from gio_pandas.settings import check_timeout, progress_mode
from gio_pandas.stops import cancelled, stopped
from gio_pandas.titles import cut

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from gio_pandas.exports.cache import Cache
    from gio_pandas.exports.frames import DtypeBackend
    from gio_pandas.exports.kept import Kept
    from gio_pandas.exports.ledger import Ledger

__all__ = ["ExportJob", "Order", "Platform", "rerouted"]

_NAMING = 2.0
"""Seconds that a platform may take to name the files of a job that it calls finished."""


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
    progress
        How it is shown how far the job is; see ``settings.check_progress``.
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
    progress: str = "auto"


class Platform(Downloads, Protocol):
    """What answers polls and downloads."""

    def job_result(self, job_id: str, *, timeout: float | None = None) -> JobResult | None:
        """Ask once how far a job is; see ``Client.job_result``."""
        ...


class ExportJob:
    """One export on the platform. Made by ``submit_…`` and ``attach``, never by hand.

    A job is its id: whatever happens here, ``gio.attach(job.id)`` has it again. ``await job``
    gives the DataFrame without blocking the kernel; a notebook's Stop ends the verbs at once, but
    an ``await`` only when that ends by itself.

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

    Attributes
    ----------
    rows : int or None
        How many rows its files have, once they have been read.
    submitted_at, finished_at : datetime.datetime or None
        When, in UTC, as far as that is known here.

    Examples
    --------
    >>> job = gio.submit_segment("高价值用户")
    >>> job.title
    "segment (分群) '高价值用户'"
    >>> job.wait().stage, len(job.uris)
    ('FINISH', 1)
    >>> df = job.to_pandas(columns=["gio_id"])
    >>> job.rows
    1000
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
        self._tracker = Tracker(order.name or job_id, self, clock=clock)
        self._heard_at = float("-inf")
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
    def title(self) -> str:
        """What is exported, for people: ``segment (分群) '高价值用户'``."""
        kind = self._order.kind.label if self._order.kind else ""
        return f"{kind} {cut(self.name)!r}" if self.name else f"{kind} job {cut(self._id)}".strip()

    @property
    def order(self) -> Order:
        """What was asked for."""
        return self._order

    @property
    def tracker(self) -> Tracker:
        """What knows how far the job is, and reading it: ``job.tracker.snapshot()``."""
        return self._tracker

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
        """Tell whether the result is kept on this machine (``reuse=``), so that none is asked.

        Returns
        -------
        bool
            True where it is, and can be read.
        """
        return self._cache is not None and self._cache.has(self)

    def done(self) -> bool:
        """Poll once, and tell whether the files are ready.

        Returns
        -------
        bool
            True where they are; then it polls no more.

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

    def wait(
        self, *, timeout: float | EllipsisType | None = ..., progress: bool | None = None
    ) -> Self:
        """Wait until the files are ready.

        The first poll comes at once, each next one after a tenth of the time waited so far, at
        least 0.5 s and at most 15 s, or after what the platform asks for (``Retry-After``), at
        most a minute. A poll that fails in transit is not a job that failed. An answer that cannot
        be understood is borne for a minute, a finished job without files for two seconds.

        Parameters
        ----------
        timeout
            Seconds; None waits for ever; left out, what the job was submitted with.
        progress
            Whether to show how far it is: True at once, False never. Left out, what the job was
            submitted with, else what ``GIO_PROGRESS`` says: a widget in Jupyter, a line in a
            terminal, after a moment.

        Returns
        -------
        ExportJob
            This job.

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
        with self._doing(progress):
            for pause in self._pauses(bound):
                self._sleep(pause)
        return self

    def fail_later(self, error: GioError) -> None:
        """Keep an error of a wait elsewhere: whoever waits for the job next gets it, once.

        Parameters
        ----------
        error
            What was raised there.
        """
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
        self._heard_at = self._clock()
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
        said = f": {code} {message[:500]}".rstrip() if code or message else " and gave no reason"
        return JobFailedError(
            f"The platform could not finish the export of {self.title}{said}",
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
        """Take how many rows the files have.

        Parameters
        ----------
        rows
            All of them, the header lines not among them.
        """
        self.rows = rows
        self._write_down()

    def _write_down(self) -> None:
        if self._ledger is not None:
            self._ledger.note(self)

    def _without_files(self) -> DownloadError:
        return DownloadError(
            f"The export of {self.title} is finished, but the platform names no file: "
            "even an empty export has one, with its header line",
            hint="Export it again; if it comes back, report it to the platform's operator.",
        )

    def track(self, tracker: Tracker) -> None:
        """Go on with what has known how far this is since before there was a job.

        Parameters
        ----------
        tracker
            What takes the place of the job's own.
        """
        self._tracker = tracker
        tracker.follow(self)

    def usual(self) -> Usual | None:
        """Say how long such exports took before, as far as that was seen from this machine.

        Returns
        -------
        tuple or None
            Seconds from the submit to the last stage (the median), and of how many exports.
        """
        return self._ledger.usual(self._order) if self._ledger is not None else None

    @contextmanager
    def _doing(self, progress: bool | None) -> Iterator[None]:
        """Do something with the job: how far that is can be seen, and errors are its own."""
        mode = progress_mode(progress, self._order.progress)
        with self._named(), followed(self._tracker, mode):
            yield

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Let every error on the way, and Ctrl-C, say how to get at the job again."""
        try:
            yield
        except KeyboardInterrupt:
            raise stopped(
                f"stopped waiting; the job goes on: gio.attach({self.id!r}) picks it up"
            ) from None
        except GioError as error:
            if isinstance(error, DownloadError) and error.gone and self._ledger is not None:
                self._ledger.forget(self)
            again = f"gio.attach({self.id!r})"
            told = (str(error), *getattr(error, "__notes__", ()))
            # Who is told that there is no such job is not told to attach that very id.
            is_nobodys = not self._known and f"no job {self.id!r}" in error.what
            if not is_nobodys and not any(again in words for words in told):
                error.add_note(f"The job: {again}")
            raise

    def to_pandas(
        self,
        *,
        columns: Iterable[str] | None = None,
        dtype: Any = None,
        dtype_backend: DtypeBackend | None = None,
        memory_limit: int | float | str | None = None,
        timeout: float | EllipsisType | None = ...,
        progress: bool | None = None,
    ) -> pd.DataFrame:
        """Wait, download every file, and give the table.

        What is left out is as the job was submitted with.

        Parameters
        ----------
        columns
            Names of the columns to read, in the order wanted; the work of the others is skipped.
        dtype
            A dtype, or one by column name; wins over everything else.
        dtype_backend
            ``"pyarrow"`` or ``"numpy_nullable"``, as pandas' readers take it.
        memory_limit
            Bytes, or a text such as ``"4 GB"``: as soon as the table is going to need more, it is
            an error, and not a kernel that dies.
        timeout
            Seconds to wait for the job; None waits for ever.
        progress
            Whether to show how far it is: True at once, False never; see ``wait``.

        Returns
        -------
        pandas.DataFrame
            One row per user, or per row of the result table. Columns are named as the platform
            names them, and typed as promised under "Types" in the README.
            ``attrs["gio"]`` says where it comes from.

        Raises
        ------
        JobTimeoutError, JobFailedError, AuthenticationError, PermissionDeniedError
            As ``wait``.
        DownloadError
            A file is missing or never came whole.
        DecodeError
            A file is not the table it should be, or not of the same columns as the others.
        MemoryLimitError
            The table would need more memory than ``memory_limit``; the message has the estimate.

        Examples
        --------
        >>> job = gio.submit_tag("累计消费金额")
        >>> job.to_pandas(dtype={"累计消费金额": "float32"}).shape
        (6200, 2)
        """
        with self._doing(progress):
            from gio_pandas.exports import frames, sinks

            frames.check_choice(dtype, dtype_backend)
            wanted, limit = self._wanted(columns), self._limit(memory_limit)
            dtype = self._order.dtype if dtype is None else dtype
            backend = dtype_backend or self._order.dtype_backend
            with self._kept(wanted, dtype, timeout) as kept:
                read = kept.to_pandas if kept else partial(sinks.to_pandas, self)
                return read(columns=wanted, dtype=dtype, dtype_backend=backend, memory_limit=limit)

    @explained(to_pandas)
    def to_arrow(
        self,
        *,
        columns: Iterable[str] | None = None,
        memory_limit: int | float | str | None = None,
        timeout: float | EllipsisType | None = ...,
        progress: bool | None = None,
    ) -> pa.Table:
        """Wait, download every file, and give the table as Arrow.

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

        Examples
        --------
        >>> gio.submit_funnel("漏斗1").to_arrow().column_names
        ['步骤', '步骤名称', '用户数', '转化率', '总转化率']
        """
        with self._doing(progress):
            return self._arrow(columns, memory_limit, timeout)

    @explained(to_pandas)
    def to_polars(
        self,
        *,
        columns: Iterable[str] | None = None,
        memory_limit: int | float | str | None = None,
        timeout: float | EllipsisType | None = ...,
        progress: bool | None = None,
    ) -> pl.DataFrame:
        """Wait, download every file, and give the table as a Polars frame (extra ``polars``).

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
        with self._doing(progress):
            from gio_pandas.exports import sinks

            sinks.check_polars()
            return sinks.to_polars(self._arrow(columns, memory_limit, timeout))

    @explained(to_pandas)
    def to_dask(
        self,
        client: Any = None,
        *,
        columns: Iterable[str] | None = None,
        blocksize: int | str | None = "128 MB",
        timeout: float | EllipsisType | None = ...,
        progress: bool | None = None,
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
        with self._doing(progress):
            from gio_pandas.exports import cluster
            from gio_pandas.exports.memory import parse_size

            wanted, size = self._wanted(columns), parse_size(blocksize, "blocksize")
            workers = cluster.workers(self._platform, client)
            self.wait(timeout=timeout)
            with self._tracker.reading():  # in whatever process: nobody counts
                return cluster.to_dask(
                    self, self._platform, workers, columns=wanted, blocksize=size
                )

    @explained(to_pandas)
    def iter_batches(
        self,
        rows: int = 131_072,
        *,
        columns: Iterable[str] | None = None,
        timeout: float | EllipsisType | None = ...,
        progress: bool | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Wait, download every file, and give the rows batch by batch, in constant memory.

        The files are kept on disk, in a temporary file that vanishes with the iterator: what a
        column is depends on every value of it, so the first batch comes when all bytes have.

        Parameters
        ----------
        rows
            Rows in a batch; the last one may have fewer.

        Yields
        ------
        pyarrow.RecordBatch
            Rows in order; names and types as ``to_arrow``, the same in every batch.
            ``batch.to_pandas()`` makes a frame of one.

        Raises
        ------
        JobTimeoutError, JobFailedError, DownloadError, DecodeError
            As ``to_pandas``.
        ValueError
            ``rows`` is no number above 0.

        Examples
        --------
        >>> job = gio.submit_tag("会员等级")
        >>> [batch.num_rows for batch in job.iter_batches(3000)]
        [3000, 3000, 2000]
        """
        if not isinstance(rows, int) or rows < 1:
            raise ValueError(f"rows must be a whole number of at least 1, not {rows!r}")
        wanted = self._wanted(columns)

        def batches() -> Iterator[pa.RecordBatch]:
            from gio_pandas.exports import frames, sinks

            text = frames.text_choices(self._order.dtype)
            with self._named(), ExitStack() as stack:
                # Until the first batch is there: then all bytes have come, and a reader reads.
                with self._doing(progress):
                    kept = stack.enter_context(self._kept(wanted, text, timeout))
                    read = kept.iter_batches if kept else partial(sinks.iter_batches, self)
                    found = stack.enter_context(closing(read(rows, columns=wanted)))
                    first = next(found, None)
                if first is not None:
                    yield first
                yield from found

        return batches()

    @explained(to_pandas)
    def to_parquet(
        self,
        path: str | os.PathLike[str],
        *,
        columns: Iterable[str] | None = None,
        compression: str = "zstd",
        timeout: float | EllipsisType | None = ...,
        progress: bool | None = None,
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

        Examples
        --------
        >>> gio.submit_segment("高价值用户").to_parquet("users.parquet")
        ['users.parquet']
        >>> len(pd.read_parquet("users.parquet"))
        1000
        """
        with self._doing(progress):
            from gio_pandas.exports import frames, writers

            wanted, target = self._wanted(columns), writers.parquet_target(path, compression)
            self.wait(timeout=timeout)
            text = frames.text_choices(self._order.dtype)
            return writers.to_parquet(
                self, target, columns=wanted, compression=compression, dtype=text
            )

    @explained(to_pandas)
    def to_csv(
        self,
        path: str | os.PathLike[str],
        *,
        columns: Iterable[str] | None = None,
        encoding: str = "utf-8-sig",
        timeout: float | EllipsisType | None = ...,
        progress: bool | None = None,
    ) -> str:
        r"""Wait, download every file, and write one CSV file, in constant memory.

        Every value is written as the platform wrote it; only the charset, the quotes and the line
        ends (``\r\n``) are of one kind now, and the files one.

        Parameters
        ----------
        path
            The file, or an address that goes through fsspec. A local file is whole or not there.
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

        Examples
        --------
        >>> gio.submit_segment("高价值用户").to_csv("users.csv")
        'users.csv'
        """
        with self._doing(progress):
            from gio_pandas.exports import writers

            wanted, target = self._wanted(columns), writers.csv_target(path, encoding)
            self.wait(timeout=timeout)
            return writers.to_csv(self, target, columns=wanted, encoding=encoding)

    @explained(to_pandas)
    def download(
        self,
        folder: str | os.PathLike[str],
        *,
        timeout: float | EllipsisType | None = ...,
        progress: bool | None = None,
    ) -> list[Path]:
        """Wait, and save the export's files as the platform wrote them.

        Parameters
        ----------
        folder
            Where to; made if it is not there. A file is whole or not there.

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

        Examples
        --------
        >>> [path.name for path in gio.submit_segment("高价值用户").download("raw")]
        ['下载用户列表.csv']
        """
        with self._doing(progress):
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
        """Give the files of a finished job, in order, ready to be read.

        Returns
        -------
        list of Part
            One a file; empty until the job is finished.
        """
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
            with self._doing(None):
                pauses = iter(()) if self.is_kept() else self._pauses(self._order.timeout)
                while (pause := await in_thread(next, pauses, None)) is not None:
                    await asyncio.sleep(pause)
                twin = rerouted(self, leash.line, leash.sleep)
                with notices.collected() as collected:
                    frame = await in_thread(twin.to_pandas)
                self.rows = twin.rows
        except asyncio.CancelledError:
            raise cancelled(
                f"stopped waiting; the job goes on: gio.attach({self.id!r}) picks it up"
            ) from None
        finally:
            leash.let_go()
        for notice in collected:
            notices.warn(notice)
        return frame

    def _ipython_display_(self) -> None:
        """Show a job that goes on as a card that is kept up to date; others as they are."""
        from gio_pandas.notebook import live

        live.show(self)

    def _repr_html_(self) -> str:
        from gio_pandas.notebook.cards import job_card

        return job_card(self)

    def __repr__(self) -> str:
        return f"<ExportJob {self.title}, {self._stage}: gio.attach({self.id!r})>"


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
