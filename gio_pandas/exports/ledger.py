"""What was submitted from this machine, kept so that no job gets lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from gio_pandas.api.models import Kind
from gio_pandas.exports import notices
from gio_pandas.exports.job import Order
from gio_pandas.exports.private import make_file
from gio_pandas.settings import SANDBOX

if TYPE_CHECKING:
    import sqlite3

    from gio_pandas.exports.job import ExportJob

__all__ = ["GONE", "UNCERTAIN", "Entry", "Ledger", "Record", "ledger_of", "ledger_path"]

UNCERTAIN = "UNCERTAIN"
"""In the place of a stage: the submit was not answered, there may be a job or not."""

GONE = "GONE"
"""In the place of a stage: the job was finished, but the platform has its files no more."""

_VERSION = 1
_PATIENCE = 5.0
"""Seconds to wait for another process that writes."""

_HASTE = 0.1
"""The same, where the last wait was in vain: a lock that stays must not hold up every export."""

_KEPT = timedelta(days=400)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY,
    platform TEXT NOT NULL,
    id TEXT,
    kind TEXT,
    item_id TEXT,
    name TEXT,
    project_id TEXT,
    project TEXT,
    charset TEXT NOT NULL,
    arguments TEXT NOT NULL,
    reading TEXT NOT NULL,
    stage TEXT NOT NULL,
    submitted_at TEXT NOT NULL,
    finished_at TEXT,
    rows INTEGER,
    UNIQUE (platform, id)
);
CREATE INDEX IF NOT EXISTS jobs_by_time ON jobs (submitted_at);
"""


_MOST_LOOKED_AT = 200
_FINISHED = (
    "SELECT item_id, submitted_at, finished_at FROM jobs WHERE platform = ? AND kind = ? "
    "AND finished_at IS NOT NULL AND id IS NOT NULL AND stage IN ('FINISH', 'GONE') "
    "ORDER BY submitted_at DESC LIMIT ?"
)


class _NewerError(ValueError):
    """The file is of a version that this one does not know."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A submit, as the ledger has it; ``gio.jobs()`` shows it.

    Parameters
    ----------
    id
        The job's id; None where the submit was not answered.
    name, kind, item_id
        What was exported.
    stage
        ``FINISH`` or ``ERROR`` if that was seen from here, else what the submit answered; or
        ``UNCERTAIN`` or ``GONE``.
    submitted_at, finished_at
        When, in UTC; None where that was not seen.
    rows
        How many rows its files have, once they have been read.
    project, project_id
        Its project; None for the platform's own.
    charset, arguments
        How it was asked for; the verb's other arguments as JSON.
    platform
        The platform's address.
    """

    id: str | None
    name: str | None
    kind: str | None
    stage: str
    submitted_at: str
    finished_at: str | None
    rows: int | None
    project: str | None
    charset: str
    arguments: str
    item_id: str | None
    project_id: str | None
    platform: str


@dataclass(frozen=True, kw_only=True)
class Record(Entry):
    """An entry, with what makes its frame of the files: types, columns, dtypes."""

    reading: Mapping[str, Any] = field(repr=False)

    def order(self, *, charset: str | None, timeout: float | None, progress: str = "auto") -> Order:
        """Give the order again, to be read as it was to be read when it was submitted."""
        return Order(
            platform=self.platform,
            kind=Kind(self.kind) if self.kind else None,
            item_id=self.item_id,
            name=self.name,
            project_id=self.project_id,
            project_name=self.project,
            charset=charset or self.charset,
            timeout=timeout,
            progress=progress,
            **self.reading,
        )


