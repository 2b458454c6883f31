"""A platform that sends any bytes of a file, in this process."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gio_pandas.api.downloads import BrokenTransferError, Reply
from gio_pandas.api.models import JobResult, Kind
from gio_pandas.exports.job import ExportJob, Order


@dataclass
class RangedPlatform:
    """Has finished a job of these files; ``asked`` has the ranges that were asked for.

    ``breaks`` has the bytes that each reply in turn breaks off after.
    """

    bodies: list[bytes]
    ranges: bool = True
    breaks: list[int] = field(default_factory=list)
    asked: list[tuple[int, int | None]] = field(default_factory=list)

    def job_result(self, job_id: str, *, timeout: float | None = None) -> JobResult:
        """Say that it is finished."""
        uris = tuple(f"/jobs/DES-1/用户_{number}.csv" for number in range(len(self.bodies)))
        return JobResult(stage="FINISH", uris=uris)

    @contextmanager
    def download(
        self,
        url: str,
        *,
        start: int = 0,
        validator: str | None = None,
        stop: int | None = None,
    ) -> Iterator[Reply]:
        """Give a file by the number in its name, as a web server does."""
        self.asked.append((start, stop))
        body = self.bodies[int(url.rpartition("_")[2].removesuffix(".csv"))]
        tag = f'"{zlib.crc32(body):x}"'
        asked = (start and validator) or (stop is not None and not start)
        partial = bool(self.ranges and asked and validator in (None, tag) and body[start:stop])
        begin, end = (start, stop) if partial else (0, None)
        chunks = self._chunks(body[begin:end])
        if not self.ranges:
            yield Reply(0, len(body), None, False, "text/csv", chunks)
        else:
            yield Reply(begin, len(body), tag, True, "text/csv", chunks, partial=partial)

    def _chunks(self, body: bytes) -> Iterator[bytes]:
        if self.breaks:
            yield body[: self.breaks.pop(0)]
            raise BrokenTransferError("the cable was cut")
        yield from (body[at : at + 9_999] for at in range(0, len(body), 9_999))


def ranged_job(
    *bodies: bytes, ranges: bool = True, kind: Kind | None = Kind.SEGMENT, **order: Any
) -> tuple[ExportJob, RangedPlatform]:
    """Make a finished job of these files, and its platform."""
    platform = RangedPlatform(list(bodies), ranges)
    known = {"platform": "https://cdp.example.cn", "kind": kind, "charset": "UTF-8"}
    return ExportJob(platform, "an-id", Order(**{**known, **order})), platform
