"""Turn by turn: every way once a round, so that what disturbs the machine disturbs all alike."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.measurement import Measured, Task, measure

__all__ = ["Row", "compare", "ratio", "row"]

Row = dict[str, Any]

_LEAST = 1_000_000


def compare(title: str, tasks: Mapping[str, Task], rounds: int) -> dict[str, list[Measured]]:
    """Measure every task once a round; one that cannot be done is not tried again.

    Parameters
    ----------
    title
        What the line on stderr begins with.
    tasks
        What to measure, by name.
    rounds
        How often.
    """
    measured: dict[str, list[Measured]] = {name: [] for name in tasks}
    for number in range(rounds):
        for name, task in tasks.items():
            if any(one.cannot for one in measured[name]):
                continue
            one = measure(task)
            measured[name].append(one)
            said = one.cannot or f"{one.wall_s:.3f} s{' wrong' if one.faults else ''}"
            print(f"{title}, {name}, {number + 1} of {rounds}: {said}", file=sys.stderr)
    return measured


def row(measured: Sequence[Measured], size: int | None = None) -> Row:
    """Sum the rounds up.

    Parameters
    ----------
    measured
        One thing, measured several times.
    size
        Bytes that the peak memory is put in relation to, if they are many.

    Returns
    -------
    dict
        Medians of ``wall_s``, ``cpu_s`` (seconds) and ``peak_mb``; ``peak_x``, the peak over the
        size; ``walls``, every round's seconds; ``wrong`` or ``cannot``, a sentence, where so.
    """
    if stopped := next((one.cannot for one in measured if one.cannot), ""):
        return {"cannot": stopped}
    walls = [one.wall_s for one in measured]
    peak = statistics.median(one.peak_bytes for one in measured)
    found: Row = {
        "wall_s": _rounded(statistics.median(walls)),
        "cpu_s": _rounded(statistics.median(one.cpu_s for one in measured)),
        "peak_mb": round(peak / 1e6, 1),
    }
    if size and size >= _LEAST:
        found["peak_x"] = round(peak / size, 2)
    found["walls"] = [_rounded(wall) for wall in walls]
    if faults := next((one.faults for one in measured if one.faults), []):
        found["wrong"] = "; ".join(faults)
    return found


def ratio(measured: Sequence[Measured], base: Sequence[Measured]) -> float | None:
    """Give the median of the rounds' ratios of seconds on the clock; None where there are none."""
    if any(one.cannot for one in (*measured, *base)):
        return None
    ratios = [one.wall_s / other.wall_s for one, other in zip(measured, base, strict=True)]
    return round(statistics.median(ratios), 3)


def _rounded(seconds: float) -> float:
    return round(seconds, 4)
