"""Progress as it is seen: in words, as HTML, in a terminal's line and in a widget."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Mapping
from typing import Any

import ipywidgets
import pytest
from ipywidgets.widgets.widget import _instances
from pages import Elements

from gio_pandas.exports.progress import Phase, Progress
from gio_pandas.notebook import progress as displays
from gio_pandas.notebook.progress import (
    TerminalLine,
    WidgetDisplay,
    _spoken,
    display_for,
    duration,
    html,
    line,
    shown,
    shown_as,
)

TITLE = "segment (分群) '高价值用户'"


def moment(phase: Phase, **more: Any) -> Progress:
    """Make a moment of an export."""
    return Progress(**{"title": TITLE, "phase": phase, "job_id": "VGFn", "seconds": 12.34, **more})


WAITING = moment(Phase.WAIT, stage="RUNNING")
READING = moment(
    Phase.READ, bytes=3_400_000, total_bytes=10_200_000, rows=120_000, rate=2_100_000.0, files=3
)
DONE = moment(Phase.DONE, bytes=10_200_000, total_bytes=10_200_000, rows=350_000, files=3, rate=1e6)
STOPPED = moment(Phase.STOPPED)
FAILED = moment(Phase.FAILED, error="The platform gave it up")

# --- in words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (moment(Phase.SUBMIT, job_id=None), "submitting, 12 s"),
        (WAITING, "running on the platform (RUNNING), 12 s"),
        (
            moment(Phase.WAIT, stage="RUNNING", seconds=42.0, usual=(75.4, 3)),
            "running on the platform (RUNNING), 42 s; such exports took 75 s before (median of 3)",
        ),
        (
            moment(Phase.WAIT, seconds=42.0, usual=(150, 1)),
            "waiting, 42 s; such exports took 2 min 30 s before (once)",
        ),
        (moment(Phase.READ), "reading, 12 s"),
        (READING, "reading 3.4 MB of 10.2 MB, 120,000 rows, 2.1 MB/s, 12 s"),
        (moment(Phase.READ, bytes=500), "reading 500 bytes, 12 s"),
        (DONE, "350,000 rows, 3 files, 10.2 MB in 12.3 s (read at 1.0 MB/s)"),
        (moment(Phase.DONE, bytes=999_999, rows=9, rate=1e6), "9 rows, 1,000.0 kB in 12.3 s"),
        (moment(Phase.DONE, files=1), "finished, 1 file in 12.3 s"),
        (moment(Phase.DONE, rows=1), "1 row in 12.3 s"),
        (moment(Phase.DONE, bytes=9, files=1), "0 rows, 1 file, 9 bytes in 12.3 s"),
        (FAILED, "failed after 12.3 s"),
        (STOPPED, "stopped after 12.3 s"),
        (
            moment(Phase.READ, exports=(3, 8), stage="2 waiting, 1 reading", rows=50, bytes=2000),
            "3 of 8 done, 2 waiting, 1 reading, 2.0 kB, 50 rows, 12 s",
        ),
        (
            moment(Phase.DONE, exports=(8, 8), rows=50, bytes=2000, files=9),
            "8 of 8 done, 50 rows, 9 files, 2.0 kB in 12.3 s",
        ),
    ],
)
def test_a_moment_in_words(seen: Progress, expected: str) -> None:
    """Each says what a person wants to know of it; why it ended early, the error that follows."""
    assert line(seen) == f"{TITLE}: {expected}"


@pytest.mark.parametrize(
    ("seconds", "exact", "expected"),
    [
        (0.44, False, "0 s"),
        (0.44, True, "0.4 s"),
        (59.96, True, "60.0 s"),
        (61, True, "61 s"),
        (119.9, False, "119 s"),
        (120, False, "2 min 00 s"),
        (3599, False, "59 min 59 s"),
        (7200, False, "2 h 00 min"),
        (90_061, False, "25 h 01 min"),
    ],
)
def test_a_duration(seconds: float, exact: bool, expected: str) -> None:
    """Whole seconds while it runs, tenths in the end, minutes and hours where it takes those."""
    assert duration(seconds, exact=exact) == expected


def columns(text: str) -> int:
    """Count the columns of a text of these tests: letters, and Chinese ones, which take two."""
    return sum(2 if "\u2e80" <= letter <= "\uffef" else 1 for letter in text)


@pytest.mark.parametrize("width", [20, 40, 60, 61, 62, 63, 79, 200])
@pytest.mark.parametrize("seen", [WAITING, READING, DONE], ids=["wait", "read", "done"])
def test_a_line_fits(seen: Progress, width: int) -> None:
    """A Chinese character takes two columns; the title gives way before the numbers do."""
    text = line(seen, width)
    assert columns(text) <= width
    if width >= 79:
        assert text.endswith(line(seen).rpartition(": ")[2])


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ("", "waiting"),
        ("NONE", "queued"),
        ("READY", "queued (READY)"),
        ("RUNNING", "running on the platform (RUNNING)"),
        ("DATA_READY", "writing files (DATA_READY)"),
        ("NAPPING", "waiting (NAPPING)"),
    ],
)
def test_a_stage_is_words(stage: str, words: str) -> None:
    """With the platform's own, which may be one that is not documented."""
    assert line(moment(Phase.WAIT, stage=stage)) == f"{TITLE}: {words}, 12 s"
    assert bar(html(moment(Phase.WAIT, stage=stage)))["aria-valuetext"] == words


