"""GrowingIO OP (客户数据平台) exports as pandas DataFrames.

>>> import gio_pandas as gio
>>> gio.connect("sandbox:")
Session('sandbox:', project='默认项目')
>>> df = gio.read_segment("高价值用户", tags=["会员等级"], properties=["usr_city"])

In a notebook, ``gio.pick()`` lets you choose on a screen what to export, and after
``%load_ext gio_pandas`` there is ``%gio``: ``%gio --help`` explains it.

- **The platform:** ``connect``, ``current_session``, ``use``, ``graphql``
- **What there is:** ``list_projects``, ``list_tags``, ``list_segments``, ``list_funnels``,
  ``list_events``, ``list_retentions``, ``list_frequencies``, ``search``
- **Exports as frames:** ``read_tag``, ``read_segment``, ``read_funnel``, ``read_event``,
  ``read_retention``, ``read_frequency``, ``read_many``, ``read_profiles``
- **The same, without blocking:** ``aread_tag``, ``aread_segment``, ``aread_funnel``,
  ``aread_event``, ``aread_retention``, ``aread_frequency``
- **Exports as jobs:** ``submit_tag``, ``submit_segment``, ``submit_funnel``, ``submit_event``,
  ``submit_retention``, ``submit_frequency``, ``attach``, ``earlier_job``, ``jobs``,
  ``as_completed``, ``ExportJob``
- **Two exports compared:** ``diff``
- **Results that are kept:** ``cache_info``, ``clear_cache``
- **On the screen:** ``pick``, ``ProjectPicker``, ``TagPicker``, ``SegmentPicker``,
  ``AnalysisPicker``
- **What goes wrong:** ``GioError``, ``SettingsError``, ``AuthenticationError``,
  ``PermissionDeniedError``, ``NotFoundError``, ``AmbiguousNameError``, ``GraphQLError``,
  ``PlatformUnavailableError``, ``SubmitUncertainError``, ``JobFailedError``, ``JobTimeoutError``,
  ``DownloadError``, ``DecodeError``, ``MemoryLimitError``
- **Several platforms at once:** ``Session``
- **This library:** ``__version__``

``df.gio``, on every frame that is read, knows where that comes from; ``gio.sandbox`` is a platform
to practise on. Where it says "op-api", it means a section of ``docs/op-api.md``: what is known of
the platform, and how surely.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from gio_pandas import accessor as _accessor
from gio_pandas._version import __version__
from gio_pandas.api.secrecy import sealed
from gio_pandas.current import current_session, make_current
from gio_pandas.docstrings import explained
from gio_pandas.errors import (
    AmbiguousNameError,
    AuthenticationError,
    DecodeError,
    DownloadError,
    GioError,
    GraphQLError,
    JobFailedError,
    JobTimeoutError,
    MemoryLimitError,
    NotFoundError,
    PermissionDeniedError,
    PlatformUnavailableError,
    SettingsError,
    SubmitUncertainError,
)
from gio_pandas.exports.job import ExportJob
from gio_pandas.exports.poller import as_completed
from gio_pandas.session import Session

if TYPE_CHECKING:
    from gio_pandas.comparison.diff import diff
    from gio_pandas.notebook.pick import pick
    from gio_pandas.notebook.pickers import (
        AnalysisPicker,
        ProjectPicker,
        SegmentPicker,
        TagPicker,
    )

__all__ = [
    "AmbiguousNameError",
    "AnalysisPicker",
    "AuthenticationError",
    "DecodeError",
    "DownloadError",
    "ExportJob",
    "GioError",
    "GraphQLError",
    "JobFailedError",
    "JobTimeoutError",
    "MemoryLimitError",
    "NotFoundError",
    "PermissionDeniedError",
    "PlatformUnavailableError",
    "ProjectPicker",
    "SegmentPicker",
    "Session",
    "SettingsError",
    "SubmitUncertainError",
    "TagPicker",
    "__version__",
    "aread_event",
    "aread_frequency",
    "aread_funnel",
    "aread_retention",
    "aread_segment",
    "aread_tag",
    "as_completed",
    "attach",
    "cache_info",
    "clear_cache",
    "connect",
    "current_session",
    "diff",
    "earlier_job",
    "graphql",
    "jobs",
    "list_events",
    "list_frequencies",
    "list_funnels",
    "list_projects",
    "list_retentions",
    "list_segments",
    "list_tags",
    "pick",
    "read_event",
    "read_frequency",
    "read_funnel",
    "read_many",
    "read_profiles",
    "read_retention",
    "read_segment",
    "read_tag",
    "search",
    "submit_event",
    "submit_frequency",
    "submit_funnel",
    "submit_retention",
    "submit_segment",
    "submit_tag",
    "use",
]

P = ParamSpec("P")
R = TypeVar("R")


def _connector(make: Callable[P, Session]) -> Callable[P, Session]:
    """Make the function that makes a session the current one, with its signature."""

    @explained(make)
    @sealed
    @functools.wraps(make, assigned=("__module__",), updated=())
    def connect(*args: P.args, **kwargs: P.kwargs) -> Session:
        """Choose the platform that the verbs of this module speak with.

        Nothing is sent before the first verb.

        Returns
        -------
        Session
            The current one from now on.

        Examples
        --------
        >>> gio.connect("sandbox:")
        Session('sandbox:', project='默认项目')
        """
        return make_current(make(*args, **kwargs))

    signature = inspect.signature(make).replace(return_annotation="Session")
    connect.__signature__ = signature  # type: ignore[attr-defined]
    return connect


def _verb(method: Callable[Concatenate[Session, P], R]) -> Callable[P, R]:
    """Make a session's method a function on the current session, with its signature and words."""

    @functools.wraps(method)
    def verb(*args: P.args, **kwargs: P.kwargs) -> R:
        return method(current_session(), *args, **kwargs)

    signature = inspect.signature(method)
    parameters = list(signature.parameters.values())[1:]
    verb.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return verb


