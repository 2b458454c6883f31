"""``gio-pandas jobs``."""

from __future__ import annotations

from typing import Any

import click

from gio_pandas.cli.connection import open_session, with_connection
from gio_pandas.cli.terminal import KINDS, show, warnings_in_a_line

__all__ = ["jobs"]


@click.command(short_help="List what was submitted from this machine.")
@click.option("--kind", type=click.Choice(KINDS), help="Only this kind.")
@click.option("--since", metavar="AGE", help="Only what is no older, such as 1h or 7d.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV (UTF-8), with every column.")
@with_connection
def jobs(connection: dict[str, Any], as_csv: bool, **options: str | None) -> None:
    """List what was submitted to the platform from this machine, the newest on top.

    Stages are as they were last seen from here. `gio-pandas attach ID` picks a job up again; what
    is UNCERTAIN has no id: look for it in the platform's export list (导出任务).
    """
    with open_session(connection) as session, warnings_in_a_line():
        show(session.jobs(**options), "jobs", as_csv=as_csv)
