"""Being stopped, in a line."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import subprocess
import sys

import pytest

from gio_pandas.stops import cancelled, stopped

WORDS = "stopped waiting; the job goes on: gio.attach('VGFn') picks it up"


@pytest.mark.parametrize("stop", [stopped(WORDS), cancelled(WORDS)])
def test_it_is_what_python_raises_itself(stop: BaseException) -> None:
    """No other class, with its message, which it keeps on the way to another process."""
    assert type(stop) in (KeyboardInterrupt, asyncio.CancelledError)
    assert str(stop) == WORDS
    twin = pickle.loads(pickle.dumps(stop))
    assert (type(twin), str(twin)) == (type(stop), WORDS)


def test_a_notebook_is_told_in_a_line() -> None:
    """The name of what happened, and what there is to say, if anything."""
    assert stopped(WORDS)._render_traceback_() == [f"KeyboardInterrupt: {WORDS}"]
    assert stopped("")._render_traceback_() == ["KeyboardInterrupt"]
    assert cancelled(WORDS)._render_traceback_() == [f"CancelledError: {WORDS}"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal of this kind")
def test_a_script_ends_as_others_do_that_were_interrupted() -> None:
    """Its exit status says so, and the shell that runs it stops its loop, too."""
    script = f"from gio_pandas.stops import stopped\nraise stopped({WORDS!r})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == -signal.SIGINT
    assert done.stderr.strip().endswith(f"KeyboardInterrupt: {WORDS}")
