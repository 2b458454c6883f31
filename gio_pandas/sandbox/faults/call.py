"""One request that a fault has to do with, and what can be done with it."""

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gio_pandas.sandbox.charsets import UTF_8, Charset
from gio_pandas.sandbox.faults.plan import Turn
from gio_pandas.sandbox.files import File
from gio_pandas.sandbox.log import Play
from gio_pandas.sandbox.platform import Platform
from gio_pandas.sandbox.recorder import BROKEN_OFF, OPERATION, STEP

Body = bytes | Iterable[bytes] | AsyncIterable[bytes]


class Ended(Exception):  # noqa: N818 nothing is wrong, but for the one who asked
    """The connection is closed: what would still be sent is not made any more."""


@dataclass
class Answer:
    """What the layers below answered, held back."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    def json(self) -> Any:
        """Return what it says where it is JSON of a success, else None."""
        try:
            return json.loads(self.body) if self.status == 200 else None
        except ValueError:
            return None


@dataclass
class Call:
    """One request, and the fault that has to do with it.

    Parameters
    ----------
    turn
        The fault, and whether it hits.
    platform
        Who was asked.
    app, scope, receive, send
        The layers below, and the request.
    hang_up
        Closes the request's connection; with True it is reset.
    """

    turn: Turn
    platform: Platform
    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    hang_up: Callable[[Scope, bool], None]
    _held: deque[Message] = field(default_factory=deque)

    @property
    def hit(self) -> bool:
        """Whether the fault hits this request, or watches it alone."""
        return self.turn.hit

    @property
    def number(self) -> int:
        """How many requests the fault has hit so far, with this one."""
        return self.turn.number

    @property
    def memory(self) -> dict[str, Any]:
        """What the fault keeps from one request to the next."""
        return self.turn.memory

    @property
    def step(self) -> str:
        """What the request is for."""
        return str(self.scope[STEP])

    @property
    def fields(self) -> tuple[str, ...]:
        """The root fields of a GraphQL request."""
        return tuple(self.scope[OPERATION].fields)

    @property
    def path(self) -> str:
        """The path that is asked for, below the platform's own prefix."""
        path: str = self.scope["path"]
        return path.removeprefix(self.prefix)

    @property
    def prefix(self) -> str:
        """The platform's path prefix."""
        return self.platform.options.path_prefix

    @property
    def headers(self) -> Mapping[str, str]:
        """The request's headers."""
        return Headers(scope=self.scope)

    @property
    def origin(self) -> str:
        """The platform's own origin, as the client calls it."""
        return f"{self.scope['scheme']}://{self.headers['host']}"

    @property
    def file(self) -> str:
        """The path of the file that a download asks for."""
        query: str = self.scope["query_string"].decode()
        return parse_qs(query).get("file", [""])[0]

    @property
    def charset(self) -> Charset:
        """What that file is written in."""
        file = self.platform.jobs.file(self.file)
        return file.form.charset if isinstance(file, File) else UTF_8

    @property
    def seconds(self) -> float:
        """The fault's parameter."""
        return float(self.turn.fault.parameter("seconds"))

    @property
    def size(self) -> int | None:
        """The fault's parameter."""
        size = self.turn.fault.parameter("size")
        return None if size is None else int(size)

    @property
    def url(self) -> str:
        """The fault's parameter."""
        return str(self.turn.fault.parameter("url"))

    @staticmethod
    def now() -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()

    def play(self) -> None:
        """Write down that the fault happens now, before anyone can see it."""
        self.platform.log.play(Play(self.turn.fault.name, self.step, self.number))

    # --- the layers below ---------------------------------------------------------------------

    async def pass_on(self, send: Send | None = None, scope: Scope | None = None) -> None:
        """Let the layers below answer, until they are left."""
        with suppress(Ended):
            await self.app(scope or self.scope, self._again, send or self.send)

    async def carry_out(self, scope: Scope | None = None) -> Answer:
        """Let the layers below answer, and hold their answer back."""
        answer = Answer()
        pieces: list[bytes] = []

        async def hold(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status, answer.headers = message["status"], list(message["headers"])
            else:
                pieces.append(message.get("body", b""))

        await self.pass_on(hold, scope)
        answer.body = b"".join(pieces)
        return answer

    def without(self, *names: str) -> Scope:
        """Return the request without some of its headers, named in small letters."""
        unwanted = [name.encode() for name in names]
        kept = [pair for pair in self.scope["headers"] if pair[0] not in unwanted]
        return {**self.scope, "headers": kept}

    # --- the answer ---------------------------------------------------------------------------

    async def answer(
        self, status: int, body: Body = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer in the place of the layers below; a stream has no length."""
        raw = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        await self.reply(Answer(status, raw), body)

    async def reply(self, answer: Answer, body: Body | None = None) -> None:
        """Send what was held back, or another body under its head; a stream has no length."""
        headers = MutableHeaders(raw=list(answer.headers))
        body = answer.body if body is None else body
        del headers["content-length"]
        if isinstance(body, bytes):
            headers["content-length"] = str(len(body))
        await self.send(
            {"type": "http.response.start", "status": answer.status, "headers": headers.raw}
        )
        if not isinstance(body, bytes):
            await self._stream(body)
            body = b""
        await self.send({"type": "http.response.body", "body": body})

    async def _stream(self, body: Iterable[bytes] | AsyncIterable[bytes]) -> None:
        gone = asyncio.create_task(self._gone())
        try:
            async for piece in _each(body):
                if gone.done():
                    return
                await self.send({"type": "http.response.body", "body": piece, "more_body": True})
                await asyncio.sleep(0)  # a turn for whoever else is asking
        finally:
            gone.cancel()

    async def end(self, *, reset: bool = False) -> None:
        """Close the connection once what was sent has left, or reset it."""
        await self.send({"type": BROKEN_OFF})
        self.hang_up(self.scope, reset)
        await self._gone()

    async def leave(self) -> NoReturn:
        """Close the connection, and leave the layers below in the middle of their answer."""
        await self.end()
        raise Ended

    async def pause(self, seconds: float) -> None:
        """Let time pass; less of it where the client leaves."""
        gone = asyncio.create_task(self._gone())
        await asyncio.wait([gone], timeout=seconds)
        gone.cancel()

    # --- the request --------------------------------------------------------------------------

    async def _gone(self) -> None:
        """Return when the client has left, and keep the request's body for the layers below."""
        while (message := await self.receive())["type"] != "http.disconnect":
            self._held.append(message)

    async def _again(self) -> Message:
        return self._held.popleft() if self._held else await self.receive()


async def _each(body: Iterable[bytes] | AsyncIterable[bytes]) -> AsyncIterable[bytes]:
    if isinstance(body, AsyncIterable):
        async for piece in body:
            yield piece
    else:
        for piece in body:
            yield piece
