"""``df.gio``: where a frame comes from and what its columns are; more columns, and charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Unpack

import pandas as pd

from gio_pandas.errors import SettingsError
from gio_pandas.titles import cut

if TYPE_CHECKING:
    from gio_pandas.enrichment import EnrichOptions
    from gio_pandas.session import Session
    from gio_pandas.tables import Table

__all__ = ["GioAccessor"]

_MOST_IDS = 3
_OFFERS = "df.gio: .source · .describe() · .plot() · .enrich(tags=…) · .refresh()"


@pd.api.extensions.register_dataframe_accessor("gio")
class GioAccessor:
    """What gio_pandas knows of a frame that it read.

    Parameters
    ----------
    frame
        The frame; ``attrs["gio"]`` tells.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def __repr__(self) -> str:
        if changes := self._changes():
            return changes
        title, facts = self._summary()
        lines = [title, *(f"  {name}: {value}" for name, value in facts if value), f"  {_OFFERS}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from gio_pandas.notebook.cards import card

        if changes := self._changes():
            return card(changes)
        title, facts = self._summary()
        return card(title, [fact for fact in facts if fact[1]], note=_OFFERS)

    def _changes(self) -> str:
        """Say in a line what a comparison has found; nothing of any other frame."""
        if "gio_diff" not in self._frame.attrs:
            return ""
        from gio_pandas.comparison.diff import summary, told_of

        told = told_of(self._frame)
        return "" if told is None else summary(told)

    def _summary(self) -> tuple[str, list[tuple[str, str]]]:
        """Say in a few words what the frame is."""
        source = _mapping(self._frame.attrs.get("gio"))
        rows, columns = self._frame.shape
        shape = f"{rows:,} rows, {columns:,} columns"
        shown = _shown(source, _mapping(self._frame.attrs.get("gio_enriched")))
        joined = ("joined", shown.get("joined", ""))
        if not source:
            return f"A frame of {shape}", [
                ("source", "not known: not read here, or lost on the way"),
                joined,
            ]
        read = source.get("rows")
        if isinstance(read, int) and read != rows:
            shape += f" (of {read:,} rows that were read)"
        facts = [(name, shown.get(name, "")) for name in ("project", "read", "job", "platform")]
        return _title(source), [("table", shape), *facts, joined]

    @property
    def source(self) -> pd.DataFrame:
        """Where the frame comes from.

        Returns
        -------
        pandas.DataFrame
            A table of one column, ``value``, all of it text, which is shown whole. A row a fact:
            ``platform``, ``project``, ``kind``, ``id`` and ``name`` of what was exported, ``job``,
            ``files``, ``charset`` (that the files are in), ``rows`` (that were read),
            ``submitted``, ``finished``, ``read`` (in this machine's zone), ``arguments`` (that
            ``refresh`` uses again), ``columns``, ``version`` (of gio_pandas), and ``joined``, where
            ``enrich`` added some. ``df.attrs["gio"]`` has them as plain values.

        Raises
        ------
        SettingsError
            The frame was not read by gio_pandas, or has lost its ``attrs`` on the way.

        Examples
        --------
        >>> gio.connect("sandbox:")
        Session('sandbox:', project='默认项目')
        >>> df = gio.read_segment("高价值用户", tags=["会员等级"])
        >>> df.gio.source.loc[["kind", "name", "rows", "columns"]]
                              value
        kind           segment (分群)
        name                  高价值用户
        rows                  1,000
        columns  gio_id, 用户ID, 会员等级
        """
        from gio_pandas.tables import Table

        shown = _shown(self._source(), _mapping(self._frame.attrs.get("gio_enriched")))
        return Table({"value": list(shown.values())}, index=list(shown))

    def describe(self) -> Table:
        """Say what each column is, and why it was read as that.

        Nothing is asked of the platform, and the frame is left as it is. What text columns hold is
        what was written, so that the value that kept a column from being a number can be named.

        Returns
        -------
        pandas.DataFrame
            A row a column, in the frame's order and by its name, shown whole: ``type`` (the dtype
            as text), ``why`` (text: the rule that decided, or that the column is not from the
            export, or was changed since), ``missing`` (``int64``), ``distinct`` (``Int64``: how
            many different values there are, missing where they are lists and the like),
            ``examples`` (text: the first three different values, long ones cut).

        Examples
        --------
        >>> gio.connect("sandbox:")
        Session('sandbox:', project='默认项目')
        >>> df = gio.read_segment("高价值用户", tags=["订单交易笔数"])
        >>> print(df.gio.describe().loc["订单交易笔数", "why"])
        the tag is INT on the platform, and every value is an integer; some are missing
        """
        from gio_pandas.description import describe

        return describe(self._frame)

    def enrich(
        self,
        tags: Iterable[str] = (),
        properties: Iterable[str] = (),
        *,
        on: str | None = None,
        segment: str | None = None,
        session: Session | None = None,
        **options: Unpack[EnrichOptions],
    ) -> pd.DataFrame:
        """Join tags (标签) and user properties onto the frame, by its users' ids.

        Every tag is exported, all of them at once as by ``gio.read_many``, and joined to the left:
        the rows, their order, the index and the columns stay as they are, and each tag is one more
        column. Who has not got a tag is not in its export, and misses the value.

        Properties are exported with a segment (分群): the one passed, or the one that the frame was
        read from. A frame of neither has them from the tags' exports, where only users with one of
        the tags are found: the others' are missing, and a warning says how many.

        Where users are not there yet, ``gio.read_segment(…, tags=…, properties=…)`` has all of it
        in one export. ``enrich`` is for ids that come from elsewhere, or a frame that is there; for
        many tags of most users, ``segment="全部用户"`` is one export in place of many.

        Parameters
        ----------
        tags
            Names, keys (标识符) or ids of tags; one, or several.
        properties
            Keys of user properties, such as ``usr_city``; one, or several.
        on
            The column, or the level of the index, that has the users' ids as text. It is matched
            with the column of that very name in the export, if there is one, else with the export's
            first column, whose ids those have to be. Left out: the column that the frame's own
            export lists its users by, or ``gio_id``.
        segment
            Name or id of a segment whose one export is to have all that is asked for. For users who
            are not in it all of it is missing; a warning says how many.
        session
            What to export on; left out, the current session.
        **options
            ``project`` (left out, the frame's own), ``dtype_backend`` (left out, what the frame was
            read with), ``charset``, ``memory_limit``, ``timeout``, ``progress``, ``reuse`` (such as
            ``"1h"``: exports that are no older are taken again), ``refresh``: as ``read_tag``.

        Returns
        -------
        pandas.DataFrame
            A new frame: this one's columns, then a column for each tag, in the order asked for, and
            for each property, named as the export heads them. Their types are decided over all that
            was exported, as ``read_tag`` decides them; integers some of which are missing are
            ``Int64``. ``attrs["gio_enriched"]`` says of each what it is ``from``, by which ``job``
            and ``on`` which column, and how many of the ``rows`` were ``matched``.

        Raises
        ------
        SettingsError
            Nothing is asked for; it is not clear where the ids are, or they are no text (a number
            may have lost leading zeros, and is never matched by guess); a column of that name is
            there already; properties without a tag need a segment; the frame is of another
            platform. Nothing was submitted, unless it is the export's own header that clashes.
        NotFoundError, AmbiguousNameError
            Nothing, or more than one thing, has that name; nothing was submitted.
        DecodeError
            An export says two things of one user, or does not have what was asked for.
        SubmitUncertainError, JobFailedError, JobTimeoutError, DownloadError, MemoryLimitError
            As ``read_many``.

        Warns
        -----
        UserWarning
            No id was found, or some differ from the export's in blanks or zeros alone (they are not
            matched), or users are not in the export that has their properties.

        Examples
        --------
        >>> gio.connect("sandbox:")
        Session('sandbox:', project='默认项目')
        >>> orders = pd.DataFrame({"user": ["603542", "603549", "603542"], "amount": [5, 7, 9]})
        >>> more = orders.gio.enrich(["会员等级", "订单交易笔数"], on="user")
        >>> list(more.columns)
        ['user', 'amount', '会员等级', '订单交易笔数']
        """
        import gio_pandas
        from gio_pandas.enrichment import enrich

        return enrich(
            self._frame,
            tags,
            properties,
            on=on,
            segment=segment,
            session=session or gio_pandas.current_session(),
            options=options,
        )

    def refresh(self, session: Session | None = None) -> pd.DataFrame:
        """Run the same export again, with the same arguments and in the same project.

        Of profiles, the users are asked for that the frame has now.

        Parameters
        ----------
        session
            What to run it on; left out, the current session.

        Returns
        -------
        pandas.DataFrame
            A new frame, as it was read; this one is left as it is. What was done to this one since,
            such as choosing columns or ``enrich``, is not done again.

        Raises
        ------
        SettingsError
            The frame does not tell what to run, or the session is of another platform.
        NotFoundError
            What was exported is not there any more.

        Examples
        --------
        >>> gio.connect("sandbox:")
        Session('sandbox:', project='默认项目')
        >>> df = gio.read_segment("高价值用户")
        >>> len(df.head().gio.refresh())
        1000
        """
        import gio_pandas

        source = _runnable(self._source())
        wanted = self._users() if source["kind"] == "profiles" else source["id"]
        session = session or gio_pandas.current_session()
        if session.settings.url != source["platform"]:
            raise SettingsError(
                f"The frame comes from {source['platform']}, the session is {session!r}",
                hint=f"gio.connect({source['platform']!r}, …) first.",
            )
        read = getattr(session, f"read_{source['kind']}")
        frame: pd.DataFrame = read(wanted, project=source["project"], **source["arguments"])
        return frame

    def plot(
        self,
        kind: str | None = None,
        *,
        x: str | None = None,
        y: str | Sequence[str] | None = None,
        color: str | None = None,
        title: str | None = None,
    ) -> Any:
        """Draw the frame's chart: steps of a funnel, lines of an event analysis, and so on.

        What is drawn is told from what was exported and from the columns' types;
        :func:`gio_pandas.plotting.chart` says how.

        Parameters
        ----------
        kind
            ``"funnel"``, ``"event"``, ``"retention"``, ``"frequency"``, ``"tag"`` or
            ``"segment"``; left out, what the frame was read as.
        x
            The column to draw along: the steps' names, dates, ranges, or what is spread.
        y
            The column to measure, or a list of some.
        color
            The column whose values are told apart.
        title
            Left out, the name of what was exported.

        Returns
        -------
        altair.TopLevelMixin
            An Altair chart, which shows itself in a notebook.

        Raises
        ------
        SettingsError
            The table leaves open what to draw, a column is not there, or Altair is not installed.
        """
        from gio_pandas import plotting

        return plotting.chart(self._frame, kind, x=x, y=y, color=color, title=title)

    def _users(self) -> list[Any]:
        """Give the ids of the users whose profiles the frame has, which it alone knows."""
        from gio_pandas.exports.profiles import USER_ID

        if USER_ID not in self._frame:
            raise SettingsError(
                f"The frame has no column {USER_ID} any more, which says whose profiles it has",
                hint="Pass the ids to gio.read_profiles(…).",
            )
        return list(self._frame[USER_ID])

    def _source(self) -> dict[str, Any]:
        source = self._frame.attrs.get("gio")
        if not isinstance(source, dict):
            raise SettingsError(
                "This frame does not say where it comes from",
                hint="Only frames that gio.read_… gave have a source; merge and concat drop it: "
                "frame.attrs.update(read.attrs) carries it over.",
            )
        return source


def _runnable(source: dict[str, Any]) -> dict[str, Any]:
    """Refuse a source that does not say what to run; a file may have brought anything."""
    from gio_pandas.api.models import Kind

    if source.get("job") and not source.get("id"):
        raise SettingsError(
            f"The frame was read from an attached job ({source['job']})",
            hint="Read it by name with gio.read_…, then refresh() can run it again.",
        )
    known = {kind.value for kind in Kind if kind is not Kind.ANALYSIS}
    is_profiles = source.get("kind") == "profiles"  # whose users are the frame's
    what = is_profiles or (source.get("kind") in known and source.get("id"))
    arguments = source.get("arguments")
    if not what or not isinstance(arguments, dict) or not {"platform", "project"} <= source.keys():
        raise SettingsError(
            "The frame's source is not whole: it does not say what to export",
            hint="Read it anew with gio.read_….",
        )
    return source


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _title(source: Mapping[str, Any]) -> str:
    """Say what was exported: ``segment (分群) '高价值用户'``."""
    name = source.get("name")
    what = _kind(source.get("kind")) or "export"
    return f"{what} {cut(str(name))!r}" if name else what


def _kind(word: Any) -> str:
    from gio_pandas.api.models import Kind

    return next((kind.label for kind in Kind if kind == word), str(word or ""))


def _shown(source: Mapping[str, Any], added: Mapping[str, Any]) -> dict[str, str]:
    """Write a source for people: a line a fact, those that are not known left out."""
    shown = {str(key): _text(value) for key, value in source.items()}
    shown["kind"] = _kind(source.get("kind"))
    name, item = shown.pop("project_name", ""), shown.get("project", "")
    shown["project"] = f"{name} ({item})" if name and item else name or item
    rows = source.get("rows")
    shown["rows"] = f"{rows:,}" if isinstance(rows, int) else _text(rows)
    for key in ("submitted", "finished", "read"):
        shown[key] = _time(source.get(key))
    shown["columns"] = ", ".join(_mapping(source.get("columns")))
    shown["joined"] = "; ".join(_join(name, _mapping(fact)) for name, fact in added.items())
    shown["unknown"] = _some_of(source.get("unknown"))
    shown.pop("decided_by", None)  # describe() is for that
    return {key: value for key, value in shown.items() if value}


def _some_of(ids: Any) -> str:
    """Write a list of ids that may be very long."""
    if not isinstance(ids, list) or len(ids) <= _MOST_IDS:
        return _text(ids)
    return f"{len(ids):,} ids, such as {', '.join(map(str, ids[:_MOST_IDS]))}"


def _join(name: str, fact: Mapping[str, Any]) -> str:
    matched, rows = fact.get("matched"), fact.get("rows")
    return f"{name} from {fact.get('from')}: {matched} of {rows} rows"


def _time(moment: Any) -> str:
    try:
        return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M:%S}"
    except (TypeError, ValueError, OverflowError):
        return _text(moment)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(entry) for entry in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={entry!r}" for key, entry in value.items() if entry)
    return "" if value is None else str(value)
