"""Results that are kept: the same frame from disk, whole or not there, within a size."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gio_pandas as gio
from gio_pandas.api.models import Kind
from gio_pandas.exports.cache import Cache, cache_of, cache_path
from gio_pandas.exports.job import ExportJob, Order
from gio_pandas.settings import SANDBOX

from .served import Platform

URL = "https://cdp.example.cn"
USERS = "gio_id,用户ID,次数,金额,时间,备注\n" + (
    "9007199254740993123,007,1,12.50,2026-03-01T08:00:00+08:00,NA\n"
    "u2,,,0.1,2026-03-02T08:00:00+08:00,\n"
)
TABLES: dict[str, tuple[Kind | None, Sequence[str], dict[str, Any]]] = {
    "users": (Kind.SEGMENT, [USERS], {}),
    "several files": (Kind.SEGMENT, [USERS, "gio_id,用户ID,次数,金额,时间,备注\nu3,,,,,x\n"], {}),
    "no user": (Kind.SEGMENT, ["gio_id,次数\n"], {}),
    "one column": (Kind.SEGMENT, ["gio_id\n1\n\n"], {}),
    "headers twice": (Kind.FUNNEL, ["日期,日期,\n2026-03-01,1,\n2026-03-02,-,a\n"], {}),
    "an analysis": (Kind.EVENT, ['日期,人数,比例\n1,"1,234",45.20%\n2,-,-\n'], {}),
    "zones": (Kind.EVENT, ["日期,t\n1,2026-03-01T08:00:00Z\n2,2026-03-01T08:00:00.5Z\n"], {}),
    "zones apart": (Kind.EVENT, ["日期,t\n1,2026-03-01T08:00:00+05:30\n"], {}),
    "a tag": (Kind.TAG, ["id,v\n1,7\n2,\n"], {"value_types": {"v": "DOUBLE"}}),
    "text": (Kind.SEGMENT, [USERS], {"dtype": "str"}),
    "one as text": (Kind.SEGMENT, [USERS], {"dtype": {"次数": str, "金额": "float32"}}),
    "categories": (Kind.SEGMENT, [USERS], {"dtype": {"备注": pd.CategoricalDtype(["x", "NA"])}}),
    "columns": (Kind.SEGMENT, [USERS], {"columns": ["金额", "gio_id"]}),
    "a dtype beside": (Kind.SEGMENT, [USERS], {"columns": ["gio_id"], "dtype": {"金额": "str"}}),
    "a number": (Kind.FUNNEL, ['日期,n\n1,"1,234"\n'], {"dtype": {"n": "Int32"}}),
    "pyarrow": (Kind.SEGMENT, [USERS], {"dtype_backend": "pyarrow"}),
    "nullable": (Kind.SEGMENT, [USERS], {"dtype_backend": "numpy_nullable"}),
    "unknown": (None, [USERS], {"arguments": {"charset": "UTF-8", "properties": ["usr_city"]}}),
}

Export = Callable[..., tuple[ExportJob, Platform]]


@pytest.fixture
def cache() -> Cache:
    """Give an empty cache in the test's own home."""
    return Cache(cache_path(), 10**9)


def export(
    cache: Cache | None,
    *bodies: str,
    job_id: str = "J1",
    kind: Kind | None = Kind.SEGMENT,
    submitted_at: datetime | None = None,
    **more: Any,
) -> tuple[ExportJob, Platform]:
    """Make a finished job of these files, whose result is kept, and its platform."""
    platform = Platform([body.encode() for body in bodies or [USERS]])
    order = Order(**{"platform": URL, "kind": kind, "charset": "UTF-8", **more})
    return ExportJob(platform, job_id, order, submitted_at=submitted_at, cache=cache), platform


