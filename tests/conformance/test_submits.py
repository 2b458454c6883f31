"""Submits: one submit, one job."""

from __future__ import annotations

from contextlib import suppress

import httpx
import pandas as pd
import pytest

import gio_pandas as gio

from .conftest import Connect, Serve, needs
from .frames import (
    ANALYSIS_HANDLES,
    ONE_OF_EACH,
    VIP,
    VIP_ID,
)
from .platform import ALWAYS, Fault
from .world import DEFAULT_PROJECT


@pytest.mark.parametrize("what", ["reset", "cut", "cut-chunked", 502, 504, "hang"])
@pytest.mark.parametrize(("verb", "handle"), ONE_OF_EACH[:3])
def test_a_submit_that_may_have_been_seen_is_not_repeated(
    serve: Serve,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
    handle: str,
    what: int | str,
) -> None:
    """No answer to a submit is an error that says so; the platform has one job, not two."""
    brief = httpx.Timeout(0.3)  # in place of twenty minutes
    monkeypatch.setattr("gio_pandas.api.transport._SUBMIT_TIMEOUT", brief)
    platform = serve(faults=(Fault("submit", what),))
    with pytest.raises(gio.SubmitUncertainError):
        getattr(connect(platform), verb)(handle)
    assert (platform.submits, len(platform.asked("submit"))) == (1, 1)


def test_a_submit_that_the_platform_failed_is_not_repeated(serve: Serve, connect: Connect) -> None:
    """An inner error of the platform is an error, and one job at most."""
    platform = serve(faults=(Fault("submit", 500),))
    with pytest.raises(gio.GioError):
        connect(platform).read_segment(VIP)
    assert len(platform.asked("submit")) == 1


@pytest.mark.parametrize("what", ["reset", "cut", 502, 504])
def test_a_mutation_of_ones_own_is_not_repeated(
    serve: Serve, connect: Connect, what: int | str
) -> None:
    """``graphql`` repeats a submit as little as the verbs do."""
    platform = serve(faults=(Fault("submit", what),))
    submit = (
        f'mutation {{ submitSegmentUserExportJob(projectId: "{DEFAULT_PROJECT}", '
        f'segmentId: "{VIP_ID}") {{ id }} }}'
    )
    session = connect(platform)
    with pytest.raises(gio.GioError):
        session.graphql(submit)
    assert len(platform.asked("submit")) == 1


def test_a_job_that_was_started_is_not_lost_to_an_error(serve: Serve, connect: Connect) -> None:
    """An answer with a job's id and an error beside it leaves one job, read or named."""
    platform = serve(partial=("submitSegmentUserExportJob",))
    session = connect(platform)
    with suppress(gio.GioError):
        assert len(session.read_segment(VIP)) == 3
    assert len(platform.asked("submit")) == 1


@pytest.mark.parametrize("what", [429, 503, 401])
@pytest.mark.parametrize(("verb", "handle"), ONE_OF_EACH[:3])
def test_a_submit_that_was_not_seen_is_repeated(
    serve: Serve, connect: Connect, no_waits: None, verb: str, handle: str, what: int
) -> None:
    """A submit refused at the door is sent again and starts one job."""
    fault = Fault("submit", what, headers={"Retry-After": "0"})
    platform = serve(faults=(fault,))
    assert len(getattr(connect(platform), verb)(handle)) in {2, 3}
    assert (platform.submits, len(platform.asked("submit"))) == (1, 2)


def test_the_platforms_retry_after_is_kept_to(serve: Serve, connect: Connect) -> None:
    """A client that is told to wait a second waits a second."""
    platform = serve(faults=(Fault("submit", 429, headers={"Retry-After": "1"}),))
    started = pd.Timestamp.now()
    connect(platform).read_segment(VIP)
    assert pd.Timestamp.now() - started >= pd.Timedelta(seconds=1)


def test_a_submit_is_never_accepted(serve: Serve, connect: Connect, no_waits: None) -> None:
    """A platform that is too busy for ever is an error, and no job."""
    platform = serve(faults=(Fault("submit", 429, at=ALWAYS),))
    with pytest.raises(gio.PlatformUnavailableError):
        connect(platform).read_segment(VIP)
    assert platform.submits == 0


@needs("jobs")
def test_a_submit_is_in_the_ledger_before_the_first_poll(serve: Serve, connect: Connect) -> None:
    """What was submitted is listed by its id, newest first, though nobody asked for it yet."""
    platform = serve()
    session = connect(platform)
    first, second = session.submit_segment(VIP), session.submit_tag("tag_rfm")
    assert platform.asked("poll") == []
    listed = session.jobs()
    assert listed.columns[0] == "id"
    assert list(listed["id"]) == [second.id, first.id]


def test_the_analysis_kind_is_the_documented_one(serve: Serve, connect: Connect) -> None:
    """Each kind of analysis is exported as its own type."""
    platform = serve()
    session = connect(platform)
    for verb, handle in ANALYSIS_HANDLES[1::2]:
        getattr(session, verb)(handle)
    assert [job["param"]["analysisType"] for job in platform.submitted] == [
        "FUNNELS",
        "CHARTS",
        "RETENTIONS",
        "FREQUENCIES",
    ]
