"""``gio-pandas cache``."""

from __future__ import annotations

from typing import Any

import click

from gio_pandas.cli.connection import open_session, with_connection
from gio_pandas.cli.terminal import show
from gio_pandas.exports.memory import shown

__all__ = ["cache"]


@click.command(short_help="List or remove the results that --reuse keeps.")
@click.option("--clear", is_flag=True, help="Remove them all.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV (UTF-8), with every column.")
@with_connection
def cache(connection: dict[str, Any], clear: bool, as_csv: bool) -> None:
    """List the results that are kept on this machine (reuse=), what was used last on top."""
    with open_session(connection) as session:
        if clear:
            click.echo(f"Freed {shown(session.clear_cache())}.")
        else:
            show(session.cache_info(), "results", as_csv=as_csv)
