"""The ledger: what was submitted is written down, whoever writes at once, and nothing breaks it."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gio_pandas.api.models import Kind
from gio_pandas.exports.job import ExportJob, Order
from gio_pandas.exports.ledger import _HASTE, UNCERTAIN, Ledger, ledger_of, ledger_path
from gio_pandas.settings import SANDBOX

from .served import Platform, serve

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = "https://cdp.example.cn"

# Writes 25 jobs down, and how far they are, as soon as a line comes; every warning is an error.
WRITER = """
import logging, sys
from datetime import UTC, datetime
from pathlib import Path
from gio_pandas.api.models import Kind
from gio_pandas.exports.job import ExportJob, Order
from gio_pandas.exports.ledger import Ledger

logging.basicConfig(stream=sys.stdout, level=logging.WARNING)
path, name = sys.argv[1:]
ledger, order = Ledger(Path(path)), Order(platform="https://cdp.example.cn", kind=Kind.TAG)
print("ready", flush=True)
sys.stdin.readline()
for number in range(25):
    ledger.add(order, f"{name}-{number}", "NONE", datetime.now(UTC))
    ledger.note(ExportJob(None, f"{name}-{number}", order, stage="FINISH"))
"""


def order(**more: Any) -> Order:
    """Describe a segment's export."""
    known: dict[str, Any] = {
        "kind": Kind.SEGMENT,
        "item_id": "qgQMXnD3",
        "name": "高价值用户",
        "project_id": "WlGk4Daj",
        "project_name": "默认项目",
        "arguments": {"charset": "UTF-16LE", "tags": [], "properties": ["usr_city"]},
    }
    return Order(**{"platform": URL, **known, **more})


@pytest.fixture
def path() -> Path:
    """Say where the ledger of this test is."""
    return ledger_path()


@pytest.fixture
def ledger(path: Path) -> Ledger:
    """Give an empty ledger on disk."""
    return Ledger(path)


@contextmanager
def told_once(words: str) -> Iterator[None]:
    """Expect one warning of the ledger, however often it is used."""
    with pytest.warns(UserWarning, match=words) as told:
        yield
    assert len(told) == 1
    assert "exports go on" in str(told[0].message)


def use(ledger: Ledger) -> None:
    """Do all that an export does with a ledger that cannot be used."""
    begun = ledger.begin(order(), NOW)
    assert begun is None
    ledger.add(order(), "J1", "NONE", NOW, begun=begun)
    ledger.drop(begun)
    ledger.note(ExportJob(Platform([]), "J1", order()))
    assert ledger.find(URL, "J1") is None
    assert ledger.latest(order(), NOW - timedelta(hours=1)) is None
    assert ledger.entries(URL) == []


def test_a_submit_is_found_again(ledger: Ledger) -> None:
    """All of an order comes back from disk, in this process or another one."""
    given = order(
        value_types={"tag_rfm": "STRING"},
        columns=["gio_id", "n"],
        dtype={"n": "Int32"},
        dtype_backend="pyarrow",
        memory_limit=10**9,
        charset="GBK",
    )
    ledger.add(given, "J1", "RUNNING", NOW)
    found = Ledger(ledger_path()).find(URL, "J1")
    assert found is not None
    assert found.order(charset=None, timeout=3600.0) == given
    assert (found.stage, found.submitted_at) == ("RUNNING", NOW.isoformat(timespec="microseconds"))
    assert ledger.find("https://other.example.cn", "J1") is None
    assert ledger.find(URL, "J2") is None


def test_a_submit_is_written_down_when_it_begins(ledger: Ledger) -> None:
    """In doubt until it is answered, or taken back; each one is its own row."""
    one, other = (ledger.begin(order(), NOW) for _ in range(2))
    assert [(entry.id, entry.stage) for entry in ledger.entries(URL)] == [(None, UNCERTAIN)] * 2
    ledger.add(order(), "J1", "NONE", NOW + timedelta(seconds=1), begun=one)
    ids = [entry.id for entry in ledger.entries(URL)]
    assert ids == ["J1", None]
    ledger.drop(other)
    ledger.drop(one)
    assert [entry.id for entry in ledger.entries(URL)] == ["J1"]


