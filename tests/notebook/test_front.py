"""Which front end there is, told by the shell that runs, and by where output goes."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from gio_pandas.notebook.front import front_end, is_terminal


def ipython(shell: Any) -> SimpleNamespace:
    """Stand in for IPython with a shell that runs, or none."""
    return SimpleNamespace(get_ipython=lambda: shell)


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        (SimpleNamespace(kernel=object()), "jupyter"),
        (SimpleNamespace(kernel=None), "ipython"),
        (SimpleNamespace(), "ipython"),
    ],
)
def test_a_shell_tells(shell: Any, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One with a kernel is a notebook's; other ones are a terminal's."""
    monkeypatch.setitem(sys.modules, "IPython", ipython(shell))
    assert front_end() == expected


@pytest.mark.parametrize("module", [ipython(None), None], ids=["no shell", "not imported"])
def test_without_a_shell_the_streams_tell(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal, if one of them is; else nobody looks."""
    monkeypatch.setitem(sys.modules, "IPython", module)
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(sys, stream, io.StringIO())
    assert front_end() == "none"
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: True))
    assert front_end() == "terminal"


def test_a_stream_that_is_closed_is_no_terminal() -> None:
    """Nor one that is not there, as in a program without a console."""
    stream = io.StringIO()
    stream.close()
    assert not is_terminal(stream)
    assert not is_terminal(None)
