"""A platform a test asks for, and a client of it that keeps its files in the test's own folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import certifi
import pytest
import stamina

import gio_pandas as gio

from .platform import API_KEY, Bystander, Options, Platform
from .world import World

Serve = Callable[..., Platform]
Connect = Callable[..., "gio.Session"]
ConnectAll = Callable[..., None]


def needs(verb: str) -> pytest.MarkDecorator:
    """Skip a test of a verb that the client does not have yet."""
    absent = not hasattr(gio.Session, verb) and not hasattr(gio.ExportJob, verb)
    return pytest.mark.skipif(absent, reason=f"there is no {verb} yet")


@pytest.fixture(scope="session")
def one_ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep one CA of the many: to load them all takes longer than most tests."""
    end = "-----END CERTIFICATE-----\n"
    file = tmp_path_factory.mktemp("ca") / "one.pem"
    file.write_text(Path(certifi.where()).read_text().partition(end)[0] + end)
    return file


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_ca: Path) -> Path:
    """Keep the ledger, the cache and the settings of every test apart."""
    folder = tmp_path / "home"
    monkeypatch.setattr(certifi, "where", lambda: str(one_ca))
    for name in [name for name in os.environ if name.startswith("GIO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    for name in ("CACHE", "CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(folder / name.lower()))
    return folder


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Close in the end what the test opened."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(stack: ExitStack) -> Serve:
    """Open a platform: ``serve(parts=3, world=…)``."""

    def open_platform(
        world: World | None = None, *, elsewhere: Bystander | None = None, **options: Any
    ) -> Platform:
        return stack.enter_context(Platform(Options(**options), world, elsewhere=elsewhere))

    return open_platform


@pytest.fixture
def bystander(stack: ExitStack) -> Bystander:
    """Open a server of another origin."""
    return stack.enter_context(Bystander())


@pytest.fixture
def connect(stack: ExitStack) -> Connect:
    """Open a session on a platform, in its default project unless told otherwise."""

    def open_session(platform: Platform, **settings: Any) -> gio.Session:
        settings = {"api_key": API_KEY, "project": "默认项目", **settings}
        return stack.enter_context(gio.Session(platform.url, **settings))

    return open_session


@pytest.fixture
def connect_all(stack: ExitStack) -> ConnectAll:
    """Connect the module's own verbs, as a notebook does."""

    def open_session(url: str, **settings: Any) -> None:
        stack.callback(gio.connect(url, **settings).close)

    return open_session


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Try again as often as ever, but at once."""
    monkeypatch.setattr("gio_pandas.exports.files.retry_delay", lambda *_: 0.0)
    monkeypatch.setattr("gio_pandas.exports.job._NAMING", 0.1)
    with stamina.set_testing(True, attempts=100, cap=True):
        yield
