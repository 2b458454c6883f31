"""The ``gio-pandas`` command: a session's verbs, from a terminal."""

from __future__ import annotations

import functools
import io
import json
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gio_pandas._version import __version__
from gio_pandas.errors import (
    AmbiguousNameError,
    AuthenticationError,
    GioError,
    PlatformUnavailableError,
    SettingsError,
)
from gio_pandas.settings import SANDBOX, profile_path

if TYPE_CHECKING:
    import pandas as pd

    from gio_pandas.exports.job import ExportJob
    from gio_pandas.session import Session

__all__ = ["main"]

_ANALYSES = ("funnel", "event", "retention", "frequency")
_KINDS = ("segment", "tag", *_ANALYSES)
_ANALYSIS_COLUMNS = ("id", "name", "chart_type", "creator", "updated_at")
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "projects": ("id", "name", "owner", "members", "created_at"),
    "tags": ("id", "name", "key", "value_type", "users", "updated_at"),
    "segments": ("id", "name", "users", "scheduler", "creator", "updated_at"),
    "funnels": _ANALYSIS_COLUMNS,
    "events": _ANALYSIS_COLUMNS,
    "retentions": _ANALYSIS_COLUMNS,
    "frequencies": _ANALYSIS_COLUMNS,
}
"""What of a listing fits 100 columns of a terminal; ``--csv`` has all of it."""

_FEW = 4


class _Commands(click.Group):
    """A group whose commands fail in one line, and are let go of with Ctrl-C."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; see the class."""
        try:
            return super().invoke(ctx)
        except GioError as error:
            raise click.ClickException(_told(error)) from error
        except ModuleNotFoundError as error:
            if "gio-pandas[" not in str(error):
                raise
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt as interrupt:
            click.echo(
                f"\nInterrupted: {interrupt}" if str(interrupt) else "\nInterrupted", err=True
            )
            ctx.exit(130)


