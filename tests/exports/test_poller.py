"""Many jobs: one schedule each, few requests, and none too early."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from gio_pandas import (
    AuthenticationError,
    DownloadError,
    ExportJob,
    GioError,
    GraphQLError,
    JobFailedError,
    JobTimeoutError,
    PlatformUnavailableError,
    SettingsError,
    as_completed,
)
from gio_pandas.api.downloads import Reply
from gio_pandas.api.models import JobResult, Kind
from gio_pandas.exports.job import Order
from gio_pandas.exports.poller import Limiter, Outcome, Poller, picked_up_by

RUNNING = JobResult(stage="RUNNING")
ODD = JobResult(stage="COMPRESSING")
FAILED = JobResult(stage="ERROR")
DONE = JobResult(stage="FINISH", uris=("/用户.csv",))
AWAY = PlatformUnavailableError("No answer from the platform", hint="Check the network.")
STUMBLE = GraphQLError("internal error", hint="Check it.")
LOCKED_OUT = AuthenticationError("The platform refused the API key", hint="Copy it once more.")

Answer = JobResult | GioError | None


@dataclass(eq=False)
class Platform:
    """Answers for each job as it is told, the last answer for ever; knows what time it is."""

    answers: Mapping[str, Sequence[Answer]] = field(default_factory=dict)
    per_second: float | None = None
    jobs_per_request: int = 50
    seconds: float = 0.0
    now: float = 1000.0
    asked: dict[str, list[float]] = field(default_factory=dict)
    requests: list[tuple[float, int]] = field(default_factory=list)
    bounds: list[float | None] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.polls = Limiter(self.per_second, clock=self.clock)

    def clock(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds > 0
        self.sleeps.append(seconds)
        self.now += seconds

    def job_result(self, job_id: str, *, timeout: float | None = None) -> JobResult | None:
        """Answer for one job."""
        answer = self._requested([job_id], timeout)[job_id]
        if isinstance(answer, GioError):
            raise answer
        return answer

    def job_results(
        self, job_ids: Sequence[str], *, pace: Callable[[], None], timeout: float | None = None
    ) -> Mapping[str, Answer]:
        """Answer for many jobs."""
        assert 0 < len(job_ids) <= self.jobs_per_request
        assert len(set(job_ids)) == len(job_ids)
        return self._requested(job_ids, timeout)

    def _requested(self, job_ids: Sequence[str], timeout: float | None) -> dict[str, Answer]:
        self.requests.append((self.now - 1000.0, len(job_ids)))
        self.bounds.append(timeout)
        answers = {job_id: self._next(job_id) for job_id in job_ids}
        self.now += self.seconds
        return answers

    def _next(self, job_id: str) -> Answer:
        answers = self.answers.get(job_id, [DONE])
        polls = self.asked.setdefault(job_id, [])
        polls.append(self.now - 1000.0)
        return answers[min(len(polls), len(answers)) - 1]

    @contextmanager
    def _reply(self) -> Iterator[Reply]:
        body = b"gio_id,n\nu1,1\n"
        yield Reply(0, len(body), None, False, "text/csv", iter([body]))

    def download(
        self, url: str, *, start: int = 0, validator: str | None = None
    ) -> AbstractContextManager[Reply]:
        """Answer a download."""
        return self._reply()

    def job(self, job_id: str, **order: Any) -> ExportJob:
        """Make a job on this platform."""
        known = {"kind": Kind.SEGMENT, "name": "高价值用户", "charset": "UTF-8", **order}
        return ExportJob(
            self,
            job_id,
            Order(platform="https://cdp.example.cn", **known),
            clock=self.clock,
            sleep=self.sleep,
        )

    def wait(self, jobs: Sequence[ExportJob], timeout: Any = ...) -> list[Outcome]:
        """Wait for jobs until none is left."""
        poller = Poller(clock=self.clock, sleep=self.sleep)
        for job in jobs:
            poller.add(job, timeout)
        return list(poller.outcomes())


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take chance out of the pauses."""
    monkeypatch.setattr(random, "random", lambda: 0.0)


