"""``gio-pandas export``."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gio_pandas.cli.connection import open_session, with_connection
from gio_pandas.cli.terminal import ANALYSES, size

if TYPE_CHECKING:
    import pandas as pd

    from gio_pandas.exports.job import ExportJob

__all__ = ["export"]

_KINDS = ("segment", "tag", *ANALYSES)
_ONLY_FOR = {"tags": ("segment",), "properties": ("segment", "tag"), "detail": ("tag",)}
_SPELLED = {"tags": "--tag", "properties": "--property", "detail": "--detail"}


def _check_output(_: click.Context, __: click.Parameter, output: Path) -> Path:
    """Refuse, before anything is submitted, what could not be written in the end."""
    if output.suffix.lower() not in _WRITERS:
        raise click.BadParameter(f"'{output}' has to end in .csv or .parquet.")
    if not output.parent.is_dir():
        raise click.BadParameter(f"There is no folder '{output.parent}'.")
    if not os.access(output.parent, os.W_OK):
        raise click.BadParameter(f"The folder '{output.parent}' cannot be written to.")
    return output


@click.command(short_help="Export a segment, tag or analysis to a file.")
@click.argument("kind", type=click.Choice(_KINDS), metavar="KIND")
@click.argument("name")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    callback=_check_output,
    help="Where to: FILE.csv (UTF-8 with a mark, so that Excel opens it) or FILE.parquet. "
    "A file that is there is replaced once the new one is whole.",
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
def export(connection: dict[str, Any], kind: str, name: str, output: Path, **options: Any) -> None:
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
        frame = job.to_pandas()
    _write(frame, output)
    seconds = time.monotonic() - began
    click.echo(f"{output}: {size(frame)} in {seconds:.1f} s")


@contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    """Print warnings as a terminal's reader wants them, without the line of code."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    for warning in caught:
        click.echo(f"Warning: {warning.message}", err=True)


def _write(frame: pd.DataFrame, output: Path) -> None:
    """Write a file that is whole or not there; one that was there stays until then."""
    target = output.resolve()  # through a link, as other tools write
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        _WRITERS[target.suffix.lower()](frame, partial)
        partial.replace(target)
    except OSError as error:
        raise click.ClickException(f"{output} was not written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    frame = frame.copy(deep=False)
    for name, column in frame.select_dtypes(["datetime", "datetimetz"]).items():
        # Left to to_csv, the form of a date is chosen anew every few thousand rows.
        frame[name] = column.astype(str).where(column.notna())
    # With \r\n as the line's end, a lone \r within a text is quoted too (RFC 4180).
    frame.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\r\n")


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False)


_WRITERS: Mapping[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
