"""A platform on a loopback socket, from the documents alone, that misbehaves where told to."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, quote, unquote, unquote_plus

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    execute_sync,
    parse,
    specified_rules,
    validate,
)

from .schema import documented_schema
from .tables import Table, Writing
from .world import Record, World

API_KEY = "an-api-key-that-nobody-else-may-see"
LOGIN_PAGE = "<!DOCTYPE html><html><head><title>登录</title></head><body>请登录</body></html>"
ALWAYS = range(1, 1_000_000)


@dataclass(frozen=True)
class Fault:
    """What goes wrong at some requests of a step.

    ``step`` is ``token``, ``query``, ``submit``, ``poll``, ``download``, or ``any`` for all but the
    first. ``what`` is an HTTP status, or ``page`` and ``redirect`` (to a login page), ``reset``
    (the connection ends with no answer), ``hang``, ``cut`` and ``cut-chunked`` (it ends in the
    middle of the body). ``at`` counts the step's requests from 1.
    """

    step: str
    what: int | str
    at: range | tuple[int, ...] = (1,)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """How one platform differs from another."""

    # access
    auth_scheme: str | None = "Token"  # None: any request is let in
    wrong_key_status: int = 401
    expires_in: int | None = None
    token_lives: int | None = None  # how many requests a token is good for
    token_delay: float = 0.0  # seconds
    required_headers: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    login_url: str = "/login"
    # GraphQL
    old: bool = False
    introspection: bool = True
    validation_status: int = 400
    validation_data: bool = False  # whether a refused query is answered with "data": null
    validation_words: str = "graphql-js"  # or "graphql-java"
    tags_key: bool = False  # dataCenterTags answered under the key "tags"
    wrapped: bool = False  # answers in a list
    partial: tuple[str, ...] = ()  # root fields answered together with an error
    failing: tuple[str, ...] = ()  # root fields answered by an error and "data": null
    # jobs
    stages: tuple[str | None, ...] = ("FINISH",)  # one a poll, the last for ever; None: no answer
    uris_before: tuple[str, ...] | None = None  # what is answered for uris before FINISH
    uris_after: str = "files"  # or "null", "empty"
    submit_stage: str | None = None
    submit_error: Record | None = None
    # files
    charset: str | None = None  # None: the one asked for
    writing: Writing = field(default_factory=Writing)
    header: str = "key"  # or "name"
    table: Table | None = None  # exported whatever is asked for
    parts: int = 1
    bodies: tuple[bytes, ...] | None = None  # the files' bytes, whatever is asked for
    changing: bool = False  # a file is another one, of the same length, at each request for it
    file_name: str = "下载用户列表.csv"
    uris: str = "raw"  # or "encoded", "encoded-slashes", "absolute", "elsewhere"
    plus_is_space: bool = True
    transfer: str = "length"  # or "chunked", "close"
    gzip: bool = False
    ranges: bool = True
    etag: bool = True
    # what goes wrong
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    step: str
    fields: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """One answer to send: a status, headers and a whole body."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    transfer: str = "length"
    cut: bool = False


@dataclass
class Job:
    """An export that was submitted."""

    id: str
    result_id: str
    name: str
    uris: list[str]
    polls: int = 0


