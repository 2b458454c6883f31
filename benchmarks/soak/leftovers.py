"""What a process has open and lying around."""

from __future__ import annotations

import gc
import os
import tempfile
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

__all__ = ["left_over", "possessions"]

_GRACE = 15.0
"""Seconds in which threads that nobody waits for may end."""


def possessions() -> set[str]:
    """List what is open (Linux), the threads that run, and all files under home and TMPDIR."""
    gc.collect()
    threads = {f"thread {thread.name} ({thread.ident})" for thread in threading.enumerate()}
    return _open_files() | threads | _files(Path.home()) | _files(Path(tempfile.gettempdir()))


def left_over(before: set[str], expected: Collection[Path]) -> list[str]:
    """Wait for what is to vanish, and list what did not.

    Parameters
    ----------
    before
        What there was.
    expected
        Files that are to stay.
    """
    spared = before | {f"file {path}" for path in expected}
    deadline = time.monotonic() + _GRACE
    while (found := possessions() - spared) and time.monotonic() < deadline:
        time.sleep(0.1)
    return sorted(found)


def _open_files() -> set[str]:
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the listing's own
            found.add(f"open {name} {os.readlink(f'/proc/self/fd/{name}')}")
    return found


def _files(folder: Path) -> set[str]:
    # Not rglob, which stumbles over a folder that vanishes meanwhile.
    return {f"file {Path(at, name)}" for at, _, names in os.walk(folder) for name in names}
