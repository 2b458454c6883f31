"""Many exports at once from a platform where all sorts of things go wrong, and what they become."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.rounds import Row
from benchmarks.setup import Setup

__all__ = ["ZEROS", "rows", "run", "soak"]

ZEROS = ("wrong", "duplicated", "lost", "leaked")
"""What there must be none of.

``wrong``: frames that are not what they are without faults, errors of no class of the tree, or
without the line that picks up their job. ``duplicated``: jobs that were started and not asked for.
``lost``: jobs that were started and that neither a frame, an error nor the ledger accounts for.
``leaked``: open files, threads and temporary files that stay behind.
"""

_EXPORTS, _QUICK = 1000, 100
_LONGEST = 1200.0
"""Seconds that it may take."""

_SHOWN = 20
_MARKS = ("20%", "60%", "100%")
_XDG = ("CACHE", "CONFIG", "DATA", "STATE")


def run(setup: Setup) -> list[Row]:
    """Soak once, however many rounds.

    Returns
    -------
    list of dict
        Rows of ``what``, ``name`` and ``count``: ``exports`` (asked for, at once, right), ``error``
        (by class), ``fault`` (how often each was really played, as ``503:poll``), ``zero`` (see
        ``ZEROS``; with some of what is ``wrong``) and ``memory`` (MB that the client has after a
        part of the exports, and by how much it grew).
    """
    return rows(soak(_QUICK if setup.quick else _EXPORTS))


def soak(count: int) -> dict[str, Any]:
    """Let a client that has a home of its own read so many exports, and give what it reports.

    Raises
    ------
    RuntimeError
        The client did not come to its end.
    """
    with tempfile.TemporaryDirectory(prefix="gio-soak-") as folder:
        command = [sys.executable, "-m", "benchmarks.soak.client", str(count)]
        done = subprocess.run(
            command,
            env=_own_home(Path(folder)),
            stdout=subprocess.PIPE,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"the soak's client ended with {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _own_home(folder: Path) -> dict[str, str]:
    spared = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIO_") and not name.lower().endswith("_proxy")
    }
    homes = {"HOME": "home", "TMPDIR": "tmp"}
    homes |= {f"XDG_{name}_HOME": f"home/{name.lower()}" for name in _XDG}
    for name in homes.values():
        (folder / name).mkdir(exist_ok=True)
    return spared | {name: str(folder / place) for name, place in homes.items()}


def rows(found: Mapping[str, Any]) -> list[Row]:
    """Put a report into rows; see ``run``. What is wrong is printed to stderr, too."""
    made = [*_counted(found)]
    for name in ZEROS:
        what = found[name]
        count = what if isinstance(what, int) else len(what)
        made.append({"what": "zero", "name": name, "count": count})
        if count and not isinstance(what, int):
            made[-1]["wrong"] = "; ".join(what[:3])
            print("\n".join(f"soak, {name}: {one}" for one in what[:_SHOWN]), file=sys.stderr)
    return made + _memory_rows(found["resident"])


def _counted(found: Mapping[str, Any]) -> Iterator[Row]:
    for name in ("asked for", "at once", "right"):
        yield {"what": "exports", "name": name, "count": found[name]}
    for what, field in (("error", "errors"), ("fault", "played")):
        for name, count in sorted(found[field].items()):
            yield {"what": what, "name": name, "count": count}


def _memory_rows(resident: Mapping[str, int]) -> list[Row]:
    """Tell after the first fifth, the third and the last; what grows in between leaks."""
    marks = {f"after {part}": size for part, size in resident.items() if part in _MARKS}
    sizes = list(resident.values())
    marks["grown"] = sizes[-1] - sizes[0]
    return [
        {"what": "memory", "name": name, "count": round(size / 1e6, 1)}
        for name, size in marks.items()
    ]
