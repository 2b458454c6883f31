"""Tags and properties joined onto any frame that has users' ids: ``df.gio.enrich()``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import pandas as pd

from gio_pandas import userlists
from gio_pandas.api.models import Kind, Tag
from gio_pandas.errors import SettingsError
from gio_pandas.exports import dtypes, frames, joining, notices
from gio_pandas.titles import cut
from gio_pandas.userlists import Export, UserList

if TYPE_CHECKING:
    from datetime import timedelta
    from types import EllipsisType

    from gio_pandas.exports.frames import DtypeBackend
    from gio_pandas.session import Session

__all__ = ["EnrichOptions", "enrich"]

_USER_ID = "gio_id"
_NAMED = 5
"""How many columns or ids a message names."""


class EnrichOptions(TypedDict, total=False):
    """What ``df.gio.enrich`` takes beside its own arguments; see ``ReadOptions``.

    Parameters
    ----------
    project
        Id or name of the project; left out, the frame's own, else the session's.
    charset, memory_limit, reuse, refresh
        As ``read_tag``, for each export.
    dtype_backend
        As ``read_tag``; left out, what the frame was read with.
    timeout, progress
        As ``read_many``, for all exports together.
    """

    project: str | None
    charset: str | None
    dtype_backend: DtypeBackend | None
    memory_limit: int | float | str | None
    timeout: float | EllipsisType | None
    progress: bool | None
    reuse: str | timedelta | None
    refresh: bool


@dataclass(frozen=True)
class _Wish:
    """What is asked for, and of which frame.

    Parameters
    ----------
    frame
        The caller's, which is never changed.
    on
        Where its users' ids are.
    source
        Where it comes from; empty where that is not known.
    tags, properties
        What is to be joined.
    segment
        Whose export is to have it; None where each tag's has.
    """

    frame: pd.DataFrame
    on: str
    source: Mapping[str, Any]
    tags: Sequence[Tag]
    properties: Sequence[str]
    segment: str | None


def enrich(
    frame: pd.DataFrame,
    tags: Iterable[str],
    properties: Iterable[str],
    *,
    on: str | None,
    segment: str | None,
    session: Session,
    options: EnrichOptions,
) -> pd.DataFrame:
    """Join tags and properties onto a frame; see ``GioAccessor.enrich``."""
    known = frame.attrs.get("gio")
    source = known if isinstance(known, Mapping) else {}
    words, keys = _words("tags", tags), _words("properties", properties)
    if not words and not keys:
        raise SettingsError(
            "enrich() was given nothing to add",
            hint='Name some, such as df.gio.enrich(tags=["会员等级"], properties=["usr_city"]).',
        )
    _check_options(options)
    backend = _backend(source, options)
    place = _place(frame, source, on)
    ids = _ids(frame, place)
    _check_platform(source, session)
    project = options.get("project") or (source.get("project") if source else None)
    scope = session.catalog.tag_project(None, project)
    found = {tag.id: tag for tag in (session.catalog.find_tag(word, scope) for word in words)}
    wish = _Wish(frame, place, source, list(found.values()), keys, segment)
    exports = _plan(wish, {**options, "project": project})
    _check_clash(frame, [*(name for tag in wish.tags for name in (tag.name, tag.key)), *keys])
    wanted = joining.Wanted(ids)
    lists = _read(wish, exports, wanted, session, options)
    return _joined(wish, lists, wanted, backend)


# --- what is asked for ---------------------------------------------------------------------------


def _words(argument: str, words: Iterable[str] | None) -> list[str]:
    """Take one word for a list of one, and each word once."""
    if hasattr(words, "columns"):
        raise TypeError(f"{argument}= takes names, not a frame: pass a column, such as df['name']")
    taken = [words] if isinstance(words, str) else list(words or ())
    strange = [word for word in taken if not isinstance(word, str)]
    if strange:
        raise TypeError(f"{argument}= takes names as text, not {strange[0]!r}")
    return list(dict.fromkeys(taken))


def _check_options(options: Mapping[str, Any]) -> None:
    known = EnrichOptions.__annotations__
    for name in options:
        if name not in known:
            raise TypeError(f"enrich() has no option {name!r}: there are {', '.join(known)}")


def _place(frame: pd.DataFrame, source: Mapping[str, Any], on: str | None) -> str:
    """Say which column, or which level of the index, has the users' ids."""
    names = [*frame.columns, *frame.index.names]
    if on is None:
        on = _likely(names, source)
    count = names.count(on)
    if count != 1:
        said = f"{count} columns are called {on!r}" if count else f"There is no column {on!r}"
        raise SettingsError(said, hint=_candidates(frame))
    return on


