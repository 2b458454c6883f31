"""``gio-pandas list``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gio_pandas.cli.connection import open_session, with_connection
from gio_pandas.cli.terminal import LISTINGS, show

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["list_"]


@click.command("list", short_help="List what there is.")
@click.argument("what", type=click.Choice(LISTINGS), metavar="WHAT")
@click.option(
    "--scope",
    type=click.Choice(["platform", "project"]),
    help="Which tags: all of the platform's, or the project's. By default the project's where "
    "one is set.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV (UTF-8), with every column.")
@with_connection
def list_(connection: dict[str, Any], what: str, scope: str | None, as_csv: bool) -> None:
    """List what there is, in the platform's order.

    WHAT is projects, tags, segments, funnels, events, retentions or frequencies. Their ids, names
    and keys (标识符) are what `gio-pandas export` takes.
    """
    if scope and what != "tags":
        raise click.UsageError("--scope is for tags only.")
    options = {"scope": scope} if scope else {}
    with open_session(connection) as session:
        frame: pd.DataFrame = getattr(session, f"list_{what}")(**options)
    show(frame, what, as_csv=as_csv)
