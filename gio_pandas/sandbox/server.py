"""The thread, the socket and the handle of one sandbox."""

import os
import socket
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gio_pandas.sandbox.faults.fault import Fault, read_faults
from gio_pandas.sandbox.faults.plan import Plan
from gio_pandas.sandbox.log import Play, Request
from gio_pandas.sandbox.options import Options

if TYPE_CHECKING:
    from gio_pandas.sandbox.platform import Platform
    from gio_pandas.sandbox.service import Service

HOST = "127.0.0.1"
START_SECONDS = 30.0


class Sandbox:
    """The handle of one sandbox.

    Parameters
    ----------
    options
        Its settings; nothing starts before `start`.

    Notes
    -----
    All methods may be called from any thread. As a context manager it stops when the block ends.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._platform: Platform | None = None
        self._server: Service | None = None
        self._thread: threading.Thread | None = None
        self._port = options.port

    def __repr__(self) -> str:
        state = "running" if self.running else "stopped"
        return f"<Sandbox {self.url} {state}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def options(self) -> Options:
        """The settings it was started with."""
        return self._options

    @property
    def url(self) -> str:
        """The platform's address, path prefix included, without a slash at the end."""
        return f"http://{HOST}:{self._port}{self._options.path_prefix}"

    @property
    def api_key(self) -> str:
        """The key that its token endpoint accepts."""
        return self._options.api_key

    @property
    def running(self) -> bool:
        """Whether it is started and not yet stopped."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def requests(self) -> tuple[Request, ...]:
        """What it was asked so far, oldest first; at most the last 10,000 requests."""
        return self._platform.log.snapshot() if self._platform else ()

    @property
    def jobs(self) -> tuple[str, ...]:
        """The ids of all jobs that submits have really started, oldest first."""
        return self._platform.jobs.started() if self._platform else ()

    @property
    def played(self) -> tuple[Play, ...]:
        """The faults that have really happened, oldest first; at most the last 10,000."""
        return self._platform.log.plays() if self._platform else ()

    def misbehave(self, *faults: Fault | str) -> None:
        """Play these faults from now on, none for none; their requests are counted anew.

        Parameters
        ----------
        *faults
            `Fault`, or its short form such as ``"cut:download@2"``.

        Raises
        ------
        ValueError
            There is no such fault.
        """
        plan = Plan(read_faults(faults))
        if self._platform:
            self._platform.plan = plan

    def forget_requests(self) -> None:
        """Empty the request log, and that of the faults that happened."""
        if self._platform:
            self._platform.log.clear()

    def expire_tokens(self) -> None:
        """Make every token issued so far invalid from now on."""
        if self._platform:
            self._platform.tokens.expire()

    def start(self) -> Self:
        """Bind the socket, start the thread, and return when the sandbox answers.

        Returns
        -------
        Sandbox
            This one.

        Raises
        ------
        RuntimeError
            It was started before, or does not come up.
        OSError
            The port is taken.
        """
        with self._lock:
            if self._thread is not None:
                raise RuntimeError("a sandbox starts once; start another one")
            self._platform, self._server = _build(self._options)
            # Bound here, not by uvicorn: the url is known at once and nobody else can take it.
            listener = _listen(self._options.port)
            self._port = listener.getsockname()[1]
            self._thread = threading.Thread(
                target=self._server.serve_on,
                args=(listener,),
                name=f"gio-sandbox-{self._port}",
                daemon=True,
            )
            self._thread.start()
            self._until_started()
        return self

    def stop(self) -> None:
        """Stop the server, join its thread and free the port; a second call does nothing."""
        with self._lock:
            if self._server is None or self._thread is None:
                return
            self._server.stop()
            self._thread.join()

    def wait(self) -> None:
        """Block until the sandbox stops or Ctrl-C, which is not an error here."""
        try:
            while self.running:
                time.sleep(0.2)
        except KeyboardInterrupt:
            return

    def _until_started(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not (self._server and self._server.started):
            if not self.running or time.monotonic() > deadline:
                raise RuntimeError(f"the sandbox did not start on {self.url}")
            time.sleep(0.005)


def _listen(port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only where the protocol is named, as create_server() does not;
    # without it every answer waits 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _build(options: Options) -> "tuple[Platform, Service]":
    try:
        import ariadne  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ModuleNotFoundError as error:
        hint = f'the sandbox needs {error.name}: pip install "gio-pandas[sandbox]"'
        raise ModuleNotFoundError(hint, name=error.name) from error
    from gio_pandas.sandbox.platform import Platform
    from gio_pandas.sandbox.service import Service

    platform = Platform(options)
    return platform, Service(platform)
