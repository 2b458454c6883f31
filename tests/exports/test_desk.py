"""The desk: a submit is one job, written down at once, and joined by who wants the same."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import gio_pandas as gio
from gio_pandas.api.models import JobResult, Kind, SubmittedJob
from gio_pandas.exports.desk import Desk, read_age
from gio_pandas.exports.job import ExportJob, Order
from gio_pandas.exports.ledger import UNCERTAIN, ledger_path
from gio_pandas.settings import Settings

from .served import Platform

URL = "https://cdp.example.cn"
HOUR = timedelta(hours=1)
FINISHED = JobResult(stage="FINISH", uris=("/jobs/0/用户.csv",))
AWAY = gio.PlatformUnavailableError("No answer", hint="Check the network.")
STRANGER = gio.GraphQLError("no such job", hint="Check it.")
FORBIDDEN = gio.PermissionDeniedError("not yours", hint="Ask.")

Answer = JobResult | Exception | None


@dataclass
class Line(Platform):
    """A platform that answers polls as it is told, and takes submits."""

    bodies: Sequence[Any] = (b"gio_id,n\nu1,1\n",)
    answer: Answer = FINISHED
    submits: int = 0
    failure: BaseException | None = None
    slow: float = 0.0
    polled: list[str] = field(default_factory=list)

    def job_result(self, job_id: str, *, timeout: float | None = None) -> Any:
        """Answer a poll."""
        self.polled.append(job_id)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def submit(self) -> SubmittedJob:
        """Take a submit."""
        time.sleep(self.slow)
        self.submits += 1
        if self.failure is not None:
            raise self.failure
        return SubmittedJob(id=f"J{self.submits}", stage="NONE")


def order(**more: Any) -> Order:
    """Describe a segment's export."""
    known = {"kind": Kind.SEGMENT, "item_id": "qgQMXnD3", "name": "高价值用户", "charset": "UTF-8"}
    return Order(**{"platform": URL, "project_id": "WlGk4Daj", **known, **more})


@pytest.fixture
def line() -> Line:
    """Give a platform."""
    return Line()


@pytest.fixture
def desk(line: Line) -> Desk:
    """Give its desk, with the ledger and the cache of this test's home."""
    return Desk(line, Settings(url=URL))


def stages(desk: Desk) -> list[tuple[str | None, str]]:
    """List what the ledger has."""
    return [(entry.id, entry.stage) for entry in desk.ledger.entries(URL)]


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        ("1h", HOUR),
        ("30min", HOUR / 2),
        ("7d", timedelta(days=7)),
        ("1h30min", HOUR * 1.5),
        ("1.5 Hours", HOUR * 1.5),
        (" 1 day 12 h ", timedelta(days=1.5)),
        ("99999999999999999999w", timedelta(days=36_500)),
        (timedelta(seconds=5), timedelta(seconds=5)),
        (timedelta(days=999_999), timedelta(days=36_500)),
        (None, None),
    ],
)
def test_an_age_is_a_span_of_time(age: Any, expected: timedelta | None) -> None:
    """Numbers with their units, a century at most."""
    assert read_age(age, "reuse") == expected


@pytest.mark.parametrize(
    "age",
    [
        "",
        "soon",
        "60",
        "0h",
        "-1h",
        "1M2",
        "2 months",
        "2026-03-01",
        3600,
        1.5,
        True,
        timedelta(0),
        [],
    ],
)
def test_what_is_no_age_is_refused(age: Any) -> None:
    """A number without a unit, too: nobody means nanoseconds."""
    with pytest.raises(gio.SettingsError, match=r"reuse=.* is no span of time"):
        read_age(age, "reuse")


# --- one submit, one job -----------------------------------------------------------------------


def test_a_submit_is_written_down_before_anything_is_asked(desk: Desk, line: Line) -> None:
    """With its id, and nothing of it is kept."""
    job = desk.submit(order(), line.submit)
    assert (job.id, job.stage, line.polled) == ("J1", "NONE", [])
    assert stages(desk) == [("J1", "NONE")]
    assert not desk.cache.folder.exists()
    job.to_pandas()
    assert stages(desk) == [("J1", "FINISH")]
    assert not desk.cache.folder.exists()


@pytest.mark.parametrize("reuse", [None, HOUR])
def test_a_submit_is_in_doubt_while_it_is_on_its_way(
    desk: Desk, line: Line, reuse: timedelta | None
) -> None:
    """It is written down before it is sent: a process that is killed leaves word of it."""
    seen: list[list[tuple[str | None, str]]] = []

    def send() -> SubmittedJob:
        seen.append(stages(desk))
        return line.submit()

    desk.submit(order(), send, reuse=reuse)
    assert seen == [[(None, UNCERTAIN)]]
    assert stages(desk) == [("J1", "NONE")]


