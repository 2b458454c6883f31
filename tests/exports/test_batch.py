"""Many exports at once: in order, bounded, and let go of as one."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from gio_pandas import DownloadError, ExportJob, GioError, JobFailedError, JobTimeoutError
from gio_pandas.api.downloads import BrokenTransferError, Reply
from gio_pandas.api.models import JobResult, Kind
from gio_pandas.exports.batch import Draft, Item, read_all
from gio_pandas.exports.job import Order
from gio_pandas.exports.poller import Limiter
from gio_pandas.exports.progress import ManyTracker, Phase, Progress

RUNNING = JobResult(stage="RUNNING")
FAILED = JobResult(stage="ERROR")
NOT_SUBMITTED = JobFailedError("The platform refused the export", hint="Look at it there.")


@dataclass(eq=False)
class Platform:
    """Takes submits, answers polls with a stage for each, and serves a table that has the job's id.

    ``before`` is what happens in a download before its first byte; time passes only in sleeps.
    """

    stages: Mapping[str, Sequence[JobResult]] = field(default_factory=dict)
    before: Callable[[str], None] = lambda _: None
    per_second: float | None = None
    value_types: Mapping[str, str] = field(default_factory=dict)
    jobs_per_request: int = 50
    now: float = 1000.0
    log: list[tuple[str, str]] = field(default_factory=list)
    times: dict[tuple[str, str], float] = field(default_factory=dict)
    most_at_once: int = 0
    _at_once: int = 0

    def __post_init__(self) -> None:
        self.polls = Limiter(self.per_second, clock=self.clock)
        self.submits = Limiter(self.per_second, clock=self.clock)
        self.lock = threading.Lock()
        self.asked: dict[str, int] = {}

    def clock(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds > 0
        self.now += seconds

    def note(self, what: str, job_id: str) -> None:
        """Write down what happens."""
        with self.lock:
            self.log.append((what, job_id))
            self.times.setdefault((what, job_id), self.now - 1000.0)

    def job_result(self, job_id: str, *, timeout: float | None = None) -> JobResult | None:
        """Nothing here asks for one job."""
        raise NotImplementedError

    def job_results(
        self, job_ids: Sequence[str], *, pace: Callable[[], None], timeout: float | None = None
    ) -> Mapping[str, JobResult | GioError | None]:
        """Answer for many jobs."""
        return {job_id: self._stage(job_id) for job_id in job_ids}

    def _stage(self, job_id: str) -> JobResult:
        self.note("poll", job_id)
        polls = self.asked[job_id] = self.asked.get(job_id, 0) + 1
        stages = self.stages.get(job_id, [])
        if polls <= len(stages) or (stages and stages[-1].stage != "RUNNING"):
            return stages[min(polls, len(stages)) - 1]
        return JobResult(stage="FINISH", uris=(f"/{job_id}.csv",))

    @contextmanager
    def _reply(self, job_id: str) -> Iterator[Reply]:
        with self.lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            self.note("read", job_id)
            self.before(job_id)
            body = f"gio_id,n\n{job_id},x\n".encode()
            yield Reply(0, len(body), None, False, "text/csv", iter([body]))
        finally:
            with self.lock:
                self._at_once -= 1

    def download(
        self, url: str, *, start: int = 0, validator: str | None = None
    ) -> AbstractContextManager[Reply]:
        """Answer a download."""
        return self._reply(url.rpartition("/")[2].removesuffix(".csv"))

    def job(self, job_id: str, **order: Any) -> ExportJob:
        """Make a job on this platform."""
        known = {"kind": Kind.SEGMENT, "name": "高价值用户", "charset": "UTF-8"}
        known |= {"value_types": self.value_types, **order}
        return ExportJob(
            self,
            job_id,
            Order(platform="https://cdp.example.cn", **known),
            clock=self.clock,
            sleep=self.sleep,
        )

    def draft(self, job_id: str, error: Exception | None = None, **order: Any) -> Draft:
        """Make what can be submitted as a job of that id."""

        def submit(*, reading: bool = False) -> ExportJob:
            self.note("submit", job_id)
            if error is not None:
                raise error
            return self.job(job_id, **order)

        return Draft(submit, self.submits)

    def read(self, items: Sequence[Item], **how: Any) -> Any:
        """Read many."""
        how = {"max_workers": 4, "keep_errors": False, **how}
        return read_all(items, clock=self.clock, sleep=self.sleep, **how)

    def order_of(self, what: str) -> list[str]:
        """Say of which jobs something happened, in order."""
        return [job_id for done, job_id in self.log if done == what]


def ids(frames: Sequence[Any]) -> list[Any]:
    """Say which job each frame is of; an error is itself."""
    return [frame if isinstance(frame, Exception) else frame["gio_id"][0] for frame in frames]


@pytest.fixture(autouse=True)
def no_stray_threads() -> Iterator[None]:
    """Hold every test to leaving no thread behind."""
    yield
    until = time.monotonic() + 5
    ours = ("gio-read", "gio-submit", "gio-parse")
    while strays := [thread for thread in threading.enumerate() if thread.name.startswith(ours)]:
        assert time.monotonic() < until, strays
        time.sleep(0.005)


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take chance out of the pauses."""
    monkeypatch.setattr(random, "random", lambda: 0.0)