class Platform:
    """One installation: a world, options, and a log of what was asked of it."""

    def __init__(
        self,
        options: Options | None = None,
        world: World | None = None,
        *,
        elsewhere: Bystander | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.options = options or Options()
        self.world = world or World()
        self.elsewhere = elsewhere
        self.requests: list[Request] = []
        self.submitted: list[Record] = []  # the arguments of every job that was started
        self.polled: list[str] = []
        self.tokens: dict[str, int] = {}
        self._counts: Counter[str] = Counter()
        self._jobs: dict[str, Job] = {}
        self._files: dict[str, bytes] = {}
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._server = _Server(self.handle, tls)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.stop()

    @property
    def url(self) -> str:
        """Where the platform is, the path prefix included."""
        return self._server.origin + self.options.prefix

    @property
    def submits(self) -> int:
        """How many jobs were started."""
        return len(self.submitted)

    def asked(self, step: str) -> list[Request]:
        """List the requests of one step."""
        return [request for request in self.requests if request.step == step]

    def set(self, **changes: Any) -> None:
        """Change options from now on."""
        self.options = replace(self.options, **changes)

    def revoke(self) -> None:
        """Make every token invalid."""
        with self._lock:
            self.tokens.clear()

    # --- one request -------------------------------------------------------------------------

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one request, and keep it in the log."""
        request = self._understand(method, path, headers, body)
        with self._lock:
            self.requests.append(request)
            fault = self._fault(request.step)
        if fault is None:
            return self._admit(request)
        return self._misbehave(fault, request)

    def _understand(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Request:
        route = path.partition("?")[0].removeprefix(self.options.prefix)
        request = Request(method, path, headers, body, _STEPS.get((method, route), "unknown"))
        if not path.startswith(self.options.prefix + "/"):
            return replace(request, step="unknown")
        if request.step != "query":
            return request
        document = json.loads(body)
        fields = _root_fields(document["query"])
        return replace(
            request,
            step=_graphql_step(fields),
            fields=fields,
            variables=document.get("variables") or {},
        )

    def _fault(self, step: str) -> Fault | None:
        steps = {step} if step in {"token", "unknown"} else {step, "any"}
        self._counts.update(steps)
        for fault in self.options.faults:
            if fault.step in steps and self._counts[fault.step] in fault.at:
                return fault
        return None

    def _misbehave(self, fault: Fault, request: Request) -> Answer:
        if fault.what == 401:
            self.tokens.pop(self._token_of(request), None)
            return _json(401, {"message": "unauthorized"})
        if fault.what == "page":
            return _login_page()
        if fault.what == "redirect":
            return Answer(302, headers={"Location": self.options.login_url})
        if fault.what in {403, 404, 429, 503}:  # refused at the door, nothing was done
            return replace(_json(fault.what, {"message": "later"}), headers=fault.headers)
        answer = self._admit(request)
        if fault.what == "reset":
            raise ConnectionAbortedError
        if fault.what == "hang":
            self._closing.wait(30)
            raise ConnectionAbortedError
        if fault.what == "cut":
            return replace(answer, transfer="length", cut=True)
        if fault.what == "cut-chunked":
            return replace(answer, transfer="chunked", cut=True)
        return Answer(int(fault.what), b"<html><h1>Bad gateway</h1></html>", _HTML)

    def _admit(self, request: Request) -> Answer:
        for name, value in self.options.required_headers.items():
            if request.headers.get(name) != value:
                return _login_page()
        if request.path.startswith(self.options.login_url):
            return _login_page()
        if request.step == "unknown":
            return _json(404, {"message": f"no such page: {request.path}"})
        if request.step == "token":
            return self._grant(request)
        if not self._let_in(request):
            return _json(401, {"message": "unauthorized"})
        return self._download(request) if request.step == "download" else self._graphql(request)

    # --- tokens ------------------------------------------------------------------------------

    def _grant(self, request: Request) -> Answer:
        form = {k: v[0] for k, v in parse_qs(request.body.decode(), strict_parsing=True).items()}
        expected = {
            "grant_type": "client_credentials",
            "client_id": "api",
            "client_secret": API_KEY,
            "scope": "system",
        }
        if form != expected or "x-www-form-urlencoded" not in request.headers["Content-Type"]:
            return _json(self.options.wrong_key_status, {"error": "invalid_client"})
        self._closing.wait(self.options.token_delay)
        with self._lock:
            token = f"secret-token-{self._counts['token']}"
            self.tokens[token] = self.options.token_lives or 1_000_000
        more = {} if self.options.expires_in is None else {"expires_in": self.options.expires_in}
        return _json(200, {"access_token": token, "token_type": "bearer", **more})

    def _let_in(self, request: Request) -> bool:
        if self.options.auth_scheme is None:
            return True
        token = self._token_of(request)
        with self._lock:
            left = self.tokens.get(token, 0)
            if left:
                self.tokens[token] = left - 1
        return left > 0

    def _token_of(self, request: Request) -> str:
        value = request.headers.get("Authorization", "")
        scheme = f"{self.options.auth_scheme} " if self.options.auth_scheme else ""
        return value.removeprefix(scheme) if value.startswith(scheme) else ""

    # --- GraphQL -----------------------------------------------------------------------------

    def _graphql(self, request: Request) -> Answer:
        asked = json.loads(request.body)
        refused = self._validate(asked["query"])
        if refused:
            body = {"errors": [self._in_words(error) for error in refused]}
            nothing = {"data": None} if self.options.validation_data else {}
            return _json(self.options.validation_status, body | nothing)
        with self._lock:
            result = execute_sync(
                self._schema,
                _parsed(asked["query"]),
                self._resolvers(),
                variable_values=asked.get("variables"),
                operation_name=asked.get("operationName"),
            )
        assert isinstance(result, ExecutionResult)
        return _json(200, self._shape(result, request.fields))

    @property
    def _schema(self) -> GraphQLSchema:
        known = {"NONE", "READY", "RUNNING", "DATA_READY", "FINISH", "ERROR", None}
        stages = {*self.options.stages, self.options.submit_stage} - known
        return _schema(self.options.old, tuple(sorted(str(stage) for stage in stages)))

    def _validate(self, query: str) -> list[GraphQLError]:
        return _complaints(self._schema, query, self.options.introspection)

    def _in_words(self, error: GraphQLError) -> Record:
        if self.options.validation_words == "graphql-js":
            return {"message": error.message}
        message = re.sub(
            r"Cannot query field '(\w+)' on type '(\w+)'.*",
            r"Validation error of type FieldUndefined: Field '\1' in type '\2' is undefined @ '\1'",
            error.message,
        )
        return {
            "message": message,
            "path": None,
            "extensions": {"classification": "ValidationError"},
        }

    def _shape(self, result: ExecutionResult, fields: tuple[str, ...]) -> Any:
        body: Record = {"data": result.data}
        errors = [{"message": error.message, "path": error.path} for error in result.errors or ()]
        if set(fields) & {*self.options.failing, *self.options.partial}:
            errors.append({"message": "the warehouse did not answer", "path": [fields[0]]})
        if set(fields) & {*self.options.failing}:
            body["data"] = None
        if errors:
            body["errors"] = errors
        if self.options.tags_key and "dataCenterTags" in (body["data"] or {}):
            body["data"]["tags"] = body["data"].pop("dataCenterTags")
        return [body] if self.options.wrapped else body

    def _resolvers(self) -> Record:
        return {
            "projects": lambda _info: list(self.world.projects),
            "dataCenterTags": lambda _info: list(self.world.tags),
            "dataCenterUserProfile": self._profile,
            "userProfile": self._project_profile,
            "jobResult": self._job_result,
            "tags": self._of_project(lambda: self.world.tags),
            "segments": self._of_project(lambda: self.world.segments),
            "segment": lambda _info, id, projectId: _by_id(self.world.segments, id),  # noqa: A006, N803
            "funnelAnalyses": self._of_project(lambda: self.world.funnels),
            "eventAnalyses": self._of_project(lambda: self.world.events),
            "retentionAnalyses": self._of_project(lambda: self.world.retentions),
            "frequencyAnalyses": self._of_project(lambda: self.world.frequencies),
            "submitTagUserExportJob": self._submit_tag,
            "submitTagUserExportJobByKey": self._submit_tag_by_key,
            "submitSegmentUserExportJob": self._submit_segment,
            "submitAnalysisExportJob": self._submit_analysis,
        }

    def _of_project(self, listed: Callable[[], tuple[Record, ...]]) -> Callable[..., list[Record]]:
        def resolve(_info: Any, projectId: str) -> list[Record]:  # noqa: N803
            _by_id(self.world.projects, projectId)
            return list(listed())

        return resolve

    # --- users -------------------------------------------------------------------------------

    def _profile(self, _info: Any, **asked: Any) -> Record | None:
        user = next((u for u in self.world.users if u["gio_id"] == asked.get("userId")), None)
        if user is None:
            return None
        names = {t["key"]: t["name"] for t in self.world.tags}
        keys = asked.get("properties") or []
        properties = [
            {"key": key, "name": names.get(key, key), "value": user[key]}
            for key in keys
            if user.get(key)
        ]
        return {"id": user["gio_id"], "userId": user["gio_id"], "properties": properties}

    def _project_profile(self, _info: Any, **asked: Any) -> Record | None:
        _by_id(self.world.projects, asked["projectId"])
        if not (asked.get("tags") or asked.get("properties")):
            raise GraphQLError("tags or properties must be given")
        keys = [_by_id(self.world.tags, tag)["key"] for tag in asked.get("tags") or ()]
        return self._profile(
            None, userId=asked.get("userId"), properties=keys + list(asked.get("properties") or ())
        )

    # --- jobs --------------------------------------------------------------------------------

    def _submit_tag(self, _info: Any, **asked: Any) -> Record:
        return self._export_tag(_by_id(self.world.tags, asked["tagId"]), asked)

    def _submit_tag_by_key(self, _info: Any, parameter: Record) -> Record:
        for tag in self.world.tags:
            if tag["key"] == parameter["tagKey"]:
                return self._export_tag(tag, parameter)
        raise GraphQLError(f"no tag has the key {parameter['tagKey']}")

    def _export_tag(self, tag: Record, asked: Record) -> Record:
        columns = [tag["key"], *(asked.get("properties") or ())]
        table = self.world.user_list(columns, names=self.options.header == "name")
        stem = asked.get("exportFileName")
        folder = f"/jobs/results/DET-{self.submits + 1:06d}"
        return self._start("TagUserExportJobDto", table, asked, folder, stem and f"{stem}.csv")

    def _submit_segment(self, _info: Any, **asked: Any) -> Record:
        _by_id(self.world.projects, asked["projectId"])
        _by_id(self.world.segments, asked["segmentId"])
        tags = [_by_id(self.world.tags, tag)["key"] for tag in asked.get("tags") or ()]
        columns = [*(asked.get("properties") or ()), *tags]
        table = self.world.user_list(columns, names=self.options.header == "name")
        folder = f"/jobs/results/DES-{self.submits + 1:06d}"
        return self._start("SegmentUserExportJobDto", table, asked, folder, None)

    def _submit_analysis(self, _info: Any, **asked: Any) -> Record:
        _by_id(self.world.projects, asked["projectId"])
        listed = {
            "FUNNELS": self.world.funnels,
            "CHARTS": self.world.events,
            "RETENTIONS": self.world.retentions,
            "FREQUENCIES": self.world.frequencies,
        }
        _by_id(listed[asked["param"]["analysisType"]], asked["id"])
        return self._start("CHARTS", self.world.result, asked, "/jobs-results/downloads", None)

    def _start(
        self, kind: str, table: Table, asked: Record, folder: str, file_name: str | None
    ) -> Record:
        self.submitted.append(asked)
        result_id = f"Ab{self.submits:06d}"
        name = folder.rpartition("/")[2]
        files = self._write(self.options.table or table, asked.get("charset") or "UTF-8")
        paths = [
            f"{folder}/{_numbered(file_name or self.options.file_name, n, len(files))}"
            for n in range(len(files))
        ]
        self._publish(dict(zip(paths, files, strict=True)))
        job = Job(_job_id(kind, result_id), result_id, name, [self._uri(path) for path in paths])
        self._jobs[job.id] = job
        stage = self.options.submit_stage or ("FINISH" if kind == "CHARTS" else "NONE")
        return {"id": job.id, "name": name, "stage": stage, "error": self.options.submit_error}

    def _write(self, table: Table, asked: str) -> list[bytes]:
        if self.options.bodies is not None:
            return list(self.options.bodies)
        charset = self.options.charset or asked
        parts = table.split(self.options.parts) if self.options.parts > 1 else [table]
        return [self.options.writing.encode(part, charset) for part in parts]

    def _publish(self, files: Mapping[str, bytes]) -> None:
        self._files.update(files)
        if self.elsewhere is not None:
            self.elsewhere.files.update(files)

    def _uri(self, path: str) -> str:
        if self.options.uris == "raw":
            return path
        if self.options.uris == "encoded-slashes":
            return quote(path, safe="/")
        if self.options.uris == "absolute":
            return f"{self.url}/download?file={quote(path, safe='')}"
        if self.options.uris == "elsewhere":
            assert self.elsewhere is not None
            return self.elsewhere.url + quote(path, safe="/")
        return quote(path, safe="")

    def _job_result(self, _info: Any, id: str) -> Record | None:  # noqa: A002
        self.polled.append(id)
        job = self._jobs.get(id)
        if job is None:
            return None
        stages = self.options.stages
        stage = stages[min(job.polls, len(stages) - 1)]
        job.polls += 1
        if stage is None:
            return None
        uris = {"files": job.uris, "null": None, "empty": []}[self.options.uris_after]
        if stage != "FINISH":
            uris = self.options.uris_before
        return {"id": job.result_id, "stage": stage, "uris": uris}

    # --- downloads ---------------------------------------------------------------------------

    def _download(self, request: Request) -> Answer:
        decode = unquote_plus if self.options.plus_is_space else unquote
        query = request.path.partition("?")[2]
        path = decode(query.split("&")[0].removeprefix("file="))
        if path not in self._files:
            return _json(404, {"message": "no such file"})
        return self._serve(path, request.headers)

    def _serve(self, path: str, headers: Mapping[str, str]) -> Answer:
        body = self._files[path]
        more = {"Content-Type": "application/octet-stream"}
        with self._lock:
            if self.options.changing:
                self._files[path] = _turned(body)
        if self.options.gzip and "gzip" in headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, mtime=0)
            more["Content-Encoding"] = "gzip"
        if self.options.etag:
            more["ETag"] = f'"{hashlib.md5(body).hexdigest()}"'
        if self.options.ranges:
            more["Accept-Ranges"] = "bytes"
        start = self._range_start(headers, more)
        if start is None:
            return Answer(200, body, more, self.options.transfer)
        more["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        return Answer(206, body[start:], more, self.options.transfer)

    def _range_start(self, asked: Mapping[str, str], answered: Mapping[str, str]) -> int | None:
        match = re.fullmatch(r"bytes=(\d+)-", asked.get("Range", ""))
        condition = asked.get("If-Range")
        if not self.options.ranges or match is None:
            return None
        if condition is not None and condition != answered.get("ETag"):
            return None
        return int(match[1])


class Bystander:
    """A server of another origin: it serves files to anyone and notes what it was told."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.files: dict[str, bytes] = {}
        self._server = _Server(self.handle)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._server.origin

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Serve a file or the login page."""
        self.requests.append(Request(method, path, headers, body, "elsewhere"))
        content = self.files.get(unquote(path))
        return _login_page() if content is None else Answer(200, content)


# --- the wire --------------------------------------------------------------------------------


class _Server:
    """HTTP/1.1 on 127.0.0.1, one thread a connection."""

    def __init__(self, answer: Callable[..., Answer], tls: ssl.SSLContext | None = None) -> None:
        handler = type("Handler", (_Handler,), {"answer": staticmethod(answer)})
        self._http = _QuietServer(("127.0.0.1", 0), handler)
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        self.origin = f"{scheme}://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def shutdown_request(self, request: Any) -> None:
        """Close at once, that a reset is one."""
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client may hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    answer: Callable[..., Answer]

    def do_GET(self) -> None:
        self._respond()

    def do_POST(self) -> None:
        self._respond()

    def log_message(self, *_: object) -> None:
        """Keep silent."""

    def _respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            answer = self.answer(self.command, self.path, self.headers, body)
        except ConnectionAbortedError:
            self._reset()
            return
        self.close_connection = answer.cut or answer.transfer == "close"
        self.wfile.write(b"".join([self._head(answer), *_framed(answer)]))

    def _head(self, answer: Answer) -> bytes:
        headers = dict(answer.headers)
        if answer.transfer == "chunked":
            headers["Transfer-Encoding"] = "chunked"
        elif answer.transfer == "length":
            headers["Content-Length"] = str(len(answer.body))
        if self.close_connection:
            headers["Connection"] = "close"
        lines = [f"HTTP/1.1 {answer.status} -", *(f"{k}: {v}" for k, v in headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _reset(self) -> None:
        self.close_connection = True
        at_once = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)


def _framed(answer: Answer) -> Iterator[bytes]:
    """Frame the body for its transfer; of one that is cut, the first half."""
    body = answer.body[: len(answer.body) // 2] if answer.cut else answer.body
    if answer.transfer != "chunked":
        yield body
        return
    for start in range(0, len(body), 60_001):
        chunk = body[start : start + 60_001]
        yield f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n"
    if not answer.cut:
        yield b"0\r\n\r\n"


# --- small facts -----------------------------------------------------------------------------

_HTML = {"Content-Type": "text/html; charset=utf-8"}
_STEPS = {
    ("POST", "/accounts/oauth/access_token"): "token",
    ("POST", "/graphql"): "query",
    ("GET", "/download"): "download",
}


def _json(status: int, body: Any) -> Answer:
    content = json.dumps(body, ensure_ascii=False).encode()
    return Answer(status, content, {"Content-Type": "application/json;charset=UTF-8"})


def _login_page() -> Answer:
    return Answer(200, LOGIN_PAGE.encode(), _HTML)


def _graphql_step(fields: tuple[str, ...]) -> str:
    if any(name.startswith("submit") for name in fields):
        return "submit"
    return "poll" if "jobResult" in fields else "query"


def _root_fields(query: str) -> tuple[str, ...]:
    try:
        document = _parsed(query)
    except GraphQLError:
        return ()
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    chosen = [s for o in operations for s in o.selection_set.selections]
    return tuple(s.name.value for s in chosen if isinstance(s, FieldNode))


def _by_id(records: tuple[Record, ...], id_: str) -> Record:
    for record in records:
        if record["id"] == id_:
            return record
    raise GraphQLError(f"not found: {id_}")


def _job_id(kind: str, result_id: str) -> str:
    inner = hashlib.md5(result_id.encode()).hexdigest() if kind == "CHARTS" else result_id
    return base64.b64encode(f"{kind}:{inner}".encode()).decode().rstrip("=")


def _numbered(name: str, number: int, count: int) -> str:
    stem, dot, suffix = name.rpartition(".")
    return name if count == 1 else f"{stem}_{number}{dot}{suffix}"


def _turned(body: bytes) -> bytes:
    """Swap the digits 1 and 2: another file of the same length."""
    return body.translate(bytes.maketrans(b"12", b"21"))


@cache
def _parsed(query: str) -> DocumentNode:
    return parse(query)


@cache
def _complaints(schema: GraphQLSchema, query: str, introspection: bool) -> list[GraphQLError]:
    more = () if introspection else (NoSchemaIntrospectionCustomRule,)
    try:
        return validate(schema, _parsed(query), (*specified_rules, *more))
    except GraphQLError as error:
        return [error]


@cache
def _schema(old: bool, more_stages: tuple[str, ...]) -> GraphQLSchema:
    return documented_schema(old=old, more_stages=more_stages)
