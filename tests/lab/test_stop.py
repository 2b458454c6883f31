"""Stop, and a kernel that begins again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gio_pandas import sandbox

from .cells import connected
from .lab import SECONDS, Lab, Notebook

pytestmark = pytest.mark.timeout(90)

SOON = 2.0
"""Seconds within which a read is stopped on a busy machine too; on an idle one it is 0.5."""

READ = """
import time
job = {job}
try:
    job.to_pandas()
except KeyboardInterrupt as stopped:
    ended, words = time.time(), str(stopped)
"""
SUBMIT = 'gio.submit_segment("全部用户", properties=["usr_city", "usr_note"])'


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Write a file of two million users, which takes seconds to decode and none to send."""
    path = tmp_path_factory.mktemp("large") / "users.csv"
    lines = (f"{n},C{n:06d},上海,老客户，推荐过 3 位朋友,{n / 10}\n" for n in range(10_000))
    block = "".join(lines).encode("utf-16-le")
    with path.open("wb") as file:
        file.write("gio_id,用户ID,城市,备注,金额\n".encode("utf-16-le"))
        file.writelines([block] * 200)
    yield path
    path.unlink()


def stop(notebook: Notebook, platform: sandbox.Sandbox, step: str) -> float:
    """Run the second cell, press Stop in the midst of it, and count the seconds to its end."""
    notebook.run(0)
    notebook.begin(1)
    until = time.monotonic() + SECONDS
    while not any(step in (*request.fields, request.path) for request in platform.requests):
        assert time.monotonic() < until, step
        time.sleep(0.02)
    time.sleep(0.5)
    pressed = notebook.interrupt()
    seconds = notebook.kernel_value("ended") - pressed
    print(f"stopped after {seconds:.3f} s")  # noqa: T201
    told = notebook.kernel_value("words, f'gio.attach({job.id!r}) picks it up'")
    assert told[1] in told[0]
    return float(seconds)


def test_stop_lets_go_of_a_wait(lab: Lab) -> None:
    """While the platform works, Stop ends the read at once, with the line that picks it up."""
    with (
        sandbox.start(users=50, stage_seconds=60) as platform,
        lab.open(connected(platform), READ.format(job=SUBMIT)) as notebook,
    ):
        assert 0 < stop(notebook, platform, "jobResult") < SOON


def test_stop_lets_go_of_a_download(lab: Lab) -> None:
    """So it does while a slow file comes in."""
    slow = {"users": 20_000, "stage_seconds": 0, "bytes_per_second": 50_000.0}
    with (
        sandbox.start(**slow) as platform,
        lab.open(connected(platform), READ.format(job=SUBMIT)) as notebook,
    ):
        assert 0 < stop(notebook, platform, "/download") < SOON


def test_stop_lets_go_of_a_decode(lab: Lab, large_file: Path) -> None:
    """So it does while a large file that comes in at once is being read."""
    with (
        sandbox.start(results={"J": [large_file]}) as platform,
        lab.open(connected(platform), READ.format(job='gio.attach("J")')) as notebook,
    ):
        assert 0 < stop(notebook, platform, "/download") < SOON


def test_a_job_is_picked_up_after_a_restart(lab: Lab) -> None:
    """The kernel is new, the job is not: its id is all that is needed, and jobs() lists it."""
    submit = 'job = gio.submit_segment("高价值用户")\nprint(job.id)'
    attach = "df = gio.attach(gio.jobs().id[0]).to_pandas()"
    with (
        sandbox.start(users=2_000, stage_seconds=0.3) as platform,
        lab.open(connected(platform), submit, attach) as notebook,
    ):
        notebook.run(0)
        job = notebook.run(1).inner_text().strip()
        notebook.restart()
        assert notebook.kernel_value("'gio' in globals()") is False
        notebook.run(0)
        notebook.run(2)
        assert notebook.kernel_value("len(df), df.attrs['gio']['job']") == [200, job]
        assert platform.jobs == (job,)
