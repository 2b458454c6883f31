"""Names to ids, listings to frames."""

from __future__ import annotations

import re
import threading
import time
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from gio_pandas.api.models import Analysis, Kind, Project, Segment, Tag
from gio_pandas.errors import (
    AmbiguousNameError,
    GraphQLError,
    NotFoundError,
    PermissionDeniedError,
    SettingsError,
)
from gio_pandas.exports.specs import read_kind
from gio_pandas.titles import cut

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Catalog",
    "Listed",
    "candidates",
    "match",
    "moment",
    "near_names",
    "near_words",
    "to_frame",
]

_REMEMBERED = 60.0
"""Seconds that a listing is used for looking names up before it is asked for again."""

_HASH_ID = re.compile(r"[A-Za-z0-9]{8}")

Item = TypeVar("Item", Project, Tag, Segment, Analysis)
_Place = tuple[tuple[str, ...], Callable[[], list[Item]]]
"""Under which name a listing is remembered, and how it is asked for."""


class Listed(Protocol):
    """What is listed, as far as a word can mean it: a project, a tag, a segment, an analysis."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The exact words, beside its name, that mean it; the id is the first."""

    @property
    def creator(self) -> str | None:
        """Who made it."""

    @property
    def updated(self) -> str | None:
        """When it was last changed."""


Found = TypeVar("Found", bound=Listed)


class _Platform(Protocol):
    def projects(self) -> list[Project]: ...
    def data_center_tags(self) -> list[Tag]: ...
    def tags(self, project_id: str) -> list[Tag]: ...
    def segments(self, project_id: str) -> list[Segment]: ...
    def analyses(self, kind: Kind, project_id: str) -> list[Analysis]: ...


