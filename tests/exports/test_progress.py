"""How far an export is: pulled, right at any moment, and of no weight."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gio_pandas.errors import JobFailedError
from gio_pandas.exports.job import ExportJob
from gio_pandas.exports.progress import ManyTracker, Phase, Progress, Tracker, followed

from .served import Platform, blocks_of, job, serve

CSV = "gio_id,n\nu1,1\nu2,2\n"


@dataclass
class Clock:
    """Tells the time that it is told."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class File:
    """A file as far as it came."""

    position: int = 0
    size: int | None = None


@dataclass
class Job:
    """A job as far as it is followed."""

    id: str = "an-id"
    title: str = "segment (分群) '高价值用户'"
    stage: str = "RUNNING"
    uris: tuple[str, ...] = ()
    rows: int | None = None
    asked: list[str] = field(default_factory=list)

    def usual(self) -> tuple[float, int] | None:
        """Know of two such exports."""
        self.asked.append(self.id)
        return 40.0, 2


def test_before_there_is_a_job_it_is_submitting() -> None:
    """The title is what was asked for; the clock runs."""
    clock = Clock()
    tracker = Tracker("segment (分群) 'vip'", clock=clock)
    with tracker.running():
        clock.now += 2
        assert tracker.snapshot() == Progress(
            title="segment (分群) 'vip'", phase=Phase.SUBMIT, seconds=2.0
        )


def test_a_job_that_is_waited_for_shows_its_stage() -> None:
    """Pulled from the job: nobody has to say that a poll was answered."""
    known = Job()
    tracker = Tracker("vip", clock=Clock())
    with tracker.running():
        tracker.follow(known)
        assert tracker.snapshot().stage == "RUNNING"
        known.stage = "DATA_READY"
        seen = tracker.snapshot()
    assert (seen.phase, seen.stage, seen.title) == (Phase.WAIT, "DATA_READY", known.title)
    assert seen.job_id == "an-id"


def test_what_files_and_rows_say_is_added_up() -> None:
    """Bytes of all files; how many there are only once each of them has told."""
    clock = Clock()
    tracker = Tracker("vip", Job(uris=("a", "b")), clock=clock)
    files, rows = [File(300, 1000), File()], 7
    with tracker.running(), tracker.reading(files, lambda: rows):
        clock.now += 2
        assert tracker.snapshot().total_bytes is None
        files[1].position, files[1].size = 100, 600
        seen = tracker.snapshot()
        assert (seen.phase, seen.files, seen.bytes, seen.total_bytes) == (Phase.READ, 2, 400, 1600)
        assert (seen.rows, seen.rate, seen.fraction) == (7, 200.0, 0.25)
        files[0].position = 0  # its transfer began again
        assert tracker.snapshot().bytes == 100


def test_what_was_read_is_let_go_of() -> None:
    """In the end the numbers are kept, not what they are about; the rate is of the reading."""
    clock, rows = Clock(), [5]
    tracker = Tracker("vip", Job(uris=("a",)), clock=clock)
    with tracker.running():
        clock.now += 10
        with tracker.reading([File(100, 100)], lambda: rows[0]):
            clock.now += 2
        rows[0] = 99
        clock.now += 3
        assert tracker.snapshot().rows == 5
    clock.now += 1000
    seen = tracker.snapshot()
    assert (seen.phase, seen.seconds, seen.bytes, seen.rate) == (Phase.DONE, 15.0, 100, 50.0)


@pytest.mark.parametrize(
    ("error", "phase", "said"),
    [
        (JobFailedError("It was\ngiven up", hint="Again."), Phase.FAILED, "It was given up"),
        (OSError("no room"), Phase.FAILED, "OSError: no room"),
        (KeyboardInterrupt(), Phase.STOPPED, None),
        (GeneratorExit(), Phase.STOPPED, None),
    ],
)
def test_how_it_ended(error: BaseException, phase: Phase, said: str | None) -> None:
    """An error is a failure, told in one line; Ctrl-C and its like are no failure."""
    tracker = Tracker("vip", clock=Clock())
    with pytest.raises(type(error)), tracker.running():
        raise error
    assert (tracker.snapshot().phase, tracker.snapshot().error) == (phase, said)


def test_a_part_of_it_is_not_the_end_of_it() -> None:
    """The wait within ``to_pandas`` ends, and it goes on; then it may begin anew."""
    clock = Clock()
    tracker = Tracker("vip", Job(), clock=clock)
    with tracker.running():
        with tracker.running():
            clock.now += 5
        assert tracker.is_running
        assert tracker.snapshot().phase is Phase.WAIT
    assert not tracker.is_running
    with tracker.running():
        assert (tracker.snapshot().phase, tracker.snapshot().seconds) == (Phase.WAIT, 0.0)


@pytest.mark.parametrize(
    ("known", "phase"),
    [
        (Job(), Phase.WAIT),
        (Job(stage="FINISH", uris=("a",)), Phase.DONE),
        (Job(stage="ERROR"), Phase.FAILED),
    ],
)
def test_a_job_that_nobody_waits_for(known: Job, phase: Phase) -> None:
    """What the last poll said is what there is to say."""
    assert Tracker("vip", known).snapshot().phase is phase


