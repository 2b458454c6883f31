"""A searchable list that becomes a plain one where the front end has no anywidget."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import ipywidgets
from traitlets import link

from gio_pandas.notebook.chooser import Chooser
from gio_pandas.notebook.choosing import SHARED, Choosing
from gio_pandas.notebook.plain_chooser import PlainChooser

__all__ = ["EitherChooser", "Loop"]

STEP = 0.5
STEPS = 8
"""How often in a row the kernel has to be free before silence means that nobody is there."""
LATE = 0.25
"""Seconds. Whoever is called later than that was held up by a cell, as the front end's messages
were."""


class Loop(Protocol):
    """What is needed of the kernel's event loop."""

    def time(self) -> float:
        """Tell the time in seconds."""

    def call_at(self, when: float, callback: Callable[..., Any], *arguments: Any) -> Any:
        """Call back at that time."""


class EitherChooser(Choosing, ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A ``Chooser`` until it is plain that nobody can show it, then a ``PlainChooser``.

    The front end's part of a ``Chooser`` says that it is alive as soon as it is loaded. Where that
    does not come within four seconds in which the kernel was free to hear it, the plain list takes
    its place; should it come later still, it takes its place back. Both are in step with this.
    """

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._watched = False
        self._live = self._in_step(Chooser(multiple=self.multiple))
        self._live.observe(self._on_alive, "alive")
        self.children = (self._live,)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let the front end see at once all that is changed meanwhile."""
        with self._live.together():
            yield

    def watch(self, loop: Loop | None = None) -> None:
        """Look out for a sign of life from now on, once; without an event loop there is no one."""
        if self._watched:
            return
        try:
            loop = loop or asyncio.get_running_loop()
        except RuntimeError:
            return
        self._watched = True
        self._wait(loop, 0)

    def _wait(self, loop: Loop, quiet: int) -> None:
        due = loop.time() + STEP
        loop.call_at(due, self._look, loop, due, quiet)

    def _look(self, loop: Loop, due: float, quiet: int) -> None:
        quiet = quiet + 1 if loop.time() - due <= LATE else 0
        if self._live.alive:
            return
        if quiet < STEPS:
            self._wait(loop, quiet)
        else:
            self.children = (self._in_step(PlainChooser(multiple=self.multiple)),)

    def _on_alive(self, _: object) -> None:
        self.children = (self._live,)

    def _in_step(self, face: Any) -> Any:
        for name in SHARED:
            link((self, name), (face, name))
        return face

    def _repr_mimebundle_(self, **options: Any) -> Any:
        self.watch()
        return super()._repr_mimebundle_(**options)
