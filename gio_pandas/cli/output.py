"""The file that a command writes an export to."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from gio_pandas.cli.terminal import warnings_in_a_line

if TYPE_CHECKING:
    from gio_pandas.exports.job import ExportJob

__all__ = ["Outputs", "with_output", "write"]

_ENCODING = "utf-8-sig"
_COMPRESSION = "zstd"
_DELAY = 0.3
"""Seconds after which a command says how far it is."""

_Command = Callable[..., None]


def with_output(command: _Command) -> _Command:
    """Add the options that say where to, checked before anything is asked of the platform."""

    @click.option(
        "-o",
        "--output",
        metavar="FILE",
        callback=_check,
        help="Where to: FILE.csv (UTF-8 with a mark, so that Excel opens it), FILE.parquet, or "
        "FOLDER/ for a Parquet file for each of the export's. What is there is replaced once the "
        "new is whole.",
    )
    @click.option(
        "--plot",
        metavar="FILE",
        callback=_check_plot,
        help="Draw the result's chart into FILE.png, FILE.svg or FILE.html, with or without -o.",
    )
    @functools.wraps(command)
    def wrapped(output: str | None, plot: str | None, **rest: Any) -> None:
        if output is None and plot is None:
            raise click.UsageError("Missing option '-o' / '--output', or '--plot'.")
        command(outputs=Outputs(output, plot), **rest)

    return wrapped


@dataclass(frozen=True)
class Outputs:
    """What a result is written to.

    Parameters
    ----------
    table
        A CSV or Parquet file, or a folder; None where no table is asked for.
    picture
        A PNG, SVG or HTML file; None where no chart is asked for.
    """

    table: str | None
    picture: str | None


def write(make: Callable[[], ExportJob], outputs: Outputs) -> None:
    """Write a job's result, and say how much that was.

    Parameters
    ----------
    make
        Submits or picks up the job.
    outputs
        Where to, as the options say it.
    """
    began = time.monotonic()
    with warnings_in_a_line():
        job = make()
        if outputs.table is not None:
            with _shown(job):
                _write(job, outputs.table)
            rows = job.rows or 0
            seconds = time.monotonic() - began
            click.echo(f"{outputs.table}: {rows:,} row{'s' * (rows != 1)} in {seconds:.1f} s")
        if outputs.picture is not None:
            _draw(job, outputs.picture)


def _draw(job: ExportJob, path: str) -> None:
    from gio_pandas import plotting

    with _shown(job):
        frame = job.to_pandas(progress=False)
    chart = plotting.chart(frame)
    try:
        plotting.save(chart, path)
    except OSError as error:
        raise click.ClickException(f"{path} was not written: {error}") from error
    click.echo(f"{path}: {chart.to_dict()['description']}")


def _check_plot(_: click.Context, __: click.Parameter, path: str | None) -> str | None:
    from gio_pandas import plotting
    from gio_pandas.errors import SettingsError

    if path is not None:
        try:
            plotting.picture_target(path)
        except SettingsError as error:
            raise click.BadParameter(str(error)) from error
    return path


def _check(_: click.Context, __: click.Parameter, output: str | None) -> str | None:
    """Refuse, before anything is submitted, what could not be written in the end."""
    from gio_pandas.errors import SettingsError
    from gio_pandas.exports import writers

    if output is None:
        return None
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


def _shown(job: ExportJob) -> AbstractContextManager[None]:
    """Show how far a job is in a line that goes away again: the command has its own last one."""
    from gio_pandas.notebook.progress import display_for, shown

    display = display_for(job.order.progress, summary=False)
    return shown(job.tracker, display, delay=_DELAY) if display else nullcontext()


def _write(job: ExportJob, output: str) -> Any:
    try:
        if output.lower().endswith(".csv"):
            return job.to_csv(output, encoding=_ENCODING, progress=False)
        return job.to_parquet(output, compression=_COMPRESSION, progress=False)
    except OSError as error:
        raise click.ClickException(f"{output} was not written: {error}") from error
