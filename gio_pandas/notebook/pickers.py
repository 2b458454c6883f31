"""Pickers: searchable lists of what is on a platform, that read what was chosen.

Nothing is asked before a picker is displayed, or told to ``load()``.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import ipywidgets
from traitlets import Any as AnyTrait
from traitlets import HasTraits, observe, validate

from gio_pandas.catalog import near_names
from gio_pandas.errors import (
    AmbiguousNameError,
    GraphQLError,
    NotFoundError,
    PermissionDeniedError,
    SettingsError,
)
from gio_pandas.notebook.background import one_line
from gio_pandas.notebook.choices import ANALYSES, LABELS, Choice, choices
from gio_pandas.notebook.choosing import chooser, row
from gio_pandas.notebook.code import call, read_line
from gio_pandas.notebook.front import front_end

if TYPE_CHECKING:
    from gio_pandas.exports.job import ExportJob
    from gio_pandas.session import Session

__all__ = [
    "AnalysisPicker",
    "Frame",
    "ItemPicker",
    "Picker",
    "ProjectPicker",
    "SegmentPicker",
    "TagPicker",
    "label_of",
    "widget_view",
]

_PLACEHOLDER = "名称、标识符或 ID / name, key or id"
_NO_PROJECT = "Choose a project (项目) first."
_PLURALS = {
    "project": "projects",
    "segment": "segments",
    "tag": "tags",
    "funnel": "funnels",
    "event": "event analyses",
    "retention": "retention analyses",
    "frequency": "frequency analyses",
}


class Frame(AnyTrait):
    """A trait for a frame: another one is told of, and two are never compared by their cells."""

    def set(self, obj: HasTraits, value: Any) -> None:
        """Take the frame, and tell of it where it is another object."""
        name = str(self.name)
        before = obj._trait_values.get(name)
        obj._trait_values[name] = value
        if before is not value:
            obj._notify_trait(name, before, value)


class Picker(HasTraits):
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
        self.session = session or _current_session()
        self._lock = threading.RLock()  # widgets may call from the main thread and from others
        self._multiple = multiple
        self._offered: dict[str, Choice] | None = None
        self._turn = 0
        self._has_begun = False
        self.then: Callable[[], object] = lambda: None
        """What follows when something was chosen on the screen."""
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
        """Load the list in the background, unless it is there, or was begun."""
        with self._lock:
            is_first, self._has_begun = not self._has_begun, True
        if is_first and self._offered is None:
            self.refresh()

    def load(self) -> Self:
        """Ask the platform for the list, now, and give the picker.

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
        arguments = (self._next_turn(),)
        threading.Thread(target=self._load, args=arguments, name="gio-list", daemon=True).start()

    def show(self) -> ipywidgets.Widget:
        """Give the widget, which is going to be on the screen, and begin to load the list."""
        self.chooser.watch()
        self.begin()
        return self.widget

    def code(self) -> str:
        """Give the line of Python that does the same; empty where nothing is chosen."""
        raise NotImplementedError

    def _ask(self) -> Sequence[Choice] | None:
        """Ask the platform; None where it is to be told first what of."""
        raise NotImplementedError

    def _next_turn(self) -> int:
        with self._lock:
            self._turn += 1
            self._say("Loading …", "busy")
            return self._turn

    def _load(self, turn: int, *, raising: bool = False) -> None:
        """Ask, and take the answer unless something else was asked for meanwhile."""
        try:
            offered = self._ask()
            with self._lock:
                if turn == self._turn:
                    self._say(_NO_PROJECT) if offered is None else self._take(offered)
        except Exception as error:  # in a thread: who looks at the widget is told of it
            with self._lock:
                if turn == self._turn:
                    self._say(one_line(error), "error")
            if raising:
                raise

    def _take(self, offered: Sequence[Choice]) -> None:
        self._offered = _by_value(offered)
        self.chooser.items = [
            [value, *row(self._described(choice))[1:]] for value, choice in self._offered.items()
        ]
        self._say(self._summary())
        try:
            self.value = self._valid_value({"value": self.value})
        finally:
            self._show_value()

    def _described(self, choice: Choice) -> Choice:
        return choice

    def _summary(self) -> str:
        raise NotImplementedError

    def _say(self, message: str, tone: str = "") -> None:
        self.chooser.message, self.chooser.tone = message, tone
        self._retry.layout.display = "" if tone == "error" else "none"

    def _drop(self) -> None:
        """Forget the list, and what was chosen of it: it is another one's."""
        with self._lock:
            self._turn += 1
            if self._offered is None:
                return  # what is chosen was said before, of the list that is to come
            self._offered = None
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
        if isinstance(word, Choice):
            word = word.value
        if not isinstance(word, str):
            raise TypeError(f"a name or an id is text, not {type(word).__name__}: {word!r}")
        if self._offered is None:
            return word
        return _only(_matches(self._offered, word), word, self._offered, self.chooser.label)

    @observe("value")
    def _show_value(self, _: object = None) -> None:
        if self.value is None and self._multiple:  # traitlets validates no None
            self.value = []
            return
        with self._lock:
            found = [self._known[value] for value in self._values if value in self._known]
            self.selected = found if self._multiple else next(iter(found), None)
            self.chooser.chosen = self._values

    @property
    def _none(self) -> list[str] | None:
        return [] if self._multiple else None

    @property
    def _known(self) -> Mapping[str, Choice]:
        return self._offered or {}

    @property
    def _values(self) -> list[str]:
        if self._multiple:
            return list(self.value or ())
        return [self.value] if self.value else []

    def _on_chosen(self, change: Mapping[str, Any]) -> None:
        """Take what was chosen on the screen; what the list has no more was chosen too late."""
        with self._lock:
            if self._offered is None or list(change["new"]) == self._values:
                return
            chosen = [value for value in change["new"] if value in self._known]
        self.value = chosen if self._multiple else next(iter(chosen), None)
        self._show_value()
        if chosen:
            self.then()

    def _facts(self) -> Iterator[tuple[str, str]]:
        """Say what it is of, what is chosen, and how the same is written."""
        yield "platform", self.session.settings.url
        names = [_told(self._known.get(value), value) for value in self._values]
        yield "chosen", ", ".join(names) or "nothing yet"
        if code := self.code():
            yield "code", code

    def __repr__(self) -> str:
        facts = "".join(f"\n  {name}: {said}" for name, said in self._facts())
        return f"{type(self).__name__} ({self.chooser.label}){facts}"

    def _repr_html_(self) -> str:
        from gio_pandas.notebook.cards import card

        return card(f"{type(self).__name__} · {self.chooser.label}", list(self._facts()))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        bundle = {"text/plain": repr(self), "text/html": self._repr_html_()}
        return {**widget_view(self.show), **bundle} if front_end() == "jupyter" else bundle


