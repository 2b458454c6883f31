"""What the tests of the notebook stand on: shells, sessions, and platforms of a test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina
from shells import Shell, opened
from stage import PROJECT, Start, starting

import gio_pandas as gio


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """Open a shell with the extension loaded, and nobody connected."""
    with opened(capsys) as shell:
        shell.run("%load_ext gio_pandas")
        yield shell


@pytest.fixture(scope="module")
def session(sandbox: gio.sandbox.Sandbox) -> Iterator[gio.Session]:
    """Give a session on the sandbox of all tests."""
    with gio.Session(sandbox.url, api_key=sandbox.api_key, project=PROJECT) as made:
        yield made


@pytest.fixture
def no_waits() -> Iterator[None]:
    """Try again as often as ever, but at once."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
def start() -> Iterator[Start]:
    """Start platforms, each with a session on it."""
    with starting() as begin:
        yield begin
