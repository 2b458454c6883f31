"""The pickers: of projects, and of what can be exported, which read what was chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Self

from traitlets import Any as AnyTrait
from traitlets import HasTraits

from gio_pandas.catalog import Listed, match
from gio_pandas.current import connected
from gio_pandas.docstrings import explained
from gio_pandas.errors import GioError, GraphQLError, PermissionDeniedError, SettingsError
from gio_pandas.notebook.choices import ANALYSES, LABELS, Choice, Offer, choices, remembered
from gio_pandas.notebook.code import call, read_line, said
from gio_pandas.notebook.picker import Listing, Picker

if TYPE_CHECKING:
    from gio_pandas.exports.job import ExportJob
    from gio_pandas.session import Session

__all__ = [
    "AnalysisPicker",
    "Frame",
    "ItemPicker",
    "ProjectPicker",
    "SegmentPicker",
    "TagPicker",
    "label_of",
]

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


@explained(Picker)
class ProjectPicker(Picker):
    """A list of the projects (项目) to choose from; other pickers may follow it.

    Parameters
    ----------
    session
        Whose platform it is of; left out, the current one.
    value
        The project chosen to begin with, by id or name; left out, the session's, or the only one.
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
        """Give the line that makes it the project of the verbs; empty where none is chosen.

        Returns
        -------
        str
            Such as ``gio.use("默认项目")``.
        """
        if self.selected is None:
            return ""
        return self._with_its_platform(call("use", self.word_of(self.selected.value)))

    def _ask(self) -> Listing:
        return Listing(choices(self.session, "project"))

    def _remembered(self) -> Listing | None:
        known = remembered(self.session, "project")
        return Listing(known) if known else None

    def _take(self, listing: Listing, *, is_sure: bool = True) -> GioError | None:
        if self.value is None and self._offered is None:
            only = listing.choices[0].value if len(listing.choices) == 1 else None
            self.value = self.session.settings.project or only
        return super()._take(listing, is_sure=is_sure)

    def _summary(self) -> str:
        return _counted(len(self._known), "project")