class ProjectPicker(Picker):
    """A list of the projects (项目) to choose from; other pickers may follow it.

    Parameters
    ----------
    session
        Whose platform it is of; left out, the current one.
    value
        The project chosen to begin with, by id or name; left out, the session's, or the only one.
    plain
        See ``Picker``.
    """

    def __init__(
        self,
        *,
        session: Session | None = None,
        value: str | None = None,
        plain: bool | None = None,
    ) -> None:
        super().__init__(label_of("project"), session=session, value=value, plain=plain)

    def code(self) -> str:
        """Give the line that makes it the project of the verbs; empty where none is chosen."""
        if self.selected is None:
            return ""
        return call("use", _written(self.selected, self))

    def _ask(self) -> Sequence[Choice]:
        return choices(self.session, "project")

    def _take(self, offered: Sequence[Choice]) -> None:
        if self.value is None and self._offered is None:
            only = offered[0].value if len(offered) == 1 else None
            self.value = self.session.settings.project or only
        super()._take(offered)

    def _summary(self) -> str:
        return _counted(len(self._known), "project")


class ItemPicker(Picker):
    """A list of what can be exported: of one kind, or of several.

    Parameters
    ----------
    kinds
        What is listed: ``"segment"``, ``"tag"``, ``"funnel"``, ``"event"``, ``"retention"``,
        ``"frequency"``.
    session
        Whose platform it is of; left out, the project picker's, else the current one.
    project
        Id or name of the project, or a ``ProjectPicker`` to follow; left out, the session's.
    scope
        Which tags; see ``list_tags``.
    multiple, value, plain
        See ``Picker``.

    Attributes
    ----------
    result : pandas.DataFrame, or list of them, or None
        What ``read`` gave last.
    """

    result = Frame()

    def __init__(
        self,
        kinds: Sequence[str],
        *,
        session: Session | None = None,
        project: str | ProjectPicker | None = None,
        scope: str | None = None,
        multiple: bool = False,
        value: str | Iterable[str] | None = None,
        plain: bool | None = None,
    ) -> None:
        self._kinds = tuple(kinds)
        self._project = project
        self._scope = scope
        self._left_out = ""
        followed = project if isinstance(project, ProjectPicker) else None
        super().__init__(
            label_of(*self._kinds),
            session=session or (followed.session if followed else None),
            multiple=multiple,
            value=value,
            plain=plain,
        )
        if followed:
            self._lock = followed._lock  # of two locks, two threads would take one each
            followed.observe(self._follow, "selected")

    @property
    def kind(self) -> str | None:
        """The kind of what is chosen; None where that is not known yet."""
        if len(self._kinds) == 1:
            return self._kinds[0]
        return self.selected.kind if isinstance(self.selected, Choice) else None

    def offer(self, *kinds: str) -> None:
        """List other kinds from now on, and let go of what was chosen."""
        with self._lock:
            self._offered = self._offered or {}  # what was chosen is of the kind before
            self._kinds = kinds
            self.chooser.label = label_of(*kinds)
            self._renew()

    def load(self) -> Self:
        """Ask the platform for the list, now, and give the picker; see ``Picker.load``."""
        if isinstance(self._project, ProjectPicker) and self._project.choices is None:
            self._project.load()
        return super().load()

    def begin(self) -> None:
        """Load the list in the background, unless it is there, or was begun."""
        if isinstance(self._project, ProjectPicker):
            self._project.begin()
        super().begin()

    def read(self, **options: Any) -> Any:
        """Export what is chosen, and give its frame.

        Parameters
        ----------
        **options
            As the ``read_…`` of that kind takes them, such as ``properties=["usr_city"]``.

        Returns
        -------
        pandas.DataFrame, or list of them
            As ``read_segment`` and its sisters give it; where several may be chosen
            (``multiple=True``) a list, in the order they were chosen, as ``read_many`` does.

        Raises
        ------
        SettingsError
            Nothing is chosen.
        GioError
            As the verb of that kind.
        """
        kind = self._chosen_kind()
        if self._multiple:
            self.result = self.session.read_many(self._specs(kind, options))
        else:
            self.result = self._verb("read", kind)(self.value, **self._with_project(options))
        return self.result

    def submit(self, **options: Any) -> Any:
        """Start the export of what is chosen; arguments as ``read``.

        Returns
        -------
        ExportJob, or list of them
            A list where several may be chosen.
        """
        jobs = [submit() for submit in self.submits(**options)]
        return jobs if self._multiple else jobs[0]

    def submits(self, **options: Any) -> list[Callable[[], ExportJob]]:
        """Give what submits each export that is chosen now; arguments as ``read``.

        Raises
        ------
        SettingsError
            Nothing is chosen.
        """
        submit, options = self._verb("submit", self._chosen_kind()), self._with_project(options)
        return [partial(submit, value, **options) for value in self._values]

    def code(self, *, target: str | None = "df", **options: Any) -> str:
        """Give the line of Python that does the same; empty where nothing is chosen.

        Parameters
        ----------
        target
            The variable that the frame goes to.
        **options
            As ``read`` takes them.
        """
        if not self._values or self.kind is None:
            return ""
        options = {**self._project_words(), **options}
        if not self._multiple:
            return read_line(self.kind, self.word_of(self.value), target=target, **options)
        said = {key: value for key, value in options.items() if value not in (None, False, (), [])}
        named = [(self.kind, self.word_of(value)) for value in self._values]
        specs = [{"kind": kind, "name": name, **said} for kind, name in named]
        return call("read_many", specs if said else named, target=target and f"{target}s")

    def word_of(self, value: str) -> str:
        """Say how a value is written in code: by name where no other thing has that name."""
        choice = self._known.get(value)
        return _written(choice, self) if choice else value

    def _project_words(self) -> dict[str, str]:
        """Say which project it is of, where that is not the session's own."""
        own = self.session.settings.project
        if not isinstance(self._project, ProjectPicker):
            other = self._project if self._project != own else None
            return {"project": other} if other and self._is_of_project else {}
        chosen = self._project.selected
        if chosen is None or not self._is_of_project or own in (chosen.id, chosen.name):
            return {}
        return {"project": _written(chosen, self._project)}

    def _with_project(self, options: Mapping[str, Any]) -> dict[str, Any]:
        project = self._project_value()
        return {"project": project, **options} if project and self._is_of_project else {**options}

    def _project_value(self) -> str | None:
        if isinstance(self._project, ProjectPicker):
            value: str | None = self._project.value
            return value
        return self._project

    @property
    def _is_of_project(self) -> bool:
        return self._scope != "platform"

    def _chosen_kind(self) -> str:
        if not self._values:
            raise SettingsError(
                f"Nothing is chosen: {self.chooser.label}",
                hint="Choose in the list, or set .value to a name or an id.",
            )
        if self.kind is None:
            self.load()
        return str(self.kind)

    def _verb(self, verb: str, kind: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self.session, f"{verb}_{kind}")
        return method

    def _specs(self, kind: str, options: Mapping[str, Any]) -> list[dict[str, Any]]:
        options = self._with_project(options)
        return [{"kind": kind, "name": value, **options} for value in self._values]

    def _follow(self, change: Mapping[str, Any]) -> None:
        """Let go of what belongs to the project before."""
        before, now = change["old"], change["new"]
        if not (before and now and before.id == now.id):
            with self._lock:
                self._renew()

    def _renew(self) -> None:
        self._drop()
        if self._has_begun:
            self.refresh()

    def _ask(self) -> Sequence[Choice] | None:
        if isinstance(self._project, ProjectPicker) and self._project.selected is None:
            return None
        project, offered = self._project_value(), list[Choice]()
        refused: list[tuple[str, Exception]] = []
        for kind in self._kinds:
            try:
                offered += choices(self.session, kind, project=project, scope=self._scope)
            except (GraphQLError, PermissionDeniedError) as error:
                refused.append((kind, error))
        if len(refused) == len(self._kinds):
            raise refused[0][1]
        names = ", ".join(LABELS[kind] for kind, _ in refused)
        self._left_out = f"; not listed for you: {names}" if names else ""
        return offered

    def _described(self, choice: Choice) -> Choice:
        return replace(choice, type=LABELS[choice.kind]) if len(self._kinds) > 1 else choice

    def _summary(self) -> str:
        kind = self._kinds[0] if len(self._kinds) == 1 else "analysis"
        return _counted(len(self._known), kind) + self._left_out

    def _facts(self) -> Iterator[tuple[str, str]]:
        platform, *others = super()._facts()
        yield platform
        project = self._project_value() or self.session.settings.project
        if isinstance(self._project, ProjectPicker) and self._project.selected:
            project = self._project.selected.name
        if project and self._is_of_project:
            yield "project", project
        yield from others


