"""Trying verbs on a platform where things go wrong, and judging what came of it."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pandas as pd
from mishaps import UNCERTAIN, Case
from sandbox.client import PROJECT, Client

import gio_pandas as gio
from gio_pandas.sandbox import Fault, Sandbox

API_KEY = "a-key-that-only-the-platform-may-see"
PROPERTIES = ["usr_gender", "usr_city", "usr_phone", "usr_nickname"]
PLENTY = 20.0
"""Seconds within which threads and connections end, on a busy machine too."""

ITEMS = {
    "tag": "订单交易笔数",
    "segment": "高价值用户",
    "funnel": "漏斗1",
    "event": "事件1",
    "retention": "留存1",
    "frequency": "分布1",
}
RESOURCES = {
    "funnel": "FUNNELS",
    "event": "CHARTS",
    "retention": "RETENTIONS",
    "frequency": "FREQUENCIES",
}


def client_of(platform: Sandbox) -> Client:
    """Sign in with a client that keeps no connection open, so that open ones can be counted."""
    return Client(platform, limits=httpx.Limits(max_keepalive_connections=0)).sign_in()


class Elsewhere:
    """Another origin that has the platform's files, and keeps what it is sent."""

    def __init__(self, platform: Sandbox) -> None:
        self.headers: list[dict[str, str]] = []
        assert platform._platform is not None
        jobs = platform._platform.jobs
        kept = self.headers

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kept.append(dict(self.headers))
                address = urlsplit(self.path)
                file = parse_qs(address.query).get("file", [httpx.URL(self.path).path])[0]
                found = jobs.file(file)
                body = b"".join(found.chunks()) if found else b""
                self.send_response(200 if found else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass(frozen=True)
class Trial:
    """What a verb has given or raised, and what it has cost."""

    result: Any
    error: gio.GioError | None
    jobs: tuple[str, ...]
    submits: int
    played: frozenset[str]


class Bench:
    """A platform that every case is tried on, its finished jobs, and what is right."""

    def __init__(self, platform: Sandbox) -> None:
        self.platform = platform
        self.elsewhere = Elsewhere(platform)
        self._client = client_of(platform)
        self._jobs: dict[str, str] = {}
        self._right: dict[object, Any] = {}

    def close(self) -> None:
        """Close the connections."""
        self._client.http.close()
        self.elsewhere.close()

    def faults(self, specs: Sequence[str]) -> list[Fault]:
        """Read faults."""
        return [Fault.parse(spec.replace("{elsewhere}", self.elsewhere.url)) for spec in specs]

    def job(self, kind: str) -> str:
        """Give the id of a finished job that another program has submitted."""
        if kind not in self._jobs:
            self._jobs[kind] = self._submitted(kind)["id"]
        return self._jobs[kind]

    def _submitted(self, kind: str) -> dict[str, Any]:
        more = {"charset": "UTF-16LE"}
        if kind == "tag":
            return self._client.tag("tag_payment_times", properties=PROPERTIES, **more)
        if kind == "segment":
            return self._client.segment(ITEMS[kind], properties=PROPERTIES, **more)
        return self._client.analysis(RESOURCES[kind], ITEMS[kind], **more)

    def served(self, kind: str, faults: Sequence[str]) -> list[bytes]:
        """Give a job's files as the platform sends them."""
        result = self._client.wait({"id": self.job(kind)})
        self.platform.misbehave(*self.faults(faults))
        return [self._client.download(uri).content for uri in result["uris"]]

    def right(self, verb: str, kind: str, ask: Callable[[gio.Session, Path], Any]) -> Any:
        """Give what a verb gives on a day on which nothing goes wrong."""
        if (verb, kind) not in self._right:
            self.platform.misbehave()
            with self.session() as session, tempfile.TemporaryDirectory() as folder:
                self._right[verb, kind] = ask(session, Path(folder))
        return self._right[verb, kind]

    def session(self, timeout: float = 60.0) -> gio.Session:
        """Open a session."""
        return gio.Session(
            self.platform.url,
            api_key=API_KEY,
            project=PROJECT,
            timeout=timeout,
            requests_per_second=None,
        )

    def tried(self, case: Case, ask: Callable[[gio.Session, Path], Any], folder: Path) -> Trial:
        """Let a verb run while things go wrong."""
        # A request that an earlier trial gave up may wait to be read, and would meet the faults.
        soon(lambda: connections() == 0)
        before = self.platform.jobs
        self.platform.forget_requests()
        self.platform.misbehave(*self.faults(case.faults))
        result = error = None
        with self.session(case.timeout) as session:
            try:
                result = ask(session, folder)
            except gio.GioError as caught:
                error = caught
        played = frozenset(play.fault for play in self.platform.played)
        submits = [request.step for request in self.platform.requests].count("submit")
        return Trial(result, error, self.platform.jobs[len(before) :], submits, played)

    @property
    def secrets(self) -> list[str]:
        """The key, and the tokens in force."""
        assert self.platform._platform is not None
        return [API_KEY, *self.platform._platform.tokens._issued]


def threads() -> set[threading.Thread]:
    """List the threads that are not the platform's own."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith("gio-sandbox")}


def descriptors() -> int:
    """Count open files and sockets, where that can be told; not those of a server's own side."""
    ends = _ends()
    return len(ends) - len(_served(ends))


def connections() -> int:
    """Count the connections that servers of this process have not hung up yet."""
    return len(_served(_ends()))


def _served(ends: list[tuple[int | None, bool]]) -> list[tuple[int | None, bool]]:
    ports = {port for port, listens in ends if listens}
    return [(port, listens) for port, listens in ends if port in ports and not listens]


def _ends() -> list[tuple[int | None, bool]]:
    """Give of each open descriptor the port of its own side, if any, and whether it listens."""
    if not os.path.exists("/proc/self/fd"):
        return []
    found = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # closed since it was listed
            found.append(_end(int(name)))
    return found


def _end(descriptor: int) -> tuple[int | None, bool]:
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        return None, False
    with socket.socket(fileno=os.dup(descriptor)) as known:
        listens = bool(known.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        return (known.getsockname()[1] if known.family == socket.AF_INET else None), listens


def same(one: Any, other: Any) -> bool:
    """Tell whether two results are one: values, order, dtypes."""
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, pd.DataFrame):
        return one.equals(other) and list(one.dtypes) == list(other.dtypes)
    return bool(one.equals(other) if hasattr(one, "equals") else one == other)


def soon(holds: Callable[[], bool]) -> bool:
    """Wait for what may take a moment."""
    deadline = time.monotonic() + PLENTY
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.001)
    return held