def test_frames_stand_in_the_order_given() -> None:
    """However they finish, jobs and drafts mixed."""
    platform = Platform({"ID-0": [RUNNING] * 5, "ID-2": [RUNNING] * 2})
    items = [platform.job("ID-0"), platform.draft("ID-1"), platform.draft("ID-2")]
    items += [platform.job("ID-3")]
    assert ids(platform.read(items)) == ["ID-0", "ID-1", "ID-2", "ID-3"]
    assert platform.order_of("read")[-1] == "ID-0"


def test_nothing_is_nothing() -> None:
    """No items, no wait."""
    assert Platform().read([]) == []


def test_the_same_job_twice_is_two_frames() -> None:
    """Polled once, read twice: who changes one does not change the other."""
    platform = Platform()
    job = platform.job("ID-0")
    one, two = platform.read([job, job])
    assert one.equals(two)
    assert one is not two
    assert job.rows == 1
    assert platform.order_of("poll") == ["ID-0"]


def test_a_finished_job_is_read_while_the_others_are_waited_for() -> None:
    """Its download begins before the next poll."""
    platform = Platform({"ID-1": [RUNNING] * 3})
    platform.read([platform.job("ID-0"), platform.job("ID-1")])
    assert platform.log.index(("read", "ID-0")) < platform.log.index(("read", "ID-1"))
    assert platform.times["read", "ID-0"] < platform.times["read", "ID-1"]


@pytest.mark.parametrize("workers", [1, 3])
def test_threads_are_bounded(workers: int) -> None:
    """No more downloads at once than workers."""
    platform = Platform(before=lambda _: time.sleep(0.002))
    frames = platform.read([platform.job(f"ID-{n}") for n in range(30)], max_workers=workers)
    assert ids(frames) == [f"ID-{n}" for n in range(30)]
    assert platform.most_at_once <= workers


def test_two_sessions_are_read_in_one_call() -> None:
    """Each job by its own platform."""
    one, two = Platform(), Platform()
    assert ids(one.read([one.job("ID-1"), two.job("ID-2")])) == ["ID-1", "ID-2"]
    assert (one.order_of("read"), two.order_of("read")) == (["ID-1"], ["ID-2"])


# --- submits -------------------------------------------------------------------------------------


def test_submits_are_no_faster_than_the_limit() -> None:
    """The first at once, then evenly; reads go on in between."""
    platform = Platform(per_second=2)
    names = [f"ID-{n}" for n in range(12)]
    assert ids(platform.read([platform.draft(name) for name in names])) == names
    times = [platform.times["submit", name] for name in names]
    assert times[0] == 0
    assert min(b - a for a, b in pairwise(times)) >= 0.5
    assert times[-1] < 12
    assert platform.log.index(("read", "ID-0")) < platform.log.index(("submit", "ID-11"))


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_first_is_read_before_the_last_is_submitted(workers: int) -> None:
    """Without a limit, too, neither kind of work waits for all of the other."""
    platform = Platform(before=lambda _: time.sleep(0.002))
    platform.read([platform.draft(f"ID-{n}") for n in range(40)], max_workers=workers)
    log = [what for what, _ in platform.log]
    assert log.index("read") < len(log) - 1 - log[::-1].index("submit")


def test_submits_are_not_held_back_by_reads() -> None:
    """While downloads take their time, the platform gets to work on all the others."""
    platform = Platform()
    submitted = threading.Event()

    def wait(_: str) -> None:
        if len(platform.order_of("submit")) < 8:
            assert submitted.wait(5)
        submitted.set()

    def draft(n: int) -> Draft:
        plain = platform.draft(f"ID-{n}")

        def submit(*, reading: bool = False) -> ExportJob:
            job = plain.submit()
            if n == 7:
                submitted.set()
            return job

        return Draft(submit, plain.limiter)

    platform.before = wait
    assert len(platform.read([draft(n) for n in range(8)])) == 8


