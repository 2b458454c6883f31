"""The HTTP library's logs and frames: what may be seen of our requests, and what may not."""

from __future__ import annotations

import json
import logging
import logging.config
import pickle
import traceback
from collections.abc import Callable, Iterator

import httpx
import pytest
from wire import API_KEY, DOWNLOAD, GRAPHQL, TOKEN, Answer, Asked, Wire, data, moved, said

import gio_pandas as gio
from gio_pandas.api.client import Client
from gio_pandas.api.secrecy import SecretiveClient, bare, masked
from gio_pandas.api.transport import Transport

HUSH = "hush/hush+1"
Open = Callable[..., Transport]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            f"return_value=(b'HTTP/1.1', 302, b'Found', [(b'Server', b'nginx'), "
            f"(b'Set-Cookie', b'a={HUSH}'), (b'Location', b\"https://a.cn/x?'s={HUSH}\")])",
            "return_value=(b'HTTP/1.1', 302, b'Found', [(b'Server', b'nginx'), "
            "(b'Set-Cookie', b'…'), (b'Location', b'…')])",
        ),
        ("auth=(b'me', b'\\'hush')", "auth=(b'me', b'…')"),
        (
            f"exception=RemoteProtocolError(\"illegal header line: bytearray(b'a: {HUSH}')\")",
            "exception=RemoteProtocolError(\"illegal header line: bytearray(b'…')\")",
        ),
        (
            f'GET https://me:hush%2F@a.cn/x?file=%2Fa%20b&sig={HUSH} "HTTP/1.1 200 OK"',
            'GET https://…@a.cn/x?file=%2Fa%20b&sig=… "HTTP/1.1 200 OK"',
        ),
        (f'GET http://a.cn/x?{HUSH} "x"', 'GET http://a.cn/x?… "x"'),
        (f"GET http://a.cn/x#token={HUSH}", "GET http://a.cn/x#token=…"),
        ("connect_tcp.started host='a.cn' port=1", "connect_tcp.started host='a.cn' port=1"),
    ],
)
def test_what_a_line_of_the_log_keeps(message: str, shown: str) -> None:
    """What was asked and how it was answered stays; what may be secret does not."""
    assert masked(message) == shown


def _told(caplog: pytest.LogCaptureFixture) -> str:
    return "".join(f"{record.getMessage()}{vars(record)}" for record in caplog.records)


def _chatty(wire: Wire, serve: Callable[[], Wire]) -> Wire:
    """Let every answer set a cookie, and a file lie elsewhere under a signed address."""
    wire.on(GRAPHQL, said({"data": {"ok": 1}}, Set_Cookie=f"sid={HUSH}; Path=/"))
    store = serve().on("/file", Answer(body=b"x"))
    wire.on(DOWNLOAD, moved(f"{store.url}/file?Signature={HUSH}"))
    return wire


def test_our_requests_are_masked_in_every_log(
    wire: Wire, serve: Callable[[], Wire], transport: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """Cookies and signed addresses are in no record, the records themselves are all there."""
    opened = transport(_chatty(wire, serve).url)
    caplog.set_level(1)
    for name in ("httpx", "httpcore"):
        caplog.set_level(1, name)
    opened.query("{ a }", {})
    with opened.download("/download?file=a") as reply:
        assert b"".join(reply.chunks) == b"x"
    told = _told(caplog)
    assert HUSH not in told
    for kept in ("(b'Set-Cookie', b'…')", "(b'Location', b'…')", "/file?Signature=…", "?file=a "):
        assert kept in told, kept


def test_logging_that_is_set_up_later_is_masked_too(
    wire: Wire, serve: Callable[[], Wire], transport: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    """A program may configure logging after its first request, and take our filters off."""
    opened = transport(_chatty(wire, serve).url)
    opened.query("{ a }", {})
    loggers = [logging.getLogger(name) for name in ("httpx", "httpcore.http11")]
    for logger in loggers:
        logger.filters.clear()
    chatty = {"level": 1, "handlers": ["out"]}
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"out": {"class": "logging.StreamHandler"}},
        "loggers": {"httpx": chatty, "httpcore": chatty},
    }
    logging.config.dictConfig(config)
    try:
        opened.query("{ a }", {})
    finally:
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).handlers.clear()
            logging.getLogger(name).setLevel(logging.NOTSET)
    told = capsys.readouterr().err
    assert "(b'Set-Cookie', b'…')" in told
    assert HUSH not in told


