"""Text columns to typed columns, losslessly.

A column is text until every value of it, in every part, says that it is something else. Each
conversion below takes a piece of a column of text and gives the typed one, or None where a single
value would not survive: ``007`` is no number, nor is ``1e10``, nor a number of 16 digits, which is
an identifier. Pieces are typed as they come, each by itself; what the column is, is decided when
all of them have been seen, and until then what was written can be had back.
"""

from __future__ import annotations

import itertools
import mmap
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from gio_pandas.exports import notices

__all__ = [
    "TEXT",
    "Ground",
    "Look",
    "Memory",
    "Piece",
    "Rule",
    "Seen",
    "Tally",
    "identity_mark",
    "is_identity",
    "rule",
    "rules",
    "unique_names",
]

TEXT = pa.large_string()
"""What text is in Arrow."""

_Conversion = Callable[[pa.Array], pa.Array | None]

_MOST_DIGITS = 10**15
_SAMPLE = 1024
_DATE_LENGTH = len("2021-04-13")
_FIRST_DAY = date.min.toordinal() - date(1970, 1, 1).toordinal()
_LARGE = 1 << 20

_PLACES = r"\.[0-9]+"
_DECIMAL = rf"^(0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*){_PLACES})$"
_TOO_PRECISE = r"^-?[0.]*[1-9](\.?[0-9]){15,}$"
# Where a number is so near to zero that it needs more places, a float has no 15 digits left.
_TOO_SMALL = r"\.[0-9]{100}"
_TIME = r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
_DATE_TIME = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_TIME}$"
_ZONED = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_TIME}(Z|[+-][0-9]{{2}}:[0-9]{{2}})$"
_WHOLE = r"([1-9][0-9]*|[1-9][0-9]{0,2}(,[0-9]{3})+)"
_FORMATTED = rf"^(0|-?{_WHOLE}|-?(0|{_WHOLE}){_PLACES})%?$"


class Ground(StrEnum):
    """What decides what a column is."""

    FIRST = "first column"
    NAME = "name"
    CHOICE = "dtype"
    STRING = "STRING"
    INT = "INT"
    DOUBLE = "DOUBLE"
    DATE = "DATE"
    VALUES = "values"


def is_identity(name: str) -> bool:
    """Tell by its header whether a column holds ids, which are text whatever they look like."""
    return identity_mark(name) is not None


def identity_mark(name: str) -> str | None:
    """Say by what a header tells that its column holds ids; None where it does not."""
    if name == "gio_id":
        return "is gio_id"
    if name.startswith("id_"):
        return "begins with id_"
    return next((f"ends in {end}" for end in ("ID", "_id") if name.endswith(end)), None)


def unique_names(names: Sequence[str]) -> list[str]:
    """Make headers unique by a number, as pandas does: ``日期, 日期`` to ``日期, 日期.1``."""
    taken = set(names)
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        count = seen.get(name, 0)
        fresh = name
        while count and fresh in taken:
            fresh = f"{name}.{count}"
            count += 1
        seen[name] = max(count, 1)
        taken.add(fresh)
        unique.append(fresh)
    return unique


class Seen(NamedTuple):
    """What a piece of a column can be by itself: all that its column's type depends on.

    Parameters
    ----------
    type
        ``null`` where it can be anything.
    has_dashes_alone
        Whether there is nothing but ``-`` in it, which is missing between numbers alone.
    """

    type: pa.DataType
    has_dashes_alone: bool = False


@dataclass(frozen=True)
class Piece:
    """A piece of a column, typed by itself.

    Parameters
    ----------
    values
        int64, double, date32, timestamp[us] or large_string; null where nothing is there.
    text
        What was written, where the values do not tell; None where they do.
    """

    values: pa.Array
    text: pa.Array | None = None

    @property
    def seen(self) -> Seen:
        """What it can be."""
        return Seen(self.values.type, pa.types.is_null(self.values.type) and self.text is not None)

    @property
    def nbytes(self) -> int:
        """What it holds, in bytes."""
        return int(self.values.nbytes) + (int(self.text.nbytes) if self.text is not None else 0)

    @staticmethod
    def joined(pieces: Sequence[Piece]) -> list[Piece]:
        """Put pieces of a column together, as far as they are the same by themselves."""
        alike = itertools.groupby(pieces, lambda piece: (piece.seen, piece.text is None))
        return [_concatenated(list(group)) for _, group in alike]

    def cast(self, type_: pa.DataType) -> pa.Array:
        """Give the piece as what the whole column is."""
        if self.values.type == type_:
            return self.values
        if type_ == TEXT and self.text is not None:
            return self.text
        return self.values.cast(type_)


