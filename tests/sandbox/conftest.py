"""Sandboxes for the tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from gio_pandas import sandbox

from .client import Client


@pytest.fixture
def started() -> Iterator[Callable[..., Client]]:
    """Start sandboxes with options; jobs finish at once unless a test says otherwise."""
    with ExitStack() as stack:

        def start(**options: Any) -> Client:
            platform = stack.enter_context(sandbox.start(**{"stage_seconds": 0, **options}))
            return stack.enter_context(Client(platform))

        yield start


@pytest.fixture
def signed_in(started: Callable[..., Client]) -> Callable[..., Client]:
    """Start sandboxes with options and sign in."""
    return lambda **options: started(**options).sign_in()


@pytest.fixture(scope="session")
def shared() -> Iterator[sandbox.Sandbox]:
    """Share a sandbox, jobs finishing at once, among the tests that only read."""
    with sandbox.start(stage_seconds=0) as platform:
        yield platform


@pytest.fixture
def client(shared: sandbox.Sandbox) -> Iterator[Client]:
    """Return a signed-in client of the shared sandbox."""
    with Client(shared) as client:
        yield client.sign_in()