# --- the limiter ---------------------------------------------------------------------------------


@dataclass
class Time:
    """A clock that is set by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("rate", [0.1, 1, 2, 7.5])
def test_no_second_has_more_requests_than_the_limit(rate: float) -> None:
    """However often it is tried: they come one by one, evenly."""
    time = Time()
    limiter = Limiter(rate, clock=time)
    taken = []
    while len(taken) < 30:
        if pause := limiter.take():
            assert pause == limiter.pause()
            time.now += pause
        else:
            taken.append(time.now)
    gaps = [later - sooner for sooner, later in pairwise(taken)]
    assert min(gaps) >= 1 / rate
    assert max(gaps) == pytest.approx(1.1 / rate)


def test_a_limit_that_was_not_used_is_not_saved_up() -> None:
    """After a long rest there is no burst."""
    time = Time()
    limiter = Limiter(2, clock=time)
    assert limiter.take() == 0
    time.now = 100.0
    assert limiter.take() == 0
    assert limiter.take() == pytest.approx(0.55)


def test_a_slow_request_is_counted_from_its_answer() -> None:
    """Nobody knows when it came to the platform."""
    time = Time()
    limiter = Limiter(2, clock=time)
    limiter.take()
    time.now = 30.0
    limiter.answered()
    assert limiter.pause() == pytest.approx(0.55)


def test_no_limit_is_no_limit() -> None:
    """None lets everything go at once."""
    limiter = Limiter(None, clock=Time())
    assert [limiter.take() for _ in range(100)] == [0.0] * 100


def test_of_many_threads_one_takes_the_turn() -> None:
    """A limiter may be shared."""
    limiter = Limiter(1, clock=Time())
    taken: list[float] = []
    threads = [threading.Thread(target=lambda: taken.append(limiter.take())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(0.0) == 1


# --- the schedule --------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_jitter")
def test_each_job_is_polled_as_if_it_were_alone() -> None:
    """The schedule of the poller is that of ``ExportJob.wait``."""
    answers = {"a": [RUNNING] * 60 + [DONE], "b": [None, AWAY, *[RUNNING] * 30, DONE], "c": [DONE]}
    together, alone = Platform(answers), {}
    assert [job.id for job, _ in together.wait([together.job(id_) for id_ in "abc"])] == [*"cba"]
    for id_ in "abc":
        platform = Platform(answers)
        platform.job(id_).wait()
        alone[id_] = platform.asked[id_]
    assert together.asked == {id_: pytest.approx(times) for id_, times in alone.items()}


def test_what_is_due_together_is_asked_for_in_one_request() -> None:
    """200 jobs of one age need four requests a round, however chance spreads the pauses."""
    ids = [f"j{n}" for n in range(200)]
    platform = Platform({id_: [RUNNING] * 20 + [DONE] for id_ in ids})
    assert len(platform.wait([platform.job(id_) for id_ in ids])) == 200
    assert [size for _, size in platform.requests] == [50] * 4 * 21


def test_a_platform_that_takes_one_at_a_time_is_asked_one_at_a_time() -> None:
    """And still no oftener than it allows."""
    ids = [f"j{n}" for n in range(20)]
    platform = Platform({id_: [RUNNING, DONE] for id_ in ids}, 2, jobs_per_request=1)
    assert len(platform.wait([platform.job(id_) for id_ in ids])) == 20
    times = [when for when, _ in platform.requests]
    assert len(times) == 40
    assert min(b - a for a, b in pairwise(times)) >= 0.5
    assert times[-1] == pytest.approx(39 * 0.55)


def test_no_platform_is_asked_oftener_than_it_allows() -> None:
    """Those that have waited longest come first, so that every job has its turn."""
    ids = [f"j{n}" for n in range(200)]
    platform = Platform(dict.fromkeys(ids, [RUNNING] * 3 + [DONE]), 2, seconds=0.2)
    assert len(platform.wait([platform.job(id_) for id_ in ids])) == 200
    times = [when for when, _ in platform.requests]
    assert min(b - a for a, b in pairwise(times)) >= 0.7
    assert len(times) == 16
    assert {len(polls) for polls in platform.asked.values()} == {4}


def test_each_platform_has_its_own_limit_and_requests() -> None:
    """Jobs of different sessions are asked for by their own lines, in the same wait."""
    one = Platform({"a": [RUNNING, DONE]}, 1)
    two = Platform({"b": [RUNNING, DONE]}, 2, now=one.now)
    poller = Poller(clock=one.clock, sleep=one.sleep)
    two.clock = one.clock  # type: ignore[method-assign]
    two.polls = Limiter(2, clock=one.clock)
    for job in (one.job("a"), two.job("b")):
        poller.add(job)
    assert [job.id for job, _ in poller.outcomes()] == ["b", "a"]
    assert ([*one.asked], [*two.asked]) == (["a"], ["b"])


def test_a_finished_job_is_not_asked_for() -> None:
    """What is known costs no request."""
    platform = Platform()
    job = platform.job("a").wait()
    assert platform.wait([job]) == [(job, None)]
    assert len(platform.requests) == 1


@pytest.mark.usefixtures("no_jitter")
def test_a_platform_that_asks_for_a_pause_is_left_alone() -> None:
    """For all of its jobs, those too that it was not asked for; but each wait ends on time."""
    busy = PlatformUnavailableError("Too busy", hint="Later.", status=429, retry_after=20.0)
    answers: dict[str, list[Answer]] = {
        "first": [RUNNING, busy, DONE],
        "later": [RUNNING] * 3 + [DONE],
        "short": [RUNNING],
    }
    platform = Platform(answers)
    poller = Poller(clock=platform.clock, sleep=platform.sleep)
    poller.add(platform.job("first"))
    poller.poll()
    platform.now += 0.25
    poller.add(platform.job("later"))
    poller.add(platform.job("short"), timeout=10.0)
    ends = {job.id: type(error) for job, error in poller.outcomes()}
    assert ends == {"first": type(None), "later": type(None), "short": JobTimeoutError}
    assert platform.asked["first"] == pytest.approx([0, 0.5, 20.5])
    assert platform.asked["later"][:2] == pytest.approx([0.25, 20.5])
    assert platform.asked["short"] == pytest.approx([0.25, 10.25])


@pytest.mark.usefixtures("no_jitter")
def test_another_platform_is_not_left_alone() -> None:
    """What one asks for does not hold up the jobs of the other."""
    busy = PlatformUnavailableError("Too busy", hint="Later.", status=503, retry_after=20.0)
    one, two = Platform({"a": [busy, DONE]}), Platform({"b": [RUNNING, DONE]})
    two.polls = Limiter(None, clock=one.clock)
    two.clock = one.clock  # type: ignore[method-assign]
    poller = Poller(clock=one.clock, sleep=one.sleep)
    poller.add(one.job("a"))
    poller.add(two.job("b"))
    assert [(job.id, one.now - 1000.0) for job, _ in poller.outcomes()] == [
        ("b", pytest.approx(0.5)),
        ("a", pytest.approx(20.0)),
    ]


# --- the judgement -------------------------------------------------------------------------------


def test_each_job_has_its_own_end() -> None:
    """What fails, is odd, is refused or takes too long does not touch the others."""
    answers: dict[str, list[Answer]] = {
        "ID-done": [RUNNING, *[AWAY] * 50, DONE],
        "ID-failed": [RUNNING, FAILED],
        "ID-odd": [ODD],
        "ID-nothing": [None],
        "ID-unknown": [STUMBLE],
        "ID-stumbles": [RUNNING, *[STUMBLE] * 10, DONE],
        "ID-empty": [JobResult(stage="FINISH")],
        "ID-slow": [RUNNING],
        "ID-locked": [RUNNING, LOCKED_OUT],
    }
    platform = Platform(answers, 2)
    outcomes = platform.wait([platform.job(id_, timeout=300.0) for id_ in answers])
    ends = {job.id: type(error) for job, error in outcomes}
    assert ends == {
        "ID-done": type(None),
        "ID-failed": JobFailedError,
        "ID-odd": JobFailedError,
        "ID-nothing": JobFailedError,
        "ID-unknown": GraphQLError,
        "ID-stumbles": type(None),
        "ID-empty": DownloadError,
        "ID-slow": JobTimeoutError,
        "ID-locked": AuthenticationError,
    }
    for job, error in outcomes:
        if error is not None:
            told = [str(error), *getattr(error, "__notes__", ())]
            # What the platform knows nothing of is not to be attached once more.
            ways = (f"gio.attach({job.id!r})", f"knows no job {job.id!r}")
            assert any(way in "".join(told) for way in ways)


def test_a_job_has_its_own_error() -> None:
    """One trouble of many jobs is noted on a copy for each, with its cause."""
    platform = Platform({"ID-1": [LOCKED_OUT], "ID-2": [LOCKED_OUT]})
    (a, first), (b, second) = platform.wait([platform.job(id_) for id_ in ("ID-1", "ID-2")])
    assert isinstance(first, AuthenticationError)
    assert isinstance(second, AuthenticationError)
    assert first.__notes__ == [f"The job: gio.attach({a.id!r})"]
    assert second.__notes__ == [f"The job: gio.attach({b.id!r})"]
    assert not hasattr(LOCKED_OUT, "__notes__")
    assert first.__cause__ is LOCKED_OUT


@pytest.mark.parametrize("given", [True, False])
def test_a_wait_is_bounded_for_each_job(given: bool) -> None:
    """By what is given, else by what each was submitted with; from when it was taken."""
    platform = Platform({"a": [RUNNING], "b": [AWAY]})
    jobs = [platform.job("a", timeout=5.0), platform.job("b", timeout=40.0)]
    platform.now += 1000  # jobs may be old when they are waited for
    outcomes = platform.wait(jobs, 12.0 if given else ...)
    assert [job.id for job, _ in outcomes] == ["a", "b"]
    for (job, error), bound in zip(outcomes, (12, 12) if given else (5, 40), strict=True):
        assert isinstance(error, JobTimeoutError)
        assert error.job is job
        assert platform.asked[job.id][-1] == pytest.approx(1000 + bound, abs=0.02)
    assert "last trouble: No answer" in str(outcomes[1][1])
    assert platform.bounds[0] == (12.0 if given else 5.0)


def test_no_bound_is_no_bound() -> None:
    """``timeout=None`` waits for days, and no poll is bounded."""
    platform = Platform({"a": [RUNNING] * 20_000 + [DONE]})
    platform.wait([platform.job("a")], None)
    assert platform.now > 1000 + 3 * 86_400
    assert set(platform.bounds) == {None}


def test_a_job_that_two_have_is_asked_for_once() -> None:
    """Two jobs of one id share an answer; the same job twice is waited for once."""
    platform = Platform({"a": [RUNNING, DONE]})
    job, twin = platform.job("a"), platform.job("a")
    assert platform.wait([job, twin, job]) == [(job, None), (twin, None)]
    assert [size for _, size in platform.requests] == [1, 1]


def test_ctrl_c_says_how_to_get_at_the_jobs() -> None:
    """What is not finished goes on."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    platform = Platform({"a": [RUNNING], "b": [DONE], "c": [RUNNING]})
    poller = Poller(clock=platform.clock, sleep=interrupt)
    for id_ in "abc":
        poller.add(platform.job(id_))
    outcomes = poller.outcomes()
    assert next(outcomes)[0].id == "b"
    with pytest.raises(KeyboardInterrupt) as caught:
        next(outcomes)
    said = "stopped waiting; the jobs go on: gio.attach('a'), gio.attach('c') pick them up"
    assert str(caught.value) == said
    assert caught.value.__suppress_context__