@pytest.mark.parametrize("phase", Phase)
def test_a_title_is_cut(phase: Phase) -> None:
    """A name of ten thousand letters, or one that turns the line around, hides nothing else."""
    seen = moment(phase, title=f"a\u202e{'名' * 10_000}")
    for written in (line(seen), html(seen), _spoken(seen)):
        assert written.count("名") <= 400
        assert "\u202e" not in written


def test_a_line_is_one_line() -> None:
    """Whatever a platform puts into a name or a stage, a terminal gets no command of it."""
    seen = moment(Phase.WAIT, title="a\x1b[2Jb", stage="RUN\r\nNING\u202e")
    assert line(seen).isprintable()


# --- as HTML -------------------------------------------------------------------------------------


def bar(page: str) -> dict[str, str]:
    """Give the progress bar of a page."""
    [found] = [one for one in Elements(page).found if one.get("role") == "progressbar"]
    return found


def test_a_bar_says_its_value_in_words() -> None:
    """A name, a number where one is known, and a text that says more than that."""
    found = bar(html(READING))
    assert found["aria-label"] == f"Export of {TITLE}"
    assert (found["aria-valuemin"], found["aria-valuemax"]) == ("0", "100")
    assert found["aria-valuenow"] == "33"
    assert found["aria-valuetext"].startswith("reading 3.4 MB of 10.2 MB")


def test_where_nobody_knows_how_much_is_left_the_bar_says_no_number() -> None:
    """It moves, and that is all; many exports are counted."""
    assert "aria-valuenow" not in bar(html(WAITING))
    later = moment(Phase.WAIT, stage="RUNNING", seconds=13.0)
    assert html(later) != html(WAITING)
    assert bar(html(moment(Phase.WAIT, exports=(2, 8))))["aria-valuenow"] == "25"


@pytest.mark.parametrize("seen", [DONE, FAILED, STOPPED], ids=["done", "failed", "stopped"])
def test_what_is_over_has_no_bar(seen: Progress) -> None:
    """What a saved notebook keeps is a sentence, the same as in a terminal."""
    page = Elements(html(seen))
    assert not [one for one in page.found if "role" in one]
    assert page.text.endswith(line(seen))


@pytest.mark.parametrize("phase", list(Phase))
def test_html_is_escaped_and_whole(phase: Phase) -> None:
    """A name that looks like HTML is a name; every element is closed; no script."""
    nasty = "<img src=x onerror=alert(1)>\"'&"
    page = html(moment(phase, title=nasty, stage=nasty, error=nasty, job_id=nasty))
    elements = Elements(page)
    assert {one["tag"] for one in elements.found} == {"div", "span"}
    assert elements.open == []
    assert nasty in elements.text
    assert all(
        set(one) <= {"tag", "class", "style", "role"} or "aria" in str(one)
        for one in elements.found
    )


# --- in a terminal -------------------------------------------------------------------------------


def screen(written: str) -> list[str]:
    """Say what a terminal shows, its lines' ends stripped."""
    lines, cells, at = [], [""] * 0, 0
    for letter in written:
        if letter == "\n":
            lines.append("".join(cells).rstrip())
            cells, at = [], 0
        elif letter == "\r":
            at = 0
        elif letter == "\b":
            at -= 1
        else:
            width = columns(letter)
            cells += [" "] * (at + width - len(cells))
            cells[at : at + width] = [letter, *[""] * (width - 1)]
            at += width
    return [*lines, "".join(cells).rstrip()]


def test_the_line_is_written_again_and_again() -> None:
    """A shorter one leaves nothing of a longer one; the last one stays, and ends."""
    stream = io.StringIO()
    display = TerminalLine(stream, width=100)
    display.show(READING)
    assert screen(stream.getvalue()) == [line(READING)]
    display.show(WAITING)
    assert screen(stream.getvalue()) == [line(WAITING)]
    display.close(DONE)
    assert screen(stream.getvalue()) == [line(DONE), ""]


