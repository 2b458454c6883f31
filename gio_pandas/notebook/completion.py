"""What Tab offers in a line of ``%gio``: out of memory alone, never by a request."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from gio_pandas.current import connected
from gio_pandas.exports.ledger import ledger_of
from gio_pandas.notebook.choices import KINDS, Choice, Offer, remembered
from gio_pandas.notebook.commands import COMMANDS, Command, Option
from gio_pandas.notebook.words import Word, quoted, scan
from gio_pandas.search import fold

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Completion", "Slot", "slot"]

_LINE = re.compile(r"\s*(?:[^%#]*=\s*)?(%%?)gio\s+(.*)", re.DOTALL)
_LATER = re.compile(r".*:\s*%%?gio\s.*", re.DOTALL)
"""A line of a block: no line for IPython, and nothing that Python knows."""

_FIRST = 50
"""Jobs that are offered: whoever looks for an older one looks at ``%gio jobs``."""

_NAMES = ("project", *KINDS)


@dataclass(frozen=True)
class Slot:
    """What is being typed, and of what kind it is.

    Parameters
    ----------
    offers
        A kind of thing on the platform, ``command``, ``option``, ``job``, ``variable``, ``url``,
        ``file``, or the very words that there are.
    fragment
        What is typed of it as it stands there, to be replaced.
    typed
        The same without quotes.
    quote
        The quote that it began with, if any.
    command
        The command before it.
    project
        The project that the line names.
    sign
        ``%`` or ``%%``.
    """

    offers: str | Sequence[str]
    fragment: str = ""
    typed: str = ""
    quote: str = ""
    command: Command | None = None
    project: str | None = None
    sign: str = "%"


def slot(before: str) -> Slot | None:
    """Say what is being typed where a line ends; None where the line is none of ``%gio``."""
    found = _LINE.fullmatch(before)
    if found is None:
        return None
    sign, rest = found.groups()
    words = scan(rest)
    at_word = bool(words) and words[-1].end == len(rest)
    current = words.pop() if at_word else Word((("", ""),), len(rest), len(rest))
    fragment, quote = rest[current.start :], current.parts[-1][1]
    typing: dict[str, Any] = {
        "fragment": fragment,
        "typed": current.text,
        "quote": quote,
        "sign": sign,
    }
    if not words:
        return Slot("command", **typing)
    command = COMMANDS.get(words[0].text)
    if command is None or command.sign != sign:
        return Slot((), **typing)
    offers, has_equals = _offers(command, words[1:], current)
    if has_equals:
        typing["fragment"] = fragment.partition("=")[2]
        typing["typed"] = current.text.partition("=")[2]
    return Slot(offers, command=command, project=_project(words[1:]), **typing)


def _offers(
    command: Command, words: Sequence[Word], current: Word
) -> tuple[str | Sequence[str], bool]:
    """Say what may come after some words, and whether that is what follows a ``=``."""
    option, names = _so_far(command, words)
    if option is not None:
        return option.offers, False
    if current.is_option or current.text == "-":
        name, equals, _ = current.text.partition("=")
        known = command.option(name)
        return (known.offers if known else (), True) if equals else ("option", False)
    if command.offers and not names:
        return command.offers, False
    return "option" if not current.text and not command.several else (), False


def _so_far(command: Command, words: Sequence[Word]) -> tuple[Option | None, int]:
    """Say which option still wants its value, and how many words are none of an option's."""
    wants: Option | None = None
    names = 0
    for word in words:
        if wants is not None:
            wants = None
        elif word.is_option:
            option = command.option(word.text)
            wants = option if option is not None and option.value else None
        else:
            names += 1
    return wants, names


def _project(words: Sequence[Word]) -> str | None:
    for position, word in enumerate(words):
        name, equals, value = word.text.partition("=")
        if word.is_option and name == "--project":
            following = words[position + 1 : position + 2]
            return value if equals else following[0].text if following else None
    return None


class _Nothing(list[SimpleCompletion]):
    """No names, which count as some: else IPython asks who knows Python's for theirs."""

    def __len__(self) -> int:
        return 1


