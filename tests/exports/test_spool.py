"""What is kept on disk for a while: constant memory, and nothing left behind."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gio_pandas as gio

from .served import Platform, blocks_of, serve
from .test_reading import run

HEADER = b"gio_id,n\n"

LARGE = """
import sys
from pathlib import Path
from exports.served import Platform, serve

def status(name):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) // 1024

line = "".join(f"user-{n:09},上海市,{n % 997}.{n % 89:02},2021-04-{n % 28 + 1:02},x{n}\\n"
               for n in range(20_000)).encode("utf-16-le")

def chunks():
    yield "gio_id,城市,n,d,s\\n".encode("utf-16-le")
    for _ in range(int(sys.argv[3]) // len(line) + 1):
        for at in range(0, len(line), 1 << 16):
            yield line[at:at + (1 << 16)]

def small():
    yield "gio_id,城市,n,d,s\\n".encode("utf-16-le")
    yield line

def use(body, path):
    job = serve(Platform([body]), charset="UTF-16LE")
    if sys.argv[1] == "iter_batches":
        return sum(len(batch) for batch in job.iter_batches())
    if sys.argv[1] == "to_csv":
        return len(job.to_csv(path + ".csv"))
    return len(job.to_parquet(path + ".parquet"))

use(small, sys.argv[2] + "/warm")
start = status("VmRSS")
use(chunks, sys.argv[2] + "/large")
print(status("VmHWM") - start)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads Linux's own account")
@pytest.mark.parametrize("sink", ["iter_batches", "to_parquet", "to_csv"])
def test_memory_does_not_grow_with_the_file(sink: str, place: Path) -> None:
    """A file of 150 MB goes through in less than it has, whatever it is written as."""
    with run(LARGE, sink, str(place), "150_000_000".replace("_", "")) as process:
        assert process.stdout is not None
        said = process.stdout.read()
    assert process.returncode == 0
    assert int(said) < 150


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder that everything temporary goes to."""
    folder = tmp_path / "room"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_nothing_is_seen_on_disk_while_batches_come(room: Path) -> None:
    """The rows are in a file without a name, from its first byte to its last."""
    seen: list[list[Path]] = []

    def chunks() -> Iterator[bytes]:
        yield HEADER
        for _ in range(5):
            yield b"1,2\n" * 1000
            seen.append(list(room.iterdir()))

    with blocks_of(1000):
        for batch in serve(Platform([chunks])).iter_batches(1000):
            assert len(batch) == 1000
            seen.append(list(room.iterdir()))
    assert seen == [[]] * 10


def open_files() -> int:
    """Count what this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads Linux's own account")
def test_an_iterator_that_is_left_lets_go_of_its_file(room: Path) -> None:
    """Closed after its first batch, or never begun, it holds nothing open."""
    before = open_files()
    job = serve(Platform([HEADER + b"1,2\n" * 100] * 3))
    batches: Any = job.iter_batches(10)
    next(batches)
    assert open_files() > before
    batches.close()
    job.iter_batches()
    assert open_files() == before
    assert list(room.iterdir()) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads Linux's own account")
@pytest.mark.parametrize("sink", ["iter_batches", "to_parquet", "to_csv"])
def test_an_error_lets_go_of_the_file(sink: str, room: Path, place: Path) -> None:
    """A row in the middle that is none leaves nothing open, and nothing on disk."""
    before = open_files()
    job = serve(Platform([HEADER + b"1,2\n" * 100 + b"1\n" + b"1,2\n" * 100]))
    sinks: dict[str, Callable[[], object]] = {
        "iter_batches": lambda: list(job.iter_batches()),
        "to_parquet": lambda: job.to_parquet(place / "users.parquet"),
        "to_csv": lambda: job.to_csv(place / "users.csv"),
    }
    with blocks_of(100), pytest.raises(gio.DecodeError, match=r"Row #101\b"):
        sinks[sink]()
    assert open_files() == before
    assert (list(room.iterdir()), list(place.iterdir())) == ([], [])


FEW = """
import resource, sys, tempfile
from exports.served import Platform, serve

sink, place = sys.argv[1:]
most = len(__import__("os").listdir("/proc/self/fd")) + 24
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
job = serve(Platform([b"gio_id,n\\n%d,%d\\n" % (n, n) for n in range(300)]))
if sink == "iter_batches":
    found = [word for batch in job.iter_batches(70) for word in batch.column(0).to_pylist()]
    assert found == [str(n) for n in range(300)], found
    print(len(found))
elif sink == "to_parquet":
    print(len(job.to_parquet(place + "/users")))
elif sink == "to_csv":
    print(len(open(job.to_csv(place + "/users.csv")).readlines()) - 1)
elif sink == "download":
    print(len(job.download(place + "/raw")))
else:
    print(len(job.to_pandas()))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads Linux's own account")
@pytest.mark.parametrize("sink", ["iter_batches", "to_parquet", "to_csv", "download", "to_pandas"])
def test_many_files_need_few_open_ones(sink: str, place: Path) -> None:
    """An export of 300 files is read by a process that may open two dozen."""
    with run(FEW, sink, str(place)) as process:
        assert process.stdout is not None
        said = process.stdout.read()
    assert (process.returncode, said.strip()) == (0, "300")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes of this kind")
def test_what_is_kept_on_disk_is_the_owners_alone(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else may read it, and it has no name to be found by."""
    made: list[os.stat_result] = []
    temporary = tempfile.TemporaryFile

    def watched(*arguments: Any, **more: Any) -> Any:
        file = temporary(*arguments, **more)
        made.append(os.fstat(file.fileno()))
        return file

    monkeypatch.setattr("tempfile.TemporaryFile", watched)
    assert sum(map(len, serve(Platform([HEADER + b"1,2\n"] * 3)).iter_batches())) == 3
    (one,) = made
    assert (stat.S_IMODE(one.st_mode), one.st_nlink) == (0o600, 0)


def test_files_come_back_in_order_however_their_blocks_lie(place: Path) -> None:
    """Blocks of many files lie in one file on disk as they came, and are read file by file."""
    turns = threading.Barrier(4)

    def chunks(number: int) -> Callable[[], Iterator[bytes]]:
        def body() -> Iterator[bytes]:
            yield HEADER
            for block in range(5):
                turns.wait(20)
                yield b"".join(b"%d-%d-%d,x\n" % (number, block, n) for n in range(300))

        return body

    with blocks_of(1000):
        job = serve(Platform([chunks(number) for number in range(4)]))
        found = [word for batch in job.iter_batches(99) for word in batch.column(0).to_pylist()]
    assert found == [f"{f}-{b}-{n}" for f in range(4) for b in range(5) for n in range(300)]


KILLED = """
import sys, tempfile, time
from exports.served import Platform, blocks_of, serve

tempfile.tempdir = sys.argv[2]

def chunks():
    yield b"gio_id,n\\n"
    for _ in range(100):
        yield b"1,2\\n" * 1000
    print("reading", flush=True)
    time.sleep(60)

job = serve(Platform([chunks]))
with blocks_of(1000):
    if sys.argv[1] == "iter_batches":
        next(job.iter_batches())
    elif sys.argv[1] == "to_csv":
        job.to_csv(sys.argv[2] + "/users.csv")
    else:
        job.to_parquet(sys.argv[2] + "/users.parquet")
"""


@pytest.mark.parametrize("sink", ["iter_batches", "to_parquet", "to_csv"])
def test_a_process_that_is_killed_leaves_nothing(sink: str, place: Path) -> None:
    """While the files come, whatever becomes of the process, nothing stays on disk."""
    with run(KILLED, sink, str(place)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "reading\n"
        held = list(place.iterdir())
        process.kill()
    assert held == []
    assert list(place.iterdir()) == []
