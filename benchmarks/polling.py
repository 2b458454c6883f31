"""From a job's end to the next poll, on a clock that is turned by hand."""

from __future__ import annotations

import random
import statistics
import time
from typing import Any

from benchmarks.data import Dataset
from benchmarks.rounds import Row
from benchmarks.setup import KB, Setup
from benchmarks.sources import MemorySource

__all__ = ["limit", "run"]

LENGTHS = (0.1, 5.0, 60.0, 600.0, 3600.0)
SEEDS = 500
_ANSWER = 0.02
"""Seconds that the platform takes to answer a poll."""


def run(setup: Setup) -> list[Row]:
    """Let jobs of several lengths end at many moments.

    Returns
    -------
    list of dict
        A row a length: ``delay_s`` and ``worst_s``, the median and the greatest time from the end
        to the next poll; ``worst_of_limit``, the greatest part of its limit that a delay was;
        ``to_frame_s``, the median delay and the reading of 1 KB together; ``polls``.
    """
    reading = _reading_seconds(setup.dataset("number", "UTF-16LE", KB))
    rows: list[Row] = []
    for length in LENGTHS:
        waits = [_wait(length, seed) for seed in range(SEEDS // 5 if setup.quick else SEEDS)]
        delays = [delay for _, delay, _ in waits]
        rows.append(
            {
                "job_s": length,
                "delay_s": round(statistics.median(delays), 3),
                "worst_s": round(max(delays), 3),
                "worst_of_limit": round(max(delay / limit(end) for end, delay, _ in waits), 3),
                "to_frame_s": round(statistics.median(delays) + reading, 3),
                "polls": statistics.median(polls for _, _, polls in waits),
            }
        )
    return rows


def limit(length: float) -> float:
    """Say how long after the end of a job of that length the next poll may come, in seconds."""
    return min(max(0.6, 0.11 * length), 16.0)


class _Platform:
    """One job that ends at a moment of a clock which stands still unless it is told."""

    def __init__(self, end: float) -> None:
        self.now = 0.0
        self.end = end
        self.polls = 0
        self.seen = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def job_result(self, job_id: str, *, timeout: float | None = None) -> Any:
        from gio_pandas.api.models import JobResult

        self.polls += 1
        self.seen = self.now
        self.now += _ANSWER
        if self.seen < self.end:
            return JobResult(stage="RUNNING")
        return JobResult(stage="FINISH", uris=("/users.csv",))

    def download(self, url: str, **_: Any) -> Any:
        raise AssertionError("nothing is downloaded here")


def _wait(length: float, seed: int) -> tuple[float, float, int]:
    """Give when a job ended, how much later that was seen, and after how many polls."""
    from gio_pandas.exports.job import ExportJob, Order

    random.seed(seed)
    platform = _Platform(length + random.random() * max(0.5, length / 10))
    order = Order(platform="simulated:", kind=None, timeout=None)
    job = ExportJob(platform, "simulated", order, clock=platform.clock, sleep=platform.sleep)
    job.wait()
    return platform.end, platform.seen - platform.end, platform.polls


def _reading_seconds(dataset: Dataset) -> float:
    source = MemorySource(paths=dataset.paths, charset=dataset.recipe.charset)
    taken = []
    for _ in range(21):
        job = source.job()
        began = time.perf_counter()
        job.to_pandas()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)
