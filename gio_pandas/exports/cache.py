"""Results that were kept: Parquet files in the user's cache folder, within a size."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from gio_pandas.errors import SettingsError
from gio_pandas.exports import notices
from gio_pandas.settings import SANDBOX

if TYPE_CHECKING:
    import pyarrow.parquet as pq

    from gio_pandas.exports.job import ExportJob
    from gio_pandas.exports.kept import Kept

__all__ = ["Cache", "Entry", "cache_of", "cache_path"]

_ENDING = ".parquet"
_ABANDONED = 24 * 3600.0
"""Seconds after which an unfinished file is one of a process that is gone."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A result that is kept; ``gio.cache_info()`` shows it.

    Parameters
    ----------
    id
        The job's id.
    name, kind, project
        What was exported, and its project.
    rows, bytes
        How much that is; bytes are those of the file.
    submitted_at, kept_at
        When the export was submitted, and when its result was kept.
    platform
        The platform's address.
    file
        The Parquet file.
    """

    id: str
    name: str | None
    kind: str | None
    project: str | None
    rows: int
    bytes: int
    submitted_at: str | None
    kept_at: str
    platform: str
    file: str


class Cache:
    """The results of jobs that were submitted or joined with ``reuse=``.

    A file is whole or not there, whoever else writes it at the same time. Where the folder cannot
    be used, results are not kept, and a warning says so once.

    Parameters
    ----------
    folder
        Where to; made when the first result is kept, for its owner alone.
    limit
        Bytes that all results may take; those go first that were not read for the longest time.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self._limit = limit
        self._warned = False

    def has(self, job: ExportJob) -> bool:
        """Tell whether the result of a job is kept, as it was to be read when submitted."""
        return self._file(job, job.order.columns, job.order.dtype).is_file()

    @contextmanager
    def result(
        self,
        job: ExportJob,
        *,
        columns: Sequence[str] | None,
        dtype: Any,
        timeout: float | EllipsisType | None,
    ) -> Iterator[Kept | None]:
        """Give a job's result; where it is not kept, wait for the job and keep it.

        Parameters
        ----------
        job
            The job.
        columns, dtype
            How it is to be read: the columns of ``dtype`` are kept as text.
        timeout
            As ``ExportJob.wait``.

        Yields
        ------
        Kept or None
            None where nothing can be kept; the job is finished.
        """
        from gio_pandas.exports.kept import Kept

        file = self._file(job, columns, dtype)
        opened = _opened(file)
        if opened is None:
            job.wait(timeout=timeout)
            self._keep(job, file, columns, dtype)
            opened = _opened(file)
        try:
            if opened is None:
                yield None
            else:
                with opened:
                    yield Kept(opened)
        finally:
            self._trim()

    def entries(self) -> list[Entry]:
        """List what is kept, what was used last on top."""
        found = [(file, _opened(file, used=False)) for file, _ in reversed(self._files())]
        return [_entry(file, opened) for file, opened in found if opened]

    def clear(self) -> int:
        """Remove all results; give the bytes that were freed."""
        return sum(_removed(file, size) for file, size in self._files())

    def _file(self, job: ExportJob, columns: Sequence[str] | None, dtype: Any) -> Path:
        from gio_pandas.exports import frames

        what = [job.order.platform, job.id, columns, frames.plain(dtype)]
        return (
            self.folder / f"{hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]}{_ENDING}"
        )

    def _keep(self, job: ExportJob, file: Path, columns: Sequence[str] | None, dtype: Any) -> None:
        from gio_pandas.exports import writers

        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = writers.parquet_target(file, "zstd")
            writers.to_parquet(job, found, columns=columns, dtype=dtype, compression="zstd")
            file.chmod(0o600)
        except InterruptedError:
            raise
        except (OSError, SettingsError) as error:
            self._warn(f"Results are not kept in {self.folder} ({error}); nothing else is wrong")

    def _warn(self, message: str) -> None:
        if not self._warned:
            self._warned = True
            notices.warn(message)

    def _files(self) -> list[tuple[Path, int]]:
        """Give the files with their sizes, that one first which was not used for the longest."""
        found = []
        with suppress(OSError):
            for file in self.folder.glob(f"*{_ENDING}"):
                with suppress(OSError):  # somebody else removed it
                    stat = file.stat()
                    found.append((stat.st_mtime, file, stat.st_size))
        return [(file, size) for _, file, size in sorted(found)]

    def _trim(self) -> None:
        files = self._files()
        taken = sum(size for _, size in files)
        for file, size in files:
            if taken <= self._limit:
                break
            taken -= _removed(file, size)
        for file in self.folder.glob(f".*{_ENDING}.*.part"):
            with suppress(OSError):
                if time.time() - file.stat().st_mtime > _ABANDONED:
                    file.unlink()


def cache_path() -> Path:
    """Say where results are kept: the folder ``results`` in the user's cache folder."""
    from platformdirs import user_cache_path

    return user_cache_path("gio_pandas", appauthor=False) / "results"


def cache_of(platform: str, limit: int) -> Cache:
    """Give the cache that results of a platform's jobs are kept in, with its limit in bytes.

    The embedded platform's jobs end with the process, and so do the results that are kept of them.
    """
    return _cache_at(Path(_passing().name) if platform == SANDBOX else cache_path(), limit)


@cache
def _cache_at(folder: Path, limit: int) -> Cache:
    return Cache(folder, limit)


@cache
def _passing() -> tempfile.TemporaryDirectory[str]:
    """Make a folder that is removed when the process ends."""
    return tempfile.TemporaryDirectory(prefix="gio-pandas-")


def _opened(file: Path, *, used: bool = True) -> pq.ParquetFile | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        opened = pq.ParquetFile(file, memory_map=False)
        if used:
            os.utime(file)
    except FileNotFoundError:
        return None
    except (OSError, pa.ArrowInvalid):  # of a disk that was full, or that failed
        with suppress(OSError):
            file.unlink()
        return None
    return opened


def _removed(file: Path, size: int) -> int:
    try:
        file.unlink()
    except OSError:  # on Windows: it is being read
        return 0
    return size


def _entry(file: Path, opened: pq.ParquetFile) -> Entry:
    from gio_pandas.exports.kept import Kept

    with opened:
        source = Kept(opened).source
    return Entry(
        id=source["job"],
        name=source["name"],
        kind=source["kind"],
        project=source["project_name"],
        rows=source["rows"],
        bytes=file.stat().st_size,
        submitted_at=source["submitted"],
        kept_at=source["read"],
        platform=source["platform"],
        file=str(file),
    )
