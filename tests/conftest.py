"""What every test stands on: nothing of the developer's own settings, and a platform to ask."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from gio_pandas import sandbox as embedded

OUTCOMES = ("wrong", "duplicated", "lost", "leaked")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in a line what the matrix of faults has tried, and what came of it."""
    done = [*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())]
    noted = [value for report in done for name, value in report.user_properties if name == "faults"]
    if noted:
        counts: Counter[str] = Counter()
        for _, found in noted:
            counts.update(found)
        tried = {name for names, _ in noted for name in names}
        combinations = sum(len(names) for names, _ in noted)
        outcome = ", ".join(f"{counts[name]} {name}" for name in OUTCOMES)
        terminalreporter.write_line(
            f"{len(tried)} faults tried in {combinations:,} combinations: "
            f"{counts['exports']:,} exports run, {outcome}"
        )


# Who is started in the background has Ctrl-C ignored, and hands that on to every child.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a home of its own: no settings, no files, no proxy, no current session."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("GIO_")]:
        monkeypatch.delenv(name)
    for name in _PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HOME", str(folder))
    for name in ("CACHE", "CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(folder / name.lower()))
    # The developer's own keyring would ask to be unlocked.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setattr("gio_pandas.current._session", None)
    return folder


@pytest.fixture(scope="session")
def sandbox() -> Iterator[embedded.Sandbox]:
    """Start one sandbox for all tests; what it is asked adds up, its data never change."""
    with embedded.start(stage_seconds=0) as platform:
        yield platform
