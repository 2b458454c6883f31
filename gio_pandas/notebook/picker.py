"""What every picker is: a list of what is on a platform, and what was chosen of it.

Nothing is asked before a picker is displayed, or told to ``load()``.
"""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, Self

import ipywidgets
from traitlets import Any as AnyTrait
from traitlets import observe, validate

from gio_pandas.catalog import Listed, candidates, match, near_words
from gio_pandas.current import connected, current_session
from gio_pandas.errors import AmbiguousNameError, GioError, NotFoundError
from gio_pandas.notebook.background import one_line
from gio_pandas.notebook.choices import Choice
from gio_pandas.notebook.choosing import chooser, row
from gio_pandas.notebook.code import call
from gio_pandas.notebook.form import HasForm

if TYPE_CHECKING:
    from gio_pandas.session import Session

__all__ = ["Listing", "Picker"]

_PLACEHOLDER = "名称、标识符或 ID / name, key or id"
_PAINTED = 0.5
"""Seconds after which the front end has painted what it was shown, and may be given more."""


@dataclass(frozen=True)
class Listing:
    """What was listed.

    Parameters
    ----------
    choices
        What there is to choose from.
    project
        The project that all of them are of; None where they are of none.
    left_out
        What could not be listed beside them, in words.
    """

    choices: Sequence[Choice]
    project: Listed | None = None
    left_out: str = ""


