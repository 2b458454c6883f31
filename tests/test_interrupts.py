"""Ctrl-C at any moment: at once, nothing half-written left, and the line that goes on from there.

Each test starts a program of its own, and interrupts it as a terminal does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conformance.platform import ALWAYS, API_KEY, Fault, Options, Platform

from gio_pandas import sandbox as embedded

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no signal of this kind")

VIP = "高价值用户"
SOON = 20.0
"""Seconds within which a program that was interrupted is over, on a busy machine too."""

PLENTY = 30.0
"""Seconds in which whatever a test waits for has come."""


@contextmanager
def program(script: str, *arguments: str, spare: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a script beside these tests; what it keeps on disk for a while is in ``spare``."""
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    environment["TMPDIR"] = str(spare)
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    """Read a line that the program prints; where it ends before, say why."""
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline().strip()
    assert line, process.stderr.read()
    return line


@pytest.fixture
def spare(tmp_path: Path) -> Path:
    """Give the folder of what is kept on disk for a while."""
    folder = tmp_path / "spare"
    folder.mkdir()
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Give an empty folder to write to."""
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


# --- a program that is interrupted, and does nothing about it ------------------------------------

VERBS = """
import asyncio, sys
import gio_pandas as gio

url, key, verb, folder = sys.argv[1:]
session = gio.Session(url, api_key=key, project="默认项目")
job = session.submit_segment("高价值用户", properties=["usr_city"])
print(job.id, flush=True)

async def awaited():
    return await job

verbs = {
    "wait": job.wait,
    "to_pandas": job.to_pandas,
    "to_arrow": job.to_arrow,
    "iter_batches": lambda: list(job.iter_batches()),
    "to_parquet": lambda: job.to_parquet(folder + "/users"),
    "to_csv": lambda: job.to_csv(folder + "/users.csv"),
    "download": lambda: job.download(folder + "/raw"),
    "to_dask": job.to_dask,
    "await": lambda: asyncio.run(awaited()),
    "read_many": lambda: session.read_many([job]),
    "as_completed": lambda: list(gio.as_completed([job])),
}
verbs[verb]()
print("was not interrupted", flush=True)
"""


def asked(platform: Any, field: str, process: subprocess.Popen[str]) -> None:
    """Wait until the platform has been asked for something."""
    until = time.monotonic() + PLENTY
    while not any(field in (*request.fields, request.path) for request in platform.requests):
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.01)


def interrupted(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C, and read the program's last words."""
    process.send_signal(signal.SIGINT)
    said, words = process.communicate(timeout=SOON)
    assert said == ""
    assert process.returncode == -signal.SIGINT
    return words


@pytest.mark.parametrize("verb", ["wait", "to_parquet", "await", "read_many", "as_completed"])
def test_a_wait_is_let_go_of(verb: str, place: Path, spare: Path) -> None:
    """The program ends at once, by KeyboardInterrupt, with the line that picks the job up."""
    with embedded.start(users=50, stage_seconds=60) as platform:
        arguments = (platform.url, platform.api_key, verb, str(place))
        with program(VERBS, *arguments, spare=spare) as process:
            job_id = line_of(process)
            asked(platform, "jobResult", process)
            time.sleep(0.1)  # into the pause that follows
            words = interrupted(process)
    assert f"gio.attach({job_id!r}) picks it up" in words
    assert (list(place.iterdir()), list(spare.iterdir())) == ([], [])


@pytest.mark.parametrize(
    "verb",
    [
        "to_pandas",
        "to_arrow",
        "iter_batches",
        "to_parquet",
        "to_csv",
        "download",
        "to_dask",
        "await",
        "read_many",
    ],
)
def test_a_download_is_let_go_of(verb: str, place: Path, spare: Path) -> None:
    """So it is with one that is slow: no thread holds the program up, no file stays."""
    slow = {"users": 20_000, "parts": 5, "bytes_per_second": 20_000.0}
    with embedded.start(stage_seconds=0, **slow) as platform:
        arguments = (platform.url, platform.api_key, verb, str(place))
        with program(VERBS, *arguments, spare=spare) as process:
            job_id = line_of(process)
            asked(platform, "/download", process)
            time.sleep(0.3)  # some of it has come
            words = interrupted(process)
    assert f"gio.attach({job_id!r}) picks it up" in words
    assert [path for path in place.rglob("*") if path.is_file()] == []
    assert list(spare.iterdir()) == []


