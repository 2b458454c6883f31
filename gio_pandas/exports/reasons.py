"""Why a column is what it is: the rules that made it, put into words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gio_pandas.exports import dtypes
from gio_pandas.exports.dtypes import TEXT, Ground, Rule, identity_mark
from gio_pandas.titles import plain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["reason", "to_arrow"]

_Conversion = Callable[[pa.Array], pa.Array | None]

_IDS = "ids are always text"
_MOST_LETTERS = 40

_FLAWS = (
    (r"\s.*|.*\s", "a blank at its edge"),
    (r"-?0[0-9].*", "a leading zero"),
    (r"-0", "a minus before zero"),
    (r"\+.*", "a plus sign"),
    (r"0[xX].*", "hexadecimal"),
    (r"-?[0-9.]+[eE][+-]?[0-9]+", "an exponent"),
    (r"-?[0-9]{16,}", "more than 15 digits, as identifiers have"),
    (r"-?[0-9]+\.[0-9]+", "more than 15 significant digits"),
    (r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", "commas, which are read in analyses alone"),
    (r"-?[0-9.,]+%", "a percent sign, which is read in analyses alone"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "no day of the calendar"),
    (r"[0-9]{4}[-/.年].*", "not as ISO writes times"),
)
"""What is wrong with a value that no conversion took. These words explain, and decide nothing."""


@dataclass(frozen=True)
class _Misfit:
    """The first value that ended what all before it could have been."""

    value: str
    before: str | None
    type: pa.DataType | None
    own: pa.DataType | None


def reason(rule: Rule, column: pd.Series[Any]) -> str:
    """Say why an export's column is what it is.

    Parameters
    ----------
    rule
        What the column could become.
    column
        What it has become; where it is text, it holds what was written.
    """
    if rule.ground is Ground.FIRST:
        return f"{_IDS}: it is the first column of a list of users"
    if rule.ground is Ground.NAME:
        mark = identity_mark(rule.name) or "is that of another column of ids"
        return f"{_IDS}: the name {mark}"
    if rule.ground is Ground.CHOICE:
        return "dtype= asked for it"
    if rule.ground is Ground.STRING:
        return "the tag is STRING on the platform, which is always text"
    values = to_arrow(column)
    if not pa.types.is_large_string(values.type):
        return _typed(rule, values)
    values = values.drop_null()
    if not len(values):
        return "no value is there that could be a number or a date"
    if rule.declared:
        return f"the tag is {rule.declared} on the platform, but {_declined(rule, values)}"
    return _text(rule, values)


def to_arrow(column: pd.Series[Any]) -> pa.Array:
    """Give a column as one Arrow array; text in whichever form as ``large_string``."""
    array = pa.array(column, from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    is_text = pa.types.is_string(array.type) or pa.types.is_string_view(array.type)
    return array.cast(TEXT) if is_text or pa.types.is_null(array.type) else array


def _typed(rule: Rule, values: pa.Array) -> str:
    is_time = pa.types.is_timestamp(values.type)
    # Out of a frame a day is a time, too.
    what = "a date or a date-time" if is_time and not values.type.tz else _kind(values.type)
    if rule.declared:
        said = f"the tag is {rule.declared} on the platform, and every value is {what}"
    elif is_time:
        said = f"every value is {what} in ISO form"
    else:
        in_lists = dtypes.rule(rule.name, rule.ground, analysis=False)
        forms = "" if rule.conversions == in_lists.conversions else " or as analyses print it"
        said = f"every value is {what} in plain form{forms}"
    if values.null_count and pa.types.is_integer(values.type):
        said += "; some are missing"
    return said


def _kind(type_: pa.DataType) -> str:
    """Say what a value is that has become of this type."""
    if pa.types.is_null(type_):
        return "a missing number"
    if pa.types.is_integer(type_):
        return "an integer"
    if pa.types.is_floating(type_):
        return "a number"
    if pa.types.is_date32(type_):
        return "a date"
    return f"a date-time of {type_.tz}" if type_.tz else "a date-time"


def _declined(rule: Rule, values: pa.Array) -> str:
    found = _misfit(rule, values)
    return f"the value {_quoted(found.value)} is not" if found else "some of its values were not"


def _text(rule: Rule, values: pa.Array) -> str:
    found = _misfit(rule, values)
    if found is None and all(pa.types.is_null(type_) for type_ in _types(rule, values)):
        return f"there is {_quoted(values[0].as_py())} alone, which is missing between numbers only"
    if found is None:
        return "a value that is no longer here was no number and no date"
    if found.before is not None and found.own not in (None, found.type):
        return (
            f"mixed kinds: {_quoted(found.before)} is {_kind(found.type)}, "
            f"{_quoted(found.value)} is {_kind(found.own)}"
        )
    flaw = next((said for form, said in _FLAWS if re.fullmatch(form, found.value, re.S)), None)
    if flaw:
        return f"the value {_quoted(found.value)} has to stay as it is: {flaw}"
    return f"the value {_quoted(found.value)} is no number and no date"


def _quoted(value: str) -> str:
    return repr(plain(value, _MOST_LETTERS))


def _misfit(rule: Rule, values: pa.Array) -> _Misfit | None:
    """Find the value that ends the longest beginning that one conversion takes."""
    longest, type_ = 0, None
    for convert in rule.conversions:
        taken = _taken(convert, values)
        if taken > longest:
            longest, type_ = taken, _become(convert, values.slice(0, 1))
    if longest == len(values):
        return None
    value = values.slice(longest, 1)
    own = next(iter(_types(rule, value)), None)
    before = values[0].as_py() if longest else None
    return _Misfit(value[0].as_py(), before, type_, own)


def _types(rule: Rule, values: pa.Array) -> list[pa.DataType]:
    found = [_become(convert, values) for convert in rule.conversions]
    return [type_ for type_ in found if type_ is not None]


def _become(convert: _Conversion, values: pa.Array) -> pa.DataType | None:
    made = convert(values)
    return None if made is None else made.type


def _taken(convert: _Conversion, values: pa.Array) -> int:
    """Count the values at the beginning that a conversion takes, each of them looked at twice."""
    first = _become(convert, values.slice(0, 1))
    if first is None:
        return 0
    offset = getattr(first, "tz", None)

    def takes(start: int, size: int) -> bool:
        made = _become(convert, values.slice(start, size))
        return made is not None and getattr(made, "tz", None) == offset

    taken, step = 1, 1
    while taken < len(values) and takes(taken, step):
        taken, step = min(taken + step, len(values)), step * 2
    while step > 1 and taken < len(values):
        step //= 2
        if takes(taken, step):
            taken = min(taken + step, len(values))
    return taken