def _likely(names: Sequence[Any], source: Mapping[str, Any]) -> str:
    """Find the users' ids where that is clear: ``gio_id``, or what the export says has them."""
    decided: Any = source.get("decided_by")
    is_list = source.get("kind") in (Kind.TAG, Kind.SEGMENT) and isinstance(decided, Mapping)
    grounds: Mapping[str, Any] = decided if is_list else {}
    first = [name for name, ground in grounds.items() if ground == dtypes.Ground.FIRST]
    return next((name for name in (*first, _USER_ID) if name in names), _USER_ID)


def _candidates(frame: pd.DataFrame) -> str:
    texts = [str(name) for name, one in frame.items() if _is_text(one)]
    likely = [name for name in texts if dtypes.is_identity(name) or "id" in name.lower()]
    shown = [repr(name) for name in (likely or texts)[:_NAMED]]
    which = f", such as {' or '.join(shown)}" if shown else ""
    return f"Say by on= which column of text has the ids of users{which}."


def _ids(frame: pd.DataFrame, on: str) -> pd.Series[Any]:
    """Give the users' ids, which are text or nothing."""
    is_column = on in list(frame.columns)
    # By its place: a name may be a tuple's beginning.
    column: pd.Series[Any] = (
        frame.iloc[:, list(frame.columns).index(on)]
        if is_column
        else frame.index.get_level_values(on).to_series()
    )
    if _is_text(column):
        return column
    if pd.api.types.is_object_dtype(column) or isinstance(column.dtype, pd.CategoricalDtype):
        raise SettingsError(
            f"Column {on!r} has values that are no text, so they are no ids to be matched",
            hint=f"Read it as text, such as pd.read_csv(…, dtype={{{on!r}: str}}).",
        )
    raise SettingsError(
        f"Column {on!r} is {column.dtype}, not text: an id that is read as a number may lose "
        "leading zeros and its last digits, and is never matched by guess",
        hint=f"Read it as text, such as pd.read_csv(…, dtype={{{on!r}: str}}); where no id can "
        f"begin with a zero, df[{on!r}].astype(str) will do.",
    )


def _is_text(column: pd.Series[Any]) -> bool:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _is_text(dtype.categories.to_series())
    if pd.api.types.is_object_dtype(dtype):
        return pd.api.types.infer_dtype(column, skipna=True) in ("string", "empty")
    return bool(pd.api.types.is_string_dtype(dtype))


def _check_platform(source: Mapping[str, Any], session: Session) -> None:
    platform = source.get("platform", session.settings.url)
    if platform != session.settings.url:
        raise SettingsError(
            f"The frame's users are of {platform}, the session is {session!r}",
            hint=f"gio.connect({platform!r}, …) first, or pass session=.",
        )


def _check_clash(frame: pd.DataFrame, names: Iterable[str | None]) -> None:
    """Refuse a name that the frame has already: neither column is put over the other."""
    labels = set(frame.columns)
    if taken := list(dict.fromkeys(name for name in names if name in labels)):
        shown = ", ".join(map(repr, taken[:_NAMED]))
        raise SettingsError(
            f"The frame has a column {shown} already",
            hint=f"Rename it first, df.rename(columns={{{taken[0]!r}: …}}), or leave it out: "
            f"df.drop(columns=[{shown}]). reuse='1h' takes exports again that were made.",
        )


