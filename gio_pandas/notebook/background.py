"""An export in the background: a thread submits it, waits for it and reads it; it can be let go."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

from gio_pandas.api.deadlines import Work
from gio_pandas.errors import GioError, SubmitUncertainError
from gio_pandas.exports import notices
from gio_pandas.notebook.code import call

if TYPE_CHECKING:
    import pandas as pd

    from gio_pandas.exports.job import ExportJob

__all__ = ["Export", "one_line"]


class Export:
    """One export in a thread of its own, which leaves the kernel free.

    Parameters
    ----------
    submit
        What submits it, such as ``partial(session.submit_segment, "高价值用户")``.
    done
        Told of the export when it has ended, however it did, in its thread.
    during
        What goes on while the job is waited for and read: made of the job, entered and left in the
        export's thread.

    Attributes
    ----------
    job : ExportJob or None
        The job, once the platform has taken it.
    result : pandas.DataFrame or None
        The frame, once it is whole.
    error : Exception or None
        Why there is none. A cancel is no error, unless it came while a submit was on its way.
    notices : list of str
        What a reader should know and is no error.
    is_cancelled : bool
        Whether ``cancel`` came before the end.
    """

    def __init__(
        self,
        submit: Callable[[], ExportJob],
        done: Callable[[Export], object] | None = None,
        *,
        during: Callable[[ExportJob], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._submit = submit
        self._done = done
        self._during = during
        self._lock = threading.Lock()
        self._work = Work()
        self._stop_reading: Callable[[], object] | None = None
        self._thread: threading.Thread | None = None
        self._is_settled = False  # what became of it is known
        self._ended = threading.Event()  # and everybody was told
        self.job: ExportJob | None = None
        self.result: pd.DataFrame | None = None
        self.error: Exception | None = None
        self.notices: list[str] = []
        self.is_cancelled = False

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended, with all that follows upon its end."""
        return self._thread is not None and not self._ended.is_set()

    @property
    def outcome(self) -> str:
        """What became of it, in one line; empty while it runs, and where there is a frame."""
        if self.error is not None:
            return one_line(self.error)
        if not self.is_cancelled or not self._is_settled:
            return ""
        if self.job is None:
            return "Cancelled: nothing was started on the platform."
        again = call("attach", self.job.id)
        return f"Cancelled here; the export goes on on the platform: {again} picks it up."

    def start(self) -> Export:
        """Begin; an export begins once."""
        with self._lock:
            if self._thread is not None:
                raise RuntimeError("an export is started once; make another one")
            thread = threading.Thread(target=self._run, name="gio-export", daemon=True)
            thread.start()
            self._thread = thread  # from now on it can be waited for
        return self

    def cancel(self) -> None:
        """Let go: ask nothing more, and end what is on its way; what the platform does goes on.

        A submit whose answer has not come may have been started or not: ``error`` says so then.
        """
        with self._lock:
            if self._thread is None or self._is_settled:
                return
            self.is_cancelled = True
            self._work.hang_up()
            if self._stop_reading is not None:
                self._stop_reading()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has ended, so many seconds at most, and tell whether it has."""
        if self._thread is not None:
            self._thread.join(timeout)
        return not self.is_running

    def _run(self) -> None:
        try:
            self._settle()
            if self._done is not None:
                self._done(self)
        finally:
            self._ended.set()

    def _settle(self) -> None:
        with notices.collected() as self.notices:
            try:
                frame = self._export()
            except asyncio.CancelledError:
                self._end()
            except BaseException as error:
                self._end(error=error)
            else:
                self._end(frame)

    def _export(self) -> pd.DataFrame:
        with self._work.begun():
            self.job = self._submit()
        return asyncio.run(self._read(self.job))

    async def _read(self, job: ExportJob) -> pd.DataFrame:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 a coroutine that runs is a task's
        with self._lock:
            if self.is_cancelled:  # it came while the submit was answered
                raise asyncio.CancelledError
            loop = asyncio.get_running_loop()
            self._stop_reading = partial(loop.call_soon_threadsafe, task.cancel)
        try:
            with self._during(job):
                return await job
        finally:
            with self._lock:
                self._stop_reading = None

    def _end(
        self, frame: pd.DataFrame | None = None, *, error: BaseException | None = None
    ) -> None:
        with self._lock:
            self.result = frame
            self.is_cancelled = self.is_cancelled and frame is None  # else it came too late
            if (
                self.job is None
                and self.is_cancelled
                and not isinstance(error, SubmitUncertainError)
            ):
                error = None  # it was let go of before it was submitted
            if error is not None:
                self.error = error if isinstance(error, Exception) else RuntimeError(repr(error))
            self._is_settled = True


def one_line(error: BaseException) -> str:
    """Say an error in one line, with the lines that help to go on: how to get at the job again."""
    if isinstance(error, GioError):
        words = f"{error.args[0]}"
    else:
        words = f"{type(error).__name__}: {error}".removesuffix(": ")
    return " ".join(" ".join([words, *getattr(error, "__notes__", ())]).split())
