"""A platform that has finished a job, and serves its files as a test wants them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from unittest.mock import patch

from gio_pandas.api.downloads import BrokenTransferError, Reply
from gio_pandas.api.models import JobResult, Kind
from gio_pandas.exports import reading, spool
from gio_pandas.exports.job import ExportJob, Order

Body = bytes | Callable[[], Iterator[bytes]]


def cut(body: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """Give bytes in chunks of these sizes, in turn."""
    position = 0
    for size in cycle(sizes):
        if position >= len(body):
            return
        yield body[position : position + size]
        position += size


@dataclass
class Platform:
    """Has finished a job of these files; a file may be a function that makes its chunks.

    ``sent`` counts bytes, ``hung_up`` has the numbers of the files whose downloads were ended from
    elsewhere, ``most`` how many were downloaded at once.
    """

    bodies: Sequence[Body]
    names: Sequence[str] = ()
    sizes: Sequence[int] = (1 << 16,)
    tells_size: bool = True
    size: int | None = None
    asked: int = 0
    sent: int = 0
    running: int = 0
    most: int = 0
    begun: list[int] = field(default_factory=list)
    hung_up: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def job_result(self, job_id: str, *, timeout: float | None = None) -> JobResult:
        """Say that it is finished."""
        self.asked += 1
        return JobResult(stage="FINISH", uris=tuple(self._uris()))

    def _uris(self) -> list[str]:
        return [f"/jobs/{n}/{name}" for n, name in enumerate(self._names())]

    def _names(self) -> Sequence[str]:
        return self.names or [f"用户_{number}.csv" for number in range(len(self.bodies))]

    @contextmanager
    def download(
        self, url: str, *, start: int = 0, validator: str | None = None, stop: int | None = None
    ) -> Iterator[Reply]:
        """Give a file by the number in its path, from its start."""
        number = int(url.partition("/jobs/")[2].partition("/")[0])
        body = self.bodies[number]
        size = len(body) if isinstance(body, bytes) else self.size
        chunks = cut(body, self.sizes) if isinstance(body, bytes) else body()
        with self._counted(number):
            yield Reply(
                0,
                size if self.tells_size else None,
                None,
                False,
                "text/csv",
                self._sending(chunks, number),
                hang_up=lambda: self.hung_up.add(number),
            )

    @contextmanager
    def _counted(self, number: int) -> Iterator[None]:
        with self.lock:
            self.begun.append(number)
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            yield
        finally:
            with self.lock:
                self.running -= 1

    def _sending(self, chunks: Iterator[bytes], number: int) -> Iterator[bytes]:
        for chunk in chunks:
            if number in self.hung_up:
                raise BrokenTransferError("the connection is closed")
            with self.lock:
                self.sent += len(chunk)
            yield chunk


def serve(platform: Platform, kind: Kind | None = Kind.SEGMENT, **order: Any) -> ExportJob:
    """Make the finished job."""
    known = {"platform": "https://cdp.example.cn", "kind": kind, "charset": "UTF-8"}
    return ExportJob(platform, "an-id", Order(**{**known, **order}))


def job(*bodies: bytes | str, kind: Kind | None = Kind.SEGMENT, **order: Any) -> ExportJob:
    """Make a finished job of these files."""
    files = [body.encode() if isinstance(body, str) else body for body in bodies]
    return serve(Platform(files), kind, **order)


@contextmanager
def blocks_of(size: int) -> Iterator[None]:
    """Cut what is read into blocks of about so many bytes."""
    with patch.object(reading, "_BLOCK", size), patch.object(spool, "_BLOCK", size):
        yield
