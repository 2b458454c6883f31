"""Promise 8: keys, tokens, cookies and passwords are nowhere to be seen, whatever is done."""

from __future__ import annotations

import base64
import copy
import dataclasses
import inspect
import json
import logging
import pickle
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import keyring
import pytest
import stamina
from click.testing import CliRunner
from evidence import Evidence, readable_by_others, started
from gateway import SESSION, SIGNATURE, TOKEN, WANTED, Answer, Asked, Gateway
from vaults import Vault

import gio_pandas as gio
from gio_pandas import sandbox
from gio_pandas.cli import main
from gio_pandas.settings import profile_path

KEY = "a-key/of+mine&nobody=may%see"
GIVEN_TOKEN = "a-token/that+was&given"
PASSWORD = "the-proxy's+password/1"
PROJECT = "默认项目"
NAMES = {
    "tag": "订单交易笔数",
    "segment": "高价值用户",
    "funnel": "漏斗1",
    "event": "事件1",
    "retention": "留存1",
    "frequency": "分布1",
}
JOB = "the id of a job"
Suffer = Callable[["Stage"], Any]


@pytest.fixture(scope="module")
def platform() -> Iterator[sandbox.Sandbox]:
    """Start a platform whose key has every character that is escaped somewhere."""
    with sandbox.start(users=500, stage_seconds=0, api_key=KEY) as platform:
        yield platform


@pytest.fixture(scope="module")
def watched() -> list[Evidence]:
    """Hear of every process that is started; a hook of Python's stays for ever."""
    evidence: list[Evidence] = []
    started(evidence)
    return evidence


class Stage:
    """A gateway, what is seen of a session with it, and where it may leave files."""

    def __init__(
        self,
        gateway: Gateway,
        evidence: Evidence,
        folders: tuple[Path, Path],
        told: list[warnings.WarningMessage],
        terminal: pytest.CaptureFixture[str],
    ) -> None:
        self.gateway, self.evidence, self.folders = gateway, evidence, folders
        self._told, self._terminal = told, terminal

    @property
    def out(self) -> Path:
        return self.folders[1]

    def connect(self, **options: Any) -> gio.Session:
        """Make a session that has every secret there is."""
        known = {"api_key": KEY, "headers": WANTED, "project": PROJECT}
        return gio.Session(self.gateway.url, **{**known, **options})

    @property
    def secrets(self) -> dict[str, str]:
        """Name all that must not be seen."""
        cookie = WANTED["Cookie"].partition("=")[2]
        named = {"key": KEY, "given token": GIVEN_TOKEN, "password": PASSWORD, "cookie": cookie}
        named |= {"header": WANTED["X-Gateway"], "session": SESSION, "signature": SIGNATURE}
        return named | {f"token {n}": token for n, token in enumerate(self.gateway.tokens)}

    def leaks(self) -> list[str]:
        """Look through all that is left: logs, warnings, output, files, and what was taken."""
        self.evidence.add("warnings", repr([str(warning.message) for warning in self._told]))
        for stream in self._terminal.readouterr():
            self.evidence.add("the terminal", stream)
        self.evidence.add_files(*self.folders)
        return self.evidence.leaks(self.secrets)


@contextmanager
def _all_logs(evidence: Evidence) -> Iterator[None]:
    """Let every logger of every library say all that it can."""
    loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(1)
    logging.root.addHandler(evidence)
    try:
        yield
    finally:
        logging.root.removeHandler(evidence)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@pytest.fixture
def stage(
    platform: sandbox.Sandbox,
    watched: list[Evidence],
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Stage]:
    """Open the gateway, and take every log, output, warning, file and command line."""
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(out))
    monkeypatch.setattr("gio_pandas.exports.files.retry_delay", lambda *_: 0.0)
    evidence = Evidence()
    watched[:] = [evidence]
    with (
        _all_logs(evidence),
        stamina.set_testing(True, attempts=100, cap=True),
        warnings.catch_warnings(record=True) as told,
        Gateway(platform.url) as gateway,
    ):
        warnings.simplefilter("always")
        yield Stage(gateway, evidence, (home, out), told, capfd)
    watched.clear()


