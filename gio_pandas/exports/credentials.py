"""Ways in to platforms, by keys that may be shown: what a graph holds in place of a secret."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from gio_pandas.api.client import Client
from gio_pandas.errors import SettingsError
from gio_pandas.exports.files import Downloads
from gio_pandas.settings import Settings

__all__ = ["SettledPlatform", "hold", "line", "release", "share"]


@runtime_checkable
class SettledPlatform(Downloads, Protocol):
    """A platform that can be spoken with from another process, too."""

    @property
    def settings(self) -> Settings:
        """Where it is and how to get in."""
        ...


@dataclass
class _Held:
    """A way in that was given to this process, and how many workers in it hold it."""

    settings: Settings
    holders: int = 0
    client: Client | None = None


_lock = threading.Lock()
_own: dict[str, Downloads] = {}
_given: dict[str, _Held] = {}


def share(platform: Downloads) -> str:
    """Give the key under which tasks in this process find a platform."""
    with _lock:
        for key, known in _own.items():
            if known is platform:
                return key
        key = secrets.token_hex(8)
        _own[key] = platform
        return key


def hold(key: str, settings: Settings) -> None:
    """Take a way in for tasks in this process; nothing is opened before the first asks for it."""
    with _lock:
        _given.setdefault(key, _Held(settings)).holders += 1


def release(key: str) -> None:
    """Let go of a way in; the last one that does closes the connections."""
    with _lock:
        held = _given.get(key)
        if held is None:
            return
        held.holders -= 1
        if held.holders:
            return
        del _given[key]
    if held.client is not None:
        held.client.close()


def line(key: str, url: str) -> Downloads:
    """Give what a task downloads with.

    Parameters
    ----------
    key
        What ``share`` gave.
    url
        The platform's address, for the message.

    Raises
    ------
    SettingsError
        Nobody gave this process a way in.
    """
    with _lock:
        if key in _own:
            return _own[key]
        held = _given.get(key)
        if held is None:
            raise SettingsError(
                f"This process was given no way in to {url}",
                hint="Compute the frame with the client that job.to_dask(client) was given, or "
                "without processes where it was given none.",
            )
        if held.client is None:
            held.client = Client(held.settings)
        return held.client
