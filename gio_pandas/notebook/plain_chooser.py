"""A list to choose from, made of plain ipywidgets: for where anywidget cannot be loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

import ipywidgets

from gio_pandas.notebook.choosing import Choosing, Row
from gio_pandas.search import Index

__all__ = ["MOST", "PlainChooser", "summary"]

MOST = 50
"""How many are shown."""


class PlainChooser(Choosing, ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A field for words and a list of what answers to them best; the search is in the kernel.

    The words count when they are done, by Enter or by leaving the field: what an input method shows
    on the way to a Chinese word is never looked for.
    """

    def __init__(self, **traits: Any) -> None:
        # The kernel may call from the main thread and from others. Nobody outside of this is told
        # of anything meanwhile: who is may wait for a thread that waits for this lock.
        self._lock = RLock()
        self._rows: Sequence[Row] = ()
        self._index = Index(())
        self._refreshing = False
        super().__init__(**traits)
        kind = ipywidgets.SelectMultiple if self.multiple else ipywidgets.Select
        look = {"layout": {"width": "auto"}, "style": {"description_width": "13em"}}
        self._field = ipywidgets.Text(continuous_update=False, **look)
        self._list = kind(rows=8, **look)
        self._note = ipywidgets.Label()
        self._field.observe(self._show, "value")
        self._list.observe(self._take, "value")
        self.observe(self._read_items, "items")
        self.observe(self._show, ["chosen", "disabled", "label", "message", "placeholder", "tone"])
        self.children = (self._field, self._list, self._note)
        self._read_items()

    def _read_items(self, _: object = None) -> None:
        with self._lock:
            self._rows = self.items
            self._index = Index((name, key, id_) for _, name, key, *_, id_ in self._rows)
        self._show()

    def _show(self, _: object = None) -> None:
        """Bring all three into step with the traits and the words."""
        with self._lock:
            found = self._index.find(self._field.value)
            with self._quietly():
                self._fill([self._rows[position] for position in found[:MOST]])
            self._name()
            self._note.value = " · ".join(filter(None, self._notes(len(found))))

    def _fill(self, shown: Sequence[Row]) -> None:
        options = [(summary(item), item[0]) for item in shown]
        if options != list(self._list.options):
            self._list.options = options
        values = [value for _, value in options if value in self.chosen]
        self._list.value = values if self.multiple else next(iter(values), None)

    def _name(self) -> None:
        # A description is what a screen reader calls a control, too.
        for control, verb in ((self._field, "Find"), (self._list, "Choose")):
            control.description = control.tooltip = f"{verb} {self.label}"
            control.disabled = self.disabled
        self._field.placeholder = self.placeholder

    def _notes(self, found: int) -> Iterator[str]:
        if found > MOST and self._field.value:
            yield f"{MOST} of {found:,}: type more to narrow, then Enter"
        elif found > MOST:
            yield f"the first {MOST} of {found:,}"
        elif self._field.value:
            yield f"{found} found"
        if self.chosen:
            names = {item[0]: item[1] for item in self._rows}
            yield "chosen: " + ", ".join(str(names.get(value, value)) for value in self.chosen)
        yield f"Error: {self.message}" if self.tone == "error" else self.message

    def _take(self, change: Mapping[str, Any]) -> None:
        """Take over what was picked; what is chosen and not on the list now stays."""
        with self._lock:
            if self._refreshing:
                return
            picked = change["new"]
            picked = list(picked if self.multiple else filter(None, [picked]))
            shown = {value for _, value in self._list.options} if self.multiple else self.chosen
            kept = [value for value in self.chosen if value not in shown or value in picked]
        self.chosen = [*kept, *(value for value in picked if value not in kept)]

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        # New options make a Select choose the first of them.
        self._refreshing = True
        try:
            yield
        finally:
            self._refreshing = False


def summary(item: Row) -> str:
    """Write what is known of an item in one line."""
    _, name, key, type_, creator, updated, users, _ = item
    counted = f"{users:,}" if isinstance(users, int) else ""
    return " · ".join(str(part) for part in (name, key, type_, creator, updated, counted) if part)
