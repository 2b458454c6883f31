"""Memory: a table that is going to be too large is an error, early, and no other one is."""

from __future__ import annotations

from typing import Any

import pytest

import gio_pandas as gio
from gio_pandas.exports.memory import parse_size

from .served import Platform, blocks_of, serve

HEADER = b"gio_id,city,n\n"
MB = 1 << 20
INF, NAN = float("inf"), float("nan")


def body(rows: int) -> bytes:
    """Write a file that is everywhere the same."""
    return HEADER + b"".join(b"user-%09d,Shanghai,%06d\n" % (n, n + 100_000) for n in range(rows))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (None, None),
        (1, 1),
        (4e9, 4_000_000_000),
        ("4 GB", 4_000_000_000),
        ("4GB", 4_000_000_000),
        (" 4 gb ", 4_000_000_000),
        ("512 MiB", 512 * MB),
        ("1.5 GiB", 3 * 512 * MB),
        ("1500 kB", 1_500_000),
        ("2T", 2_000_000_000_000),
        ("100", 100),
        ("100 B", 100),
        ("7 K", 7_000),
    ],
)
def test_a_size_is_bytes_or_a_text(size: Any, expected: int | None) -> None:
    """Powers of ten, and of two where there is an i, as everywhere."""
    assert parse_size(size) == expected


@pytest.mark.parametrize(
    "size",
    ["", "much", "4 XB", "-1", -1, 0, 0.0, "0", "4,5 GB", "4 GB GB", "1e9", True, INF, -INF, NAN],
)
def test_what_is_no_size_is_refused(size: Any) -> None:
    """Before anything is asked of the platform."""
    platform = Platform([HEADER])
    with pytest.raises(gio.SettingsError, match=r"memory_limit=.* is no size"):
        serve(platform).to_pandas(memory_limit=size)
    assert platform.asked == 0


@pytest.mark.parametrize("files", [1, 3])
def test_a_table_that_will_be_too_large_is_told_early(files: int) -> None:
    """Long before all bytes have come, with what it would need and what does not need it."""
    whole = [body(1_000_000 // files)] * files
    needs = serve(Platform(whole)).to_arrow().nbytes
    platform = Platform(whole)
    with blocks_of(MB // 2), pytest.raises(gio.MemoryLimitError, match="to_parquet") as caught:
        serve(platform).to_pandas(memory_limit=needs // 2)
    assert platform.sent < sum(map(len, whole)) * 0.6
    words = str(caught.value)
    estimate = parse_size(words.partition("about ")[2].partition(" of memory")[0])
    assert estimate == pytest.approx(needs, rel=0.25)
    assert "gio.attach('an-id')" in "".join(caught.value.__notes__)


@pytest.mark.parametrize("sink", ["to_pandas", "to_arrow", "to_polars"])
@pytest.mark.parametrize("tells_size", [True, False])
def test_a_table_that_fits_is_given(sink: str, tells_size: bool) -> None:
    """The limit is what the table may take, and no more is asked of it."""
    platform = Platform([body(150_000)] * 2, tells_size=tells_size)
    needs = serve(platform).to_arrow().nbytes
    with blocks_of(MB // 2):
        found = getattr(serve(platform), sink)(memory_limit=needs * 1.3)
    assert found.shape == (300_000, 3)


def test_files_of_unknown_size_are_stopped_at_the_limit() -> None:
    """Where the platform does not say how long they are, what has come is what counts."""
    platform = Platform([body(400_000)], tells_size=False)
    needs = serve(platform).to_arrow().nbytes
    platform.sent = 0
    with blocks_of(MB // 2), pytest.raises(gio.MemoryLimitError):
        serve(platform).to_arrow(memory_limit=needs // 3)
    assert platform.sent < len(body(400_000)) * 0.8


def test_columns_that_are_not_wanted_take_no_memory() -> None:
    """A choice of columns is a way to stay below the limit."""
    platform = Platform([body(200_000)])
    limit = serve(platform).to_arrow(columns=["n"]).nbytes * 2
    assert len(serve(platform).to_pandas(columns=["n"], memory_limit=limit)) == 200_000
    with pytest.raises(gio.MemoryLimitError):
        serve(platform).to_pandas(memory_limit=limit)


def test_the_limit_of_the_submit_is_that_of_every_table() -> None:
    """``submit_…(memory_limit=…)`` holds until a sink is given another."""
    job = serve(Platform([body(50_000)]), memory_limit=1000)
    for sink in (job.to_pandas, job.to_arrow, job.to_polars):
        with pytest.raises(gio.MemoryLimitError):
            sink()
        assert len(sink(memory_limit="1 GB")) == 50_000
