"""The rate at which bytes leave."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

LARGEST_PIECE = 1 << 20
PIECE_SECONDS = 0.005
# What a sleep took too long is made up for; a wire without work saves up no more than this.
CREDIT_SECONDS = 0.01


class Pace:
    """Holds all downloads of a platform together to a rate; for use in one event loop.

    Parameters
    ----------
    bytes_per_second
        The rate; None does not hold them at all.
    clock
        Seconds on a clock that never goes back.
    sleep
        Waits that many seconds.
    """

    def __init__(
        self,
        bytes_per_second: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate = bytes_per_second
        self._clock = clock
        self._sleep = sleep
        self._free_at = 0.0

    async def pieces(self, chunk: bytes) -> AsyncIterator[bytes]:
        """Yield a chunk whole, or at a rate in pieces, each when its time on the wire is over."""
        if self._rate is None:
            yield chunk
            return
        length = max(1, int(min(LARGEST_PIECE, self._rate * PIECE_SECONDS)))
        for start in range(0, len(chunk), length):
            piece = chunk[start : start + length]
            await self._wait(len(piece) / self._rate)
            yield piece

    async def _wait(self, seconds: float) -> None:
        now = self._clock()
        self._free_at = max(self._free_at, now - CREDIT_SECONDS) + seconds
        if self._free_at > now:
            await self._sleep(self._free_at - now)
