"""A wire of 100 MB/s: how much later than the last byte the DataFrame is there."""

from __future__ import annotations

from benchmarks.rounds import Row
from benchmarks.setup import MB, Setup
from benchmarks.transfer import read_in_ways

__all__ = ["BYTES_PER_SECOND", "run"]

BYTES_PER_SECOND = 100 * MB
WAYS = ("gio", "script_text", "curl")


def run(setup: Setup) -> list[Row]:
    """Measure with the sandbox held to the wire's rate; rows as ``transfer.read_in_ways``."""
    rows: list[Row] = []
    for shape in ("wide", "number"):
        dataset = setup.dataset(shape, "UTF-16LE", setup.size(200 * MB, 50 * MB))
        with setup.over_http([dataset], bytes_per_second=BYTES_PER_SECOND) as reading:
            rows += read_in_ways(setup, reading, dataset, WAYS)
    return rows
