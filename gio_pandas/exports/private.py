"""What is kept in the user's own folders: for its owner alone, whatever the umask says."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["make_file", "make_folder"]

_OTHERS = 0o077


def make_folder(path: Path) -> None:
    """Make a folder that its owner alone can look into; one that is there is closed to others."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_mode & _OTHERS:
        path.chmod(0o700)


def make_file(path: Path) -> None:
    """Make an empty file that its owner alone can read; one that is there is closed to others.

    A file that is there is not opened: with any of its descriptors, a process that closes it loses
    all its locks on it (POSIX), SQLite's too.
    """
    if not path.exists():
        make_folder(path.parent)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    if path.stat().st_mode & _OTHERS:
        path.chmod(0o600)