connect = _connector(Session)
aread_event = _verb(Session.aread_event)
aread_frequency = _verb(Session.aread_frequency)
aread_funnel = _verb(Session.aread_funnel)
aread_retention = _verb(Session.aread_retention)
aread_segment = _verb(Session.aread_segment)
aread_tag = _verb(Session.aread_tag)
attach = _verb(Session.attach)
cache_info = _verb(Session.cache_info)
clear_cache = _verb(Session.clear_cache)
earlier_job = _verb(Session.earlier_job)
graphql = _verb(Session.graphql)
jobs = _verb(Session.jobs)
list_events = _verb(Session.list_events)
list_frequencies = _verb(Session.list_frequencies)
list_funnels = _verb(Session.list_funnels)
list_projects = _verb(Session.list_projects)
list_retentions = _verb(Session.list_retentions)
list_segments = _verb(Session.list_segments)
list_tags = _verb(Session.list_tags)
read_event = _verb(Session.read_event)
read_frequency = _verb(Session.read_frequency)
read_funnel = _verb(Session.read_funnel)
read_many = _verb(Session.read_many)
read_profiles = _verb(Session.read_profiles)
read_retention = _verb(Session.read_retention)
read_segment = _verb(Session.read_segment)
read_tag = _verb(Session.read_tag)
search = _verb(Session.search)
submit_event = _verb(Session.submit_event)
submit_frequency = _verb(Session.submit_frequency)
submit_funnel = _verb(Session.submit_funnel)
submit_retention = _verb(Session.submit_retention)
submit_segment = _verb(Session.submit_segment)
submit_tag = _verb(Session.submit_tag)
use = _verb(Session.use)

del _accessor


def load_ipython_extension(shell: Any) -> None:
    """Give a shell ``%gio`` and ``%%gio graphql``; IPython calls it: ``%load_ext gio_pandas``."""
    from gio_pandas.notebook.magics import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take out again what ``load_ipython_extension`` has put in: ``%unload_ext gio_pandas``."""
    from gio_pandas.notebook.magics import unload

    unload(shell)


_LATER = {
    "AnalysisPicker": "notebook.pickers",
    "ProjectPicker": "notebook.pickers",
    "SegmentPicker": "notebook.pickers",
    "TagPicker": "notebook.pickers",
    "diff": "comparison.diff",
    "pick": "notebook.pick",
}
"""What not everybody uses, by the module that has it."""


def __getattr__(name: str) -> Any:
    """Import ``gio.sandbox``, and what is of use to some, where it is first used."""
    if name == "sandbox":
        return importlib.import_module("gio_pandas.sandbox")
    if name in _LATER:
        return getattr(importlib.import_module(f"gio_pandas.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Show what is for use, and not what this module is made of."""
    return [*__all__, "sandbox"]