def _concatenated(pieces: Sequence[Piece]) -> Piece:
    texts = [piece.text for piece in pieces if piece.text is not None]
    values = pa.concat_arrays([piece.values for piece in pieces])
    return Piece(_mapped(values), _mapped(pa.concat_arrays(texts)) if texts else None)


def _mapped(array: pa.Array) -> pa.Array:
    """Move a large array into memory of its own, which the system has back once it is let go."""
    if array.nbytes < _LARGE:
        return array
    try:
        buffers = [buffer and _mapped_buffer(buffer) for buffer in array.buffers()]
    except OSError:  # the system has no more mappings to give
        return array
    return pa.Array.from_buffers(array.type, len(array), buffers, array.null_count, array.offset)


def _mapped_buffer(buffer: pa.Buffer) -> pa.Buffer:
    memory = mmap.mmap(-1, buffer.size)
    memory.write(memoryview(buffer))
    return pa.py_buffer(memory)


@dataclass
class Memory:
    """What the pieces of a column have been so far: where to begin with the next one.

    Parameters
    ----------
    conversion
        The last one that fitted.
    is_text
        Whether a piece was nothing but text; then the column is.
    """

    conversion: _Conversion | None = None
    is_text: bool = False


@dataclass(frozen=True)
class Rule:
    """What a column may become.

    Parameters
    ----------
    name
        What the column is called in the frame.
    conversions
        Tried in this order; the first that fits is taken. None of them: it stays text.
    declared
        The platform's own ``valueType``, where it has one.
    ground
        What decides, where the caller does not.
    """

    name: str
    conversions: tuple[_Conversion, ...] = ()
    declared: str | None = None
    ground: Ground = Ground.VALUES

    def read(self, column: pa.Array, memory: Memory | None = None) -> Piece:
        """Type a piece of the column, as far as that piece tells.

        Parameters
        ----------
        column
            The piece.
        memory
            What pieces before it were. Whatever it says, the column's type comes out the same.
        """
        memory = memory or Memory()
        if memory.is_text:
            return Piece(column)
        if column.null_count == len(column):
            return Piece(pa.nulls(len(column)))
        for convert in self._likely(column, memory):
            if (values := convert(column)) is not None:
                memory.conversion = convert
                tells = values.type in _TELLING and convert is not _formatted
                return Piece(values, None if tells else column)
        memory.is_text = True
        return Piece(column)

    def _likely(self, column: pa.Array, memory: Memory) -> Iterator[_Conversion]:
        """Give the conversion that did before, then those that fit the column's first values."""
        first = memory.conversion  # other threads may remember another one meanwhile
        if first is not None:
            yield first
        head = column.slice(0, _SAMPLE)
        tells_much = len(column) > _SAMPLE and head.null_count < _SAMPLE
        for convert in self.conversions:
            if convert is not first and not (tells_much and convert(head) is None):
                yield convert

    def convert(
        self, column: pa.Array, type_: pa.DataType, memory: Memory | None = None
    ) -> pa.Array:
        """Give a piece of the column as what the whole column is, if that is known."""
        return column if type_ == TEXT else self.read(column, memory).cast(type_)

    def decide(self, pieces: Collection[Seen]) -> pa.DataType:
        """Say what the column is, of which these are all the pieces.

        Returns
        -------
        pyarrow.DataType
            int64, double, timestamp[us] (with or without a zone) or large_string.
        """
        types = {piece.type for piece in pieces if not pa.types.is_null(piece.type)}
        if not types:
            type_ = _WITHOUT_VALUES.get(self.declared or "", TEXT)
        elif types == _NUMBERS:
            type_ = pa.float64()
        else:
            type_ = types.pop() if len(types) == 1 else TEXT
        if type_ not in _NUMBERS and any(piece.has_dashes_alone for piece in pieces):
            return TEXT
        return pa.timestamp("us") if type_ == pa.date32() else type_

    def warn(self, type_: pa.DataType) -> None:
        """Warn where the column is not what the platform says it is, and so stays text."""
        if type_ == TEXT and self.conversions and self.declared:
            notices.warn(
                f"Column {self.name!r} is {self.declared} on the platform, but some of its values "
                "are not: it stays text. Pass dtype= to convert it yourself."
            )


