"""What was submitted is found again: ``jobs``, ``attach``, ``reuse=``, over a socket."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import gio_pandas as gio
from gio_pandas import sandbox as embedded
from gio_pandas.exports.cache import cache_path
from gio_pandas.exports.frames import text_dtype
from gio_pandas.exports.ledger import ledger_path

PROJECT = "默认项目"
HIGH_VALUE = "高价值用户"
BROKEN = "计算失败的分群"
LEVELS = pd.CategoricalDtype(
    ["普通会员", "银卡会员", "金卡会员", "铂金会员", "黑钻会员"], ordered=True
)
TIMES = ("read", "submitted", "finished")
READS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "segment": (
        "segment",
        HIGH_VALUE,
        {
            "tags": ["会员等级"],
            "properties": ["usr_age", "usr_city"],
            "dtype": {"年龄": "float32", "会员等级": LEVELS},
        },
    ),
    "tag": ("tag", "tag_payment_times", {"properties": ["usr_city"], "detail": True}),
    "columns": ("tag", "订单交易笔数", {"columns": ["订单交易笔数"], "dtype_backend": "pyarrow"}),
    "charset": ("segment", HIGH_VALUE, {"charset": "GBK", "properties": ["usr_city"]}),
    "funnel": ("funnel", "漏斗1", {}),
    "event": ("event", "事件1", {"dtype": str}),
    "retention": ("retention", "留存1", {"dtype_backend": "numpy_nullable"}),
    "frequency": ("frequency", "分布1", {}),
}
ATTACH = """
import pickle, sys
import gio_pandas as gio

with gio.Session(sys.argv[1], api_key="sandbox-api-key") as session:
    frames = [session.attach(job_id).to_pandas() for job_id in sys.argv[2:]]
    sys.stdout.buffer.write(pickle.dumps(frames))
"""
REUSE = """
import pickle, sys
import gio_pandas as gio

with gio.Session(sys.argv[1], api_key="sandbox-api-key", project="默认项目") as session:
    frame = session.read_segment("高价值用户", reuse="1h")
    sys.stdout.buffer.write(pickle.dumps(frame))
"""

Open = Callable[..., tuple[gio.Session, embedded.Sandbox]]


@pytest.fixture
def open_session() -> Iterator[Open]:
    """Start a small platform, and open a session on it."""
    with ExitStack() as stack:

        def open_one(**options: Any) -> tuple[gio.Session, embedded.Sandbox]:
            known = {"users": 300, "stage_seconds": 0, "parts": 2, **options}
            platform = stack.enter_context(embedded.start(**known))
            return stack.enter_context(connect(platform)), platform

        yield open_one


def connect(platform: embedded.Sandbox, **settings: Any) -> gio.Session:
    """Make a session on a platform."""
    known = {"api_key": platform.api_key, "project": PROJECT, **settings}
    return gio.Session(platform.url, **known)


def run(code: str, *arguments: str) -> Any:
    """Run a process to its end, every warning an error, and read what it pickled."""
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return pickle.loads(done.stdout)


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Compare frames in all but the times of their sources."""
    pd.testing.assert_frame_equal(one, other)
    sources = [
        {key: value for key, value in frame.attrs["gio"].items() if key not in TIMES}
        for frame in (one, other)
    ]
    assert sources[0] == sources[1]


def steps(platform: embedded.Sandbox, *wanted: str) -> int:
    """Count the requests of some steps."""
    return sum(request.step in wanted for request in platform.requests)


# --- gio.jobs() --------------------------------------------------------------------------------


