"""An export in the background: the frame it gives, what it warns of, and how it is let go of."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pandas as pd
import pytest
from stage import SEGMENT, SOON, Start, steps, threads_of_ours, until

import gio_pandas as gio
from gio_pandas.api.deadlines import Work
from gio_pandas.notebook.background import Export, one_line


def test_the_frame_is_that_of_the_verb(start: Start) -> None:
    """Job and frame are kept, who waits is told, and no thread is left."""
    _, session = start()
    told: list[Export] = []
    export = Export(partial(session.submit_segment, SEGMENT, tags=["会员等级"]), told.append)
    assert not export.is_running
    assert export.start().wait(SOON)
    assert told == [export]
    assert export.result is not None
    assert export.job is not None
    assert export.result.attrs["gio"]["job"] == export.job.id
    pd.testing.assert_frame_equal(export.result, session.read_segment(SEGMENT, tags=["会员等级"]))
    assert (export.error, export.outcome, export.is_cancelled) == (None, "", False)
    until(lambda: not threads_of_ours())


def test_it_begins_once(start: Start) -> None:
    """Nothing is submitted twice by a second start."""
    platform, session = start()
    export = Export(partial(session.submit_segment, SEGMENT)).start()
    with pytest.raises(RuntimeError, match="once"):
        export.start()
    assert export.wait(SOON)
    assert len(platform.jobs) == 1


def test_warnings_are_collected(start: Start) -> None:
    """What a verb would warn of at the user's line is told with the export."""
    _, session = start()
    export = Export(partial(session.submit_tag, "tag_member_points")).start()
    assert export.wait(SOON)
    assert export.error is None
    assert any("会员积分" in notice for notice in export.notices)


def test_what_goes_on_meanwhile_ends_before_it_is_told(start: Start) -> None:
    """A display is entered with the job, and left before the export says that it is done."""
    _, session = start()
    order: list[str] = []

    @contextmanager
    def during(job: gio.ExportJob) -> Iterator[None]:
        order.append(job.kind or "")
        yield
        order.append("left")

    submit = partial(session.submit_funnel, "漏斗1")
    export = Export(submit, lambda _: order.append("done"), during=during).start()
    assert export.wait(SOON)
    assert order == ["funnel", "left", "done"]


def test_an_error_is_kept_in_one_line(start: Start) -> None:
    """The error itself is there, and a line of it with what to do."""
    _, session = start(stage_seconds=0.01)
    export = Export(partial(session.submit_segment, "计算失败的分群")).start()
    assert export.wait(SOON)
    assert isinstance(export.error, gio.JobFailedError)
    assert export.job is not None
    assert f"gio.attach({export.job.id!r})" in export.outcome
    assert "\n" not in export.outcome
    assert export.result is None
    unknown = Export(partial(session.submit_segment, "没有这个")).start()
    assert unknown.wait(SOON)
    assert isinstance(unknown.error, gio.NotFoundError)
    assert unknown.job is None


def test_a_cancel_while_names_are_looked_up_starts_nothing(start: Start) -> None:
    """The look-up ends, it is not asked again, and no submit follows it."""
    platform, session = start("stall:query@1,seconds=60")
    export = Export(partial(session.submit_segment, SEGMENT)).start()
    until(lambda: platform.played)
    export.cancel()
    assert export.wait(SOON)
    assert export.is_cancelled
    assert export.error is None
    assert export.outcome == "Cancelled: nothing was started on the platform."
    assert platform.jobs == ()
    assert steps(platform, "query") <= 1
    assert not steps(platform, "submit")
    assert len(session.jobs()) == 0
    until(lambda: not threads_of_ours())


def test_a_cancel_while_it_is_submitted_is_told_as_uncertain(start: Start) -> None:
    """The platform may have it: the error says so, and the ledger remembers the doubt."""
    platform, session = start("stall:submit@1,seconds=60")
    export = Export(partial(session.submit_segment, SEGMENT)).start()
    until(lambda: platform.played)
    export.cancel()
    assert export.wait(SOON)
    assert isinstance(export.error, gio.SubmitUncertainError)
    assert "导出任务" in export.outcome
    assert "UNCERTAIN" in export.outcome
    assert list(session.jobs()["stage"]) == ["UNCERTAIN"]
    until(lambda: not threads_of_ours())


