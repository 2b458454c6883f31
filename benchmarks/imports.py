"""What ``import gio_pandas`` costs beside the libraries that an analyst imports anyway."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

from benchmarks.rounds import Row
from benchmarks.setup import Setup

__all__ = ["run"]

BASELINE = "import pandas, httpx"
OURS = "import gio_pandas"
ROUNDS = 15
LIMIT = 1.25


def run(setup: Setup) -> list[Row]:
    """Import both in fresh interpreters, turn by turn; CPU seconds, median of the rounds."""
    for statement in (BASELINE, OURS):
        _cpu_seconds(statement)  # the first import of all writes byte code
    baseline, ours = [], []
    for _ in range(5 if setup.quick else ROUNDS):
        baseline.append(_cpu_seconds(BASELINE))
        ours.append(_cpu_seconds(OURS))
    ratio = statistics.median(ours) / statistics.median(baseline)
    return [
        {"statement": BASELINE, "cpu_s": round(statistics.median(baseline), 3), "ratio": 1.0},
        {
            "statement": OURS,
            "cpu_s": round(statistics.median(ours), 3),
            "ratio": round(ratio, 3),
            "limit": LIMIT,
            "met": ratio <= LIMIT,
        },
    ]


def _cpu_seconds(statement: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
