"""Which front end there is to show something in."""

from __future__ import annotations

import sys
from typing import Any, Literal

__all__ = ["FrontEnd", "front_end", "is_terminal"]

FrontEnd = Literal["jupyter", "ipython", "terminal", "none"]


def front_end() -> FrontEnd:
    """Say what a user looks at.

    Returns
    -------
    str
        ``"jupyter"``, a kernel, which shows HTML and widgets; ``"ipython"`` and ``"terminal"``,
        which show text; ``"none"``, where nobody looks: a script whose output goes elsewhere.
    """
    shell = _shell()
    if shell is not None:
        # What runs a notebook without a browser, nbconvert or papermill, is a kernel too.
        return "jupyter" if getattr(shell, "kernel", None) is not None else "ipython"
    return "terminal" if is_terminal(sys.stdout) or is_terminal(sys.stderr) else "none"


def _shell() -> Any:
    """Give the IPython shell that this runs in; whoever has not imported it is in none."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def is_terminal(stream: Any) -> bool:
    """Tell whether a stream is read by a person."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False
