"""``gio-pandas doctor``."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from gio_pandas.cli.connection import open_session, with_connection
from gio_pandas.cli.terminal import told

if TYPE_CHECKING:
    from gio_pandas.session import Session

__all__ = ["doctor"]


@click.command(short_help="Check settings, network, key and a small export.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the small export may take.",
)
@with_connection
def doctor(connection: dict[str, Any], timeout: float) -> None:
    """Check settings, network, key and a small export, and say what to do where one fails.

    No secret is printed: the output can be sent to whoever helps. The exit code is 1 if a check
    fails.
    """
    from gio_pandas import checkup

    click.echo(checkup.versions())
    failed = False
    with ExitStack() as opened:

        def session() -> Session:
            return opened.enter_context(open_session(connection))

        for finding in checkup.examine(session, timeout):
            failed = failed or finding.state == "FAIL"
            click.echo(finding.report(told))
    if failed:
        click.get_current_context().exit(1)