def test_after_half_a_minute_it_says_how_long_such_exports_took() -> None:
    """It is asked for once, and not before."""
    clock, known = Clock(), Job()
    tracker = Tracker("vip", known, clock=clock)
    with tracker.running():
        clock.now += 29
        assert tracker.snapshot().usual is None
        assert known.asked == []
        clock.now += 1
        assert tracker.snapshot().usual == (40.0, 2)
        assert tracker.snapshot().usual == (40.0, 2)
    assert known.asked == ["an-id"]


def test_many_are_told_of_together() -> None:
    """How many are done with, and what the others do; a job that is there twice counts once."""
    clock = Clock()
    many = ManyTracker(3, clock=clock)
    waiting, reading = (Tracker("vip", Job(), clock=clock) for _ in range(2))
    with many.running():
        assert many.snapshot().phase is Phase.SUBMIT
        for tracker in (waiting, reading, reading):
            many.add(tracker)
        with reading.running(), reading.reading([File(50, 100)], lambda: 4):
            clock.now += 1
            seen = many.snapshot()
            assert (seen.phase, seen.stage) == (Phase.READ, "1 waiting, 1 reading")
            assert (seen.bytes, seen.rows, seen.rate, seen.exports) == (50, 4, 50.0, (0, 3))
        many.settle()
        assert many.snapshot().fraction == pytest.approx(1 / 3)
    assert many.snapshot().phase is Phase.DONE
    assert many.snapshot().title == "3 exports"


# --- of jobs that are really read ----------------------------------------------------------------


def sinks(place: Path) -> dict[str, Callable[[ExportJob], Any]]:
    """Name every way to read a job."""
    return {
        "to_pandas": lambda known: known.to_pandas(),
        "to_arrow": lambda known: known.to_arrow(),
        "to_polars": lambda known: known.to_polars(),
        "iter_batches": lambda known: list(known.iter_batches()),
        "to_parquet": lambda known: known.to_parquet(place / "one.parquet"),
        "to_csv": lambda known: known.to_csv(place / "one.csv"),
        "download": lambda known: known.download(place / "raw"),
    }


@pytest.mark.parametrize("sink", sinks(Path()))
def test_every_sink_is_followed(sink: str, place: Path) -> None:
    """In the end all bytes and rows were counted; a download has no rows to count."""
    known = job(CSV, CSV)
    sinks(place)[sink](known)
    seen = known.tracker.snapshot()
    assert (seen.phase, seen.files, seen.bytes) == (Phase.DONE, 2, 2 * len(CSV))
    assert seen.total_bytes == 2 * len(CSV)
    assert seen.rows == (0 if sink == "download" else 4)
    assert not known.tracker.is_running


def test_rows_are_seen_while_they_come() -> None:
    """Whoever looks in the middle of a file sees what came by then, never more than there is."""
    seen: list[Progress] = []
    rows = [f"u{number},{number}\n".encode() for number in range(200_000)]

    def body() -> Iterator[bytes]:
        yield b"gio_id,n\n"
        for start in range(0, len(rows), 2000):
            yield b"".join(rows[start : start + 2000])
            seen.append(known.tracker.snapshot())

    known = serve(Platform([body]))
    with blocks_of(1 << 16):
        assert len(known.to_pandas()) == len(rows)
    assert {moment.phase for moment in seen} == {Phase.READ}
    came = [moment.bytes for moment in seen]
    assert came == sorted(set(came))
    counted = [moment.rows for moment in seen]
    assert counted == sorted(counted)
    assert 0 < counted[-1] <= len(rows)
    assert known.tracker.snapshot().rows == len(rows)


def test_a_reader_that_stops_half_way_is_not_one_that_failed() -> None:
    """All bytes have come when the first batch does: from then on a reader takes its time."""
    known = job(CSV)
    batches = known.iter_batches(1)
    next(batches)
    assert known.tracker.snapshot().phase is Phase.DONE
    batches.close()
    assert known.tracker.snapshot().phase is Phase.DONE


def test_a_read_that_fails_is_told_of() -> None:
    """What a display shows last is what went wrong."""
    known = job("gio_id,n\nu1\n")
    with pytest.raises(Exception, match="column"):
        known.to_pandas()
    seen = known.tracker.snapshot()
    assert seen.phase is Phase.FAILED
    assert seen.error


@pytest.mark.parametrize("progress", ["yes", 1, "off"])
def test_progress_is_true_false_or_none(progress: Any) -> None:
    """Anything else is a slip."""
    with pytest.raises(TypeError, match="True, False or None"):
        job(CSV).to_pandas(progress=progress)


def test_nothing_is_shown_of_what_is_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait within a verb has no display of its own, and ``off`` has none at all."""
    from gio_pandas.notebook import progress

    shown: list[str] = []
    monkeypatch.setattr(progress, "display_for", lambda mode: shown.append(mode))
    tracker = Tracker("vip")
    with followed(tracker, "auto"), followed(tracker, "text"):
        pass
    with followed(tracker, "off"):
        pass
    assert shown == ["auto"]
