"""Whether everything works: settings, network, key and a small export, each with what to do."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gio_pandas._version import __version__
from gio_pandas.errors import (
    AuthenticationError,
    GioError,
    PlatformUnavailableError,
    SettingsError,
)
from gio_pandas.exports.memory import size
from gio_pandas.keys import with_key
from gio_pandas.settings import SANDBOX_PROJECT, profile_path

if TYPE_CHECKING:
    import pandas as pd

    from gio_pandas.exports.job import ExportJob
    from gio_pandas.session import Session

__all__ = ["Finding", "examine", "versions"]

_ANALYSES = {
    "funnel": "list_funnels",
    "event": "list_events",
    "retention": "list_retentions",
    "frequency": "list_frequencies",
}


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Parameters
    ----------
    state
        ``ok``, ``FAIL``, or ``skipped`` where one before it failed.
    title
        What was checked.
    words
        What there is to say; of a failure, see ``error``.
    error
        Why it failed.
    """

    state: Literal["ok", "FAIL", "skipped"]
    title: str
    words: str = ""
    error: GioError | None = None

    def report(self, told: Callable[[GioError], str] = str) -> str:
        """Write the finding's line; what does not fit into it goes below, indented.

        Parameters
        ----------
        told
            Puts an error into a line.
        """
        first, *below = self._said(told).split("\n")
        lines = [
            f"{self.state:<8} {self.title:<13} {first}",
            *(f"{'':8} {line}" for line in below),
        ]
        return "\n".join(line.rstrip() for line in lines)

    def _said(self, told: Callable[[GioError], str]) -> str:
        if self.error is None:
            return self.words
        if "\n" in self.error.hint:
            return f"{self.error.what}.\n{self.error.hint}"
        return told(self.error)


def examine(session: Callable[[], Session], timeout: float | None = 300.0) -> Iterator[Finding]:
    """Check one thing after the other; after a failure nothing more is asked.

    Parameters
    ----------
    session
        Gives the session to check, or says why there is none.
    timeout
        Seconds that the small export may take; None waits for ever.
    """
    checkup = _Checkup(session, timeout)
    failed = False
    for check in checkup.checks():
        title = check.__name__.replace("_", " ")
        if failed:
            yield Finding("skipped", title)
            continue
        try:
            words = check()
        except GioError as error:
            failed = True
            yield Finding("FAIL", title, error=error)
        else:
            yield Finding("ok", title, words)


def versions() -> str:
    """Say in a line what runs here."""
    from importlib.metadata import version

    parts = [f"gio-pandas {__version__}", f"Python {platform.python_version()}"]
    parts += [f"{name} {version(name)}" for name in ("pandas", "pyarrow", "httpx")]
    return ", ".join([*parts, platform.system()])


class _Checkup:
    """The checks; each rests on what those before it found."""

    def __init__(self, session: Callable[[], Session], timeout: float | None) -> None:
        self._open = session
        self._timeout = timeout
        self._refusal: AuthenticationError | None = None

    def checks(self) -> tuple[Callable[[], str], ...]:
        """Give the checks, in the order in which they rest on each other."""
        return self.settings, self.reachable, self.token, self.projects, self.small_export

    def settings(self) -> str:
        """Say what is set and where the key comes from, secrets masked."""
        try:
            self._session = self._open()
            settings = with_key(self._session.settings).describe().items()
        except SettingsError as error:
            if "GIO_URL" not in error.hint:  # another trouble than that nothing is set
                raise
            raise SettingsError(error.what, hint=_three_ways()) from None
        width = max(len(name) for name, _ in settings)
        lines = [f"{name:<{width}} {value}" for name, value in settings]
        return "\n".join(["secrets are masked", *lines])

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
        frame = job.to_pandas(progress=False)
        return f"{kind} {job.name}: {size(frame)} in {time.monotonic() - began:.1f} s"

    def _smallest_segment(self) -> tuple[str, str] | None:
        segments = self._segments
        # One whose computation failed may have nothing to give.
        sound = segments[(segments["users"] > 0) & (segments["detected_stage"] != "ERROR")]
        return ("segment", str(sound.sort_values("users")["id"].iloc[0])) if len(sound) else None

    def _first_analysis(self) -> tuple[str, str] | None:
        for kind, listing in _ANALYSES.items():
            frame: pd.DataFrame = getattr(self._session, listing)(project=self._project)
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
