"""Jobs: polled with patience, never given up for a hiccup, and never lost."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from gio_pandas import (
    AuthenticationError,
    DownloadError,
    GioError,
    GraphQLError,
    JobFailedError,
    JobTimeoutError,
    PermissionDeniedError,
    PlatformUnavailableError,
    SettingsError,
)
from gio_pandas.api.downloads import Reply
from gio_pandas.api.models import JobResult, Kind
from gio_pandas.exports.job import ExportJob, Order
from gio_pandas.exports.wait import Verdict, judge, next_delay

ID = b64encode(b"SegmentUserExportJobDto:AbQ3XApY").decode().rstrip("=")
ATTACH = f"gio.attach({ID!r})"
URI = "/jobs/results/DES-1/用户.csv"
DONE = JobResult(stage="FINISH", uris=(URI,))
RUNNING = JobResult(stage="RUNNING")
ODD = JobResult(stage="COMPRESSING")
AWAY = PlatformUnavailableError("No answer from the platform", hint="Check the network.")

Answer = JobResult | BaseException | None


@dataclass
class Platform:
    """Answers polls as it is told, its last answer for ever; and knows what time it is."""

    answers: Sequence[Answer] = (DONE,)
    body: bytes = b"gio_id,n\nu1,1\n"
    poll_seconds: float = 0.0
    now: float = 1000.0
    polls: list[float] = field(default_factory=list)
    bounds: list[float | None] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)

    def clock(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds > 0
        self.sleeps.append(seconds)
        self.now += seconds

    def job_result(self, job_id: str, *, timeout: float | None = None) -> JobResult | None:
        """Answer a poll."""
        assert job_id == ID
        answer = self.answers[min(len(self.polls), len(self.answers) - 1)]
        self.polls.append(self.now - 1000.0)
        self.bounds.append(timeout)
        self.now += self.poll_seconds
        if isinstance(answer, BaseException):
            raise answer
        return answer

    @contextmanager
    def _reply(self) -> Iterator[Reply]:
        chunks = iter([self.body])
        yield Reply(0, len(self.body), None, False, "text/csv", chunks)

    def download(
        self, url: str, *, start: int = 0, validator: str | None = None
    ) -> AbstractContextManager[Reply]:
        """Answer a download."""
        return self._reply()


def submit(platform: Platform, *, stage: str = "NONE", **order: Any) -> ExportJob:
    """Make a job of a segment on the platform."""
    known = {"kind": Kind.SEGMENT, "name": "高价值用户", "item_id": "qgQMXnD3", "charset": "UTF-8"}
    return ExportJob(
        platform,
        ID,
        Order(platform="https://cdp.example.cn", **{**known, **order}),
        stage=stage,
        clock=platform.clock,
        sleep=platform.sleep,
    )


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take chance out of the pauses."""
    monkeypatch.setattr(random, "random", lambda: 0.0)


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("NONE", Verdict.GOING),
        ("READY", Verdict.GOING),
        ("RUNNING", Verdict.GOING),
        ("DATA_READY", Verdict.GOING),
        ("FINISH", Verdict.DONE),
        ("ERROR", Verdict.FAILED),
        ("COMPRESSING", Verdict.ODD),
        ("finish", Verdict.ODD),
        ("", Verdict.ODD),
        (None, Verdict.ODD),
    ],
)
def test_what_a_stage_means(stage: str | None, expected: Verdict) -> None:
    """Only FINISH is done and only ERROR has failed; what is not documented is odd."""
    assert judge(stage) is expected


@pytest.mark.parametrize(
    ("waited", "jitter", "expected"),
    [
        (0, 0, 0.5),
        (4.9, 0, 0.5),
        (5, 0, 0.5),
        (20, 0, 2.0),
        (20, 0.5, 2.05),
        (20, 1, 2.1),
        (149, 0, 14.9),
        (150, 0, 15.0),
        (150, 1, 15.0),
        (100_000, 1, 15.0),
    ],
)
def test_the_pause_before_the_next_poll(waited: float, jitter: float, expected: float) -> None:
    """A tenth of the time waited, at least half a second and at most fifteen."""
    assert next_delay(waited, jitter) == pytest.approx(expected)