# --- the search itself ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "planted",
    [
        f"a log with {KEY} in it",
        KEY.encode("utf-16-le"),
        f"?client_secret={quote(KEY, safe='')}",
        b"Basic " + base64.b64encode(f"me:{KEY}".encode()),
        b"Basic " + base64.b64encode(f"you:{KEY}".encode()),
        {"headers": KEY},
    ],
)
def test_the_search_finds_what_is_planted(stage: Stage, planted: Any) -> None:
    """A key in any of its spellings is found, so that the tests below can fail."""
    stage.evidence.add("a place", planted)
    assert all("key in " in leak for leak in stage.leaks())
    assert stage.leaks()


def test_the_search_looks_everywhere(stage: Stage) -> None:
    """A key in a log, a file, a warning, the output, a command line or a frame is found."""

    def fail() -> None:
        raise ValueError("no")

    logging.getLogger("anybody").debug("x %s", KEY)
    warnings.warn(KEY, stacklevel=1)
    sys.stdout.write(f"{KEY}\n")
    (stage.out / "a").write_text(KEY)
    subprocess.run([sys.executable, "-c", "", KEY], check=True)
    try:
        exec(
            compile("def f(key):\n    fail()\nf(key)", "elsewhere.py", "exec"),
            {"fail": fail, "key": KEY},
        )
    except ValueError as error:
        stage.evidence.add_error("an error", error)
    found = " ".join(stage.leaks())
    for place in ("log anybody", "warnings", "the terminal", "file a", "a command line"):
        assert f"key in {place}" in found
    assert "key in key in f of an error" in found
    assert {f"key in traceback {n} of an error" for n in (0, 1)} <= set(stage.leaks())


# --- what goes well ------------------------------------------------------------------------------

SPECIAL: dict[str, Callable[[gio.Session], Any]] = {
    "attach": lambda session: session.attach(session.submit_segment(NAMES["segment"]).id),
    "earlier_job": lambda session: _compared(session).attrs,
    "graphql": lambda session: session.graphql("{ projects { id } }"),
    "search": lambda session: session.search(NAMES["segment"]),
    "use": lambda session: session.use(PROJECT),
    "read_many": lambda session: session.read_many(list(NAMES.items())),
    "read_profiles": lambda session: session.read_profiles(["1001"], properties=["usr_city"]),
}


def _compared(session: gio.Session) -> Any:
    """Compare a segment with itself: as it was, and as it is."""
    session.read_segment(NAMES["segment"])
    assert session.earlier_job(NAMES["segment"], kind="segment").uris
    return gio.diff(NAMES["segment"], kind="segment", session=session)


def _verbs() -> list[str]:
    return [
        name for name, _ in inspect.getmembers(gio.Session, inspect.isfunction) if name[0] != "_"
    ]


def _call(session: gio.Session, verb: str) -> Any:
    """Call a verb; one that this does not know how to call is an error here."""
    if verb in SPECIAL:
        return SPECIAL[verb](session)
    method = getattr(session, verb)
    wanted = NAMES.get(verb.partition("_")[2])
    return method(wanted) if wanted else method()


def _exhaust(stage: Stage, job: gio.ExportJob) -> None:
    """Read a job in every way, and write it into every kind of file."""
    frames = [job.to_pandas(), job.to_arrow(), job.to_polars(), *job.iter_batches()]
    job.to_parquet(stage.out / "a.parquet")
    job.to_parquet(stage.out / "folder/")
    job.to_csv(stage.out / "a.csv")
    job.download(stage.out / "raw/")
    frames[0].to_parquet(stage.out / "pandas.parquet")
    for frame in frames:
        stage.evidence.add("a table", frame)
    stage.evidence.add("attrs", json.dumps(frames[0].attrs) + repr(frames[0].gio))