def _told(error: GioError) -> str:
    """Put an error and its notes into one line; the namesakes it lists go below, as a table."""
    line = " ".join(" ".join([*error.args, *getattr(error, "__notes__", ())]).split())
    line = f"{type(error).__name__}: {line}"
    if isinstance(error, AmbiguousNameError) and error.candidates:
        import pandas as pd

        line += f"\n{_table(pd.DataFrame(list(error.candidates)))}"
    return line


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gio-pandas")
def main() -> None:
    """Export tags, segments and analyses of a GrowingIO OP platform (客户数据平台).

    Where the platform is and how to get in is said by options, else by the environment (GIO_URL,
    GIO_API_KEY, GIO_PROJECT, …), else by a profile file; `gio-pandas doctor` shows what is set
    and whether it works. To look around without an account: `gio-pandas demo`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A console of an old code page shows \u2026 in place of a character it lacks.
            stream.reconfigure(errors="backslashreplace")


_Command = Callable[..., None]


def _with_connection(command: _Command) -> _Command:
    """Add the options that a session is made of, passed on together as ``connection``."""

    @click.option("--url", metavar="URL", help="The platform's address, or sandbox: [GIO_URL]")
    @click.option(
        "--api-key",
        metavar="KEY",
        help="The API key. Better set GIO_API_KEY: others on this machine can see a command's "
        "options. [GIO_API_KEY]",
    )
    @click.option("--profile", metavar="NAME", help="A profile of the profile file. [GIO_PROFILE]")
    @click.option("--project", metavar="PROJECT", help="A project's id or name. [GIO_PROJECT]")
    @functools.wraps(command)
    def wrapped(
        url: str | None,
        api_key: str | None,
        profile: str | None,
        project: str | None,
        **rest: Any,
    ) -> None:
        connection = {"url": url, "api_key": api_key, "profile": profile, "project": project}
        command(connection=connection, **rest)

    return wrapped


def _session(connection: Mapping[str, Any]) -> Session:
    from gio_pandas.session import Session

    return Session(**connection)


@main.command("list", short_help="List what there is.")
@click.argument("what", type=click.Choice(list(_COLUMNS)), metavar="WHAT")
@click.option(
    "--scope",
    type=click.Choice(["platform", "project"]),
    help="Which tags: all of the platform's, or the project's. By default the project's where "
    "one is set.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV (UTF-8), with every column.")
@_with_connection
def list_(connection: dict[str, Any], what: str, scope: str | None, as_csv: bool) -> None:
    """List what there is, in the platform's order.

    WHAT is projects, tags, segments, funnels, events, retentions or frequencies. Their ids, names
    and keys (标识符) are what `gio-pandas export` takes.
    """
    if scope and what != "tags":
        raise click.UsageError(f"--scope is for tags; {what} are always a project's.")
    options = {"scope": scope} if scope else {}
    with _session(connection) as session:
        frame: pd.DataFrame = getattr(session, f"list_{what}")(**options)
    if as_csv:
        # As bytes: CSV is UTF-8 whatever the console's own code page is.
        click.echo(frame.to_csv(index=False, lineterminator="\n").encode(), nl=False)
        return
    if len(frame):
        click.echo(_table(_for_terminal(frame, what)))
    click.echo(f"{len(frame):,} {what}", err=True)


def _for_terminal(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """Keep the columns that a person looks for; of times, the day here where the person is."""
    import pandas as pd

    frame = frame[list(_COLUMNS[what])].copy()
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.DatetimeTZDtype):
            frame[name] = frame[name].map(_local_day, na_action="ignore")
    return frame


def _local_day(moment: pd.Timestamp) -> str:
    return moment.to_pydatetime().astimezone().date().isoformat()


def _table(frame: pd.DataFrame, *, index: bool = False) -> str:
    """Print a frame whole, with Chinese characters as wide as a terminal shows them."""
    import pandas as pd

    with pd.option_context("display.unicode.east_asian_width", True):
        return frame.to_string(index=index, na_rep="NaN" if index else "-")


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


@main.command(short_help="Export a segment, tag or analysis to a file.")
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
    help="What the platform is asked to write, UTF-16LE by default; FILE is UTF-8. [GIO_CHARSET]",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    help="How long to wait for the platform, 3600 by default; none waits for ever. [GIO_TIMEOUT]",
)
@_with_connection
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
    with _session(connection) as session, _warnings_in_a_line():
        job: ExportJob = getattr(session, f"submit_{kind}")(name, **given)
        click.echo(f"Submitted {kind} {job.name}: gio.attach({job.id!r}) has it again", err=True)
        frame = job.to_pandas()
    _write(frame, output)
    seconds = time.monotonic() - began
    click.echo(f"{output}: {_size(frame)} in {seconds:.1f} s")


@contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    """Print warnings as a terminal's reader wants them, without the line of code."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    for warning in caught:
        click.echo(f"Warning: {warning.message}", err=True)


def _size(frame: pd.DataFrame) -> str:
    rows, columns = frame.shape
    return f"{rows:,} row{'s' * (rows != 1)} × {columns} column{'s' * (columns != 1)}"


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


_DEMO_PROJECT = "默认项目"
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


@main.command(short_help="Show it all on made-up data: no account, no network.")
def demo() -> None:
    """Run every kind of export on the embedded platform and print what comes back.

    It needs neither an account nor a network, and takes some seconds.
    """
    from gio_pandas.session import Session

    began = time.monotonic()
    click.echo(">>> import gio_pandas as gio")
    click.echo(f">>> gio.connect({_quoted(SANDBOX)}, project={_quoted(_DEMO_PROJECT)})\n")
    with Session(SANDBOX, project=_DEMO_PROJECT) as session:
        for what in ("projects", "tags", "segments"):
            _demo_listing(session, what)
        for show in _SHOWS:
            _demo_export(session, show)
    click.echo(f"All of it took {time.monotonic() - began:.1f} s.\n")
    click.echo(_NEXT)