def test_the_first_poll_comes_at_once() -> None:
    """A job that is finished costs one poll and no pause."""
    platform = Platform()
    job = submit(platform)
    assert job.wait() is job
    assert (platform.polls, platform.sleeps) == ([0.0], [])
    assert (job.stage, job.uris, job.done()) == ("FINISH", (URI,), True)
    assert len(platform.polls) == 1  # what is finished is not asked for again


@pytest.mark.usefixtures("no_jitter")
def test_each_poll_comes_after_a_tenth_of_the_wait() -> None:
    """The schedule is exact: half-seconds, then a tenth, then fifteen seconds."""
    platform = Platform([RUNNING] * 99 + [DONE])
    submit(platform).wait()
    expected = [0.0]
    while len(expected) < 100:
        expected.append(expected[-1] + min(15.0, max(0.5, expected[-1] / 10)))
    assert platform.polls == pytest.approx(expected)
    assert platform.sleeps[-1] == 15.0


def test_chance_lengthens_a_pause_by_a_tenth_at_most() -> None:
    """Many jobs do not ask at once, and none waits much longer for it."""
    platform = Platform([RUNNING] * 60 + [DONE])
    submit(platform).wait()
    for waited, pause in zip(platform.polls, platform.sleeps, strict=False):
        assert next_delay(waited, 0) <= pause <= next_delay(waited, 1)
    assert len({round(pause, 9) for pause in platform.sleeps[:9]}) > 1


def test_what_is_not_the_platform_is_not_waited_for_long() -> None:
    """A wrong address answers the same way for ever: a minute is enough to know."""
    wrong = PlatformUnavailableError("no API there", hint="Check it.", status=404, transient=False)
    platform = Platform([RUNNING] + [wrong] * 10_000)
    with pytest.raises(PlatformUnavailableError, match="no API there"):
        submit(platform).wait(timeout=None)
    assert 55 < platform.polls[-1] < 80


def test_an_error_in_the_middle_of_a_wait_is_borne_for_a_minute() -> None:
    """A job that is known does not end because the platform stumbles; an unknown id does."""
    stumble = GraphQLError("internal error", hint="Check it.")
    platform = Platform([RUNNING] + [stumble] * 20 + [DONE])
    assert submit(platform).wait().uris == (URI,)
    with pytest.raises(GraphQLError, match="internal error"):
        submit(Platform([RUNNING] + [stumble] * 10_000)).wait(timeout=None)
    unknown = Platform([stumble])
    with pytest.raises(GraphQLError):
        submit(unknown).wait()
    assert len(unknown.polls) == 1


def test_a_poll_that_fails_in_transit_is_no_failed_job() -> None:
    """However often the platform is away, the wait goes on."""
    platform = Platform([AWAY, RUNNING, *[AWAY] * 200, DONE])
    submit(platform).wait(timeout=None)
    assert len(platform.polls) == 203


def test_no_answer_at_first_is_no_failed_job() -> None:
    """``jobResult`` may be null for a moment after the submit."""
    platform = Platform([None, None, JobResult(stage="NONE"), None, RUNNING, DONE])
    assert submit(platform).wait().uris == (URI,)


def test_an_id_that_the_platform_never_spoke_of_is_told_soon() -> None:
    """Who attached with a wrong id does not wait for a minute, and is told what is wrong."""
    platform = Platform([None])
    with pytest.raises(JobFailedError, match=r"knows no job .*Check the id") as caught:
        submit(platform).wait()
    assert not hasattr(caught.value, "__notes__")  # which would say to attach that very id
    assert 15 <= platform.polls[-1] < 20


