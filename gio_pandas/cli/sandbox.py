"""``gio-pandas sandbox``."""

from __future__ import annotations

from typing import Any

import click

from gio_pandas.settings import SANDBOX_PROJECT

__all__ = ["sandbox"]


def _list_faults(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from gio_pandas.sandbox import FAULTS

        lines = [f"  {name:<19} {fault}" for name, fault in FAULTS.items()]
        click.echo("\n".join([_FAULT_SPECS, *lines]))
        context.exit()


_FAULT_SPECS = """\
--fault NAME:STEP@WHEN,PARAMETER=VALUE, where all but the name may be left out.
  STEP is token, query, submit, poll, download or any.
  WHEN counts the step's requests: 2, 1+3, 2-4, 2-, all; 5% are drawn by lot.
  Such as: drop  503:poll@1-3,retry_after=1  cut:download@2,size=1000  reset:any@5%,seed=7
"""


@click.command(short_help="Run the sandbox platform until Ctrl-C.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="The port on 127.0.0.1; 0 takes any free one.",
)
@click.option("--users", type=int, help="How many users the platform has (10,000).")
@click.option("--segments", type=int, help="How many further segments a project has (0).")
@click.option("--seed", type=int, help="Another seed makes up other data (1).")
@click.option("--parts", type=int, help="How many files a user export has (1).")
@click.option("--stage-seconds", type=float, help="How long a stage of a user export takes (0.15).")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="SPEC",
    help="What goes wrong, and when, such as cut:download@2; may be given several times.",
)
@click.option(
    "--faults",
    "listed",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_faults,
    help="List what can go wrong, and end.",
)
def sandbox(port: int, **options: Any) -> None:
    """Run the sandbox, a platform with made-up data, until Ctrl-C.

    It answers on this machine alone. Use it to try things out, and to test your own code.
    """
    from gio_pandas.sandbox import serve

    given = {name: value for name, value in options.items() if value is not None}
    try:
        serve(port, on_ready=_sandbox_ready, **given)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"Port {port} is not free ({error}): try --port 0.") from error


def _sandbox_ready(url: str, api_key: str) -> None:
    click.echo(f"""\
The sandbox answers on {url}, API key {api_key}. Ctrl-C stops it.

In Python:
    gio.connect("{url}", api_key="{api_key}", project="{SANDBOX_PROJECT}")
In a terminal:
    export GIO_URL={url} GIO_API_KEY={api_key} GIO_PROJECT={SANDBOX_PROJECT}""")
