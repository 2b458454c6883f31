"""The columns of an export: what all of its files agree on, and which of them are wanted."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gio_pandas.api.models import Kind
from gio_pandas.errors import DecodeError
from gio_pandas.exports import dtypes, frames

if TYPE_CHECKING:
    from gio_pandas.exports.files import Part
    from gio_pandas.exports.job import Order

__all__ = ["Layout", "check_columns"]


def check_columns(columns: Iterable[str] | None) -> list[str] | None:
    """Take one name for a list of one; refuse, before anything is sent, what is no names.

    Raises
    ------
    TypeError
        Something in it is no text.
    ValueError
        No column is left.
    """
    if columns is None:
        return None
    names = [columns] if isinstance(columns, str) else list(columns)
    strange = [name for name in names if not isinstance(name, str)]
    if strange:
        raise TypeError(f"columns= takes names of columns, not {strange[0]!r}")
    if not names:
        raise ValueError("columns= names no column; leave it out to have all of them")
    return list(dict.fromkeys(names))


class Layout:
    """What an export's columns are. The first file whose header is read fixes it.

    Parameters
    ----------
    order
        What was asked for.
    columns
        Which columns are wanted, and in which order; all where left out.
    dtype
        One dtype for all columns, or one by column name: these columns are kept text.
    """

    def __init__(self, order: Order, columns: Sequence[str] | None = None, dtype: Any = None):
        self._order = order
        self._columns = columns
        self._dtype = dtype
        self._lock = threading.Lock()
        self._first: Part | None = None
        self._agreed: set[Part] = set()
        self.headers: tuple[str, ...] = ()
        self.positions: list[int] = []
        self.rules: list[dtypes.Rule] = []
        self.chosen: dict[str, Any] = {}

    def agree(self, part: Part, headers: tuple[str, ...]) -> None:
        """Take a file's header for the export's, or hold it against the one that is known.

        Raises
        ------
        DecodeError
            It is another one; or the columns or dtypes that are wanted are not in it.
        """
        with self._lock:
            # A file that is begun again may be another one, or of another charset.
            if self._agreed <= {part}:
                self._fix(headers)
                self._first = part
            self._agreed.add(part)
            first = self._first or part
        if headers != self.headers:
            raise DecodeError(
                f"{part.name!r} has the columns {', '.join(headers)}, but "
                f"{first.name!r} has {', '.join(self.headers)}",
                hint="Export it again; if it comes back, report it to the platform's operator.",
                file=part.uri,
            )

    def read(self, batch: pa.RecordBatch, memories: Sequence[dtypes.Memory]) -> list[dtypes.Piece]:
        """Type some rows of the columns that are wanted, as far as these rows tell.

        ``memories`` are of one reading of one file: a column's, each.
        """
        columns = zip(self.rules, batch.columns, memories, strict=True)
        return [rule.read(column, memory) for rule, column, memory in columns]

    def memories(self) -> list[dtypes.Memory]:
        """Give a column's memory each, with nothing in it."""
        return [dtypes.Memory() for _ in self.rules]

    def _fix(self, headers: tuple[str, ...]) -> None:
        names = dtypes.unique_names(headers)
        wanted = names if self._columns is None else self._columns
        if strange := [name for name in wanted if name not in names]:
            raise DecodeError(
                f"columns= names {', '.join(strange)}, which the export does not have",
                hint=f"Its columns: {', '.join(names)}.",
            )
        chosen = frames.chosen_dtypes(names, self._dtype)
        analysis = self._order.kind is not None and self._order.kind.is_analysis
        found = dtypes.rules(
            headers,
            analysis=analysis,
            value_types=_value_types(self._order, headers),
            # A number asked for is one in the form that analyses print it in, too.
            keep_text=[
                name for name, dtype in chosen.items() if not (analysis and frames.is_number(dtype))
            ],
        )
        self.headers = headers
        self.positions = [names.index(name) for name in wanted]
        self.rules = [found[position] for position in self.positions]
        self.chosen = {name: dtype for name, dtype in chosen.items() if name in wanted}


def _value_types(order: Order, names: Sequence[str]) -> Mapping[str, str]:
    """Say which columns are of a type that the platform declares.

    In a tag's export the value stands beside the user's id, whatever its header is.
    """
    known = order.value_types
    if order.kind is Kind.TAG and len(names) == 2 and known and names[1] not in known:
        return {names[1]: next(iter(known.values()))}
    return known