@pytest.mark.parametrize("odd", [ODD, None])
@pytest.mark.parametrize("timeout", [None, 3600])
def test_oddity_is_borne_for_a_minute(odd: Answer, timeout: float | None) -> None:
    """An unknown stage, or none, is polled on for a bounded time, then the job has failed."""
    platform = Platform([RUNNING] * 5 + [odd])
    with pytest.raises(JobFailedError, match=r"no documented answer.*Check that the id"):
        submit(platform).wait(timeout=timeout)
    assert 60 <= platform.polls[-1] - platform.polls[5] < 76


def test_oddities_that_pass_are_not_added_up() -> None:
    """The minute begins anew with every stage that is known."""
    platform = Platform([*[ODD] * 20, RUNNING, *[ODD] * 5, RUNNING, *[ODD] * 4, DONE])
    assert submit(platform).wait(timeout=None).stage == "FINISH"


def test_trouble_in_transit_does_not_end_an_oddity() -> None:
    """What cannot be asked says nothing: the minute goes on."""
    platform = Platform([ODD, AWAY] * 99)
    with pytest.raises(JobFailedError):
        submit(platform).wait(timeout=None)


@pytest.mark.parametrize("last", [RUNNING, AWAY, ODD, None])
def test_a_wait_ends_on_time(last: Answer) -> None:
    """At its bound the wait is over, after one last look; the job is in the error."""
    platform = Platform([RUNNING, last])
    job = submit(platform)
    with pytest.raises(JobTimeoutError) as caught:
        job.wait(timeout=40)
    assert caught.value.job is job
    assert ATTACH in str(caught.value)
    assert "40 s" in str(caught.value)
    assert "分群" in str(caught.value)
    assert 40 <= platform.polls[-1] <= 40.01  # the shortest pause of all is a hundredth


def test_the_last_trouble_is_in_the_error() -> None:
    """Who waited in vain for a platform that was away is told so."""
    with pytest.raises(JobTimeoutError, match="last trouble: No answer from the platform"):
        submit(Platform([AWAY])).wait(timeout=1)


def test_a_poll_is_told_how_long_it_may_take() -> None:
    """A platform that hangs cannot stretch the wait: each poll gets what is left, or a second."""
    platform = Platform([RUNNING], poll_seconds=4.0)
    with pytest.raises(JobTimeoutError):
        submit(platform).wait(timeout=10)
    assert platform.bounds[0] == 10
    assert platform.bounds == sorted(platform.bounds, reverse=True)
    assert platform.bounds[-1] == 1.0


@pytest.mark.usefixtures("no_jitter")
def test_no_bound_is_no_bound() -> None:
    """``timeout=None`` waits for days, and no poll is bounded."""
    platform = Platform([RUNNING] * 20_000 + [DONE])
    submit(platform).wait(timeout=None)
    assert platform.polls[-1] > 3 * 86_400
    assert set(platform.bounds) == {None}


@pytest.mark.parametrize(("given", "expected"), [({}, 7), ({"timeout": 3}, 3)])
def test_a_wait_is_bounded_by_what_was_submitted(given: dict[str, float], expected: float) -> None:
    """Left out, the bound is the order's; given, it is what is given."""
    platform = Platform([RUNNING])
    with pytest.raises(JobTimeoutError, match=f"within {expected} s"):
        submit(platform, timeout=7.0).wait(**given)


@pytest.mark.parametrize("timeout", [0, -1, "soon", float("nan")])
def test_a_bound_that_is_none_is_refused(timeout: Any) -> None:
    """Nothing is polled where the bound makes no sense."""
    platform = Platform()
    with pytest.raises(SettingsError, match="timeout="):
        submit(platform).wait(timeout=timeout)
    assert platform.polls == []


def test_a_wait_that_was_too_short_is_gone_on_with() -> None:
    """The error's job waits on, and nothing is submitted again."""
    platform = Platform([RUNNING] * 9 + [DONE])
    with pytest.raises(JobTimeoutError) as caught:
        submit(platform).wait(timeout=2)
    assert len(caught.value.job.to_pandas(timeout=60)) == 1