def test_other_programs_logs_stay_as_they_are(
    wire: Wire, serve: Callable[[], Wire], transport: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """Who uses httpx beside us reads in the log what it always said."""
    transport(_chatty(wire, serve).url).query("{ a }", {})
    caplog.set_level(logging.DEBUG)
    with httpx.Client(trust_env=False) as client:
        client.post(f"{wire.url}/graphql?Signature={HUSH}")
    told = _told(caplog)
    assert f"b'sid={HUSH}" in told
    assert f"Signature={HUSH}" in told


def _breaking(error: BaseException) -> Iterator[bytes]:
    yield f"client_secret={HUSH}".encode()
    raise error


def _frames(error: BaseException) -> str:
    """Print a traceback with the locals of all frames but those of this module."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    formatted = traceback.TracebackException(
        type(error), error, trace, capture_locals=True, lookup_lines=False
    )
    return "".join(formatted.format())


@pytest.mark.parametrize("error", [OSError("gone"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("secretive", [True, False])
def test_no_frame_has_what_was_sent(wire: Wire, error: BaseException, secretive: bool) -> None:
    """Whatever breaks a request off: frames that hold its bytes are not in the traceback.

    With httpx's own client they are, so this test can fail.
    """
    kind = SecretiveClient if secretive else httpx.Client
    with kind(trust_env=False) as client:
        request = httpx.Request("POST", wire.url, content=_breaking(error))
        with pytest.raises(type(error)) as caught:
            client.send(request)
    assert (HUSH in _frames(caught.value)) is not secretive


def test_a_request_that_cannot_be_made_shows_no_cookie(
    wire: Wire, serve: Callable[[], Wire], transport: Open
) -> None:
    """A value that JSON lacks is a TypeError, without the frame that holds the cookies."""
    opened = transport(_chatty(wire, serve).url)
    opened.query("{ a }", {})
    with pytest.raises(TypeError, match="not JSON serializable") as caught:
        opened.query("{ a }", {"a": object()})
    assert HUSH not in _frames(caught.value)


def test_an_error_forgets_the_request(wire: Wire, transport: Open) -> None:
    """The cause of an error has the address, and neither headers, body nor frames."""
    wire.on(GRAPHQL, Answer(ending="reset"))
    with pytest.raises(gio.SubmitUncertainError) as caught:
        transport(wire.url, headers={"X-Gate": HUSH}).submit("mutation { a }", {})
    cause = caught.value.__cause__.__cause__
    assert isinstance(cause, httpx.TransportError)
    assert str(cause.request.url) == f"{wire.url}/graphql"
    assert HUSH not in str(cause.request.headers.raw)
    assert HUSH.encode() not in pickle.dumps(cause)
    assert _depth(cause) == 1


def _depth(error: BaseException) -> int:
    """Count the frames of ours and of httpx that an error still has."""
    frames = traceback.extract_tb(error.__traceback__)
    inner = [frame for frame in frames if "site-packages" in frame.filename]
    return 1 + len(inner) + bool(error.__cause__) + bool(error.__context__)


def test_a_broken_header_is_not_quoted(wire: Wire, transport: Open) -> None:
    """What httpx says of a header line that is none, the line itself, is in no message."""

    def broken(_: Asked) -> Answer:
        return Answer(200, b"{}", {"Set-Cookie": f"sid={HUSH}\x00"})

    wire.on(GRAPHQL, broken)
    with pytest.raises(gio.GioError) as caught:
        transport(wire.url).submit("mutation { a }", {})
    assert "illegal header line" in str(caught.value)
    assert HUSH not in "".join(traceback.format_exception(caught.value))


def test_bare_takes_an_error_without_a_request() -> None:
    """An error that knows of no request is none to trip over."""
    assert str(bare(httpx.ReadError("gone b'bytes'"))) == "gone b'…'"


def test_a_platform_that_answers_is_still_heard(wire: Wire, transport: Open) -> None:
    """Nothing of an answer itself is masked."""
    wire.on(GRAPHQL, data(token=HUSH))
    assert transport(wire.url).query("{ token }", {}) == {"token": HUSH}


LONG_TOKEN = "a/long+token="


def _telling(wire: Wire, told: dict[str, object], **more: object) -> Wire:
    """Give a token that is long enough to be one, and an answer."""
    wire.on(TOKEN, said({"access_token": LONG_TOKEN}))
    return wire.on(GRAPHQL, said({"data": told, **more}))


@pytest.mark.parametrize("secret", [LONG_TOKEN, API_KEY])
@pytest.mark.parametrize("escaped", ["plain", "escaped"])
def test_what_a_job_says_shows_no_key(
    wire: Wire, client: Callable[..., Client], secret: str, escaped: str
) -> None:
    """Words that come as data are words all the same, however their JSON is written."""
    error = {"message": f"invalid: {secret}", "code": secret}
    job = {"id": "j", "stage": f"FAILED {secret}", "error": error, "uris": [f"/a?t={secret}"]}
    body = json.dumps({"data": {"jobResult": job}})
    if escaped == "escaped":
        body = body.replace("/", "\\/").replace("=", "\\u003d").replace("-", "\\u002d")
    _telling(wire, {}).on(GRAPHQL, Answer(body=body.encode()))
    result = client(wire.url).job_result("j")
    assert result is not None
    assert (result.stage, result.error_message) == ("FAILED …", "invalid: …")
    assert result.uris == (f"/a?t={secret}",)


@pytest.mark.parametrize("secret", [LONG_TOKEN, API_KEY])
def test_what_a_submit_says_shows_no_key(
    wire: Wire, client: Callable[..., Client], secret: str
) -> None:
    """The platform may say in its refusal of an export whom it refused."""
    told = {"stage": "ERROR", "error": {"code": "E", "message": f"invalid: {secret}"}}
    _telling(wire, {"submitSegmentUserExportJob": told})
    with pytest.raises(gio.GioError) as caught:
        client(wire.url).submit_segment("p", "s", charset="UTF-8")
    assert secret not in f"{caught.value}{vars(caught.value)}"


@pytest.mark.parametrize("secret", [LONG_TOKEN, API_KEY])
def test_a_graphql_error_shows_no_key(wire: Wire, transport: Open, secret: str) -> None:
    """Neither in its words nor in what came beside them, nor in its frames."""
    errors = [{"message": f"invalid: {secret}", "extensions": {"key": secret}}]
    _telling(wire, {"a": {"message": secret}}, errors=errors)
    with pytest.raises(gio.GraphQLError, match="invalid: …") as caught:
        transport(wire.url).query("{ a }", {})
    assert caught.value.data == {"a": {"message": "…"}}
    assert secret not in f"{caught.value}{vars(caught.value)}{_frames(caught.value)}"


def test_an_address_that_it_moved_to_shows_no_key(wire: Wire, transport: Open) -> None:
    """A redirect may repeat the token in its path."""
    _telling(wire, {}).on(GRAPHQL, moved(f"/{LONG_TOKEN}/graphql", 308))
    with pytest.raises(gio.SettingsError, match=r"moved to http://[^ ]*/…") as caught:
        transport(wire.url).query("{ a }", {})
    assert LONG_TOKEN not in f"{caught.value}{vars(caught.value)}"


def test_data_that_looks_like_what_is_sent_stays(wire: Wire, transport: Open) -> None:
    """A tag may be named as a cookie is, or as a short token; that is nobody's secret."""
    told = {"names": ["production", "sessions", "token-1", API_KEY[:-1], "a\\b"]}
    wire.on(GRAPHQL, said({"data": told}))
    headers = {"Cookie": "sessions=production", "X-Stage": "production"}
    assert transport(wire.url, headers=headers).query("{ names }", {}) == told
