"""``gio-pandas doctor``."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import click

from gio_pandas._version import __version__
from gio_pandas.cli.connection import open_session, with_connection
from gio_pandas.cli.terminal import KINDS, LISTINGS, size, told
from gio_pandas.errors import (
    AuthenticationError,
    GioError,
    PlatformUnavailableError,
    SettingsError,
)
from gio_pandas.keys import with_key
from gio_pandas.settings import SANDBOX_PROJECT, profile_path

if TYPE_CHECKING:
    import pandas as pd

    from gio_pandas.exports.job import ExportJob

__all__ = ["doctor"]


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
        """Say what is set and where the key comes from, secrets masked."""
        try:
            self._session = self._opened.enter_context(open_session(self._connection))
            settings = with_key(self._session.settings).describe().items()
        except SettingsError as error:
            if "GIO_URL" not in error.hint:  # another trouble than that nothing is set
                raise
            raise SettingsError(error.what, hint=_three_ways()) from None
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
        return f"{kind} {job.name}: {size(frame)} in {time.monotonic() - began:.1f} s"

    def _smallest_segment(self) -> tuple[str, str] | None:
        segments = self._segments
        # One whose computation failed may have nothing to give.
        sound = segments[(segments["users"] > 0) & (segments["detected_stage"] != "ERROR")]
        return ("segment", str(sound.sort_values("users")["id"].iloc[0])) if len(sound) else None

    def _first_analysis(self) -> tuple[str, str] | None:
        for kind, listing in zip(KINDS[2:], LISTINGS[3:], strict=True):
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
     export GIO_URL=https://cdp.example.cn GIO_API_KEY=… GIO_PROJECT={SANDBOX_PROJECT}
2. In the profile file, {profile_path()}
   (readable by you alone: chmod 600):
     [default]
     url = "https://cdp.example.cn"
     api_key = "…"
     project = "{SANDBOX_PROJECT}"
3. As arguments:
     gio.connect("https://cdp.example.cn", api_key="…")      in Python
     gio-pandas doctor --url https://cdp.example.cn --api-key …

The key may lie in the system's keyring instead: gio-pandas login --url https://cdp.example.cn

To look around without an account: gio-pandas demo"""


@click.command(short_help="Check settings, network, key and a small export.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the small export may take.",
)
@with_connection
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
        return "FAIL", told(error) if "\n" not in error.hint else f"{error.what}.\n{error.hint}"


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