def test_a_ledger_that_is_removed_meanwhile_loses_no_job(desk: Desk, line: Line) -> None:
    """What was begun is gone with it, and its number may be another one's by now."""

    def send() -> SubmittedJob:
        ledger_path().unlink()
        desk.ledger.add(order(item_id="other"), "other", "NONE", datetime.now(UTC))
        return line.submit()

    desk.submit(order(), send)
    assert stages(desk) == [("J1", "NONE"), ("other", "NONE")]


def test_a_submit_in_doubt_is_written_down(desk: Desk, line: Line) -> None:
    """The error says what it was and where to look; another submit is the user's own decision."""
    line.failure = gio.SubmitUncertainError("No answer came", hint="Look at the export list.")
    with pytest.raises(gio.SubmitUncertainError) as caught:
        desk.submit(order(), line.submit)
    [note] = caught.value.__notes__
    assert "segment (分群) '高价值用户'" in note
    assert f"gio.jobs() lists it as {UNCERTAIN}" in note
    assert stages(desk) == [(None, UNCERTAIN)]
    line.failure = None
    assert desk.submit(order(), line.submit, reuse=HOUR).id == "J2"


def test_a_refused_submit_is_not_written_down(desk: Desk, line: Line) -> None:
    """Nothing was started."""
    for failure in (AWAY, STRANGER, gio.JobFailedError("refused", hint="Check it.")):
        line.failure = failure
        with pytest.raises(type(failure)):
            desk.submit(order(), line.submit)
    assert stages(desk) == []


def test_a_job_that_fails_at_its_submit_is_not_lost(desk: Desk, line: Line) -> None:
    """It is on the platform, under the id that was answered; the ledger and the error have it."""
    line.failure = gio.JobFailedError("E7", hint="Look at it.", job_id="J7")
    with pytest.raises(gio.JobFailedError) as caught:
        desk.submit(order(), line.submit)
    assert caught.value.__notes__ == ["The job: gio.attach('J7')"]
    assert stages(desk) == [("J7", "ERROR")]
    assert desk.ledger.latest(order(), since=datetime.now(UTC) - HOUR) is None


def test_ctrl_c_in_the_middle_of_a_submit_leaves_a_doubt(desk: Desk, line: Line) -> None:
    """It says where to look before it is run again."""
    line.failure = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt, match="may or may not have been started") as caught:
        desk.submit(order(), line.submit)
    assert "导出任务" in str(caught.value)
    assert "高价值用户" in str(caught.value)
    assert stages(desk) == [(None, UNCERTAIN)]


def test_whatever_ends_a_submit_leaves_a_doubt(desk: Desk, line: Line) -> None:
    """The end of the program, or an error of ours: the platform may have been asked."""
    line.failure = SystemExit(1)
    with pytest.raises(SystemExit):
        desk.submit(order(), line.submit)
    assert stages(desk) == [(None, UNCERTAIN)]


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_ctrl_c_after_a_submit_loses_no_job(desk: Desk, line: Line) -> None:
    """It comes while another process has the ledger, and the job is written down all the same."""
    desk.submit(order(), line.submit)
    main = threading.get_ident()

    def interrupt() -> None:
        signal.pthread_kill(main, signal.SIGINT)  # heard when the ledger lets go
        other.execute("COMMIT")

    def send() -> SubmittedJob:
        other.execute("BEGIN EXCLUSIVE")
        begun.start()
        return line.submit()

    with closing(
        sqlite3.connect(ledger_path(), isolation_level=None, check_same_thread=False)
    ) as other:
        begun = threading.Timer(0.2, interrupt)
        with pytest.raises(KeyboardInterrupt, match=r"gio\.attach\('J2'\) picks it up"):
            desk.submit(order(), send)
        begun.join()
    assert stages(desk) == [("J2", "NONE"), ("J1", "NONE")]


