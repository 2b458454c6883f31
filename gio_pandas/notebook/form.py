"""What is left of a widget where it is not alive: what it was, in words, kept beside it."""

from __future__ import annotations

import os
from collections.abc import Callable

import ipywidgets

from gio_pandas.notebook.front import show_bundle

__all__ = ["Form"]

_OUTPUT = ".jp-OutputArea-child"


class Form:
    """A widget's form in text and HTML, which is seen where the widget is not.

    A front end that knows widgets shows nothing else of an output that has one, not even where the
    kernel that it was made in is gone; a page made of the notebook shows nothing at all. So the
    form is an output of its own, and the living widget hides it.

    Parameters
    ----------
    show
        Gives the widget, which is going to be on the screen.
    text, html
        Give the form as it is now.
    """

    def __init__(
        self,
        show: Callable[[], ipywidgets.Widget],
        text: Callable[[], str],
        html: Callable[[], str],
    ) -> None:
        self._show = show
        self._text = text
        self._html = html
        self._id = f"gio-form-{os.urandom(8).hex()}"
        self._is_displayed = False

    def display(self) -> None:
        """Show the form, and the widget, which hides it."""
        from IPython.display import display

        widget = self._show()  # which may know more at once
        self._is_displayed = True
        show_bundle(self._bundle(), self._id, False)
        rule = "{display: none}"
        hidden = f".{self._id} {rule} {_OUTPUT}:has(> .jp-OutputArea-output .{self._id}) {rule}"
        style = ipywidgets.HTML(f"<style>{hidden}</style>", layout={"display": "none"})
        view = ipywidgets.VBox([style, widget])._repr_mimebundle_() or {}
        display({**view, "text/plain": ""}, raw=True)  # type: ignore[no-untyped-call]

    def renew(self) -> None:
        """Write down what has changed; where it is not displayed there is nothing to do."""
        if self._is_displayed:
            show_bundle(self._bundle(), self._id, True)

    def _bundle(self) -> dict[str, str]:
        html = f'<div class="{self._id}">{self._html()}</div>'
        return {"text/plain": self._text(), "text/html": html}
