"""Turns: threads that want the same thing at once come one after the other."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from weakref import WeakValueDictionary

__all__ = ["turn"]

# Of all sessions of this process: threads may well have one each.
_turns: WeakValueDictionary[Hashable, threading.Lock] = WeakValueDictionary()
_lock = threading.Lock()


def turn(what: Hashable) -> threading.Lock:
    """Give the lock that is held while something is done that others may want, too.

    Parameters
    ----------
    what
        Names it; who gives an equal one is given the same lock.
    """
    with _lock:
        lock = _turns.get(what)
        if lock is None:
            lock = _turns[what] = threading.Lock()
        return lock
