"""One to two hundred exports at once: seconds, connections and requests."""

from __future__ import annotations

import importlib
import inspect
import statistics
import sys
from typing import Any

from benchmarks.measurement import Measured, Task, Trial, measure
from benchmarks.rounds import Row, row
from benchmarks.server import sandbox_process
from benchmarks.setup import Setup

__all__ = ["begin", "run"]

COUNTS = (1, 10, 50, 200)
PROJECT = "默认项目"
SEGMENT = "高价值用户"


def run(setup: Setup) -> list[Row]:
    """Submit and read that many exports of a segment of 1,000 users together.

    Returns
    -------
    list of dict
        A row a count: ``jobs``; see ``rounds.row``; ``connections``, how many the client opened;
        ``requests``, how many the platform saw: token, listings, submits, polls, downloads.
    """
    if _reader(None) is None:
        return [{"jobs": 0, "cannot": "this version has no read_many"}]
    rows: list[Row] = []
    with sandbox_process() as platform:
        for count in COUNTS:
            arguments = {"url": platform.url, "api_key": platform.api_key, "count": count}
            task = Task("benchmarks.many", arguments)
            platform.requests()
            measured: list[Measured] = []
            requests: list[int] = []
            for number in range(min(setup.rounds, 2) if setup.quick else setup.rounds):
                measured.append(measure(task))
                requests.append(platform.requests())
                print(f"many, {count} jobs, {number + 1}", file=sys.stderr)
            rows.append({"jobs": count, **row(measured), **_notes(measured, requests)})
    return rows


def _notes(measured: list[Measured], requests: list[int]) -> Row:
    opened = [one.notes.get("connections", 0) for one in measured]
    return {"connections": statistics.median(opened), "requests": statistics.median(requests)}


def _reader(session: Any) -> Any:
    """Find what reads many jobs: the session's own, or the face's where the jobs say enough."""
    gio = importlib.import_module("gio_pandas")
    if hasattr(gio.Session, "read_many"):
        return getattr(session, "read_many", gio.Session.read_many)
    return getattr(gio, "read_many", None)


class _Together(Trial):
    def __init__(self, url: str, api_key: str, count: int) -> None:
        gio: Any = importlib.import_module("gio_pandas")
        options: dict[str, Any] = {}
        if "requests_per_second" in inspect.signature(gio.Session.__init__).parameters:
            options["requests_per_second"] = None
        self._session = gio.Session(url, api_key=api_key, project=PROJECT, **options)
        self._read_many = _reader(self._session)
        self._count = count
        self._connections = 0
        sys.addaudithook(self._hear)

    def _hear(self, event: str, _: tuple[Any, ...]) -> None:
        self._connections += event == "socket.connect"

    def run(self) -> Any:
        jobs = [self._session.submit_segment(SEGMENT) for _ in range(self._count)]
        return self._read_many(jobs)

    def faults(self, result: Any) -> list[str]:
        frames = list(result.values()) if isinstance(result, dict) else list(result)
        if len(frames) != self._count:
            return [f"{len(frames)} frames of {self._count}"]
        return [f"{len(frame)} rows of 1000" for frame in frames if len(frame) != 1000][:1]

    def notes(self) -> dict[str, Any]:
        return {"connections": self._connections}

    def close(self) -> None:
        self._session.close()


def begin(*, url: str, api_key: str, count: int) -> Trial:
    """Make a session that has not asked anything yet."""
    import gio_pandas.exports.sinks  # noqa: F401  # before the clock starts

    return _Together(url, api_key, count)