# --- what is joined ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "minutes", "joined"),
    [
        (FINISHED, 30, True),
        (JobResult(stage="RUNNING"), 30, True),
        (JobResult(stage="NONE"), 30, True),
        (JobResult(stage="COMPRESSING"), 30, True),
        (AWAY, 30, True),
        (None, 0, True),
        (JobResult(stage="FINISH"), 0, True),
        (None, 30, False),
        (JobResult(stage="FINISH"), 30, False),
        (JobResult(stage="ERROR"), 30, False),
        (STRANGER, 30, False),
        (FORBIDDEN, 30, False),
        (FINISHED, 90, False),
    ],
)
def test_what_is_joined(
    desk: Desk, line: Line, answer: Answer, minutes: float, joined: bool
) -> None:
    """A job that runs or is finished; none that failed, is forgotten, has no files, or is old."""
    desk.ledger.add(order(), "old", "NONE", datetime.now(UTC) - timedelta(minutes=minutes))
    line.answer = answer
    job = desk.submit(order(), line.submit, reuse=HOUR)
    assert job.id == ("old" if joined else "J1")
    assert line.submits == (0 if joined else 1)


def test_a_platform_that_lets_nobody_in_is_no_reason_to_submit(desk: Desk, line: Line) -> None:
    """The error of the way in is the error."""
    desk.ledger.add(order(), "old", "NONE", datetime.now(UTC))
    line.answer = gio.AuthenticationError("the key is refused", hint="Check it.")
    with pytest.raises(gio.AuthenticationError):
        desk.submit(order(), line.submit, reuse=HOUR)
    assert line.submits == 0


def test_a_failed_job_is_remembered_as_one(desk: Desk, line: Line) -> None:
    """It is asked for once, and not each time."""
    desk.ledger.add(order(), "old", "NONE", datetime.now(UTC))
    line.answer = JobResult(stage="ERROR")
    desk.submit(order(), line.submit, reuse=HOUR)
    line.answer = FINISHED
    assert desk.submit(order(), line.submit, reuse=HOUR).id == "J1"
    assert line.polled == ["old", "J1"]
    assert stages(desk) == [("J1", "FINISH"), ("old", "ERROR")]


def test_who_submits_after_a_doubt_is_told(desk: Desk, line: Line) -> None:
    """What was not answered cannot be joined; it may run twice now, and not unsaid."""
    line.failure = gio.SubmitUncertainError("No answer", hint="Look.")
    with pytest.raises(gio.SubmitUncertainError):
        desk.submit(order(), line.submit, reuse=HOUR)
    line.failure = None
    with pytest.warns(UserWarning, match="segment '高价值用户' of .* was not answered") as told:
        job = desk.submit(order(), line.submit, reuse=HOUR)
    assert told[0].filename == __file__
    assert job.id == "J2"
    assert desk.submit(order(), line.submit, reuse=HOUR).id == "J2"


def test_refresh_joins_nothing(desk: Desk, line: Line) -> None:
    """But its job is joined, and its result kept."""
    for id_ in ("J1", "J2"):
        job = desk.submit(order(), line.submit, reuse=HOUR, refresh=True)
        assert job.id == id_
    assert line.polled == []
    job.to_pandas()
    assert desk.submit(order(), line.submit, reuse=HOUR).id == "J2"
    assert job.is_kept()


def test_a_kept_result_is_joined_without_a_question(desk: Desk, line: Line) -> None:
    """By who reads: nobody is asked for the job or its files, whatever has become of them."""
    frame = desk.submit(order(), line.submit, reuse=HOUR).to_pandas()
    line.polled.clear()
    line.begun.clear()
    line.answer = STRANGER
    job = desk.submit(order(), line.submit, reuse=HOUR, reading=True)
    assert job.to_pandas().equals(frame)
    assert (job.id, job.stage, job.rows) == ("J1", "FINISH", 1)
    assert (line.polled, line.begun, line.submits) == ([], [], 1)


@pytest.mark.parametrize("answer", [None, STRANGER, JobResult(stage="FINISH")])
def test_a_kept_result_is_no_job(desk: Desk, line: Line, answer: Answer, tmp_path: Path) -> None:
    """Whoever wants a job may want its files: a forgotten one is submitted again at once."""
    desk.submit(order(), line.submit, reuse=HOUR).to_pandas()
    line.polled.clear()
    line.answer = answer
    job = desk.submit(order(), line.submit, reuse=HOUR)
    assert (job.id, line.polled) == ("J2", ["J1"])
    line.answer = FINISHED
    assert job.to_parquet(tmp_path / "a.parquet")


