"""One thing done once in a process of its own: seconds, processor time, peak memory, and faults."""

from __future__ import annotations

import gc
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks import memory

__all__ = ["Measured", "Task", "Trial", "measure"]

_LONGEST = 900.0
"""Seconds that one measurement may take."""


class Trial:
    """Something ready to be measured."""

    pids: tuple[int, ...] = ()
    """Other processes that do a part of the work, and are counted."""

    def run(self) -> Any:
        """Do it; this is what is timed."""
        raise NotImplementedError

    def faults(self, result: Any) -> list[str]:
        """Say what is wrong with what ``run`` gave; not timed."""
        return []

    def notes(self) -> dict[str, Any]:
        """Give more figures, of this benchmark alone; not timed."""
        return {}

    def close(self) -> None:
        """End what was begun; not timed."""


@dataclass(frozen=True)
class Task:
    """What to measure.

    Parameters
    ----------
    module
        Has a ``begin`` that gives a ``Trial``; what it does is not timed.
    arguments
        Plain values for ``begin``.
    """

    module: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured.

    Parameters
    ----------
    wall_s, cpu_s
        Seconds on the clock, and of processor time of all processes that took part.
    peak_bytes
        The most memory in use, above what was in use when the clock started.
    faults
        What is wrong with the answer.
    notes
        More figures.
    cannot
        Why it could not be done; the figures mean nothing then.
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_bytes: int = 0
    faults: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    cannot: str = ""


def measure(task: Task) -> Measured:
    """Carry a task out in a new process."""
    command = [sys.executable, "-m", "benchmarks.measurement"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(asdict(task)),
            text=True,
            capture_output=True,
            timeout=_LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Measured(cannot=f"not done within {_LONGEST:g} s")
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        last = done.stderr.strip().splitlines()[-1:] or [f"ended with {done.returncode}"]
        return Measured(cannot=last[0][:300])
    return Measured(**json.loads(lines[-1]))


def _carry_out(task: Task) -> Measured:
    trial = importlib.import_module(task.module).begin(**task.arguments)
    gc.collect()
    pids = ("self", *trial.pids)
    before = sum(memory.resident_bytes(pid) for pid in pids)
    for pid in pids:
        memory.forget_peak(pid)
    used, began = memory.cpu_seconds(trial.pids), time.perf_counter()
    result = trial.run()
    wall = time.perf_counter() - began
    used = memory.cpu_seconds(trial.pids) - used
    peak = sum(memory.peak_bytes(pid) for pid in pids) - before
    measured = Measured(
        wall_s=wall,
        cpu_s=used,
        peak_bytes=max(peak, 0),
        faults=trial.faults(result),
        notes=trial.notes(),
    )
    trial.close()
    return measured


def main() -> None:
    """Read a task from the standard input, and print what was measured as JSON."""
    task = Task(**json.loads(sys.stdin.read()))
    print(json.dumps(asdict(_carry_out(task))))


if __name__ == "__main__":
    main()