class Ledger:
    """The submits of one user of this machine, in a SQLite file that several processes share.

    It never stops an export: where it cannot be read or written, it warns once and knows nothing.
    No secret is ever in it.

    Parameters
    ----------
    path
        The file, made at the first submit; None keeps all in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._memory: sqlite3.Connection | None = None
        self._patience = _PATIENCE
        self._trouble = notices.Once()

    def begin(self, order: Order, began: datetime) -> int | None:
        """Write down a submit before it is sent; give its number, None where that is in vain."""
        with self._tolerant(), self._open() as db:
            return _insert(db, order, None, UNCERTAIN, began)
        return None

    def add(
        self,
        order: Order,
        job_id: str,
        stage: str,
        submitted_at: datetime,
        *,
        begun: int | None = None,
    ) -> None:
        """Write down a submit that was answered, in the place of the one that was begun."""
        with self._tolerant(), self._open() as db:
            _remove(db, begun)
            _insert(db, order, job_id, stage, submitted_at)
            oldest = _text(submitted_at - _KEPT)
            db.execute("DELETE FROM jobs WHERE submitted_at < ?", [oldest])

    def drop(self, begun: int | None) -> None:
        """Take back a submit that was begun: the platform has started nothing."""
        with self._tolerant(), self._open() as db:
            _remove(db, begun)

    def note(self, job: ExportJob) -> None:
        """Write down how far a job is, if it was submitted from here."""
        self._note(job, job.stage)

    def forget(self, job: ExportJob) -> None:
        """Write down that the platform has a job's files no more, so that nobody joins it."""
        self._note(job, GONE)

    def _note(self, job: ExportJob, stage: str) -> None:
        finished = _text(job.finished_at) if job.finished_at else None
        with self._tolerant(), self._open() as db:
            db.execute(
                "UPDATE jobs SET stage = ?, finished_at = coalesce(finished_at, ?), "
                "rows = coalesce(?, rows) WHERE platform = ? AND id = ?",
                [stage, finished, job.rows, job.order.platform, job.id],
            )

    def find(self, platform: str, job_id: str) -> Record | None:
        """Give what is known of a job; None where it was not submitted from here."""
        found = self._select("platform = ? AND id = ?", [platform, job_id])
        return found[0] if found else None

    def latest(self, order: Order, since: datetime) -> Record | None:
        """Give the newest job of the same order that did not fail; None where there is none."""
        found = self._alike(order, since)
        jobs = [entry for entry in found if entry.id and entry.stage not in ("ERROR", GONE)]
        return jobs[0] if jobs else None

    def doubt(self, order: Order, since: datetime) -> Record | None:
        """Give the newest submit of the same order that was not answered; None if there is none."""
        return next((entry for entry in self._alike(order, since) if not entry.id), None)

    def usual(self, order: Order) -> tuple[float, int] | None:
        """Say how long exports of the same thing took, or else of the same kind.

        Returns
        -------
        tuple or None
            Seconds (the median), and of how many exports; None where none was seen to the end.
        """
        found: list[tuple[str | None, float]] = []
        if order.kind and (self._path is None or self._path.exists()):
            values = [order.platform, order.kind.value, _MOST_LOOKED_AT]
            # No trouble is told of: whoever looks on has nothing to do with the ledger.
            with suppress(_sqlite().Error, OSError, ValueError, TypeError), self._open() as db:
                found = [_took(*row) for row in db.execute(_FINISHED, values)]
        same = [seconds for item_id, seconds in found if item_id == order.item_id]
        seconds = same or [seconds for _, seconds in found]
        return (median(seconds), len(seconds)) if seconds else None

    def finished(self, order: Order) -> list[Record]:
        """Give the jobs of the same order that may have a result, the newest first."""
        found = self._alike(order, datetime.fromtimestamp(0, UTC))
        return [entry for entry in found if entry.id and entry.stage != "ERROR"]

    def _alike(self, order: Order, since: datetime) -> list[Record]:
        alike = ("platform", "kind", "item_id", "project_id", "charset", "arguments")
        row = _row(order)
        return self._select(
            " AND ".join(f"{name} IS ?" for name in alike) + " AND submitted_at >= ?",
            [*(row[name] for name in alike), _text(since)],
        )

    def entries(
        self,
        platform: str,
        *,
        kind: Kind | None = None,
        since: datetime | None = None,
        limit: int = -1,
    ) -> list[Record]:
        """List a platform's submits, the newest first; no more than ``limit`` of all kinds."""
        found = self._select(
            "platform = ? AND submitted_at >= ?", [platform, _text(since) if since else ""], limit
        )
        return [entry for entry in found if kind in (None, entry.kind)]

    def _select(self, condition: str, values: list[Any], limit: int = -1) -> list[Record]:
        names = [field.name for field in fields(Record)]
        query = f"SELECT {', '.join(names)} FROM jobs WHERE {condition}"  # noqa: S608 our own words
        rows: list[Any] = []
        with self._tolerant():
            if self._path is not None and not self._path.exists():
                return []
            with self._open() as db:
                newest_first = f"{query} ORDER BY submitted_at DESC, number DESC LIMIT ?"
                rows = db.execute(newest_first, [*values, limit]).fetchall()
        records = []
        for row in rows:
            with self._tolerant():  # one that is broken does not hide the others
                records.append(_record(dict(zip(names, row, strict=True))))
        return records

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Open the ledger; what is done with it is done whole or not at all."""
        if self._path is not None:
            with closing(self._connected(self._path)) as db, db:
                yield db
            return
        with self._lock:
            if self._memory is None:
                self._memory = _prepared(_sqlite().connect(":memory:", check_same_thread=False))
            with self._memory as db:
                yield db

    def _connected(self, path: Path) -> sqlite3.Connection:
        with self._lock:
            # Before SQLite opens it, and gives the journals beside it the same mode.
            make_file(path)
        db = _sqlite().connect(path, timeout=self._patience)
        try:
            return _prepared(db)
        except BaseException:
            db.close()
            raise

    @contextmanager
    def _tolerant(self) -> Iterator[None]:
        try:
            yield
            self._patience = _PATIENCE
        except (_sqlite().Error, OSError, ValueError, TypeError, AttributeError) as error:
            if isinstance(error, _sqlite().OperationalError):
                self._patience = _HASTE
            self._trouble.mention(
                f"The ledger of jobs {self._path} cannot be used ({error}): exports go on, but are "
                f"not remembered. Keep the id of a job (job.id), and {_advice(error)}"
            )


def _advice(error: Exception) -> str:
    if isinstance(error, _NewerError):
        return "update gio-pandas"
    if "locked" in str(error):
        return "end the program that holds the file"
    if isinstance(error, OSError) or "readonly" in str(error):
        return "see to it that the file can be written"
    return "move the file away: a new one is made then"


def ledger_path() -> Path | None:
    """Say where the ledger lies: ``jobs.sqlite3`` in the user's state folder, if there is one."""
    from platformdirs import user_state_path

    try:
        return user_state_path("gio_pandas", appauthor=False) / "jobs.sqlite3"
    except RuntimeError:  # a user without a home: a container's, a service's
        return None