def test_a_job_that_fails_is_an_error_at_once() -> None:
    """ERROR ends the wait, names what was exported and how to get at the job."""
    platform = Platform([RUNNING, JobResult(stage="ERROR")])
    with pytest.raises(JobFailedError, match=r"分群.*'高价值用户'") as caught:
        submit(platform).wait()
    assert len(platform.polls) == 2
    assert caught.value.__notes__ == [f"The job: {ATTACH}"]


@pytest.mark.parametrize("uris", [(), None])
def test_a_finished_job_without_files_is_an_error(uris: Any) -> None:
    """FINISH with nothing to download is never an empty frame."""
    platform = Platform([JobResult.from_json({"stage": "FINISH", "uris": uris})])
    with pytest.raises(DownloadError, match="names no file"):
        submit(platform).to_pandas()


@pytest.mark.parametrize(
    "error",
    [
        AuthenticationError("The platform refused the API key", hint="Copy it once more."),
        GraphQLError("The platform answered: no", hint="Check the ids."),
    ],
)
def test_an_error_on_the_way_says_how_to_get_at_the_job(error: GioError) -> None:
    """Whatever goes wrong in the wait, the job's line is with it, once."""
    job = submit(Platform([error]))
    for _ in range(2):
        with pytest.raises(type(error)) as caught:
            job.wait()
        assert caught.value.__notes__ == [f"The job: {ATTACH}"]


def test_an_error_while_reading_says_how_to_get_at_the_job() -> None:
    """A file that is no table is an error with the job's line, too."""
    for read in (ExportJob.to_pandas, ExportJob.to_arrow):
        with pytest.raises(GioError) as caught:
            read(submit(Platform(body=b"gio_id,n\nu1\n")))
        assert caught.value.__notes__ == [f"The job: {ATTACH}"]


@pytest.mark.parametrize("answers", [[KeyboardInterrupt()], [RUNNING, KeyboardInterrupt()]])
@pytest.mark.parametrize("verb", [ExportJob.wait, ExportJob.to_pandas, ExportJob.to_arrow])
def test_ctrl_c_lets_go(verb: Callable[[ExportJob], Any], answers: list[Answer]) -> None:
    """Interrupting ends the wait and not the job; the message has the line that picks it up."""
    with pytest.raises(KeyboardInterrupt, match="goes on") as caught:
        verb(submit(Platform(answers)))
    assert ATTACH in str(caught.value)
    assert caught.value.__suppress_context__


