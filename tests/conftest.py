"""What every test stands on: nothing of the developer's own settings, and a platform to ask."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gio_pandas import sandbox as embedded

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


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
    monkeypatch.setattr("gio_pandas._current", None)
    return folder


@pytest.fixture(scope="session")
def sandbox() -> Iterator[embedded.Sandbox]:
    """Start one sandbox for all tests; what it is asked adds up, its data never change."""
    with embedded.start(stage_seconds=0) as platform:
        yield platform
