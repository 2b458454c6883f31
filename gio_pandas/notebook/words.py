"""The words of a line, as a person types them: quotes taken off, variables put in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

__all__ = ["Word", "quoted", "scan", "split"]

_BLANKS = " \t\r\n"
"""What is between words. The full-width space of a Chinese keyboard is not: names have it."""

_QUOTES = "'\""
_VARIABLE = re.compile(r"\{([^\W\d]\w*(?:\.[^\W\d]\w*)*)\}")


@dataclass(frozen=True)
class Word:
    """A word of a line, and where it stands there.

    Parameters
    ----------
    parts
        What it is made of: a text each, and the quote around it, if there is one.
    start, end
        Where in the line.
    is_open
        Whether its last quote is not closed.
    is_option
        Whether it was typed as an option: what stands in quotes, or comes of a variable, is none.
    """

    parts: tuple[tuple[str, str], ...]
    start: int
    end: int
    is_open: bool = False
    is_option: bool = False

    @property
    def text(self) -> str:
        """The word without its quotes."""
        return "".join(text for text, _ in self.parts)

    def with_variables(self, read: Callable[[str], str | None]) -> Word:
        """Put variables in the place of ``{name}``, but not between single quotes.

        Parameters
        ----------
        read
            Says what a name stands for; None leaves it as it was typed.
        """

        def put(found: re.Match[str]) -> str:
            value = read(found[1])
            return found[0] if value is None else value

        parts = [
            (text if quote == "'" else _VARIABLE.sub(put, text), quote)
            for text, quote in self.parts
        ]
        return replace(self, parts=tuple(parts))


def split(line: str) -> list[Word]:
    r"""Split a line into words.

    Words are apart by blanks. A quote, ``'`` or ``"``, counts where a word begins, after ``=`` and
    after another that was closed: ``"高价值 用户"``, ``--tag='会员 等级'``; elsewhere it is a
    letter, as in ``it's``. Nothing else is special: ``\``, ``$``, ``“`` and ``「`` are letters.

    Raises
    ------
    ValueError
        A quote is not closed.
    """
    words = scan(line)
    if words and words[-1].is_open:
        # What follows it is not repeated: it may be a key.
        raise ValueError(
            f"A quote {words[-1].parts[-1][1]} is not closed. A name that begins with one goes "
            "between quotes of the other kind"
        )
    return words


def scan(line: str) -> list[Word]:
    """Split a line that is still being typed: the last word's quote may be open."""
    words: list[Word] = []
    position = 0
    while position < len(line):
        if line[position] in _BLANKS:
            position += 1
        else:
            words.append(_word(line, position))
            position = words[-1].end
    return words


def _word(line: str, start: int) -> Word:
    parts: list[tuple[str, str]] = []
    position, counts = start, True  # whether a quote here opens something
    while position < len(line) and line[position] not in _BLANKS:
        letter = line[position]
        if counts and letter in _QUOTES:
            end = line.find(letter, position + 1)
            if end < 0:
                parts.append((line[position + 1 :], letter))
                return Word(tuple(parts), start, len(line), True, line[start] == "-")
            parts.append((line[position + 1 : end], letter))
            position = end + 1
            continue
        if parts and not parts[-1][1]:
            letter = parts.pop()[0] + letter
        parts.append((letter, ""))
        position, counts = position + 1, letter.endswith("=")
    is_option = line[start] == "-" and position > start + 1
    return Word(tuple(parts), start, position, is_option=is_option)


def quoted(text: str, quote: str = "") -> str:
    """Write a text so that ``split`` gives it back as one word.

    Parameters
    ----------
    text
        What is meant.
    quote
        The quote to use, where the text allows it; else one is used only where it is needed.
    """
    plain = scan(text)
    if not quote and len(plain) == 1 and plain[0].parts == ((text, ""),) and _is_plain(text):
        return text
    order = [quote or '"', *_QUOTES[::-1]]
    if _VARIABLE.search(text):
        order = ["'"]
    for mark in order:
        if mark not in text:
            return f"{mark}{text}{mark}"
    # Both kinds are in it: piece by piece, each between the other kind.
    pieces = [f"'{piece}'" for piece in text.split("'")]
    return '"\'"'.join(pieces)


def _is_plain(text: str) -> bool:
    return not text.startswith("-") and not _VARIABLE.search(text)
