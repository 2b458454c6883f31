"""What was to be reached, and whether it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from benchmarks import imports, small_read
from benchmarks.rounds import Row

__all__ = ["LIMITS", "goals"]

LIMITS: Mapping[str, float] = {
    "tag": 0.25,
    "wide": 0.45,
    "wire": 1.1,
    "memory": 1.2,
    "parquet": 300.0,
    "decode": 1.5,
    "polling": 1.0,
    "small": small_read.LIMIT_MS,
    "import": imports.LIMIT,
    "paint": 300.0,
    "keystroke": 10.0,
    "freeze": 50.0,
    "soak": 0.0,
}
"""Goals by name, with the most that each figure may be.

``tag``, ``wide``: a finished export over HTTP to a right DataFrame, of the time of (b).
``wire``: the same at 100 MB/s, of the time of (f).
``memory``: peak memory of the way to pandas, over the input's size.
``parquet``: peak memory of the way to Parquet, in MB.
``decode``: UTF-16LE in memory to pandas, of the time of pyarrow's parse of UTF-8.
``polling``: time from a job's end to the next poll, of what is allowed for a job of that length.
``small``: 1,000 rows, in ms of processor time. ``import``: of the time of pandas' and httpx's.
``paint``, ``keystroke``, ``freeze``: 10,000 segments in JupyterLab, in ms: from running the cell to
the list, from a round's slowest key to the list that follows it, a round's longest task that
blocked the page.
``soak``: how many of what there must be none of; see ``soak.ZEROS``.
"""

_PICKER = {"paint": "paint_ms", "keystroke": "slowest_key_ms", "freeze": "longest_ms"}
_LARGE = ("200 MB", "1 GB")


def goals(results: Mapping[str, Any]) -> list[Row]:
    """Read the goals' figures out of the results of a run.

    Returns
    -------
    list of dict
        A row a figure: ``goal``, one of ``LIMITS``; ``data``, what it was measured with;
        ``figure``, None where it could not be measured; ``limit``; ``met``, which needs a right
        answer too.
    """
    ours = [row for row in results.get("transfer", ()) if row["way"] == "gio"]
    found = [*_transfer(ours), *_memory(ours)]
    found += [_of(row, "wire", "to_f") for row in results.get("wire", ()) if row["way"] == "gio"]
    found += [_of(row, "parquet", "peak_mb") for row in _way(results, "parquet", "gio_parquet")]
    found += [_of(row, "decode", "to_utf8") for row in _way(results, "decode", "gio")]
    for row in results.get("polling", ()):
        found.append(_row("polling", f"{row['job_s']:g} s", row["worst_of_limit"]))
    found += [_row("small", "", row["cpu_ms"]) for row in _met(results, "small_read")]
    found += [_row("import", "", row["ratio"]) for row in _met(results, "imports")]
    for row in _way(results, "pickers", "gio"):
        for goal, figure in _PICKER.items():
            found.append(_row(goal, "", row.get(figure)))
    for row in results.get("soak", ()):
        if row["what"] == "zero":
            found.append(_row("soak", row["name"], row["count"]))
    return found


def _transfer(ours: list[Row]) -> Iterator[Row]:
    for row in _largest(ours):
        if row["data"].endswith("UTF-16LE") and row["files"] == 1:
            yield _of(row, "wide" if row["data"].startswith("wide") else "tag", "to_b")


def _memory(ours: list[Row]) -> Iterator[Row]:
    largest = [row for row in ours if row["size"] == "1 GB"] or _largest(ours)
    for row in largest:
        if row["data"].endswith("UTF-16LE") and row["files"] == 1:
            yield _of(row, "memory", "peak_x")


def _largest(ours: list[Row]) -> list[Row]:
    """Leave out what is too small to say anything; a quick run has nothing larger than 10 MB."""
    return [row for row in ours if row["size"] in _LARGE] or [
        row for row in ours if row["size"] == "10 MB"
    ]


def _way(results: Mapping[str, Any], part: str, way: str) -> Iterator[Row]:
    return (row for row in results.get(part, ()) if row["way"] == way)


def _met(results: Mapping[str, Any], part: str) -> Iterable[Row]:
    return (row for row in results.get(part, ()) if "met" in row)


def _of(row: Row, goal: str, figure: str) -> Row:
    data = f"{row['data']}, {row['size']}"
    return _row(goal, data, row.get(figure), right="wrong" not in row)


def _row(goal: str, data: str, figure: float | None, *, right: bool = True) -> Row:
    limit = LIMITS[goal]
    met = right and figure is not None and figure <= limit
    return {"goal": goal, "data": data, "figure": figure, "limit": limit, "met": met}
