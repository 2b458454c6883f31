"""The ``gio-pandas`` command: a session's verbs, from a terminal. A module a command."""

from __future__ import annotations

import io
import sys
from typing import Any

import click

from gio_pandas._version import __version__
from gio_pandas.cli.attach import attach
from gio_pandas.cli.cache import cache
from gio_pandas.cli.demo import demo
from gio_pandas.cli.doctor import doctor
from gio_pandas.cli.export import export
from gio_pandas.cli.jobs import jobs
from gio_pandas.cli.listing import list_
from gio_pandas.cli.login import login, logout
from gio_pandas.cli.sandbox import sandbox
from gio_pandas.cli.terminal import in_commands, told
from gio_pandas.errors import GioError

__all__ = ["main"]


class _Commands(click.Group):
    """A group whose commands fail in one line, and are let go of with Ctrl-C."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; see the class."""
        try:
            return super().invoke(ctx)
        except GioError as error:
            raise click.ClickException(told(error)) from error
        except ModuleNotFoundError as error:
            if "gio-pandas[" not in str(error):
                raise
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt as interrupt:
            words = f": {in_commands(str(interrupt))}" if str(interrupt) else ""
            click.echo(f"\nInterrupted{words}", err=True)
            ctx.exit(130)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gio-pandas")
def main() -> None:
    """Export tags, segments and analyses of a GrowingIO OP platform (客户数据平台).

    Where the platform is and how to get in is said by options, else by the environment (GIO_URL,
    GIO_API_KEY, GIO_PROJECT, …), else by a profile file; the key may lie in the system's keyring
    (`gio-pandas login`). `gio-pandas doctor` shows what is set and whether it works. To look
    around without an account: `gio-pandas demo`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A console of an old code page shows \u2026 in place of a character it lacks.
            stream.reconfigure(errors="backslashreplace")


for _command in (attach, cache, demo, doctor, export, jobs, list_, login, logout, sandbox):
    main.add_command(_command)