Record = Callable[[str, object], None]


class Judge:
    """Says what is wrong with a trial, and hands counts on to the line at the end of all tests.

    Made before the trial: what is open then is not the trial's.
    """

    def __init__(self, bench: Bench, folder: Path, record_property: Record) -> None:
        self._bench = bench
        self._folder = folder
        self._record = record_property
        self._threads, self._descriptors = threads(), descriptors()

    def __call__(
        self, case: Case, trial: Trial, expected: Any, *, jobs: int, job_id: str | None = None
    ) -> list[str]:
        """List what is not as the case says, or as it has to be whatever goes wrong."""
        wrong = self._wrong(case, trial, expected)
        leaked = self._left(is_error=trial.error is not None) + self._secrets(trial.error)
        counts = {
            "exports": 1,
            "wrong": len(wrong),
            "duplicated": max(0, len(trial.jobs) - jobs),
            "lost": max(0, jobs - len(trial.jobs)),
            "leaked": len(leaked),
        }
        self._record("faults", (sorted(trial.played), counts))
        names = {fault.name for fault in self._bench.faults(case.faults)}
        return [
            *wrong,
            *leaked,
            *([] if len(trial.jobs) == jobs else [f"{len(trial.jobs)} jobs in place of {jobs}"]),
            *(["submitted again"] if case.error is UNCERTAIN and trial.submits > 1 else []),
            *([] if self._names(trial.error, job_id) else ["no gio.attach(…) in the message"]),
            *[f"{name} never happened" for name in names - trial.played],
        ]

    def _wrong(self, case: Case, trial: Trial, expected: Any) -> list[str]:
        if case.error is None:
            good = trial.error is None and same(trial.result, expected)
        else:
            good = type(trial.error) is case.error
        due = case.error.__name__ if case.error else "the right result"
        return [] if good else [f"{due} was due, not {trial.error or trial.result!r}"]

    def _left(self, *, is_error: bool) -> list[str]:
        temporary = list((self._folder.parent / "temp").iterdir())
        targets = [path for path in self._folder.rglob("*") if is_error or ".part" in path.suffixes]
        found = [f"left: {path.name}" for path in temporary + targets]
        if not soon(lambda: threads() <= self._threads):
            found.append(f"threads: {threads() - self._threads}")
        if not soon(lambda: descriptors() <= self._descriptors):
            found.append(f"{descriptors() - self._descriptors} descriptors are open")
        return found

    def _secrets(self, error: gio.GioError | None) -> list[str]:
        if error is None:
            return []
        words = "\n".join([repr(error), str(error), *traceback.format_exception(error)])
        return [f"a secret in {words}" for secret in self._bench.secrets if secret in words]

    def _names(self, error: gio.GioError | None, job_id: str | None) -> bool:
        told = "\n".join([str(error), *getattr(error, "__notes__", ())])
        return error is None or job_id is None or f"gio.attach({job_id!r})" in told