class Catalog:
    """What there is on a platform, by name.

    Parameters
    ----------
    platform
        What answers listings.
    chosen
        Id or name of the project that is meant where none is named.
    clock
        Seconds that only grow.
    """

    def __init__(
        self,
        platform: _Platform,
        *,
        chosen: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._platform = platform
        self._chosen = chosen
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, ...], tuple[float, list[Any]]] = {}

    def projects(self) -> list[Project]:
        """Ask for the projects."""
        return self._ask(("project",), self._platform.projects)

    def tags(self, project: Project | None) -> list[Tag]:
        """Ask for a project's tags; for the platform's where there is no project."""
        if project is None:
            return self._ask(("tag",), self._platform.data_center_tags)
        return self._ask(("tag", project.id), lambda: self._platform.tags(project.id))

    def segments(self, project: Project) -> list[Segment]:
        """Ask for a project's segments."""
        return self._ask(("segment", project.id), lambda: self._platform.segments(project.id))

    def analyses(self, kind: Kind, project: Project) -> list[Analysis]:
        """Ask for a project's analyses of one kind."""
        return self._ask(
            (kind.value, project.id), lambda: self._platform.analyses(kind, project.id)
        )

    def items(
        self, kind: str, *, project: str | None = None, scope: str | None = None
    ) -> Sequence[Project | Tag | Segment | Analysis]:
        """Ask for what there is of a kind.

        Parameters
        ----------
        kind
            ``"project"``, ``"tag"``, ``"segment"``, ``"funnel"``, ``"event"``, ``"retention"`` or
            ``"frequency"``.
        project, scope
            As ``project`` and ``tag_project`` take them.
        """
        if kind == "project":
            return self.projects()
        known = read_kind(kind)
        if known is Kind.TAG:
            return self.tags(self.tag_project(scope, project))
        if known is Kind.SEGMENT:
            return self.segments(self.project(project))
        return self.analyses(known, self.project(project))

    def remembered(
        self, kind: str, *, project: str | None = None
    ) -> Sequence[Project | Tag | Segment | Analysis] | None:
        """Say what was listed last, however long ago, and ask nothing; None where nothing was."""
        projects = self._last(("project",)) or []
        if kind == "project":
            return projects or None
        wanted = project or self._chosen
        found = match(projects, wanted) if wanted else projects
        if len(found) == 1 and (known := self._last((kind, found[0].id))) is not None:
            return known
        return self._last((kind,))

    def _last(self, key: tuple[str, ...]) -> list[Any] | None:
        with self._lock:
            return self._known.get(key, (0.0, None))[1]

    def project(self, wanted: str | None = None) -> Project:
        """Say which project is meant: the one asked for, else the chosen one, else the only one.

        Raises
        ------
        SettingsError
            None is chosen, and there are several, or none at all.
        NotFoundError, AmbiguousNameError
            As ``find_project``.
        """
        wanted = wanted or self._chosen
        if wanted:
            return self.find_project(wanted)
        projects = self.projects()
        if len(projects) == 1:
            return projects[0]
        if not projects:
            raise SettingsError(
                "The account sees no project", hint="Ask the administrator for access to one."
            )
        names = [repr(cut(project.name)) for project in projects[:10]]
        listed = ", ".join(names + ["…"] * (len(projects) > 10))
        raise SettingsError(
            f"The platform has {len(projects)} projects and none is chosen",
            hint=f'Choose one by gio.use("…"), project= or %gio use: {listed}.',
        )

    def choose(self, wanted: str) -> Project:
        """Say which project is meant from now on where none is named; see ``find_project``."""
        found = self.find_project(wanted)
        self._chosen = wanted
        return found

    def tag_project(self, scope: str | None = None, wanted: str | None = None) -> Project | None:
        """Say which project's tags are meant, or None for the platform's.

        Parameters
        ----------
        scope
            ``"platform"``, ``"project"``, or None: the project's where one is chosen.
        wanted
            Id or name of the project.
        """
        if scope not in (None, "platform", "project"):
            raise SettingsError(f"scope={scope!r} is unknown", hint='Use "platform" or "project".')
        if scope == "platform" or (scope is None and not (wanted or self._chosen)):
            return None
        return self.project(wanted)

    def chosen_or_all(self, wanted: str | None = None) -> Sequence[Project]:
        """Give the project that is asked for or chosen, as one of a list; else all there are."""
        chosen = wanted or self._chosen
        return [self.find_project(chosen)] if chosen else self.projects()

    def find_project(self, wanted: str) -> Project:
        """Find a project by id or name; see ``match`` for how, and for all ``find_…``.

        Raises
        ------
        NotFoundError
            Nothing is called that, not even on a second look.
        AmbiguousNameError
            Several are.
        """
        try:
            return self._find([(("project",), self.projects)], wanted, "project (项目)", None)
        except (GraphQLError, PermissionDeniedError):
            # Who may not list projects may still have the right to one, and know its id.
            if not _HASH_ID.fullmatch(wanted.strip()):
                raise
            return Project(id=wanted.strip(), name=wanted.strip())

    def find_tag(self, wanted: str, project: Project | None) -> Tag:
        """Find a tag by id, key or name: in the project, then on the whole platform."""
        places: list[_Place[Tag]] = [(("tag",), lambda: self.tags(None))]
        if project is not None:
            places.insert(0, (("tag", project.id), lambda: self.tags(project)))
        return self._find(places, wanted, Kind.TAG.label, project)

    def find_segment(self, wanted: str, project: Project) -> Segment:
        """Find a segment by id or name."""
        place = (("segment", project.id), lambda: self.segments(project))
        return self._find([place], wanted, Kind.SEGMENT.label, project)

    def find_analysis(self, kind: Kind, wanted: str, project: Project) -> Analysis:
        """Find an analysis of one kind by id or name."""
        place = ((kind.value, project.id), lambda: self.analyses(kind, project))
        return self._find([place], wanted, kind.label, project)

    def _ask(self, key: tuple[str, ...], ask: Callable[[], list[Item]]) -> list[Item]:
        items = ask()
        with self._lock:
            self._known[key] = (self._clock(), items)
        return items

    def _fresh(self, key: tuple[str, ...]) -> list[Any] | None:
        with self._lock:
            asked, items = self._known.get(key, (0.0, None))
        return items if self._clock() - asked < _REMEMBERED else None

    def _find(
        self, places: Sequence[_Place[Item]], wanted: str, label: str, project: Project | None
    ) -> Item:
        """Look where something may be, in order: in memory, then once more on the platform."""
        for key, _ in places:
            remembered = self._fresh(key)
            found: list[Item] = match(remembered or (), wanted)
            if len(found) == 1:
                return found[0]
            if found or remembered is None:
                break  # what is known is not enough to say
        seen: list[Item] = []
        for _, ask in places:
            items = ask()
            if found := match(items, wanted):
                return _only(found, wanted, label, project)
            seen += items
        raise _not_found(seen, wanted, label, project)


def match(items: Collection[Found], wanted: str) -> list[Found]:
    """Find what a word means: an exact id or key first, then the exact name, never a guess.

    Names are compared in NFKC form and without blanks around them, so that ``ＶＩＰ`` is ``VIP``.
    """
    if not isinstance(wanted, str):
        raise TypeError(f"a name or an id is text, not {type(wanted).__name__}: {wanted!r}")
    word = wanted.strip()
    by_key = [item for item in items if word in item.keys]
    if by_key:
        return by_key
    name = _folded(word)
    return [item for item in items if name and _folded(item.name) == name]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip()


