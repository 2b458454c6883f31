"""What tests of pickers stand on: platforms that misbehave, and waits for other threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gio_pandas as gio
from gio_pandas import sandbox as embedded

SOON = 30.0
PROJECT = "默认项目"
OTHER_PROJECT = "电商小程序"
SEGMENT = "高价值用户"

Start = Callable[..., tuple[embedded.Sandbox, gio.Session]]


@contextmanager
def starting() -> Iterator[Start]:
    """Start platforms, each with a session on it."""
    begun: list[tuple[embedded.Sandbox, gio.Session]] = []

    def begin(*faults: str, **options: Any) -> tuple[embedded.Sandbox, gio.Session]:
        platform = embedded.start(**{"stage_seconds": 0, "faults": faults, **options})
        session = gio.Session(platform.url, api_key=platform.api_key, project=PROJECT)
        begun.append((platform, session))
        return begun[-1]

    yield begin
    for platform, session in begun:
        session.close()
        platform.stop()


def until(holds: Callable[[], object]) -> None:
    """Wait for something that another thread or the platform is about to do."""
    end = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def threads_of_ours() -> list[str]:
    """Name the threads of exports and lists that are still there."""
    names = ("gio-export", "gio-await", "gio-read", "gio-progress", "gio-list")
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(names)]


def steps(platform: embedded.Sandbox, step: str) -> int:
    """Count the requests of a step that were answered."""
    return sum(request.step == step for request in platform.requests)