@pytest.mark.parametrize("token", [None, GIVEN_TOKEN])
def test_no_verb_shows_a_secret(stage: Stage, platform: sandbox.Sandbox, token: str | None) -> None:
    """Every verb, with tokens that die, behind a gateway that sets cookies and signs addresses."""
    with stage.connect(token=token) as session:
        for verb in _verbs():
            platform.expire_tokens()
            stage.evidence.add(verb, _call(session, verb))
        _exhaust(stage, session.submit_tag(NAMES["tag"], properties=["usr_city"]))
        stage.evidence.add("the session", session)
        stage.evidence.add("its settings", session.settings)
        stage.evidence.add("what it is made of", session._open())
    seen = b"".join(what for _, what in stage.evidence.seen)
    assert b"(b'Set-Cookie', b'\xe2\x80\xa6')" in seen
    assert b"Signature=\xe2\x80\xa6" in seen
    assert len(stage.gateway.tokens) > 5
    assert stage.leaks() == []
    assert readable_by_others(stage.folders[0]) == []


def test_a_store_of_another_origin_gets_no_credential(stage: Stage) -> None:
    """Files lie on the same host behind another port: no token, header or cookie goes there."""
    stage.gateway.wanted = {"X-Gateway": WANTED["X-Gateway"]}  # the cookie is that of the jar
    with stage.connect(headers=stage.gateway.wanted) as session:
        session.read_segment(NAMES["segment"])
        session.read_funnel(NAMES["funnel"])
    cookies = [asked.headers.get("cookie") for asked in stage.gateway.asked]
    assert cookies[0] is None  # that for a token, whose answer sets it
    assert set(cookies[1:]) == {f"gw={SESSION}"}
    assert len(stage.gateway.stored) == 2
    for asked in stage.gateway.stored:
        assert not {"authorization", "cookie", "x-gateway"} & set(asked.headers)


# --- the command ---------------------------------------------------------------------------------


def _commands(out: Path) -> dict[str, list[str] | None]:
    return {
        "attach": ["attach", JOB, "-o", str(out / "b.csv")],
        "cache": ["cache"],
        "demo": ["demo"],
        "doctor": ["doctor"],
        "export": ["export", "segment", NAMES["segment"], "-o", str(out / "a.csv")],
        "jobs": ["jobs"],
        "list": ["list", "segments"],
        "login": ["login"],
        "logout": ["logout"],
        "sandbox": None,  # it prints the key of its own platform, which is for all to see
    }


@pytest.fixture
def profile(stage: Stage) -> Path:
    """Write a profile file that has the gateway's header and cookie."""
    path = profile_path()
    path.parent.mkdir(parents=True)
    headers = ", ".join(f"{name} = {json.dumps(value)}" for name, value in WANTED.items())
    path.write_text(f'[default]\nurl = "{stage.gateway.url}"\nheaders = {{ {headers} }}\n')
    path.chmod(0o600)
    return path