def test_an_id_that_comes_again_is_the_newer_job(ledger: Ledger) -> None:
    """One row, whichever way it was written down."""
    ledger.add(order(name="old"), "J1", "FINISH", NOW)
    begun = ledger.begin(order(name="new"), NOW)
    ledger.add(order(name="new"), "J1", "NONE", NOW, begun=begun)
    assert [(entry.id, entry.name) for entry in ledger.entries(URL)] == [("J1", "new")]


@pytest.mark.parametrize(
    "dtype",
    [
        "category",
        str,
        "string[pyarrow]",
        pd.Int64Dtype(),
        pd.DatetimeTZDtype("ns", "UTC"),
        pd.CategoricalDtype(["低", "高"], ordered=True),
        {"n": pd.CategoricalDtype([2, 1]), "m": float},
    ],
    ids=str,
)
def test_dtypes_mean_the_same_when_they_are_read(ledger: Ledger, dtype: Any) -> None:
    """What a column was to be, it is to be in another process, categories and their order too."""
    ledger.add(order(dtype=dtype), "J1", "NONE", NOW)
    found = ledger.find(URL, "J1")
    assert found is not None
    read = found.order(charset=None, timeout=None).dtype
    both = zip(dtype.values(), read.values(), strict=True) if isinstance(dtype, dict) else None
    for meant, got in both or [(dtype, read)]:
        assert pd.api.types.pandas_dtype(got) == pd.api.types.pandas_dtype(meant)


@pytest.mark.filterwarnings("ignore:Instantiating:UserWarning")
def test_a_dtypes_class_is_kept_by_a_name_that_pandas_reads(ledger: Ledger) -> None:
    """``pd.Int64Dtype`` without brackets is a dtype to pandas, too."""
    ledger.add(order(dtype=pd.Int64Dtype), "J1", "NONE", NOW)
    found = ledger.find(URL, "J1")
    assert found is not None
    assert found.reading["dtype"] == "Int64"


def test_how_far_a_job_is_is_written_down(ledger: Ledger) -> None:
    """Its stage, when it was finished, and its rows; of a job from elsewhere nothing."""
    ledger.add(order(), "an-id", "NONE", NOW)
    job = serve(Platform([b"gio_id,n\nu1,1\nu2,\n"]), Kind.SEGMENT)
    job._ledger = ledger
    job.finished_at = NOW + timedelta(minutes=1)
    job.to_pandas()
    [entry] = ledger.entries(URL)
    assert (entry.stage, entry.rows) == ("FINISH", 2)
    assert entry.finished_at == (NOW + timedelta(minutes=1)).isoformat(timespec="microseconds")
    ledger.note(ExportJob(Platform([]), "from-elsewhere", order()))
    assert len(ledger.entries(URL)) == 1


def test_the_newest_submit_stands_on_top(ledger: Ledger) -> None:
    """Also among those of one moment; and a list is of one platform, one kind, since a time."""
    ledger.add(order(), "J1", "NONE", NOW)
    ledger.add(order(kind=Kind.TAG), "J2", "NONE", NOW + timedelta(microseconds=1))
    ledger.add(order(), "J3", "NONE", NOW + timedelta(microseconds=1))
    ledger.add(order(platform="https://other.example.cn"), "J4", "NONE", NOW)
    assert [entry.id for entry in ledger.entries(URL)] == ["J3", "J2", "J1"]
    assert [entry.id for entry in ledger.entries(URL, kind=Kind.SEGMENT)] == ["J3", "J1"]
    since = NOW + timedelta(microseconds=1)
    assert [entry.id for entry in ledger.entries(URL, since=since)] == ["J3", "J2"]
    assert [entry.id for entry in ledger.entries(URL, limit=1)] == ["J3"]


