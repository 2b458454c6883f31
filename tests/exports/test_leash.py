"""What is awaited is let go of as a whole, and nobody has to wait for its threads."""

from __future__ import annotations

import asyncio
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import gio_pandas as gio
from gio_pandas.api.models import JobResult
from gio_pandas.exports.leash import in_thread

from .served import Platform, serve
from .test_reading import SOON, settled

HEADER = b"gio_id,n\n"


async def awaited(job: gio.ExportJob) -> int:
    """Await a job, and count its rows."""
    return len(await job)


def test_a_cancel_ends_the_downloads() -> None:
    """They are hung up on, no thread goes on reading, and the message has the job's line."""
    begun = threading.Barrier(5)

    def endless() -> Iterator[bytes]:
        yield HEADER
        begun.wait(SOON)
        while True:
            yield b"1,1\n"
            time.sleep(0.001)

    platform = Platform([endless] * 4)
    job = serve(platform)

    async def main() -> str:
        task = asyncio.create_task(awaited(job))
        await asyncio.to_thread(begun.wait, SOON)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return str(caught.value)

    assert "gio.attach('an-id') picks it up" in asyncio.run(main())
    until = time.monotonic() + SOON
    while any(thread.name == "gio-await" for thread in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.005)
    assert settled() == []
    assert platform.hung_up == {0, 1, 2, 3}
    platform.bodies, platform.hung_up = [HEADER + b"1,1\n"], set()
    job._uris = ()
    assert asyncio.run(awaited(job)) == 1


def test_a_cancel_does_not_wait_for_a_poll() -> None:
    """A platform that says nothing holds neither the task nor the loop's end up."""
    end, polled = threading.Event(), threading.Event()

    class Silent(Platform):
        def job_result(self, job_id: str, *, timeout: float | None = None) -> JobResult:
            self.asked += 1
            polled.set()
            end.wait(SOON)
            return JobResult(stage="RUNNING")

    platform = Silent([HEADER])
    job = serve(platform)

    async def main() -> None:
        task = asyncio.ensure_future(awaited(job))
        assert await asyncio.to_thread(polled.wait, SOON)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert not end.is_set()
    assert platform.asked == 1
    end.set()


def test_an_awaited_job_knows_its_rows() -> None:
    """As one that was read in any other way."""
    job = serve(Platform([HEADER + b"1,1\n2,2\n"] * 2))
    assert asyncio.run(awaited(job)) == 4
    assert job.rows == 4


def test_a_warning_is_told_where_the_job_is_awaited() -> None:
    """Not in a thread that is nobody's."""
    job = serve(Platform([HEADER + b"1,word\n"]), value_types={"n": "INT"})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(awaited(job))
    (warning,) = caught
    assert "'n' is INT on the platform" in str(warning.message)
    assert Path(warning.filename) == Path(__file__)


def test_an_error_in_the_thread_is_raised() -> None:
    """With the line that has the job again."""
    job = serve(Platform([HEADER + b"1\n"]))
    with pytest.raises(gio.DecodeError) as caught:
        asyncio.run(awaited(job))
    assert caught.value.__notes__ == ["The job: gio.attach('an-id')"]


def test_a_thread_gives_what_it_made() -> None:
    """Or raises what it raised."""

    async def main() -> int:
        with pytest.raises(ZeroDivisionError):
            await in_thread(divmod, 1, 0)
        return await in_thread(max, 1, 2)

    assert asyncio.run(main()) == 2
