"""The rate of the wire."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gio_pandas import sandbox
from gio_pandas.sandbox.pace import LARGEST_PIECE, Pace

from .client import Client


class Clock:
    """A clock that moves when somebody sleeps, and each sleep is a little too long."""

    def __init__(self, late: float = 0.0) -> None:
        self.now = 1_000.0
        self.late = late

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds + self.late


def _sent(pace: Pace, clock: Clock, *lengths: int) -> list[tuple[float, int]]:
    """Return when each piece of some chunks left, and how long it was."""

    async def send() -> list[tuple[float, int]]:
        chunks = (pace.pieces(bytes(length)) for length in lengths)
        return [(clock.now - begin, len(piece)) for chunk in chunks async for piece in chunk]

    begin = clock.now
    return asyncio.run(send())


def test_without_a_rate_nothing_is_cut_or_held() -> None:
    """A chunk goes on as the same object, at once."""
    clock = Clock()
    assert _sent(Pace(None, clock, clock.sleep), clock, 5_000_000) == [(0.0, 5_000_000)]


@pytest.mark.parametrize("late", [0.0, 0.001, 0.004])
@pytest.mark.parametrize("rate", [1e6, 100e6, 250e6])
def test_the_rate_is_held_although_sleeps_are_too_long(rate: float, late: float) -> None:
    """Two seconds of bytes take two seconds within a percent."""
    clock = Clock(late)
    total = int(2 * rate)
    chunks = [1 << 20] * (total >> 20)
    sent = _sent(Pace(rate, clock, clock.sleep), clock, *chunks)
    assert sent[-1][0] == pytest.approx(sum(chunks) / rate, rel=0.01)


@pytest.mark.parametrize("rate", [50.0, 1e5, 1e8, 1e10, float("inf")])
def test_pieces_are_small(rate: float) -> None:
    """No piece is longer than 10 ms or 1 MiB, none is empty, and no byte is lost."""
    clock = Clock()
    length = 3_000_001 if rate > 1e4 else 101
    pieces = [size for _, size in _sent(Pace(rate, clock, clock.sleep), clock, length)]
    assert sum(pieces) == length
    assert min(pieces) > 0
    assert max(pieces) <= min(LARGEST_PIECE, max(1, rate * 0.01))


def test_an_idle_wire_saves_nothing_up() -> None:
    """After a pause the next bytes take as long as the first, but for a hundredth of a second."""
    clock = Clock()
    pace = Pace(1e6, clock, clock.sleep)
    for _ in range(2):
        assert _sent(pace, clock, 100_000)[-1][0] == pytest.approx(0.1, abs=0.011)
        clock.now += 60


def test_all_downloads_share_the_rate(signed_in: Callable[..., Client], tmp_path: Path) -> None:
    """A file of the disk and a generated one, loaded at once, take the time of both."""
    (tmp_path / "users.csv").write_bytes(bytes(300_000))
    client = signed_in(results={"J": [tmp_path / "users.csv"]}, bytes_per_second=1e6, users=10_000)
    uris = [client.wait(job)["uris"][0] for job in ({"id": "J"}, client.segment("全部用户"))]
    begin = time.monotonic()
    with ThreadPoolExecutor() as threads:
        total = sum(len(answer.content) for answer in threads.map(client.download, uris))
    assert total > 350_000
    assert total / 1e6 - 0.02 < time.monotonic() - begin < total / 1e6 + 0.5


@pytest.mark.parametrize("rate", [0, -1.0, float("nan")])
def test_an_impossible_rate_is_refused(rate: float) -> None:
    """A rate that lets nothing through is a ValueError that names the option."""
    with pytest.raises(ValueError, match="bytes_per_second must be above 0"):
        sandbox.start(bytes_per_second=rate)
