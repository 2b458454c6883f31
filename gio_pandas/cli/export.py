"""``gio-pandas export``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from gio_pandas.cli.connection import open_session, with_connection
from gio_pandas.cli.output import Outputs, with_output, write
from gio_pandas.cli.terminal import KINDS

if TYPE_CHECKING:
    from gio_pandas.exports.job import ExportJob

__all__ = ["export"]

_ONLY_FOR = {"tags": ("segment",), "properties": ("segment", "tag"), "detail": ("tag",)}
_SPELLED = {"tags": "--tag", "properties": "--property", "detail": "--detail"}


@click.command(short_help="Export a segment, tag or analysis to a file.")
@click.argument("kind", type=click.Choice(KINDS), metavar="KIND")
@click.argument("name")
@with_output
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="TAG",
    help="A tag to add as a column, by name, key or id; may be repeated. (segment)",
)
@click.option(
    "--property",
    "properties",
    multiple=True,
    metavar="KEY",
    help="A user property to add as a column, such as usr_city; may be repeated. (segment, tag)",
)
@click.option(
    "--detail/--no-detail", default=None, help="Ask for the detailed form of the export. (tag)"
)
@click.option(
    "--charset",
    metavar="CHARSET",
    help="What the platform is asked to write, UTF-16LE by default; a CSV FILE is UTF-8 all the "
    "same. [GIO_CHARSET]",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    help="How long to wait for the platform, 3600 by default; none waits for ever. [GIO_TIMEOUT]",
)
@click.option(
    "--reuse",
    metavar="AGE",
    help="Join a job that was submitted from this machine within AGE (30min, 1h, 7d) for the same "
    "thing, running or finished, and submit none.",
)
@click.option("--refresh", is_flag=True, default=None, help="With --reuse: submit all the same.")
@with_connection
def export(
    connection: dict[str, Any], kind: str, name: str, outputs: Outputs, **options: Any
) -> None:
    """Export a segment, tag or analysis to a file.

    KIND is segment (分群), tag (标签), funnel (漏斗分析), event (事件分析), retention (留存分析) or
    frequency (分布分析). NAME is its name or its id, of a tag also its key (标识符).

    \b
    Examples:
      gio-pandas export segment 高价值用户 -o users.csv --tag 会员等级 --property usr_city
      gio-pandas export tag tag_payment_times -o payments.parquet
      gio-pandas export funnel 漏斗1 -o funnel.csv --plot funnel.png
    """  # noqa: D301 - the mark is click's: what follows is not wrapped
    given = {option: value for option, value in options.items() if value not in (None, ())}
    for option, kinds in _ONLY_FOR.items():
        if option in given and kind not in kinds:
            raise click.UsageError(f"{_SPELLED[option]} is for a {' or '.join(kinds)}.")

    def submit() -> ExportJob:
        began = datetime.now(UTC)
        job: ExportJob = getattr(session, f"submit_{kind}")(name, **given)
        assert job.submitted_at is not None  # noqa: S101 it was submitted from here
        when = job.submitted_at.astimezone()
        done = "Submitted" if job.submitted_at >= began else f"Joined the job of {when:%H:%M} for"
        again = f"gio-pandas attach {job.id} -o FILE"
        click.echo(f"{done} {kind} {job.name}: {again} picks it up again", err=True)
        return job

    with open_session(connection) as session:
        write(submit, outputs)
