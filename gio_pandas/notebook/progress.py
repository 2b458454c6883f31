"""How far an export is, shown: a widget in Jupyter, one rewritten line in a terminal."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from html import escape
from typing import Any, Protocol, TextIO

from gio_pandas.exports import memory, notices
from gio_pandas.exports.progress import Phase, Progress
from gio_pandas.notebook import theme
from gio_pandas.notebook.front import (
    Publish,
    front_end,
    is_terminal,
    new_display_id,
    show_bundle,
)
from gio_pandas.titles import plain

__all__ = [
    "Display",
    "TerminalLine",
    "Tracked",
    "WidgetDisplay",
    "display_for",
    "duration",
    "html",
    "line",
    "shown",
    "shown_as",
    "waiting",
]

_PAUSE = 0.25
"""Seconds between two looks: a front end drops what comes faster than it can show."""

_DELAY = 0.3
"""Seconds before the first look: what is over by then is not shown at all."""

_LEFT = 0.4
"""Seconds for the last look: a front end that hangs holds up nobody."""

_WORTH_A_RATE = 1_000_000
"""Bytes below which nobody asks how fast they came."""

_STAGES = {
    "NONE": "queued",
    "READY": "queued",
    "RUNNING": "running on the platform",
    "DATA_READY": "writing files",
}
"""What the platform does in each stage (op-api §5.3)."""

_SHORTEST_TITLE = 12
_NOTEBOOK_COLUMNS = 100
_ZERO_WIDTH = ("Mn", "Me", "Cf")
_HIDDEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"


class Tracked(Protocol):
    """What knows how far something is; see ``Tracker``."""

    def snapshot(self) -> Progress:
        """Say how far it is."""
        ...


class Display(Protocol):
    """Where it is shown."""

    def show(self, progress: Progress) -> None:
        """Show how far it is."""
        ...

    def close(self, progress: Progress) -> None:
        """Show how it ended."""
        ...


# --- in words ------------------------------------------------------------------------------------


def line(progress: Progress, width: int | None = None) -> str:
    """Write a moment in one line.

    Parameters
    ----------
    progress
        The moment.
    width
        Columns that it may take, of which a Chinese character takes two.
    """
    title, rest = plain(progress.title), plain(f": {_sentence(progress)}")
    if width is None:
        return title + rest
    room = max(width - _columns(rest), _SHORTEST_TITLE)
    return _cut(_cut(title, room) + rest, width)


def duration(seconds: float, *, exact: bool = False) -> str:
    """Write seconds as a person says them."""
    if exact and seconds < 60:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def _sentence(progress: Progress) -> str:
    seconds = duration(progress.seconds, exact=progress.is_over)
    match progress.phase:
        case Phase.DONE:
            return f"{', '.join(_all(progress))} in {seconds}{_read_at(progress)}"
        case Phase.FAILED | Phase.STOPPED:  # why, and how to go on, says the error that follows
            return f"{progress.phase.value} after {seconds}"
    return f"{_state(progress)}, {seconds}{_usual(progress)}"


def _state(progress: Progress) -> str:
    """Say what is being done, and how much of it is."""
    if progress.exports:
        counted = "{} of {} done".format(*progress.exports)
        return ", ".join(filter(None, [counted, progress.stage, *_came(progress)]))
    if progress.phase is Phase.READ:
        return f"reading {', '.join(_came(progress))}".rstrip()
    return _doing(progress)


def _doing(progress: Progress) -> str:
    """Say what is being done in the words that stay the same until something else is."""
    if progress.phase is Phase.SUBMIT:
        return "submitting"
    if progress.phase is Phase.READ:
        return "reading"
    return waiting(progress.stage)


def waiting(stage: str) -> str:
    """Say what the platform does in a stage, with its own word."""
    words = _STAGES.get(stage, "waiting")
    return words if stage in ("", "NONE") else f"{words} ({stage})"


def _came(progress: Progress) -> list[str]:
    """Say how much has come so far."""
    total = f" of {memory.shown(progress.total_bytes)}" if progress.total_bytes else ""
    words = [f"{memory.shown(progress.bytes)}{total}"] if progress.bytes else []
    words += [_number(progress.rows, "row")] if progress.rows else []
    return words + ([f"{memory.shown(progress.rate)}/s"] if progress.rate else [])


def _all(progress: Progress) -> list[str]:
    """Say how much it was in the end."""
    words = ["{} of {} done".format(*progress.exports)] if progress.exports else []
    was_read = progress.bytes or progress.rows
    words += [_number(progress.rows, "row")] if was_read else [] if words else ["finished"]
    words += [_number(progress.files, "file")] if progress.files else []
    return words + ([memory.shown(progress.bytes)] if progress.bytes else [])


def _usual(progress: Progress) -> str:
    if not progress.usual:
        return ""
    seconds, known = progress.usual
    before = f"median of {known}" if known > 1 else "once"
    return f"; such exports took {duration(seconds)} before ({before})"


def _read_at(progress: Progress) -> str:
    if not progress.rate or progress.bytes < _WORTH_A_RATE:
        return ""
    return f" (read at {memory.shown(progress.rate)}/s)"


def _number(number: int, word: str) -> str:
    return f"{number:,} {word}{'s' * (number != 1)}"


def _columns(text: str) -> int:
    return sum(map(_width, text))


def _width(letter: str) -> int:
    if unicodedata.category(letter) in _ZERO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _cut(text: str, width: int) -> str:
    if _columns(text) <= width:
        return text
    kept, left = "", width - 1
    for letter in text:
        left -= _width(letter)
        if left < 0:
            break
        kept += letter
    return f"{kept}…" if width > 0 else ""


# --- as HTML -------------------------------------------------------------------------------------


def html(progress: Progress) -> str:
    """Write a moment as HTML: while it lasts with a progress bar that says its value in words."""
    if progress.is_over:
        return _over(progress)
    state = plain(_state(progress)) + _usual(progress)
    return (
        f'<div class="gio-progress" style="{theme.BASE}">'
        '<div style="display:flex;justify-content:space-between;gap:1em">'
        f'<span style="font-weight:600">{escape(plain(progress.title))}</span>'
        f'<span style="color:{theme.MUTED};font-variant-numeric:tabular-nums;white-space:nowrap">'
        f"{duration(progress.seconds)}</span></div>"
        f"{_bar(progress, state)}"
        f'<div style="color:{theme.MUTED};font-variant-numeric:tabular-nums">{escape(state)}</div>'
        "</div>"
    )


def _bar(progress: Progress, state: str) -> str:
    fraction = progress.fraction
    if fraction is None:  # nobody knows how long it takes: something that moves, and no number
        value, left, width = "", (progress.seconds * 20) % 100, 20.0
    else:
        value, left, width = f'aria-valuenow="{fraction * 100:.0f}" ', 0.0, fraction * 100
    label = escape(f"Export of {plain(progress.title)}")
    return (
        f'<div role="progressbar" aria-label="{label}" aria-valuemin="0" aria-valuemax="100" '
        f'{value}aria-valuetext="{escape(state)}" style="height:4px;border-radius:2px;'
        f'overflow:hidden;margin:4px 0;background:{theme.BORDER}">'
        f'<div style="height:100%;margin-left:{left:.0f}%;width:{width:.0f}%;'
        f'background:{theme.ACCENT}"></div></div>'
    )


_ENDS = {
    Phase.DONE: ("✓", theme.GOOD),
    Phase.FAILED: ("✗", theme.BAD),
    Phase.STOPPED: ("■", theme.MUTED),
}


def _over(progress: Progress) -> str:
    mark, colour = _ENDS[progress.phase]
    return (
        f'<div class="gio-progress" style="{theme.BASE}">'
        f'<span aria-hidden="true" style="color:{colour}">{mark} </span>'
        f'<span style="font-weight:600">{escape(plain(progress.title))}</span>: '
        f'<span style="color:{theme.MUTED}">{escape(plain(_sentence(progress)))}</span></div>'
    )


def _spoken(progress: Progress) -> str:
    """Write what a screen reader says by itself: what is being done, not how much of it."""
    said = escape(plain(f"{progress.title}: {_doing(progress)}"))
    return f'<span role="status" aria-live="polite" style="{_HIDDEN}">{said}</span>'


def _bundle(progress: Progress) -> dict[str, Any]:
    return {"text/plain": line(progress), "text/html": html(progress)}


# --- displays ------------------------------------------------------------------------------------


class TerminalLine:
    """One line of a terminal, written again and again.

    Parameters
    ----------
    stream
        Where to; left out, stderr.
    width
        Its columns; left out, it is asked each time.
    summary
        Whether the line that is left says how it ended; else none is left.
    """

    def __init__(
        self, stream: TextIO | None = None, *, width: int | None = None, summary: bool = True
    ) -> None:
        self._stream = stream or sys.stderr
        self._width = width
        self._summary = summary
        self._taken = 0

    def show(self, progress: Progress) -> None:
        """Write how far it is in the place of what was written before."""
        self._write(line(progress, self._room()))

    def close(self, progress: Progress) -> None:
        """Write how it ended, where anything was written at all."""
        if self._taken and self._summary:
            self._write(line(progress, self._room()), "\n")
        elif self._taken:
            self._write("", "\r")

    def _write(self, text: str, end: str = "") -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        text = text.encode(encoding, "replace").decode(encoding)
        taken = _columns(text)
        # Erased by blanks, and not by an escape: some know none.
        blanks = max(self._taken - taken, 0)
        self._stream.write(f"\r{text}{' ' * blanks}{end or chr(8) * blanks}")
        self._stream.flush()
        self._taken = taken

    def _room(self) -> int:
        # A terminal wraps a line whose last column is taken.
        return (self._width or _terminal_width(self._stream)) - 1


def _terminal_width(stream: TextIO) -> int:
    try:
        # Not by shutil, which asks stdout: that may go elsewhere.
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError, AttributeError):
        return shutil.get_terminal_size().columns


class WidgetDisplay:
    """A widget while it lasts; then, in its place, a text that a saved notebook keeps.

    Parameters
    ----------
    publish
        What shows it; left out, IPython.
    """

    def __init__(self, publish: Publish | None = None) -> None:
        self._publish = publish or show_bundle
        self._id = new_display_id()
        self._widgets: tuple[Any, Any, Any] | None = None

    def show(self, progress: Progress) -> None:
        """Show how far it is."""
        if self._widgets is not None:
            _, seen, spoken = self._widgets
            seen.value, spoken.value = html(progress), _spoken(progress)
            return
        from ipywidgets import HTML, VBox

        # Two, for a live region speaks when what is in it changes: the other changes all the time.
        seen, spoken = HTML(html(progress)), HTML(_spoken(progress))
        box = VBox([seen, spoken])
        self._widgets = box, seen, spoken
        view = box._repr_mimebundle_() or {}
        self._publish({**view, **_bundle(progress)}, self._id, False)

    def close(self, progress: Progress) -> None:
        """Show how it ended, where anything was shown at all."""
        if self._widgets is None:
            return
        try:
            self._publish(_bundle(progress), self._id, True)
        finally:
            for widget in self._widgets:
                _close(widget)
            self._widgets = None


def _close(widget: Any) -> None:
    """Close a widget, and what was made along with it."""
    for part in (getattr(widget, "style", None), widget.layout, widget):
        if part is not None:
            part.close()


def display_for(mode: str, *, summary: bool = True) -> Display | None:
    """Say where it is shown; None where nobody would see it.

    Parameters
    ----------
    mode
        See ``settings.check_progress``.
    summary
        Whether what a terminal is left with says how it ended.
    """
    if mode == "off":
        return None
    if front_end() == "jupyter":
        if mode != "text":
            return WidgetDisplay()
        return TerminalLine(width=_NOTEBOOK_COLUMNS, summary=summary)
    return TerminalLine(summary=summary) if is_terminal(sys.stderr) else None


@contextmanager
def shown(tracker: Tracked, display: Display, *, delay: float = 0.0) -> Iterator[None]:
    """Show how far something is while it is done; the last that is shown is how it ended.

    A display that fails is dropped: it is no reason for anything else to.

    Parameters
    ----------
    tracker
        What knows how far it is.
    display
        Where to show it.
    delay
        Seconds after which it is shown at first.
    """
    over = threading.Event()
    # In the caller's context, by which a kernel knows the cell that it shows things under.
    run, paint = copy_context().run, (_paint, tracker, display, over, delay)
    thread = threading.Thread(target=run, args=paint, name="gio-progress", daemon=True)
    try:
        _start(thread)
        yield
    finally:
        try:
            over.set()
        finally:
            over.set()  # a second Ctrl-C may have cut the first try short
        if thread.ident is not None:
            thread.join(_LEFT)


def _start(thread: threading.Thread) -> None:
    try:
        thread.start()
    except RuntimeError as error:  # there are no more threads
        _mention(error)


def _paint(tracker: Tracked, display: Display, over: threading.Event, delay: float) -> None:
    try:
        pause = delay
        while not over.wait(pause):
            display.show(tracker.snapshot())
            pause = _PAUSE
        display.close(tracker.snapshot())
    except Exception as error:
        _mention(error)


def _mention(error: Exception) -> None:
    logging.getLogger(__name__).warning("Progress cannot be shown (%r): all else goes on", error)


@contextmanager
def shown_as(tracker: Tracked, mode: str) -> Iterator[None]:
    """Show how far something is as a setting wants it, if anybody sees it."""
    display = display_for(mode)
    if display is None:
        yield
    else:
        delay = 0.0 if mode == "on" else _DELAY
        with notices.told_later(), shown(tracker, display, delay=delay):
            yield