_NEXT = f"""\
What to type next, in Python:

    import gio_pandas as gio
    gio.connect("https://cdp.example.cn", api_key="…", project="{_DEMO_PROJECT}")
    df = gio.read_segment("高价值用户")      # gio.connect("{SANDBOX}") is the platform shown here

and in a terminal, with GIO_URL, GIO_API_KEY and GIO_PROJECT set, or with --url {SANDBOX}

    gio-pandas doctor
    gio-pandas list segments
    gio-pandas export segment 高价值用户 -o users.csv"""


def _demo_listing(session: Session, what: str) -> None:
    frame: pd.DataFrame = getattr(session, f"list_{what}")()
    click.echo(f">>> gio.list_{what}()")
    click.echo(_table(_for_terminal(frame.head(_FEW), what)))
    click.echo(f"{min(_FEW, len(frame))} of {len(frame):,} {what}\n")


def _demo_export(session: Session, show: _Show) -> None:
    click.echo(show.code())
    times = [time.monotonic()]
    job: ExportJob = getattr(session, f"submit_{show.kind}")(show.name, **show.arguments)
    times.append(time.monotonic())
    job.wait()
    times.append(time.monotonic())
    frame = job.to_pandas()
    times.append(time.monotonic())
    click.echo(f"{_table(frame.head(), index=True)}\n{_size(frame)}\n{_dtypes(frame)}")
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