def files(cache: Cache) -> list[Path]:
    """List what lies in the cache's folder."""
    return sorted(cache.folder.iterdir()) if cache.folder.exists() else []


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Compare frames in all but the times of their sources."""
    pd.testing.assert_frame_equal(one, other)
    assert [str(dtype) for dtype in one.dtypes] == [str(dtype) for dtype in other.dtypes]
    sources = [dict(frame.attrs["gio"]) for frame in (one, other)]
    for source in sources:
        del source["read"], source["submitted"], source["finished"]
        assert list(source["arguments"]) == list(sources[0]["arguments"])
    assert sources[0] == sources[1]
    assert json.dumps(sources[0]) == json.dumps(sources[1])


@contextmanager
def told_once() -> Iterator[None]:
    """Expect one warning that results are not kept."""
    with pytest.warns(UserWarning, match="Results are not kept in") as told:
        yield
    assert len(told) == 1


@pytest.mark.parametrize("table", TABLES)
def test_a_kept_frame_is_the_frame(cache: Cache, table: str) -> None:
    """It is what is read without a cache, when it is kept and when it is read again."""
    kind, bodies, more = TABLES[table]
    direct = export(None, *bodies, kind=kind, **more)[0]
    first, platform = export(cache, *bodies, kind=kind, **more)
    same(first.to_pandas(), direct.to_pandas())
    assert platform.begun
    again, platform = export(cache, *bodies, kind=kind, **more)
    same(again.to_pandas(), direct.to_pandas())
    assert (platform.asked, platform.begun) == (0, [])
    assert again.rows == direct.rows == len(direct.to_pandas())


@pytest.mark.parametrize("table", TABLES)
def test_a_kept_table_is_the_table(cache: Cache, table: str) -> None:
    """As Arrow and batch by batch, too, down to what beside the values is told."""
    kind, bodies, more = TABLES[table]
    direct = export(None, *bodies, kind=kind, **more)[0]
    export(cache, *bodies, kind=kind, **more)[0].to_arrow()
    again, platform = export(cache, *bodies, kind=kind, **more)
    assert again.to_arrow().equals(direct.to_arrow(), check_metadata=True)
    kept, read = list(again.iter_batches(1)), list(direct.iter_batches(1))
    assert len(kept) == len(read)
    assert all(k.equals(r, check_metadata=True) for k, r in zip(kept, read, strict=True))
    assert (platform.asked, platform.begun) == (0, [])


def test_a_kept_polars_frame_is_the_frame(cache: Cache) -> None:
    """It is of the same table."""
    pytest.importorskip("polars")
    direct, first = export(None)[0], export(cache)[0]
    assert first.to_polars().equals(direct.to_polars())
    again, platform = export(cache)
    assert again.to_polars().equals(direct.to_polars())
    assert (platform.asked, platform.begun) == (0, [])


def test_what_a_read_says_wins_over_what_the_submit_said(cache: Cache) -> None:
    """Each way to read has its own result, and its own name for it."""
    job, _ = export(cache, dtype={"次数": "Int8"})
    assert job.to_pandas()["次数"].dtype == "Int8"
    assert job.to_pandas(dtype={"次数": "str"})["次数"].tolist()[0] == "1"
    assert list(job.to_pandas(columns=["备注", "次数"])) == ["备注", "次数"]
    assert job.to_pandas(dtype_backend="pyarrow")["金额"].dtype == "double[pyarrow]"
    source = job.to_pandas(columns=["备注"], dtype="str").attrs["gio"]
    assert source["arguments"] == {"columns": ["备注"], "dtype": "str", "dtype_backend": None}


@pytest.mark.parametrize(
    "wrong", [{"columns": ["nothing"]}, {"dtype": {"nothing": "str"}}, {"dtype": {"备注": "Int64"}}]
)
def test_what_cannot_be_read_is_no_less_an_error(cache: Cache, wrong: dict[str, Any]) -> None:
    """As without a cache, also where all of it is kept."""
    job, _ = export(cache)
    job.to_pandas()
    for _ in range(2):
        with pytest.raises(gio.DecodeError):
            job.to_pandas(**wrong)


def test_a_memory_limit_holds_for_what_is_kept(cache: Cache) -> None:
    """A table too large is an error before it is in memory, and stays kept."""
    body = "gio_id,n\n" + "".join(f"user-{number},{number}\n" for number in range(5_000))
    job, platform = export(cache, body)
    for limit in (1_000, "20 kB"):
        with pytest.raises(gio.MemoryLimitError, match="memory_limit="):
            job.to_pandas(memory_limit=limit)
        with pytest.raises(gio.MemoryLimitError):
            job.to_arrow(memory_limit=limit)
    assert platform.begun == [0]
    assert len(job.to_pandas(memory_limit="10 MB")) == 5_000


def test_a_broken_export_is_not_kept(cache: Cache) -> None:
    """Files that do not fit each other are an error each time, and nothing stays behind."""
    job, _ = export(cache, "gio_id,a\n1,2\n", "gio_id,b\n1,2\n")
    for _ in range(2):
        with pytest.raises(gio.DecodeError, match="has the columns"):
            job.to_pandas()
    assert files(cache) == []


@pytest.mark.parametrize(
    "other",
    [
        {"job_id": "J2"},
        {"platform": "https://other.example.cn"},
        {"charset": "GB18030"},
        {"value_types": {"次数": "STRING"}},
        {"dtype": {"次数": "str"}},
        {"columns": ["gio_id"]},
        {"kind": Kind.TAG},
        {"item_id": "other"},
        {"project_id": "other"},
        {"arguments": {"detail": True}},
        {"submitted_at": datetime(2026, 3, 1, tzinfo=UTC)},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_result_is_of_one_job_read_in_one_way(cache: Cache, other: dict[str, Any]) -> None:
    """What another job, platform or type would give is not taken for it."""
    export(cache)[0].to_pandas()
    job, platform = export(cache, **other)
    assert not job.is_kept()
    job.to_pandas()
    assert platform.begun == [0]
    assert len(files(cache)) == 2


def test_another_version_makes_its_own_results(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this version takes for a number, the next one may not."""
    job, _ = export(cache)
    job.to_pandas()
    assert job.is_kept()
    monkeypatch.setattr("gio_pandas.exports.cache.__version__", "99.0")
    assert not job.is_kept()


