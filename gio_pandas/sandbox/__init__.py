"""A platform to practise on: a real server on the loopback interface, with made-up data.

It answers as the GrowingIO OP platform does (token, GraphQL, download; docs/op-api.md, sections
1-6), so demos, notebooks, tests and benchmarks need neither an account nor a network:

    from gio_pandas import sandbox

    with sandbox.start(users=50_000, stage_seconds=0) as platform:
        print(platform.url, platform.api_key)

It misbehaves where it is told to, so that your own code can be tested (`FAULTS` has all there is):

    with sandbox.start(faults=["503:poll@1-3", "cut:download@1"]) as platform:
        ...  # your export
        print(platform.played)  # what has really happened

It needs the extra ``pip install "gio-pandas[sandbox]"`` and imports nothing else of this package.
"""

import atexit
import threading
from collections.abc import Callable
from typing import Any

from gio_pandas.sandbox.faults.fault import FAULTS, Fault
from gio_pandas.sandbox.log import Play, Request
from gio_pandas.sandbox.options import Options
from gio_pandas.sandbox.server import Sandbox

__all__ = ["FAULTS", "Fault", "Options", "Play", "Request", "Sandbox", "embedded", "serve", "start"]

_embedded_lock = threading.Lock()
_embedded: Sandbox | None = None


def start(**options: Any) -> Sandbox:
    """Start a sandbox in a thread of this process.

    Parameters
    ----------
    **options
        The fields of `Options`.

    Returns
    -------
    Sandbox
        It answers already; stop it with ``.stop()`` or use it as a context manager.

    Raises
    ------
    TypeError
        For an option that does not exist.
    ValueError
        For an option with an impossible value, such as a file in `results` that is not there.
    ModuleNotFoundError
        When the extra ``sandbox`` is not installed.
    OSError
        When the port asked for is taken.

    Examples
    --------
    >>> with gio.sandbox.start(users=100, stage_seconds=0, faults=["401:download@1"]) as platform:
    ...     with gio.Session(platform.url, api_key=platform.api_key) as session:
    ...         print(len(session.read_tag("会员等级")))
    ...     print([(play.fault, play.step) for play in platform.played])
    80
    [('401', 'download')]
    """
    return Sandbox(Options(**options)).start()


def embedded() -> Sandbox:
    """Return the one sandbox of this process, with default options.

    It starts at the first use and stops when the process ends. After its ``stop()`` the next call
    starts a new one.

    Returns
    -------
    Sandbox
        What ``gio.connect("sandbox:")`` speaks with.

    Raises
    ------
    ModuleNotFoundError
        When the extra ``sandbox`` is not installed.
    """
    global _embedded
    with _embedded_lock:
        if _embedded is None or not _embedded.running:
            _embedded = start()
            atexit.register(_embedded.stop)
        return _embedded


def serve(
    port: int = 8765, *, on_ready: Callable[[str, str], None] | None = None, **options: Any
) -> None:
    """Run a sandbox in the foreground until Ctrl-C.

    Parameters
    ----------
    port
        The port on 127.0.0.1; 0 takes any free one.
    on_ready
        Called once with the url and the API key, when the sandbox answers.
    **options
        The other fields of `Options`.

    Raises
    ------
    TypeError, ValueError, ModuleNotFoundError, OSError
        As `start`.
    """
    with start(port=port, **options) as sandbox:
        if on_ready is not None:
            on_ready(sandbox.url, sandbox.api_key)
        sandbox.wait()
