"""Cards of jobs that go on: kept up to date, with as many questions as a wait has and no more."""

from __future__ import annotations

import io
import random
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from exports.test_job import AWAY, DONE, ODD, RUNNING, Answer, Platform, submit

from gio_pandas import JobFailedError
from gio_pandas.api.models import JobResult
from gio_pandas.errors import PlatformUnavailableError
from gio_pandas.exports.wait import Lookout
from gio_pandas.notebook import live
from gio_pandas.notebook.live import Cards


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take chance out of the pauses."""
    monkeypatch.setattr(random, "random", lambda: 0.0)


class Notebook:
    """Keeps what each card shows, and how often that changed."""

    def __init__(self) -> None:
        self.shown: dict[str, str] = {}
        self.updates = 0

    @property
    def last(self) -> str:
        """What the newest card shows."""
        return list(self.shown.values())[-1]

    def __call__(self, bundle: Mapping[str, Any], display_id: str, update: bool) -> None:
        assert (display_id in self.shown) == update
        self.shown[display_id] = bundle["text/html"]
        self.updates += update


def run(cards: Cards, platform: Platform, seconds: float) -> None:
    """Step as the thread does, until it is over or so much time has passed."""
    until = platform.now + seconds
    while not cards.are_final and platform.now < until:
        pause = cards.step()
        platform.now += max(min(pause, 1.0), 0.001)


def test_a_card_is_renewed_until_the_job_has_ended() -> None:
    """Each stage shows, the last one too; then nothing is asked any more."""
    platform = Platform([RUNNING, JobResult(stage="DATA_READY"), DONE])
    notebook, known = Notebook(), submit(platform)
    cards = Cards(known, notebook)
    cards.show()
    [page] = notebook.shown.values()
    assert "NONE" in page
    run(cards, platform, 60)
    assert cards.are_final
    [page] = notebook.shown.values()
    assert "FINISH" in page
    assert "--jp-success-color1" in page
    assert len(platform.polls) == 3


def test_it_is_asked_for_as_a_wait_asks() -> None:
    """The same pauses, which grow; a card is renewed when an answer came."""
    asked, notebook = Platform([RUNNING]), Notebook()
    cards = Cards(submit(asked), notebook)
    cards.show()
    run(cards, asked, 600)
    waited = Platform([RUNNING])
    with pytest.raises(Exception, match="within 600 s"):
        submit(waited).wait(timeout=600)
    assert abs(len(asked.polls) - len(waited.polls)) <= 3
    assert notebook.updates <= len(asked.polls)


def test_who_else_waits_for_the_job_leaves_no_card_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verb that sees the end before the card does takes it along to the end."""
    notebook, platform = Notebook(), Platform([RUNNING, DONE])
    known = submit(platform)
    cards = Cards(known, notebook)
    cards.show()
    live._watched[id(known)] = cards

    def elsewhere(_: float) -> None:
        known.wait()

    monkeypatch.setattr(live.time, "sleep", elsewhere)
    live._keep_up(cards)
    [page] = notebook.shown.values()
    assert "FINISH" in page
    assert "--jp-success-color1" in page


def test_it_says_how_long_it_has_been() -> None:
    """Since the submit, where that is known; else since it was looked at."""
    platform, notebook = Platform([RUNNING]), Notebook()
    known = submit(platform)
    cards = Cards(known, notebook)
    cards.show()
    run(cards, platform, 100)
    words = "goes on: running on the platform (RUNNING), {} s watched"
    assert any(words.format(number) in notebook.last for number in range(80, 101))
    known.submitted_at = datetime.now(UTC) - timedelta(seconds=60)
    cards = Cards(known, notebook)
    cards.show()
    assert "goes on: running on the platform (RUNNING), 60 s since the submit" in notebook.last


def test_two_cards_of_a_job_are_one_watch() -> None:
    """Displayed again, it is asked for as often as before, and both are renewed."""
    platform, notebook = Platform([RUNNING, DONE]), Notebook()
    cards = Cards(submit(platform), notebook)
    cards.show()
    cards.show()
    run(cards, platform, 60)
    first, second = notebook.shown.values()
    assert first == second
    assert "FINISH" in first
    assert len(platform.polls) == 2