def test_a_submit_without_an_answer_has_no_id(ledger: Ledger) -> None:
    """Two of them are two; none is ever given as a job to join."""
    for _ in range(2):
        ledger.add(order(), None, UNCERTAIN, NOW)
    assert [(entry.id, entry.stage) for entry in ledger.entries(URL)] == [(None, UNCERTAIN)] * 2
    assert ledger.latest(order(), NOW - timedelta(hours=1)) is None


@pytest.mark.parametrize(
    "other",
    [
        {"platform": "https://other.example.cn"},
        {"project_id": "Zz9Yy8Xx"},
        {"project_id": None},
        {"item_id": "KzpNmzQk"},
        {"kind": Kind.TAG},
        {"charset": "GBK"},
        {"arguments": {"charset": "UTF-16LE", "tags": [], "properties": []}},
        {"arguments": {"charset": "UTF-16LE", "tags": ["t"], "properties": ["usr_city"]}},
    ],
    ids=lambda other: next(iter(other)),
)
def test_only_an_equal_order_is_the_same_export(ledger: Ledger, other: dict[str, Any]) -> None:
    """What differs in anything that the platform is told is another export."""
    ledger.add(order(**other), "J1", "NONE", NOW)
    assert ledger.latest(order(), NOW) is None
    assert ledger.latest(order(**other), NOW) is not None


def test_how_it_is_read_makes_no_other_export(ledger: Ledger) -> None:
    """The same files serve other columns, dtypes and names."""
    ledger.add(order(), "J1", "NONE", NOW)
    found = ledger.latest(order(columns=["gio_id"], dtype="str", name="高价值"), NOW)
    assert found is not None
    assert found.id == "J1"


def test_the_newest_job_that_did_not_fail_is_the_one_to_join(ledger: Ledger) -> None:
    """Not an older one, not one that failed, and none from before the time that is asked for."""
    ledger.add(order(), "J1", "FINISH", NOW)
    ledger.add(order(), "J2", "FINISH", NOW + timedelta(minutes=1))
    ledger.add(order(), "J3", "ERROR", NOW + timedelta(minutes=2))
    found = ledger.latest(order(), NOW)
    assert found is not None
    assert found.id == "J2"
    assert ledger.latest(order(), NOW + timedelta(minutes=1, microseconds=1)) is None


def test_what_is_old_is_forgotten(ledger: Ledger) -> None:
    """The file does not grow for ever."""
    ledger.add(order(), "J1", "NONE", NOW - timedelta(days=500))
    ledger.add(order(), "J2", "NONE", NOW)
    assert [entry.id for entry in ledger.entries(URL)] == ["J2"]


def test_a_platform_that_gives_an_id_anew_has_one_job_of_it(ledger: Ledger) -> None:
    """A sandbox that was restarted counts its jobs from the beginning."""
    ledger.add(order(), "J1", "FINISH", NOW)
    ledger.add(order(kind=Kind.TAG), "J1", "NONE", NOW + timedelta(minutes=1))
    assert [(entry.id, entry.kind) for entry in ledger.entries(URL)] == [("J1", "tag")]


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_its_owner_alone_can_read_it(path: Path, umask: int) -> None:
    """Whatever the umask is; and what was left open is closed."""
    before = os.umask(umask)
    try:
        Ledger(path).add(order(), "J1", "NONE", NOW)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        path.chmod(0o644)
        Ledger(path).add(order(), "J2", "NONE", NOW)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_reading_makes_no_file(ledger: Ledger, path: Path) -> None:
    """Before the first submit there is nothing on disk, and no word about it."""
    assert ledger.entries(URL) == []
    assert ledger.find(URL, "J1") is None
    assert not path.parent.exists()


def test_the_embedded_platforms_jobs_are_in_memory(path: Path) -> None:
    """They end with the process."""
    ledger = ledger_of(SANDBOX)
    assert ledger is ledger_of(SANDBOX)
    with ThreadPoolExecutor(4) as threads:
        ids = [f"J{number}" for number in range(20)]
        list(threads.map(lambda id_: ledger.add(order(platform="memory"), id_, "NONE", NOW), ids))
    assert {entry.id for entry in ledger.entries("memory")} == set(ids)
    assert not path.exists()