@pytest.mark.parametrize("verb", ["to_pandas", "to_parquet", "download", "await", "read_many"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_platform_that_does_not_answer_is_let_go_of(
    verb: str, times: int, place: Path, spare: Path
) -> None:
    """Though there is no connection yet to hang up; a second Ctrl-C does not wait for anything."""
    with Platform(Options(parts=5, faults=(Fault("download", "hang", ALWAYS),))) as platform:
        arguments = (platform.url, API_KEY, verb, str(place))
        with program(VERBS, *arguments, spare=spare) as process:
            job_id = line_of(process)
            until = time.monotonic() + PLENTY
            while not platform.asked("download"):
                assert time.monotonic() < until
                time.sleep(0.01)
            for _ in range(times - 1):
                process.send_signal(signal.SIGINT)
                time.sleep(0.2)
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            _, words = process.communicate(timeout=SOON)
    assert process.returncode == -signal.SIGINT
    assert f"gio.attach({job_id!r}) picks it up" in words
    assert [path for path in place.rglob("*") if path.is_file()] == []


GOES_ON = """
import asyncio, sys, threading, time
import gio_pandas as gio

url, key, verb = sys.argv[1:]
session = gio.Session(url, api_key=key, project="默认项目")
job = session.submit_segment("高价值用户")
print(job.id, flush=True)

async def awaited():
    return await job

verbs = {
    "to_pandas": job.to_pandas,
    "read_many": lambda: session.read_many([job]),
    "await": lambda: asyncio.run(awaited()),
}
try:
    verbs[verb]()
except KeyboardInterrupt:
    until = time.monotonic() + 5
    ours = True
    while ours and time.monotonic() < until:
        time.sleep(0.01)
        ours = [thread.name for thread in threading.enumerate() if thread.name.startswith("gio-")]
    print(ours, flush=True)
"""


@pytest.mark.parametrize("step", ["poll", "download"])
@pytest.mark.parametrize("verb", ["to_pandas", "read_many", "await"])
def test_no_thread_goes_on_waiting_for_an_answer(verb: str, step: str, spare: Path) -> None:
    """Its connection is hung up on, though nothing has come over it yet."""
    with (
        Platform(Options(parts=5, faults=(Fault(step, "hang", ALWAYS),))) as platform,
        program(GOES_ON, platform.url, API_KEY, verb, spare=spare) as process,
    ):
        line_of(process)
        until = time.monotonic() + PLENTY
        while len(platform.asked(step)) < (4 if step == "download" else 1):
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        said, words = process.communicate(timeout=PLENTY)
    assert said.strip() == "[]", words


SUBMIT = """
import sys
import gio_pandas as gio

url, key = sys.argv[1:]
session = gio.Session(url, api_key=key, project="默认项目")
session.submit_segment("高价值用户")
"""


def test_a_submit_without_an_answer_is_told_of(spare: Path) -> None:
    """Nobody knows whether the export was started, and the message says where to look."""
    with (
        Platform(Options(faults=(Fault("submit", "hang", ALWAYS),))) as platform,
        program(SUBMIT, platform.url, API_KEY, spare=spare) as process,
    ):
        until = time.monotonic() + PLENTY
        while not platform.asked("submit"):
            assert time.monotonic() < until
            time.sleep(0.01)
        words = interrupted(process)
    assert "may or may not have been started" in words
    assert "导出任务" in words
    assert len(platform.asked("submit")) == 1


# --- a program that goes on, as a notebook does --------------------------------------------------

SESSION = """
import os, random, shutil, signal, sys, threading, time
from pathlib import Path

from exports.served import Platform, serve

sink, folder, spare = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
seconds = float(sys.argv[4]) if len(sys.argv) > 4 else None
shown = len(sys.argv) > 5
if shown:
    sys.stderr.isatty = lambda: True
chance = random.Random(7)
HEADER = b"gio_id,n,day,word\\n"
ROWS = 2_000
LINES = b"".join(b"user-%d,%d,2024-01-0%d,word%d\\n" % (n, n, n % 9 + 1, n % 97)
                 for n in range(ROWS))
FILES, TIMES = 5, 8
inside = False

def interrupt(*_):
    if inside:
        raise KeyboardInterrupt

signal.signal(signal.SIGINT, interrupt)


class Moment:
    def __init__(self, name):
        self.name, self.due, self.lock = name, True, threading.Lock()
        self.came = threading.Event()

    def is_here(self, name):
        with self.lock:
            if not self.due or name != self.name:
                return
            self.due = False
        os.kill(os.getpid(), signal.SIGINT)
        self.came.set()

    def is_over(self):
        with self.lock:
            self.due = False
        self.came.set()

    def again(self):
        self.came.wait()
        time.sleep(seconds * 100 ** -chance.random())
        os.kill(os.getpid(), signal.SIGINT)

    def watch(self, platform):
        while self.due:
            if len(platform.begun) == FILES and not platform.running:
                self.is_here("typing")
            if any(path.suffix == ".part" for path in folder.rglob("*")):
                self.is_here("writing")
            time.sleep(0.001)


def body(moment):
    def chunks():
        yield HEADER
        moment.is_here("first bytes")
        for number in range(TIMES):
            if number == TIMES // 2:
                moment.is_here("middle")
            yield LINES
        moment.is_here("last bytes")
    return chunks


def rows(job):
    if sink == "to_pandas":
        return len(job.to_pandas())
    if sink == "iter_batches":
        return sum(len(batch) for batch in job.iter_batches(1000))
    if sink == "to_csv":
        return len(Path(job.to_csv(folder / "users.csv")).read_bytes().splitlines()) - 1
    if sink == "to_parquet":
        import pandas as pd
        return sum(len(pd.read_parquet(path)) for path in job.to_parquet(folder / "users"))
    return sum(len(path.read_bytes().splitlines()) - 1 for path in job.download(folder / "raw"))


def left():
    until = time.monotonic() + 5
    while time.monotonic() < until:
        threads = [t.name for t in threading.enumerate() if t.name.startswith("gio-")]
        if not threads:
            break
        time.sleep(0.005)
    return [*threads, *(path.name for path in folder.rglob("*")), *os.listdir(spare)]


moments = ["first bytes", "middle", "last bytes"]
moments += ["typing"] if sink != "download" else []
moments += ["writing"] if sink in ("to_parquet", "to_csv", "download") else []
for name in moments * (8 if seconds else 1):
    moment = Moment(name)
    platform = Platform([body(moment)] * FILES, size=None, tells_size=False)
    job = serve(platform, progress="on" if shown else "off")
    threading.Thread(target=moment.watch, args=(platform,), daemon=True).start()
    second = threading.Thread(target=moment.again, daemon=True)
    if seconds:
        second.start()
    words = "done"  # before it was interrupted
    inside = True
    try:
        try:
            rows(job)
        finally:
            inside = False
    except KeyboardInterrupt as error:
        words = str(error)
    moment.is_over()
    if seconds:
        second.join()
    whole = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".part"]
    kept = len(whole) == {"to_csv": 1}.get(sink, FILES)  # the second one came when all was done
    if kept:
        shutil.rmtree(folder)
        folder.mkdir()
    print(f"{name}|{words}|{left()}", flush=True)
    assert not job.tracker.is_running
    platform.hung_up.clear()
    again = rows(job)
    assert again == FILES * TIMES * ROWS, again
    shutil.rmtree(folder)
    folder.mkdir()
print("end", flush=True)
"""


@pytest.mark.parametrize("sink", ["to_pandas", "iter_batches", "to_parquet", "to_csv", "download"])
@pytest.mark.parametrize("second", [None, 0.02])
def test_nothing_is_left_and_the_next_call_works(
    sink: str, second: float | None, place: Path, spare: Path
) -> None:
    """At any moment, and a second time while the first is being heard: whole, or nothing."""
    more = () if second is None else (str(second),)
    with program(SESSION, sink, str(place), str(spare), *more, spare=spare) as process:
        said, words = process.communicate(timeout=100)
    assert said.endswith("end\n"), words
    found = [line.split("|") for line in said.splitlines()[:-1]]
    for moment, told, left in found:
        assert left == "[]", moment
        assert told == "done" or "gio.attach('an-id') picks it up" in told, moment
    assert sum("gio.attach" in told for _, told, _ in found) > len(found) / 2


def test_a_display_leaves_nothing_either(place: Path, spare: Path) -> None:
    """With a line that is written again and again: no thread of it goes on, and it has an end."""
    arguments = ("to_pandas", str(place), str(spare), "0.02", "shown")
    with program(SESSION, *arguments, spare=spare) as process:
        said, words = process.communicate(timeout=100)
    assert said.endswith("end\n"), words
    found = [line.split("|") for line in said.splitlines()[:-1]]
    assert [moment for moment, _, left in found if left != "[]"] == []
    assert "stopped after" in words
    assert "rows, 5 files" in words
