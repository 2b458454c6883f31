"""Cards of jobs that go on, kept up to date in their place."""

from __future__ import annotations

import logging
import sys
import threading
import time
from contextvars import copy_context
from typing import TYPE_CHECKING

from gio_pandas.errors import JobTimeoutError
from gio_pandas.exports.wait import Lookout
from gio_pandas.notebook.cards import Tone, job_card
from gio_pandas.notebook.front import (
    Publish,
    front_end,
    new_display_id,
    show_bundle,
    take_another_form,
)
from gio_pandas.notebook.progress import duration, waiting

if TYPE_CHECKING:
    from gio_pandas.exports.job import ExportJob

__all__ = ["Cards", "show", "watch"]

_LOOK = 1.0
"""Seconds between two looks at most: somebody else may have been told that the job has ended."""

_lock = threading.Lock()
_watched: dict[int, Cards] = {}


def show(job: ExportJob) -> None:
    """Show a job that goes on, in a notebook, as ``watch`` does; others in another form."""
    if front_end() != "jupyter" or Lookout(job).is_over:
        take_another_form()
    watch(job)


def watch(job: ExportJob) -> None:
    """Show a job's card, which is kept up to date in its place until the job has ended.

    However often it is shown, it is asked for once. Where there is no notebook, the job's line of
    text is written.
    """
    if front_end() != "jupyter":
        sys.stdout.write(f"{job!r}\n")
        return
    with _lock:
        cards = _watched.get(id(job)) or Cards(job)
        cards.show()
        if id(job) not in _watched and not cards.are_final:
            _watched[id(job)] = cards  # which have the job: no other one gets its number
            _begin(cards)


def _begin(cards: Cards) -> None:
    # In the caller's context, by which a kernel knows the cell; and nothing waits for its end.
    run = copy_context().run
    threading.Thread(target=run, args=(_keep_up, cards), name="gio-live", daemon=True).start()


def _keep_up(cards: Cards) -> None:
    try:
        while not cards.are_final:
            time.sleep(min(cards.step(), _LOOK))
        cards.renew()  # how it ended may be known from somebody else
    except Exception as error:  # of a front end that is gone: a card is no reason for anything
        logging.getLogger(__name__).info("A job's card is not kept up to date (%r)", error)
    finally:
        with _lock:
            del _watched[id(cards.job)]


class Cards:
    """The cards of one job.

    Parameters
    ----------
    job
        The job.
    publish
        What shows them.
    """

    def __init__(self, job: ExportJob, publish: Publish = show_bundle) -> None:
        self.job = job
        self._publish = publish
        self._ids: list[str] = []
        self._shown = ""
        self._lookout = Lookout(job)

    @property
    def are_final(self) -> bool:
        """Whether nothing is going to change any more."""
        return self._lookout.is_over

    def show(self) -> None:
        """Show one more."""
        self._shown = self._html()
        self._ids.append(new_display_id())
        self._publish(self._bundle(), self._ids[-1], False)

    def step(self) -> float:
        """Ask for the job, if it is time to, and say how long to pause before the next step."""
        pause = self._lookout.step()
        self.renew()
        return pause

    def renew(self) -> None:
        """Write what has changed, in the place of all that were shown."""
        html = self._html()
        if html != self._shown:
            self._shown = html
            for known in self._ids:
                self._publish(self._bundle(), known, True)

    def _bundle(self) -> dict[str, str]:
        return {"text/plain": repr(self.job), "text/html": self._shown}

    def _html(self) -> str:
        error = self._lookout.error
        if self.job.uris or (self.job.stage == "ERROR" and error is None):
            return job_card(self.job)
        if error is not None:
            tone: Tone = "plain" if isinstance(error, JobTimeoutError) else "bad"
            return job_card(self.job, said=str(error), tone=tone)
        seconds = duration(self._lookout.seconds)
        since = "since the submit" if self.job.submitted_at else "watched"
        return job_card(self.job, said=f"goes on: {waiting(self.job.stage)}, {seconds} {since}")
