"""Tables as a platform writes them: CSV text, a charset, several parts."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Table:
    """A header and rows of text; ``""`` is the empty field."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, **columns: list[str]) -> Table:
        """Make a table of columns, named as the arguments are."""
        return cls(tuple(columns), tuple(zip(*columns.values(), strict=True)))

    def split(self, parts: int) -> list[Table]:
        """Cut the rows into so many tables with the same header, in order."""
        size = -(-len(self.rows) // parts)
        return [replace(self, rows=self.rows[n * size : (n + 1) * size]) for n in range(parts)]

    def column(self, position: int) -> list[str | None]:
        """One column's values, the empty field as None."""
        return [row[position] or None for row in self.rows]


@dataclass(frozen=True)
class Writing:
    """How a table becomes bytes."""

    newline: str = "\r\n"
    quote_all: bool = False
    final_newline: bool = True
    bom: bool = False

    def encode(self, table: Table, charset: str) -> bytes:
        """Write the whole table in the charset."""
        lines = [self._line(row) for row in (table.header, *table.rows)]
        text = self.newline.join(lines) + (self.newline if self.final_newline else "")
        return (("\ufeff" if self.bom else "") + text).encode(charset)

    def _line(self, row: tuple[str, ...]) -> str:
        return ",".join(self._field(value) for value in row)

    def _field(self, value: str) -> str:
        special = any(sign in value for sign in ',"\r\n')
        if special or (self.quote_all and value):
            return '"' + value.replace('"', '""') + '"'
        return value
