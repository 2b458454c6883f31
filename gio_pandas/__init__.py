"""GrowingIO OP (客户数据平台) exports as pandas DataFrames.

>>> import gio_pandas as gio
>>> gio.connect("sandbox:")
Session('sandbox:', project='默认项目')
>>> df = gio.read_segment("高价值用户", tags=["会员等级"], properties=["usr_city"])

In a notebook, ``gio.pick()`` lets you choose on a screen what to export, and after
``%load_ext gio_pandas`` there is ``%gio``: ``%gio --help`` explains it.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

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

if TYPE_CHECKING:
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

_lock = threading.Lock()
# %reload_ext runs this module once more: who was connected stays so.
_current: Session | None = globals().get("_current")


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
aread_event = _verb(Session.aread_event)
aread_frequency = _verb(Session.aread_frequency)
aread_funnel = _verb(Session.aread_funnel)
aread_retention = _verb(Session.aread_retention)
aread_segment = _verb(Session.aread_segment)
aread_tag = _verb(Session.aread_tag)
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


_WIDGETS = {
    "AnalysisPicker": "pickers",
    "ProjectPicker": "pickers",
    "SegmentPicker": "pickers",
    "TagPicker": "pickers",
    "pick": "pick",
}
"""What stands on ipywidgets, by the module of ``gio_pandas.notebook`` that has it."""


def __getattr__(name: str) -> Any:
    """Import ``gio.sandbox``, the pickers and ``gio.pick`` where they are first used."""
    if name == "sandbox":
        return importlib.import_module("gio_pandas.sandbox")
    if name in _WIDGETS:
        return getattr(importlib.import_module(f"gio_pandas.notebook.{_WIDGETS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Show what is for use, and not what this module is made of."""
    return [*__all__, "sandbox"]