class TagPicker(ItemPicker):
    """A list of the tags (标签) to choose from; ``value`` is a tag's key (标识符).

    Parameters
    ----------
    session, project, scope, multiple, value, plain
        See ``ItemPicker``.
    """

    def __init__(
        self,
        *,
        session: Session | None = None,
        project: str | ProjectPicker | None = None,
        scope: str | None = None,
        multiple: bool = False,
        value: str | Iterable[str] | None = None,
        plain: bool | None = None,
    ) -> None:
        super().__init__(
            ("tag",),
            session=session,
            project=project,
            scope=scope,
            multiple=multiple,
            value=value,
            plain=plain,
        )


class SegmentPicker(ItemPicker):
    """A list of a project's segments (分群) to choose from.

    Parameters
    ----------
    session, project, multiple, value, plain
        See ``ItemPicker``.
    """

    def __init__(
        self,
        *,
        session: Session | None = None,
        project: str | ProjectPicker | None = None,
        multiple: bool = False,
        value: str | Iterable[str] | None = None,
        plain: bool | None = None,
    ) -> None:
        super().__init__(
            ("segment",),
            session=session,
            project=project,
            multiple=multiple,
            value=value,
            plain=plain,
        )


class AnalysisPicker(ItemPicker):
    """A list of a project's analyses to choose from.

    Parameters
    ----------
    kind
        ``"funnel"`` (漏斗分析), ``"event"`` (事件分析), ``"retention"`` (留存分析) or
        ``"frequency"`` (分布分析); left out, all of them.
    session, project, value, plain
        See ``ItemPicker``.
    """

    def __init__(
        self,
        *,
        kind: str | None = None,
        session: Session | None = None,
        project: str | ProjectPicker | None = None,
        value: str | None = None,
        plain: bool | None = None,
    ) -> None:
        if kind not in (None, *ANALYSES):
            raise SettingsError(
                f"There is no kind {kind!r} of analysis", hint=f"Use {', '.join(ANALYSES)}."
            )
        kinds = (kind,) if kind else ANALYSES
        super().__init__(kinds, session=session, project=project, value=value, plain=plain)


