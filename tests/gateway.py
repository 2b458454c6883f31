"""A company's gateway before a platform: wants a header and a cookie, sets one, signs addresses.

What it lets through is answered by the platform behind it, over a socket. A file's download is
redirected to a store of another origin, by an address whose signature is as good as a key.
"""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

WANTED = {"X-Gateway": "gw/9+secret&value=1", "Cookie": "sid=a-cookie/of+mine"}
SESSION = "a-session-that-the-gateway+gave"
SIGNATURE = "c2lnbmVk/by+the-store"
TOKEN = "/accounts/oauth/access_token"
_HOP = ("connection", "content-length", "date", "host", "server", "transfer-encoding")


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def path(self) -> str:
        return urlsplit(self.target).path


@dataclass(frozen=True)
class Answer:
    """What is sent back; ``raw`` in place of all of it, ``short`` bytes less than announced."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = b""
    short: int = 0


Rule = Callable[[Asked], Answer | None]


class Gateway:
    """The gateway and its store; ``rule`` may answer in place of the platform."""

    def __init__(self, platform: str) -> None:
        self.rule: Rule = lambda _: None
        self.wanted: Mapping[str, str] = WANTED
        self.asked: list[Asked] = []
        self.stored: list[Asked] = []
        self.tokens: list[str] = []
        self.file: Answer | None = None
        self._platform = platform
        self._bodies: list[Answer] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._store = self._stack.enter_context(_Listener(self._keep))
        self._front = self._stack.enter_context(_Listener(self._serve))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        return self._front.url

    def _serve(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        # Its own cookie may come beside.
        told = {name: asked.headers.get(name.lower(), "").split("; ") for name in self.wanted}
        if any(want not in told[name] for name, want in self.wanted.items()):
            return Answer(403)
        answer = self.rule(asked) or self._let_in(asked)
        cookie = {"Set-Cookie": f"gw={SESSION}; Path=/"}
        return Answer(
            answer.status, answer.body, {**answer.headers, **cookie}, answer.raw, answer.short
        )

    def _let_in(self, asked: Asked) -> Answer:
        answer = self._passed_on(asked)
        if asked.path.endswith(TOKEN) and answer.status == 200:
            self.tokens.append(json.loads(answer.body)["access_token"])
        if asked.path.endswith("/download") and answer.status == 200:
            self._bodies.append(answer)
            target = f"{self._store.url}/{len(self._bodies) - 1}?file=a.csv&Signature={SIGNATURE}"
            return Answer(302, b"", {"Location": target})
        return answer

    def _passed_on(self, asked: Asked) -> Answer:
        headers = {name: value for name, value in asked.headers.items() if name not in _HOP}
        request = urllib.request.Request(
            f"{self._platform}{asked.target}",
            data=asked.body or None,
            headers=headers,
            method=asked.method,
        )
        try:
            with urllib.request.urlopen(request) as response:
                return _copied(response)
        except urllib.error.HTTPError as error:
            with error:
                return _copied(error)

    def _keep(self, asked: Asked) -> Answer:
        self.stored.append(asked)
        return self.file or self._bodies[int(asked.path.strip("/"))]


def _copied(response: Any) -> Answer:
    headers = {n: v for n, v in response.headers.items() if n.lower() not in _HOP}
    return Answer(response.status, response.read(), headers)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, teller: Callable[[Asked], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.teller = teller
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients hang up on purpose here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    disable_nagle_algorithm = True
    server: _Listener

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.teller(Asked(self.command, self.path, headers, body))
        if answer.raw:
            self.wfile.write(answer.raw)
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body) + answer.short))
        self.end_headers()
        self.wfile.write(answer.body)
        self.close_connection = self.close_connection or bool(answer.short)

    def do_POST(self) -> None:
        self.do_GET()

    def do_CONNECT(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""
