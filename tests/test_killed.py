"""A process that is killed at any moment loses no job: another one has it, or has it in doubt."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

import pandas as pd
import pytest

import gio_pandas as gio
from gio_pandas import sandbox as embedded
from gio_pandas.exports.ledger import UNCERTAIN, Ledger, ledger_path

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")

T = TypeVar("T")

PROJECT = "默认项目"
SLOWLY = "trickle:download@all,size=1500,seconds=0.04"
TIMES = ("read", "submitted", "finished")
READS: dict[str, tuple[str, dict[str, Any]]] = {
    "segment": (
        "高价值用户",
        {
            "tags": ["会员等级"],
            "properties": ["usr_age", "usr_city"],
            "dtype": {"年龄": "float32", "会员等级": "category"},
        },
    ),
    "tag": ("tag_payment_times", {"charset": "GBK", "properties": ["usr_city"]}),
    "funnel": ("漏斗1", {"dtype_backend": "pyarrow"}),
}
MOMENTS = {
    "segment": [0, 0.02, 0.3, 0.52, 0.58, 0.64, 0.72],
    "tag": [0, 0.54, 0.6, 0.68],
    "funnel": [0, 0.001, 0.003, 0.005, 0.01, 0.02],
}
"""Seconds from the moment that the submit is in the ledger: polls, downloads, and decoding.

A user export takes a quarter of a second until it is finished, is seen to be at the second poll
after half of one, and its files come slowly; an analysis is finished at once.
"""

# It has everything imported, and lets a child do each export: that one is killed.
MOTHER = """
import os, pickle, sys
import gio_pandas as gio
from gio_pandas.exports import cache, desk, kept, ledger, sinks, writers

def export(url, kind, name, options):
    with gio.Session(url, api_key="sandbox-api-key", project="默认项目") as session:
        getattr(session, f"read_{kind}")(name, **options)

print("ready", flush=True)
while line := sys.stdin.readline():
    if child := os.fork():
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    else:
        export(*pickle.loads(bytes.fromhex(line)))
        os._exit(0)
"""
HEIR = """
import pickle, sys
import gio_pandas as gio

frames = {}
with gio.Session(sys.argv[1], api_key="sandbox-api-key") as session:
    for job_id in session.jobs()["id"]:
        frames[job_id] = session.attach(job_id).to_pandas()
sys.stdout.buffer.write(pickle.dumps(frames))
"""


MANY = """
import sys
import gio_pandas as gio

with gio.Session(sys.argv[1], api_key="sandbox-api-key", project="默认项目") as session:
    session.read_many([("segment", "高价值用户"), ("tag", "tag_payment_times")])
