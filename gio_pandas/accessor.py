"""``df.gio``: where a frame comes from, and the same again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from gio_pandas.errors import SettingsError

if TYPE_CHECKING:
    from gio_pandas.session import Session

__all__ = ["GioAccessor"]


@pd.api.extensions.register_dataframe_accessor("gio")
class GioAccessor:
    """What gio_pandas knows of a frame that it read.

    Parameters
    ----------
    frame
        The frame; ``attrs["gio"]`` tells.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def __repr__(self) -> str:
        return repr(self.source) if "gio" in self._frame.attrs else "no source is known"

    @property
    def source(self) -> pd.DataFrame:
        """Where the frame comes from, as a table of one column, ``value``.

        Raises
        ------
        SettingsError
            The frame was not read by gio_pandas, or has lost its ``attrs`` on the way.
        """
        source = self._source()
        return pd.DataFrame(
            {"value": [_shown(value) for value in source.values()]}, index=list(source)
        )

    def refresh(self, session: Session | None = None) -> pd.DataFrame:
        """Run the same export again.

        Parameters
        ----------
        session
            What to run it on; left out, the current session.

        Returns
        -------
        pandas.DataFrame
            A new frame; this one is left as it is.

        Raises
        ------
        SettingsError
            The frame does not tell what to run, or the session is of another platform.
        """
        import gio_pandas

        source = self._source()
        if not source.get("id"):
            raise SettingsError(
                f"The frame was read from an attached job ({source.get('job')})",
                hint="Read it by name with gio.read_…, then refresh() can run it again.",
            )
        session = session or gio_pandas.current_session()
        if session.settings.url != source["platform"]:
            raise SettingsError(
                f"The frame comes from {source['platform']}, the session is {session!r}",
                hint=f"gio.connect({source['platform']!r}, …) first.",
            )
        read = getattr(session, f"read_{source['kind']}")
        frame: pd.DataFrame = read(source["id"], project=source["project"], **source["arguments"])
        return frame

    def _source(self) -> dict[str, Any]:
        source = self._frame.attrs.get("gio")
        if not isinstance(source, dict):
            raise SettingsError(
                "This frame does not say where it comes from",
                hint="Only frames that gio.read_… gave have a source; some operations drop attrs.",
            )
        return source


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(entry) for entry in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={entry!r}" for key, entry in value.items() if entry)
    return "" if value is None else str(value)
