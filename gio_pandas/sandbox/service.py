"""The web server around the application."""

import asyncio
import os
import socket
import struct

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
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        super().__init__(config)
        self._platform = platform

    def serve_on(self, listener: socket.socket) -> None:
        """Serve until `should_exit` is set, then close the listener and join the workers."""
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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut down, and break off the downloads that nobody reads to their end."""
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        # The transports close themselves in the loop's next turns.
        for _ in range(3):
            await asyncio.sleep(0)