def test_a_limit_of_one_kind_does_not_hold_up_another() -> None:
    """Each kind of submit has its own."""
    platform = Platform(per_second=2)
    other = Limiter(2, clock=platform.clock)
    items = [platform.draft(f"ID-{n}") for n in range(3)]
    items += [Draft(platform.draft(f"ID-{n}").submit, other) for n in range(3, 6)]
    platform.read(items)
    times = [platform.times["submit", f"ID-{n}"] for n in range(6)]
    assert times[:3] == times[3:]


@pytest.mark.usefixtures("no_jitter")
@pytest.mark.parametrize(("given", "bound"), [({}, 7), ({"timeout": 3.0}, 3)])
def test_a_wait_is_bounded_from_when_the_job_was_taken(given: dict[str, Any], bound: int) -> None:
    """A job's from the call, a draft's own from its submit."""
    platform = Platform({"ID-0": [RUNNING] * 999, "ID-1": [RUNNING] * 999}, per_second=2)
    items = [platform.job("ID-0", timeout=7.0)]
    drafts = [platform.draft("ID-2"), platform.draft("ID-1", timeout=4.0)]
    early, _, late = platform.read([*items, *drafts], keep_errors=True, **given)
    assert isinstance(early, JobTimeoutError)
    assert f"within {bound} s" in str(early)
    assert isinstance(late, JobTimeoutError)
    assert "within 4 s" in str(late)
    assert late.job.id == "ID-1"


# --- errors --------------------------------------------------------------------------------------


def broken(job_id: str) -> None:
    """Break the download of one job."""
    if job_id == "ID-2":
        raise DownloadError("a file is missing", hint="Export it again.")


def mixed(platform: Platform) -> list[Item]:
    """List what succeeds and what fails in every way."""
    return [
        platform.job("ID-0"),
        platform.draft("ID-1", error=NOT_SUBMITTED),
        platform.job("ID-2"),
        platform.job("ID-3"),
        LookupError("no such name"),
        platform.draft("ID-5"),
    ]


def test_an_error_stands_in_the_place_of_its_frame() -> None:
    """All that can be read is read."""
    platform = Platform({"ID-3": [RUNNING, FAILED]}, broken)
    found = ids(platform.read(mixed(platform), keep_errors=True))
    assert (found[0], found[5]) == ("ID-0", "ID-5")
    assert found[1] is NOT_SUBMITTED
    assert [type(error) for error in found[2:5]] == [DownloadError, JobFailedError, LookupError]
    assert found[3].__notes__ == ["The job: gio.attach('ID-3')"]


def test_the_first_error_ends_it_and_names_the_other_jobs() -> None:
    """Nothing is submitted any more, and the note has the lines that get the others again."""
    platform = Platform({"ID-1": [FAILED], "ID-2": [RUNNING] * 99}, per_second=2)
    items = [platform.job(f"ID-{n}") for n in range(3)]
    drafts = [platform.draft(f"ID-{n}") for n in range(3, 30)]
    with pytest.raises(JobFailedError) as caught:
        platform.read([*items, *drafts])
    own, others = caught.value.__notes__
    assert own == "The job: gio.attach('ID-1')"
    assert others.startswith("The other jobs go on: gio.attach('ID-0'), gio.attach('ID-2')")
    assert "ID-1" not in others
    assert len(platform.order_of("submit")) <= 1


def test_a_submit_that_fails_ends_it() -> None:
    """It has no job; the others are named."""
    platform = Platform({"ID-0": [RUNNING] * 99})
    with pytest.raises(JobFailedError) as caught:
        platform.read([platform.job("ID-0"), platform.draft("ID-1", error=Refusal)])
    assert caught.value.__notes__ == ["The other job goes on: gio.attach('ID-0') picks it up"]


Refusal = JobFailedError("The platform refused the export", hint="Look at it there.")