def test_no_command_shows_a_secret(
    stage: Stage, profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command, its output, what it logs and the files it leaves."""
    monkeypatch.setenv("GIO_API_KEY", KEY)
    monkeypatch.setenv("GIO_PROJECT", PROJECT)
    before = keyring.get_keyring()
    keyring.set_keyring(Vault())
    try:
        with stage.connect() as session:
            job = session.submit_segment(NAMES["segment"]).id
        commands = _commands(stage.out)
        for name in main.commands:
            words = commands[name]
            if words is not None:
                words = [job if word == JOB else word for word in words]
                result = CliRunner().invoke(main, words, input=f"{KEY}\n")
                assert result.exit_code == 0, f"{name}: {result.output}"
                stage.evidence.add(name, result.output)
    finally:
        keyring.set_keyring(before)
        profile.unlink()  # where the user keeps them
    assert stage.leaks() == []
    assert readable_by_others(stage.folders[0]) == []


# --- what goes wrong -----------------------------------------------------------------------------


def _told(asked: Asked) -> str:
    """Repeat what came with a request, as talkative servers do."""
    return f"Invalid access token: {asked.headers.get('authorization', '')} {asked.body.decode()}"


def _at(path: str, answer: Callable[[Asked], Answer]) -> Callable[[Asked], Answer | None]:
    return lambda asked: answer(asked) if asked.path.endswith(path) else None


def _on(
    path: str, *, read: str = "read_segment", name: str = NAMES["segment"], **answer: Any
) -> Suffer:
    """Let the gateway answer at a path, and read something."""

    def suffer(stage: Stage) -> None:
        stage.gateway.rule = _at(path, lambda _: Answer(**answer))
        with stage.connect() as session:
            getattr(session, read)(name)

    return suffer


def _echoing(path: str, status: int, field: str = "") -> Suffer:
    """Let the gateway repeat at a path what it was sent."""

    def answer(asked: Asked) -> Answer:
        said: Any = {"error": "invalid", "error_description": _told(asked), "message": _told(asked)}
        if field:
            said = {"errors": [{"message": _told(asked), "extensions": {"code": field}}]}
        return Answer(status, json.dumps(said).encode(), {"Content-Type": "application/json"})

    def suffer(stage: Stage) -> None:
        stage.gateway.rule = _at(path, answer)
        with stage.connect() as session:
            session.list_projects()

    return suffer


def _message(status: int) -> Suffer:
    """Let the gateway repeat in place of a file what it was sent."""

    def suffer(stage: Stage) -> None:
        stage.gateway.rule = _at(
            "/download",
            lambda asked: Answer(status, json.dumps({"message": _told(asked)}).encode()),
        )
        with stage.connect() as session:
            session.read_segment(NAMES["segment"])

    return suffer


def _stored(**file: Any) -> Suffer:
    """Let the store answer a file."""

    def suffer(stage: Stage) -> None:
        stage.gateway.file = Answer(**file)
        with stage.connect() as session:
            session.read_segment(NAMES["segment"])

    return suffer


def _read(name: str, kind: str = "segment", **options: Any) -> Suffer:
    def suffer(stage: Stage) -> None:
        with stage.connect() as session:
            getattr(session, f"read_{kind}")(name, **options)

    return suffer


def _unfinished(stage: Stage) -> None:
    going = json.dumps({"data": {"jobResult": {"id": "x", "stage": "RUNNING", "uris": None}}})
    stage.gateway.rule = lambda asked: (
        Answer(200, going.encode()) if b"jobResult" in asked.body else None
    )
    with stage.connect() as session:
        session.read_segment(NAMES["segment"], timeout=0.01)


def _profiles(stage: Stage) -> None:
    def answer(asked: Asked) -> Answer | None:
        said = {"errors": [{"message": _told(asked)}], "data": None}
        return Answer(200, json.dumps(said).encode()) if b"serProfile" in asked.body else None

    stage.gateway.rule = answer
    with stage.connect() as session:
        session.read_profiles(["1001", "1002"], properties=["usr_city"])


def _uncertain(stage: Stage) -> None:
    stage.gateway.rule = lambda asked: (
        Answer(200, b"{", short=100) if b"submitSegment" in asked.body else None
    )
    with stage.connect() as session:
        session.submit_segment(NAMES["segment"])


def _unjust(stage: Stage) -> None:
    with stage.connect() as session:
        session.list_projects()
        session.graphql("{ projects { id } }", {"a": object()})


def _nobody(stage: Stage) -> None:
    with stage.connect() as session:
        stage.gateway.__exit__()
        session.list_projects()


PAGE = {"body": b"<html>log in</html>", "headers": {"Content-Type": "text/html"}}
BROKEN_HEADER = f"HTTP/1.1 200 OK\r\nSet-Cookie: gw={SESSION}\x00\r\n\r\n".encode()
MISHAPS: dict[str, tuple[type[BaseException], Suffer]] = {
    "a key that is refused": (gio.AuthenticationError, _echoing(TOKEN, 401)),
    "a token that is refused": (gio.AuthenticationError, _echoing("/graphql", 401)),
    "a token that is refused in words": (
        gio.AuthenticationError,
        _echoing("/graphql", 200, "UNAUTHENTICATED"),
    ),
    "a login page": (gio.AuthenticationError, _on("/graphql", **PAGE)),
    "a login page for a file": (gio.AuthenticationError, _stored(**PAGE)),
    "a right that lacks": (gio.PermissionDeniedError, _on("/graphql", status=403)),
    "a right that lacks in words": (
        gio.PermissionDeniedError,
        _echoing("/graphql", 200, "FORBIDDEN"),
    ),
    "an error in words": (gio.GraphQLError, _echoing("/graphql", 200, "INTERNAL")),
    "profiles with an error in words": (gio.GraphQLError, _profiles),
    "a platform that is away": (gio.PlatformUnavailableError, _echoing("/graphql", 503)),
    "a platform that is none": (gio.PlatformUnavailableError, _echoing("/graphql", 418)),
    "a token service that is away": (gio.PlatformUnavailableError, _echoing(TOKEN, 503)),
    "a header that is none": (gio.PlatformUnavailableError, _on("/graphql", raw=BROKEN_HEADER)),
    "an answer that is cut": (gio.PlatformUnavailableError, _on("/graphql", short=10)),
    "nobody there": (gio.PlatformUnavailableError, _nobody),
    "a submit without an answer": (gio.SubmitUncertainError, _uncertain),
    "a job that fails": (gio.JobFailedError, _read("计算失败的漏斗", "funnel")),
    "a job that takes too long": (gio.JobTimeoutError, _unfinished),
    "a file that is cut": (gio.DownloadError, _stored(body=b"gio_id\n1", short=100)),
    "a download service that is away": (gio.DownloadError, _message(503)),
    "a download that is refused": (gio.PermissionDeniedError, _message(403)),
    "a file that is gone": (gio.DownloadError, _stored(status=404)),
    "a store that is closed": (gio.DownloadError, _stored(status=418)),
    "a store with a header that is none": (gio.DownloadError, _stored(raw=BROKEN_HEADER)),
    "a file of no charset": (gio.DecodeError, _stored(body=b"gio_id\n\xff\xff\xff")),
    "a table that is too large": (gio.MemoryLimitError, _read(NAMES["segment"], memory_limit=1)),
    "a name that is not there": (gio.NotFoundError, _read("高价值客户")),
    "a name that several have": (gio.AmbiguousNameError, _read("新客")),
    "a value that JSON lacks": (TypeError, _unjust),
}


@pytest.mark.parametrize("mishap", MISHAPS)
def test_no_error_shows_a_secret(stage: Stage, mishap: str) -> None:
    """Every error, its causes and frames, as printed, pickled and logged, and what it left."""
    kind, suffer = MISHAPS[mishap]
    with pytest.raises(kind) as caught:
        suffer(stage)
    stage.evidence.add_error(mishap, caught.value)
    logging.getLogger("anybody").error("failed", exc_info=caught.value)
    assert stage.leaks() == []


def test_a_message_in_place_of_a_file_shows_no_secret(stage: Stage) -> None:
    """What the platform repeats is not in the error; its frames hold bytes, as any file's do."""
    with pytest.raises(gio.DownloadError, match="a message in place of") as caught:
        _message(200)(stage)
    stage.evidence.add("the error", caught.value.with_traceback(None))
    assert stage.leaks() == []


def test_every_class_of_error_is_among_them() -> None:
    """An error that comes later is tried, too; those of settings are below."""
    kinds = {getattr(gio, name) for name in gio.__all__ if name.endswith("Error")}
    assert kinds - {kind for kind, _ in MISHAPS.values()} == {gio.GioError, gio.SettingsError}


URL = "https://cdp.example.cn"
MISPLACED: dict[str, dict[str, Any]] = {
    "the key as url": {"url": KEY},
    "the key in the url": {"url": f"https://me:{quote(KEY, safe='')}@cdp.example.cn"},
    "the key in the query": {"url": f"{URL}?key={KEY}"},
    "the key in the scheme": {"auth_scheme": f"Token {KEY}"},
    "a key of two lines": {"api_key": f"{KEY}\n{KEY}"},
    "a key in quotes": {"api_key": f"“{KEY}”"},
    "a token in quotes": {"token": f"“{GIVEN_TOKEN}”"},
    "a header of two lines": {"headers": {"X-Gateway": f"{WANTED['X-Gateway']}\r\nX: y"}},
    "a header the wrong way": {"headers": {WANTED["Cookie"]: "Cookie"}},
    "headers as text": {"headers": f"Cookie: {WANTED['Cookie']}"},
    "no certificate": {"verify": "/no/such/file.pem"},
    "no seconds": {"timeout": -1},
    "an unknown setting": {"apikey": KEY},
}


@pytest.mark.parametrize("mistake", MISPLACED)
@pytest.mark.parametrize("connect", [gio.Session, gio.connect])
def test_no_mistake_in_the_settings_shows_a_secret(
    stage: Stage, mistake: str, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the message nor a frame has what was passed, nor the environment."""
    monkeypatch.setenv("GIO_TOKEN", GIVEN_TOKEN)
    given = {"url": URL, "api_key": KEY, "headers": WANTED, **MISPLACED[mistake]}
    with pytest.raises((gio.SettingsError, TypeError)) as caught:
        connect(**given)
    stage.evidence.add_error(mistake, caught.value)
    assert stage.leaks() == []


@pytest.mark.parametrize(
    "content",
    [
        f'[default\napi_key = "{KEY}"',
        f'api_key = "{KEY}"',
        f'[default]\napi_key = "{KEY}"\napikey = "{KEY}"',
        f'[default]\nproject = "默认"\napi_key = "{KEY}"'.encode("gbk"),
        f'[default]\napi_key = {{ a = "{KEY}" }}\nurl = "{URL}"',
    ],
)
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_no_broken_profile_shows_a_secret(stage: Stage, content: str | bytes, mode: int) -> None:
    """A profile file that cannot be read is not quoted, neither by the message nor in a frame."""
    path = profile_path()
    path.parent.mkdir(parents=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    with pytest.raises(gio.SettingsError) as caught:
        gio.connect()
    path.unlink()
    stage.evidence.add_error("a profile file", caught.value)
    assert stage.leaks() == []


@pytest.mark.parametrize(
    "proxy", ["http://me:{}@127.0.0.1:9", "htp://me:{}@127.0.0.1:9", "http://me:{}@127.0.0.1:x"]
)
@pytest.mark.parametrize("url", [URL, "http://cdp.example.cn"])
def test_no_proxy_shows_its_password(
    stage: Stage, proxy: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that is away, or cannot be one, is told without its password."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy.format(quote(PASSWORD, safe="")))
    with gio.Session(url, api_key=KEY, headers=WANTED) as session:
        with pytest.raises(gio.GioError) as caught:
            session.list_projects()
        stage.evidence.add_error("a proxy", caught.value)
        stage.evidence.add("the session", session)
    assert stage.leaks() == []


def test_a_proxy_that_refuses_shows_no_password(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that repeats what it was sent is not listened to."""
    stage.gateway.rule = lambda asked: Answer(407, str(asked.headers).encode())
    address = stage.gateway.url.removeprefix("http://")
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://me:{quote(PASSWORD, safe='')}@{address}")
    for url in (URL, "http://cdp.example.cn"):
        with gio.Session(url, api_key=KEY, headers=WANTED) as session:
            with pytest.raises(gio.GioError) as caught:
                session.list_projects()
            stage.evidence.add_error("a proxy", caught.value)
    assert stage.leaks() == []


# --- things --------------------------------------------------------------------------------------


def test_what_holds_secrets_is_not_pickled(stage: Stage) -> None:
    """A session, its settings and what it is made of stay in their process."""
    with stage.connect(token=GIVEN_TOKEN) as session:
        client, catalog = session._open()
        job = session.submit_segment(NAMES["segment"])
        for thing in (session, session.settings, client, catalog, job, client._transport):
            with pytest.raises(TypeError):
                pickle.dumps(thing)
            with pytest.raises(TypeError):
                copy.deepcopy(thing)
            stage.evidence.add(type(thing).__name__, thing)
    assert stage.leaks() == []


def test_settings_in_other_forms_have_no_secret(stage: Stage) -> None:
    """``vars``, ``asdict``, ``replace`` and JSON show masks, or refuse."""
    settings = stage.connect(token=GIVEN_TOKEN).settings
    shown = [repr(vars(settings)), json.dumps(vars(settings), default=str)]
    shown += [repr(dataclasses.replace(settings, project="x"))]
    for form in (dataclasses.asdict, dataclasses.astuple, json.dumps):
        with pytest.raises(TypeError) as caught:
            form(settings)
        stage.evidence.add_error("a form", caught.value)
    stage.evidence.add("forms", "".join(shown))
    assert stage.leaks() == []
