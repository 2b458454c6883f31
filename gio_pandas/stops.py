"""Being stopped: Ctrl-C, a notebook's Stop and a cancelled task, told in a line."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

__all__ = ["Stopped", "cancelled"]


class Stopped(KeyboardInterrupt):
    """Somebody pressed Ctrl-C or Stop, and is told what goes on without them."""

    def _render_traceback_(self) -> list[str]:
        """Give IPython the message in place of a page of frames."""
        return [f"KeyboardInterrupt: {self}" if str(self) else "KeyboardInterrupt"]


def cancelled(words: str) -> asyncio.CancelledError:
    """Make the error of a task that was cancelled, which IPython shows in a line, too."""
    return _cancelled()(words)


@cache
def _cancelled() -> type[asyncio.CancelledError]:
    import asyncio  # which takes longer to import than all of this package

    class Cancelled(asyncio.CancelledError):
        def _render_traceback_(self) -> list[str]:
            return [f"CancelledError: {self}"]

    return Cancelled