def test_a_download_that_fails_lets_go_of_the_others() -> None:
    """One that waits for its next byte hears of it at once, and no thread is left."""
    begun, hung_up = threading.Event(), threading.Event()

    class Stalled(Platform):
        @contextmanager
        def _reply(self, job_id: str) -> Iterator[Reply]:
            if job_id == "ID-0":
                begun.wait(5)
                raise DownloadError("a file is missing", hint="Export it again.")

            def chunks() -> Iterator[bytes]:
                yield b"gio_id,n\n"
                begun.set()
                assert hung_up.wait(5)
                raise BrokenTransferError("the connection is gone")

            yield Reply(0, None, None, False, "text/csv", chunks(), hung_up.set)

    platform = Stalled()
    started = time.monotonic()
    with pytest.raises(DownloadError, match="a file is missing") as caught:
        platform.read([platform.job("ID-0"), platform.job("ID-1")])
    assert time.monotonic() - started < 3
    assert hung_up.is_set()
    assert "The other job goes on: gio.attach('ID-1') picks it up" in caught.value.__notes__


def test_a_submit_on_the_way_is_told_of() -> None:
    """It may have started a job whose id nobody has heard."""
    platform = Platform({"ID-1": [FAILED]})
    begun, end = threading.Event(), threading.Event()

    def submit(*, reading: bool = False) -> ExportJob:
        begun.set()
        assert end.wait(5)
        return platform.job("ID-0")

    def fail(*, reading: bool = False) -> ExportJob:
        assert begun.wait(5)
        return platform.job("ID-1")

    items = [Draft(submit, platform.submits), Draft(fail, platform.submits)]
    with pytest.raises(JobFailedError) as caught:
        platform.read(items)
    end.set()
    note = "1 more on the way may have been started: look at the platform's export list (导出任务)"
    assert caught.value.__notes__[-1] == note


@pytest.mark.parametrize("reading", [False, True])
def test_ctrl_c_lets_go(reading: bool) -> None:
    """In a pause or while threads work: the message has the lines that pick the jobs up."""
    platform = Platform({f"ID-{n}": [RUNNING] * 99 for n in range(12)})
    let_go = threading.Event()

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    def answer(job_ids: Sequence[str], **_: Any) -> Any:
        if platform.order_of("read"):
            raise KeyboardInterrupt
        return Platform.job_results(platform, job_ids, pace=lambda: None)

    if reading:
        platform.before = lambda _: let_go.wait(5) and None
        platform.job_results = answer  # type: ignore[method-assign]
    items = [platform.job(f"ID-{n}") for n in range(12)]
    items += [platform.job("ID-12")] if reading else []
    with pytest.raises(KeyboardInterrupt) as caught:
        read_all(
            items,
            max_workers=2,
            keep_errors=True,
            clock=time.monotonic if reading else platform.clock,
            sleep=time.sleep if reading else interrupt,
        )
    let_go.set()
    said = str(caught.value)
    assert said.startswith("stopped waiting; the jobs go on: gio.attach('ID-0'), ")
    assert said.endswith(f"gio.attach('ID-9') and {len(items) - 10} more pick them up")


# --- warnings ------------------------------------------------------------------------------------


def test_a_warning_reaches_the_caller_at_the_callers_line() -> None:
    """It comes up in a thread, and is told in this one, once for each job."""
    platform = Platform(value_types={"n": "INT"})
    with pytest.warns(UserWarning, match="'n' is INT on the platform") as caught:
        platform.read([platform.job(f"ID-{n}") for n in range(3)])
    assert [(warning.filename, str(warning.message)[:10]) for warning in caught] == [
        (__file__, "Column 'n'")
    ] * 3


def test_a_warning_that_is_an_error_is_raised() -> None:
    """As it is where one export is read."""
    platform = Platform(value_types={"n": "INT"})
    with pytest.raises(UserWarning, match="'n' is INT"):
        platform.read([platform.job("ID-0"), platform.job("ID-1")], keep_errors=True)


def test_one_display_can_tell_of_all() -> None:
    """How many are done with, of how many; an error is done with, too."""
    platform = Platform(stages={"b": [RUNNING, RUNNING], "c": [FAILED]})
    tracker = ManyTracker(3, clock=platform.clock)
    seen: list[Progress] = []
    platform.before = lambda _: seen.append(tracker.snapshot())
    with tracker.running():
        platform.read(
            [platform.job(job_id) for job_id in "abc"],
            max_workers=1,
            keep_errors=True,
            tracker=tracker,
        )
    assert {moment.phase for moment in seen} == {Phase.READ}
    assert [moment.exports for moment in seen] == [(1, 3), (2, 3)]
    last = tracker.snapshot()
    assert (last.phase, last.exports, last.rows, last.files) == (Phase.DONE, (3, 3), 2, 2)
    assert last.bytes == 2 * len("gio_id,n\na,x\n")
