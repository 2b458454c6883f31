"""The user's variables: their names, and where they are."""

from __future__ import annotations

import keyword
import sys
import unicodedata
from typing import Any

from gio_pandas.notebook.front import shell

__all__ = ["namespace", "variable_name"]


def variable_name(text: str) -> str | None:
    """Give the name of a variable as Python reads it, in NFKC form; None where it is none."""
    name = unicodedata.normalize("NFKC", text)
    return name if name.isidentifier() and not keyword.iskeyword(name) else None


def namespace() -> Any:
    """Give the user's variables: the notebook's, else those of the program."""
    running = shell()
    return vars(sys.modules["__main__"]) if running is None else running.user_ns
