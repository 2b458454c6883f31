"""Waits: patient with the platform, and with an end."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import traceback
from pathlib import Path

import pandas as pd
import pytest

import gio_pandas as gio

from .conftest import Connect, Serve, needs
from .frames import (
    VIP,
    column,
)
from .platform import Fault


@pytest.mark.parametrize("what", [502, 503, "reset", "cut", 429])
def test_a_poll_that_fails_on_the_way_is_no_failed_job(
    serve: Serve, connect: Connect, what: int | str
) -> None:
    """A gateway's hiccup in the middle of the wait is passed over."""
    platform = serve(faults=(Fault("poll", what),))
    assert len(connect(platform).read_segment(VIP)) == 3
    assert platform.submits == 1


@pytest.mark.parametrize("what", [502, 503, "reset", "cut", "cut-chunked", 429])
@pytest.mark.parametrize("step", ["token", "query"])
def test_a_question_that_fails_on_the_way_is_asked_again(
    serve: Serve, connect: Connect, no_waits: None, step: str, what: int | str
) -> None:
    """What changes nothing on the platform is asked again after a gateway's hiccup."""
    platform = serve(faults=(Fault(step, what),))
    assert len(connect(platform).list_segments()) == 3
    assert len(platform.asked(step)) == 2 + (step == "query")


def test_an_unknown_stage_is_waited_through(serve: Serve, connect: Connect) -> None:
    """A stage that the documents do not know is not the end."""
    platform = serve(stages=("COMPRESSING", "FINISH"))
    assert len(connect(platform).read_segment(VIP)) == 3


def test_the_first_poll_comes_at_once(serve: Serve, connect: Connect) -> None:
    """A job that is finished when it is submitted costs no wait."""
    session = connect(serve())
    session.read_segment(VIP)
    started = pd.Timestamp.now()
    session.read_segment("分群1")
    assert pd.Timestamp.now() - started < pd.Timedelta(seconds=0.4)


@pytest.mark.parametrize("stages", [("RUNNING",), (None,), ("COMPRESSING",)])
@pytest.mark.parametrize("where", ["session", "verb"])
def test_a_wait_has_an_end(
    serve: Serve, connect: Connect, where: str, stages: tuple[str | None, ...]
) -> None:
    """The error of a wait that was too long has the job, which can be taken up again."""
    platform = serve(stages=stages)
    in_session, in_verb = ({"timeout": 0.2}, {}) if where == "session" else ({}, {"timeout": 0.2})
    session = connect(platform, **in_session)
    with pytest.raises(gio.JobTimeoutError) as caught:
        session.read_segment(VIP, **in_verb)
    assert caught.value.job.id in str(caught.value)
    platform.set(stages=("FINISH",))
    assert len(caught.value.job.to_pandas(timeout=5)) == 3
    assert platform.submits == 1


def test_the_platform_is_not_asked_all_the_time(serve: Serve, connect: Connect) -> None:
    """Polls are half a second apart at least."""
    platform = serve(stages=("RUNNING",))
    session = connect(platform)
    with pytest.raises(gio.JobTimeoutError):
        session.read_segment(VIP, timeout=1.2)
    assert 2 <= len(platform.polled) <= 4


def test_an_interrupt_lets_go_of_the_job(
    serve: Serve, connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C ends the wait, not the job, and says how to pick it up again."""
    platform = serve(stages=("RUNNING",))
    job = connect(platform).submit_segment(VIP)
    interrupt = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    interrupt.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        job.to_pandas()
    interrupt.join()
    told = "".join(traceback.format_exception(caught.value)) + "".join(capsys.readouterr())
    assert "attach" in told
    assert job.id in told
    platform.set(stages=("FINISH",))
    assert len(job.to_pandas()) == 3


def test_a_job_that_fails_when_submitted_has_its_code(serve: Serve, connect: Connect) -> None:
    """The platform's code and words are the error's."""
    error = {"code": "EXPORT_LIMIT", "message": "今日导出次数已用完"}
    platform = serve(submit_stage="ERROR", submit_error=error, stages=("ERROR",))
    with pytest.raises(gio.JobFailedError, match="EXPORT_LIMIT") as caught:
        connect(platform).read_segment(VIP)
    assert (caught.value.code, caught.value.message) == ("EXPORT_LIMIT", error["message"])


def test_a_job_that_fails_later_is_an_error(serve: Serve, connect: Connect) -> None:
    """ERROR while waiting is a JobFailedError that names the job, and is not waited out."""
    platform = serve(stages=("ERROR",))
    with pytest.raises(gio.JobFailedError) as caught:
        connect(platform).read_segment(VIP)
    assert any(part in str(caught.value) for part in (VIP, "DES-000001"))
    assert len(platform.asked("poll")) == 1


def test_a_job_can_be_awaited(serve: Serve, connect: Connect) -> None:
    """``await job`` gives the frame and lets others run."""
    platform = serve(stages=("RUNNING", "FINISH"))
    job = connect(platform).submit_segment(VIP)
    ticks: list[int] = []

    async def tick() -> None:
        while True:
            ticks.append(1)
            await asyncio.sleep(0.02)

    async def main() -> pd.DataFrame:
        ticking = asyncio.create_task(tick())
        frame = await job
        ticking.cancel()
        return frame

    assert len(asyncio.run(main())) == 3
    assert len(ticks) > 5


def test_a_job_is_taken_up_again(serve: Serve, connect: Connect) -> None:
    """Another session attaches to a job by its id and reads what was asked for."""
    platform = serve()
    job = connect(platform).submit_tag("tag_payment_times")
    again = connect(platform).attach(job.id)
    frame = again.to_pandas()
    assert list(frame.columns) == ["gio_id", "tag_payment_times"]
    assert column(frame["tag_payment_times"]) == ("Int64", [7, None, 12])
    assert platform.submits == 1


def test_a_stranger_takes_up_a_job(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A job that another machine submitted can be read by its id alone."""
    platform = serve()
    job = connect(platform).submit_segment(VIP, properties=["usr_city"])
    for name in ("CACHE", "CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "another" / name))
    monkeypatch.setenv("HOME", str(tmp_path / "another"))
    frame = connect(platform).attach(job.id).to_pandas()
    assert list(frame.columns) == ["gio_id", "usr_city"]
    assert list(frame["gio_id"]) == [user["gio_id"] for user in platform.world.users]


@needs("read_many")
def test_many_jobs_are_read_together(serve: Serve, connect: Connect) -> None:
    """``read_many`` gives the frames in the order of the jobs."""
    platform = serve(stages=("RUNNING", "FINISH"))
    session = connect(platform)
    handles = ["tag_rfm", "tag_code", "tag_ratio"]
    frames = session.read_many([session.submit_tag(handle) for handle in handles])
    assert [frame.columns[1] for frame in frames] == handles
    assert [len(frame) for frame in frames] == [3, 3, 3]


def test_a_jobs_facts(serve: Serve, connect: Connect) -> None:
    """A job says its id, kind, name, stage and, in the end, its uris."""
    session = connect(serve(parts=2))
    job = session.submit_segment(VIP)
    assert job.kind == "segment"
    assert VIP in str(job.name) or "DES-000001" in str(job.name)
    job.wait(timeout=5)
    assert job.done()
    assert str(getattr(job.stage, "value", job.stage)) == "FINISH"
    assert len(job.uris) == 2