# --- whole, or not there -----------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 7])
def test_no_byte_of_a_kept_file_can_change_unseen(cache: Cache, step: int) -> None:
    """Wherever a bit is turned, the result is made anew, and the frame is right."""
    job, platform = export(cache)
    right = job.to_pandas()
    [file] = files(cache)
    content = file.read_bytes()
    places = range(0, len(content), len(content) // 12)
    for place in places:
        broken = bytearray(content)
        broken[place] ^= 1 << step
        file.write_bytes(broken)
        same(job.to_pandas(), right)
        [file] = files(cache)
        content = file.read_bytes()
    assert len(platform.begun) == 1 + len(places)


@pytest.mark.parametrize("size", [0, 4, 100, -1])
def test_a_truncated_file_is_made_anew(cache: Cache, size: int) -> None:
    """Of a disk that lost its power."""
    job, platform = export(cache)
    right = job.to_pandas()
    [file] = files(cache)
    file.write_bytes(file.read_bytes()[:size])
    same(job.to_pandas(), right)
    assert platform.begun == [0, 0]
    assert len(files(cache)) == 1


def test_what_is_none_of_ours_is_left_alone(cache: Cache) -> None:
    """Other files in the folder are neither read nor listed."""
    job, _ = export(cache)
    right = job.to_pandas()
    [file] = files(cache)
    pq.write_table(pa.table({"a": [1]}), cache.folder / "mine.parquet")
    (cache.folder / "note.txt").write_text("?")
    (cache.folder / "folder.parquet").mkdir()
    (cache.folder / f"{file.name.split('.')[0]}.0badc0de.parquet").mkdir()
    same(job.to_pandas(), right)
    assert [entry.file for entry in cache.entries()] == [str(file)]


KILLED = """
import os, signal, sys
from pathlib import Path
from gio_pandas.api.models import Kind
from gio_pandas.exports import cache
from tests.exports.test_cache import export

checksum = cache._checksum

def die(stream):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "written":
    cache._checksum = die  # all is written, and has no name yet
else:
    cache._Place.writing.__wrapped__.__globals__["open"] = lambda *_, **__: die(None)
export(cache.Cache(Path(sys.argv[1]), 10**9))[0].to_pandas()
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize("moment", ["begun", "written"])
def test_a_kill_leaves_nothing_that_is_read(cache: Cache, moment: str) -> None:
    """What a process did not finish is no result, and is gone after a day."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", KILLED, str(cache.folder), moment]
    done = subprocess.run(command, cwd=root, timeout=60, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = files(cache)
    assert all(file.suffix == ".part" for file in left)
    assert len(left) == (1 if moment == "written" else 0)
    job, platform = export(cache)
    assert not job.is_kept()
    assert len(job.to_pandas()) == 2
    assert platform.begun == [0]
    assert [file in files(cache) for file in left] == [True] * len(left)
    for file in left:
        long_ago = time.time() - 2 * 24 * 3600
        os.utime(file, (long_ago, long_ago))
    job.to_pandas()
    assert [file in files(cache) for file in left] == [False] * len(left)


def test_threads_and_processes_keep_one_result_at_once(cache: Cache) -> None:
    """Each has the right frame, and what is kept is whole."""
    right = export(None)[0].to_pandas()
    code = (
        "import sys; from pathlib import Path\n"
        "from gio_pandas.exports.cache import Cache\n"
        "from tests.exports.test_cache import export\n"
        "for _ in range(20):\n"
        "    cache = Cache(Path(sys.argv[1]), 10**9)\n"
        "    assert len(export(cache)[0].to_pandas()) == 2\n"
        "    cache.clear()\n"
    )
    root = Path(__file__).parents[2]
    other = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, str(cache.folder)], cwd=root
    )
    with warnings.catch_warnings(record=True) as told, ThreadPoolExecutor(4) as threads:
        warnings.simplefilter("always")
        while other.poll() is None:
            jobs = [export(cache)[0] for _ in range(4)]
            for frame in threads.map(ExportJob.to_pandas, jobs):
                same(frame, right)
    assert other.returncode == 0
    assert {str(notice.message)[:23] for notice in told} <= {"Results are not kept in"}