def test_ctrl_c_in_a_pause_lets_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of a wait is pauses."""
    platform = Platform([RUNNING])

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(platform, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt, match="goes on"):
        submit(platform).wait()


def test_done_polls_once() -> None:
    """``done`` says whether the files are ready, and does not wait."""
    platform = Platform([None, RUNNING, DONE])
    job = submit(platform)
    assert [job.done() for _ in range(4)] == [False, False, True, True]
    assert (len(platform.polls), platform.sleeps) == (3, [])


def test_a_stage_is_that_of_the_last_poll() -> None:
    """What the submit answered, then what polls did; each with when it was first seen."""
    stages = ["READY", "RUNNING", "RUNNING", "DATA_READY"]
    platform = Platform([*(JobResult(stage=stage) for stage in stages), DONE])
    job = submit(platform, stage="NONE")
    assert (job.stage, job.uris, dict(job.seconds)) == ("NONE", (), {"NONE": 0.0})
    job.done()
    assert job.stage == "READY"
    job.wait()
    assert list(job.seconds) == ["NONE", "READY", "RUNNING", "DATA_READY", "FINISH"]
    assert list(job.seconds.values()) == sorted(job.seconds.values())


def test_a_job_says_what_it_is() -> None:
    """Its repr and properties ask nothing of the platform, and the repr has the attach line."""
    platform = Platform()
    job = submit(platform)
    assert (job.id, job.kind, job.name, job.order.item_id) == (
        ID,
        "segment",
        "高价值用户",
        "qgQMXnD3",
    )
    assert repr(job) == f"<ExportJob segment (分群) '高价值用户', NONE: {ATTACH}>"
    attached = submit(platform, kind=None, name=None)
    assert (attached.kind, attached.name) == (None, None)
    assert repr(attached) == f"<ExportJob job {ID}, NONE: {ATTACH}>"
    assert platform.polls == []


def test_a_job_can_be_read_again() -> None:
    """A second reading downloads again, and polls no more."""
    platform = Platform()
    job = submit(platform)
    assert job.to_pandas().equals(job.to_pandas())
    assert len(platform.polls) == 1


@pytest.mark.parametrize("backend", ["polars", "", "numpy", True])
def test_a_backend_that_pandas_lacks_is_refused_before_the_wait(backend: Any) -> None:
    """A slip of the pen costs no download."""
    platform = Platform()
    with pytest.raises(SettingsError, match=r"dtype_backend=.*numpy_nullable"):
        submit(platform).to_pandas(dtype_backend=backend)
    assert platform.polls == []


def test_a_dtype_given_late_wins_over_the_orders() -> None:
    """``to_pandas`` takes what the submit was told, unless it is told otherwise."""
    job = submit(Platform(), dtype={"n": "float64"}, dtype_backend="pyarrow")
    assert str(job.to_pandas()["n"].dtype) == "float64"
    assert str(job.to_pandas()["gio_id"].dtype) == "string[pyarrow]"
    assert str(job.to_pandas(dtype={"n": "Int64"})["n"].dtype) == "Int64"
    assert str(job.to_pandas(dtype_backend="numpy_nullable")["gio_id"].dtype) == "string"


# --- bad days ------------------------------------------------------------------------------------


def busy(retry_after: float | None, status: int = 503) -> PlatformUnavailableError:
    """Make the answer of a platform that asks to be left alone for a while."""
    return PlatformUnavailableError(
        "The platform is not ready", hint="Try later.", status=status, retry_after=retry_after
    )


@pytest.mark.usefixtures("no_jitter")
@pytest.mark.parametrize(
    ("asked", "paused"), [(7.0, 7.0), (0.1, 0.5), (0.0, 0.5), (None, 0.5), (86_400.0, 60.0)]
)
def test_a_pause_that_is_asked_for_is_kept(asked: float | None, paused: float) -> None:
    """Retry-After lengthens a pause, never shortens it, and counts for a minute at most."""
    platform = Platform([busy(asked), RUNNING, DONE])
    submit(platform).wait()
    assert platform.sleeps[0] == paused
    assert platform.sleeps[1] < 10


def test_a_pause_that_is_asked_for_does_not_stretch_the_wait() -> None:
    """The last look comes when the time is over, and the job is kept."""
    platform = Platform([busy(50.0)])
    with pytest.raises(JobTimeoutError, match="last trouble: The platform is not ready") as caught:
        submit(platform).wait(timeout=20)
    assert platform.polls == pytest.approx([0, 20])
    assert caught.value.job.id == ID


def test_stages_may_go_backwards() -> None:
    """Whatever order they come in, only FINISH with its files ends the wait."""
    stages = ["RUNNING", "READY", "DATA_READY", "RUNNING", "NONE", "DATA_READY"]
    platform = Platform([*(JobResult(stage=stage) for stage in stages), DONE])
    assert submit(platform).wait(timeout=None).uris == (URI,)


def test_a_finish_is_not_taken_back() -> None:
    """Once the files are known nobody asks again, whatever the platform would say."""
    platform = Platform([DONE, RUNNING])
    job = submit(platform).wait()
    assert job.wait().done()
    assert (job.stage, len(platform.polls)) == ("FINISH", 1)


BARE = JobResult(stage="FINISH")


@pytest.mark.usefixtures("no_jitter")
@pytest.mark.parametrize("between", [[BARE] * 3, [BARE, RUNNING, BARE], [BARE, AWAY, None, BARE]])
def test_files_may_be_named_a_moment_after_the_finish(between: list[Answer]) -> None:
    """A platform that says FINISH before it knows the files is asked again for two seconds."""
    platform = Platform([*[RUNNING] * 40, *between, DONE])
    assert submit(platform).wait().uris == (URI,)
    # However long the job took: it is said to be finished.
    assert platform.sleeps[40] == 0.5


@pytest.mark.parametrize("bound", [None, 60.0, 1.0])
def test_a_finish_without_files_is_an_error_soon(bound: float | None) -> None:
    """Two seconds, or the wait's own bound: then the error says what is missing."""
    platform = Platform([BARE])
    with pytest.raises(DownloadError, match=r"'高价值用户' is finished.*names no file") as caught:
        submit(platform).wait(timeout=bound)
    assert platform.polls[-1] <= 2.0
    assert caught.value.__notes__ == [f"The job: {ATTACH}"]


