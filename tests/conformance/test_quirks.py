"""What the documents and the installations disagree on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import gio_pandas as gio

from .conftest import Connect, Serve
from .frames import (
    ONE_OF_EACH,
    SECRET_HEADERS,
    SECRETS,
    VIP,
)
from .platform import ALWAYS, Bystander, Fault
from .world import DEFAULT_PROJECT


def test_quirk_1_the_jobs_id_is_the_submits(serve: Serve, connect: Connect) -> None:
    """``jobResult`` answers another id; the submit's is asked for and kept."""
    platform = serve(stages=("RUNNING", "FINISH"))
    job = connect(platform).submit_segment(VIP)
    submitted = job.id
    job.to_pandas()
    assert job.id == submitted
    assert platform.polled == [submitted, submitted]


@pytest.mark.parametrize("code", ["", None])
@pytest.mark.parametrize(("verb", "handle"), ONE_OF_EACH)
def test_quirk_2_a_submit_may_be_finished_at_once(
    serve: Serve, connect: Connect, verb: str, handle: str, code: str | None
) -> None:
    """FINISH in the submit's answer, beside an error without a code, is no error."""
    platform = serve(submit_stage="FINISH", submit_error={"code": code, "message": ""})
    assert len(getattr(connect(platform), verb)(handle)) in {2, 3}


@pytest.mark.parametrize("uris", [None, ()])
def test_quirk_3_an_unfinished_job_may_have_no_result(
    serve: Serve, connect: Connect, uris: tuple[str, ...] | None
) -> None:
    """Neither a null answer nor null or empty uris before the end are the end."""
    platform = serve(stages=(None, "DATA_READY", "FINISH"), uris_before=uris)
    assert len(connect(platform).read_segment(VIP)) == 3
    assert len(platform.asked("poll")) == 3


@pytest.mark.parametrize("uris", ["null", "empty"])
def test_quirk_3_an_end_without_a_file_is_an_error(
    serve: Serve, connect: Connect, no_waits: None, uris: str
) -> None:
    """FINISH without uris is no empty frame, but an error that names the job."""
    job = connect(serve(uris_after=uris)).submit_segment(VIP)
    with pytest.raises(gio.DownloadError) as caught:
        job.to_pandas()
    assert any(part in str(caught.value) for part in (job.id, job.name, VIP))


@pytest.mark.parametrize("tags_key", [False, True])
@pytest.mark.parametrize("wrapped", [False, True])
def test_quirk_4_answers_come_in_more_than_one_shape(
    serve: Serve, connect: Connect, wrapped: bool, tags_key: bool
) -> None:
    """An answer in a list, and tags under either key, are read all the same."""
    platform = serve(wrapped=wrapped, tags_key=tags_key)
    session = connect(platform, project=None)
    assert len(session.read_tag("会员等级")) == 3
    assert len(session.read_funnel("漏斗1")) == 2
    assert session.graphql("{ projects { id } }") == {"projects": [{"id": DEFAULT_PROJECT}]}


@pytest.mark.parametrize("kind", ["partial", "failing"])
@pytest.mark.parametrize(
    ("field", "work"),
    [
        ("segments", lambda s: s.list_segments()),
        ("segments", lambda s: s.read_segment(VIP)),
        ("projects", lambda s: s.graphql("{ projects { id } }")),
    ],
)
def test_quirk_5_errors_come_with_status_200(
    serve: Serve, connect: Connect, field: str, work: Callable[[Any], Any], kind: str
) -> None:
    """An answer with errors is an error in the platform's words, partial data or not."""
    session = connect(serve(**{kind: (field,)}), project=DEFAULT_PROJECT)
    with pytest.raises(gio.GraphQLError, match="the warehouse did not answer"):
        work(session)


FILE_NAMES = [
    "下载用户列表.csv",
    "a b  c.csv",
    "a+b.csv",
    "a&b=c.csv",
    "a#b?c.csv",
    "50%折扣.csv",
    "用户%20列表.csv",
    "100% sure.csv",
    "100%.csv",
    "a;b,c:d@e'(f)!*~.csv",
    "é and e\u0301.csv",
    "😀.csv",
]


@pytest.mark.parametrize("uris", ["raw", "encoded", "encoded-slashes"])
@pytest.mark.parametrize(
    ("name", "plus_is_space"),
    [*((name, False) for name in FILE_NAMES), ("a b  c.csv", True), ("a+b.csv", True)],
)
def test_quirk_6_a_file_name_is_encoded_once(
    serve: Serve, connect: Connect, name: str, uris: str, plus_is_space: bool
) -> None:
    """Any name reaches the platform as it is, whether it came raw or encoded."""
    platform = serve(file_name=name, uris=uris, plus_is_space=plus_is_space)
    assert len(connect(platform).read_segment(VIP)) == 3
    assert platform.asked("unknown") == []


def expect_no_credentials(bystander: Bystander) -> None:
    """Hold that another origin was told nothing that is the platform's alone."""
    for request in bystander.requests:
        told = f"{request.path}\n{request.headers}\n{request.body!r}"
        assert "authorization" not in told.lower()
        assert not [secret for secret in SECRETS if secret in told]


def test_quirk_7_another_origin_gets_no_credentials(
    serve: Serve, connect: Connect, bystander: Bystander
) -> None:
    """A file elsewhere is fetched as a stranger; one at home with everything."""
    platform = serve(uris="elsewhere", elsewhere=bystander, required_headers=SECRET_HEADERS)
    frame = connect(platform, headers=SECRET_HEADERS).read_segment(VIP)
    assert len(frame) == 3
    assert [request.method for request in bystander.requests] == ["GET"]
    expect_no_credentials(bystander)


@pytest.mark.parametrize("step", ["token", "query", "submit", "poll", "download"])
def test_quirk_7_a_redirect_takes_no_credentials_elsewhere(
    serve: Serve, connect: Connect, bystander: Bystander, step: str
) -> None:
    """A redirect to a login page of another origin is an error and tells that origin nothing."""
    platform = serve(
        login_url=bystander.url + "/login",
        required_headers=SECRET_HEADERS,
        faults=(Fault(step, "redirect", at=ALWAYS),),
    )
    with pytest.raises(gio.AuthenticationError):
        connect(platform, headers=SECRET_HEADERS).read_segment(VIP)
    expect_no_credentials(bystander)


@pytest.mark.parametrize("what", ["page", "redirect"])
@pytest.mark.parametrize("step", ["token", "query", "submit", "poll", "download"])
def test_quirk_8_a_login_page_is_an_authentication_error(
    serve: Serve, connect: Connect, step: str, what: str
) -> None:
    """A gateway's login page, with status 200 or by a redirect, is never data."""
    platform = serve(faults=(Fault(step, what, at=ALWAYS),))
    with pytest.raises(gio.AuthenticationError):
        connect(platform).read_segment(VIP)
    assert platform.submits <= 1
