"""Several files at once: in order, each row once, and nothing left behind by an error."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import gio_pandas as gio
from gio_pandas.api.downloads import Reply
from gio_pandas.api.models import JobResult
from gio_pandas.exports.job import ExportJob

from .served import Platform, blocks_of, serve

HEADER = b"gio_id,n\n"
_NAMES = ("gio-read", "gio-parse", "gio-type")
SOON = 20.0
"""Seconds in which whatever a test waits for has come."""


def ours() -> list[str]:
    """Name the threads that read."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(_NAMES)]


def settled() -> list[str]:
    """Name the threads that read, and do not end."""
    for thread in threading.enumerate():
        if thread.name.startswith(_NAMES):
            thread.join(SOON)
    return ours()


def to_batches(job: ExportJob, _: Path) -> list[str]:
    """Read the ids from batches."""
    return [word for batch in job.iter_batches(2) for word in batch.column(0).to_pylist()]


def to_parquet(job: ExportJob, folder: Path) -> list[str]:
    """Read the ids from Parquet."""
    found = pd.read_parquet(*job.to_parquet(folder / "users.parquet"))
    return [str(word) for word in found["gio_id"]]


def to_csv(job: ExportJob, folder: Path) -> list[str]:
    """Read the ids from CSV."""
    return [str(word) for word in pd.read_csv(job.to_csv(folder / "users.csv"))["gio_id"]]


def download(job: ExportJob, folder: Path) -> list[str]:
    """Read the ids from the files themselves."""
    files = [path.read_text("utf-8").split()[1:] for path in job.download(folder / "raw")]
    return [line.partition(",")[0] for lines in files for line in lines]


SINKS: dict[str, Callable[[ExportJob, Path], list[str]]] = {
    "to_pandas": lambda job, _: [str(word) for word in job.to_pandas()["gio_id"]],
    "to_arrow": lambda job, _: job.to_arrow()["gio_id"].to_pylist(),
    "iter_batches": to_batches,
    "to_parquet": to_parquet,
    "to_csv": to_csv,
    "download": download,
}
TABLES = {name: sink for name, sink in SINKS.items() if name != "download"}
of_sinks = pytest.mark.parametrize("sink", SINKS.values(), ids=SINKS)
of_tables = pytest.mark.parametrize("sink", TABLES.values(), ids=TABLES)


@of_sinks
def test_order_is_kept_where_later_files_end_first(sink: Any, place: Path) -> None:
    """The first file's last rows come when all others have come whole."""
    others = threading.Barrier(4)

    def first() -> Iterator[bytes]:
        yield HEADER + b"1,1\n"
        others.wait(SOON)
        yield b"2,2\n"

    def later(number: int) -> Callable[[], Iterator[bytes]]:
        def chunks() -> Iterator[bytes]:
            yield HEADER + b"%d,%d\n" % (number, number)
            others.wait(SOON)

        return chunks

    platform = Platform([first, later(3), later(4), later(5)])
    assert sink(serve(platform), place) == ["1", "2", "3", "4", "5"]
    assert settled() == []


@of_sinks
def test_at_most_four_files_come_at_once(sink: Any, place: Path) -> None:
    """Four, no fewer where there are more, and each of them once."""
    together = threading.Barrier(4)

    def chunks() -> Iterator[bytes]:
        together.wait(SOON)
        yield HEADER + b"1,1\n"

    platform = Platform([chunks] * 12)
    assert sink(serve(platform), place) == ["1"] * 12
    assert platform.most == 4
    assert sorted(platform.begun) == list(range(12))