class Picker(HasForm):
    """What every picker is: a list that is loaded in the background, and what was chosen of it.

    Parameters
    ----------
    label
        The list's accessible name.
    session
        Whose platform it is of; left out, the current one.
    multiple
        Whether several may be chosen.
    value
        What is chosen to begin with, by id, key or name.
    plain
        Whether the list is made of plain ipywidgets; left out, where the front end needs it.

    Attributes
    ----------
    value : str or None, or list of str
        What is chosen: a tag's key, else an id. It may be set by name, too, before the list is
        loaded and after; what the loaded list does not have is a ``NotFoundError``.
    selected : Choice or None, or list of Choice
        The same, with all that is known of it, once the list is loaded.
    """

    value = AnyTrait()
    selected = AnyTrait()

    def __init__(
        self,
        label: str,
        *,
        session: Session | None = None,
        multiple: bool = False,
        value: str | Iterable[str] | None = None,
        plain: bool | None = None,
    ) -> None:
        super().__init__()
        self.session = session or current_session()
        self._lock = threading.RLock()  # widgets may call from the main thread and from others
        self._multiple = multiple
        self._listing: Listing | None = None
        self._offered: dict[str, Choice] | None = None
        self._is_sure = False  # of the list: not so while it is a remembered one
        self._is_astray = False  # what is chosen is not on the list, which the message tells
        self._is_filling = False
        self._turn = 0
        self._has_begun = False
        self.lacking = "Choose a project (项目) first."
        """What is said where there is nothing yet to list the things of."""
        self.chooser: Any = chooser(
            label=label, placeholder=_PLACEHOLDER, multiple=multiple, plain=plain
        )
        self._retry = ipywidgets.Button(
            description="重试 Retry",
            tooltip=f"Load the list again: {label}",
            layout={"display": "none", "width": "auto"},
        )
        self._retry.on_click(lambda _: self.refresh())
        self.widget = ipywidgets.VBox([self.chooser, self._retry])
        self.chooser.observe(self._on_chosen, "chosen")
        self.chooser.observe(self._on_tone, "tone")
        self.observe(self._renew_form, "selected")
        self.value = self._none if value is None else value

    @property
    def choices(self) -> list[Choice] | None:
        """What there is to choose from; None where it was not loaded yet."""
        return None if self._offered is None else list(self._offered.values())

    @property
    def has_begun(self) -> bool:
        """Whether the list is loaded by itself by now, as that of a picker on the screen is."""
        return self._has_begun

    def begin(self) -> None:
        """Load the list in the background, unless it is there, or was begun.

        What the session has listed before is there at once, and looked up again behind it.
        """
        with self._lock:
            is_first, self._has_begun = not self._has_begun, True
            is_there = self._offered is not None
        if is_first and not is_there:
            self._begin_anew()

    def _begin_anew(self) -> None:
        """Show what is remembered, if anything, and look it up behind that."""
        known = None
        try:
            with self._lock:
                if known := self._remembered():
                    self._take(known, is_sure=False)
        finally:
            self._load_behind(_PAINTED if known else 0.0)

    def load(self) -> Self:
        """Ask the platform for the list, now.

        Returns
        -------
        Picker
            This one.

        Raises
        ------
        NotFoundError, AmbiguousNameError
            What was chosen before is not on the list, or is more than one thing's name.
        PlatformUnavailableError, AuthenticationError, PermissionDeniedError, GraphQLError
            The platform gives no list.
        """
        self._load(self._next_turn(), raising=True)
        return self

    def refresh(self) -> None:
        """Ask for the list once more, in the background; what is chosen stays chosen."""
        self._load_behind(0.0)

    def _load_behind(self, after: float) -> None:
        turn = self._next_turn()

        def load() -> None:
            time.sleep(after)
            if turn == self._turn:
                self._load(turn)

        threading.Thread(target=load, name="gio-list", daemon=True).start()

    def show(self) -> ipywidgets.Widget:
        """Give the widget, which is going to be on the screen, and begin to load the list.

        Returns
        -------
        ipywidgets.Widget
            The list, with what is said below it.
        """
        self.chooser.watch()
        self.begin()
        return self.widget

    @abstractmethod
    def code(self) -> str:
        """Give the line of Python that does the same; empty where nothing is chosen."""

    @abstractmethod
    def _ask(self) -> Listing | None:
        """Ask the platform; None where it is to be told first what of."""

    @abstractmethod
    def _remembered(self) -> Listing | None:
        """Say what is known without asking; None where that is not all."""

    @abstractmethod
    def _summary(self) -> str:
        """Say in a line what is on the list."""

    def _next_turn(self) -> int:
        with self._lock:
            self._turn += 1
            self._say("Loading …", "busy")
            return self._turn

    def _load(self, turn: int, *, raising: bool = False) -> None:
        """Ask, and take the answer unless something else was asked for meanwhile."""
        try:
            listing = self._ask()
        except Exception as error:  # in a thread: who looks at the widget is told of it
            with self._lock:
                if turn == self._turn:
                    self._say(one_line(error), "error", again=True)
            if raising:
                raise
            return
        with self._lock:
            amiss = self._answered(listing) if turn == self._turn else None
        if raising and amiss:
            raise amiss

    def _answered(self, listing: Listing | None) -> GioError | None:
        if listing is not None:
            return self._take(listing)
        self._say(self.lacking)
        return None

    def _take(self, listing: Listing, *, is_sure: bool = True) -> GioError | None:
        """Show a list, and give what is wrong with what was chosen before it came."""
        self._listing, self._offered = listing, _by_value(listing.choices)
        self._is_sure, self._is_astray = is_sure, False
        value, amiss = self.value, None
        try:
            value = self._valid_value({"value": self.value})
        except GioError as error:
            amiss = error
        with self._filling():
            self.chooser.items = [
                [own, *row(self._described(choice))[1:]] for own, choice in self._offered.items()
            ]
            self.chooser.chosen = self._listed(value)
            self._say(one_line(amiss) if amiss else self._summary(), "error" if amiss else "")
        if amiss is None:
            self.value = value
        self._show_value()
        self._is_astray = amiss is not None
        return amiss

    @contextmanager
    def _filling(self) -> Iterator[None]:
        """Change more than one thing of the list; the front end sees all of it at once."""
        self._is_filling = True
        try:
            with self.chooser.together():
                yield
        finally:
            self._is_filling = False

    def _described(self, choice: Choice) -> Choice:
        """Give a choice as the list shows it."""
        return choice

    def _say(self, message: str, tone: str = "", *, again: bool = False) -> None:
        self.chooser.message, self.chooser.tone = message, tone
        self._retry.layout.display = "" if again else "none"

    def _drop(self) -> None:
        """Forget the list, and what was chosen of it: it is another one's."""
        with self._lock:
            self._turn += 1
            if self._offered is None:
                return  # what is chosen was said before, of the list that is to come
            self._listing = self._offered = None
            self._is_sure = self._is_astray = False
            self.chooser.items = []
            self.value = self._none

    @validate("value")
    def _valid_value(self, proposal: Mapping[str, Any]) -> Any:
        words = proposal["value"]
        if self._multiple:
            several = [words] if isinstance(words, str | Choice) else list(words or ())
            return list(dict.fromkeys(self._meant(word) for word in several))
        return self._meant(words) if words else None

    def _meant(self, word: Any) -> str:
        """Say what a word means: an exact id or key first, then the exact name, never a guess."""
        text: str = word.value if isinstance(word, Choice) else word
        found = self._matches(text)
        if self._offered is None or (len(found) != 1 and not self._is_sure):
            return text  # it may have been made, or renamed, since this list was made
        return found[0] if len(found) == 1 else self._refuse(text, found)

    def _matches(self, word: str) -> list[str]:
        """Give the values of all that a word means to the verbs, too."""
        found = match(self._known.values(), word)
        # Of two with one value the second is on the list under its id.
        return [
            choice.value if self._known.get(choice.value) is choice else choice.id
            for choice in found
        ]

    def _refuse(self, word: str, found: Sequence[str]) -> NoReturn:
        label = self.chooser.label
        if found:
            raise AmbiguousNameError(
                f"{word!r} is the name of {len(found)} on the list {label}",
                hint=f"Set the id or key of the one you mean: {', '.join(map(repr, found[:5]))}.",
                candidates=candidates(self._known[value] for value in found),
            )
        near = near_words(self._known.values(), word)
        similar = f"Similar names: {', '.join(map(repr, near))}." if near else ".choices has them."
        raise NotFoundError(f"{word!r} is not on the list {label}", hint=similar, near=near)

    @observe("value")
    def _on_value(self, _: object) -> None:
        if self.value is None and self._multiple:  # traitlets validates no None
            self.value = []
            return
        with self._lock:
            if self._is_astray:  # and now it is not
                self._is_astray = False
                self._say(self._summary())
            self._show_value()

    def _show_value(self) -> None:
        # Before anybody is told of it, whose own mistake is no reason to show something else.
        self.chooser.chosen = self._values
        found = [self._known[value] for value in self._values if value in self._known]
        self.selected = found if self._multiple else next(iter(found), None)

    def is_same(self, word: Any, value: Any) -> bool:
        """Tell whether a word is only another one for a value: its name, say.

        Parameters
        ----------
        word, value
            What was said, and what it may mean.

        Returns
        -------
        bool
            Whether it is the value itself, or a name that no other thing has.
        """
        is_word = isinstance(word, str) and word != value
        return word == value or (is_word and self._matches(word) == [value])

    def word_of(self, value: str) -> str:
        """Say how a value is written in code: by name where no other thing has that name.

        Parameters
        ----------
        value
            A tag's key, or an id.

        Returns
        -------
        str
            The name, else the value.
        """
        choice = self._known.get(value)
        if choice is None or not choice.name.strip():
            return value
        return choice.name if self._matches(choice.name) == [value] else value

    def _with_its_platform(self, line: str) -> str:
        """Say beside a line of code what has to come before it, on another platform's session."""
        if not line or self._is_at_home:
            return line
        return f"{line}  # after {call('connect', self.session.settings.url)}"

    @property
    def _is_at_home(self) -> bool:
        """Whether the session that ``gio.…`` acts on now is of the same platform."""
        current = connected() or self.session
        return current.settings.url == self.session.settings.url

    @property
    def _none(self) -> list[str] | None:
        return [] if self._multiple else None

    @property
    def _known(self) -> Mapping[str, Choice]:
        return self._offered or {}

    @property
    def is_lost(self) -> bool:
        """Whether something is chosen that the list, as the platform gave it, does not have."""
        return self._is_sure and any(value not in self._known for value in self._values)

    @property
    def _values(self) -> list[str]:
        return self._listed(self.value)

    def _listed(self, value: Any) -> list[str]:
        if self._multiple:
            return list(value or ())
        return [value] if value else []

    def _on_chosen(self, change: Mapping[str, Any]) -> None:
        """Take what was chosen on the screen; what the list has no more was chosen too late."""
        with self._lock:
            if self._offered is None or self._is_filling or list(change["new"]) == self._values:
                return
            kept = () if self._is_sure else self._values  # which may be on the list to come
            chosen = [value for value in change["new"] if value in self._known or value in kept]
            if chosen or not change["new"]:
                self.value = chosen if self._multiple else next(iter(chosen), None)
            self._show_value()

    def _on_tone(self, change: Mapping[str, Any]) -> None:
        if change["new"] != "busy":
            self._renew_form()

    @property
    def title(self) -> tuple[str, str]:
        """What it is, and what of."""
        return type(self).__name__, self.chooser.label

    def facts(self) -> Mapping[str, str]:
        """Say what it is of, what is chosen, and how the same is written.

        Returns
        -------
        mapping of str
            ``platform``, ``project`` where it is of one, ``chosen`` and ``code``.
        """
        names = [_told(self._known.get(value), value) for value in self._values]
        return {
            "platform": self.session.settings.url,
            "chosen": ", ".join(names) or "nothing yet",
            "code": self.code(),
        }


def _by_value(offered: Iterable[Choice]) -> dict[str, Choice]:
    """Put every choice under a value of its own: where two have one, the second under its id."""
    found: dict[str, Choice] = {}
    for choice in offered:
        found.setdefault(choice.id if choice.value in found else choice.value, choice)
    return found


def _told(choice: Choice | None, value: str) -> str:
    return f"{choice.name} ({value})" if choice else value