def test_a_look_at_a_finish_without_files() -> None:
    """``done`` is not yet true, and an error when it has been so for two seconds."""
    platform = Platform([BARE])
    job = submit(platform)
    assert not job.done()
    platform.now += 1.9
    assert not job.done()
    platform.now += 0.1
    with pytest.raises(DownloadError, match="names no file"):
        job.done()


@pytest.mark.parametrize("odd", [ODD, None, GraphQLError("starting up", hint="Wait.")])
def test_the_time_that_a_platform_is_away_is_no_oddity(odd: Answer) -> None:
    """A restart: it stumbles as it goes, is away, stumbles as it comes, and has the job again."""
    platform = Platform([RUNNING, *[odd] * 5, *[AWAY] * 300, *[odd] * 3, RUNNING, DONE])
    assert submit(platform).wait(timeout=None).uris == (URI,)


@pytest.mark.parametrize(
    ("error", "code", "message", "told"),
    [
        ({"code": "E42", "message": "磁盘已满"}, "E42", "磁盘已满", r": E42 磁盘已满\."),
        ({"code": "", "message": "磁盘已满"}, "", "磁盘已满", r": 磁盘已满\."),
        ("no room", "", "no room", r": no room\."),
        ({"code": "", "message": None}, "", "", r" and gave no reason\."),
        (None, "", "", r" and gave no reason\."),
    ],
)
def test_a_reason_that_comes_along_is_told(error: Any, code: str, message: str, told: str) -> None:
    """An error beside the stage is not in the documents; where there is one, it is not lost."""
    failed = JobResult.from_json({"stage": "ERROR", "uris": None, "error": error})
    with pytest.raises(JobFailedError, match=told) as caught:
        submit(Platform([RUNNING, failed])).wait()
    assert (caught.value.code, caught.value.message) == (code, message)


@pytest.mark.parametrize(("kind", "times"), [(AuthenticationError, 2), (PermissionDeniedError, 1)])
def test_who_is_not_let_in_does_not_wait(kind: type[GioError], times: int) -> None:
    """A refusal in the middle of a wait is told, and the job's line with it."""
    platform = Platform([RUNNING, *[kind("Not you", hint="Ask.")] * times, DONE])
    job = submit(platform)
    with pytest.raises(kind, match="Not you") as caught:
        job.wait()
    assert (len(platform.polls), caught.value.__notes__) == (1 + times, [f"The job: {ATTACH}"])
    assert job.wait().uris == (URI,)


def test_a_token_that_dies_with_the_one_before_it_is_borne_once() -> None:
    """The next poll fetches another one; so often as it helps."""
    refused = AuthenticationError("Not you", hint="Ask.")
    platform = Platform([RUNNING, refused, RUNNING, refused, DONE])
    assert submit(platform).wait().uris == (URI,)


def test_a_job_that_the_platform_never_spoke_of_has_no_such_grace() -> None:
    """Who attaches with a wrong key is told at once."""
    platform = Platform([AuthenticationError("Not you", hint="Ask."), DONE])
    with pytest.raises(AuthenticationError):
        submit(platform).wait()
    assert len(platform.polls) == 1
