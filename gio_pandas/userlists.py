"""A tag's or a segment's export as a list of users: what each of its columns is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from gio_pandas.api.models import Kind, Tag
from gio_pandas.errors import DecodeError
from gio_pandas.exports import dtypes, joining
from gio_pandas.titles import cut

__all__ = ["Export", "UserList", "read"]


@dataclass(frozen=True)
class Export:
    """An export to read, and what of it is joined.

    Parameters
    ----------
    kind, name
        What is exported; the name may be an id.
    options
        What it is asked for with.
    tag
        Whose column is taken; None in a segment's export, of which all are.
    """

    kind: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    tag: Tag | None = None


@dataclass(frozen=True)
class UserList:
    """An export that was read, and who of it is wanted.

    Parameters
    ----------
    export
        What was asked for.
    table
        Its rows, all of them text.
    ids
        Which column has its users' ids.
    own, shared
        The columns that it alone has, and those that other exports have, too.
    found
        What it says of the users that are wanted.
    """

    export: Export
    table: pd.DataFrame
    ids: str
    own: Sequence[str]
    shared: Sequence[str]
    found: joining.Found

    @property
    def source(self) -> dict[str, Any]:
        """Where it comes from; see ``df.gio.source``."""
        return dict(self.table.attrs["gio"])

    @property
    def title(self) -> str:
        """What was exported, for people."""
        return f"{Kind(self.export.kind).label} {cut(str(self.source['name']))!r}"


def read(export: Export, table: pd.DataFrame, wanted: joining.Wanted, *, on: str) -> UserList:
    """Say what the columns of a list of users are, and look the users up in it.

    Parameters
    ----------
    export
        What was asked for.
    table
        What came, all of it text.
    wanted
        Who is looked for.
    on
        What their ids are called. The list's column of that very name has ids of the same kind;
        where there is none, its first one has to have them (op-api §6).

    Raises
    ------
    DecodeError
        It does not tell which column is the tag, has not all that was asked for, or says two
        things of one of the users.
    """
    names = list(table.columns)
    ids = on if on in names else names[0]
    rest = [name for name in names if name != ids]
    keeps_ids = any(dtypes.is_identity(key) for key in export.options["properties"])
    own = [] if export.tag is None else [_tag_column(export, rest)]
    has_more = export.tag is None or bool(export.options["properties"])
    shared = [
        name
        for name in rest
        if has_more and name not in own and (keeps_ids or not dtypes.is_identity(name))
    ]
    if export.tag is None:
        own, shared = shared, []
    one = UserList(export, table, ids, own, shared, wanted.find(table[ids]))
    _check_whole(one)
    _check_repeated(one)
    return one


def _tag_column(export: Export, names: Sequence[str]) -> str:
    """Find the tag's column by its header, which is its name or its key, or by its place."""
    tag = export.tag
    assert tag is not None  # noqa: S101 a segment's export is not asked
    # A property may be headed like the tag; the reader tells the second by a number.
    known = {tag.name, tag.key}
    called = [name for name in names if known & {name, re.sub(r"\.[0-9]+$", "", name)}]
    if len(called) == 1 or (called and not export.options["properties"]):
        return called[0]
    values = [name for name in names if not dtypes.is_identity(name)] or list(names)
    if called or len(values) != 1 + len(export.options["properties"]):
        raise DecodeError(
            f"The export of {Kind.TAG.label} {tag.name!r} does not tell which column is the tag",
            hint=f"Its columns: {', '.join(names) or 'the users alone'}. Read it by gio.read_tag, "
            "and join it yourself.",
        )
    return values[0]


def _check_whole(one: UserList) -> None:
    asked = len(one.export.options["properties"])
    asked += len(one.export.options.get("tags", ())) if one.export.tag is None else 1
    have = [*one.own, *one.shared]
    if len(have) < asked:
        raise DecodeError(
            f"Of {asked} columns that were asked for, the export of {one.title} has {len(have)}"
            f"{': ' if have else ''}{', '.join(have)}",
            hint="Check on the platform that the keys (标识符) of the properties are right.",
        )


def _check_repeated(one: UserList) -> None:
    """Refuse a list that says two things of one user; the same thing twice is one."""
    rows = one.table.iloc[one.found.again][[one.ids, *one.own, *one.shared]].drop_duplicates()
    twice = rows[one.ids][rows[one.ids].duplicated()]
    if len(twice):
        raise DecodeError(
            f"The export of {one.title} has {twice.nunique():,} users in several rows that do not "
            f"say the same, such as {cut(str(twice.iloc[0]))!r}",
            hint=f"Read it by gio.read_{one.export.kind}, choose a row for each user, and join "
            "it yourself.",
        )
