"""What a reader should know and is no error: told where the table was asked for."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Once", "collected", "mention", "told_later", "warn"]

# Frames that stand between the user's line and ours.
_PASSED = (__name__.partition(".")[0], "contextlib", "functools")
_collected: ContextVar[list[str] | None] = ContextVar("collected", default=None)


def warn(message: str) -> None:
    """Warn at the line outside of this package that asked for the table.

    Where notices are collected, it is put with the others.
    """
    notices = _collected.get()
    if notices is not None:
        notices.append(message)
    else:
        warnings.warn(message, stacklevel=_users_level())


def mention(message: str) -> None:
    """Warn of what is no reason to stop, not even where warnings are made errors: log it then."""
    try:
        warn(message)
    except Warning:
        logging.getLogger(__name__).warning("%s", message)


class Once:
    """Mentions the first thing that it is told, and nothing else."""

    def __init__(self) -> None:
        self._told = False

    def mention(self, message: str) -> None:
        """Mention it, if nothing was before."""
        if not self._told:
            self._told = True
            mention(message)


@contextmanager
def collected() -> Iterator[list[str]]:
    """Collect what this thread warns of.

    A thread of ours has no line of the user's to warn at, and ``warnings.catch_warnings`` changes
    what all threads do.
    """
    notices: list[str] = []
    token = _collected.set(notices)
    try:
        yield notices
    finally:
        _collected.reset(token)


@contextmanager
def told_later() -> Iterator[None]:
    """Warn when all is done, and not in the middle of a line that is written again and again."""
    try:
        with collected() as held:
            yield
    except BaseException:
        for message in held:
            mention(message)  # which hides no error, not even where warnings are made errors
        raise
    for message in held:
        warn(message)


def _users_level() -> int:
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _PASSED:
        frame, level = frame.f_back, level + 1
    return level
