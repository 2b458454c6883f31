"""The options that a session is made of."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gio_pandas.session import Session

__all__ = ["open_session", "with_connection"]

_Command = Callable[..., None]


def with_connection(command: _Command) -> _Command:
    """Add the options that a session is made of, passed on together as ``connection``."""

    @click.option("--url", metavar="URL", help="The platform's address, or sandbox: [GIO_URL]")
    @click.option(
        "--api-key",
        metavar="KEY",
        help="The API key. Better set GIO_API_KEY: others on this machine can see a command's "
        "options. [GIO_API_KEY]",
    )
    @click.option("--profile", metavar="NAME", help="A profile of the profile file. [GIO_PROFILE]")
    @click.option("--project", metavar="PROJECT", help="A project's id or name. [GIO_PROJECT]")
    @functools.wraps(command)
    def wrapped(
        url: str | None,
        api_key: str | None,
        profile: str | None,
        project: str | None,
        **rest: Any,
    ) -> None:
        connection = {"url": url, "api_key": api_key, "profile": profile, "project": project}
        command(connection=connection, **rest)

    return wrapped


def open_session(connection: Mapping[str, Any]) -> Session:
    """Make the session that the options ask for."""
    from gio_pandas.session import Session

    return Session(**connection)
