"""Progress in a real terminal: programs under a pty, and what its screen shows."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gio_pandas import sandbox as embedded

if os.name == "nt":
    pytest.skip("Windows has no pty", allow_module_level=True)

import fcntl
import pty
import struct
import termios

COLUMNS = 70
READ = """
import sys
import gio_pandas as gio
session = gio.Session(sys.argv[1], api_key=sys.argv[2], project="默认项目")
frame = session.read_segment("高价值用户", progress={progress})
print(f"{{len(frame)}} in the frame")
"""


class Screen:
    """A terminal that a program runs in; what it wrote, and what is seen of that."""

    def __init__(
        self, *command: str, columns: int = COLUMNS, stderr: bool = True, **more: str
    ) -> None:
        self.columns = columns
        self.written = ""
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs if stderr else subprocess.DEVNULL,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", **more},
            start_new_session=True,
        )
        os.close(theirs)

    def read(self, until: Callable[[str], bool] = lambda _: False) -> str:
        """Read what it writes until something is there, else to its end."""
        raw = self.written.encode()
        while not until(self.written):
            try:
                chunk = os.read(self._ours, 1 << 16)
            except OSError:  # on Linux: nobody has the other end any more
                chunk = b""
            if not chunk:
                os.close(self._ours)
                self.process.wait(20)
                break
            raw += chunk
            self.written = raw.decode(errors="replace")
        return self.written

    @property
    def lines(self) -> Sequence[str]:
        """What is seen, without what was written over."""
        return [_seen(line) for line in self.written.replace("\r\n", "\n").split("\n")]


def _width(letter: str) -> int:
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _seen(line: str) -> str:
    cells: list[str] = []
    at = 0
    for letter in line:
        if letter in "\r\b":
            at = 0 if letter == "\r" else at - 1
            continue
        width = _width(letter)
        cells += [" "] * (at + width - len(cells))
        cells[at : at + width] = [letter, *[""] * (width - 1)]
        at += width
    return "".join(cells).rstrip()


def read(platform: embedded.Sandbox, progress: bool | None, **more: str) -> Screen:
    """Run a program that reads a segment."""
    code = READ.format(progress=progress)
    return Screen("-c", code, platform.url, platform.api_key, **more)


def test_a_line_is_rewritten_and_ends_as_a_summary() -> None:
    """One line of a terminal, which no state wraps; what is left says how much it was."""
    with embedded.start(users=500, stage_seconds=0.3) as platform:
        screen = read(platform, None)
        written = screen.read()
    states = re.findall(r"\r([^\r\n\b]*\((READY|RUNNING|DATA_READY)\)[^\r\n\b]*)", written)
    assert len({stage for _, stage in states}) > 1
    assert all(sum(map(_width, state)) < COLUMNS for state, _ in states)
    shown = [line for line in screen.lines if line]
    assert len(shown) == 2
    assert re.fullmatch(r"segment \(分群\) '高.*: 50 rows, 1 file, .* in \d.*", shown[0])
    assert shown[1] == "50 in the frame"


@pytest.mark.parametrize(
    ("progress", "environment"),
    [(False, {}), (None, {"GIO_PROGRESS": "off"}), (None, {"GIO_PROGRESS": "0"})],
)
def test_it_can_be_turned_off(progress: bool | None, environment: dict[str, str]) -> None:
    """By the verb, or by the environment."""
    with embedded.start(users=500, stage_seconds=0.2) as platform:
        screen = read(platform, progress, **environment)
        screen.read()
    assert [line for line in screen.lines if line] == ["50 in the frame"]


def test_a_name_too_many_ends_the_line() -> None:
    """A look-up that fails has its line end before the error is printed."""
    code = READ.format(progress=True).replace("高价值用户", "没有这个")
    with embedded.start(users=50, stage_seconds=0) as platform:
        screen = Screen("-c", code, platform.url, platform.api_key)
        screen.read()
    assert screen.lines[0].startswith("segment (分群) '没有这个': failed after")
    assert any(line.startswith("gio_pandas.errors.NotFoundError") for line in screen.lines)


def test_ctrl_c_leaves_a_line_that_says_how_to_go_on() -> None:
    """What was being written over ends, and the traceback begins in a line of its own."""
    with embedded.start(users=50, stage_seconds=60) as platform:
        screen = read(platform, None)
        screen.read(lambda written: "queued" in written)
        screen.process.send_signal(signal.SIGINT)
        screen.read()
    [stopped] = [line for line in screen.lines if "stopped after" in line]
    assert re.search(r"stopped after \d+\.\d s$", stopped)
    last = "".join(screen.lines).rpartition("KeyboardInterrupt: ")[2]
    assert re.match(r"stopped waiting; the job goes on: gio\.attach\('\w+'\) picks it up", last)
    assert "Traceback (most recent call last):" in screen.lines


def test_a_warning_has_a_line_of_its_own() -> None:
    """What Python warns of is not written behind what is being rewritten."""
    code = (
        "import warnings\n"
        "from gio_pandas.exports import notices\n"
        "from gio_pandas.exports.progress import Tracker, followed\n"
        "import time\n"
        "with followed(Tracker('vip'), 'on'):\n"
        "    time.sleep(0.1)\n"
        "    notices.warn('it stays text')\n"
    )
    screen = Screen("-c", code)
    screen.read()
    assert screen.lines[0].startswith("vip: finished in")
    assert "UserWarning: it stays text" in screen.lines[1]


def test_the_command_has_one_last_line(tmp_path: Path) -> None:
    """It shows how far it is, and what is left is what it has always said."""
    with embedded.start(users=500, stage_seconds=0.2) as platform:
        settings = {"GIO_URL": platform.url, "GIO_API_KEY": platform.api_key}
        command = ("-m", "gio_pandas.cli", "export", "segment", "高价值用户")
        out = str(tmp_path / "users.csv")
        screen = Screen(*command, "-o", out, "--project", "默认项目", **settings, columns=200)
        written = screen.read()
    assert "running on the platform (RUNNING)" in written
    shown = [line for line in screen.lines if line]
    assert len(shown) == 2
    assert shown[0].startswith("Submitted segment 高价值用户")
    assert shown[1].startswith(f"{out}: 50 rows in")


def test_nobody_is_told_where_stderr_goes_elsewhere() -> None:
    """A terminal that has stdout alone is not where progress belongs."""
    with embedded.start(users=500, stage_seconds=0.2) as platform:
        code = READ.format(progress=True)
        screen = Screen("-c", code, platform.url, platform.api_key, stderr=False)
        screen.read()
    assert [line for line in screen.lines if line] == ["50 in the frame"]
