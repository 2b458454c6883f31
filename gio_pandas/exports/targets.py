"""Where files are written to: a path, or an address that fsspec knows; whole, or not there."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from gio_pandas.errors import SettingsError

__all__ = ["Target", "safe_name", "target"]

# With what turns or hides the letters around it, and halves of letters.
_UNSAFE = re.compile(
    r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]'
)
_RESERVED = re.compile(
    r"(con|conin\$|conout\$|prn|aux|nul|(com|lpt)[\d¹²³]) *(\..*)?", re.IGNORECASE
)
_LONGEST_NAME = 200
"""Bytes: file systems allow 255, and a number may be added."""

Opener = Callable[[str], AbstractContextManager[BinaryIO]]


class Target(Protocol):
    """A file, or a folder of files, that can be written."""

    @property
    def path(self) -> str:
        """What the caller called it."""
        ...

    @property
    def local_folder(self) -> str | None:
        """A folder on this machine beside it, where there is room; None elsewhere."""
        ...

    def check(self, pattern: str | None) -> None:
        """Refuse what could not be written in the end, before anything is waited for.

        A folder of files may be new, empty, or hold files whose names fit the pattern; None is for
        a file.
        """
        ...

    def writing(self, pattern: str | None) -> AbstractContextManager[Opener]:
        """Open files by name, ``""`` for the target itself; all of them are kept, or none.

        Files in the folder that fit the pattern, and have not been written now, are removed.
        """
        ...


def target(path: str | os.PathLike[str]) -> Target:
    """Find out what a path means.

    Raises
    ------
    SettingsError
        It is an address, and fsspec, or what it needs for such an address, is not installed.
    """
    text = os.fspath(path)
    return _Remote(text) if "://" in text else _Local(text)


def safe_name(name: str) -> str:
    """Make a file's name safe: it leads nowhere, and every file system takes it."""
    safe = _UNSAFE.sub("_", name).strip(" .")
    stem, dot, suffix = safe.rpartition(".")
    stem, suffix = (stem, dot + suffix) if stem and len(suffix) < 20 else (safe, "")
    stem = stem[:_LONGEST_NAME]
    while len(f"{stem}{suffix}".encode()) > _LONGEST_NAME:
        stem = stem[:-1]
    safe = f"{stem}{suffix}" or "file"
    return f"_{safe}" if _RESERVED.fullmatch(safe) else safe


class _Local:
    def __init__(self, path: str) -> None:
        self.path = path
        # Through a link, as other tools write.
        self._path = Path(path).expanduser().resolve()

    @property
    def local_folder(self) -> str:
        return str(next((f for f in (self._path, *self._path.parents) if f.is_dir()), Path.cwd()))

    def check(self, pattern: str | None) -> None:
        if pattern is None:
            self._check_file()
        elif self._path.exists():
            self._check_folder(pattern)
        if not os.access(self.local_folder, os.W_OK):
            raise SettingsError(
                f"The folder {self.local_folder} cannot be written to", hint="Name another one."
            )

    def _check_file(self) -> None:
        if self._path.is_dir():
            raise SettingsError(f"{self.path} is a folder", hint="Name a file in it.")
        if not self._path.parent.is_dir():
            raise SettingsError(
                f"There is no folder {self._path.parent}", hint="Make it, or name another one."
            )

    def _check_folder(self, pattern: str) -> None:
        if not self._path.is_dir():
            raise SettingsError(f"{self.path} is a file", hint="Name a folder.")
        names = sorted(entry.name for entry in self._path.iterdir())
        _refuse_others(self.path, names, pattern)

    @contextmanager
    def writing(self, pattern: str | None) -> Iterator[Opener]:
        written: dict[Path, Path] = {}

        def open_(name: str) -> BinaryIO:
            final = self._path / name if name else self._path
            partial = final.with_name(f".{final.name}.{secrets.token_hex(4)}.part")
            written[partial] = final
            return partial.open("wb")

        is_new = pattern is not None and not self._path.exists()
        if pattern is not None:
            self._path.mkdir(parents=True, exist_ok=True)
        # Twice, for Ctrl-C may have cut the first try short: all of it is kept then, or nothing.
        try:
            yield open_
            try:
                self._keep(written, pattern)
            finally:
                self._keep(written, pattern)
        finally:
            try:
                self._clear(list(written), is_new)
            finally:
                self._clear(list(written), is_new)

    def _keep(self, written: Mapping[Path, Path], pattern: str | None) -> None:
        for partial, final in written.items():
            if partial.exists() or not final.exists():  # else the first try has moved it
                partial.replace(final)
        names = [final.name for final in written.values()]
        for entry in self._path.iterdir() if pattern is not None else ():
            if re.fullmatch(str(pattern), entry.name) and entry.name not in names:
                entry.unlink()

    def _clear(self, partials: Sequence[Path], is_new: bool) -> None:
        for partial in partials:
            with suppress(OSError):  # it became the final one, or somebody holds it open
                partial.unlink()
        if is_new:
            with suppress(OSError):  # it holds what was written
                self._path.rmdir()


class _Remote:
    local_folder = None

    def __init__(self, path: str) -> None:
        self.path = path
        self._files, self._path = _file_system(path)

    def check(self, pattern: str | None) -> None:
        if pattern is not None:
            _refuse_others(self.path, self._names(), pattern)

    def _names(self) -> list[str]:
        try:
            return sorted(name.rpartition("/")[2] for name in self._files.ls(self._path, False))
        except FileNotFoundError:
            return []

    @contextmanager
    def writing(self, pattern: str | None) -> Iterator[Opener]:
        written: list[str] = []

        def open_(name: str) -> AbstractContextManager[BinaryIO]:
            written.append(name)
            opened: AbstractContextManager[BinaryIO] = self._files.open(
                f"{self._path.rstrip('/')}/{name}" if name else self._path, "wb"
            )
            return opened

        if pattern is not None:
            self._files.makedirs(self._path, exist_ok=True)
        with self._files.transaction:
            yield open_
        if pattern is not None:
            self._files.invalidate_cache()
            for name in self._names():
                if re.fullmatch(pattern, name) and name not in written:
                    self._files.rm_file(f"{self._path.rstrip('/')}/{name}")
        _file_system(self.path, shared=True)[0].invalidate_cache()


def _file_system(path: str, *, shared: bool = False) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs

        # One of its own: a transaction ends all that is being written to its file system.
        files, inner = url_to_fs(path, skip_instance_cache=not shared)
    except (ImportError, ValueError) as error:
        missing = getattr(error, "name", None) == "fsspec"
        raise SettingsError(
            f"Nothing is installed that writes to {path} ({error})",
            hint="Run: python -m pip install fsspec, and the package for that kind of address "
            "(s3fs, gcsfs, adlfs, …)."
            if missing
            else "Install the package that fsspec needs for it (s3fs, gcsfs, adlfs, …).",
        ) from error
    return files, inner


def _refuse_others(path: str, names: Sequence[str], pattern: str) -> None:
    # Readers of folders of Parquet pass over these, and so do we.
    seen = [name for name in names if not name.startswith((".", "_"))]
    others = [name for name in seen if not re.fullmatch(pattern, name)]
    if others:
        raise SettingsError(
            f"{path} holds other files already ({', '.join(others[:3])})",
            hint="Name a folder that is new, empty, or holds nothing but an earlier export.",
        )