def test_jobs_lists_what_was_submitted(open_session: Open) -> None:
    """The newest on top, with what is known of each; nobody is asked for it."""
    session, platform = open_session()
    segment = session.submit_segment(HIGH_VALUE, properties=["usr_city"])
    tag = session.submit_tag("tag_payment_times", charset="GBK")
    frame = segment.to_pandas()
    platform.forget_requests()
    jobs = session.jobs()
    assert platform.requests == ()
    assert jobs["id"].tolist() == [tag.id, segment.id]
    assert jobs["name"].tolist() == ["订单交易笔数", HIGH_VALUE]
    assert jobs["kind"].tolist() == ["tag", "segment"]
    assert jobs["stage"].tolist() == [tag.stage, "FINISH"]
    assert jobs["project"].tolist() == [PROJECT] * 2
    assert jobs["charset"].tolist() == ["GBK", "UTF-16LE"]
    assert jobs["rows"].isna().tolist() == [True, False]
    assert jobs["rows"][1] == len(frame)
    assert "usr_city" in jobs["arguments"][1]
    assert jobs["submitted_at"].is_monotonic_decreasing
    assert pd.Timestamp.now("UTC") - jobs["submitted_at"][1] < pd.Timedelta("1min")


def test_jobs_has_its_columns_and_types_with_and_without_rows(open_session: Open) -> None:
    """Text, a count that may be missing, and times in UTC."""
    session, _ = open_session()
    empty = session.jobs()
    session.read_segment(HIGH_VALUE)
    text, times = str(text_dtype()), "datetime64[us, UTC]"
    expected = {
        "id": text,
        "name": text,
        "kind": text,
        "stage": text,
        "submitted_at": times,
        "finished_at": times,
        "rows": "Int64",
        "project": text,
        "charset": text,
        "arguments": text,
        "item_id": text,
        "project_id": text,
        "platform": text,
    }
    for jobs, rows in ((empty, 0), (session.jobs(), 1)):
        assert len(jobs) == rows
        types = {name: str(dtype) for name, dtype in jobs.dtypes.items()}
        assert list(types) == list(expected)
        for name, dtype in types.items():
            unit_apart = dtype.replace("[ns,", "[us,").replace("[s,", "[us,")
            assert unit_apart == expected[name]


def test_jobs_can_be_chosen(open_session: Open) -> None:
    """By kind and by time, in whatever form the time comes."""
    session, _ = open_session()
    session.submit_segment(HIGH_VALUE)
    between = datetime.now(UTC)
    session.submit_funnel("漏斗1")
    assert session.jobs(kind="funnel")["kind"].tolist() == ["funnel"]
    assert session.jobs("funnel").equals(session.jobs(kind="funnel"))
    assert session.jobs(kind="event").empty
    now = datetime.now().astimezone()
    spans: list[Any] = ["7d", "1 hour", timedelta(minutes=5), now.date() - timedelta(days=1)]
    spans += [(now - timedelta(days=1)).date().isoformat(), date(1, 1, 3), pd.Timedelta("2D")]
    for since in spans:
        assert len(session.jobs(since=since)) == 2
    for since in (between, between.isoformat(), pd.Timestamp(between)):
        assert session.jobs(since=since)["kind"].tolist() == ["funnel"]
    naive = between.astimezone().replace(tzinfo=None)
    assert session.jobs(since=naive)["kind"].tolist() == ["funnel"]
    assert session.jobs(since=now + timedelta(hours=1)).empty
    with pytest.raises(gio.SettingsError, match="Did you mean"):
        session.jobs(kind="funel")
    with pytest.raises(gio.SettingsError, match="since='lately'"):
        session.jobs(since="lately")


@pytest.mark.parametrize("fault", ["lose_answer:submit@1", "timeout_page:submit@1"])
def test_a_submit_that_may_have_been_seen_is_listed(open_session: Open, fault: str) -> None:
    """Without an id, with a word on where to look; it is not sent again."""
    session, platform = open_session(faults=[fault])
    with pytest.raises(gio.SubmitUncertainError, match="导出任务") as caught:
        session.read_segment(HIGH_VALUE, reuse="1h")
    assert "lists it as UNCERTAIN" in caught.value.__notes__[0]
    assert len(platform.jobs) == steps(platform, "submit") == 1
    jobs = session.jobs()
    assert (jobs["id"].isna().tolist(), jobs["stage"].tolist()) == ([True], ["UNCERTAIN"])
    session.read_segment(HIGH_VALUE, reuse="1h")
    assert len(platform.jobs) == 2


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_ctrl_c_in_the_middle_of_a_submit_is_listed(open_session: Open) -> None:
    """The platform has it and has not answered yet: nobody knows, and the list says so."""
    session, platform = open_session(faults=["slow:submit@1,seconds=20"])
    session.list_segments()
    main = threading.get_ident()

    def interrupt() -> None:
        while not platform.played:  # the submit has come, and waits for its answer
            time.sleep(0.01)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt, match="导出任务"):
        session.read_segment(HIGH_VALUE)
    jobs = session.jobs()
    assert (jobs["id"].isna().tolist(), jobs["stage"].tolist()) == ([True], ["UNCERTAIN"])
    assert steps(platform, "poll") == 0


