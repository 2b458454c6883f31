"""Which rows of two lists of users are of the same user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gio_pandas.comparison.sides import Side
from gio_pandas.errors import SettingsError
from gio_pandas.exports import notices

__all__ = ["Ids", "Pairs"]


@dataclass(frozen=True)
class Pairs:
    """A row of each user by its places in both lists, -1 where there is none.

    Parameters
    ----------
    before, after
        The places; all of the one list in order, then those that only the other has, in order.
    """

    before: NDArray[np.int64]
    after: NDArray[np.int64]

    @property
    def entered(self) -> NDArray[np.bool_]:
        """Who is in the later list alone."""
        return np.asarray(self.before < 0)

    @property
    def left(self) -> NDArray[np.bool_]:
        """Who is in the earlier list alone."""
        return np.asarray(self.after < 0)

    def where(self, wanted: NDArray[np.bool_]) -> Pairs:
        """Give some of them."""
        return Pairs(self.before[wanted], self.after[wanted])


@dataclass(frozen=True)
class Ids:
    """The id of every row, in one column or several that tell rows apart together.

    Parameters
    ----------
    columns
        Each of them by its name, the later list's below the earlier one's.
    rows
        How many the earlier list has.
    """

    columns: Mapping[str, pd.Series[Any]]
    rows: int

    @classmethod
    def of(cls, before: Side, after: Side, keys: Sequence[str]) -> Ids:
        """Take the ids of both.

        Raises
        ------
        SettingsError
            They are no text, or one is missing.
        """
        columns = {key: _below(before.ids(key), after.ids(key)) for key in keys}
        return cls(columns, len(before.frame))

    def pairs(self) -> Pairs:
        """Find the rows of each user.

        Raises
        ------
        SettingsError
            A user has two rows in one list.
        """
        codes: Any = 0
        for column in self.columns.values():
            found, values = pd.factorize(column)
            codes, _ = pd.factorize(codes * len(values) + found)
        self._check_unique("before", codes[: self.rows], 0)
        self._check_unique("after", codes[self.rows :], self.rows)
        # A code counts the ids as they come: that of a row of the earlier list is its place.
        after = codes[self.rows :]
        places = np.full(len(codes), -1)
        places[after] = np.arange(len(after))
        entered = np.flatnonzero(after >= self.rows)
        return Pairs(
            np.concatenate([np.arange(self.rows), np.full(len(entered), -1)]),
            np.concatenate([places[: self.rows], entered]),
        )

    def taken(self, pairs: Pairs) -> dict[str, pd.Series[Any]]:
        """Give the ids of some pairs, in their order."""
        places = np.where(pairs.entered, pairs.after + self.rows, pairs.before)
        return {
            name: column.take(places).reset_index(drop=True)
            for name, column in self.columns.items()
        }

    def mention_near(self, pairs: Pairs) -> None:
        """Warn of who would not have left and entered, were the id written in another way."""
        if len(self.columns) > 1:
            return
        [left] = self.taken(pairs.where(pairs.left)).values()
        [entered] = self.taken(pairs.where(pairs.entered)).values()
        near = _core(entered).isin(_core(left))
        if near.any():
            new = entered[near].iloc[0]
            old = left[_core(left) == _core(entered[near]).iloc[0]].iloc[0]
            notices.warn(
                "Ids of users who entered and who left differ in blanks, zeros in front or '.0' at "
                f"the end alone ({near.sum():,}, such as {new!r} and {old!r}): they are compared "
                "letter by letter"
            )

    def _check_unique(self, word: str, codes: NDArray[np.int64], start: int) -> None:
        repeated = pd.Series(codes).duplicated().to_numpy()
        if repeated.any():
            row = start + int(repeated.argmax())
            shown = ", ".join(repr(column.iloc[row]) for column in self.columns.values())
            raise SettingsError(
                f"{word} has more rows than one of some ids ({repeated.sum():,} too many, such as "
                f"that of {shown})",
                hint=f"Keep one row of each user, {word}.drop_duplicates(…), or name with on= the "
                "columns that tell rows apart.",
            )


def _below(before: pd.Series[Any], after: pd.Series[Any]) -> pd.Series[Any]:
    from gio_pandas.exports.frames import text_dtype

    if before.dtype != after.dtype:
        before, after = before.astype(text_dtype()), after.astype(text_dtype())
    return pd.concat([before, after], ignore_index=True)


def _core(ids: pd.Series[Any]) -> pd.Series[Any]:
    """Leave out what programs add to ids and take off them."""
    return ids.str.strip().str.removesuffix(".0").str.lstrip("0")