def test_an_id_that_comes_a_second_time_has_its_own_result(desk: Desk, line: Line) -> None:
    """As on a sandbox that was started anew: what was kept of the first job is not the second's."""
    reads = {"reuse": HOUR, "reading": True}
    assert desk.submit(order(), line.submit, **reads).to_pandas()["n"].tolist() == [1]
    line.bodies, line.submits = [b"gio_id,n\nu1,2\n"], 0
    again = desk.submit(order(), line.submit, refresh=True, **reads)
    assert (again.id, again.to_pandas()["n"].tolist()) == ("J1", [2])
    line.bodies, line.submits = [b"gio_id,n\nu1,3\n"], 0
    other = desk.submit(order(item_id="other"), line.submit, **reads)
    assert (other.id, other.to_pandas()["n"].tolist()) == ("J1", [3])


def test_who_joins_reads_as_he_asked_to(desk: Desk, line: Line) -> None:
    """The job is another's, the columns and dtypes are not."""
    desk.submit(order(columns=["n"], timeout=1.0), line.submit)
    job = desk.submit(order(dtype="str", timeout=2.0), line.submit, reuse=HOUR)
    assert (line.submits, job.order.timeout) == (1, 2.0)
    assert job.to_pandas().to_dict("list") == {"gio_id": ["u1"], "n": ["1"]}


def test_threads_that_want_the_same_share_one_job(line: Line) -> None:
    """Also those that have a session each; who wants something else does not wait for them."""
    line.slow = 0.1
    desks = [Desk(line, Settings(url=URL)) for _ in range(4)]
    wanted = [order() if number % 2 else order(item_id="other") for number in range(12)]

    def submit(number: int) -> ExportJob:
        return desks[number % 4].submit(wanted[number], line.submit, reuse=HOUR)

    with ThreadPoolExecutor(12) as threads:
        jobs = list(threads.map(submit, range(12)))
    assert line.submits == 2
    assert {job.id for job in jobs[::2]} != {job.id for job in jobs[1::2]}
    assert {len({job.id for job in half}) for half in (jobs[::2], jobs[1::2])} == {1}


# --- picked up again ---------------------------------------------------------------------------


def test_a_job_of_this_machine_is_attached_with_all_that_is_known(desk: Desk, line: Line) -> None:
    """Another desk reads it as the first one would have."""
    given = order(
        columns=["n"], dtype={"n": "float32"}, arguments={"charset": "UTF-8", "tags": ["t"]}
    )
    job = desk.submit(given, line.submit)
    attached = Desk(line, Settings(url=URL, timeout=7.0)).attach(job.id)
    assert (attached.name, attached.kind, attached.stage) == ("高价值用户", "segment", "NONE")
    assert attached.submitted_at == job.submitted_at
    assert (attached.order.timeout, attached.order.arguments) == (7.0, given.arguments)
    assert line.polled == []
    frame = attached.to_pandas()
    assert str(frame["n"].dtype) == "float32"
    assert stages(desk) == [("J1", "FINISH")]


@pytest.mark.parametrize("job_id", ["a\nb", "a\0b", " lead", "tail\t", "\u200b7"])
def test_an_id_is_taken_as_it_was_given(desk: Desk, job_id: str) -> None:
    """What the platform calls a job is its name, however odd."""
    desk.submit(order(), lambda: SubmittedJob(id=job_id))
    attached = desk.attach(job_id)
    assert (attached.id, attached.name) == (job_id, "高价值用户")


def test_white_space_around_an_unknown_id_is_left_out(desk: Desk, line: Line) -> None:
    """It was copied with it: what is inside may be known here, or elsewhere."""
    desk.submit(order(), line.submit)
    assert (desk.attach(" J1\n").id, desk.attach(" J1\n").name) == ("J1", "高价值用户")
    assert desk.attach("\tother ").id == "other"


def test_a_charset_that_is_known_better_wins(desk: Desk, line: Line) -> None:
    """For a job of this machine, too."""
    desk.submit(order(), line.submit)
    assert desk.attach("J1", charset="GBK").order.charset == "GBK"
    assert desk.attach("J1").order.charset == "UTF-8"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("TagUserExportJobDto:AbQ3XApY", "tag"),
        ("SegmentUserExportJobDto:AbQ3XApY", "segment"),
        ("CHARTS:AbQ3XApY", "analysis"),
        ("Whatever", None),
    ],
)
def test_a_job_of_another_machine_is_its_id(desk: Desk, name: str, kind: str | None) -> None:
    """Its kind is in it, where it tells; it is not in the ledger, and stays out of it."""
    job = desk.attach(b64encode(name.encode()).decode().rstrip("="))
    assert (job.kind, job.name, job.submitted_at) == (kind, None, None)
    assert len(job.to_pandas()) == 1
    assert stages(desk) == []


