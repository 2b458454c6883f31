"""Which front end there is to show something in, and how."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, Literal, NoReturn

__all__ = [
    "FrontEnd",
    "Publish",
    "front_end",
    "is_terminal",
    "new_display_id",
    "shell",
    "show_bundle",
    "take_another_form",
]

FrontEnd = Literal["jupyter", "ipython", "terminal", "none"]

Publish = Callable[[Mapping[str, Any], str, bool], None]
"""Shows a bundle under an id; with True, in the place of what was shown under it."""


def front_end() -> FrontEnd:
    """Say what a user looks at.

    Returns
    -------
    str
        ``"jupyter"``, a kernel, which shows HTML and widgets; ``"ipython"`` and ``"terminal"``,
        which show text; ``"none"``, where nobody looks: a script whose output goes elsewhere.
    """
    running = shell()
    if running is not None:
        # What runs a notebook without a browser, nbconvert or papermill, is a kernel too.
        return "jupyter" if getattr(running, "kernel", None) is not None else "ipython"
    return "terminal" if is_terminal(sys.stdout) or is_terminal(sys.stderr) else "none"


def show_bundle(bundle: Mapping[str, Any], display_id: str, update: bool) -> None:
    """Show a bundle in the notebook; see ``Publish``."""
    from IPython.display import publish_display_data

    transient = {"display_id": display_id}
    publish_display_data(  # type: ignore[no-untyped-call]
        data=dict(bundle), transient=transient, update=update
    )


def new_display_id() -> str:
    """Make an id to show a bundle under, which no page of the notebook has yet."""
    return f"gio-{os.urandom(8).hex()}"


def take_another_form() -> NoReturn:
    """End an ``_ipython_display_`` that has nothing to show: the object's text or HTML is shown.

    By this exception, and not as an error: it is IPython's own protocol.
    """
    raise NotImplementedError


def shell() -> Any:
    """Give the IPython shell that this runs in; whoever has not imported it is in none."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def is_terminal(stream: Any) -> bool:
    """Tell whether a stream is read by a person."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False
