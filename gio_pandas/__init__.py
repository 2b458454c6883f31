"""GrowingIO OP (客户数据平台) exports as pandas DataFrames.

>>> import gio_pandas as gio
>>> gio.connect("sandbox:")
Session('sandbox:', project='默认项目')
>>> df = gio.read_segment("高价值用户", tags=["会员等级"], properties=["usr_city"])
"""

from __future__ import annotations

import functools
import importlib
import inspect
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Concatenate, ParamSpec, TypeVar

from gio_pandas import accessor as _accessor
from gio_pandas._version import __version__
from gio_pandas.api.secrecy import sealed
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
from gio_pandas.session import ReadOptions, Session

__all__ = [
    "AmbiguousNameError",
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
    "Session",
    "SettingsError",
    "SubmitUncertainError",
    "__version__",
    "as_completed",
    "attach",
    "cache_info",
    "clear_cache",
    "connect",
    "current_session",
    "graphql",
    "jobs",
    "list_events",
    "list_frequencies",
    "list_funnels",
    "list_projects",
    "list_retentions",
    "list_segments",
    "list_tags",
    "read_event",
    "read_frequency",
    "read_funnel",
    "read_many",
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
]

P = ParamSpec("P")
R = TypeVar("R")

_lock = threading.Lock()
_current: Session | None = None


def current_session() -> Session:
    """Give the session last connected; at the first use, one made from the settings.

    Raises
    ------
    SettingsError
        None is connected, and nothing is set in the environment or the profile file.
    """
    global _current
    with _lock:
        if _current is None:
            _current = Session()
        return _current


def _connector(make: Callable[P, Session]) -> Callable[P, Session]:
    """Make the function that makes a session the current one, with its signature."""

    @sealed
    @functools.wraps(make, assigned=("__module__",), updated=())
    def connect(*args: P.args, **kwargs: P.kwargs) -> Session:
        global _current
        session = make(*args, **kwargs)
        with _lock:
            _current = session
        return session

    signature = inspect.signature(make).replace(return_annotation="Session")
    connect.__signature__ = signature  # type: ignore[attr-defined]
    _, _, parameters = (make.__doc__ or "").partition("Parameters\n")
    connect.__doc__ = f"""Choose the platform that the verbs of this module speak with.

    Nothing is sent before the first verb. Returns the ``Session``, the current one from now on.

    Parameters
{parameters}"""
    return connect


def _verb(method: Callable[Concatenate[Session, P], R]) -> Callable[P, R]:
    """Make a session's method a function on the current session, with its signature and words."""

    @functools.wraps(method)
    def verb(*args: P.args, **kwargs: P.kwargs) -> R:
        return method(current_session(), *args, **kwargs)

    verb.__signature__ = _spelled_out(inspect.signature(method))  # type: ignore[attr-defined]
    return verb


_DEFAULTS = {"timeout": ..., "refresh": False}


def _spelled_out(signature: inspect.Signature) -> inspect.Signature:
    """Drop ``self``, and name each of ``**options``, so that help and completion show them."""
    parameters = list(signature.parameters.values())[1:]
    if parameters and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD:
        parameters[-1:] = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=_DEFAULTS.get(name),
                annotation=hint.__forward_arg__,
            )
            for name, hint in ReadOptions.__annotations__.items()
        ]
    return signature.replace(parameters=parameters)


connect = _connector(Session)
attach = _verb(Session.attach)
cache_info = _verb(Session.cache_info)
clear_cache = _verb(Session.clear_cache)
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

del _accessor


def __getattr__(name: str) -> ModuleType:
    """Import ``gio.sandbox`` where it is first used."""
    if name != "sandbox":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("gio_pandas.sandbox")


def __dir__() -> list[str]:
    """Show what is for use, and not what this module is made of."""
    return [*__all__, "sandbox"]
