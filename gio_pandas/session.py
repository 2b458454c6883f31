"""What a user can do, each verb a few lines."""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import partial
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict, Unpack, cast, overload

from gio_pandas.api.client import Client
from gio_pandas.api.models import Analysis, JobResult, Kind, Project, Segment, SubmittedJob, Tag
from gio_pandas.api.secrecy import sealed
from gio_pandas.catalog import Catalog, to_frame
from gio_pandas.docstrings import explained
from gio_pandas.errors import GioError, SettingsError
from gio_pandas.exports import notices
from gio_pandas.exports.batch import Draft, Item, read_all
from gio_pandas.exports.cache import Entry as CacheEntry
from gio_pandas.exports.desk import Desk, read_age
from gio_pandas.exports.job import ExportJob, Order
from gio_pandas.exports.ledger import Entry as LedgerEntry
from gio_pandas.exports.poller import Limiter
from gio_pandas.exports.progress import ManyTracker, Tracker, followed
from gio_pandas.exports.specs import Spec, read_kind, read_spec
from gio_pandas.keys import with_key
from gio_pandas.search import Finding, search
from gio_pandas.settings import (
    SANDBOX,
    Secret,
    Settings,
    check_charset,
    check_timeout,
    progress_mode,
)
from gio_pandas.stops import cancelled
from gio_pandas.titles import cut

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import pandas as pd

    from gio_pandas.api.downloads import Reply
    from gio_pandas.exports.frames import DtypeBackend

__all__ = ["ReadOptions", "Session"]


class ReadOptions(TypedDict, total=False):
    """What every ``submit_…`` and ``read_…`` takes beside its own arguments.

    Parameters
    ----------
    project
        Id or name of the project; left out, the session's.
    charset
        What the platform is asked to write its files in, such as ``"UTF-8"`` or ``"GB18030"``;
        left out, the session's (``UTF-16LE``). What it really wrote is found out (op-api §6).
    columns
        Names of the columns to read, in the order wanted; the work of the others is skipped.
    dtype
        A dtype for every column, or one by column name, as pandas names them; wins over what the
        values say.
    dtype_backend
        ``"pyarrow"`` or ``"numpy_nullable"``: which dtypes the columns get, as pandas' readers
        take it; left out, pandas' own.
    memory_limit
        Bytes, or a text such as ``"4 GB"``: as soon as the table is going to need more, it is a
        ``MemoryLimitError``, and not a kernel that dies; left out, no limit.
    timeout
        Seconds to wait for the job; None waits for ever; left out, the session's (one hour).
        Where it is over, the job goes on, and the ``JobTimeoutError`` has it.
    progress
        Whether to show how far the export is: True at once, False never; left out, what
        ``GIO_PROGRESS`` says (``auto``, ``text``, ``widget`` or ``off``): by default a widget in
        Jupyter and a line in a terminal, after a moment, and nothing where nobody looks.
    reuse
        How old a job may be, such as ``"1h"``: one that was submitted from this machine since, for
        the same thing with the same arguments, is joined, running or finished, and nothing is
        submitted. Its result is kept on disk, and a ``read_…`` has it from there the next time;
        a ``submit_…`` asks the platform once whether it still has the job.
    refresh
        With ``reuse``: submit all the same, and keep that result.
    """

    project: str | None
    charset: str | None
    columns: Iterable[str] | None
    dtype: Any
    dtype_backend: DtypeBackend | None
    memory_limit: int | float | str | None
    timeout: float | None
    progress: bool | None
    reuse: str | timedelta | None
    refresh: bool


# What ``**options`` stands for where a signature is shown.
ReadOptions.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default={"timeout": ..., "refresh": False}.get(name),
            annotation=hint.__forward_arg__,
        )
        for name, hint in ReadOptions.__annotations__.items()
    ]
)


