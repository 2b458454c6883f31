"""``gio-pandas attach``."""

from __future__ import annotations

from typing import Any

import click

from gio_pandas.cli.connection import open_session, with_connection
from gio_pandas.cli.output import Outputs, with_output, write

__all__ = ["attach"]


@click.command(short_help="Write the result of a job that was submitted before.")
@click.argument("job_id", metavar="ID")
@with_output
@click.option(
    "--charset",
    metavar="CHARSET",
    help="What the job was asked to write, where it was submitted on another machine.",
)
@with_connection
def attach(connection: dict[str, Any], job_id: str, outputs: Outputs, charset: str | None) -> None:
    """Wait for a job that was submitted before, here or elsewhere, and write its result.

    ID is what the submit answered: `gio-pandas jobs` lists what was submitted from this machine.

    \b
    Example:
      gio-pandas attach VGFnVXNlckV4cG9ydEpvYkR0bzpBYlEzWEFwWQ -o users.parquet
    """  # noqa: D301 - the mark is click's: what follows is not wrapped
    with open_session(connection) as session:
        write(lambda: session.attach(job_id, charset=charset), outputs)