def _backend(source: Mapping[str, Any], options: EnrichOptions) -> DtypeBackend | None:
    arguments = source.get("arguments")
    known = arguments.get("dtype_backend") if isinstance(arguments, Mapping) else None
    backend: DtypeBackend | None = options.get("dtype_backend") or known
    frames.check_choice(None, backend)
    return backend


# --- which exports have it -----------------------------------------------------------------------


def _plan(wish: _Wish, options: Mapping[str, Any]) -> list[Export]:
    """Say which exports have what is asked for.

    A segment's has all of it. A tag's own has its users, and who is not in it has not got the tag;
    properties beside it are better had from the segment that the frame came from.
    """
    kept = ("project", "charset", "memory_limit", "reuse", "refresh")
    shared = {key: options[key] for key in kept if options.get(key) is not None}
    shared["dtype"] = "str"  # typed when all lists are there
    keys = list(wish.properties)
    if wish.segment is not None:
        tags = [tag.id for tag in wish.tags]
        return [Export("segment", wish.segment, {**shared, "tags": tags, "properties": keys})]
    own = _own_segment(wish, options) if keys else None
    beside = [] if own else keys
    exports = [
        Export("tag", tag.id, {**shared, "properties": beside}, tag=tag) for tag in wish.tags
    ]
    if own:
        exports.append(Export("segment", own, {**shared, "properties": keys}))
    if not exports:
        raise SettingsError(
            "Properties are exported with a tag or a segment, and the frame is of no segment",
            hint='Pass one that has all of its users, such as segment="全部用户".',
        )
    return exports


def _own_segment(wish: _Wish, options: Mapping[str, Any]) -> str | None:
    """Give the segment that the frame came from, where it is one of this project."""
    source = wish.source
    item = source.get("id") if source.get("kind") == Kind.SEGMENT else None
    is_here = options.get("project") in (source.get("project"), source.get("project_name"))
    return str(item) if item and is_here else None


# --- what they say -------------------------------------------------------------------------------


def _read(
    wish: _Wish,
    exports: Sequence[Export],
    wanted: joining.Wanted,
    session: Session,
    options: EnrichOptions,
) -> list[UserList]:
    specs = [{"kind": one.kind, "name": one.name, **one.options} for one in exports]
    tables = session.read_many(
        specs, timeout=options.get("timeout", ...), progress=options.get("progress")
    )
    return [
        userlists.read(export, table, wanted, on=wish.on)
        for export, table in zip(exports, tables, strict=True)
    ]


# --- the join ------------------------------------------------------------------------------------


def _joined(
    wish: _Wish,
    lists: Sequence[UserList],
    wanted: joining.Wanted,
    backend: DtypeBackend | None,
) -> pd.DataFrame:
    columns = _columns(lists)
    _check_clash(wish.frame, [name for name, _, _ in columns])
    added: dict[str, pd.Series[Any]] = {}
    facts: dict[str, Any] = {}
    for name, header, holders in columns:
        ground = holders[0].source["decided_by"].get(header, dtypes.Ground.VALUES)
        rule = dtypes.rule(name, dtypes.Ground(ground), analysis=False)
        rows = wanted.spread(_first_rows([one.found for one in holders]))
        texts = [one.table[header] for one in holders]
        added[name] = joining.joined(rule, texts, rows, backend)
        facts[name] = {
            "from": " or ".join(one.title for one in holders),
            "job": ", ".join(str(one.source["job"]) for one in holders),
            "on": wish.on,
            "rows": len(rows),
            "matched": int((rows >= 0).sum()),
            "dtype": str(added[name].dtype),
            "decided_by": str(ground),
        }
    result = _beside(wish.frame, added)
    before = wish.frame.attrs.get("gio_enriched")
    result.attrs["gio_enriched"] = {**(before if isinstance(before, Mapping) else {}), **facts}
    _warn(wish, lists, wanted)
    return result