def test_threads_that_want_one_result_share_one_download(cache: Cache) -> None:
    """Each reads the file that the first one kept; caches of one folder are one."""
    platform = Platform([USERS.encode()] * 3)
    order = Order(platform=URL, kind=Kind.SEGMENT, charset="UTF-8")
    together = threading.Barrier(8)

    def read(number: int) -> pd.DataFrame:
        own = Cache(cache.folder, 10**9)
        together.wait(10)
        return ExportJob(platform, "J1", order, cache=own).to_pandas()

    with ThreadPoolExecutor(8) as threads:
        frames = list(threads.map(read, range(8)))
    assert sorted(platform.begun) == [0, 1, 2]
    for frame in frames[1:]:
        same(frame, frames[0])


def test_a_result_that_is_removed_is_read_to_its_end(cache: Cache) -> None:
    """Whoever reads it has it open; who comes later makes it anew."""
    body = "gio_id,n\n" + "".join(f"u{number},{number}\n" for number in range(300_000))
    job, platform = export(cache, body)
    job.to_arrow()
    batches = job.iter_batches(1_000)
    next(batches)
    assert cache.clear() > 0
    assert sum(len(batch) for batch in batches) == 299_000
    assert platform.begun == [0]
    assert not job.is_kept()


# --- within a size, for its owner --------------------------------------------------------------


def test_what_was_not_read_for_the_longest_time_goes_first(cache: Cache) -> None:
    """The size bound holds after every read, and a read makes a result young."""
    for number in range(3):
        export(cache, job_id=f"J{number}")[0].to_pandas()
        for file in files(cache):
            os.utime(file, (file.stat().st_atime, file.stat().st_mtime - 10))
    size = max(file.stat().st_size for file in files(cache))
    small = Cache(cache.folder, 2 * size + 100)
    export(small, job_id="J0")[0].to_pandas()
    assert [entry.id for entry in small.entries()] == ["J0", "J2"]
    assert sum(file.stat().st_size for file in files(small)) <= 2 * size + 100


def test_a_result_larger_than_the_bound_is_read_and_not_kept(cache: Cache) -> None:
    """The frame comes all the same."""
    tiny = Cache(cache.folder, 10)
    job, _ = export(tiny)
    for _ in range(2):
        assert len(job.to_pandas()) == 2
        assert files(tiny) == []


def test_entries_say_what_is_kept(cache: Cache) -> None:
    """Of every platform, with the bytes on disk; and all of it can be removed."""
    assert (cache.entries(), cache.clear()) == ([], 0)
    order = {"name": "高价值用户", "project_id": "WlGk4Daj", "project_name": "默认项目"}
    export(cache, **order)[0].to_pandas()
    [entry] = cache.entries()
    [file] = files(cache)
    assert (entry.id, entry.name, entry.kind, entry.project) == (
        "J1",
        "高价值用户",
        "segment",
        "默认项目",
    )
    assert (entry.rows, entry.bytes, entry.file) == (2, file.stat().st_size, str(file))
    assert (entry.platform, entry.submitted_at) == (URL, None)
    assert pd.Timestamp(entry.kept_at).tz is not None
    (cache.folder / "half.00000000.part").write_bytes(b"PAR1")
    assert cache.clear() == entry.bytes + 4
    assert files(cache) == []


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_its_owner_alone_can_read_it(cache: Cache, umask: int) -> None:
    """From its first byte on, whatever the umask is; an open folder is closed."""
    cache.folder.mkdir(parents=True, mode=0o755)
    modes = set()

    class Watching(Platform):
        def download(self, *args: Any, **more: Any) -> Any:
            modes.update(stat.S_IMODE(file.stat().st_mode) for file in files(cache))
            return super().download(*args, **more)

    before = os.umask(umask)
    try:
        order = Order(platform=URL, kind=Kind.SEGMENT, charset="UTF-8")
        ExportJob(Watching([USERS.encode()] * 3), "J1", order, cache=cache).to_pandas()
    finally:
        os.umask(before)
    modes.update(stat.S_IMODE(file.stat().st_mode) for file in files(cache))
    assert modes == {0o600}
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700