def test_ten_jobs_are_named() -> None:
    """One, some and many, each once; nothing is said of none."""
    platform = Platform()
    jobs = [platform.job(f"j{n}") for n in range(12)]
    assert picked_up_by([]) == ""
    one = "; the job goes on: gio.attach('j0') picks it up"
    assert picked_up_by([jobs[0], jobs[0]]) == one
    assert picked_up_by(jobs[:1], "other").startswith("; the other job goes on: ")
    many = picked_up_by(jobs)
    assert many.startswith("; the jobs go on: gio.attach('j0'), gio.attach('j1'), ")
    assert many.endswith("gio.attach('j9') and 2 more pick them up")


# --- as_completed --------------------------------------------------------------------------------


def test_jobs_come_as_they_finish() -> None:
    """Each once; the finished ones first, then those that a later poll finds finished."""
    platform = Platform({"a": [RUNNING, DONE], "b": [DONE], "c": [DONE]})
    jobs = [platform.job(id_) for id_ in "abca"]
    jobs.append(jobs[0])
    found = [job.id for job in as_completed(jobs)]
    assert found == ["b", "c", "a", "a"]  # two jobs of one id are two jobs
    assert [len(job.to_pandas()) for job in jobs] == [1] * 5


def test_nothing_is_completed_at_once() -> None:
    """No jobs, no wait."""
    assert list(as_completed([])) == []


