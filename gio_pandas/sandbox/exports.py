"""What an export holds: a header and rows, made block by block when they are read."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from gio_pandas.sandbox import calendar
from gio_pandas.sandbox.catalog import Segment, Tag
from gio_pandas.sandbox.population import IDENTITIES, USER_ID, Attribute, Audience, Population
from gio_pandas.sandbox.tables import Table

Field = Attribute | Tag


class Export(Protocol):
    """A table that can be read from any row to any other."""

    @property
    def header(self) -> tuple[str, ...]:
        """The first line of every file of it."""

    @property
    def count(self) -> int:
        """The number of rows."""

    def blocks(self, rows: range) -> Iterator[Sequence[Sequence[str]]]:
        """Yield the columns of some rows, some thousand rows at a time; "" is a missing value."""


@dataclass(frozen=True)
class Column:
    """A column of users: its key, its display name and its values for some users of a block."""

    key: str
    name: str
    values: Callable[[int, Sequence[int]], Sequence[str]]


@dataclass(frozen=True)
class UserExport:
    """A list of users; `names` says whether the header holds display names or keys."""

    population: Population
    audience: Audience
    columns: tuple[Column, ...]
    names: bool

    @property
    def header(self) -> tuple[str, ...]:
        """The keys or the display names of the columns."""
        return tuple(column.name if self.names else column.key for column in self.columns)

    @property
    def count(self) -> int:
        """The number of users."""
        return self.population.count(self.audience)

    def blocks(self, rows: range) -> Iterator[Sequence[Sequence[str]]]:
        """Yield the columns of some rows, a block of the population at a time."""
        for block, places in self.population.cut(self.audience, rows):
            yield [column.values(block, places) for column in self.columns]


@dataclass(frozen=True)
class TableExport:
    """The result table of an analysis."""

    table: Table

    @property
    def header(self) -> tuple[str, ...]:
        """The table's header."""
        return self.table.header

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.table.rows)

    def blocks(self, rows: range) -> Iterator[Sequence[Sequence[str]]]:
        """Yield the table's columns at once; it is small."""
        yield list(zip(*self.table.rows[rows.start : rows.stop], strict=True))


def segment_export(
    population: Population, segment: Segment, fields: Sequence[Field], *, names: bool
) -> UserExport:
    """Return the users of a segment.

    Columns: `gio_id`; and where anything is asked for, the user id, the other identities and
    attributes asked for, the tags asked for. With nothing asked for, `gio_id` alone.
    """
    # Identities, attributes, tags: a stable sort keeps the order asked for within each.
    ranked = sorted(fields, key=_rank)
    asked = [USER_ID, *ranked] if ranked else []
    return UserExport(population, segment.audience, _columns(population, asked), names)


def tag_export(
    population: Population, tag: Tag, fields: Sequence[Field], *, detail: bool, names: bool
) -> UserExport:
    """Return the users who have a tag.

    Columns of the short form: `gio_id`, the tag, the properties asked for. The detailed form has
    every identity after `gio_id`, and after the tag the day it was computed.
    """
    first = _columns(population, [*(IDENTITIES if detail else ()), tag])
    computed = (_constant("tag_computed_at", "标签计算日期", calendar.day(1)),) if detail else ()
    taken = {column.key for column in first}
    rest = _columns(population, [field for field in fields if field.key not in taken])[1:]
    return UserExport(population, tag.audience, (*first, *computed, *rest), names)


def _rank(field: Field) -> int:
    return 2 if isinstance(field, Tag) else 0 if field in IDENTITIES else 1


def _columns(population: Population, fields: Iterable[Field]) -> tuple[Column, ...]:
    # Asked for twice, a column is there once.
    distinct = {field.key: field for field in fields}.values()
    gio_id = Column("gio_id", "gio_id", population.gio_ids)
    return (gio_id, *(_column(population, field) for field in distinct))


def _column(population: Population, field: Field) -> Column:
    def values(block: int, places: Sequence[int]) -> Sequence[str]:
        column = whole_column(population, field, block)
        return column if len(places) == len(column) else [column[place] for place in places]

    return Column(field.key, field.name, values)


def whole_column(population: Population, field: Field, block: int) -> Sequence[str]:
    """Return an attribute or a tag of all users of a block."""
    if isinstance(field, Tag):
        return population.drawn(field.audience, field.draw, block)
    return population.column(field, block)


def _constant(key: str, name: str, value: str) -> Column:
    return Column(key, name, lambda _block, places: [value] * len(places))