def test_whoever_waits_spares_it_the_question() -> None:
    """While a verb waits for the job or reads it, the card shows what that hears."""
    platform, notebook = Platform([RUNNING]), Notebook()
    known = submit(platform)
    cards = Cards(known, notebook)
    cards.show()
    with known.tracker.running():
        run(cards, platform, 30)
        assert platform.polls == []
        assert "goes on: queued, 0 s watched" in notebook.last
        known.done()
        cards.step()
        assert "goes on: running on the platform (RUNNING), 30 s watched" in notebook.last
    assert len(platform.polls) == 1


def test_an_answer_that_somebody_else_had_counts() -> None:
    """A poll of ``done()`` or of ``read_many`` puts off the next one of the card."""
    platform = Platform([RUNNING])
    known = submit(platform)
    lookout = Lookout(known)
    assert lookout.step() == 0.5
    platform.now += 0.4
    known.done()
    platform.now += 0.2
    assert lookout.step() == pytest.approx(0.3)
    assert len(platform.polls) == 2


@pytest.mark.parametrize(
    ("answers", "words", "seconds"),
    [
        ([RUNNING, JobResult(stage="ERROR", error_message="no room")], "no room", 60),
        ([RUNNING], "was not finished within 100 s", 200),
        ([ODD], "no documented answer", 200),
    ],
)
def test_it_ends_where_a_wait_would(answers: list[Answer], words: str, seconds: float) -> None:
    """Failed, over time or not to be understood: the card says why, and asks no more."""
    platform, notebook = Platform(answers), Notebook()
    cards = Cards(submit(platform, timeout=100.0), notebook)
    cards.show()
    run(cards, platform, seconds)
    assert cards.are_final
    assert words in next(iter(notebook.shown.values()))


def test_a_platform_that_is_away_comes_back() -> None:
    """A poll that fails in transit is not a job that failed."""
    assert isinstance(AWAY, PlatformUnavailableError)
    platform, notebook = Platform([RUNNING, AWAY, AWAY, DONE]), Notebook()
    cards = Cards(submit(platform), notebook)
    cards.show()
    run(cards, platform, 60)
    assert "FINISH" in next(iter(notebook.shown.values()))


def test_an_error_that_is_kept_for_somebody_stays_his() -> None:
    """What ``as_completed`` will raise is not lost by looking at the job."""
    known = submit(Platform([RUNNING]))
    known.fail_later(JobFailedError("It was given up", hint="Again."))
    notebook = Notebook()
    cards = Cards(known, notebook)
    cards.show()
    assert cards.are_final
    assert "It was given up" in next(iter(notebook.shown.values()))
    with pytest.raises(JobFailedError, match="given up"):
        known.wait()


def test_in_a_terminal_a_job_is_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """No card, no thread; IPython is told to take another form."""
    monkeypatch.setattr(live, "front_end", lambda: "terminal")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    known = submit(Platform([RUNNING]))
    live.watch(known)
    assert sys.stdout.getvalue() == f"{known!r}\n"
    with pytest.raises(NotImplementedError):
        known._ipython_display_()
    assert "gio-live" not in [thread.name for thread in threading.enumerate()]


def test_in_a_notebook_a_thread_keeps_it_up_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is shown there is one, and it ends with the job; from then on, none."""
    notebook, go_on = Notebook(), threading.Event()
    monkeypatch.setattr(live, "front_end", lambda: "jupyter")
    monkeypatch.setattr(live.Cards.__init__, "__defaults__", (notebook,))

    class Slow(Platform):
        def job_result(self, job_id: str, *, timeout: float | None = None) -> JobResult | None:
            go_on.wait(10)
            return super().job_result(job_id, timeout=timeout)

    known = submit(Slow([DONE]))
    known._ipython_display_()
    known._ipython_display_()
    [thread] = [one for one in threading.enumerate() if one.name == "gio-live"]
    assert thread.daemon
    go_on.set()
    thread.join(10)
    assert not thread.is_alive()
    assert len(notebook.shown) == 2
    assert all("FINISH" in page for page in notebook.shown.values())
    with pytest.raises(NotImplementedError):
        known._ipython_display_()