class Session:
    """A platform, a way in, and everything that can be asked of it.

    What the module has as functions, from ``list_projects`` to ``attach``, it has as methods.
    Nothing is sent anywhere before the first verb. What is left out comes from the
    environment, then from the profile file, then from the default. Threads may share a session;
    as a context manager it closes its connections.

    Parameters
    ----------
    url
        The platform's address, with its path prefix if it has one (``GIO_URL``);
        ``"sandbox:"`` is the embedded platform, which needs neither account nor network.
    api_key
        What tokens are fetched with (``GIO_API_KEY``); where it is set nowhere and no token is,
        the first request looks into the system's keyring (``gio-pandas login``).
    token
        A token to use in its place (``GIO_TOKEN``); without a key it cannot be renewed.
    project
        Id or name of the project that verbs use where none is passed (``GIO_PROJECT``).
    auth_scheme
        The word before the token: ``"Token"`` (the default, as documented for 13.x),
        ``"Bearer"``, or ``""`` for the bare token (``GIO_AUTH_SCHEME``).
    headers
        More headers for the platform alone, such as a gateway's cookie.
    verify
        True, or a file with a private CA's certificates (``GIO_VERIFY``).
    timeout
        Seconds to wait for a job, one hour by default; None waits for ever (``GIO_TIMEOUT``,
        there ``none``).
    charset
        What exports are asked for in, ``UTF-16LE`` by default, as in the vendor's examples
        (``GIO_CHARSET``; op-api §6).
    requests_per_second
        How often ``read_many`` and ``as_completed`` may ask the platform, and submit to it, and
        how often ``read_profiles`` may ask; 2 by default, None is no limit
        (``GIO_REQUESTS_PER_SECOND``, there ``none``).
    profile
        Which profile of the profile file to use (``GIO_PROFILE``; else ``default``). Variables of
        the environment, ``GIO_URL`` too, still win over it.

    Raises
    ------
    SettingsError
        Nothing says where the platform is, or something said cannot be used.

    Examples
    --------
    >>> with gio.Session("sandbox:", project="电商小程序") as shop:
    ...     shop.list_segments().loc[0, "name"]
    '全部用户'
    """

    @sealed
    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        token: str | None = None,
        project: str | None = None,
        auth_scheme: str | None = None,
        headers: Mapping[str, str] | None = None,
        verify: bool | str | os.PathLike[str] | None = None,
        timeout: float | EllipsisType | None = ...,
        charset: str | None = None,
        requests_per_second: float | EllipsisType | None = ...,
        profile: str | None = None,
    ) -> None:
        bounds = {"timeout": timeout, "requests_per_second": requests_per_second}
        given: dict[str, Any] = {key: bound for key, bound in bounds.items() if bound is not ...}
        self._settings = Settings.resolve(
            url=url,
            api_key=api_key,
            token=token,
            project=project,
            auth_scheme=auth_scheme,
            headers=headers,
            verify=verify,
            charset=charset,
            profile=profile,
            **given,
        )
        rate = self._settings.requests_per_second
        self._line = _Line(self, Limiter(rate))
        self._desk = Desk(self._line, self._settings)
        self._submits = {kind: Limiter(rate) for kind in (Kind.TAG, Kind.SEGMENT, Kind.ANALYSIS)}
        self._profiles = Limiter(rate)
        self._lock = threading.Lock()
        self._process = 0
        self._opened: tuple[Client, Catalog] | None = None
        self._parents: tuple[Client, Catalog] | None = None

    @property
    def settings(self) -> Settings:
        """The settings in force; secrets are masked wherever they are shown."""
        return self._settings

    @property
    def catalog(self) -> Catalog:
        """What there is on the platform, by name; see ``gio_pandas.catalog``."""
        return self._open()[1]

    @property
    def is_open(self) -> bool:
        """Whether it has asked the platform for anything yet."""
        return self._opened is not None

    def use(self, project: str) -> Self:
        """Choose the project (项目) that verbs use from now on where none is passed.

        Parameters
        ----------
        project
            Its id or name.

        Returns
        -------
        Session
            This session.

        Raises
        ------
        NotFoundError, AmbiguousNameError
            No project, or more than one, has that name: the one used so far stays.
        AuthenticationError, PermissionDeniedError, PlatformUnavailableError, GraphQLError
            As ``list_projects``.

        Examples
        --------
        >>> gio.use("电商小程序")
        Session('sandbox:', project='电商小程序')
        """
        self.catalog.choose(project)
        self._settings = replace(self._settings, project=project.strip())
        return self

    def close(self) -> None:
        """Close the connections; the next verb opens new ones."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened:
            opened[0].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        project = f", project={cut(self._settings.project)!r}" if self._settings.project else ""
        return f"Session({self._settings.url!r}{project})"

    def _repr_html_(self) -> str:
        from gio_pandas.notebook.cards import session_card

        return session_card(self)

    def list_projects(self) -> pd.DataFrame:
        """List the projects (项目).

        Returns
        -------
        pandas.DataFrame
            One row per project (op-api §3): ``id``, ``name``, ``description``, ``creator``
            (text), ``created_at`` (a time in UTC), ``owner`` (text), ``members`` (``Int64``).

        Raises
        ------
        SettingsError
            Nothing says where the platform is, or how to get in.
        AuthenticationError, PermissionDeniedError
            The key is not accepted, or the account may not list this.
        PlatformUnavailableError, GraphQLError
            The platform cannot be reached, or answers with errors.

        Examples
        --------
        >>> gio.list_projects()[["id", "name"]]
                 id              name
        0  WlGk4Daj              默认项目
        1  5xXP3Pks             电商小程序
        2  BMpKrDvo         门店会员 & 积分
        3  nbFPniZ3  海外站 Global Store
        """
        return to_frame(self.catalog.projects(), Project)

    def list_tags(
        self,
        *,
        scope: Literal["platform", "project"] | None = None,
        project: str | None = None,
    ) -> pd.DataFrame:
        """List the tags (标签).

        Parameters
        ----------
        scope
            ``"platform"``: all of them (``dataCenterTags``); ``"project"``: a project's. Left
            out, the project's where one is set, else the platform's.
        project
            Id or name of the project; left out, the session's.

        Returns
        -------
        pandas.DataFrame
            One row per tag (op-api §3): ``id``, ``name``, ``key`` (标识符), ``type``,
            ``description``, ``creator`` (text), ``created_at``, ``updated_at`` (times in UTC);
            of when it was last computed ``users`` (``Int64``), ``users_ratio`` (``Float64``),
            ``detected_at`` (UTC), ``detected_stage``; of its values ``value_type`` (INT, STRING,
            DOUBLE or DATE), ``is_array`` (``boolean``), ``unit``; ``business_type``.

        Raises
        ------
        NotFoundError, AmbiguousNameError
            No project, or more than one, has that name.
        SettingsError
            ``scope`` is unknown, or ``"project"`` and none of several projects is chosen.
        AuthenticationError, PermissionDeniedError, PlatformUnavailableError, GraphQLError
            As ``list_projects``.

        Examples
        --------
        >>> gio.list_tags()[["key", "name", "value_type"]].head(3)
                         key    name value_type
        0  tag_payment_times  订单交易笔数        INT
        1   tag_member_level    会员等级     STRING
        2   tag_total_amount  累计消费金额     DOUBLE
        """
        return to_frame(self.catalog.tags(self.catalog.tag_project(scope, project)), Tag)

    def list_segments(self, *, project: str | None = None) -> pd.DataFrame:
        """List a project's segments (分群).

        Parameters
        ----------
        project
            Id or name of the project; left out, the session's, or the only one there is.

        Returns
        -------
        pandas.DataFrame
            One row per segment (op-api §3): ``id``, ``name``, ``description``, ``creator``
            (text), ``created_at``, ``updated_at`` (times in UTC); of when it was last computed
            ``users`` (``Int64``), ``users_ratio`` (``Float64``), ``detected_at`` (UTC),
            ``detected_stage``; ``scheduler`` (how often it is computed, such as ``DAILY``).

        Raises
        ------
        NotFoundError, AmbiguousNameError
            No project, or more than one, has that name.
        SettingsError
            None of several projects is chosen.
        AuthenticationError, PermissionDeniedError, PlatformUnavailableError, GraphQLError
            As ``list_projects``.

        Examples
        --------
        >>> gio.list_segments()[["id", "name", "scheduler"]].head(3)
                 id name scheduler
        0  AVpZBzpK  分群1    MANUAL
        1  KzpNmzQk  分群2     DAILY
        2  V0G5yvGA  分群3    WEEKLY
        """
        return to_frame(self.catalog.segments(self.catalog.project(project)), Segment)

    @explained(list_segments)
    def list_funnels(self, *, project: str | None = None) -> pd.DataFrame:
        """List a project's funnel analyses (漏斗分析).

        Returns
        -------
        pandas.DataFrame
            One row per analysis, with the same columns for every kind (op-api §3): ``id``,
            ``name``, ``description``, ``creator`` (text), ``created_at``, ``updated_at`` (times in
            UTC), ``time_range`` (such as ``day:8,1``: from 8 days to 1 day ago), ``chart_type``,
            ``is_system`` (``boolean``), ``business_type``.

        Examples
        --------
        >>> gio.list_funnels()["name"].head(3).to_list()
        ['漏斗1', '漏斗2', '漏斗3']
        """
        return self._list_analyses(Kind.FUNNEL, project)

    @explained(list_funnels)
    def list_events(self, *, project: str | None = None) -> pd.DataFrame:
        """List a project's event analyses (事件分析).

        Examples
        --------
        >>> gio.list_events()["name"].head(3).to_list()
        ['事件1', '事件2', '事件3']
        """
        return self._list_analyses(Kind.EVENT, project)

    @explained(list_funnels)
    def list_retentions(self, *, project: str | None = None) -> pd.DataFrame:
        """List a project's retention analyses (留存分析).

        Examples
        --------
        >>> gio.list_retentions()["name"].head(3).to_list()
        ['留存1', '留存2', '留存3']
        """
        return self._list_analyses(Kind.RETENTION, project)

    @explained(list_funnels)
    def list_frequencies(self, *, project: str | None = None) -> pd.DataFrame:
        """List a project's frequency analyses (分布分析).

        Examples
        --------
        >>> gio.list_frequencies()["name"].head(3).to_list()
        ['分布1', '分布2', '分布3']
        """
        return self._list_analyses(Kind.FREQUENCY, project)

    def search(self, words: str, *, project: str | None = None) -> pd.DataFrame:
        """Look for tags, segments, analyses and projects by some words.

        Parameters
        ----------
        words
            What names, keys, ids or descriptions have in them: each word, in whatever order,
            whether full-width or not, in capitals or not.
        project
            Id or name of the project to look in; left out, the session's; where none is set, all.

        Returns
        -------
        pandas.DataFrame
            One row per thing, what answers best on top: ``id``, ``name``, ``key`` (a tag's
            标识符), ``kind``, ``project``, ``description``, ``creator``, ``users`` (``Int64``),
            ``updated_at`` (UTC). A kind that the account may not list is left out, with a warning.

        Raises
        ------
        NotFoundError, AmbiguousNameError
            No project, or more than one, has that name.
        PlatformUnavailableError, AuthenticationError
            The platform cannot be asked.

        Examples
        --------
        >>> gio.search("会员 等级")[["kind", "key", "name"]]
          kind               key  name
        0  tag  tag_member_level  会员等级
        """
        return to_frame(search(self.catalog, words, self.catalog.chosen_or_all(project)), Finding)

    @explained(ReadOptions)
    def read_tag(
        self,
        tag: str,
        *,
        properties: Iterable[str] = (),
        detail: bool | None = None,
        file_name: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> pd.DataFrame:
        """Export a tag (标签): who has it, and its value.

        Parameters
        ----------
        tag
            The tag's key (标识符, such as ``tag_payment_times``), name or id.
        properties
            Keys of user properties to add as columns, such as ``usr_city``.
        detail
            Whether to ask for the detailed form of the export (``detailExport``).
        file_name
            What the platform is to call the file (``exportFileName``).

        Returns
        -------
        pandas.DataFrame
            One row per user (op-api §6): the user's id as text, the tag's value (INT is ``int64``
            or ``Int64``, DOUBLE ``float64``, DATE ``datetime64``, STRING text), and the properties.

        Raises
        ------
        NotFoundError, AmbiguousNameError
            Nothing, or more than one tag, has that name.
        SettingsError, SubmitUncertainError
            As ``submit_tag``.
        AuthenticationError, PermissionDeniedError, PlatformUnavailableError, GraphQLError
            As ``list_projects``.
        JobFailedError, JobTimeoutError, DownloadError, DecodeError, MemoryLimitError
            As ``ExportJob.to_pandas``.

        Examples
        --------
        >>> df = gio.read_tag("会员等级")
        >>> df.shape
        (8000, 2)
        >>> df.head(3)
           gio_id  会员等级
        0  603542  普通会员
        1  603549  普通会员
        2  603556  银卡会员
        """
        return self._read(
            Kind.TAG,
            tag,
            options,
            lambda: self._draft_tag(tag, properties, detail, file_name, **options),
        )

    @explained(ReadOptions)
    def read_segment(
        self,
        segment: str,
        *,
        tags: Iterable[str] = (),
        properties: Iterable[str] = (),
        **options: Unpack[ReadOptions],
    ) -> pd.DataFrame:
        """Export a segment (分群): who is in it, with tags and properties.

        Parameters
        ----------
        segment
            The segment's name or id.
        tags
            Names, keys or ids of tags to add as columns.
        properties
            Keys of user properties to add as columns, such as ``usr_city``.

        Returns
        -------
        pandas.DataFrame
            One row per user, ``gio_id`` first, as text; then identities, properties and tags,
            named as the platform names them: by key or by display name (op-api §6). A segment
            without users is a frame with these columns and no row.

        Raises
        ------
        NotFoundError, AmbiguousNameError
            A segment or tag of that name does not exist, or several do.
        SettingsError, SubmitUncertainError
            As ``submit_segment``.
        AuthenticationError, PermissionDeniedError, PlatformUnavailableError, GraphQLError
            As ``list_projects``.
        JobFailedError, JobTimeoutError, DownloadError, DecodeError, MemoryLimitError
            As ``ExportJob.to_pandas``.

        Examples
        --------
        >>> df = gio.read_segment("高价值用户", tags=["会员等级"], properties=["usr_city"])
        >>> df[["gio_id", "城市", "会员等级"]].head(3)
           gio_id  城市  会员等级
        0  603542  上海  普通会员
        1  603549  南京  普通会员
        2  603556  苏州  银卡会员
        """
        return self._read(
            Kind.SEGMENT,
            segment,
            options,
            lambda: self._draft_segment(segment, tags, properties, **options),
        )

    @explained(ReadOptions)
    def read_funnel(self, funnel: str, **options: Unpack[ReadOptions]) -> pd.DataFrame:
        """Export a funnel analysis (漏斗分析).

        Parameters
        ----------
        funnel
            The analysis's name or id.

        Returns
        -------
        pandas.DataFrame
            The result table as the platform prints it; its columns depend on the chart (op-api
            §6). ``1,234`` and ``45.20%`` (0.452) are numbers, and a lone ``-`` between numbers is
            missing.

        Raises
        ------
        NotFoundError, AmbiguousNameError
            Nothing, or more than one analysis of this kind, has that name.
        SettingsError, SubmitUncertainError
            As ``submit_funnel``.
        AuthenticationError, PermissionDeniedError, PlatformUnavailableError, GraphQLError
            As ``list_projects``.
        JobFailedError, JobTimeoutError, DownloadError, DecodeError, MemoryLimitError
            As ``ExportJob.to_pandas``.

        Examples
        --------
        >>> gio.read_funnel("漏斗1")[["步骤", "步骤名称", "用户数", "总转化率"]]
           步骤   步骤名称    用户数    总转化率
        0   1   打开应用  45494  1.0000
        1   2   浏览商品  17836  0.3921
        2   3  加入购物车  12427  0.2732
        3   4   提交订单   6076  0.1336
        4   5   支付成功   4279  0.0941
        """
        return self._read_analysis(Kind.FUNNEL, funnel, options)

    @explained(read_funnel)
    def read_event(self, event: str, **options: Unpack[ReadOptions]) -> pd.DataFrame:
        """Export an event analysis (事件分析).

        Parameters
        ----------
        event
            The analysis's name or id.

        Examples
        --------
        >>> list(gio.read_event("事件1"))
        ['日期', '下单次数', '下单用户数', '人均次数', '支付金额（元）']
        """
        return self._read_analysis(Kind.EVENT, event, options)

    @explained(read_funnel)
    def read_retention(self, retention: str, **options: Unpack[ReadOptions]) -> pd.DataFrame:
        """Export a retention analysis (留存分析).

        Parameters
        ----------
        retention
            The analysis's name or id.

        Examples
        --------
        >>> list(gio.read_retention("留存1"))[:5]
        ['起始日期', '用户数', '当天', '第1天', '第2天']
        """
        return self._read_analysis(Kind.RETENTION, retention, options)

    @explained(read_funnel)
    def read_frequency(self, frequency: str, **options: Unpack[ReadOptions]) -> pd.DataFrame:
        """Export a frequency analysis (分布分析).

        Parameters
        ----------
        frequency
            The analysis's name or id.

        Examples
        --------
        >>> list(gio.read_frequency("分布1"))
        ['次数区间', '用户数', '占比']
        """
        return self._read_analysis(Kind.FREQUENCY, frequency, options)

    @explained(read_tag)
    async def aread_tag(
        self,
        tag: str,
        *,
        properties: Iterable[str] = (),
        detail: bool | None = None,
        file_name: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> pd.DataFrame:
        """Export a tag (标签) as ``read_tag``, without blocking: ``await gio.aread_tag(…)``.

        Of use where other things go on meanwhile: several exports in one ``asyncio.gather``, a
        notebook whose buttons are to work, a web service. Else ``read_tag`` is simpler, and better
        in one thing: a notebook's Stop ends it at once, but an ``await`` only when that ends by
        itself. Nor does it end a synchronous verb that is called inside of what a cell awaits:
        ``await f()``, where ``f`` calls ``read_tag``. Cancelling the task lets go of the job, which
        goes on: ``gio.jobs()`` has it.

        Examples
        --------
        >>> import asyncio
        >>> async def both():
        ...     return await asyncio.gather(
        ...         gio.aread_tag("会员等级"), gio.aread_segment("高价值用户")
        ...     )
        >>> [len(df) for df in asyncio.run(both())]
        [8000, 1000]
        """
        return await self._aread(
            Kind.TAG,
            tag,
            options,
            lambda: self._draft_tag(tag, properties, detail, file_name, **options),
        )

    @explained(read_segment)
    async def aread_segment(
        self,
        segment: str,
        *,
        tags: Iterable[str] = (),
        properties: Iterable[str] = (),
        **options: Unpack[ReadOptions],
    ) -> pd.DataFrame:
        """Export a segment (分群) as ``read_segment``, without blocking.

        See ``aread_tag`` for when that is of use, and how it is stopped.
        """
        return await self._aread(
            Kind.SEGMENT,
            segment,
            options,
            lambda: self._draft_segment(segment, tags, properties, **options),
        )

    @explained(read_funnel)
    async def aread_funnel(self, funnel: str, **options: Unpack[ReadOptions]) -> pd.DataFrame:
        """Export a funnel analysis (漏斗分析) as ``read_funnel``, without blocking.

        See ``aread_tag`` for when that is of use, and how it is stopped.
        """
        return await self._aread_analysis(Kind.FUNNEL, funnel, options)

    @explained(read_event)
    async def aread_event(self, event: str, **options: Unpack[ReadOptions]) -> pd.DataFrame:
        """Export an event analysis (事件分析) as ``read_event``, without blocking.

        See ``aread_tag`` for when that is of use, and how it is stopped.
        """
        return await self._aread_analysis(Kind.EVENT, event, options)

    @explained(read_retention)
    async def aread_retention(self, retention: str, **options: Unpack[ReadOptions]) -> pd.DataFrame:
        """Export a retention analysis (留存分析) as ``read_retention``, without blocking.

        See ``aread_tag`` for when that is of use, and how it is stopped.
        """
        return await self._aread_analysis(Kind.RETENTION, retention, options)

    @explained(read_frequency)
    async def aread_frequency(self, frequency: str, **options: Unpack[ReadOptions]) -> pd.DataFrame:
        """Export a frequency analysis (分布分析) as ``read_frequency``, without blocking.

        See ``aread_tag`` for when that is of use, and how it is stopped.
        """
        return await self._aread_analysis(Kind.FREQUENCY, frequency, options)

    @explained(read_tag)
    def submit_tag(
        self,
        tag: str,
        *,
        properties: Iterable[str] = (),
        detail: bool | None = None,
        file_name: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> ExportJob:
        """Start a tag's export; arguments as ``read_tag``.

        It returns as soon as the platform has taken the export, without waiting for its files.

        Platforms before 13.4 are asked by the tag's id, later ones by its key; the platform's
        answer tells which (op-api §4).

        Returns
        -------
        ExportJob
            ``job.to_pandas()`` waits for it and gives what ``read_tag`` gives.

        Raises
        ------
        NotFoundError, AmbiguousNameError
            Nothing, or more than one thing, has that name.
        SettingsError
            An option cannot be, or none of several projects is chosen; nothing was submitted.
        AuthenticationError, PermissionDeniedError, PlatformUnavailableError, GraphQLError
            As ``list_projects``; nothing was submitted.
        SubmitUncertainError
            No answer came: the export may or may not be running.
        JobFailedError
            The platform refused it.
        """
        return self._draft_tag(tag, properties, detail, file_name, **options).submit()

    @explained(read_segment)
    def submit_segment(
        self,
        segment: str,
        *,
        tags: Iterable[str] = (),
        properties: Iterable[str] = (),
        **options: Unpack[ReadOptions],
    ) -> ExportJob:
        """Start a segment's export; arguments as ``read_segment``.

        It returns as soon as the platform has taken the export, without waiting for its files.

        Returns
        -------
        ExportJob
            ``job.to_pandas()`` waits for it and gives what ``read_segment`` gives.

        Raises
        ------
        NotFoundError, AmbiguousNameError
            Nothing, or more than one thing, has that name.
        SettingsError
            An option cannot be, or none of several projects is chosen; nothing was submitted.
        AuthenticationError, PermissionDeniedError, PlatformUnavailableError, GraphQLError
            As ``list_projects``; nothing was submitted.
        SubmitUncertainError
            No answer came: the export may or may not be running.
        JobFailedError
            The platform refused it.

        Examples
        --------
        >>> job = gio.submit_segment("高价值用户")
        >>> job.kind, job.name
        ('segment', '高价值用户')
        >>> len(job.to_pandas())
        1000
        """
        return self._draft_segment(segment, tags, properties, **options).submit()

    @explained(read_funnel)
    def submit_funnel(self, funnel: str, **options: Unpack[ReadOptions]) -> ExportJob:
        """Start a funnel analysis's export; arguments as ``read_funnel``.

        It returns as soon as the platform has taken the export, without waiting for its files.

        Returns
        -------
        ExportJob
            ``job.to_pandas()`` waits for it and gives what the ``read_…`` of its kind gives.

        Raises
        ------
        NotFoundError, AmbiguousNameError
            Nothing, or more than one thing, has that name.
        SettingsError
            An option cannot be, or none of several projects is chosen; nothing was submitted.
        AuthenticationError, PermissionDeniedError, PlatformUnavailableError, GraphQLError
            As ``list_projects``; nothing was submitted.
        SubmitUncertainError
            No answer came: the export may or may not be running.
        JobFailedError
            The platform refused it.
        """
        return self._draft_analysis(Kind.FUNNEL, funnel, **options).submit()

    @explained(submit_funnel, read_event)
    def submit_event(self, event: str, **options: Unpack[ReadOptions]) -> ExportJob:
        """Start an event analysis's export; arguments as ``read_event``.

        It returns as soon as the platform has taken the export, without waiting for its files.
        """
        return self._draft_analysis(Kind.EVENT, event, **options).submit()

    @explained(submit_funnel, read_retention)
    def submit_retention(self, retention: str, **options: Unpack[ReadOptions]) -> ExportJob:
        """Start a retention analysis's export; arguments as ``read_retention``.

        It returns as soon as the platform has taken the export, without waiting for its files.
        """
        return self._draft_analysis(Kind.RETENTION, retention, **options).submit()

    @explained(submit_funnel, read_frequency)
    def submit_frequency(self, frequency: str, **options: Unpack[ReadOptions]) -> ExportJob:
        """Start a frequency analysis's export; arguments as ``read_frequency``.

        It returns as soon as the platform has taken the export, without waiting for its files.
        """
        return self._draft_analysis(Kind.FREQUENCY, frequency, **options).submit()

    @overload
    def read_many(
        self,
        jobs_or_specs: Iterable[ExportJob | Mapping[str, Any] | Sequence[str]],
        *,
        max_workers: int = 4,
        errors: Literal["raise"] = "raise",
        timeout: float | EllipsisType | None = ...,
        progress: bool | None = None,
    ) -> list[pd.DataFrame]: ...
    @overload
    def read_many(
        self,
        jobs_or_specs: Iterable[ExportJob | Mapping[str, Any] | Sequence[str]],
        *,
        max_workers: int = 4,
        errors: Literal["return"],
        timeout: float | EllipsisType | None = ...,
        progress: bool | None = None,
    ) -> list[pd.DataFrame | Exception]: ...
    def read_many(
        self,
        jobs_or_specs: Iterable[ExportJob | Mapping[str, Any] | Sequence[str]],
        *,
        max_workers: int = 4,
        errors: Literal["raise", "return"] = "raise",
        timeout: float | EllipsisType | None = ...,
        progress: bool | None = None,
    ) -> list[pd.DataFrame] | list[pd.DataFrame | Exception]:
        """Export many things at once, and read each as soon as it is finished.

        One thread asks for all jobs: those that are due together in one request, and no oftener
        than ``requests_per_second`` allows. Others submit and read meanwhile.

        Parameters
        ----------
        jobs_or_specs
            Jobs, as ``submit_…`` and ``attach`` give them, of this session or another; or what is
            to be submitted: ``("segment", "高价值用户")``, or with the options of
            ``submit_segment`` ``{"kind": "segment", "name": "高价值用户", "tags": ["会员等级"]}``.
            The kinds are tag, segment, funnel, event, retention and frequency. Every name is
            looked up before the first export is submitted.
        max_workers
            How many exports are submitted or read at a time, each in a thread of its own. This
            bounds the open connections, too: one a submit, and one a file that is read, of which
            an export's come up to four at a time.
        errors
            ``"raise"``: the first error ends it all, and has a note with the lines that get the
            other jobs again. ``"return"``: an error takes the place of its frame.
        timeout
            Seconds to wait for each job, from now or from its submit; None waits for ever; left
            out, what each was submitted with. A spec's own ``"timeout"`` wins.
        progress
            Whether to show how far they are, in one display for all; see ``ReadOptions``.

        Returns
        -------
        list of pandas.DataFrame
            In the order given, each as ``read_…`` of its kind gives it; with
            ``errors="return"`` an exception where there is none.

        Raises
        ------
        SettingsError, TypeError
            Something is neither a job nor a spec; nothing was submitted.
        NotFoundError, AmbiguousNameError
            Nothing, or more than one thing, has a spec's name; nothing was submitted.
        AuthenticationError, PermissionDeniedError, PlatformUnavailableError, GraphQLError
            As ``list_projects``.
        SubmitUncertainError, JobFailedError, JobTimeoutError
            As ``submit_…`` and ``ExportJob.to_pandas``.
        DownloadError, DecodeError, MemoryLimitError
            As ``ExportJob.to_pandas``.

        Examples
        --------
        >>> frames = gio.read_many(
        ...     [("segment", "高价值用户"), {"kind": "tag", "name": "会员等级"}]
        ... )
        >>> [len(df) for df in frames]
        [1000, 8000]
        """
        _check_many(jobs_or_specs, max_workers, errors)
        bound = timeout if timeout is ... else check_timeout(timeout)
        keep_errors = errors == "return"
        wanted = list(jobs_or_specs)
        tracker = ManyTracker(len(wanted))
        with followed(tracker, progress_mode(progress, self._settings.progress)):
            items = self._items(wanted, bound, keep_errors)
            frames = read_all(
                items,
                max_workers=max_workers,
                keep_errors=keep_errors,
                timeout=bound,
                tracker=tracker,
            )
        return cast("list[pd.DataFrame]", frames)

    @explained(ReadOptions)
    def read_profiles(
        self,
        user_ids: Iterable[str | None] | str,
        *,
        tags: Iterable[str] = (),
        properties: Iterable[str] = (),
        scope: Literal["platform", "project"] | None = None,
        project: str | None = None,
        dtype: Any = None,
        dtype_backend: DtypeBackend | None = None,
        progress: bool | None = None,
    ) -> pd.DataFrame:
        """Read single users' profiles (用户画像): their tags and properties, a row a user.

        Nothing is exported: up to 200 users are asked for in one request, four requests at once,
        and no oftener than ``requests_per_second`` allows; 10,000 users are 50 requests. A platform
        that refuses so many (by HTTP 413 or 400, an error of the whole document, a gateway's
        time-out) is asked for half as many, down to one, for as long as the session is open.

        Parameters
        ----------
        user_ids
            The users' ids as text: a list, a column of a frame, an array; or one id. An id that is
            missing or empty is a row of missing values.
        tags
            Names, keys or ids of tags (标签) to have as columns.
        properties
            Keys of user properties to have as columns, such as ``usr_city``. Of ``tags`` and
            ``properties``, one at least.
        scope
            ``"project"``: as a project sees the users (``userProfile``); ``"platform"``: as the
            whole platform does (``dataCenterUserProfile``; op-api §3). Left out, the project where
            one is set, else the platform.

        Returns
        -------
        pandas.DataFrame
            One row per id, in the order asked, duplicates too. ``user_id`` first, the ids as they
            were asked for; then the tags and the properties, under the names that the platform
            gives them; their keys are in ``attrs["gio"]["keys"]``. Types are those of an export: a
            tag's own decides (INT is ``int64`` or ``Int64``, DOUBLE ``float64``, DATE
            ``datetime64``, STRING text), else the values. A user whom the platform does not know
            is a row of missing values, and listed in ``attrs["gio"]["unknown"]``. Where no user is
            known, a property's column has its key for a name.

        Raises
        ------
        TypeError
            An id is a number, which has lost its leading zeros.
        SettingsError
            Neither a tag nor a property is asked for, or none of several projects is chosen.
        NotFoundError, AmbiguousNameError
            Nothing, or more than one thing, has a tag's or the project's name.
        GraphQLError
            The platform answers an error for a user, who was asked for once more alone; a note
            says who.
        AuthenticationError, PermissionDeniedError, PlatformUnavailableError
            As ``list_projects``.
        DecodeError
            ``dtype`` does not fit.

        Examples
        --------
        >>> df = gio.read_profiles(
        ...     ["C0000032", "nobody"], tags=["tag_payment_times"], properties=["usr_city"]
        ... )
        >>> df[["user_id", "订单交易笔数"]]
            user_id  订单交易笔数
        0  C0000032      13
        1    nobody    <NA>
        >>> df.attrs["gio"]["unknown"]
        ['nobody']
        """
        from gio_pandas.exports import frames, profiles

        ids = profiles.check_ids(user_ids)
        keys, words = _words("properties", properties), _words("tags", tags)
        if not keys and not words:
            raise SettingsError(
                "read_profiles is asked for neither a tag nor a property",
                hint='Pass tags= or properties=, such as properties=["usr_city"].',
            )
        frames.check_choice(dtype, dtype_backend)
        users = list(dict.fromkeys(filter(None, ids)))
        tracker = profiles.UserTracker(len(users))
        with followed(tracker, progress_mode(progress, self._settings.progress)):
            where = self.catalog.tag_project(scope, project)
            inquiry = profiles.Inquiry(
                platform=self._settings.url,
                project=where,
                tags=[self.catalog.find_tag(word, where) for word in words],
                properties=keys,
                dtype=dtype,
                dtype_backend=dtype_backend,
            )
            answers = profiles.ask(
                self._client, users, inquiry, limiter=self._profiles, tracker=tracker
            )
        return profiles.to_frame(ids, answers, inquiry)

    @explained(read_segment, read_tag)
    def earlier_job(
        self,
        /,  # among the arguments below there may be one of that name
        name: str,
        *,
        kind: str,
        since: str | date | timedelta | None = None,
        **arguments: Any,
    ) -> ExportJob:
        """Find an earlier export of the same thing, submitted from this machine.

        Its result is one that ``reuse=`` has kept, or that the platform still has. What is kept
        but was read with other ``columns=`` or ``dtype=`` comes as it was read then.

        Parameters
        ----------
        name
            Its name or id; a tag's key, too.
        kind
            ``"tag"``, ``"segment"``, ``"funnel"``, ``"event"``, ``"retention"`` or
            ``"frequency"``; each with the arguments of its own ``read_…``.
        since
            About when it was submitted: how long ago, such as ``"7d"``, or a day or a time. Of the
            exports that are nine tenths as old, or older, it is the one nearest to that. Left out,
            it is the newest.
        reuse
            As for a ``read_…`` that is to be compared with it: what that would join is not found.

        Returns
        -------
        ExportJob
            ``job.to_pandas()`` gives what was in it then. Nothing was submitted.

        Raises
        ------
        NotFoundError
            No export of that time is known here, or none can be had any more.
        NotFoundError, AmbiguousNameError
            Nothing, or more than one thing, has that name.
        SettingsError
            There is no such kind or option, or ``since`` is no time, or in the future.
        AuthenticationError, PermissionDeniedError, PlatformUnavailableError, GraphQLError
            As ``list_projects``.

        Examples
        --------
        >>> df = gio.read_segment("高价值用户", reuse="1d")
        >>> gio.earlier_job("高价值用户", kind="segment").name
        '高价值用户'
        """
        spec = read_spec({**arguments, "kind": kind, "name": name}, ReadOptions.__annotations__)
        at = _moment(since)
        if at is not None and at > datetime.now(UTC):
            raise SettingsError(
                f"since={since!r} is in the future", hint='Pass a time that is over, or "7d".'
            )
        joined = None if spec.options.get("refresh") else spec.options.get("reuse")
        order = self._drafted(spec, ...).order
        assert order is not None  # noqa: S101 every draft of a session has one
        return self._desk.earlier(order, at=at, until=_moment(joined))

    def attach(self, job_id: str, *, charset: str | None = None) -> ExportJob:
        """Pick up a job that was submitted before, here or elsewhere.

        Parameters
        ----------
        job_id
            The id that the submit answered (``job.id``). White space around one that is not known
            here is left out.
        charset
            What it was asked for in; left out, the session's. A file with a byte order mark is
            read as the mark says.

        Returns
        -------
        ExportJob
            Nothing is asked of the platform yet. A job that was submitted from this machine gives
            the frame that it would have given then. Of any other, the kind is read out of its id;
            one whose id does not tell is read as a list of users, in which nothing is lost.

        Raises
        ------
        SettingsError
            The id is empty or missing, or the charset is none.

        Examples
        --------
        >>> job = gio.submit_segment("高价值用户")
        >>> len(gio.attach(job.id).to_pandas())
        1000
        """
        if not isinstance(job_id, str):
            if str(job_id) in ("None", "nan", "<NA>"):  # out of a column of jobs()
                raise SettingsError(
                    "This submit has no id: it was not answered (UNCERTAIN)",
                    hint="The platform's export list (导出任务) tells whether it was started; if "
                    "it was not, run it again.",
                )
            raise TypeError(f"a job's id is text, not {type(job_id).__name__}: {job_id!r}")
        if not job_id.strip():
            raise SettingsError(
                f"{job_id!r} is no job's id", hint="Pass what job.id was when it was submitted."
            )
        return self._desk.attach(job_id, charset=check_charset(charset) if charset else None)

    def jobs(
        self, kind: str | None = None, *, since: str | date | timedelta | None = None
    ) -> pd.DataFrame:
        """List what was submitted to this platform from this machine, as far as it is known here.

        Parameters
        ----------
        kind
            ``"tag"``, ``"segment"``, ``"funnel"``, ``"event"``, ``"retention"`` or
            ``"frequency"``; left out, all.
        since
            Only what was submitted since: a day or a time, such as ``"2026-03-01"`` (of this
            machine's zone, if it has none), or how long ago, such as ``"7d"``.

        Returns
        -------
        pandas.DataFrame
            One row per submit, the newest on top: ``id``, which ``gio.attach`` takes (missing where
            the submit was not answered), ``name``, ``kind``, ``stage``, ``submitted_at``,
            ``finished_at`` (UTC), ``rows`` (``Int64``, once read), ``project``, ``charset``,
            ``arguments`` (JSON), ``item_id``, ``project_id``, ``platform``. The stage is what was
            seen from here: ``FINISH``, ``ERROR``, ``GONE`` (it was finished, but the platform has
            its files no more), ``UNCERTAIN`` (the submit was not answered: look at the platform's
            export list, 导出任务), else what the submit answered. The platform is asked nothing.
            A submit that is on its way just now is ``UNCERTAIN``, too.

        Raises
        ------
        SettingsError
            There is no such kind, or ``since`` is no time.

        Examples
        --------
        >>> df = gio.read_segment("高价值用户")
        >>> gio.jobs(kind="segment", since="1h")[["name", "stage", "rows"]].head(1)
            name   stage  rows
        0  高价值用户  FINISH  1000
        """
        entries = self._desk.ledger.entries(
            self._settings.url,
            kind=read_kind(kind) if kind else None,
            since=_moment(since),
        )
        return to_frame(entries, LedgerEntry)

    def cache_info(self) -> pd.DataFrame:
        """List the results that ``reuse=`` keeps on this machine, of all platforms.

        They are kept in the user's cache folder, for the user alone, up to ``GIO_CACHE_LIMIT``
        (10 GB by default); what was not read for the longest time goes first.

        Returns
        -------
        pandas.DataFrame
            One row per result, what was used last on top: ``id`` (the job's), ``name``, ``kind``,
            ``project``, ``rows``, ``bytes`` (of the file), ``submitted_at``, ``kept_at`` (UTC),
            ``platform``, ``file`` (Parquet).

        Examples
        --------
        >>> df = gio.read_segment("高价值用户", reuse="1h")
        >>> gio.cache_info()[["kind", "name", "rows"]].head(1)
              kind   name  rows
        0  segment  高价值用户  1000
        """
        return to_frame(self._desk.cache.entries(), CacheEntry)

    def clear_cache(self) -> int:
        """Remove the results that ``reuse=`` keeps on this machine.

        Returns
        -------
        int
            The bytes freed.

        Examples
        --------
        >>> df = gio.read_segment("高价值用户", reuse="1h")
        >>> gio.clear_cache() > 0
        True
        """
        return self._desk.cache.clear()

    def graphql(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send any GraphQL document.

        Parameters
        ----------
        query
            The document; values belong into ``variables``.
        variables
            The values of the document's ``$names``.

        Returns
        -------
        dict
            The answer's ``data``.

        Raises
        ------
        GraphQLError
            The platform answered with errors; partial data is in the error's ``data``.
        SubmitUncertainError
            No answer came to a mutation: it may or may not have been carried out.
        AuthenticationError, PermissionDeniedError, PlatformUnavailableError
            As ``list_projects``.

        Examples
        --------
        >>> document = "query ($id: HashId!) { segments(projectId: $id) { name } }"
        >>> gio.graphql(document, {"id": "WlGk4Daj"})["segments"][:2]
        [{'name': '分群1'}, {'name': '分群2'}]
        """
        return self._client.graphql(query, variables)

    @property
    def _client(self) -> Client:
        return self._open()[0]

    def _open(self) -> tuple[Client, Catalog]:
        with self._lock:
            if self._opened is not None and self._process != os.getpid():
                # After a fork the connections are the parent's: neither used nor closed here.
                self._parents, self._opened = self._opened, None
            if self._opened is None:
                self._process = os.getpid()
                client = Client(_with_sandbox(self._settings))
                self._opened = client, Catalog(client, chosen=self._settings.project)
            return self._opened

    def _list_analyses(self, kind: Kind, project: str | None) -> pd.DataFrame:
        return to_frame(self.catalog.analyses(kind, self.catalog.project(project)), Analysis)

    def _items(
        self, wanted: Sequence[Any], timeout: float | EllipsisType | None, keep_errors: bool
    ) -> list[Item]:
        """Read every spec, then look every name up; what cannot be meant is always raised."""
        read: list[ExportJob | Spec] = []
        for position, item in enumerate(wanted):
            with _at(position):
                if not isinstance(item, ExportJob):
                    item = read_spec(item, ReadOptions.__annotations__)
                read.append(item)
        items: list[Item] = []
        for position, item in enumerate(read):
            try:
                with _at(position):
                    items.append(self._drafted(item, timeout) if isinstance(item, Spec) else item)
            except GioError as error:
                if isinstance(error, SettingsError) or not keep_errors:
                    raise
                items.append(error)
        return items

    def _drafted(self, spec: Spec, timeout: float | EllipsisType | None) -> Draft:
        options = dict(spec.options)
        if timeout is not ...:
            options.setdefault("timeout", timeout)
        if spec.kind is Kind.TAG:
            return self._draft_tag(spec.name, **options)
        if spec.kind is Kind.SEGMENT:
            return self._draft_segment(spec.name, **options)
        return self._draft_analysis(spec.kind, spec.name, **cast(ReadOptions, options))

    def _draft_tag(
        self,
        tag: str,
        properties: Iterable[str] = (),
        detail: bool | None = None,
        file_name: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Draft:
        reading = self._reading(options)
        keys = _words("properties", properties)
        project = self.catalog.tag_project(None, options.get("project"))
        found = self.catalog.find_tag(tag, project)
        arguments = {"properties": keys, "detail": detail, "file_name": file_name}
        order = self._order(reading, Kind.TAG, found, project, arguments, [found])
        return self._draft(
            order,
            options,
            lambda client: client.submit_tag(
                found, charset=order.charset, properties=keys, detail=detail, file_name=file_name
            ),
        )

    def _draft_segment(
        self,
        segment: str,
        tags: Iterable[str] = (),
        properties: Iterable[str] = (),
        **options: Unpack[ReadOptions],
    ) -> Draft:
        reading = self._reading(options)
        keys, words = _words("properties", properties), _words("tags", tags)
        project = self.catalog.project(options.get("project"))
        found = self.catalog.find_segment(segment, project)
        columns = [self.catalog.find_tag(word, project) for word in words]
        tag_ids = [tag.id for tag in columns]
        arguments = {"tags": tag_ids, "properties": keys}
        order = self._order(reading, Kind.SEGMENT, found, project, arguments, columns)
        return self._draft(
            order,
            options,
            lambda client: client.submit_segment(
                project.id, found.id, charset=order.charset, tags=tag_ids, properties=keys
            ),
        )

    def _read_analysis(self, kind: Kind, wanted: str, options: ReadOptions) -> pd.DataFrame:
        make = partial(self._draft_analysis, kind, wanted, **options)
        return self._read(kind, wanted, options, make)

    async def _aread_analysis(self, kind: Kind, wanted: str, options: ReadOptions) -> pd.DataFrame:
        make = partial(self._draft_analysis, kind, wanted, **options)
        return await self._aread(kind, wanted, options, make)

    def _read(
        self, kind: Kind, wanted: str, options: ReadOptions, make: Callable[[], Draft]
    ) -> pd.DataFrame:
        """Look up, submit, wait and read, all of it in one display."""
        tracker = Tracker(f"{kind.label} {wanted!r}")
        with followed(tracker, self._progress(options)):
            job = make().submit(reading=True)
            job.track(tracker)
            return job.to_pandas()

    async def _aread(
        self, kind: Kind, wanted: str, options: ReadOptions, make: Callable[[], Draft]
    ) -> pd.DataFrame:
        import asyncio

        from gio_pandas.exports.leash import in_thread

        tracker = Tracker(f"{kind.label} {wanted!r}")
        with followed(tracker, self._progress(options)):
            with notices.collected() as collected:
                try:
                    job = await in_thread(lambda: make().submit(reading=True))
                except asyncio.CancelledError:
                    raise cancelled(
                        "stopped before the submit was answered; gio.jobs() lists what was started"
                    ) from None
            for notice in collected:
                notices.warn(notice)
            job.track(tracker)
            return await job

    def _progress(self, options: ReadOptions) -> str:
        return progress_mode(options.get("progress"), self._settings.progress)

    def _draft_analysis(self, kind: Kind, wanted: str, **options: Unpack[ReadOptions]) -> Draft:
        reading = self._reading(options)
        project = self.catalog.project(options.get("project"))
        found = self.catalog.find_analysis(kind, wanted, project)
        order = self._order(reading, kind, found, project, {}, ())
        return self._draft(
            order,
            options,
            lambda client: client.submit_analysis(
                kind, project.id, found.id, charset=order.charset
            ),
        )

    def _reading(self, options: ReadOptions) -> dict[str, Any]:
        """Check the options before anything is sent, and fill in what was left out."""
        from gio_pandas.exports import frames
        from gio_pandas.exports.layout import check_columns
        from gio_pandas.exports.memory import parse_size

        known = ReadOptions.__annotations__
        for name in options:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                guess = (
                    f"did you mean {near[0]!r}?"
                    if near
                    else f"beside its own, there are {', '.join(known)}"
                )
                raise TypeError(f"there is no option {name!r}: {guess}")
        dtype, dtype_backend = options.get("dtype"), options.get("dtype_backend")
        frames.check_choice(dtype, dtype_backend)
        read_age(options.get("reuse"), "reuse")
        timeout = options.get("timeout", ...)
        return {
            "charset": check_charset(options.get("charset") or self._settings.charset),
            "columns": check_columns(options.get("columns")),
            "dtype": dtype,
            "dtype_backend": dtype_backend,
            "memory_limit": parse_size(options.get("memory_limit")),
            "timeout": self._settings.timeout if timeout is ... else check_timeout(timeout),
            "progress": self._progress(options),
        }

    def _order(
        self,
        reading: Mapping[str, Any],
        kind: Kind,
        item: Tag | Segment | Analysis,
        project: Project | None,
        arguments: Mapping[str, Any],
        tags: Sequence[Tag],
    ) -> Order:
        return Order(
            platform=self._settings.url,
            kind=kind,
            item_id=item.id,
            name=item.name,
            project_id=project.id if project else None,
            project_name=project.name if project else None,
            arguments={"charset": reading["charset"], **arguments},
            value_types=_value_types(tags),
            **reading,
        )

    def _draft(
        self, order: Order, options: ReadOptions, send: Callable[[Client], SubmittedJob]
    ) -> Draft:
        reuse = read_age(options.get("reuse"), "reuse")
        refresh = bool(options.get("refresh"))

        def submit(*, reading: bool = False) -> ExportJob:
            return self._desk.submit(
                order, lambda: send(self._client), reuse=reuse, refresh=refresh, reading=reading
            )

        assert order.kind is not None  # noqa: S101 what is asked for is of a kind
        resource = Kind.ANALYSIS if order.kind.is_analysis else order.kind
        return Draft(submit, self._submits[resource], order)


class _Line:
    """What a job speaks through: its session, which opens again when it was closed."""

    def __init__(self, session: Session, polls: Limiter) -> None:
        self._session = session
        self.polls = polls

    @property
    def settings(self) -> Settings:
        return _with_sandbox(self._session.settings)

    @property
    def jobs_per_request(self) -> int:
        return self._session._client.jobs_per_request

    def job_result(self, job_id: str, *, timeout: float | None = None) -> JobResult | None:
        return self._session._client.job_result(job_id, timeout=timeout)

    def job_results(
        self, job_ids: Sequence[str], *, pace: Callable[[], None], timeout: float | None = None
    ) -> Mapping[str, JobResult | GioError | None]:
        return self._session._client.job_results(job_ids, pace=pace, timeout=timeout)

    def download(
        self,
        url: str,
        *,
        start: int = 0,
        validator: str | None = None,
        stop: int | None = None,
    ) -> AbstractContextManager[Reply]:
        return self._session._client.download(url, start=start, validator=validator, stop=stop)


def _moment(since: str | date | timedelta | None) -> datetime | None:
    """Say since when, of a time, a day, or how long ago."""
    if isinstance(since, str):
        with suppress(ValueError):
            since = datetime.fromisoformat(since)
    if isinstance(since, date) and not isinstance(since, datetime):
        since = datetime.combine(since, time())
    if isinstance(since, datetime):
        # A plain one: pandas' own wants a zone before it changes to another.
        return datetime.fromisoformat(since.isoformat()).astimezone()
    age = read_age(since, "since")
    return datetime.now(UTC) - age if age else None


def _with_sandbox(settings: Settings) -> Settings:
    """Put the embedded platform's address and key in the place of ``sandbox:``.

    Another platform's key may still lie in the keyring.
    """
    if settings.url != SANDBOX:
        return with_key(settings)
    try:
        from gio_pandas import sandbox

        embedded = sandbox.embedded()
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"The embedded platform is not installed ({error.name or error})",
            hint='Run: python -m pip install "gio-pandas[sandbox]"',
        ) from error
    # The environment's other settings are for the platform that is usually spoken with.
    return Settings(url=embedded.url, api_key=Secret(embedded.api_key), project=settings.project)


def _check_many(items: Any, max_workers: Any, errors: Any) -> None:
    if isinstance(items, (ExportJob, Mapping, str)) or hasattr(items, "columns"):
        raise TypeError(f"read_many takes a list of jobs and specs, not {items!r}")
    if not isinstance(max_workers, int) or isinstance(max_workers, bool):
        raise TypeError(f"max_workers= is a whole number, not {max_workers!r}")
    if max_workers < 1:
        raise SettingsError(f"max_workers={max_workers} reads nothing", hint="Use 1 or more.")
    if errors not in ("raise", "return"):
        raise SettingsError(f"errors={errors!r} is unknown", hint='Use "raise" or "return".')


@contextmanager
def _at(position: int) -> Iterator[None]:
    """Say of an error which of many it is about."""
    try:
        yield
    except Exception as error:
        error.add_note(f"In the entry at position {position} of read_many, counted from 0.")
        raise


def _words(argument: str, words: Iterable[str] | None) -> list[str]:
    """Take one word for a list of one, not for its letters."""
    if isinstance(words, str):
        return [words]
    if hasattr(words, "columns"):
        raise TypeError(f"{argument}= takes names, not a frame: pass a column, such as df['name']")
    taken = list(() if words is None else words)
    strange = [word for word in taken if not isinstance(word, str)]
    if strange:
        raise TypeError(f"{argument}= takes names as text, not {strange[0]!r}")
    return taken


def _value_types(tags: Sequence[Tag]) -> dict[str, str]:
    """Say what type a tag's column has, under the key or the name that may be its header."""
    types: dict[str, str] = {}
    for tag in tags:
        if tag.value_type is None:
            continue
        for header in (tag.key, tag.name):
            if header:
                value_type = "STRING" if tag.is_array else tag.value_type
                # Two tags of one name and different types: the values themselves decide.
                types[header] = value_type if types.get(header, value_type) == value_type else ""
    return {header: value_type for header, value_type in types.items() if value_type}
