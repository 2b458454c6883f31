"""Being stopped: Ctrl-C, a notebook's Stop and a cancelled task, told in a line."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import asyncio

__all__ = ["cancelled", "stopped"]

Stop = TypeVar("Stop", bound=BaseException)


def stopped(words: str) -> KeyboardInterrupt:
    """Make the error of whoever pressed Ctrl-C or Stop, which says what goes on without them.

    Parameters
    ----------
    words
        What is said; may be nothing.

    Returns
    -------
    KeyboardInterrupt
        No class of its own: a script that ends by one exits as any other does that was interrupted.
    """
    return _in_a_line(KeyboardInterrupt(*filter(None, [words])))


def cancelled(words: str) -> asyncio.CancelledError:
    """Make the error of a task that was cancelled, which says what goes on without it."""
    import asyncio  # which takes longer to import than all of this package

    return _in_a_line(asyncio.CancelledError(words))


def _in_a_line(stop: Stop) -> Stop:
    """Give IPython the message in place of a page of frames."""
    line = f"{type(stop).__name__}: {stop}".removesuffix(": ")
    stop._render_traceback_ = partial(list, (line,))  # type: ignore[attr-defined]
    return stop