def test_a_submit_that_nobody_saw_is_sent_again(open_session: Open) -> None:
    """It is one job, and one line of the list."""
    session, platform = open_session(faults=["503:submit@1"])
    session.read_segment(HIGH_VALUE)
    assert (len(platform.jobs), len(session.jobs())) == (1, 1)


def test_a_failed_export_is_listed_as_one(open_session: Open) -> None:
    """And not joined."""
    session, platform = open_session(stage_seconds=0.05)
    for _ in range(2):
        with pytest.raises(gio.JobFailedError):
            session.read_segment(BROKEN, reuse="1h")
    assert session.jobs()["stage"].tolist() == ["ERROR"] * 2
    assert len(platform.jobs) == 2


def test_a_job_whose_files_are_gone_is_not_joined_again(open_session: Open) -> None:
    """Its error says to run the export again, and that is what it does then."""
    session, platform = open_session(faults=["404:download@all"])
    with pytest.raises(gio.DownloadError, match="run the export again"):
        session.read_segment(HIGH_VALUE, reuse="1h")
    assert session.jobs()["stage"].tolist() == ["GONE"]
    platform.misbehave()
    session.read_segment(HIGH_VALUE, reuse="1h")
    assert len(platform.jobs) == 2


# --- gio.attach(id) ----------------------------------------------------------------------------


def test_a_new_process_gives_the_very_same_frames(open_session: Open) -> None:
    """Of every kind, as they were to be read, with the id alone."""
    session, platform = open_session()
    jobs = [
        getattr(session, f"submit_{kind}")(name, **options)
        for kind, name, options in READS.values()
    ]
    frames = run(ATTACH, platform.url, *session.jobs()["id"][::-1])
    for job, frame in zip(jobs, frames, strict=True):
        same(frame, job.to_pandas())
    assert session.jobs()["rows"].notna().all()
    assert len(platform.jobs) == len(READS)


@pytest.mark.parametrize("job_id", ["a\nb", "a\0b"])
def test_an_id_is_whatever_text_the_platform_gives(open_session: Open, job_id: str) -> None:
    """No letter of it is refused, or left out."""
    session, platform = open_session()
    assert session.attach(job_id).id == job_id
    assert platform.requests == ()


# --- reuse= ------------------------------------------------------------------------------------


def test_a_finished_job_is_joined_and_its_result_kept(open_session: Open) -> None:
    """The second read asks for names alone, in this process and in another one."""
    session, platform = open_session()
    first = session.read_segment(HIGH_VALUE, reuse="1h")
    platform.forget_requests()
    same(session.read_segment(HIGH_VALUE, reuse=timedelta(hours=1)), first)
    same(run(REUSE, platform.url), first)
    assert len(platform.jobs) == 1
    assert steps(platform, "submit", "poll", "download") == 0


def test_another_process_joins_a_job_that_runs(open_session: Open) -> None:
    """Also one that was submitted without ``reuse``."""
    session, platform = open_session(stage_seconds=0.5)
    job = session.submit_segment(HIGH_VALUE)
    frame = run(REUSE, platform.url)
    same(frame, job.to_pandas())
    assert len(platform.jobs) == 1


