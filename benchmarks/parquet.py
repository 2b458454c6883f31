"""A user list to Parquet: the memory it takes must not grow with the export."""

from __future__ import annotations

from benchmarks.rounds import Row
from benchmarks.setup import GB, MB, Setup
from benchmarks.transfer import read_in_ways

__all__ = ["run"]


def run(setup: Setup) -> list[Row]:
    """Measure one file, and four of its size; rows as ``transfer.read_in_ways``."""
    one = setup.dataset("wide", "UTF-16LE", setup.size(GB, 50 * MB))
    four = one.times(4, setup.data / "links")
    rows: list[Row] = []
    for dataset in (one, four):
        with setup.over_http([dataset]) as reading:
            rows += read_in_ways(setup, reading, dataset, ("gio_parquet",))
    return rows
