"""The layer that writes the request log."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

from graphql import DocumentNode, FieldNode, GraphQLError, OperationDefinitionNode, parse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gio_pandas.sandbox.log import Request, RequestLog

OPERATION = "gio.operation"
STEP = "gio.step"
# What a layer below sends where it hangs up: logged before the client can know.
BROKEN_OFF = "gio.broken_off"


_ENDS = {"/accounts/oauth/access_token": "token", "/download": "download"}


@dataclass(frozen=True)
class Operation:
    """What a GraphQL body asks for: the operation's name and its root fields."""

    name: str = ""
    fields: tuple[str, ...] = ()


class Recorder:
    """The outermost layer: names the GraphQL operation and records how it was answered.

    It reads the body of a POST before anyone else and plays it again to the layers below, which
    find an `Operation` in ``scope[OPERATION]`` and what the request is for in ``scope[STEP]``; so a
    layer between can tell a poll from a submit.
    """

    def __init__(self, app: ASGIApp, log: RequestLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and record its answer."""
        body = await _body(receive) if scope["method"] == "POST" else b""
        operation = scope[OPERATION] = read_operation(body)
        scope[STEP] = read_step(scope["path"], operation)
        answered = False

        async def recording(message: Message) -> None:
            nonlocal answered
            if message["type"] in ("http.response.start", BROKEN_OFF) and not answered:
                answered = True
                self._log.add(_request(scope, operation, message.get("status", 0)))
            if message["type"] != BROKEN_OFF:
                await send(message)

        try:
            await self._app(scope, _replay(body, receive), recording)
        finally:
            if not answered:
                self._log.add(_request(scope, operation, 0))


def read_operation(body: bytes) -> Operation:
    """Return what a GraphQL body asks for; an empty `Operation` for any other body."""
    try:
        data = json.loads(body)
        document = parse(data["query"], no_location=True)
        asked = data.get("operationName")
    except (ValueError, TypeError, KeyError, AttributeError, GraphQLError):
        return Operation()
    for name, definition in _operations(document):
        if asked in (None, name):
            return Operation(name, tuple(_root_fields(definition)))
    return Operation(str(asked or ""))


def read_step(path: str, operation: Operation) -> str:
    """Return what a request is for; see `Request`."""
    if path.endswith("/graphql"):
        if any(field.startswith("submit") for field in operation.fields):
            return "submit"
        return "poll" if "jobResult" in operation.fields else "query"
    return next((step for end, step in _ENDS.items() if path.endswith(end)), "")


def _operations(document: DocumentNode) -> Iterator[tuple[str, OperationDefinitionNode]]:
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            yield (definition.name.value if definition.name else ""), definition


def _root_fields(definition: OperationDefinitionNode) -> Iterator[str]:
    for selection in definition.selection_set.selections:
        if isinstance(selection, FieldNode):
            yield selection.name.value


def _request(scope: Scope, operation: Operation, status: int) -> Request:
    return Request(
        method=scope["method"],
        path=scope["path"],
        step=scope[STEP],
        operation=operation.name,
        fields=operation.fields,
        status=int(status),
        at=time.monotonic(),
    )


async def _body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    played = False

    async def replayed() -> Message:
        nonlocal played
        if played:
            return await receive()
        played = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
