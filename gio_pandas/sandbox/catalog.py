"""What the platform holds: projects, tags, segments and analyses.

The ids and names of the vendor's export guide are in the first project, beside items that are
well named, awkwardly named, namesakes, empty, broken; the others are composed from words.
"""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeVar

from gio_pandas.sandbox import calendar, listings, words
from gio_pandas.sandbox.hashids import new_hash_id
from gio_pandas.sandbox.population import Audience, Values

# Share of the composed platform tags that a project has as well.
TAGS_SHARED = 0.7


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What everything in the catalog has; `fails` makes every export of it end in ERROR."""

    id: str
    name: str
    description: str = ""
    creator: str = ""
    creator_id: str = ""
    created_at: str = ""
    updater: str = ""
    updater_id: str = ""
    updated_at: str = ""
    owner: str = ""
    owner_id: str = ""
    fails: bool = False


@dataclass(frozen=True)
class ValueType:
    """The type of a tag's values."""

    type: str
    unit: str = ""
    is_array: bool = False


@dataclass(frozen=True)
class Detector:
    """What the last computation of a tag or segment found."""

    stage: str
    description: str
    detected_at: str
    total_users: int
    users_ratio: float


@dataclass(frozen=True, kw_only=True)
class Tag(Entry):
    """A user tag: how many users have it (`share`) and how its values are drawn."""

    key: str
    type: str
    business_type: str
    value_type: ValueType
    share: float
    draw: Values = field(repr=False)

    @property
    def audience(self) -> Audience:
        """The users who have the tag."""
        return Audience(self.key, self.share)


@dataclass(frozen=True, kw_only=True)
class Segment(Entry):
    """A user segment and the share of the population in it."""

    scheduler: str
    share: float

    @property
    def audience(self) -> Audience:
        """The users in the segment."""
        return Audience(self.id, self.share)

    @property
    def created_by(self) -> str:
        """The creator under the segment's other name for it."""
        return self.creator


@dataclass(frozen=True, kw_only=True)
class Analysis(Entry):
    """A saved analysis; `shape` picks the columns of its result table."""

    kind: str
    time_range: str
    chart_type: str
    is_system: bool
    business_type: str
    shape: int


EntryT = TypeVar("EntryT", bound=Entry)


@dataclass(frozen=True)
class Project:
    """A project and what belongs to it; tags, segments and analyses by id."""

    entry: Entry
    member_count: int
    tags: Mapping[str, Tag]
    segments: Mapping[str, Segment]
    analyses: Mapping[str, Analysis]


@dataclass(frozen=True)
class Catalog:
    """Everything on the platform; projects by id, platform tags in the platform's order."""

    projects: Mapping[str, Project]
    platform_tags: tuple[Tag, ...]

    def every_tag(self) -> Iterator[Tag]:
        """Yield the platform's tags, then those that only projects have."""
        yield from self.platform_tags
        for project in self.projects.values():
            yield from project.tags.values()


def detector(entry: Tag | Segment, users: int) -> Detector:
    """Return what the last computation of a tag or segment found among so many users."""
    stage, text = ("ERROR", "计算失败：内存不足") if entry.fails else ("FINISH", "")
    total = round(entry.share * users)
    return Detector(stage, text, entry.updated_at, total, entry.share)


@lru_cache(maxsize=4)
def build_catalog(seed: int, segments: int = 0) -> Catalog:
    """Return the catalog of a seed; the ids of the guide are the same for every seed.

    Every project has so many further `segments`. They are made last, so that all else is the same
    with any number of them.
    """
    maker = _Maker(seed)
    named = [maker.tag(*row) for row in listings.NAMED_TAGS]
    composed = [maker.tag(*row) for row in listings.composed_tags()]
    projects = [_project(maker, row, named, composed) for row in listings.PROJECTS]
    platform_tags = (*named, *composed, maker.tag(*listings.PLATFORM_TAG))
    full = [_filled(maker, project, segments) for project in projects]
    return Catalog({project.entry.id: project for project in full}, platform_tags)


