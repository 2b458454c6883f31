"""A server on a loopback socket that answers what a test tells it to, however odd."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self
from urllib.parse import urlsplit

GRAPHQL = "/graphql"
TOKEN = "/accounts/oauth/access_token"
DOWNLOAD = "/download"
LOGIN_PAGE = b"<!DOCTYPE html><html><body>log in</body></html>"
API_KEY = "a-key-that-nobody-else-may-see"


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    port: int

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What is sent back; a body of several pieces is sent chunk by chunk.

    ``ending`` is how it ends: whole, ``cut`` in the middle of its body, ``reset`` before its
    first byte, ``hang``: never, ``leave``: whole, and then the connection is closed unannounced.
    """

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    ending: Literal["whole", "cut", "reset", "hang", "leave"] = "whole"


Teller = Callable[[Asked], Answer]


def said(body: Any, status: int = 200, **headers: str) -> Answer:
    """Answer JSON."""
    kind = {"Content-Type": "application/json"}
    return Answer(status, json.dumps(body).encode(), kind | _named(headers))


def data(**fields: Any) -> Answer:
    """Answer a GraphQL request."""
    return said({"data": fields})


def refused(message: str = "no", status: int = 200, *, code: str = "", **more: Any) -> Answer:
    """Answer a GraphQL request with an error; ``data`` stands beside it where it is given."""
    error = {"message": message} | ({"extensions": {"code": code}} if code else {})
    return said({"errors": [error], **more}, status)


def page(status: int = 200) -> Answer:
    """Answer a web page."""
    return Answer(status, LOGIN_PAGE, {"Content-Type": "text/html; charset=utf-8"})


def moved(target: str, status: int = 302) -> Answer:
    """Answer a redirect."""
    return Answer(status, b"", {"Location": target})


def status(number: int, **headers: str) -> Answer:
    """Answer a status and nothing else."""
    return Answer(number, b"", _named(headers))


RESET = Answer(ending="reset")
HANG = Answer(ending="hang")


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


class Wire:
    """The server and the log of what it was asked."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._tellers: dict[str, list[Answer | Teller]] = {}
        self._scheme = "https" if tls else "http"
        self._server = _Server(self, tls)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.on(TOKEN, lambda _: said({"access_token": f"token-{len(self.at(TOKEN))}"}))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def on(self, path: str, *answers: Answer | Teller) -> Self:
        """Say what is answered at a path: one after the other, the last one for ever."""
        self._tellers[path] = list(answers)
        return self

    def at(self, path: str) -> list[Asked]:
        """List what was asked at a path."""
        return [asked for asked in self.asked if asked.path.endswith(path)]

    def counts(self) -> dict[str, int]:
        """Say how often each path was asked."""
        return {path: len(self.at(path)) for path in (TOKEN, GRAPHQL, DOWNLOAD) if self.at(path)}

    def answer(self, asked: Asked) -> Answer:
        """Answer a request."""
        with self._lock:
            self.asked.append(asked)
            answers = next((a for p, a in self._tellers.items() if asked.path.endswith(p)), None)
            if answers is None:
                return status(404)
            first = answers.pop(0) if len(answers) > 1 else answers[0]
        return first if isinstance(first, Answer) else first(asked)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, wire: Wire, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.wire = wire
        if tls:
            self.socket = tls.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients hang up on purpose here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_CONNECT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        wire: Wire = self.server.wire
        length = int(self.headers.get("content-length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        body, port = self.rfile.read(length), self.client_address[1]
        answer = wire.answer(Asked(self.command, self.path, headers, body, port))
        if answer.ending == "hang":
            wire.closing.wait(10)
        if answer.ending in ("hang", "reset"):
            self._reset()
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        with contextlib.suppress(OSError):
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        if isinstance(answer.body, bytes):
            length = len(answer.body) + (1000 if answer.ending == "cut" else 0)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(answer.body)
        else:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in answer.body:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if answer.ending != "cut":
                self.wfile.write(b"0\r\n\r\n")
        self.close_connection = self.close_connection or answer.ending in ("cut", "leave")

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Say nothing."""