def label_of(*kinds: str) -> str:
    """Name kinds as the platform does, and in English: ``分群 Segment``."""
    if len(kinds) > 1:
        return "分析 Analysis"
    return f"{LABELS[kinds[0]]} {kinds[0].capitalize()}"


def widget_view(show: Callable[[], ipywidgets.Widget]) -> dict[str, Any]:
    """Give the bundle that a front end shows a widget by."""
    return dict(show()._repr_mimebundle_() or {})


def _current_session() -> Session:
    import gio_pandas

    return gio_pandas.current_session()


def _by_value(offered: Iterable[Choice]) -> dict[str, Choice]:
    """Put every choice under a value of its own: where two have one, the second under its id."""
    found: dict[str, Choice] = {}
    for choice in offered:
        found.setdefault(choice.id if choice.value in found else choice.value, choice)
    return found


def _matches(offered: Mapping[str, Choice], word: str) -> list[str]:
    exact = word.strip()
    by_key = [value for value, it in offered.items() if exact in (value, it.id, it.key)]
    named = _folded(word)
    return by_key or [value for value, it in offered.items() if _folded(it.name) == named]


def _folded(name: str) -> str:
    # As the verbs compare names; capitals tell some apart.
    return unicodedata.normalize("NFKC", name).strip()


def _only(found: Sequence[str], word: str, offered: Mapping[str, Choice], label: str) -> str:
    if len(found) == 1:
        return found[0]
    if found:
        raise AmbiguousNameError(
            f"{word!r} is the name of {len(found)} on the list {label}",
            hint=f"Set the id or key of the one you mean: {', '.join(map(repr, found[:5]))}.",
            candidates=[_candidate(offered[value]) for value in found],
        )
    near = near_names([choice.name for choice in offered.values()], word)
    similar = f"Similar names: {', '.join(map(repr, near))}." if near else ".choices has what is."
    raise NotFoundError(f"{word!r} is not on the list {label}", hint=similar, near=near)


def _candidate(choice: Choice) -> dict[str, str]:
    told = {"creator": choice.creator or "-", "updated": choice.updated or "-"}
    return {"id": choice.id, "name": choice.name, **told}


def _written(choice: Choice, picker: Picker) -> str:
    """Say how a choice is written in code: by name where that means it and nothing else."""
    found = _matches(picker._known, choice.name)
    is_plain = found and picker._known[found[0]] is choice and len(found) == 1
    return choice.name if is_plain and choice.name.strip() else choice.value


def _told(choice: Choice | None, value: str) -> str:
    return f"{choice.name} ({value})" if choice else value


def _counted(number: int, kind: str) -> str:
    plural = _PLURALS.get(kind, "analyses")
    one = {"analysis": "analysis", "frequency": "frequency analysis"}
    return f"{number:,} {one.get(kind, plural.removesuffix('s')) if number == 1 else plural}"
