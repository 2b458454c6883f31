"""An IPython shell in this process, and what a user sees in it."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config


class Shell:
    """A shell, as a user has it: lines go in, and text comes out.

    Parameters
    ----------
    ip
        IPython's own.
    terminal
        Where its output goes.
    """

    def __init__(self, ip: InteractiveShell, terminal: pytest.CaptureFixture[str]) -> None:
        self.ip = ip
        self._terminal = terminal

    def run(self, cell: str) -> Any:
        """Run a cell and give its value; an error fails the test."""
        result = self.ip.run_cell(cell)
        result.raise_error()
        return result.result

    def said(self, cell: str) -> str:
        """Run a cell and give what it printed, without the blanks at its end."""
        self._terminal.readouterr()
        self.ip.run_cell(cell)
        told = self._terminal.readouterr()
        return (told.out + told.err).strip()

    def tab(self, line: str, after: str = "") -> list[str]:
        """Press Tab, and give the lines that the choices would make."""
        with provisionalcompleter():
            found = list(self.ip.Completer.completions(line + after, len(line)))
        return [line[: one.start] + one.text + after for one in found]

    def __getitem__(self, name: str) -> Any:
        return self.ip.user_ns[name]


@contextmanager
def opened(terminal: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """Start a shell that keeps no history and paints nothing; nothing of it stays."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    ip = InteractiveShell.instance(config=config)
    try:
        yield Shell(ip, terminal)
    finally:
        ip.run_cell("%unload_ext gio_pandas")
        InteractiveShell.clear_instance()
        atexit.unregister(ip.atexit_operations)  # a hundred of them would take long to say goodbye