def ledger_of(platform: str) -> Ledger:
    """Give the ledger that a platform's jobs are in.

    The embedded platform's jobs end with the process, and so does what is known of them; so it is
    for a user without a home.
    """
    return _ledger_at(None if platform == SANDBOX else ledger_path())


@cache
def _ledger_at(path: Path | None) -> Ledger:
    return Ledger(path)


def _prepared(db: sqlite3.Connection) -> sqlite3.Connection:
    [version] = db.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise _NewerError("a newer version of gio_pandas wrote it")
    if version < _VERSION:
        db.executescript(f"{_SCHEMA} PRAGMA user_version = {_VERSION};")
    return db


def _sqlite() -> Any:
    import sqlite3

    return sqlite3


def _insert(
    db: sqlite3.Connection, order: Order, job_id: str | None, stage: str, submitted_at: datetime
) -> int | None:
    row = {**_row(order), "id": job_id, "stage": stage, "submitted_at": _text(submitted_at)}
    names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
    # An id is taken over where a platform has it anew, as a sandbox that was restarted.
    added = db.execute(f"INSERT OR REPLACE INTO jobs ({names}) VALUES ({places})", row)  # noqa: S608
    return added.lastrowid


def _remove(db: sqlite3.Connection, begun: int | None) -> None:
    # By then it may be another one's number, if somebody removed the file.
    db.execute("DELETE FROM jobs WHERE number = ? AND id IS NULL", [begun])


def _took(item_id: str | None, submitted_at: str, finished_at: str) -> tuple[str | None, float]:
    submitted, finished = map(datetime.fromisoformat, (submitted_at, finished_at))
    return item_id, max((finished - submitted).total_seconds(), 0.0)


def _record(row: dict[str, Any]) -> Record:
    reading = json.loads(row["reading"])
    record = Record(**{**row, "reading": {**reading, "dtype": _dtype(reading.get("dtype"))}})
    # What is broken is told of here, where it stops nothing.
    for moment in filter(None, (record.submitted_at, record.finished_at)):
        datetime.fromisoformat(moment)
    record.order(charset=None, timeout=None)
    return record


def _row(order: Order) -> dict[str, str | None]:
    return {
        "platform": order.platform,
        "kind": order.kind.value if order.kind else None,
        "item_id": order.item_id,
        "name": order.name,
        "project_id": order.project_id,
        "project": order.project_name,
        "charset": order.charset,
        "arguments": _json(order.arguments, sort_keys=True),  # for it is compared
        "reading": _json(_reading(order)),
    }


def _reading(order: Order) -> dict[str, Any]:
    """Say what makes a frame of the files, in plain values."""
    reading = {
        "arguments": dict(order.arguments),
        "value_types": dict(order.value_types),
        "columns": order.columns,
        "dtype": _spelled(order.dtype),
        "dtype_backend": order.dtype_backend,
        "memory_limit": order.memory_limit,
    }
    return {name: value for name, value in reading.items() if value}


def _spelled(dtype: Any) -> Any:
    """Write dtypes as JSON has them; categories are no part of their name."""
    from gio_pandas.exports import frames

    if isinstance(dtype, Mapping):
        return {str(name): _spelled(wanted) for name, wanted in dtype.items()}
    categories = getattr(dtype, "categories", None)
    if categories is not None:
        return [categories.tolist(), bool(dtype.ordered)]
    return frames.plain(dtype)


def _dtype(spelled: Any) -> Any:
    """Read what ``_spelled`` wrote."""
    import pandas as pd

    if isinstance(spelled, dict):
        return {name: _dtype(wanted) for name, wanted in spelled.items()}
    if isinstance(spelled, list):
        categories, ordered = spelled
        return pd.CategoricalDtype(categories, ordered)
    return spelled


def _json(value: Any, *, sort_keys: bool = False) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=sort_keys, default=str)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
