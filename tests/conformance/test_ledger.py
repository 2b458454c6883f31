"""What was submitted is found again, and joined, on a platform not our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from .conftest import Connect, Serve
from .frames import ONE_OF_EACH, VIP
from .platform import API_KEY, Fault, Platform
from .world import World


def requests(platform: Platform) -> tuple[int, int, int]:
    """Count what was asked for jobs and files."""
    submits, polls, downloads = map(platform.asked, ("submit", "poll", "download"))
    return len(submits), len(polls), len(downloads)


@pytest.mark.parametrize(("verb", "handle"), ONE_OF_EACH)
@pytest.mark.parametrize("kept", [False, True], ids=["attach", "reuse"])
def test_the_frame_is_the_same(
    serve: Serve, connect: Connect, verb: str, handle: str, kept: bool
) -> None:
    """Attached by its id, or out of the cache, as it was read at first."""
    platform = serve(parts=2)
    options: dict[str, Any] = {"reuse": "1h"} if kept else {}
    first = getattr(connect(platform), verb)(handle, **options)
    before = requests(platform)
    session = connect(platform)
    if kept:
        again = getattr(session, verb)(handle, **options)
        assert requests(platform) == before
    else:
        again = session.attach(session.jobs()["id"][0]).to_pandas()
    pd.testing.assert_frame_equal(again, first)
    both = [frame.attrs["gio"] for frame in (again, first)]
    assert {**both[0], "read": "", "finished": ""} == {**both[1], "read": "", "finished": ""}
    assert platform.submits == 1


def test_a_job_that_the_platform_has_in_its_first_stage_for_long_is_joined(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job may wait its turn; one that the platform answers nothing about is forgotten."""
    monkeypatch.setattr("gio_pandas.exports.desk._YOUNG", pd.Timedelta(0))
    platform = serve(stages=("NONE",))
    session = connect(platform)
    session.submit_segment(VIP, reuse="1h")
    session.submit_segment(VIP, reuse="1h")
    assert platform.submits == 1
    platform.set(stages=(None,))
    session.submit_segment(VIP, reuse="1h")
    assert platform.submits == 2


def test_a_kept_result_outlives_its_job_for_who_reads(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    """Files are another matter: a job that the platform has forgotten is submitted again."""
    platform = serve()
    session = connect(platform)
    first = session.read_segment(VIP, reuse="1h")
    platform.set(stages=(None,))
    before = requests(platform)
    pd.testing.assert_frame_equal(session.read_segment(VIP, reuse="1h"), first)
    assert requests(platform) == before
    job = session.submit_segment(VIP, reuse="1h")
    assert platform.submits == 2
    platform.set(stages=("FINISH",))
    assert job.to_parquet(tmp_path / "vip.parquet")


@pytest.mark.parametrize("uris", ["null", "empty"])
def test_a_job_that_names_no_file_is_not_joined_for_ever(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, uris: str
) -> None:
    """To export it again is what its error says; ``reuse`` does so."""
    platform = serve(uris_after=uris)
    session = connect(platform)
    session.submit_segment(VIP, reuse="1h")
    session.submit_segment(VIP, reuse="1h")
    assert platform.submits == 1
    monkeypatch.setattr("gio_pandas.exports.desk._YOUNG", pd.Timedelta(0))
    session.submit_segment(VIP, reuse="1h")
    assert platform.submits == 2


def test_a_platform_that_fails_a_poll_is_not_asked_for_a_second_job(
    serve: Serve, connect: Connect
) -> None:
    """A job that may well run is waited for."""
    platform = serve(faults=(Fault("poll", 503, at=(1,)),))
    session = connect(platform)
    session.submit_segment(VIP)
    assert len(session.read_segment(VIP, reuse="1h")) == 3
    assert platform.submits == 1


def test_a_job_that_the_platform_does_not_know_is_not_joined(
    serve: Serve, connect: Connect
) -> None:
    """A GraphQL error about it is a reason to submit."""
    platform = serve()
    session = connect(platform)
    session.submit_segment(VIP)
    platform.set(failing=("jobResult",))
    session.submit_segment(VIP, reuse="1h")
    assert platform.submits == 2


def test_a_result_keeps_its_type_though_the_tag_changes_its_own(
    serve: Serve, connect: Connect
) -> None:
    """What the platform says of a tag now decides, of a kept result, too."""
    world = World()
    platform = serve(world)
    with connect(platform) as session:
        numbers = session.read_tag("tag_code", reuse="1h")
    platform.world = world.with_tag_type("tag_code", "INT")
    with connect(platform) as session:
        typed = session.read_tag("tag_code", reuse="1h")
    assert (str(numbers["tag_code"].dtype), str(typed["tag_code"].dtype)) != ("int64", "int64")
    assert str(typed["tag_code"].dtype) in ("int64", "Int64")
    assert platform.submits == 1


def test_no_secret_is_written_down(serve: Serve, connect: Connect, home: Any) -> None:
    """Neither in the ledger nor with a result that is kept."""
    session = connect(serve(), headers={"Cookie": "sid=nobody-may-see-this"})
    session.read_segment(VIP, reuse="1h")
    kept = [path for path in home.rglob("*") if path.is_file()]
    assert {path.suffix for path in kept} == {".sqlite3", ".parquet"}
    for path in kept:
        content = path.read_bytes()
        assert API_KEY.encode() not in content
        assert b"nobody-may-see-this" not in content
