"""The web server around the application."""

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import uvicorn
from starlette.types import Scope

from gio_pandas.sandbox.app import build_app
from gio_pandas.sandbox.platform import Platform

# How long a stop waits for answers under way, in seconds.
GRACE_SECONDS = 1
NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Service(uvicorn.Server):
    """Serves one platform and, when told to stop, leaves no connection behind.

    Parameters
    ----------
    platform
        What it answers for.
    """

    def __init__(self, platform: Platform) -> None:
        config = uvicorn.Config(
            build_app(platform, self._hang_up),
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            # Nobody stands between, and a connection is found by its client's own address.
            proxy_headers=False,
        )
        super().__init__(config)
        self._platform = platform
        self._wake: Callable[[], object] = lambda: None  # until it serves

    def serve_on(self, listener: socket.socket) -> None:
        """Serve until `stop`, then close the listener and join the workers."""
        try:
            self.run(sockets=[listener])
        finally:
            listener.close()
            self._platform.close()

    def _hang_up(self, scope: Scope, reset: bool) -> None:
        for connection in list(self.server_state.connections):
            transport = connection.transport
            if transport.get_extra_info("peername") != scope["client"]:
                continue
            if reset:
                # A close that waits for nothing, not even for an orderly end.
                line = transport.get_extra_info("socket")
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
                transport.abort()
            else:
                transport.close()

    def stop(self) -> None:
        """Have it stop, from any thread: at once, where uvicorn would look now and then."""
        self.should_exit = True
        with suppress(RuntimeError):  # it has stopped
            self._wake()

    async def main_loop(self) -> None:
        """Serve until it is to stop."""
        told = asyncio.Event()
        self._wake = partial(asyncio.get_running_loop().call_soon_threadsafe, told.set)
        looking = asyncio.ensure_future(super().main_loop())  # at the time, for the date header
        hearing = asyncio.ensure_future(told.wait())
        await asyncio.wait((looking, hearing), return_when=asyncio.FIRST_COMPLETED)
        looking.cancel()
        hearing.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let answers under way end, for a while, and break off what nobody reads to its end.

        As uvicorn's own does, without its pauses: they add up where many are stopped.
        """
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                while self.server_state.connections or self.server_state.tasks:
                    await asyncio.sleep(0.002)
        for task in self.server_state.tasks:
            task.cancel()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        # The transports close themselves in the loop's next turns.
        for _ in range(3):
            await asyncio.sleep(0)
