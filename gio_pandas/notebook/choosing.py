"""What every list to choose from has, whichever front end shows it."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from traitlets import Bool, HasTraits, List, Unicode, validate

from gio_pandas.notebook.choices import Choice

__all__ = ["SHARED", "Choosing", "Row", "chooser", "row"]

Row: TypeAlias = list[str | int | None]
"""``value, name, key, type, creator, updated, users, id``: text, "" where unknown; the users are a
number or None."""

PLAIN = "GIO_WIDGETS"
"""The environment variable that makes every list a plain one, if it is ``plain``."""


class Choosing(HasTraits):
    """What can be chosen and what was, as traits to observe and to set.

    Parameters
    ----------
    label
        The accessible name, such as ``分群 Segment``.
    placeholder
        What an empty search field says.
    multiple
        Whether more than one may be chosen.
    items
        A row an item, see ``Row``.
    chosen
        The values chosen, in the order they were chosen; one at most unless ``multiple``. A value
        that no item has stays, and is shown as what it is.
    message
        One line below the list: how many there are, or what went wrong.
    tone
        What kind of message it is: "", "busy" or "error".
    disabled
        Whether nothing can be chosen now.
    folded
        Whether the list stays shut until somebody turns to it. It always shuts when something was
        chosen and the focus leaves it.
    """

    label = Unicode()
    placeholder = Unicode()
    multiple = Bool(False)
    items: List[Any] = List()
    chosen: List[str] = List()
    message = Unicode()
    tone = Unicode()
    disabled = Bool(False)
    folded = Bool(False)

    def watch(self) -> None:
        """Be told that it is on the screen from now on."""

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let the front end see at once all that is changed meanwhile."""
        yield

    @validate("chosen")
    def _valid_chosen(self, proposal: Mapping[str, Any]) -> list[str]:
        values = list(dict.fromkeys(map(str, proposal["value"])))
        return values if self.multiple else values[-1:]

    def __repr__(self) -> str:
        chosen = ", ".join(self.chosen) or "nothing"
        return f"<{self.label or 'chooser'}: {chosen} chosen of {len(self.items):,}>"


SHARED = tuple(sorted(Choosing.class_own_traits()))
"""The names of those traits."""


def chooser(
    *,
    label: str,
    placeholder: str = "",
    multiple: bool = False,
    folded: bool = False,
    plain: bool | None = None,
) -> Choosing:
    """Make a searchable list.

    Parameters
    ----------
    label, placeholder, multiple, folded
        See ``Choosing``.
    plain
        Whether it is made of plain ipywidgets. If None it is where ``GIO_WIDGETS=plain`` says so,
        where anywidget cannot be imported, and where the front end turns out not to have it.
    """
    if plain is None and (os.environ.get(PLAIN) == "plain" or not _importable("anywidget")):
        plain = True
    kind = _kind(plain)
    return kind(label=label, placeholder=placeholder, multiple=multiple, folded=folded)


def row(offered: Choice) -> Row:
    """Write a choice as one of ``Choosing.items``."""
    return [
        offered.value,
        offered.name,
        offered.key or "",
        offered.type or "",
        offered.creator or "",
        offered.updated or "",
        offered.users,
        offered.id,
    ]


def _importable(library: str) -> bool:
    try:
        return importlib.util.find_spec(library) is not None
    except ValueError:  # a module of that name was put there by hand
        return False


def _kind(plain: bool | None) -> type[Choosing]:
    if plain:
        from gio_pandas.notebook.plain_chooser import PlainChooser

        return PlainChooser
    if plain is None:
        from gio_pandas.notebook.either_chooser import EitherChooser

        return EitherChooser
    from gio_pandas.notebook.chooser import Chooser

    return Chooser
