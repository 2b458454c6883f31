"""``gio-pandas demo``."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import click

from gio_pandas.cli.terminal import for_terminal, table
from gio_pandas.settings import SANDBOX, SANDBOX_PROJECT

if TYPE_CHECKING:
    import pandas as pd

    from gio_pandas.exports.job import ExportJob
    from gio_pandas.session import Session

__all__ = ["demo"]

_FEW = 4


@dataclass(frozen=True)
class _Show:
    """One export of the demo: what it calls, and what to look at in the result."""

    kind: str
    name: str
    remark: str
    arguments: Mapping[str, list[str]] = field(default_factory=dict)

    def code(self) -> str:
        """Say what a user types for it."""
        opening = f">>> gio.read_{self.kind}("
        parts = [_quoted(self.name)]
        parts += [f"{name}={_quoted(value)}" for name, value in self.arguments.items()]
        return opening + (",\n..." + " " * (len(opening) - 3)).join(parts) + ")"


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_SHOWS = (
    _Show(
        "segment",
        "高价值用户",
        "Phones keep their leading zeros and card numbers all of their 19 digits; NA, null and\n"
        "1e10 are ids like any other. Dates are dates.",
        {
            "tags": ["会员等级", "最近下单日期"],
            "properties": ["usr_city", "usr_phone", "usr_card_no"],
        },
    ),
    _Show("tag", "订单交易笔数", "A tag's type on the platform is its type here."),
    _Show("funnel", "漏斗1", "The platform prints 1,234 and 45.20%: both are numbers here."),
    _Show("event", "事件1", "A lone - between numbers is a missing value."),
    _Show("retention", "留存1", "The triangle, as the platform shows it."),
    _Show("frequency", "分布1", "Ranges stay text, their shares are numbers."),
)


@click.command(short_help="Show it all on made-up data: no account, no network.")
def demo() -> None:
    """Run every kind of export on the embedded platform and print what comes back.

    It needs neither an account nor a network, and takes some seconds.
    """
    from gio_pandas.session import Session

    began = time.monotonic()
    click.echo(">>> import gio_pandas as gio")
    click.echo(f">>> gio.connect({_quoted(SANDBOX)}, project={_quoted(SANDBOX_PROJECT)})\n")
    with Session(SANDBOX, project=SANDBOX_PROJECT) as session:
        for what in ("projects", "tags", "segments"):
            _demo_listing(session, what)
        for show in _SHOWS:
            _demo_export(session, show)
    click.echo(f"All of it took {time.monotonic() - began:.1f} s.\n")
    click.echo(_NEXT)


_NEXT = f"""\
What to type next, in Python:

    import gio_pandas as gio
    gio.connect("https://cdp.example.cn", api_key="…", project="{SANDBOX_PROJECT}")
    df = gio.read_segment("高价值用户")      # gio.connect("{SANDBOX}") is the platform shown here

in a notebook (python -m pip install "gio-pandas[lab]")

    gio.pick()                               # choose on a screen
    %load_ext gio_pandas                     # then %gio --help

and in a terminal, with GIO_URL, GIO_API_KEY and GIO_PROJECT set, or with --url {SANDBOX}

    gio-pandas doctor
    gio-pandas list segments
    gio-pandas export segment 高价值用户 -o users.csv"""


def _demo_listing(session: Session, what: str) -> None:
    frame: pd.DataFrame = getattr(session, f"list_{what}")()
    click.echo(f">>> gio.list_{what}()")
    click.echo(table(for_terminal(frame.head(_FEW), what)))
    click.echo(f"{min(_FEW, len(frame))} of {len(frame):,} {what}\n")


def _demo_export(session: Session, show: _Show) -> None:
    from gio_pandas.exports.memory import size

    click.echo(show.code())
    times = [time.monotonic()]
    job: ExportJob = getattr(session, f"submit_{show.kind}")(show.name, **show.arguments)
    times.append(time.monotonic())
    job.wait(progress=False)  # it has its own last line
    times.append(time.monotonic())
    frame = job.to_pandas(progress=False)
    times.append(time.monotonic())
    click.echo(f"{table(frame.head(), index=True)}\n{size(frame)}\n{_dtypes(frame)}")
    click.echo(f"{_timing(job, times)}\n{show.remark}\n")


def _dtypes(frame: pd.DataFrame) -> str:
    """Say which columns are of which dtype, a line each."""
    names: dict[str, list[str]] = {}
    for name, dtype in frame.dtypes.items():
        names.setdefault(str(dtype), []).append(str(name))
    return "\n".join(f"  {dtype:<15} {', '.join(columns)}" for dtype, columns in names.items())


def _timing(job: ExportJob, times: list[float]) -> str:
    submit, wait, read = (f"{later - earlier:.2f} s" for earlier, later in pairwise(times))
    stages = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in job.seconds.items())
    return f"Submit {submit}, wait {wait}, download and decode {read}.\nStages seen at: {stages}."