@explained(Picker)
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
            followed.chooser.observe(self._miss, "tone")

    @property
    def kind(self) -> str | None:
        """The kind of what is chosen; None where that is not known yet."""
        if len(self._kinds) == 1:
            return self._kinds[0]
        return self.selected.kind if isinstance(self.selected, Choice) else None

    def offer(self, *kinds: str) -> None:
        """List other kinds from now on, and let go of what was chosen.

        Parameters
        ----------
        *kinds
            Such as ``"segment"``; several are listed together.
        """
        with self._lock:
            self._offered = self._offered or {}  # what was chosen is of the kind before
            self._kinds = kinds
            self.chooser.label = label_of(*kinds)
            self._renew()

    @explained(Picker.load)
    def load(self) -> Self:
        """Ask the platform for the list, now, and for its project first."""
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
        """Start the export of what is chosen.

        Parameters
        ----------
        **options
            As ``read`` takes them.

        Returns
        -------
        ExportJob, or list of them
            A list where several may be chosen.

        Raises
        ------
        SettingsError
            Nothing is chosen.
        GioError
            As the ``submit_…`` of that kind.
        """
        jobs = [submit() for submit in self.submits(**options)]
        return jobs if self._multiple else jobs[0]

    def submits(self, **options: Any) -> list[Callable[[], ExportJob]]:
        """Give what submits each export that is chosen now.

        Parameters
        ----------
        **options
            As ``read`` takes them.

        Returns
        -------
        list of callable
            Each without arguments; it gives an ``ExportJob``.

        Raises
        ------
        SettingsError
            Nothing is chosen.
        """
        submit, options = self._verb("submit", self._chosen_kind()), self._with_project(options)
        return [partial(submit, value, **options) for value in self._values]

    def code(self, *, target: str | None = "df", **options: Any) -> str:
        """Give the line of Python that does the same; empty where nothing on the list is chosen.

        Parameters
        ----------
        target
            The variable that the frame goes to.
        **options
            As ``read`` takes them.

        Returns
        -------
        str
            Such as ``df = gio.read_segment("高价值用户")``.
        """
        if not self._values or self.kind is None or self.is_lost:
            return ""
        options = {**self._project_words(), **options}
        write = self._many_line if self._multiple else self._one_line
        return self._with_its_platform(write(self.kind, target, options))

    def _one_line(self, kind: str, target: str | None, options: Mapping[str, Any]) -> str:
        return read_line(kind, self.word_of(self.value), target=target, **options)

    def _many_line(self, kind: str, target: str | None, options: Mapping[str, Any]) -> str:
        told = said(f"read_{kind}", options)
        named = [(kind, self.word_of(value)) for value in self._values]
        specs = [{"kind": kind, "name": name, **told} for kind, name in named]
        return call("read_many", specs if told else named, target=target and f"{target}s")

    def _project_words(self) -> dict[str, str]:
        """Say which project it is of, where that is not the one that ``gio.…`` is of now."""
        if not self._is_of_project:
            return {}
        own = (connected() or self.session).settings.project if self._is_at_home else None
        project = self._project_of_list()
        if project is None:
            other = self._project_value() or self.session.settings.project
            return {"project": other} if other and other != own else {}
        known = [choice.name for choice in remembered(self.session, "project") or ()]
        if own in (project.id, project.name) or (own is None and len(known) == 1):
            return {}
        return {"project": project.name if known.count(project.name) == 1 else project.id}

    def _with_project(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Say which project it is of, whatever the session's own has become since it was listed."""
        project = self._project_of_list()
        word = project.id if project else self._project_value()
        return {"project": word, **options} if word and self._is_of_project else {**options}

    def _project_of_list(self) -> Listed | None:
        """Give the project that is listed, or is going to be as far as that is known."""
        if self._listing is not None:
            return self._listing.project
        return self._project.selected if isinstance(self._project, ProjectPicker) else None

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

    def _miss(self, change: Mapping[str, Any]) -> None:
        """Say that a project is missing, once it is plain that none comes by itself."""
        none_comes = change["new"] == "error" or not (change["new"] or self._project_value())
        with self._lock:
            if none_comes and self._has_begun and self._offered is None:
                self._say(self.lacking)

    def _answered(self, listing: Listing | None) -> GioError | None:
        projects = self._project
        is_on_its_way = isinstance(projects, ProjectPicker) and projects.chooser.tone == "busy"
        return None if listing is None and is_on_its_way else super()._answered(listing)

    def _renew(self) -> None:
        self._drop()
        if self._has_begun:
            self._begin_anew()

    def _ask(self) -> Listing | None:
        if isinstance(self._project, ProjectPicker) and self._project.selected is None:
            return None
        project = self._project_to_ask()
        place = {"project": project.id} if project else {"scope": "platform"}
        refused: list[tuple[str, Exception]] = []
        offered: list[Choice] = []
        for kind in self._kinds:
            try:
                offered += _made(choices(self.session, kind, **place))
            except (GraphQLError, PermissionDeniedError) as error:
                refused.append((kind, error))
        if len(refused) == len(self._kinds):
            raise refused[0][1]
        names = ", ".join(LABELS[kind] for kind, _ in refused)
        return Listing(offered, project, f"; not listed for you: {names}" if names else "")

    def _project_to_ask(self) -> Listed | None:
        """Say which project's things are listed; None for the platform's own. It may ask."""
        catalog, wanted = self.session.catalog, self._project_value()
        if self._kinds == ("tag",):
            return catalog.tag_project(self._scope, wanted)
        return catalog.project(wanted)

    def _remembered(self) -> Listing | None:
        project = self._project_remembered()
        if project is None or self._scope:
            return None
        known = [remembered(self.session, kind, project=project.id) for kind in self._kinds]
        offered = [choice for offer in known if offer is not None for choice in _made(offer)]
        return Listing(offered, project) if offered and None not in known else None

    def _project_remembered(self) -> Listed | None:
        """Say which project is meant, without asking; None in doubt."""
        if isinstance(self._project, ProjectPicker):
            selected: Choice | None = self._project.selected
            return selected
        wanted = self._project or self.session.settings.project
        found = match(remembered(self.session, "project") or [], wanted) if wanted else []
        return found[0] if len(found) == 1 else None

    def _described(self, choice: Choice) -> Choice:
        return replace(choice, type=LABELS[choice.kind]) if len(self._kinds) > 1 else choice

    def _summary(self) -> str:
        kind = self._kinds[0] if len(self._kinds) == 1 else "analysis"
        left_out = self._listing.left_out if self._listing else ""
        return _counted(len(self._known), kind) + left_out

    @explained(Picker.facts)
    def facts(self) -> Mapping[str, str]:
        """Say what it is of, what is chosen, and how the same is written."""
        known, named = self._project_of_list(), self._project_value()
        project = known.name if known else named or self.session.settings.project or ""
        facts = {**super().facts()}
        platform = facts.pop("platform")
        own = {"project": project} if self._is_of_project else {}
        return {"platform": platform, **own, **facts}


@explained(ItemPicker)
class TagPicker(ItemPicker):
    """A list of the tags (标签) to choose from; ``value`` is a tag's key (标识符).

    Examples
    --------
    >>> picker = gio.TagPicker(value="会员等级").load()
    >>> picker.value
    'tag_member_level'
    >>> picker.code()
    'df = gio.read_tag("会员等级")'
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


@explained(ItemPicker)
class SegmentPicker(ItemPicker):
    """A list of a project's segments (分群) to choose from.

    Examples
    --------
    >>> picker = gio.SegmentPicker(value="高价值用户").load()
    >>> len(picker.read())
    1000
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


@explained(ItemPicker)
class AnalysisPicker(ItemPicker):
    """A list of a project's analyses to choose from.

    Parameters
    ----------
    kind
        ``"funnel"`` (漏斗分析), ``"event"`` (事件分析), ``"retention"`` (留存分析) or
        ``"frequency"`` (分布分析); left out, all of them.
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


@lru_cache(maxsize=16)
def _made(offer: Offer) -> tuple[Choice, ...]:
    """Make all choices of a listing, once: the next picker of it has them at hand."""
    return tuple(offer)


def label_of(*kinds: str) -> str:
    """Name kinds as the platform does, and in English: ``分群 Segment``."""
    if len(kinds) > 1:
        return "分析 Analysis"
    return f"{LABELS[kinds[0]]} {kinds[0].capitalize()}"


def _counted(number: int, kind: str) -> str:
    plural = _PLURALS.get(kind, "analyses")
    one = {"analysis": "analysis", "frequency": "frequency analysis"}
    return f"{number:,} {one.get(kind, plural.removesuffix('s')) if number == 1 else plural}"