class Completion:
    """What a shell's Tab asks in a line of ``%gio``.

    Names come from what the current session has listed, job ids from the ledger; both are made
    ready in the background when a cell has run, so that Tab only looks.

    Parameters
    ----------
    shell
        Whose variables ``-o`` offers.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._jobs: tuple[tuple[str, str], ...] = ()
        self._warming: threading.Thread | None = None
        self._wanted: Offer | None = None
        self.matcher = _matcher(self.matches)

    def warm(self, *_: Any) -> None:
        """Look, in the background, at what there is to be looked through."""
        if self._warming is None or not self._warming.is_alive():
            self._warming = threading.Thread(target=self._try_to_warm, name="gio-warm", daemon=True)
            self._warming.start()

    def is_warm(self, timeout: float = 0.0) -> bool:
        """Tell whether that is done; wait for it as many seconds as are given."""
        if self._warming is not None:
            self._warming.join(timeout)
        return self._warming is not None and not self._warming.is_alive()

    def _try_to_warm(self) -> None:
        with suppress(Exception):  # nobody asked for it: what is wrong is told to who does
            self._warm()

    def _warm(self) -> None:
        session = connected()
        if session is None:
            return
        for offer in (self._wanted, *(remembered(session, kind) for kind in _NAMES)):
            if offer is not None:
                offer.find("", 1)
        entries = ledger_of(session.settings.url).entries(session.settings.url, limit=_FIRST)
        self._jobs = tuple((entry.id, entry.kind or "job") for entry in entries if entry.id)

    def matches(self, context: CompletionContext) -> SimpleMatcherResult:
        """Give what fits where the cursor is; nothing where the line is not ours."""
        place = slot(context.text_until_cursor)
        if place is None and _LATER.fullmatch(context.text_until_cursor):
            return {"completions": _Nothing(), "matched_fragment": "", "suppress": True}
        if place is None or place.offers == "file":
            return {"completions": [], "suppress": False}
        after = context.line_with_cursor[context.cursor_position :]
        found = [
            SimpleCompletion(_closed(text, place, after), type=kind)
            for text, kind in self._found(place, context.limit)
        ]
        return {
            "completions": found or _Nothing(),
            "matched_fragment": place.fragment,
            "suppress": True,
            "ordered": True,
        }

    def _found(self, place: Slot, limit: int | None) -> Iterable[tuple[str, str]]:
        """Give what fits, with what it is in a word: editors have no room for more."""
        if not isinstance(place.offers, str):
            return _like(place, ((word, "value") for word in place.offers))
        if place.offers in _NAMES:
            return self._names(place, limit)
        match place.offers:
            case "command":
                known = (one for one in COMMANDS.values() if one.sign == place.sign)
                return _like(place, ((one.name, "command") for one in known))
            case "option":
                options = place.command.options if place.command else ()
                names = (one.name for one in options)
                return [(name, "option") for name in names if name.startswith(place.typed)]
            case "job":
                return _like(place, self._jobs)
            case "variable":
                return _like(place, self._variables())
            case "url":
                return _like(place, _urls())
        return ()

    def _names(self, place: Slot, limit: int | None) -> Iterator[tuple[str, str]]:
        session = connected()
        offer = remembered(session, str(place.offers), project=place.project) if session else None
        if offer is None:
            return
        if offer.is_ready:
            found = offer.find(place.typed, limit)
        else:
            self._wanted = offer
            self.warm()
            found = offer.begin(place.typed, limit)
        times = Counter(choice.name for choice in found)
        words = fold(place.typed).split()
        for choice in found:
            text = choice.value if times[choice.name] > 1 else _called(choice, words)
            yield quoted(text, place.quote), choice.kind

    def _variables(self) -> Iterator[tuple[str, str]]:
        hidden = self._shell.user_ns_hidden
        for name, value in list(self._shell.user_ns.items()):
            own = not name.startswith("_") and name not in hidden
            if own and not callable(value) and not isinstance(value, ModuleType):
                yield name, type(value).__name__


def _matcher(
    matches: Callable[[CompletionContext], SimpleMatcherResult],
) -> Callable[[CompletionContext], SimpleMatcherResult]:
    # Before the others: what is ours is not to wait for them.
    @context_matcher(priority=1_000, identifier="gio_pandas")  # type: ignore[untyped-decorator]
    def matcher(context: CompletionContext) -> SimpleMatcherResult:
        try:
            return matches(context)
        except Exception:  # Tab is not the place to learn of it
            return {"completions": [], "suppress": False}

    return cast("Callable[[CompletionContext], SimpleMatcherResult]", matcher)


def _urls() -> Iterator[tuple[str, str]]:
    session = connected()
    if session is not None:
        yield session.settings.url, "current"
    yield "sandbox:", "sandbox"


def _like(place: Slot, known: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pick what begins with what is typed; where nothing does, what has it somewhere."""
    typed = place.typed.casefold()
    pairs = [(quoted(text, place.quote), said) for text, said in known if typed in text.casefold()]
    first = [pair for pair in pairs if pair[0].strip("'\"").casefold().startswith(typed)]
    return first or pairs


def _called(choice: Choice, words: Sequence[str]) -> str:
    """Give what of a thing was typed: its name, else its key or id."""
    for text in (choice.name, choice.key, choice.id):
        if text and all(word in fold(text) for word in words):
            return text
    return choice.value


def _closed(text: str, place: Slot, after: str) -> str:
    """Leave the last quote out where the editor has put it there already."""
    return text[:-1] if place.quote and after[:1] == place.quote == text[-1:] else text