def test_the_line_never_takes_the_last_column() -> None:
    """There a terminal would begin a new one, and the next could not be written over it."""
    stream = io.StringIO()
    display = TerminalLine(stream, width=40)
    for seen in (WAITING, READING, WAITING):
        display.show(seen)
    for written in re.split("[\r\b]", stream.getvalue()):
        assert columns(written) <= 39


def test_without_a_summary_the_line_goes_away() -> None:
    """For a command that has a last line of its own."""
    stream = io.StringIO()
    display = TerminalLine(stream, width=100, summary=False)
    display.show(READING)
    display.close(DONE)
    assert screen(stream.getvalue()) == [""]
    assert stream.getvalue().endswith("\r")


def test_what_was_not_shown_has_no_end() -> None:
    """An export that took a moment leaves no line, and no widget."""
    stream = io.StringIO()
    TerminalLine(stream).close(DONE)
    assert stream.getvalue() == ""
    published: list[Any] = []
    WidgetDisplay(lambda *what: published.append(what)).close(DONE)
    assert published == []


def test_a_terminal_that_knows_no_chinese_gets_question_marks() -> None:
    """Better than an error, or a line of escapes."""
    raw = io.BytesIO()
    display = TerminalLine(io.TextIOWrapper(raw, encoding="ascii"), width=100)
    display.show(WAITING)
    assert raw.getvalue().startswith(b"\rsegment (??) '?????': running on the platform")


# --- in a widget ---------------------------------------------------------------------------------


class Notebook:
    """Keeps what is shown, by its id."""

    def __init__(self) -> None:
        self.shown: dict[str, Mapping[str, Any]] = {}
        self.updates = 0

    def __call__(self, bundle: Mapping[str, Any], display_id: str, update: bool) -> None:
        assert (display_id in self.shown) == update
        self.shown[display_id] = bundle
        self.updates += update


def widgets() -> dict[str, ipywidgets.Widget]:
    """Give the widgets that are alive."""
    return dict(_instances)


def test_a_widget_that_is_updated_and_replaced() -> None:
    """One output: the widget while it lasts, then what a saved notebook shows, and no widget."""
    before, notebook = set(widgets()), Notebook()
    display = WidgetDisplay(notebook)
    display.show(WAITING)
    [(display_id, bundle)] = notebook.shown.items()
    box = widgets()[bundle["application/vnd.jupyter.widget-view+json"]["model_id"]]
    seen, _ = box.children
    assert seen.value == html(WAITING)
    display.show(READING)
    assert seen.value == html(READING)
    assert notebook.updates == 0
    display.close(DONE)
    assert notebook.shown == {
        display_id: {"text/plain": line(DONE), "text/html": html(DONE)},
    }
    assert set(widgets()) == before


def test_without_widgets_in_the_front_end_there_is_html() -> None:
    """The same output has the first state as HTML and as text."""
    notebook = Notebook()
    display = WidgetDisplay(notebook)
    display.show(WAITING)
    [bundle] = notebook.shown.values()
    assert bundle["text/html"] == html(WAITING)
    assert bundle["text/plain"] == line(WAITING)
    display.close(DONE)


def test_a_screen_reader_hears_of_stages_and_not_of_seconds() -> None:
    """The live region changes when something else is done, the bar all the time."""
    notebook = Notebook()
    display = WidgetDisplay(notebook)
    display.show(WAITING)
    [bundle] = notebook.shown.values()
    box = widgets()[bundle["application/vnd.jupyter.widget-view+json"]["model_id"]]
    said: list[str] = []
    box.children[1].observe(lambda change: said.append(change["new"]), "value")
    for seconds in range(13, 20):
        display.show(moment(Phase.WAIT, stage="RUNNING", seconds=float(seconds)))
    assert said == []
    display.show(moment(Phase.WAIT, stage="DATA_READY"))
    display.show(READING)
    display.show(moment(Phase.READ, bytes=9_900_000, total_bytes=10_200_000))
    assert [Elements(page).text for page in said] == [
        f"{TITLE}: writing files (DATA_READY)",
        f"{TITLE}: reading",
    ]
    assert 'aria-live="polite"' in said[0]
    display.close(DONE)


# --- while something is done ---------------------------------------------------------------------


class Tracked:
    """Is as far as it is told."""

    def __init__(self, seen: Progress) -> None:
        self.seen = seen

    def snapshot(self) -> Progress:
        return self.seen


