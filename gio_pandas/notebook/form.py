"""What is left of a widget where it is not alive: what it was, in words, kept beside it."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Mapping

import ipywidgets
from traitlets import HasTraits, MetaHasTraits

from gio_pandas.notebook.cards import card
from gio_pandas.notebook.front import (
    front_end,
    new_display_id,
    show_bundle,
    take_another_form,
)

__all__ = ["HasForm"]

_OUTPUT = ".jp-OutputArea-child"


class _AbstractHasTraits(MetaHasTraits, ABCMeta):
    """The class of classes that have traits and abstract methods."""


class HasForm(HasTraits, metaclass=_AbstractHasTraits):
    """What is a widget on the screen, and has a form in words, which is seen where that is not.

    A front end that knows widgets shows nothing else of an output that has one, not even where the
    kernel that it was made in is gone; a page made of the notebook shows nothing at all. So the
    form is an output of its own, and the living widget hides it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._form_id = new_display_id()
        self._is_displayed = False

    @abstractmethod
    def show(self) -> ipywidgets.Widget:
        """Give the widget, which is going to be on the screen."""

    @abstractmethod
    def facts(self) -> Mapping[str, str]:
        """Say what is known of it: names and values; a fact without a value is left out."""

    @property
    @abstractmethod
    def title(self) -> tuple[str, str]:
        """What it is, and what of."""

    def _renew_form(self, *_: object) -> None:
        """Write down what has changed; where it is not displayed there is nothing to do."""
        if self._is_displayed:
            show_bundle(self._bundle(), self._form_id, True)

    def __repr__(self) -> str:
        what, label = self.title
        facts = [f"\n  {name}: {said}" for name, said in self.facts().items() if said]
        return f"{what} ({label}){''.join(facts)}"

    def _repr_html_(self) -> str:
        note = "Run this cell again to choose on the screen."
        return card(" · ".join(self.title), list(self.facts().items()), note=note)

    def _bundle(self) -> dict[str, str]:
        html = f'<div class="{self._form_id}">{self._repr_html_()}</div>'
        return {"text/plain": repr(self), "text/html": html}

    def _ipython_display_(self) -> None:
        """Show the form, and the widget, which hides it."""
        if front_end() != "jupyter":
            take_another_form()
        from IPython.display import display

        widget = self.show()  # which may know more at once
        self._is_displayed = True
        show_bundle(self._bundle(), self._form_id, False)
        rule = "{display: none}"
        hidden = f".{self._form_id} {rule} {_OUTPUT}:has(> .jp-OutputArea-output .{self._form_id})"
        style = ipywidgets.HTML(f"<style>{hidden} {rule}</style>", layout={"display": "none"})
        view = ipywidgets.VBox([style, widget])._repr_mimebundle_() or {}
        display({**view, "text/plain": ""}, raw=True)  # type: ignore[no-untyped-call]