# --- several at once ---------------------------------------------------------------------------


def test_processes_that_write_at_once_lose_nothing(path: Path) -> None:
    """Every row of four processes is there, and none of them had a word to say."""
    command = [sys.executable, "-W", "error", "-c", WRITER, str(path)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    names = ["A", "B", "C", "D"]
    writers = [subprocess.Popen([*command, name], **pipes) for name in names]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:  # all of them at once, with no file there
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        output, _ = writer.communicate(timeout=60)
        assert (output, writer.returncode) == ("", 0)
    found = {entry.id: entry.stage for entry in Ledger(path).entries(URL)}
    assert found == {f"{name}-{number}": "FINISH" for name in names for number in range(25)}


def test_threads_that_write_at_once_lose_nothing(ledger: Ledger) -> None:
    """Each call has a connection of its own."""
    ids = [f"J{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda id_: ledger.add(order(), id_, "NONE", NOW), ids))
    assert {entry.id for entry in ledger.entries(URL)} == set(ids)


@pytest.mark.skipif(os.name != "posix", reason="locks of another kind")
def test_a_look_at_the_file_does_not_take_its_locks_away(ledger: Ledger, path: Path) -> None:
    """POSIX drops a process's locks on a file with any descriptor of it that is closed.

    Else two processes would write into it at the same time one day, and break it.
    """
    ledger.add(order(), "J1", "NONE", NOW)
    with closing(sqlite3.connect(path, isolation_level=None)) as writing:
        writing.execute("BEGIN EXCLUSIVE")
        ledger._patience = 0.0
        with told_once("database is locked"):
            ledger.entries(URL)
        code = (
            "import sqlite3, sys\n"
            "sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
        )
        other = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True)
        assert b"database is locked" in other.stderr


# --- what breaks -------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"garbage" * 999, b"SQLite format 3\x00" + b"\xff" * 4000])
def test_a_broken_ledger_stops_nothing(ledger: Ledger, path: Path, content: bytes) -> None:
    """It is left as it is, for somebody to mend, and told of once."""
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with told_once(str(path)):
        use(ledger)
    assert path.read_bytes() == content


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_a_truncated_ledger_stops_nothing(ledger: Ledger, path: Path, part: float) -> None:
    """Of a disk that was full, or a copy that broke off."""
    for number in range(40):
        ledger.add(order(), f"J{number}", "NONE", NOW)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        ledger.add(order(), "new", "NONE", NOW)
        ledger.find(URL, "J1")
        ledger.entries(URL)
    assert len(told) == 1


def test_a_ledger_of_a_newer_version_is_left_alone(ledger: Ledger, path: Path) -> None:
    """Nothing is written into what is not understood."""
    ledger.add(order(), "J1", "NONE", NOW)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    content = path.read_bytes()
    with told_once("newer version.* and update gio-pandas"):
        use(ledger)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("reading", "{"),
        ("reading", '{"surprise": 1}'),
        ("reading", "[]"),
        ("kind", "heatmap"),
        ("submitted_at", "9999 yesterday"),
        ("finished_at", "tomorrow"),
    ],
)
def test_a_broken_row_does_not_hide_the_others(
    ledger: Ledger, path: Path, column: str, value: str
) -> None:
    """One that cannot be read is told of, and not listed."""
    ledger.add(order(), "J1", "NONE", NOW)
    ledger.add(order(), "J2", "NONE", NOW)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"UPDATE jobs SET {column} = ? WHERE id = 'J2'", [value])
    with told_once("cannot be used"):
        assert [entry.id for entry in ledger.entries(URL)] == ["J1"]
    assert ledger.find(URL, "J2") is None


