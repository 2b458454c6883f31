"""The layer that misbehaves."""

from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from gio_pandas.sandbox.faults.call import Call
from gio_pandas.sandbox.faults.plan import Turn
from gio_pandas.sandbox.platform import Platform
from gio_pandas.sandbox.recorder import STEP

HangUp = Callable[[Scope, bool], None]


class Faults:
    """Does to each request what the platform's plan says; the first fault is the outermost.

    Parameters
    ----------
    app
        The layers below.
    platform
        Whose plan it is.
    hang_up
        Closes a request's connection; with True it is reset.
    """

    def __init__(self, app: ASGIApp, platform: Platform, hang_up: HangUp) -> None:
        self._app = app
        self._platform = platform
        self._hang_up = hang_up

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or do something else with it."""
        app = self._app
        for turn in reversed(self._platform.plan.turns(scope[STEP], self._file_number(scope))):
            app = self._spoiled(app, turn)
        await app(scope, receive, send)

    def _spoiled(self, app: ASGIApp, turn: Turn) -> ASGIApp:
        async def spoiled(scope: Scope, receive: Receive, send: Send) -> None:
            call = Call(turn, self._platform, app, scope, receive, send, self._hang_up)
            await turn.fault.kind.behave(call)

        return spoiled

    def _file_number(self, scope: Scope) -> int:
        if scope[STEP] != "download":
            return 0
        paths = parse_qs(scope["query_string"].decode()).get("file", [""])
        return self._platform.jobs.file_number(paths[0])