"""


def wait_for(look: Callable[[], T]) -> T:
    """Look until there is something, and give it."""
    deadline = time.monotonic() + 20
    while not (found := look()):
        assert time.monotonic() < deadline, "nothing came into the ledger"
        time.sleep(0.0005)
    return found


def doubts(url: str) -> list[str | None]:
    """List what was submitted and not answered, by name."""
    entries = Ledger(ledger_path()).entries(url)
    return [entry.name for entry in entries if entry.stage == UNCERTAIN and entry.id is None]


class Mother:
    """A process whose children export things, and are killed while they do."""

    def __init__(self, platform: embedded.Sandbox) -> None:
        self._url = platform.url
        self._ledger = Ledger(ledger_path())
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen([sys.executable, "-c", MOTHER], **pipes)
        assert self._process.stdout.readline() == "ready\n"

    def __enter__(self) -> Mother:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=20)

    def kill_one(self, kind: str, moment: float, **more: Any) -> tuple[str, bool]:
        """Kill an export so many seconds after its submit is in the ledger.

        Returns the job's id, and whether it was still at it.
        """
        known = self._ids()
        child = self._bear(kind, more)
        fresh = wait_for(lambda: self._ids() - known)
        time.sleep(moment)
        was_at_it = self._kill(child)
        [job_id] = fresh
        return job_id, was_at_it

    def kill_in_doubt(self, kind: str) -> bool:
        """Kill an export whose submit has not been answered; say whether it was still at it."""
        child = self._bear(kind, {})
        wait_for(lambda: doubts(self._url))
        return self._kill(child)

    def _bear(self, kind: str, more: dict[str, Any]) -> int:
        name, options = READS[kind]
        order = pickle.dumps((self._url, kind, name, {**options, **more}))
        self._process.stdin.write(f"{order.hex()}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def _kill(self, child: int) -> bool:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        status = int(self._process.stdout.readline())
        assert status in (0, -signal.SIGKILL)
        return status != 0

    def _ids(self) -> set[str]:
        return {entry.id for entry in self._ledger.entries(self._url) if entry.id}


@pytest.fixture
def platform() -> Iterator[embedded.Sandbox]:
    """Start a platform on which an export takes its time: stages, several files, slow ones."""
    options: dict[str, Any] = {"users": 4_000, "stage_seconds": 0.06, "parts": 3}
    with embedded.start(**options, faults=[SLOWLY]) as started:
        yield started


@pytest.fixture
def session(platform: embedded.Sandbox) -> Iterator[gio.Session]:
    """Open a session on it."""
    with gio.Session(platform.url, api_key=platform.api_key, project=PROJECT) as opened:
        yield opened


def inherit(platform: embedded.Sandbox) -> dict[str, pd.DataFrame]:
    """Have a new process read whatever it finds in the list of jobs."""
    command = [sys.executable, "-W", "error", "-c", HEIR, platform.url]
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    frames: dict[str, pd.DataFrame] = pickle.loads(done.stdout)
    return frames


def same(frame: pd.DataFrame, right: pd.DataFrame) -> None:
    """Compare frames in all but their times, and what makes each job and its files its own."""
    pd.testing.assert_frame_equal(frame, right)
    apart = (*TIMES, "job", "files")
    sources = [
        {key: value for key, value in of.attrs["gio"].items() if key not in apart}
        for of in (frame, right)
    ]
    assert sources[0] == sources[1]


@pytest.mark.parametrize("kind", READS)
def test_a_killed_process_loses_no_job(
    platform: embedded.Sandbox, session: gio.Session, kind: str
) -> None:
    """At whatever moment it dies, the job is in the list, and its id gives the same frame."""
    with Mother(platform) as mother:
        deaths = [mother.kill_one(kind, moment) for moment in MOMENTS[kind]]
    assert any(at_it for _, at_it in deaths)
    assert set(platform.jobs) == {job_id for job_id, _ in deaths} == set(session.jobs()["id"])
    platform.misbehave()
    name, options = READS[kind]
    right = getattr(session, f"read_{kind}")(name, **options)
    frames = inherit(platform)
    assert set(frames) == set(platform.jobs)
    for job_id, frame in frames.items():
        same(frame, right)
        assert frame.attrs["gio"]["job"] == job_id


def test_a_process_killed_in_its_submit_leaves_word_of_it(
    platform: embedded.Sandbox, session: gio.Session
) -> None:
    """The platform may have started the export: the list says that nobody knows."""
    platform.misbehave("slow:submit@all,seconds=5")
    with Mother(platform) as mother:
        assert mother.kill_in_doubt("segment")
    jobs = session.jobs()
    assert jobs["id"].isna().tolist() == [True]
    assert (jobs["stage"].tolist(), jobs["name"].tolist()) == ([UNCERTAIN], [READS["segment"][0]])


def test_ctrl_c_in_many_submits_leaves_word_of_each(platform: embedded.Sandbox) -> None:
    """The program ends with its threads, and does not wait for the answers."""
    platform.misbehave("slow:submit@all,seconds=5")
    command = [sys.executable, "-c", MANY, platform.url]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        wait_for(lambda: len(doubts(platform.url)) == 2)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert "2 more on the way may have been started" in said
    assert sorted(filter(None, doubts(platform.url))) == ["订单交易笔数", "高价值用户"]


def test_a_killed_process_leaves_no_half_result(
    platform: embedded.Sandbox, session: gio.Session
) -> None:
    """Who comes after it with ``reuse`` joins its job, whatever it had kept by then."""
    moments = MOMENTS["segment"][3::2]
    with Mother(platform) as mother:
        deaths = [
            mother.kill_one("segment", moment, reuse="1h", refresh=True) for moment in moments
        ]
    platform.misbehave()
    jobs = len(platform.jobs)
    assert jobs == len(moments)
    name, options = READS["segment"]
    frame = session.read_segment(name, reuse="1h", **options)
    assert len(platform.jobs) == jobs
    assert frame.attrs["gio"]["job"] == deaths[-1][0]
    same(frame, session.read_segment(name, **options))
    assert ledger_path().exists()
