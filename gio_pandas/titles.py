"""Names as they are shown: in one line, and no longer than a person reads."""

from __future__ import annotations

__all__ = ["cut", "plain"]

_LONGEST = 200

_KEPT = "\u200c\u200d\u3000"
"""What no font draws and names have all the same: joiners, and the blank of Chinese."""


def cut(text: str, most: int = _LONGEST) -> str:
    """Leave out the end of what is longer than so many letters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def plain(text: str, most: int = _LONGEST) -> str:
    """Cut a text, and put blanks for what would break its line or turn it around."""
    letters = cut(text, most)
    return "".join(one if one.isprintable() or one in _KEPT else " " for one in letters)