class Look(NamedTuple):
    """What a look at some rows found: how many they are, and of each column what it can be."""

    rows: int
    seen: list[Seen]
    missing: list[int]


class Tally:
    """Adds up what rows have been seen to be, where only that is kept of them.

    Parameters
    ----------
    rules
        What each column may become.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rows = 0
        self.seen: list[set[Seen]] = [set() for _ in rules]
        self.missing = [0 for _ in rules]
        self._rules = rules
        self._memories = [Memory() for _ in rules]

    def look(self, batch: pa.RecordBatch) -> Look:
        """Look at some rows, in any thread."""
        columns = zip(self._rules, batch.columns, self._memories, strict=True)
        pieces = [rule.read(column, memory) for rule, column, memory in columns]
        # Not the text's missing values: a lone dash is one too, between numbers.
        missing = [piece.values.null_count for piece in pieces]
        return Look(len(batch), [piece.seen for piece in pieces], missing)

    def add(self, look: Look) -> None:
        """Count what a look found."""
        self.rows += look.rows
        for known, new in zip(self.seen, look.seen, strict=True):
            known.add(new)
        self.missing = [sum(pair) for pair in zip(self.missing, look.missing, strict=True)]


def rules(
    names: Sequence[str],
    *,
    analysis: bool,
    value_types: Mapping[str, str] | None = None,
    keep_text: Collection[str] = (),
) -> list[Rule]:
    """Say what each column of a file may become.

    Parameters
    ----------
    names
        The file's header, duplicates and all.
    analysis
        Whether ``1,234``, ``45.20%`` and a lone ``-`` are numbers too. In a list of users the
        first column is its id.
    value_types
        The platform's own ``valueType`` of some columns: INT, DOUBLE, DATE or STRING.
    keep_text
        Columns to leave alone, by their names in the frame.
    """
    value_types = value_types or {}
    found = []
    for position, (header, name) in enumerate(zip(names, unique_names(names), strict=True)):
        if position == 0 and not analysis:
            ground = Ground.FIRST
        elif is_identity(header):
            ground = Ground.NAME
        else:
            value_type = value_types.get(header, "")
            ground = Ground(value_type) if value_type in _BY_VALUE_TYPE else Ground.VALUES
        kept = Rule(name, ground=ground)
        found.append(kept if name in keep_text else rule(name, ground, analysis=analysis))
    return found


def rule(name: str, ground: Ground, *, analysis: bool) -> Rule:
    """Say what a column may become, whatever has decided it.

    Parameters
    ----------
    name
        What it is called in the frame.
    ground
        What decides.
    analysis
        As in ``rules``.
    """
    if ground in _BY_VALUE_TYPE:
        return Rule(name, _BY_VALUE_TYPE[ground], ground.value, ground)
    if ground is Ground.VALUES:
        return Rule(name, _IN_ANALYSES if analysis else _IN_LISTS)
    return Rule(name, ground=ground)


def _integer(column: pa.Array) -> pa.Array | None:
    """Convert integers in plain form, of at most 15 digits: longer ones are identifiers."""
    numbers = _long_integer(column)
    if numbers is None:
        return None
    least, most = pc.min_max(numbers).as_py().values()
    is_short = most is None or -_MOST_DIGITS < least <= most < _MOST_DIGITS
    return numbers if is_short else None


def _long_integer(column: pa.Array) -> pa.Array | None:
    """Convert integers of 64 bits in plain form: those whose number is written as they were."""
    try:
        numbers = column.cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    # What Arrow reads, beside what it writes, begins with a zero: 007, -0, 0x1F.
    padded = pc.and_(pc.starts_with(column, "0"), pc.greater(pc.binary_length(column), 1))
    return None if _any(padded) or _any(pc.starts_with(column, "-0")) else numbers


def _decimal(column: pa.Array) -> pa.Array | None:
    """Convert decimals in plain form, of at most 15 significant digits."""
    if not _match(column, _DECIMAL) or _is_too_precise(column):
        return None
    return column.cast(pa.float64())


def _is_too_precise(column: pa.Array) -> bool:
    longest = pc.max(pc.binary_length(column)).as_py() or 0
    if longest <= 15:
        return False
    too_small = longest > 100 and _any(pc.match_substring_regex(column, _TOO_SMALL))
    return too_small or _any(pc.match_substring_regex(column, _TOO_PRECISE))


def _formatted(column: pa.Array) -> pa.Array | None:
    """Convert ``1,234``, ``45.20%`` and a lone ``-`` between numbers, as analyses print them."""
    # Not one null for all: of a slice, Arrow 18 makes an array with broken offsets of that.
    values = pc.if_else(pc.equal(column, "-"), pa.nulls(len(column), TEXT), column)
    if values.null_count == len(values):
        return pa.nulls(len(values))
    if not _match(values, _FORMATTED):
        return None
    plain = pc.replace_substring(values, ",", "")
    percent = pc.ends_with(plain, "%")
    digits = pc.utf8_rtrim(plain, "%")
    if _is_too_precise(digits):
        return None
    if not _any(percent) and (integers := _integer(digits)) is not None:
        return integers
    # The exponent, not a division: 45.20e-2 is 0.452 to the last bit.
    exponents = pc.if_else(percent, "e-2", "e0")
    return pc.binary_join_element_wise(digits, exponents.cast(TEXT), pa.scalar("", TEXT)).cast(
        pa.float64()
    )


def _date(column: pa.Array) -> pa.Array | None:
    """Convert ISO dates, ``2021-04-13``, to midnight: those that are written as they were."""
    try:
        days = column.cast(pa.date32())
    except pa.ArrowInvalid:
        return None  # 2021-02-30 has the form of a date, and is none
    # The one form that Arrow reads beside this one, 20210413, is shorter; and it has a year 0.
    shortest = pc.min(pc.binary_length(column)).as_py() or _DATE_LENGTH
    first = pc.min(days.cast(pa.int32())).as_py() or 0
    return days if shortest == _DATE_LENGTH and first >= _FIRST_DAY else None


def _date_time(column: pa.Array) -> pa.Array | None:
    """Convert ISO date-times, ``2021-04-13 11:40:00`` or with a ``T``, to microseconds."""
    return _cast_time(column, pa.timestamp("us")) if _match(column, _DATE_TIME) else None


def _zoned(column: pa.Array) -> pa.Array | None:
    """Convert ISO date-times with an offset from UTC, if all of them have the same one."""
    if not _match(column, _ZONED):
        return None
    offsets = pc.replace_substring_regex(column.drop_null(), r"^.*(Z|[+-]..:..)$", r"\1")
    zones = {"UTC" if zone in ("Z", "+00:00") else zone for zone in pc.unique(offsets).to_pylist()}
    return _cast_time(column, pa.timestamp("us", tz=zones.pop())) if len(zones) == 1 else None


def _cast_time(column: pa.Array, type_: pa.DataType) -> pa.Array | None:
    try:
        times = column.cast(type_)
    except pa.ArrowInvalid:
        return None  # 2021-02-30 11:40 has the form of a date, and is none
    # Python's years end with 9999, in UTC too: 9999-12-31T23:00:00-08:00 is no instant to it.
    # They are read without the zone, which Arrow does not find on every machine.
    years = pc.year(times.cast(pa.timestamp("us")))
    return times if _all(pc.and_(pc.greater(years, 0), pc.less(years, 10_000))) else None


_IN_LISTS: tuple[_Conversion, ...] = (_integer, _decimal, _date, _date_time, _zoned)
_IN_ANALYSES: tuple[_Conversion, ...] = (*_IN_LISTS, _formatted)
_BY_VALUE_TYPE: dict[str, tuple[_Conversion, ...]] = {
    "STRING": (),
    "INT": (_long_integer,),
    "DOUBLE": (_decimal,),
    "DATE": (_date, _date_time, _zoned),
}


_WITHOUT_VALUES = {"INT": pa.int64(), "DOUBLE": pa.float64(), "DATE": pa.date32()}
_NUMBERS = {pa.int64(), pa.float64()}
_TELLING = {pa.int64(), pa.date32()}
"""What is written in one way only, wherever it was converted at all."""


def _match(column: pa.Array, pattern: str) -> bool:
    return _all(pc.match_substring_regex(column, pattern))


def _all(truths: pa.Array) -> bool:
    """Tell whether all that is not missing is true."""
    return bool(pc.all(truths, min_count=0).as_py())


def _any(truths: pa.Array) -> bool:
    return bool(pc.any(truths, min_count=0).as_py())
