"""``gio-pandas login`` and ``gio-pandas logout``."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import click

from gio_pandas.errors import GioError, GraphQLError, PermissionDeniedError, SettingsError
from gio_pandas.keys import check_keyring, forget_key, store_key
from gio_pandas.settings import SANDBOX, Secret, Settings, check_secret

__all__ = ["login", "logout"]


_Command = Callable[..., None]


def _with_platform(command: _Command) -> _Command:
    @click.option("--url", metavar="URL", help="The platform's address. [GIO_URL]")
    @click.option("--profile", metavar="NAME", help="A profile of the profile file. [GIO_PROFILE]")
    @functools.wraps(command)
    def wrapped(**options: Any) -> None:
        command(**options)

    return wrapped


@click.command(short_help="Keep an API key in the system's keyring.")
@_with_platform
@click.option("--check/--no-check", default=True, help="Whether to try the key before. [check]")
def login(url: str | None, profile: str | None, check: bool) -> None:
    """Ask for the platform's API key and keep it in the system's keyring.

    The key is not shown while it is typed; where standard input is no terminal, its first line
    is the key. Sessions find it by the platform's address, where neither an argument nor the
    environment nor the profile file has a key or a token.
    """
    settings = _platform(url, profile)
    check_keyring()
    key = _asked(settings.url)
    if check:
        _try(settings.url, profile, key)
    name = store_key(settings.url, key)
    click.echo(f"The API key of {settings.url} is in the keyring ({name}).")
    if settings.key_from:
        click.echo(f"It is not used while the {settings.key_from} has a key or token.", err=True)


@click.command(short_help="Take an API key out of the system's keyring.")
@_with_platform
def logout(url: str | None, profile: str | None) -> None:
    """Take the platform's API key out of the system's keyring; the platform keeps it valid."""
    settings = _platform(url, profile)
    found = forget_key(settings.url)
    state = "no longer in the keyring" if found else "not in the keyring"
    click.echo(f"The API key of {settings.url} is {state}.")


def _platform(url: str | None, profile: str | None) -> Settings:
    settings = Settings.resolve(url=url, profile=profile)
    if settings.url == SANDBOX:
        raise SettingsError("The sandbox needs no key", hint="Pass --url of a platform.")
    return settings


def _asked(url: str) -> Secret:
    if sys.stdin.isatty():
        return check_secret("API key", click.prompt(f"API key of {url}", hide_input=True))
    return check_secret("API key", sys.stdin.readline())


def _try(url: str, profile: str | None, key: Secret) -> None:
    """Let the platform say whether it takes the key."""
    from gio_pandas.session import Session

    options: dict[str, Any] = {"url": url, "profile": profile, "api_key": key}
    with Session(**options) as session:
        try:
            session.graphql("query { __typename }")
        except (GraphQLError, PermissionDeniedError):
            pass  # it was let in; what else it may do is doctor's to find
        except GioError as error:
            error.add_note("The key was not kept; with --no-check it would be, untried.")
            raise
