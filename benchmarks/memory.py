"""Memory and processor time of processes, as Linux counts them."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

__all__ = ["cpu_seconds", "forget_peak", "peak_bytes", "resident_bytes"]

_TICKS = os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int | str = "self") -> int:
    """Give what a process has in memory now."""
    return _status(pid, "VmRSS")


def peak_bytes(pid: int | str = "self") -> int:
    """Give the most that a process had in memory since ``forget_peak``."""
    return _status(pid, "VmHWM")


def forget_peak(pid: int | str = "self") -> None:
    """Let the peak begin anew at what is in memory now, where the system allows it."""
    with suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def cpu_seconds(others: Iterable[int] = ()) -> float:
    """Give this process's processor time, that of its ended children, and that of others."""
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    for pid in others:
        # The name before may hold blanks; user and system time are fields 14 and 15.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / _TICKS
    return total


def _status(pid: int | str, figure: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{figure}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/{pid}/status has no {figure}")
