"""``gio-pandas export``."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from gio_pandas.cli.connection import open_session, with_connection
from gio_pandas.cli.terminal import ANALYSES

if TYPE_CHECKING:
    from gio_pandas.exports.job import ExportJob

__all__ = ["export"]

_KINDS = ("segment", "tag", *ANALYSES)
_ONLY_FOR = {"tags": ("segment",), "properties": ("segment", "tag"), "detail": ("tag",)}
_ENCODING = "utf-8-sig"
_COMPRESSION = "zstd"
_SPELLED = {"tags": "--tag", "properties": "--property", "detail": "--detail"}


def _check_output(_: click.Context, __: click.Parameter, output: str) -> str:
    """Refuse, before anything is submitted, what could not be written in the end."""
    from gio_pandas.errors import SettingsError
    from gio_pandas.exports import writers

    is_csv = output.lower().endswith(".csv")
    if not is_csv and not output.lower().endswith((".parquet", "/", os.sep)):
        raise click.BadParameter(
            f"'{output}' has to end in .csv or .parquet, or in / for a folder of Parquet."
        )
    try:
        if is_csv:
            writers.csv_target(output, _ENCODING)
        else:
            writers.parquet_target(output, _COMPRESSION)
    except SettingsError as error:
        raise click.BadParameter(str(error)) from error
    return output


@click.command(short_help="Export a segment, tag or analysis to a file.")
@click.argument("kind", type=click.Choice(_KINDS), metavar="KIND")
@click.argument("name")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    callback=_check_output,
    help="Where to: FILE.csv (UTF-8 with a mark, so that Excel opens it), FILE.parquet, or FOLDER/ "
    "for a Parquet file for each of the export's. What is there is replaced once the new is whole.",
)
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
@with_connection
def export(connection: dict[str, Any], kind: str, name: str, output: str, **options: Any) -> None:
    """Export a segment, tag or analysis to a file.

    KIND is segment (分群), tag (标签), funnel (漏斗分析), event (事件分析), retention (留存分析) or
    frequency (分布分析). NAME is its name or its id, of a tag also its key (标识符).

    \b
    Examples:
      gio-pandas export segment 高价值用户 -o users.csv --tag 会员等级 --property usr_city
      gio-pandas export tag tag_payment_times -o payments.parquet
      gio-pandas export funnel 漏斗1 -o funnel.csv
    """  # noqa: D301 - the mark is click's: what follows is not wrapped
    given = {option: value for option, value in options.items() if value not in (None, ())}
    for option, kinds in _ONLY_FOR.items():
        if option in given and kind not in kinds:
            raise click.UsageError(f"{_SPELLED[option]} is for a {' or '.join(kinds)}.")
    began = time.monotonic()
    with open_session(connection) as session, _warnings_in_a_line():
        job: ExportJob = getattr(session, f"submit_{kind}")(name, **given)
        click.echo(
            f"Submitted {kind} {job.name}: gio.attach({job.id!r}) picks it up again", err=True
        )
        _write(job, output)
    rows = job.rows or 0
    seconds = time.monotonic() - began
    click.echo(f"{output}: {rows:,} row{'s' * (rows != 1)} in {seconds:.1f} s")


def _write(job: ExportJob, output: str) -> None:
    try:
        if output.lower().endswith(".csv"):
            job.to_csv(output, encoding=_ENCODING)
        else:
            job.to_parquet(output, compression=_COMPRESSION)
    except OSError as error:
        raise click.ClickException(f"{output} was not written: {error}") from error


@contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    """Print warnings as a terminal's reader wants them, without the line of code."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    for warning in caught:
        click.echo(f"Warning: {warning.message}", err=True)
