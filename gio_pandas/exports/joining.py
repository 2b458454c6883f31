"""Users found again in lists of users: which row each stands in, and what is written there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gio_pandas.exports import frames
from gio_pandas.exports.dtypes import TEXT, Rule
from gio_pandas.exports.reasons import to_arrow

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Found", "Wanted", "joined"]

Rows = npt.NDArray[np.int64]

_ODD = r"^[\s0]|\s$|\.0$"
_DECORATION = r"^\s*0*|(\.0)?\s*$"
"""Blanks and leading zeros, and what is left behind an integer that was a float for a while."""


@dataclass(frozen=True)
class Found:
    """What a list of users says of those that are wanted.

    Parameters
    ----------
    ids
        The list's ids, row by row.
    rows
        The first row of each user that is wanted; -1 for those who are not in it.
    again
        Rows of users that stand in it more than once, the first one, too, in their order.
    """

    ids: pa.Array
    rows: Rows
    again: Rows


class Wanted:
    """The users that are looked for, each of them once.

    Parameters
    ----------
    ids
        Their ids, as text: as often as they come, and missing ones among them.
    """

    def __init__(self, ids: pd.Series[Any]) -> None:
        encoded = to_arrow(ids).cast(TEXT).dictionary_encode()
        self.ids: pa.Array = encoded.dictionary
        codes = encoded.indices.cast(pa.int64()).fill_null(-1)
        self.codes: Rows = codes.to_numpy(zero_copy_only=False)

    def find(self, ids: pd.Series[Any]) -> Found:
        """Look for them in a list."""
        known = to_arrow(ids).cast(TEXT)
        hits = pc.index_in(known, value_set=self.ids, skip_nulls=True).fill_null(-1)
        users = hits.to_numpy(zero_copy_only=False)
        there = np.flatnonzero(users >= 0)
        rows: Rows = np.full(len(self.ids), -1, dtype=np.int64)
        rows[users[there][::-1]] = there[::-1]  # of several rows the first one is written last
        counts = np.bincount(users[there], minlength=len(self.ids))
        return Found(known, rows, there[counts[users[there]] > 1])

    def spread(self, by_user: Rows) -> Rows:
        """Say of each row of the frame what is known of its user; -1 where it has no id."""
        return np.append(by_user, -1)[self.codes]

    def lookalikes(self, found: Sequence[Found]) -> list[tuple[str, str]]:
        """Pair users who are in no list with ids that differ in blanks or padding alone."""
        missed = np.all([one.rows < 0 for one in found], axis=0)
        ids = self.ids.filter(pa.array(missed))
        pairs: dict[str, str] = {}
        for one in found:
            pairs = dict(_pairs(ids, one.ids)) | pairs
        return list(pairs.items())


def _pairs(missed: pa.Array, known: pa.Array) -> list[tuple[str, str]]:
    """Pair what is the same without its decoration; where nothing has any, nothing is to do."""
    odd_missed = missed.filter(pc.match_substring_regex(missed, _ODD))
    odd_known = known.filter(pc.match_substring_regex(known, _ODD))
    return [*_same(odd_missed, known), *_same(missed, odd_known)]


def _same(missed: pa.Array, known: pa.Array) -> list[tuple[str, str]]:
    if not len(missed) or not len(known):
        return []
    places = pc.index_in(_bare(missed), value_set=_bare(known), skip_nulls=True)
    there = places.is_valid()
    ours, theirs = missed.filter(there).to_pylist(), known.take(places.drop_null()).to_pylist()
    return list(zip(ours, theirs, strict=True))


def _bare(ids: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(ids, _DECORATION, "")


def joined(
    rule: Rule,
    texts: Sequence[pd.Series[Any]],
    rows: Rows,
    dtype_backend: frames.DtypeBackend | None = None,
) -> pd.Series[Any]:
    """Give rows of a column that was read as text, as what all of its values say that it is.

    Parameters
    ----------
    rule
        What the column may become.
    texts
        All that was written in it, list by list.
    rows
        Which rows are wanted, counted through all lists; -1 is a missing value.
    dtype_backend
        As ``frames.to_frame``.
    """
    pieces = [rule.read(to_arrow(text).cast(TEXT)) for text in texts]
    type_ = rule.decide({piece.seen for piece in pieces})
    rule.warn(type_)
    values = pa.chunked_array([piece.cast(type_) for piece in pieces], type_)
    taken = values.take(pa.array(rows, mask=rows < 0)).combine_chunks()
    column = frames.Column(rule.name, type_, bool(taken.null_count), iter([taken]))
    frame = frames.to_frame([column], len(rows), dtype={}, dtype_backend=dtype_backend)
    return frame[rule.name]