def test_a_job_of_another_platform_is_not_known(desk: Desk, line: Line) -> None:
    """The same id may be there, too."""
    desk.submit(order(), line.submit)
    other = Desk(line, Settings(url="https://other.example.cn"))
    assert other.attach("J1").name is None
    assert other.submit(order(platform="https://other.example.cn"), line.submit, reuse=HOUR)
    assert line.submits == 2


@pytest.mark.parametrize(
    "use",
    [
        lambda desk, line: desk.submit(order(), line.submit),
        lambda desk, line: desk.submit(order(), line.submit, reuse=HOUR),
        lambda desk, line: desk.attach("J1"),
    ],
    ids=["submit", "reuse", "attach"],
)
def test_a_broken_ledger_stops_nothing(
    desk: Desk, line: Line, use: Callable[[Desk, Line], ExportJob]
) -> None:
    """A warning, and the frame."""
    ledger_path().parent.mkdir(parents=True)
    ledger_path().write_bytes(b"garbage" * 1000)
    with pytest.warns(UserWarning, match="cannot be used") as told:
        assert len(use(desk, line).to_pandas()) == 1
    assert len(told) == 1


# --- what was exported earlier -----------------------------------------------------------------

DAY = 24 * HOUR


def remember(desk: Desk, *ages: timedelta, stage: str = "FINISH", **more: Any) -> None:
    """Write down jobs of some ages, each called by its age in hours."""
    for age in ages:
        when = datetime.now(UTC) - age
        desk.ledger.add(order(**more), f"{age / HOUR:g}h", stage, when)


@pytest.mark.parametrize(
    ("ages", "age", "expected"),
    [
        ([3 * DAY, DAY, 2 * DAY], None, "24h"),
        ([DAY - HOUR, 2 * DAY - HOUR], DAY, "23h"),
        ([DAY + HOUR, HOUR], DAY, "25h"),
        ([DAY / 2, 2 * DAY], DAY, "48h"),
        ([28 * DAY, 29 * DAY, 30 * DAY, 31 * DAY], 30 * DAY, "720h"),
        ([300 * DAY, DAY], 7 * DAY, "7200h"),
        ([8 * DAY, 6 * DAY], 7 * DAY, "192h"),
    ],
)
def test_the_earlier_job_is_that_of_its_time(
    desk: Desk, ages: list[timedelta], age: timedelta | None, expected: str
) -> None:
    """The nearest of those that are about as old; without a time, the newest."""
    remember(desk, *ages)
    at = datetime.now(UTC) - age if age else None
    assert desk.earlier(order(), at=at).id == expected


@pytest.mark.parametrize("answer", [None, STRANGER, FORBIDDEN, JobResult(stage="RUNNING")])
def test_where_the_platform_has_a_job_no_more_an_older_one_is_taken(
    desk: Desk, line: Line, answer: Answer
) -> None:
    """One whose result is kept: of that nobody is asked."""
    remember(desk, DAY, 2 * DAY)
    desk.earlier(order(), at=datetime.now(UTC) - 2 * DAY).to_pandas()
    line.answer = answer
    line.polled.clear()
    assert desk.earlier(order()).id == "48h"
    assert line.polled == ["24h"]


def test_who_has_nothing_is_told_what_there_is(desk: Desk, line: Line) -> None:
    """Neither jobs that failed, nor submits in doubt, nor others; no one is asked of those."""
    line.failure = gio.SubmitUncertainError("No answer", hint="Look.")
    with pytest.raises(gio.SubmitUncertainError):
        desk.submit(order(), line.submit)
    remember(desk, DAY, stage="ERROR")
    remember(desk, 2 * DAY, item_id="another")
    remember(desk, 3 * DAY, arguments={"tags": ["t"]})
    with pytest.raises(gio.NotFoundError, match="No earlier export"):
        desk.earlier(order())
    remember(desk, 4 * DAY, stage="GONE")
    with pytest.raises(gio.NotFoundError, match=r"Earlier exports of .* are known \(1\), but"):
        desk.earlier(order())
    with pytest.raises(gio.NotFoundError, match="The first export"):
        desk.earlier(order(), at=datetime.now(UTC) - 5 * DAY)
    assert line.polled == []


def test_a_platform_that_is_away_has_not_forgotten(desk: Desk, line: Line) -> None:
    """The error is its own, and no older job is taken instead."""
    remember(desk, DAY, 2 * DAY)
    line.answer = AWAY
    with pytest.raises(gio.PlatformUnavailableError):
        desk.earlier(order())
