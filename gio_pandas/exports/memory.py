"""How much memory a table may take, and how much it is going to."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gio_pandas.errors import MemoryLimitError, SettingsError
from gio_pandas.exports.files import Part

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Meter", "parse_size", "refuse", "shown", "size"]

_SAMPLE = 1 << 22
"""Bytes of the files that tell what the rest of them will take."""

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(I?)B?\s*", re.IGNORECASE)


def parse_size(size: int | float | str | None, argument: str = "memory_limit") -> int | None:
    """Read a size: bytes, or a text such as ``"4 GB"`` or ``"512 MiB"``.

    Raises
    ------
    SettingsError
        It is none.
    """
    if size is None:
        return None
    found = _SIZE.fullmatch(size) if isinstance(size, str) else None
    if found:
        unit = found[2].upper()
        factor = 1024 ** " KMGT".index(unit) if found[3] and unit else _UNITS[unit]
        size = float(found[1]) * factor
    if isinstance(size, str | bool) or not size > 0 or size == float("inf"):
        raise SettingsError(
            f"{argument}={size!r} is no size",
            hint='Pass bytes, such as 4e9, or a text such as "4 GB"; None is no limit.',
        )
    return int(size)


def size(frame: pd.DataFrame) -> str:
    """Say how many rows and columns a frame has, such as ``1,234 rows × 5 columns``."""
    rows, columns = frame.shape
    return f"{rows:,} row{'s' * (rows != 1)} × {columns} column{'s' * (columns != 1)}"


def shown(size: float) -> str:
    """Write a size for people."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"


def refuse(estimate: float, limit: int | None) -> None:
    """Refuse a table that is going to need more bytes than the limit; None is no limit.

    Raises
    ------
    MemoryLimitError
        It is.
    """
    if limit is not None and estimate > limit:
        raise MemoryLimitError(
            f"Reading the table takes about {shown(estimate)} of memory, more than "
            f"memory_limit= allows ({shown(limit)})",
            hint='job.to_parquet("folder/") writes it without holding it in memory; '
            "columns=[…] reads less of it.",
        )


class Meter:
    """Adds up what the files of a job take in memory, and stops it where it will be too much.

    Parameters
    ----------
    limit
        Bytes; None is no limit.
    parts
        The files.
    """

    def __init__(self, limit: int | None, parts: Sequence[Part]) -> None:
        self._limit = limit
        self._parts = parts
        self._lock = threading.Lock()
        self._taken: dict[int, tuple[int, int]] = {}

    def note(self, part: Part, nbytes: int, position: int) -> None:
        """Hear that a file takes so many bytes, as far as it is read.

        Raises
        ------
        MemoryLimitError
            The whole table will be larger than the limit.
        """
        if self._limit is None:
            return
        with self._lock:
            self._taken[id(part)] = (nbytes, position)
            taken = sum(nbytes for nbytes, _ in self._taken.values())
            estimate = max(taken, self._estimate(taken))
        refuse(estimate, self._limit)

    def _estimate(self, taken: int) -> float:
        """Say what all files will take, if the rest of them is like what has been read."""
        read = sum(position for _, position in self._taken.values())
        sizes = [part.size for part in self._parts if part.size]
        if not sizes or read < _SAMPLE:
            return taken
        whole = sum(sizes) / len(sizes) * len(self._parts)
        return taken * max(whole / read, 1.0)