def test_a_state_folder_that_is_a_file_stops_nothing(ledger: Ledger, path: Path) -> None:
    """Nor does one below a file, nor one that cannot be."""
    path.parent.parent.mkdir(parents=True)
    path.parent.write_text("in the way")
    with told_once(str(path)):
        use(ledger)
    with told_once("cannot be used"):
        use(Ledger(path.parent / "deeper" / "jobs.sqlite3"))
    with told_once("cannot be used"):
        use(Ledger(Path("/nowhere\0/jobs.sqlite3")))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may do anything")
def test_a_read_only_ledger_can_be_read(ledger: Ledger, path: Path) -> None:
    """What was written is listed; what cannot be is told of."""
    ledger.add(order(), "J1", "NONE", NOW)
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        assert [entry.id for entry in ledger.entries(URL)] == ["J1"]
        with told_once("readonly"):
            ledger.add(order(), "J2", "NONE", NOW)
    finally:
        path.parent.chmod(0o700)


def test_a_full_disk_stops_nothing(path: Path) -> None:
    """A process that may not make its files any longer exports all the same."""
    code = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n" + WRITER
    command = [sys.executable, "-W", "default", "-c", code, str(path), "A"]
    done = subprocess.run(command, input="go\n", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("UserWarning: The ledger of jobs") == 1


def test_a_lock_that_stays_holds_up_the_first_alone(
    ledger: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first wait is patient, the next ones are short, until the lock is gone."""
    monkeypatch.setattr("gio_pandas.exports.ledger._PATIENCE", 0.3)
    ledger.add(order(), "J1", "NONE", NOW)
    with closing(sqlite3.connect(path, isolation_level=None)) as other, told_once("locked"):
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        ledger.add(order(), "L0", "NONE", NOW)
        assert time.monotonic() - began >= 0.3
        assert ledger._patience == _HASTE
        ledger.add(order(), "L1", "NONE", NOW)
        assert ledger._patience == _HASTE
    ledger.add(order(), "J2", "NONE", NOW)
    assert [entry.id for entry in ledger.entries(URL)] == ["J2", "J1"]
    assert ledger._patience == 0.3


def test_warnings_that_are_errors_stop_nothing(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What would be lost by them is logged instead."""
    path.parent.mkdir(parents=True)
    path.write_bytes(b"garbage" * 999)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        use(Ledger(path))
    assert caplog.text.count("The ledger of jobs") == 1


# --- how long exports took -----------------------------------------------------------------------


def took(ledger: Ledger, seconds: float, job_id: str, **more: Any) -> None:
    """Write down an export that took so long."""
    ledger.add(order(**more), job_id, "NONE", NOW)
    end = NOW + timedelta(seconds=seconds)
    ledger.note(ExportJob(Platform([]), job_id, order(**more), stage="FINISH", finished_at=end))


def test_how_long_such_exports_took(ledger: Ledger) -> None:
    """The median of the same thing; of another one of the kind where there is none of it."""
    assert ledger.usual(order()) is None
    took(ledger, 500, "other", item_id="other")
    assert ledger.usual(order()) == (500.0, 1)
    for number, seconds in enumerate((10, 90, 20)):
        took(ledger, seconds, f"same-{number}")
    assert ledger.usual(order()) == (20.0, 3)
    assert ledger.usual(order(kind=Kind.TAG)) is None
    assert ledger.usual(order(platform="https://other.example.cn")) is None


def test_an_end_that_was_not_seen_says_nothing(ledger: Ledger) -> None:
    """Neither what goes on, nor what failed, nor what nobody saw finish."""
    ledger.add(order(), "running", "RUNNING", NOW)
    for stage, finished in (("ERROR", NOW + timedelta(seconds=5)), ("FINISH", None)):
        ledger.add(order(), stage, "NONE", NOW)
        ledger.note(ExportJob(Platform([]), stage, order(), stage=stage, finished_at=finished))
    ledger.begin(order(), NOW)
    assert ledger.usual(order()) is None


def test_a_ledger_that_is_broken_stops_no_display(path: Path, ledger: Ledger) -> None:
    """Who asks how long exports took is not told what is wrong with the file."""
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database at all" * 100)
    assert ledger.usual(order()) is None