class _Maker:
    """Makes entries with ids that are never the same twice and believable authors and times."""

    def __init__(self, seed: int) -> None:
        self.generator = random.Random(f"{seed}/catalog")
        self._taken: set[str] = set(listings.GUIDE_IDS)
        self._people = {person: self.hash_id() for person in words.PEOPLE}

    def hash_id(self) -> str:
        """Return a new id."""
        while True:
            text = new_hash_id(self.generator)
            if text not in self._taken:
                self._taken.add(text)
                return text

    def origin(self) -> dict[str, Any]:
        """Return who made and changed an entry, and when."""
        generator = self.generator
        creator, updater = generator.choices(words.PEOPLE, k=2)
        age = generator.randrange(30, 900)
        return {
            "creator": creator,
            "creator_id": self._people[creator],
            "created_at": calendar.instant(age, generator.randrange(86_400)),
            "updater": updater,
            "updater_id": self._people[updater],
            "updated_at": calendar.instant(
                generator.randrange(1, age), generator.randrange(86_400)
            ),
            "owner": creator,
            "owner_id": self._people[creator],
        }

    def tag(self, key: str, name: str, kind: str, unit: str, share: float, draw: Values) -> Tag:
        """Return a tag; an array when its unit is "[]"."""
        is_array = unit == "[]"
        return Tag(
            id=self.hash_id(),
            name=name,
            key=key,
            description=f"{name}，每日凌晨更新",
            type="HORIZONTAL" if kind == "STRING" else "AGGREGATED",
            business_type="USER_TAG",
            value_type=ValueType(kind, "" if is_array else unit, is_array),
            share=share,
            draw=draw,
            fails=name.startswith(listings.BROKEN),
            **self.origin(),
        )

    def segment(self, name: str, share: float, hash_id: str = "") -> Segment:
        """Return a segment, with a new id where none is given."""
        return Segment(
            id=hash_id or self.hash_id(),
            name=name,
            description=f"{name}的用户",
            scheduler=self.generator.choice(("DAILY", "DAILY", "WEEKLY", "MANUAL")),
            share=share,
            fails=name.startswith(listings.BROKEN),
            **self.origin(),
        )

    def analysis(self, kind: str, name: str, shape: int, hash_id: str = "") -> Analysis:
        """Return an analysis, with a new id where none is given."""
        return Analysis(
            id=hash_id or self.hash_id(),
            kind=kind,
            name=name,
            time_range=self.generator.choice(
                ("day:8,1", "day:31,1", "abs:1780243200000,1782835199999")
            ),
            chart_type=listings.CHART_TYPES[kind],
            is_system=False,
            business_type="USER",
            shape=shape,
            fails=name.startswith(listings.BROKEN),
            **self.origin(),
        )


def _project(
    maker: _Maker, row: tuple[str, str, str], named: list[Tag], composed: list[Tag]
) -> Project:
    hash_id, name, slug = row
    default = row == listings.PROJECTS[0]
    shared = maker.generator.sample(composed, int(len(composed) * TAGS_SHARED))
    own = [maker.tag(*tag) for tag in listings.project_tags(slug, name)]
    segments = listings.segments(maker.generator, default=default)
    return Project(
        Entry(id=hash_id or maker.hash_id(), name=name, description=name, **maker.origin()),
        maker.generator.randrange(3, 60),
        _by_id([*named, *shared, *own]),
        _by_id(maker.segment(*segment) for segment in segments),
        _by_id(
            maker.analysis(kind, *analysis)
            for kind in listings.CHART_TYPES
            for analysis in listings.analyses(kind, default=default)
        ),
    )


def _filled(maker: _Maker, project: Project, segments: int) -> Project:
    further = listings.further_segments(maker.generator, segments)
    made = _by_id(maker.segment(*row) for row in further)
    return replace(project, segments={**project.segments, **made})


def _by_id(entries: Iterable[EntryT]) -> dict[str, EntryT]:
    return {entry.id: entry for entry in entries}
