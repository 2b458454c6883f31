"""``gio-pandas cache``."""

from __future__ import annotations

import click

from gio_pandas.cli.terminal import show

__all__ = ["cache"]


@click.command(short_help="List or remove the results that reuse= keeps.")
@click.option("--clear", is_flag=True, help="Remove them all.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV (UTF-8), with every column.")
def cache(clear: bool, as_csv: bool) -> None:
    """List the results that gio.read_…(reuse=…) keeps on this machine, the last used on top.

    They are of all platforms. Exports to files keep none.
    """
    from gio_pandas.catalog import to_frame
    from gio_pandas.exports.cache import Entry, cache_of
    from gio_pandas.exports.memory import shown

    kept = cache_of("", limit=0)  # it is not added to
    if clear:
        click.echo(f"Freed {shown(kept.clear())}.")
    else:
        show(to_frame(kept.entries(), Entry), "results", as_csv=as_csv)
