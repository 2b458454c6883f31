"""Servers that answer oddly, clients that are closed in the end, and no waits."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import certifi
import pytest
import stamina
from wire import API_KEY, Wire

from gio_pandas.api.client import Client
from gio_pandas.api.transport import Transport
from gio_pandas.settings import Settings

Serve = Callable[..., Wire]


@pytest.fixture(scope="session")
def one_root(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write the first of certifi's certificates into a file of its own."""
    end = "-----END CERTIFICATE-----\n"
    file = tmp_path_factory.mktemp("roots") / "one.pem"
    file.write_text(Path(certifi.where()).read_text(encoding="utf-8").partition(end)[0] + end)
    return str(file)


@pytest.fixture(autouse=True)
def few_roots(one_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust one root: to load all of them takes a tenth of a second for each client."""
    monkeypatch.setattr(certifi, "where", lambda: one_root)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Close in the end what the test opened, the last first."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(stack: ExitStack) -> Serve:
    """Open a server: ``serve()``, ``serve(tls=context)``."""

    def open_wire(tls: ssl.SSLContext | None = None) -> Wire:
        return stack.enter_context(Wire(tls))

    return open_wire


@pytest.fixture
def wire(serve: Serve) -> Wire:
    """Open one server."""
    return serve()


@pytest.fixture
def transport(stack: ExitStack) -> Callable[..., Transport]:
    """Open a transport: ``transport(url, headers=…)``."""
    return _opener(stack, Transport)


@pytest.fixture
def client(stack: ExitStack) -> Callable[..., Client]:
    """Open a client: ``client(url, token=…)``."""
    return _opener(stack, Client)


def _opener(stack: ExitStack, kind: Callable[[Settings], Any]) -> Callable[..., Any]:
    def open_one(url: str, **settings: Any) -> Any:
        opened = kind(Settings.resolve(environ={}, url=url, **{"api_key": API_KEY, **settings}))
        stack.callback(opened.close)
        return opened

    return open_one


@pytest.fixture
def no_waits() -> Iterator[None]:
    """Try again as often as ever, but at once."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Write down the pauses between attempts in place of making them."""
    made: list[float] = []
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=made.append))
    return made
