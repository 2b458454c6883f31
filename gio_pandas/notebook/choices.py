"""What can be picked: the platform's things, as a person tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, overload

from gio_pandas.api.models import Analysis, Kind, Project, Segment, Tag
from gio_pandas.catalog import moment
from gio_pandas.search import Index

if TYPE_CHECKING:
    from gio_pandas.session import Session

__all__ = ["ANALYSES", "CHARSETS", "KINDS", "LABELS", "Choice", "Offer", "choices", "remembered"]

ANALYSES = ("funnel", "event", "retention", "frequency")
KINDS = ("segment", "tag", *ANALYSES)
"""What can be exported, in the order that it is offered in."""

CHARSETS = ("UTF-16LE", "UTF-8", "GBK", "GB18030")
"""What is offered; the platform may know others."""

_FEW = 1_000
"""As many are looked through by a person who waits."""

LABELS = {"project": "项目", **{kind: Kind(kind).chinese for kind in KINDS}}
"""What the platform calls each kind."""


@dataclass(frozen=True)
class Choice:
    """One thing that can be picked.

    Parameters
    ----------
    kind
        ``"project"``, or what can be exported: ``"segment"``, ``"tag"``, ``"funnel"``, …
    id, name
        What it is.
    key
        A tag's 标识符.
    type
        What else it is, in a word: a tag's value type, an analysis's chart, a segment's schedule.
    creator, updated
        Who made it, and when it last changed, such as ``"2026-03-01 10:20"`` of this machine's
        clock; None where the platform does not tell.
    users
        How many have it.
    """

    kind: str
    id: str
    name: str
    key: str | None = None
    type: str | None = None
    creator: str | None = None
    updated: str | None = None
    users: int | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The exact words, beside its name, that mean it."""
        return (self.id, self.key) if self.key else (self.id,)

    @property
    def value(self) -> str:
        """What a verb takes, and is not ambiguous: a tag's key, else the id."""
        return self.key or self.id


class Offer(Sequence[Choice]):
    """A listing as choices, each made when it is looked at: of 50,000 a person sees a few.

    Parameters
    ----------
    items
        What the platform listed.
    kind
        What that is.
    """

    def __init__(self, items: Sequence[Any], kind: str) -> None:
        self._items = items
        self._kind = kind

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, position: int) -> Choice: ...
    @overload
    def __getitem__(self, position: slice) -> list[Choice]: ...
    def __getitem__(self, position: int | slice) -> Choice | list[Choice]:
        if isinstance(position, slice):
            return [_choice(item, self._kind) for item in self._items[position]]
        return _choice(self._items[position], self._kind)

    @property
    def is_ready(self) -> bool:
        """Whether ``find`` answers at once: few are, or it has looked at them before."""
        return len(self) <= _FEW or "_index" in vars(self)

    def begin(self, text: str, limit: int | None = None) -> list[Choice]:
        """Find what begins with a text just as it is typed: without any making ready."""
        places = (
            position
            for position, item in enumerate(self._items)
            if any(name.startswith(text) for name in (item.name, *item.keys) if name)
        )
        return [self[position] for position in islice(places, limit)]

    def find(self, words: str, limit: int | None = None) -> list[Choice]:
        """Find what the words mean, the best first; see ``search.Index.find``."""
        return [self[position] for position in self._index.find(words, limit)]

    @cached_property
    def _index(self) -> Index:
        return Index([(item.name, *item.keys) for item in self._items])


def choices(
    session: Session, kind: str, *, project: str | None = None, scope: str | None = None
) -> Offer:
    """Ask the platform what there is of a kind; arguments and errors as ``Catalog.items``."""
    return _offer(_Listing(session.catalog.items(kind, project=project, scope=scope)), kind)


def remembered(session: Session, kind: str, *, project: str | None = None) -> Offer | None:
    """Say what the session remembers of a kind, without a request; None where it never asked."""
    # What was never opened remembers nothing, and opening it may ask the system's keyring.
    items = session.catalog.remembered(kind, project=project) if session.is_open else None
    return None if items is None else _offer(_Listing(items), kind)


class _Listing:
    """A listing that is known by being itself, so that what was made of it is made once."""

    def __init__(self, items: Sequence[Any]) -> None:
        self.items = items

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Listing) and other.items is self.items

    def __hash__(self) -> int:
        return id(self.items)


@lru_cache(maxsize=32)
def _offer(listing: _Listing, kind: str) -> Offer:
    return Offer(listing.items, kind)


def _choice(item: Project | Tag | Segment | Analysis, kind: str) -> Choice:
    return Choice(
        kind=kind,
        id=item.id,
        name=item.name,
        key=item.key if isinstance(item, Tag) else None,
        type=_type(item),
        creator=item.creator,
        updated=moment(item.updated),
        users=getattr(item, "users", None),
    )


def _type(item: Project | Tag | Segment | Analysis) -> str | None:
    match item:
        case Tag():
            return item.value_type or item.type
        case Segment():
            return item.scheduler
        case Analysis():
            return item.chart_type
        case Project():
            return None
