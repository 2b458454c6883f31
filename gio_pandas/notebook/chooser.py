"""The one searchable list: an anywidget whose search is in the browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anywidget
from traitlets import Bool, default

from gio_pandas.notebook.choosing import SHARED, Choosing

__all__ = ["Chooser"]


class Chooser(Choosing, anywidget.AnyWidget):
    """A search field with a list below it, in a front end that has anywidget.

    All items go to the browser once, with the message that makes the widget: what is typed is
    looked for there, so that a busy kernel holds nothing up.

    Parameters
    ----------
    alive
        Whether a front end has shown it; the front end's own to say.
    """

    _esm = Path(__file__).with_suffix(".js")
    _css = Path(__file__).with_suffix(".css")

    alive = Bool(False).tag(sync=True)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send in one message all that is changed meanwhile."""
        with self.hold_sync():
            yield

    @default("keys")
    def _default_keys(self) -> list[str]:
        own: list[str] = list(self.traits(sync=True))
        return [*own, *SHARED]