def test_refresh_submits_all_the_same(open_session: Open) -> None:
    """And the next one has that result."""
    session, platform = open_session()
    session.read_segment(HIGH_VALUE, reuse="1h")
    frame = session.read_segment(HIGH_VALUE, reuse="1h", refresh=True)
    assert len(platform.jobs) == 2
    platform.forget_requests()
    same(session.read_segment(HIGH_VALUE, reuse="1h"), frame)
    assert steps(platform, "submit", "poll", "download") == 0


def test_without_reuse_nothing_is_joined_or_kept(open_session: Open) -> None:
    """A read is an export, as ever."""
    session, platform = open_session()
    for _ in range(2):
        session.read_segment(HIGH_VALUE)
    assert len(platform.jobs) == 2
    assert session.cache_info().empty
    assert not cache_path().exists()


def test_what_differs_is_another_export(open_session: Open) -> None:
    """In kind, item, project, charset or argument; not in how it is read."""
    session, platform = open_session()
    [other_project] = session.list_projects()["id"][1:2]
    reads: list[tuple[str, str, dict[str, Any]]] = [
        ("segment", HIGH_VALUE, {}),
        ("segment", HIGH_VALUE, {"properties": ["usr_city"]}),
        ("segment", HIGH_VALUE, {"properties": ["usr_age", "usr_city"]}),
        ("segment", HIGH_VALUE, {"properties": ["usr_city", "usr_age"]}),
        ("segment", HIGH_VALUE, {"tags": ["会员等级"]}),
        ("segment", HIGH_VALUE, {"charset": "UTF-8"}),
        ("segment", "新客/老客对比", {}),
        ("tag", "tag_rfm", {}),
        ("tag", "tag_rfm", {"detail": True}),
        ("tag", "tag_rfm", {"detail": False}),
        ("tag", "tag_rfm", {"file_name": "会员"}),
        ("tag", "tag_rfm", {"project": other_project}),
        ("funnel", "漏斗1", {}),
        ("funnel", "漏斗2", {}),
    ]
    for _ in range(2):
        for kind, name, options in reads:
            getattr(session, f"submit_{kind}")(name, reuse="1h", **options)
    assert len(platform.jobs) == len(reads)
    session.submit_segment(HIGH_VALUE, reuse="1h", columns=["gio_id"], dtype="str", timeout=5)
    assert len(platform.jobs) == len(reads)


def test_another_platform_is_another_export(open_session: Open) -> None:
    """What one platform has, another one is asked for."""
    (one, first), (other, second) = open_session(), open_session(seed=2)
    one.read_segment(HIGH_VALUE, reuse="1h")
    other.read_segment(HIGH_VALUE, reuse="1h")
    assert (len(first.jobs), len(second.jobs)) == (1, 1)
    assert (len(one.jobs()), len(other.jobs())) == (1, 1)
    assert set(one.cache_info()["platform"]) == {first.url, second.url}