class _Checkup:
    """The checks of ``doctor``; each rests on what those before it found.

    Parameters
    ----------
    connection
        What a session is made of.
    timeout
        Seconds that the small export may take.
    """

    def __init__(self, connection: Mapping[str, Any], timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout
        self._refusal: AuthenticationError | None = None
        self._opened = ExitStack()

    def close(self) -> None:
        """Close the session, if it came to one."""
        self._opened.close()

    def checks(self) -> tuple[Callable[[], str], ...]:
        """Give the checks, in the order in which they rest on each other."""
        return self.settings, self.reachable, self.token, self.projects, self.small_export

    def settings(self) -> str:
        """Say what is set, secrets masked."""
        try:
            self._session = self._opened.enter_context(_session(self._connection))
        except SettingsError as error:
            if "GIO_URL" not in error.hint:  # another trouble than that nothing is set
                raise
            raise SettingsError(error.what, hint=_three_ways()) from None
        settings = self._session.settings.describe().items()
        return "\n".join(
            ["secrets are masked", *(f"{name:<12} {value}" for name, value in settings)]
        )

    def reachable(self) -> str:
        """Ask the least that can be asked; whether it may be asked is the next check."""
        began = time.monotonic()
        try:
            self._session.graphql("query { __typename }")
        except (PlatformUnavailableError, SettingsError):
            raise
        except AuthenticationError as error:
            self._refusal = error
        except GioError:
            pass  # it answers; what it lacks, the checks below find
        return f"the platform answers, in {time.monotonic() - began:.2f} s"

    def token(self) -> str:
        """Say what became of the key or token."""
        if self._refusal is not None:
            raise self._refusal
        return "the platform lets you in"

    def projects(self) -> str:
        """List the projects, and look into the one that is set, else into the first."""
        frame = self._session.list_projects()
        names = [str(name) for name in frame["name"]]
        if not names:
            raise SettingsError(
                "The account sees no project", hint="Ask the administrator for access to one."
            )
        chosen = self._session.settings.project
        self._project = chosen or str(frame["id"].iloc[0])
        self._segments = self._session.list_segments(project=self._project)
        said = f"{chosen} is set" if chosen else "none is set: pass --project or set GIO_PROJECT"
        return f"{_listed(names)}; {said if chosen or len(names) > 1 else 'the only one'}"

    def small_export(self) -> str:
        """Export the smallest segment, else the first analysis there is."""
        began = time.monotonic()
        found = self._smallest_segment() or self._first_analysis()
        if found is None:
            return "nothing to export in the project"
        kind, item_id = found
        submit = getattr(self._session, f"submit_{kind}")
        job: ExportJob = submit(item_id, project=self._project, timeout=self._timeout)
        frame = job.to_pandas()
        return f"{kind} {job.name}: {_size(frame)} in {time.monotonic() - began:.1f} s"

    def _smallest_segment(self) -> tuple[str, str] | None:
        segments = self._segments
        # One whose computation failed may have nothing to give.
        sound = segments[(segments["users"] > 0) & (segments["detected_stage"] != "ERROR")]
        return ("segment", str(sound.sort_values("users")["id"].iloc[0])) if len(sound) else None

    def _first_analysis(self) -> tuple[str, str] | None:
        for kind, listing in zip(_ANALYSES, list(_COLUMNS)[3:], strict=True):
            frame: pd.DataFrame = getattr(self._session, f"list_{listing}")(project=self._project)
            if len(frame):
                return kind, str(frame["id"].iloc[0])
        return None


def _listed(names: list[str]) -> str:
    more = f", and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{len(names)}: {', '.join(names[:5])}{more}"


def _three_ways() -> str:
    return f"""Say where the platform is, in one of three ways:

1. In the environment:
     export GIO_URL=https://cdp.example.cn GIO_API_KEY=… GIO_PROJECT={_DEMO_PROJECT}
2. In the profile file, {profile_path()}
   (readable by you alone: chmod 600):
     [default]
     url = "https://cdp.example.cn"
     api_key = "…"
     project = "{_DEMO_PROJECT}"
3. As arguments:
     gio.connect("https://cdp.example.cn", api_key="…")      in Python
     gio-pandas doctor --url https://cdp.example.cn --api-key …

To look around without an account: gio-pandas demo"""


@main.command(short_help="Check settings, network, key and a small export.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the small export may take.",
)
@_with_connection
def doctor(connection: dict[str, Any], timeout: float) -> None:
    """Check settings, network, key and a small export, and say what to do where one fails.

    No secret is printed: the output can be sent to whoever helps. The exit code is 1 if a check
    fails.
    """
    click.echo(_versions())
    with closing(_Checkup(connection, timeout)) as checkup:
        failed = False
        for check in checkup.checks():
            state, words = ("skipped", "") if failed else _examined(check)
            failed = failed or state == "FAIL"
            click.echo(_report(state, check.__name__.replace("_", " "), words))
    if failed:
        click.get_current_context().exit(1)


def _examined(check: Callable[[], str]) -> tuple[str, str]:
    try:
        return "ok", check()
    except GioError as error:
        return "FAIL", _told(error) if "\n" not in error.hint else f"{error.what}.\n{error.hint}"


def _report(state: str, title: str, words: str) -> str:
    """Write a check's line; what does not fit into it goes below, indented."""
    first, *below = words.split("\n")
    lines = [f"{state:<8} {title:<13} {first}", *(f"{'':8} {line}" for line in below)]
    return "\n".join(line.rstrip() for line in lines)


def _versions() -> str:
    from importlib.metadata import version

    parts = [f"gio-pandas {__version__}", f"Python {platform.python_version()}"]
    parts += [f"{name} {version(name)}" for name in ("pandas", "pyarrow", "httpx")]
    return ", ".join([*parts, platform.system()])


@main.command(short_help="Run the sandbox platform until Ctrl-C.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="The port on 127.0.0.1; 0 takes any free one.",
)
@click.option("--users", type=int, help="How many users the platform has (10,000).")
@click.option("--seed", type=int, help="Another seed makes up other data (1).")
@click.option("--parts", type=int, help="How many files a user export has (1).")
@click.option("--stage-seconds", type=float, help="How long a stage of a user export takes (0.15).")
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
    gio.connect("{url}", api_key="{api_key}", project="{_DEMO_PROJECT}")
In a terminal:
    export GIO_URL={url} GIO_API_KEY={api_key} GIO_PROJECT={_DEMO_PROJECT}""")


if __name__ == "__main__":
    main(prog_name="gio-pandas")