class Recorder:
    """Remembers what it was to show, in which threads."""

    def __init__(self) -> None:
        self.seen: list[Progress] = []
        self.closed: list[Progress] = []
        self.showed = threading.Event()
        self.threads: set[str] = set()

    def show(self, progress: Progress) -> None:
        self.seen.append(progress)
        self.threads.add(threading.current_thread().name)
        self.showed.set()

    def close(self, progress: Progress) -> None:
        self.closed.append(progress)


def ours() -> list[str]:
    """Name the threads of displays."""
    return [thread.name for thread in threading.enumerate() if thread.name == "gio-progress"]


def test_the_last_that_is_shown_is_how_it_ended() -> None:
    """A thread looks, and is gone when it is over."""
    tracked, display = Tracked(WAITING), Recorder()
    with shown(tracked, display):
        assert display.showed.wait(10)
        tracked.seen = DONE
    assert display.seen[0] is WAITING
    assert display.closed == [DONE]
    assert display.threads == {"gio-progress"}
    assert ours() == []


def test_what_is_over_in_a_moment_is_not_shown() -> None:
    """No flicker: with a delay the display is only told how it ended."""
    tracked, display = Tracked(WAITING), Recorder()
    with shown(tracked, display, delay=60):
        tracked.seen = DONE
    assert (display.seen, display.closed) == ([], [DONE])


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_goes_on_its_way(error: type[BaseException]) -> None:
    """The display ends, and the error is the one that it was."""
    display = Recorder()
    with pytest.raises(error), shown(Tracked(STOPPED), display):
        raise error
    assert display.closed == [STOPPED]
    assert ours() == []


def test_a_display_that_fails_fails_alone(caplog: pytest.LogCaptureFixture) -> None:
    """It is mentioned once, and never asked again; nothing else is wrong."""

    class Broken(Recorder):
        def show(self, progress: Progress) -> None:
            super().show(progress)
            raise BrokenPipeError("nobody listens")

    display = Broken()
    with shown(Tracked(WAITING), display):
        assert display.showed.wait(10)
    assert (len(display.seen), display.closed) == (1, [])
    assert caplog.text.count("Progress cannot be shown") == 1


def test_a_display_that_hangs_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal may be stopped (Ctrl-S): the verb ends all the same."""
    monkeypatch.setattr(displays, "_LEFT", 0.01)
    go_on, display = threading.Event(), Recorder()

    class Hanging(Recorder):
        def show(self, progress: Progress) -> None:
            super().show(progress)
            go_on.wait(60)

    display = Hanging()
    with shown(Tracked(WAITING), display):
        assert display.showed.wait(10)
    assert display.closed == []
    [left] = [thread for thread in threading.enumerate() if thread.name == "gio-progress"]
    assert left.daemon
    go_on.set()
    left.join(10)
    assert display.closed == [WAITING]


# --- where it is shown ---------------------------------------------------------------------------


class Terminal(io.StringIO):
    """A stream that a person reads, or not."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.mark.parametrize(
    ("front", "is_terminal", "mode", "expected"),
    [
        ("jupyter", False, "auto", WidgetDisplay),
        ("jupyter", False, "on", WidgetDisplay),
        ("jupyter", False, "widget", WidgetDisplay),
        ("jupyter", False, "text", TerminalLine),
        ("jupyter", False, "off", None),
        ("ipython", True, "auto", TerminalLine),
        ("terminal", True, "auto", TerminalLine),
        ("terminal", True, "widget", TerminalLine),
        ("terminal", True, "off", None),
        ("terminal", False, "auto", None),
        ("terminal", False, "on", None),
        ("none", False, "text", None),
    ],
)
def test_where_it_is_shown(
    front: str, is_terminal: bool, mode: str, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A widget in Jupyter, a line where a person reads stderr, and nothing where nobody looks."""
    monkeypatch.setattr(displays, "front_end", lambda: front)
    monkeypatch.setattr("sys.stderr", Terminal(is_terminal=is_terminal))
    found = display_for(mode)
    assert found is None if expected is None else isinstance(found, expected)


def test_where_nobody_looks_there_is_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not shown costs nothing."""
    monkeypatch.setattr(displays, "front_end", lambda: "none")
    with shown_as(Tracked(WAITING), "auto"):
        assert ours() == []


def test_asked_for_it_is_shown_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """``progress=True`` waits for no delay; else there is one."""
    monkeypatch.setattr(displays, "_DELAY", 60)
    display = Recorder()
    monkeypatch.setattr(displays, "display_for", lambda mode: display)
    with shown_as(Tracked(WAITING), "auto"):
        pass
    assert display.seen == []
    with shown_as(Tracked(WAITING), "on"):
        assert display.showed.wait(10)