@of_sinks
@pytest.mark.parametrize("broken", [0, 3])
def test_an_error_in_any_file_ends_all_downloads(sink: Any, broken: int, place: Path) -> None:
    """It is raised as it is; the others are hung up on, and no thread stays."""
    begun = threading.Barrier(4)
    platform: Platform

    def endless() -> Iterator[bytes]:
        yield HEADER
        begun.wait(SOON)
        while True:
            yield b"1,1\n"

    def fails() -> Iterator[bytes]:
        begun.wait(SOON)
        raise gio.DownloadError("it is gone", hint="read it again", file="x")
        yield b""

    def later() -> Iterator[bytes]:
        yield HEADER
        while True:
            yield b"1,1\n"

    bodies: list[Any] = [endless] * 4 + [later] * 5
    bodies[broken] = fails
    platform = Platform(bodies)
    with pytest.raises(gio.DownloadError, match="it is gone") as caught:
        sink(serve(platform), place)
    assert caught.value.__notes__ == ["The job: gio.attach('an-id')"]
    assert settled() == []
    assert {0, 1, 2, 3} - {broken} <= platform.hung_up
    assert len(platform.begun) < 9
    assert [path for path in place.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("was_there", [False, True])
@pytest.mark.parametrize("sink", ["to_parquet", "download"])
def test_a_folder_is_as_it_was_after_an_error(sink: str, was_there: bool, place: Path) -> None:
    """A cut in the middle of one file leaves no other, and no folder that was not there."""

    def cut() -> Iterator[bytes]:
        yield HEADER + b"1,1\n" * 1000
        raise gio.DownloadError("it broke off", hint="read it again", file="x")

    folder = place / "users"
    if was_there:
        getattr(serve(Platform([HEADER + b"1,1\n"])), sink)(folder)
    before = {path.name: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    with pytest.raises(gio.DownloadError, match="it broke off"):
        getattr(serve(Platform([HEADER + b"1,2\n", HEADER + b"1,2\n", cut])), sink)(folder)
    assert {p.name: p.read_bytes() for p in place.rglob("*") if p.is_file()} == before
    assert folder.exists() is was_there


@of_tables
@pytest.mark.parametrize("odd", [b"gio_id,m\n1,1\n", b"gio_id\n1\n", b"gio_id,n\n1,1,1\n"])
def test_a_file_of_another_table_is_an_error(sink: Any, odd: bytes, place: Path) -> None:
    """Other headers, or rows that are not their header's, and nothing is written."""
    with pytest.raises(gio.DecodeError, match=r"用户_\d.csv"):
        sink(serve(Platform([HEADER + b"1,1\n"] * 3 + [odd])), place)
    assert settled() == []
    assert list(place.iterdir()) == []


@of_tables
def test_a_file_of_another_charset_late_has_its_rows_once(sink: Any, place: Path) -> None:
    """It begins again, however much of it has been read, and the other files do not."""
    lines = b"".join(b"%d,1\n" % number for number in range(40_000))
    late = HEADER + lines + "40000,会员\n".encode("gbk")
    platform = Platform([late, HEADER + b"x,1\n"])
    with blocks_of(1000):
        found = sink(serve(platform), place)
    assert found == [*map(str, range(40_001)), "x"]
    assert sorted(platform.begun) == [0, 0, 1]


def test_a_header_is_read_again_with_its_file(place: Path) -> None:
    """What was read in the wrong charset is forgotten, the names of the columns too."""
    body = "gio_id,联通\n".encode("gbk") + b"1,2\n" * 40_000 + "3,会员\n".encode("gbk")
    job = serve(Platform([body]))
    assert list(job.to_pandas().columns) == ["gio_id", "联通"]
    assert job.to_pandas(columns=["联通"])["联通"].iloc[-1] == "会员"
    assert list(pd.read_parquet(*job.to_parquet(place / "a.parquet")).columns)[1] == "联通"


@dataclass
class Changing:
    """A platform whose file is another one from the second download on; the first one breaks."""

    bodies: list[bytes]
    asked: list[int] = field(default_factory=list)

    def job_result(self, job_id: str, *, timeout: float | None = None) -> JobResult:
        """Say that it is finished."""
        return JobResult(stage="FINISH", uris=("/a.csv",))

    @contextmanager
    def download(
        self, url: str, *, start: int = 0, validator: str | None = None, stop: int | None = None
    ) -> Iterator[Reply]:
        """Break off in the first file, then have the second."""
        body = self.bodies[min(len(self.asked), 1)]
        self.asked.append(start)
        chunks = iter([body if len(self.asked) > 1 else body[: len(body) // 2]])
        yield Reply(0, len(body), f'"{len(body)}"', False, "text/csv", chunks)


@of_tables
@pytest.mark.parametrize("header", [b"gio_id,n\n", b"gio_id,m,n\n"])
def test_a_file_that_changes_is_read_anew(sink: Any, header: bytes, place: Path) -> None:
    """Its rows are those of the new file alone, its columns too."""
    width = header.count(b",")
    old = b"gio_id,n\n" + b"".join(b"old-%d,x\n" % n for n in range(20_000))
    new = header + b"".join(b"%d" % n + b",7" * width + b"\n" for n in range(9))
    platform = Changing([old, new])
    job = serve(platform)  # type: ignore[arg-type]
    job._sleep = lambda _: None
    with blocks_of(1000):
        assert sink(job, place) == [str(n) for n in range(9)]


def test_types_are_those_of_the_new_file() -> None:
    """What a column was in the file that changed does not count."""
    old = b"gio_id,n\n" + b"old,word\n" * 20_000
    job = serve(Changing([old, b"gio_id,n\n1,7\n"]))  # type: ignore[arg-type]
    job._sleep = lambda _: None
    with blocks_of(1000):
        assert str(job.to_pandas()["n"].dtype) == "int64"


INTERRUPTED = """
import signal, sys, threading, time
from pathlib import Path
from exports.served import Platform, serve

HEADER = b"gio_id,n\\n"
hung = threading.Event()

def slow():
    yield HEADER + b"1,2\\n" * 1000
    print("reading", flush=True)
    hung.wait(60)  # a server that does not answer, until it is hung up on
    raise ConnectionError

class Slow(Platform):
    pass

platform = Slow([slow, slow, HEADER + b"1,2\\n"])
platform.hung_up = type("Heard", (set,), {"add": lambda self, n: (set.add(self, n), hung.set())})()
folder = Path(sys.argv[2])
job = serve(platform)
began = time.monotonic()

def interrupted(*_):
    global began
    began = time.monotonic()
    raise KeyboardInterrupt

signal.signal(signal.SIGINT, interrupted)
sinks = {
    "to_pandas": job.to_pandas,
    "iter_batches": lambda: list(job.iter_batches()),
    "to_parquet": lambda: job.to_parquet(folder / "a.parquet"),
    "to_csv": lambda: job.to_csv(folder / "a.csv"),
    "download": lambda: job.download(folder),
}
try:
    sinks[sys.argv[1]]()
except KeyboardInterrupt as let_go:
    seconds = time.monotonic() - began
    ours = lambda: [t.name for t in threading.enumerate() if t.name.startswith("gio-")]
    while (left := ours()) and time.monotonic() - began < 20:
        time.sleep(0.05)
    print(f"{seconds:.2f}|{let_go}|{left}|{[p.name for p in folder.iterdir()]}", flush=True)
"""


def run(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Run a script beside these tests."""
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


@pytest.mark.parametrize("sink", ["to_pandas", "iter_batches", "to_parquet", "to_csv", "download"])
def test_ctrl_c_leaves_nothing(sink: str, place: Path) -> None:
    """A server that does not answer is let go of at once: no file, no thread, and how to go on."""
    with run(INTERRUPTED, sink, str(place)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        said = process.stdout.read().replace("reading\n", "")
    assert process.returncode == 0
    seconds, words, threads, files = said.strip().split("|")
    assert float(seconds) < 10  # the server would go on for a minute
    assert "gio.attach('an-id')" in words
    assert (threads, files) == ("[]", "[]")