# --- what breaks -------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made_is_told_of_once(cache: Cache) -> None:
    """The frame is right, without one."""
    cache.folder.parent.mkdir(parents=True)
    cache.folder.write_text("in the way")
    right = export(None)[0].to_pandas()
    with told_once():
        for number in range(2):
            same(export(cache)[0].to_pandas(), right)
            assert len(list(export(cache, job_id=f"J{number}")[0].iter_batches(1))) == 2
    assert (cache.entries(), cache.clear()) == ([], 0)


def test_a_folder_that_vanishes_meanwhile_is_told_of_in_a_sentence(cache: Cache) -> None:
    """It says why nothing is kept, and not what to do for a file that nobody asked for."""

    class Vanishing(Platform):
        def download(self, *args: Any, **more: Any) -> Any:
            shutil.rmtree(cache.folder, ignore_errors=True)
            return super().download(*args, **more)

    order = Order(platform=URL, kind=Kind.SEGMENT, charset="UTF-8")
    job = ExportJob(Vanishing([USERS.encode()]), "J1", order, cache=cache)
    with pytest.warns(UserWarning, match="nothing else is wrong") as told:
        assert len(job.to_pandas()) == 2
    [words] = [str(notice.message) for notice in told]
    assert words.count("kept") == 1
    assert "TMPDIR" not in words


def test_warnings_that_are_errors_lose_no_frame(
    cache: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    """What is no reason to stop is logged then."""
    cache.folder.parent.mkdir(parents=True)
    cache.folder.write_text("in the way")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(export(cache)[0].to_pandas()) == 2
    assert "Results are not kept in" in caplog.text


FULL = """
import resource, sys
from pathlib import Path
from gio_pandas.exports.cache import Cache
from tests.exports.test_cache import export

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
cache = Cache(Path(sys.argv[1]), 10**9)
body = "gio_id,n\\n" + "".join(f"u{number*number},{number}\\n" for number in range(50_000))
for number in range(2):
    assert len(export(cache, body, job_id=str(number))[0].to_pandas()) == 50_000
assert list(cache.folder.iterdir()) == []
"""


@pytest.mark.skipif(os.name != "posix", reason="limits are POSIX's")
@pytest.mark.parametrize("size", [1_000, 300_000], ids=["at once", "in the middle"])
def test_a_full_disk_loses_no_frame(cache: Cache, size: int) -> None:
    """The files are read once more, without the disk, and nothing stays behind."""
    command = [sys.executable, "-W", "default", "-c", FULL, str(cache.folder), str(size)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=root)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("UserWarning: Results are not kept in") == 1


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may do anything")
def test_a_read_only_cache_is_read(cache: Cache) -> None:
    """What is kept is not lost because nothing can be noted on it."""
    export(cache)[0].to_pandas()
    cache.folder.chmod(0o500)
    try:
        job, platform = export(cache)
        assert len(job.to_pandas()) == 2
        assert platform.begun == []
    finally:
        cache.folder.chmod(0o700)


def test_the_embedded_platforms_results_end_with_the_process() -> None:
    """As its jobs do; they lie in a folder that is removed."""
    code = (
        "from gio_pandas.exports.cache import cache_of\n"
        "from gio_pandas.settings import SANDBOX\n"
        "from tests.exports.test_cache import export\n"
        "cache = cache_of(SANDBOX, 10**9)\n"
        "export(cache)[0].to_pandas()\n"
        "assert len(cache.entries()) == 1\n"
        "print(cache.folder)\n"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=root)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()
    assert not Path(done.stdout.strip()).exists()
    assert cache_of(SANDBOX, 1).folder == cache_of(SANDBOX, 2).folder != cache_path()


def test_a_folder_that_vanishes_is_made_again(cache: Cache) -> None:
    """Whoever cleans up the caches of a home does no harm."""
    job, platform = export(cache)
    job.to_pandas()
    shutil.rmtree(cache.folder)
    assert (len(job.to_pandas()), platform.begun) == (2, [0, 0])
    assert job.is_kept()