def test_a_failed_job_comes_too_and_raises_when_it_is_read() -> None:
    """Once, without a poll; who reads it again asks the platform again."""
    platform = Platform({"ID-1": [FAILED], "ID-2": [DONE]})
    jobs = [platform.job("ID-1"), platform.job("ID-2")]
    assert list(as_completed(jobs)) == jobs
    assert len(jobs[1].to_pandas()) == 1
    for polls in (1, 2):
        with pytest.raises(JobFailedError) as caught:
            jobs[0].to_pandas()
        assert len(platform.asked["ID-1"]) == polls
        assert caught.value.__notes__ == ["The job: gio.attach('ID-1')"]


def test_a_job_that_took_too_long_is_waited_on_for() -> None:
    """It raises when it is read; its error's job is the same, and goes on."""
    platform = Platform({"a": [RUNNING, RUNNING, DONE]})
    (job,) = as_completed([platform.job("a")], timeout=0.05)
    with pytest.raises(JobTimeoutError) as caught:
        job.to_pandas()
    assert caught.value.job is job
    assert len(job.to_pandas(timeout=60)) == 1


def test_an_error_of_an_old_wait_is_forgotten_by_a_new_one() -> None:
    """Who waits for the job in another way is not told of it."""
    platform = Platform({"a": [STUMBLE, DONE]})
    (job,) = as_completed([platform.job("a")])
    assert [found.done() for found in as_completed([job])] == [True]
    assert len(job.to_pandas()) == 1


@pytest.mark.parametrize("jobs", [[None], ["id"], [("segment", "n")]])
def test_what_is_no_job_is_refused_before_the_wait(jobs: Any) -> None:
    """At the call, not at the first step."""
    with pytest.raises(TypeError, match="takes jobs"):
        as_completed(jobs)


def test_a_job_alone_is_no_list() -> None:
    """A slip of the pen is told as one; so is a bound that is none."""
    platform = Platform()
    with pytest.raises(TypeError, match="pass a list"):
        as_completed(platform.job("a"))  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="timeout="):
        as_completed([platform.job("a")], timeout=0)
    assert platform.requests == []