def _columns(lists: Sequence[UserList]) -> list[tuple[str, str, list[UserList]]]:
    """Give each new column's name, its header, and the lists that it is in; tags first."""
    own = [(header, [one]) for one in lists for header in one.own]
    shared: dict[str, list[UserList]] = {}
    for one in lists:
        for header in one.shared:
            shared.setdefault(header, []).append(one)
    headers = [*own, *shared.items()]
    names = dtypes.unique_names([header for header, _ in headers])
    return [(name, *entry) for name, entry in zip(names, headers, strict=True)]


def _first_rows(found: Sequence[joining.Found]) -> joining.Rows:
    """Give each user's row in the first list that has them, counted through all lists."""
    rows, start = np.full(len(found[0].rows), -1, dtype=np.int64), 0
    for one in found:
        rows = np.where((rows < 0) & (one.rows >= 0), one.rows + start, rows)
        start += len(one.ids)
    return rows


def _beside(frame: pd.DataFrame, added: Mapping[str, pd.Series[Any]]) -> pd.DataFrame:
    """Put columns beside a frame, which keeps its rows, index, labels and dtypes."""
    right = pd.DataFrame({name: series.array for name, series in added.items()}, index=frame.index)
    if frame.columns.nlevels > 1:
        below = [""] * (frame.columns.nlevels - 1)
        right.columns = pd.MultiIndex.from_tuples([(name, *below) for name in right.columns])
    result = pd.concat([frame, right], axis=1)
    result.columns.names = frame.columns.names
    result.attrs = deepcopy(frame.attrs)
    return result


# --- what is worth knowing -----------------------------------------------------------------------


def _warn(wish: _Wish, lists: Sequence[UserList], wanted: joining.Wanted) -> None:
    """Warn once, of all that may be wrong with the match."""
    found = [one.found for one in lists]
    rows = wanted.spread(_first_rows(found))
    have_ids, matched = int((wanted.codes >= 0).sum()), int((rows >= 0).sum())
    notes = []
    if have_ids and not matched:
        notes.append(_none_matched(wish, lists, wanted, have_ids))
    elif note := _not_covered(wish, lists, wanted):
        notes.append(note)
    if alike := wanted.lookalikes(found):
        ours, theirs = alike[0]
        notes.append(
            f"{len(alike):,} of the ids differ from ids of the export in blanks or zeros alone, "
            f"such as {cut(ours)!r} from {cut(theirs)!r}: they were not matched."
        )
    if notes:
        notices.warn(" ".join(notes))


def _none_matched(
    wish: _Wish, lists: Sequence[UserList], wanted: joining.Wanted, count: int
) -> str:
    known = next((one for one in lists if len(one.found.ids)), None)
    if known is None:
        return f"The export of {' or '.join(one.title for one in lists)} has no users."
    return (
        f"None of the {count:,} ids in {wish.on!r} (such as {cut(wanted.ids[0].as_py())!r}) is in "
        f"{known.ids!r} of the export of {known.title} (such as "
        f"{cut(str(known.found.ids[0].as_py()))!r}): say by on= which column has such ids."
    )


def _not_covered(wish: _Wish, lists: Sequence[UserList], wanted: joining.Wanted) -> str:
    """Say of how many rows something is not known, rather than not there."""
    whole = [one for one in lists if one.export.tag is None]
    beside = [one for one in lists if one.shared]
    asked = whole or beside
    if not asked:
        return ""  # who is not in a tag's export has not got the tag
    rows = wanted.spread(_first_rows([one.found for one in asked]))
    count = int(((rows < 0) & (wanted.codes >= 0)).sum())
    if not count:
        return ""
    total = len(wanted.codes)
    if whole:
        return (
            f"{count:,} of the {total:,} rows are of users who are not in {whole[0].title}: what "
            "was asked of it is missing for them. Pass a segment= that has all of them."
        )
    return (
        f"{count:,} of the {total:,} rows are of users who have none of the tags: their properties "
        'are missing. Pass a segment= that has all of them, such as segment="全部用户".'
    )