def _only(found: Sequence[Item], wanted: str, label: str, project: Project | None) -> Item:
    if len(found) == 1:
        return found[0]
    raise AmbiguousNameError(
        f"The {label} name {wanted!r} is not unique{_where(project)}: {len(found)} have it",
        hint=f"Pass the id of the one you mean, such as {found[0].id!r}.",
        candidates=candidates(found),
    )


def candidates(found: Iterable[Listed]) -> list[dict[str, str]]:
    """Say what tells those apart that have one name; see ``AmbiguousNameError``."""
    return [
        {
            "id": item.id,
            "name": item.name,
            "creator": item.creator or "-",
            "updated": moment(item.updated) or "-",
        }
        for item in found
    ]


def _not_found(
    items: Sequence[Project | Tag | Segment | Analysis],
    wanted: str,
    label: str,
    project: Project | None,
) -> NotFoundError:
    near = near_words(items, wanted)
    count = len({item.id for item in items})
    hint = (
        f"Similar names: {', '.join(repr(name) for name in near)}."
        if near
        else f"Of {count} in all, none is like it: gio.{_lister(label.split(' ')[0])}() lists them."
    )
    return NotFoundError(f"There is no {label} {wanted!r}{_where(project)}", hint=hint, near=near)


def _lister(kind: str) -> str:
    return f"list_{'frequencies' if kind == 'frequency' else kind + 's'}"


def _where(project: Project | None) -> str:
    return f" in project {project.name!r}" if project else ""


def near_words(items: Iterable[Listed], wanted: str) -> list[str]:
    """Give up to five of the words for some things that look like the one asked for."""
    # A tag's key is a word as its name is; an id is none, and looks like anything.
    return near_names([word for item in items for word in (item.name, *item.keys[1:])], wanted)


def near_names(names: Sequence[str], wanted: str) -> list[str]:
    """Give up to five names that look like the one asked for, best first."""
    word = _folded(wanted).casefold()
    folded: dict[str, str] = {}
    for name in names:
        folded.setdefault(_folded(name).casefold(), name)
    containing = sorted((name for name in folded if word and word in name), key=len)
    similar = get_close_matches(word, list(folded), n=5, cutoff=0.5)
    return [folded[name] for name in dict.fromkeys([*containing[:5], *similar])][:5]


def moment(text: str | None) -> str | None:
    """Write a time of the platform's as a person reads it, in this machine's zone."""
    try:
        known = datetime.fromisoformat(text or "")
        return f"{known.astimezone() if known.tzinfo else known:%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):
        return text  # not as documented: shown as it came


_FIRST = ("id", "name", "key", "type")
_DTYPES = {"int": "Int64", "float": "Float64", "bool": "boolean"}


def to_frame(items: Sequence[Any], model: type) -> pd.DataFrame:
    """Turn models into a frame: a row each, in the platform's order.

    Parameters
    ----------
    items
        Projects, tags, segments or analyses.
    model
        Their class, whose fields are the columns even where there is no item.

    Returns
    -------
    pandas.DataFrame
        ``id`` and ``name`` first, then a tag's ``key`` and ``type``; text, ``Int64``,
        ``Float64``, ``boolean``, and times in UTC.
    """
    import pandas as pd

    types: Mapping[str, str] = {field.name: str(field.type) for field in fields(model)}
    names = [name for name in _FIRST if name in types]
    names += [name for name in types if name not in _FIRST]
    return pd.DataFrame(
        {name: _column([getattr(item, name) for item in items], name, types) for name in names},
        index=pd.RangeIndex(len(items)),
    )


def _column(values: list[Any], name: str, types: Mapping[str, str]) -> Any:
    import pandas as pd

    from gio_pandas.exports.frames import text_dtype

    if name.endswith("_at"):
        return _times(values)
    return pd.array(values, dtype=_DTYPES.get(types[name].split(" ")[0], text_dtype()))


def _times(values: list[Any]) -> Any:
    import pandas as pd

    from gio_pandas.exports.frames import text_dtype

    try:
        times = pd.to_datetime(pd.Series(values, dtype=text_dtype()), utc=True, format="ISO8601")
        return times.dt.as_unit("us")  # whatever the values are, and where there are none
    except ValueError:  # not as documented: shown as it came
        return pd.array(values, dtype=text_dtype())
