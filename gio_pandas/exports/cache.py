"""Results that were kept: Parquet files in the user's cache folder, within a size."""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import EllipsisType
from typing import TYPE_CHECKING, Any, BinaryIO

from gio_pandas._version import __version__
from gio_pandas.errors import SettingsError
from gio_pandas.exports import notices
from gio_pandas.exports.private import make_folder
from gio_pandas.exports.turns import turn
from gio_pandas.settings import SANDBOX

if TYPE_CHECKING:
    import pyarrow as pa

    from gio_pandas.exports.job import ExportJob
    from gio_pandas.exports.kept import Kept

__all__ = ["Cache", "Entry", "cache_of", "cache_path"]

_ENDING = ".parquet"
_UNFINISHED = ".part"
_CHUNK = 1 << 20
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

    A file is whole or not there, whoever else writes it at the same time: it is written under
    another name, and its own name has the checksum of all its bytes. Where the folder cannot be
    used, results are not kept, and a warning says so once.

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
        self._trouble = notices.Once()

    def has(self, job: ExportJob) -> bool:
        """Tell whether the result of a job is kept, as it was to be read when submitted."""
        return bool(self._found(_key(job, job.order.columns, job.order.dtype)))

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

        key = _key(job, columns, dtype)
        file = self._open(key)
        if file is None:
            job.wait(timeout=timeout)
            with turn((self.folder, key)):  # one download for all threads that want it
                file = self._open(key)
                if file is None:
                    self._keep(job, key, columns, dtype)
                    file = self._open(key)
        try:
            if file is None:
                yield None
            else:
                with file:
                    yield Kept(file)
        finally:
            self._trim()

    def entries(self) -> list[Entry]:
        """List what is kept, what was used last on top."""
        entries = (_entry(file, size) for file, size in reversed(self._files()))
        return [entry for entry in entries if entry]

    def clear(self) -> int:
        """Remove all results, what is being kept just now, too; give the bytes that were freed."""
        everything = self._files() + self._files(_UNFINISHED)
        return sum(_removed(file, size) for file, size in everything)

    def _found(self, key: str) -> list[Path]:
        return [file for file, _ in self._files(f".????????{_ENDING}", key)]

    def _open(self, key: str) -> pa.OSFile | None:
        """Open a result, if it is there and all its bytes are what was written."""
        for file in self._found(key):
            with suppress(OSError):  # removed meanwhile, or cannot be read
                if opened := _opened(file):
                    with suppress(OSError):
                        os.utime(file)
                    return opened
                file.unlink()
        return None

    def _keep(self, job: ExportJob, key: str, columns: Sequence[str] | None, dtype: Any) -> None:
        from gio_pandas.exports import writers

        try:
            make_folder(self.folder)
            place = _Place(self.folder, key)
            writers.to_parquet(job, place, columns=columns, dtype=dtype, compression="zstd")
        except InterruptedError:
            raise
        except (OSError, SettingsError) as error:
            # What the writers say of it is for who asked for a file.
            reason = error.__cause__ or error
            self._trouble.mention(
                f"Results are not kept in {self.folder} ({reason}); nothing else is wrong"
            )

    def _files(self, ending: str = _ENDING, key: str = "*") -> list[tuple[Path, int]]:
        """Give the files with their sizes, that one first which was not used for the longest."""
        found = []
        with suppress(OSError):
            for file in self.folder.glob(f"{key}{ending}"):
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
        for file, size in self._files(_UNFINISHED):
            with suppress(OSError):
                if time.time() - file.stat().st_mtime > _ABANDONED:
                    _removed(file, size)


class _Place:
    """Where one result is written to, as ``targets`` are; its name is known when it is whole."""

    def __init__(self, folder: Path, key: str) -> None:
        self._stem = folder / key
        self.path = f"{self._stem}{_ENDING}"
        self.local_folder = str(folder)

    def check(self, pattern: str | None) -> None:
        """Refuse nothing: where it fails, nothing is kept."""

    @contextmanager
    def writing(self, pattern: str | None) -> Iterator[Callable[[str], BinaryIO]]:
        """Open the file; it is kept whole, or not at all."""
        partial = Path(f"{self._stem}.{secrets.token_hex(4)}{_UNFINISHED}")
        try:
            yield lambda _: open(partial, "xb", opener=_private)  # noqa: SIM115 the writer closes it
            with partial.open("rb") as stream:
                checksum = _checksum(stream)
            partial.replace(f"{self._stem}.{checksum}{_ENDING}")
        finally:
            partial.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def cache_path() -> Path | None:
    """Say where results are kept: ``results`` in the user's cache folder, if there is one."""
    from platformdirs import user_cache_path

    try:
        return user_cache_path("gio_pandas", appauthor=False) / "results"
    except RuntimeError:  # a user without a home: a container's, a service's
        return None


def cache_of(platform: str, limit: int) -> Cache:
    """Give the cache that results of a platform's jobs are kept in, with its limit in bytes.

    The embedded platform's jobs end with the process, and so do the results that are kept of them;
    so it is for a user without a home.
    """
    folder = None if platform == SANDBOX else cache_path()
    return _cache_at(folder or _passing_folder(), limit)


@cache
def _cache_at(folder: Path, limit: int) -> Cache:
    return Cache(folder, limit)


@cache
def _passing_folder() -> Path:
    """Make a folder that is removed when the process ends."""
    folder, owner = tempfile.mkdtemp(prefix="gio-pandas-"), os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # else it is a child's end
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return Path(folder)


def _key(job: ExportJob, columns: Sequence[str] | None, dtype: Any) -> str:
    """Name all that the bytes of a result follow from.

    The id alone is not the job: a platform that is set up anew may give it a second time.
    """
    from gio_pandas.exports import frames

    order = job.order
    submitted = job.submitted_at and job.submitted_at.isoformat()
    ordered = [order.kind, order.project_id, order.item_id, dict(order.arguments), order.charset]
    reading = [columns, frames.plain(dtype) or None, dict(order.value_types), __version__]
    named = [order.platform, job.id, submitted, *ordered, *reading]
    what = json.dumps(named, sort_keys=True, default=str)
    return hashlib.sha256(what.encode()).hexdigest()[:32]


def _opened(file: Path) -> pa.OSFile | None:
    """Open a file; None where its bytes are not those that its name tells of."""
    import pyarrow as pa

    opened = pa.OSFile(str(file))
    if _checksum(opened) == file.name.split(".")[1]:
        opened.seek(0)
        return opened
    opened.close()
    return None


def _checksum(stream: Any) -> str:
    checksum = 0
    while chunk := stream.read(_CHUNK):
        checksum = zlib.crc32(chunk, checksum)
    return f"{checksum:08x}"


def _removed(file: Path, size: int) -> int:
    try:
        file.unlink()
    except OSError:  # on Windows: it is being read
        return 0
    return size


def _entry(file: Path, size: int) -> Entry | None:
    import pyarrow as pa

    from gio_pandas.exports.kept import Kept

    try:
        with pa.OSFile(str(file)) as opened:
            source = Kept(opened).source
        return Entry(
            id=source["job"],
            name=source["name"],
            kind=source["kind"],
            project=source["project_name"],
            rows=source["rows"],
            bytes=size,
            submitted_at=source["submitted"],
            kept_at=source["read"],
            platform=source["platform"],
            file=str(file),
        )
    except (OSError, pa.ArrowException, ValueError, TypeError, LookupError):
        return None  # gone meanwhile, or none of ours
