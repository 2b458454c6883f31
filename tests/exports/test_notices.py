"""Notices: told at the user's line, or kept for whoever tells them there."""

from __future__ import annotations

import threading
import warnings

import pytest

from gio_pandas.exports.notices import collected, told_later, warn


def test_a_notice_is_a_warning_at_the_line_that_asked() -> None:
    """The first line outside of the package."""
    with pytest.warns(UserWarning, match="stays text") as caught:
        warn("it stays text")
    assert caught[0].filename == __file__


def test_what_is_collected_is_not_told() -> None:
    """A thread's notices are its own; outside of the block they are told again."""
    with collected() as notices:
        warn("one")
        with collected() as inner:
            warn("two")
    assert (notices, inner) == (["one"], ["two"])
    with pytest.warns(UserWarning, match="three"):
        warn("three")
    assert notices == ["one"]


def test_threads_collect_apart() -> None:
    """None hears another's, and no warning is shown."""
    heard: dict[int, list[str]] = {}

    def work(number: int) -> None:
        with collected() as notices:
            for _ in range(100):
                warn(str(number))
            heard[number] = notices

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert heard == {number: [str(number)] * 100 for number in range(8)}


def test_what_is_told_later_is_told_at_the_users_line() -> None:
    """In the end, all of it; nothing in between."""
    told: list[int] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with told_later():
            warn("one")
            warn("two")
            told.append(len(caught))
    assert told == [0]
    assert [str(warning.message) for warning in caught] == ["one", "two"]
    assert caught[0].filename == __file__


def _warn_and_fail() -> None:
    warn("one")
    raise ValueError("the error")


def test_what_is_told_later_hides_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """Where warnings are errors, the error that there is stays the one that is raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="the error"), told_later():
            _warn_and_fail()
    assert "one" in caplog.text