def test_threads_share_one_export(open_session: Open) -> None:
    """Whoever comes while another one submits has the same job."""
    session, platform = open_session(faults=["slow:submit@1,seconds=0.3"])
    ids: list[str] = []
    threads = [
        threading.Thread(target=lambda: ids.append(session.submit_tag("tag_rfm", reuse="1h").id))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 4
    assert len(set(ids)) == len(platform.jobs) == 1


def test_many_reads_of_one_thing_are_one_export(open_session: Open) -> None:
    """And many kept ones are no request."""
    session, platform = open_session()
    specs: list[Any] = [
        {"kind": "segment", "name": HIGH_VALUE, "reuse": "1h"},
        {"kind": "segment", "name": HIGH_VALUE, "reuse": "1h", "columns": ["gio_id"]},
        {"kind": "segment", "name": HIGH_VALUE, "reuse": "1h"},
    ]
    frames = session.read_many(specs)
    assert len(platform.jobs) == 1
    platform.forget_requests()
    for frame, first in zip(session.read_many(specs), frames, strict=True):
        same(frame, first)
    assert steps(platform, "submit", "poll", "download") == 0
    jobs = [session.submit_segment(HIGH_VALUE, reuse="1h")]
    same(session.read_many(jobs)[0], frames[0])
    assert [steps(platform, step) for step in ("submit", "poll", "download")] == [0, 1, 0]


def test_a_kept_job_is_awaited_without_a_request(open_session: Open) -> None:
    """As it is read; the submit alone asks once whether the platform still has it."""
    session, platform = open_session()

    async def read() -> pd.DataFrame:
        return await session.submit_segment(HIGH_VALUE, reuse="1h")

    first = asyncio.run(read())
    platform.forget_requests()
    same(asyncio.run(read()), first)
    assert [steps(platform, step) for step in ("submit", "poll", "download")] == [0, 1, 0]


@pytest.mark.parametrize("reuse", ["soon", "", 3600, "60"])
def test_an_age_that_is_none_is_refused_before_anything_is_asked(
    open_session: Open, reuse: Any
) -> None:
    """Nothing is submitted."""
    session, platform = open_session()
    with pytest.raises(gio.SettingsError, match="reuse="):
        session.read_segment(HIGH_VALUE, reuse=reuse)
    assert platform.requests == ()


# --- gio.cache_info(), gio.clear_cache() -------------------------------------------------------


def test_what_is_kept_is_listed_and_can_be_removed(open_session: Open) -> None:
    """With its bytes on disk; what is removed is read from the platform again."""
    session, platform = open_session()
    empty = session.cache_info()
    frame = session.read_segment(HIGH_VALUE, reuse="1h")
    time.sleep(0.01)
    session.read_tag("tag_rfm", reuse="1h")
    info = session.cache_info()
    assert list(info.columns) == [
        *("id", "name", "kind", "project", "rows", "bytes"),
        *("submitted_at", "kept_at", "platform", "file"),
    ]
    assert info["kind"].tolist() == ["tag", "segment"]
    assert info["id"].tolist() == session.jobs()["id"].tolist()
    assert info["rows"][1] == len(frame)
    assert info["bytes"].tolist() == [Path(file).stat().st_size for file in info["file"]]
    for listed in (empty, info):
        assert (str(listed["bytes"].dtype), str(listed["id"].dtype)) == ("Int64", str(text_dtype()))
        assert str(listed["kept_at"].dtype).endswith(", UTC]")
    assert session.clear_cache() == info["bytes"].sum()
    assert session.cache_info().empty
    same(session.read_segment(HIGH_VALUE, reuse="1h"), frame)
    assert len(platform.jobs) == 2


def test_the_bound_of_the_cache_can_be_set(
    open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the environment; a size that is none is refused with its name."""
    _, platform = open_session()
    monkeypatch.setenv("GIO_CACHE_LIMIT", "1 kB")
    with connect(platform) as session:
        assert len(session.read_segment(HIGH_VALUE, reuse="1h")) == 30
        assert session.cache_info()["bytes"].sum() <= 1_000
    monkeypatch.setenv("GIO_CACHE_LIMIT", "a lot")
    with pytest.raises(gio.SettingsError, match=r"(?i)cache_limit"), connect(platform) as session:
        session.read_segment(HIGH_VALUE, reuse="1h")


def test_the_embedded_platform_leaves_nothing_behind(home: Path) -> None:
    """Its jobs end with the process, and so does what is known and kept of them."""
    with gio.Session("sandbox:", project=PROJECT) as session:
        session.clear_cache()
        # Other tests of this process may have exported it, too.
        frame = session.read_segment(HIGH_VALUE, reuse="1h", refresh=True)
        assert session.jobs()["id"][0] == frame.attrs["gio"]["job"]
        before = len(session.jobs())
        same(session.read_segment(HIGH_VALUE, reuse="1h"), frame)
        same(session.attach(frame.attrs["gio"]["job"]).to_pandas(), frame)
        assert (len(session.jobs()), len(session.cache_info())) == (before, 1)
    assert [file for file in home.rglob("*") if file.is_file()] == []
    assert not ledger_path().exists()