@pytest.mark.parametrize("step", ["submit", "query", "token"])
def test_a_cancel_ends_a_pause_between_two_requests(
    start: Start, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the platform asked to be left alone, and nothing follows."""
    platform, session = start(f"503:{step}@all,retry_after=25")
    pause, paused = Work.pause, threading.Event()

    def told(work: Work, seconds: float) -> bool:
        paused.set()
        return pause(work, seconds)

    monkeypatch.setattr(Work, "pause", told)  # which says only that it has begun
    export = Export(partial(session.submit_segment, SEGMENT)).start()
    assert paused.wait(SOON)
    began = time.monotonic()
    export.cancel()
    assert export.wait(SOON)
    assert time.monotonic() - began < 10
    assert export.outcome == "Cancelled: nothing was started on the platform."
    assert len(platform.played) == 1


def test_it_runs_until_everybody_is_told(start: Start) -> None:
    """What is done at the end still belongs to it; a cancel then comes too late."""
    _, session = start("job_error:poll@all")
    seen: list[tuple[bool, bool, str]] = []

    def done(export: Export) -> None:
        export.cancel()
        seen.append((export.is_running, export.is_cancelled, export.outcome))

    export = Export(partial(session.submit_segment, SEGMENT), done).start()
    assert export.wait(SOON)
    assert seen == [(True, False, export.outcome)]
    assert export.outcome
    assert not export.is_running


def test_a_submit_is_not_sent_again_after_a_cancel(start: Start) -> None:
    """Though the platform was away, and sending it again would be safe."""
    platform, session = start("503:submit@all,retry_after=0.5")
    export = Export(partial(session.submit_segment, SEGMENT)).start()
    until(lambda: steps(platform, "submit"))
    export.cancel()
    assert export.wait(SOON)
    assert export.is_cancelled
    session.list_projects()  # until then it would have come, too
    assert len(platform.played) == 1
    assert platform.jobs == ()


def test_a_cancel_while_it_runs_says_how_it_is_picked_up(start: Start) -> None:
    """The job goes on on the platform; its line gives the frame."""
    platform, session = start(stage_seconds=0.5)
    export = Export(partial(session.submit_segment, SEGMENT)).start()
    until(lambda: steps(platform, "poll"))
    export.cancel()
    assert export.wait(SOON)
    assert export.error is None
    assert export.result is None
    assert export.job is not None
    assert f'gio.attach("{export.job.id}")' in export.outcome
    assert len(session.attach(export.job.id).to_pandas()) == 1000
    until(lambda: not threads_of_ours())


@pytest.mark.parametrize("fault", ["stall:download@1,seconds=60", "trickle:download@1,size=10"])
def test_a_cancel_ends_a_download(start: Start, fault: str) -> None:
    """A file that does not come, or comes slowly, is hung up on."""
    platform, session = start(fault)
    export = Export(partial(session.submit_segment, SEGMENT)).start()
    until(lambda: platform.played)
    export.cancel()
    assert export.wait(SOON)
    assert export.is_cancelled
    assert (export.result, export.error) == (None, None)
    assert "gio.attach(" in export.outcome
    until(lambda: not threads_of_ours())


def test_a_cancel_is_of_no_use_before_and_after(start: Start) -> None:
    """What has not begun, or has its frame, stays as it is."""
    _, session = start()
    export = Export(partial(session.submit_segment, SEGMENT))
    export.cancel()
    assert export.start().wait(SOON)
    export.cancel()
    assert not export.is_cancelled
    assert export.result is not None
    assert export.wait(0)


def test_another_export_goes_on(start: Start) -> None:
    """A cancel lets go of its own export alone."""
    platform, session = start("stall:submit@1,seconds=60")
    stalled = Export(partial(session.submit_segment, SEGMENT)).start()
    until(lambda: platform.played)
    other = Export(partial(session.submit_tag, "tag_rfm")).start()
    stalled.cancel()
    assert stalled.wait(SOON)
    assert other.wait(SOON)
    assert other.result is not None


def test_one_line_of_any_error() -> None:
    """Tables and notes of an error become one line; a foreign one has its class's name."""
    candidates = [{"id": "a", "name": "新客"}]
    error = gio.AmbiguousNameError(
        "Two are called 新客", hint="Pass the id.", candidates=candidates
    )
    error.add_note("The job: gio.attach('x')")
    assert one_line(error) == "Two are called 新客. Pass the id. The job: gio.attach('x')"
    assert one_line(ValueError("a\nb")) == "ValueError: a b"
    assert one_line(KeyboardInterrupt()) == "KeyboardInterrupt"
