"""Finished jobs' files that lie on a disk."""

import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

PathLike = str | os.PathLike[str]

# Read and sent at once, in bytes; with less of it a thread's turns cost more than the copying.
CHUNK = 1 << 20


@dataclass(frozen=True)
class DiskFile:
    """A file as the platform names it, and where its bytes are."""

    path: str
    source: Path

    def exists(self) -> bool:
        """Tell whether it is still there."""
        return self.source.is_file()

    def chunks(self, part: range | None = None) -> Generator[bytes, None, None]:
        """Yield the file's bytes, or a part of them, read as they are asked for."""
        with self.source.open("rb", buffering=0) as file:
            left = range(os.fstat(file.fileno()).st_size) if part is None else part
            file.seek(left.start)
            while left and (chunk := file.read(min(CHUNK, len(left)))):
                left = left[len(chunk) :]
                yield chunk


def disk_file(folder: str, source: PathLike) -> DiskFile:
    """Return the file under its own name in a folder of the platform.

    Raises
    ------
    ValueError
        When there is no such file.
    """
    # Absolute, because the process may go to another folder.
    found = Path(source).absolute()
    if not found.is_file():
        raise ValueError(f"results must be files, and there is no file {os.fspath(source)!r}")
    return DiskFile(f"{folder}/{found.name}", found)
