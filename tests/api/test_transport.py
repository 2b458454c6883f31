"""The way out: what is sent, what an answer means, and what is sent again."""

from __future__ import annotations

import gzip
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest
from wire import (
    API_KEY,
    DOWNLOAD,
    GRAPHQL,
    HANG,
    RESET,
    TOKEN,
    Answer,
    Asked,
    Wire,
    data,
    moved,
    page,
    refused,
    said,
    status,
)

import gio_pandas as gio
from gio_pandas.api.answers import retry_after
from gio_pandas.api.downloads import BrokenTransferError
from gio_pandas.api.transport import Transport, is_mutation

QUERY = "query Projects { projects { id } }"
MUTATION = "mutation Submit { submit { id } }"
FILE = "/download?file=a.csv"
Open = Callable[..., Transport]
Serve = Callable[..., Wire]


@pytest.fixture
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for an answer for a fifth of a second, not for a minute or twenty."""
    for name in ("_TIMEOUT", "_SUBMIT_TIMEOUT"):
        monkeypatch.setattr(f"gio_pandas.api.transport.{name}", httpx.Timeout(0.2))


@pytest.fixture
def nobody() -> str:
    """Give an address that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


# --- what is sent --------------------------------------------------------------------------------


def test_a_request_is_as_documented(wire: Wire, transport: Open) -> None:
    """A JSON body of query, variables and operationName, which says who asks."""
    wire.on(GRAPHQL, data(ok=1))
    transport(wire.url).query(QUERY, {"id": "默认", "none": None})
    (asked,) = wire.at(GRAPHQL)
    assert asked.method == "POST"
    assert asked.json() == {
        "query": QUERY,
        "variables": {"id": "默认", "none": None},
        "operationName": "Projects",
    }
    assert asked.headers["content-type"] == asked.headers["accept"] == "application/json"


def test_every_request_says_who_asks(wire: Wire, transport: Open) -> None:
    """Token, GraphQL and download requests have the User-Agent of this package."""
    wire.on(GRAPHQL, data(ok=1)).on(DOWNLOAD, Answer(body=b"x"))
    opened = transport(wire.url)
    opened.query(QUERY, {})
    with opened.download(FILE):
        pass
    agents = {asked.headers["user-agent"] for asked in wire.asked}
    assert len(wire.asked) == 3
    assert len(agents) == 1
    assert re.fullmatch(rf"gio-pandas/{re.escape(gio.__version__)} python/\S+ httpx/\S+", *agents)


def test_a_path_prefix_is_part_of_every_address(wire: Wire, transport: Open) -> None:
    """Token, GraphQL and download lie under it."""
    wire.on(GRAPHQL, data(ok=1)).on(DOWNLOAD, Answer(body=b"x"))
    opened = transport(f"{wire.url}/op/v2/")
    opened.query(QUERY, {})
    with opened.download(FILE):
        pass
    targets = [asked.target for asked in wire.asked]
    assert targets == [f"/op/v2{TOKEN}", "/op/v2/graphql", f"/op/v2{FILE}"]


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ("query A { a }", "A"),
        ("mutation B($x: Int) { b(x: $x) }", "B"),
        ("\n  # what for\n  query C\n{ c }", "C"),
        ("fragment F on T { x }\nquery D { d { ...F } }", "D"),
        ("{ a }", None),
        ("query { a }", None),
        ("query ($x: Int) { a(x: $x) }", None),
        ("query A { a }\nquery B { b }", None),
    ],
)
def test_the_operation_is_named(
    wire: Wire, transport: Open, document: str, name: str | None
) -> None:
    """The platform's log shows what was asked, where a document has one operation with a name."""
    wire.on(GRAPHQL, data(ok=1))
    transport(wire.url).query(document, {})
    assert wire.at(GRAPHQL)[0].json()["operationName"] == name


@pytest.mark.parametrize(
    ("document", "changes"),
    [
        (MUTATION, True),
        ("mutation{a}", True),
        ("# x\n\n  mutation A { a }", True),
        ("fragment F on T { x } mutation A { a { ...F } }", True),
        ("query A { a } mutation B { b }", True),
        ("\ufeffmutation { a }", True),
        (",mutation { a }", True),
        ("mutation # why\n A { a }", True),
        (QUERY, False),
        ("{ mutations { id } }", False),
        ("{ __schema { mutationType { name } } }", False),
    ],
)
def test_what_may_change_something_is_a_mutation(document: str, changes: bool) -> None:
    """However it is laid out; in doubt it is one, and is not sent twice."""
    assert is_mutation(document) is changes


# --- what an answer means ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        data(ok=1),
        said([{"data": {"ok": 1}}]),
        said({"data": {"ok": 1}, "errors": None}),
        said({"data": {"ok": 1}, "errors": []}),
        said({"data": {"ok": 1}, "errors": [None]}),
        said({"data": {"ok": 1}}, 201),
        Answer(body=b'\xef\xbb\xbf{"data": {"ok": 1}}'),
        Answer(body=[b'{"data": ', b'{"ok": 1}}']),
        Answer(body=gzip.compress(b'{"data": {"ok": 1}}'), headers={"Content-Encoding": "gzip"}),
    ],
)
def test_an_answer_in_its_shapes(wire: Wire, transport: Open, answer: Answer) -> None:
    """Plain, wrapped in a list, with empty errors, with a BOM, in pieces, compressed."""
    wire.on(GRAPHQL, answer)
    assert transport(wire.url).query(QUERY, {}) == {"ok": 1}


ERRORS: dict[str, tuple[Answer, type[gio.GioError], str]] = {
    "errors": (refused("Unknown project"), gio.GraphQLError, "answered: Unknown project"),
    "errors, 400": (refused("Bad document", 400), gio.GraphQLError, "Bad document"),
    "errors, 422": (refused("Bad value", 422), gio.GraphQLError, "Bad value"),
    "data null": (refused("no", data=None), gio.GraphQLError, "answered: no"),
    "partial data": (refused("no", data={"a": 1}), gio.GraphQLError, "answered: no"),
    "a text": (said({"errors": ["so not"]}), gio.GraphQLError, "so not"),
    "no list": (said({"errors": "so not"}), gio.GraphQLError, "answered: so not"),
    "one object": (said({"errors": {"message": "so not"}}), gio.GraphQLError, "so not"),
    "no words": (said({"errors": [{}, {"message": "b"}]}), gio.GraphQLError, "answered: b"),
    "odd extensions": (
        said({"errors": [{"message": "m", "extensions": "x"}]}),
        gio.GraphQLError,
        "answered: m",
    ),
    "unauthenticated": (
        refused("who?", code="UNAUTHENTICATED"),
        gio.AuthenticationError,
        "who[?].*API key",
    ),
    "unauthorized": (refused("who?", code="unauthorized"), gio.AuthenticationError, "who"),
    "forbidden": (refused("no", 200, code="FORBIDDEN"), gio.PermissionDeniedError, "no"),
    "denied": (refused("no", 400, code="Permission_Denied"), gio.PermissionDeniedError, "no"),
    "another code": (refused("no", code="BAD_USER_INPUT"), gio.GraphQLError, "no"),
    "403": (status(403), gio.PermissionDeniedError, "HTTP 403.*administrator"),
    "403 page": (page(403), gio.PermissionDeniedError, "HTTP 403"),
    "404 page": (page(404), gio.PlatformUnavailableError, "HTTP 404.*path prefix"),
    "unnamed page": (Answer(body=b"\n <html>"), gio.AuthenticationError, "web page"),
    "404": (said({"message": "x"}, 404), gio.PlatformUnavailableError, "HTTP 404.*path prefix"),
    "204": (status(204), gio.PlatformUnavailableError, "does not answer as the platform"),
    "304": (status(304), gio.PlatformUnavailableError, "HTTP 304"),
    "garbage": (Answer(body=b"\xff\xfe{"), gio.PlatformUnavailableError, "HTTP 200, no type"),
    "half of it": (Answer(body=b'{"data": {'), gio.PlatformUnavailableError, "does not answer"),
    "a list of two": (said([{"data": {}}] * 2), gio.PlatformUnavailableError, "does not answer"),
    "a number": (said(5), gio.PlatformUnavailableError, "does not answer"),
    "no data": (said({"data": None}), gio.PlatformUnavailableError, "does not answer"),
    "data of text": (said({"data": "x"}), gio.PlatformUnavailableError, "does not answer"),
    "half a gzip": (
        Answer(body=b"\x1f\x8b\x08x", headers={"Content-Encoding": "gzip"}),
        gio.PlatformUnavailableError,
        "No answer",
    ),
    "500": (status(500), gio.PlatformUnavailableError, "HTTP 500"),
    "502 page": (page(502), gio.PlatformUnavailableError, "not ready .HTTP 502"),
    "503 page": (page(503), gio.PlatformUnavailableError, "not ready .HTTP 503"),
    "504 page": (page(504), gio.PlatformUnavailableError, "not ready .HTTP 504"),
    "429": (status(429), gio.PlatformUnavailableError, "HTTP 429"),
    "reset": (RESET, gio.PlatformUnavailableError, "No answer from http://127"),
    "cut": (Answer(body=b'{"data"', ending="cut"), gio.PlatformUnavailableError, "No answer"),
    "cut in pieces": (
        Answer(body=[b'{"data"'], ending="cut"),
        gio.PlatformUnavailableError,
        "No answer",
    ),
}


@pytest.mark.parametrize("answer", ERRORS)
def test_an_answer_that_is_none(wire: Wire, transport: Open, no_waits: None, answer: str) -> None:
    """Every foreign failure is one of ours, with its words and a next step."""
    told, kind, words = ERRORS[answer]
    wire.on(GRAPHQL, told)
    with pytest.raises(gio.GioError, match=words) as caught:
        transport(wire.url).query(QUERY, {})
    assert type(caught.value) is kind
    assert caught.value.hint.endswith(".")
    assert API_KEY not in str(caught.value)


@pytest.mark.parametrize(
    "answer", [key for key, told in ERRORS.items() if told[1] is gio.GraphQLError]
)
def test_the_platforms_refusal_is_not_asked_for_again(
    wire: Wire, transport: Open, answer: str
) -> None:
    """A document that was refused is refused the next time too."""
    wire.on(GRAPHQL, ERRORS[answer][0])
    with pytest.raises(gio.GraphQLError):
        transport(wire.url).query(QUERY, {})
    assert len(wire.at(GRAPHQL)) == 1


def test_graphql_errors_keep_what_came(wire: Wire, transport: Open) -> None:
    """The errors as they came, and the data beside them."""
    errors = [{"message": "a", "path": ["x"], "extensions": {"code": "E"}}, {"message": "b"}]
    wire.on(GRAPHQL, said({"errors": errors, "data": {"x": None, "y": [1]}}))
    with pytest.raises(gio.GraphQLError, match="answered: a; b") as caught:
        transport(wire.url).query(QUERY, {})
    assert caught.value.errors == tuple(errors)
    assert caught.value.data == {"x": None, "y": [1]}


@pytest.mark.parametrize("code", ["FORBIDDEN", "UNAUTHENTICATED"])
def test_data_beside_a_refusal_is_not_lost(wire: Wire, transport: Open, code: str) -> None:
    """A field that may not be seen does not hide the job that was started."""
    wire.on(GRAPHQL, refused("no creator", code=code, data={"submit": {"id": "J1"}}))
    with pytest.raises(gio.GraphQLError) as caught:
        transport(wire.url).submit(MUTATION, {})
    assert caught.value.data == {"submit": {"id": "J1"}}


def test_a_long_answer_is_not_repeated_whole(wire: Wire, transport: Open) -> None:
    """A message is for reading: the first three errors, 500 characters of them."""
    wire.on(GRAPHQL, said({"errors": [{"message": "x" * 400}] * 9}))
    with pytest.raises(gio.GraphQLError) as caught:
        transport(wire.url).query(QUERY, {})
    assert len(caught.value.what) < 560
    assert len(caught.value.errors) == 9


@pytest.mark.parametrize("number", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("first", [TOKEN, GRAPHQL])
def test_a_platform_that_has_moved_says_where(
    wire: Wire, transport: Open, number: int, first: str
) -> None:
    """A redirect to https names the new address, prefix and all; the key is not sent after it."""
    wire.on(first, moved(f"https://cdp.example.cn/op{first}?x=y", number))
    with pytest.raises(gio.SettingsError, match=r"moved to https://cdp\.example\.cn/op\. Use that"):
        transport(f"{wire.url}/op").query(QUERY, {})
    assert wire.counts() == ({TOKEN: 1} if first == TOKEN else {TOKEN: 1, GRAPHQL: 1})


@pytest.mark.parametrize("send", ["query", "submit"])
@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("/graphql/", r"moved to http://127\.0\.0\.1:\d+/graphql/\. Ask who runs the gateway"),
        ("/api/graphql", r"moved to http://127\.0\.0\.1:\d+/api\. Use that address as url"),
        ("https://cdp.example.cn/graphql/", r"moved to https://cdp\.example\.cn\. Use that"),
    ],
)
def test_a_path_that_has_moved_is_no_login(
    wire: Wire, transport: Open, send: str, location: str, words: str
) -> None:
    """A slash at the end, or another prefix: no new token helps, and none is fetched."""
    wire.on(GRAPHQL, moved(location, 308))
    with pytest.raises(gio.SettingsError, match=words):
        getattr(transport(wire.url), send)(QUERY, {})
    assert wire.counts() == {TOKEN: 1, GRAPHQL: 1}


@pytest.mark.parametrize(
    "location", ["/login", "https://sso.example.cn/?next=/graphql", GRAPHQL, "http://[", "//"]
)
def test_any_other_redirect_is_a_login(wire: Wire, transport: Open, location: str) -> None:
    """One that leads elsewhere, to itself or nowhere is an error of ours, never followed."""
    wire.on(GRAPHQL, moved(location))
    with pytest.raises(gio.AuthenticationError, match="web page"):
        transport(wire.url).query(QUERY, {})
    assert {asked.path for asked in wire.asked} == {TOKEN, GRAPHQL}


# --- what does not arrive ------------------------------------------------------------------------


def test_nobody_there(nobody: str, transport: Open, pauses: list[float]) -> None:
    """A refused connection is tried four times, submits too, and the error names the address."""
    for send in ("query", "submit"):
        pauses.clear()
        with pytest.raises(gio.PlatformUnavailableError, match=r"refused.*network") as caught:
            getattr(transport(nobody), send)(QUERY, {})
        assert caught.value.seen is False
        assert caught.value.status is None
        assert nobody in str(caught.value)
        assert len(pauses) == 3


def test_no_answer_in_time(
    wire: Wire, transport: Open, no_waits: None, short_timeouts: None
) -> None:
    """A query that is not answered is asked again, then given up with the reason."""
    wire.on(GRAPHQL, HANG, HANG, data(ok=1))
    assert transport(wire.url).query(QUERY, {}) == {"ok": 1}
    wire.on(GRAPHQL, HANG)
    with pytest.raises(gio.PlatformUnavailableError, match=r"timed out|ReadTimeout") as caught:
        transport(wire.url).query(QUERY, {}, attempts=1)
    assert caught.value.seen is True


def test_an_answers_time_can_be_bounded(wire: Wire, transport: Open) -> None:
    """A wait's own end bounds each of its polls."""
    wire.on(GRAPHQL, HANG)
    opened = transport(wire.url, token="t")
    began = time.monotonic()
    with pytest.raises(gio.PlatformUnavailableError):
        opened.query(QUERY, {}, attempts=1, timeout=0.2)
    assert time.monotonic() - began < 5


def test_a_transport_that_was_closed_says_so(wire: Wire, transport: Open) -> None:
    """Another thread may close it: nothing more is sent, again neither, and it is no riddle."""
    opened = transport(wire.url)
    opened.close()
    for send in (opened.query, opened.submit):
        with pytest.raises(gio.PlatformUnavailableError, match=r"closed meanwhile.*next verb") as c:
            send(QUERY, {})
        assert (c.value.seen, c.value.transient) == (False, False)
    with pytest.raises(gio.PlatformUnavailableError, match="closed"), opened.download(FILE):
        pass
    assert wire.asked == []


@pytest.mark.parametrize("send", ["query", "submit"])
def test_a_transport_that_is_closed_between_two_attempts_says_so(
    wire: Wire, transport: Open, no_waits: None, send: str
) -> None:
    """The second attempt is none."""
    opened = transport(wire.url)

    def close(_: Asked) -> Answer:
        opened.close()
        return status(503)

    wire.on(GRAPHQL, close)
    uncertain = send == "submit"  # whether its answer was still read
    kinds = (gio.PlatformUnavailableError, *[gio.SubmitUncertainError] * uncertain)
    with pytest.raises(kinds, match=None if uncertain else "closed meanwhile"):
        getattr(opened, send)(QUERY, {})
    assert len(wire.at(GRAPHQL)) == 1


def test_a_connection_that_was_left_is_opened_anew(wire: Wire, transport: Open) -> None:
    """A server that hangs up between two requests makes no submit uncertain."""
    wire.on(GRAPHQL, Answer(body=b'{"data": {"ok": 1}}', ending="leave"))
    opened = transport(wire.url, token="t")
    for _ in range(5):
        assert opened.submit(MUTATION, {}) == {"ok": 1}
        time.sleep(0.02)  # for the hang-up to arrive
    assert len(wire.at(GRAPHQL)) == 5


@pytest.fixture(scope="module")
def own_ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for 127.0.0.1 that nobody knows; its key is in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    folder = tmp_path_factory.mktemp("ca")
    asked = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext"
    command = [
        *asked.split(),
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        "key.pem",
        "-out",
        "ca.pem",
    ]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    return folder / "ca.pem"


@pytest.fixture
def tls(own_ca: Path, serve: Serve) -> Wire:
    """Open a server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own_ca, own_ca.with_name("key.pem"))
    return serve(tls=context).on(GRAPHQL, data(ok=1))


def test_an_unknown_ca_is_refused_with_a_hint(tls: Wire, transport: Open, no_waits: None) -> None:
    """No key is sent to who cannot prove to be the platform; ``verify=`` is named."""
    with pytest.raises(gio.PlatformUnavailableError, match=r"verify=") as caught:
        transport(tls.url).query(QUERY, {})
    assert caught.value.seen is False
    assert tls.asked == []


def test_a_ca_of_ones_own_is_accepted(tls: Wire, transport: Open, own_ca: Path) -> None:
    """``verify`` takes its file."""
    assert transport(tls.url, verify=own_ca).query(QUERY, {}) == {"ok": 1}


def test_an_answer_that_drips_through_tls_has_an_end(
    tls: Wire, transport: Open, own_ca: Path
) -> None:
    """As one that is not encrypted."""

    def dripping() -> Iterator[bytes]:
        while not tls.closing.wait(0.01):
            yield b" "

    tls.on(GRAPHQL, lambda _: Answer(body=dripping()))
    with pytest.raises(gio.PlatformUnavailableError, match=r"whole in time|timed out"):
        transport(tls.url, verify=own_ca).query(QUERY, {}, attempts=1, timeout=0.3)


def test_a_ca_for_another_host_is_refused(
    tls: Wire, transport: Open, own_ca: Path, no_waits: None
) -> None:
    """The name is checked too."""
    with pytest.raises(gio.PlatformUnavailableError, match=r"verify="):
        transport(f"https://localhost:{tls.port}", verify=own_ca).query(QUERY, {})
    assert tls.asked == []


def test_a_file_that_is_no_certificate_is_a_settings_error(
    tls: Wire, transport: Open, tmp_path: Path
) -> None:
    """It is told by its name, before anything is sent."""
    wrong = tmp_path / "ca.pem"
    wrong.write_text("hello")
    with pytest.raises(gio.SettingsError, match=r"ca\.pem.*CERTIFICATE"):
        transport(tls.url, verify=wrong)


# --- what is sent again --------------------------------------------------------------------------


def test_a_query_is_asked_again_while_the_platform_is_away(
    wire: Wire, transport: Open, pauses: list[float]
) -> None:
    """502, 503, 429, then an answer: four requests, growing pauses between them."""
    wire.on(GRAPHQL, page(502), status(503), status(429), data(ok=1))
    assert transport(wire.url).query(QUERY, {}) == {"ok": 1}
    assert len(wire.at(GRAPHQL)) == 4
    assert len(pauses) == 3
    assert all(0 < pause <= 11 for pause in pauses)


def test_a_redirect_to_no_host_is_an_error_of_ours(
    wire: Wire, transport: Open, no_waits: None
) -> None:
    """Of the answer, and of the token's."""
    wire.on(GRAPHQL, moved("http://xn--/x"))
    with pytest.raises(gio.PlatformUnavailableError, match="redirects to no address"):
        transport(wire.url).query(QUERY, {})
    with pytest.raises(gio.SubmitUncertainError, match="redirects to no address"):
        transport(wire.url).submit(MUTATION, {})
    wire.on(TOKEN, moved("http://xn--/x"))
    with pytest.raises(gio.PlatformUnavailableError, match="redirects to no address"):
        transport(wire.url).submit(MUTATION, {})


def test_a_query_is_not_asked_for_ever(wire: Wire, transport: Open, no_waits: None) -> None:
    """Four attempts, then an error with the status."""
    wire.on(GRAPHQL, status(502))
    with pytest.raises(gio.PlatformUnavailableError) as caught:
        transport(wire.url).query(QUERY, {})
    assert len(wire.at(GRAPHQL)) == 4
    assert (caught.value.status, caught.value.seen) == (502, True)


def test_attempts_can_be_bounded(wire: Wire, transport: Open, no_waits: None) -> None:
    """A poll has its own patience, and asks once."""
    wire.on(GRAPHQL, status(502))
    with pytest.raises(gio.PlatformUnavailableError):
        transport(wire.url).query(QUERY, {}, attempts=1)
    assert len(wire.at(GRAPHQL)) == 1


@pytest.mark.parametrize("number", [204, 404, 400])
def test_a_query_to_a_wrong_address_is_not_repeated(
    wire: Wire, transport: Open, pauses: list[float], number: int
) -> None:
    """What is not the platform will not become it."""
    wire.on(GRAPHQL, status(number))
    with pytest.raises(gio.PlatformUnavailableError):
        transport(wire.url).query(QUERY, {})
    assert (len(wire.at(GRAPHQL)), pauses) == (1, [])


def _in(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize("send", ["query", "submit"])
@pytest.mark.parametrize("number", [429, 503])
@pytest.mark.parametrize(
    ("value", "least", "most"),
    [("7", 7, 7), ("30", 30, 30), (20, 10, 20), ("0", 0, 2), ("soon", 0, 2)],
)
def test_retry_after_is_honoured(
    wire: Wire,
    transport: Open,
    pauses: list[float],
    send: str,
    number: int,
    value: str | int,
    least: float,
    most: float,
) -> None:
    """In seconds or as a date, up to half a minute; nonsense is as good as none."""
    words = value if isinstance(value, str) else _in(value)
    wire.on(GRAPHQL, status(number, Retry_After=words), data(ok=1))
    assert getattr(transport(wire.url), send)(MUTATION, {}) == {"ok": 1}
    (pause,) = pauses
    assert least <= pause <= most


@pytest.mark.parametrize("send", ["query", "submit"])
@pytest.mark.parametrize("value", ["31", 2000])
def test_a_long_retry_after_is_not_waited_for(
    wire: Wire, transport: Open, pauses: list[float], send: str, value: str | int
) -> None:
    """Who wants to be left alone for longer is not asked again before; the caller is told."""
    words = value if isinstance(value, str) else _in(value)
    wire.on(GRAPHQL, status(503, Retry_After=words), data(ok=1))
    with pytest.raises(gio.PlatformUnavailableError, match="not ready"):
        getattr(transport(wire.url), send)(MUTATION, {})
    assert (len(wire.at(GRAPHQL)), pauses) == (1, [])


@pytest.mark.parametrize("value", ["12", " 12 "])
def test_retry_after_in_seconds(value: str) -> None:
    """A number, with or without space around it."""
    assert retry_after(httpx.Headers({"Retry-After": value})) == 12.0


def test_retry_after_as_a_date() -> None:
    """A date to come is so many seconds from now; one that has passed is now."""
    found = retry_after(httpx.Headers({"Retry-After": _in(100)}))
    assert found is not None
    assert 90 <= found <= 100
    assert retry_after(httpx.Headers({"Retry-After": _in(-100)})) == 0.0


@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        "-5",
        "1.5",
        "Wed, 21 Oct 2015",
        "Wed, 21 Oct 2015 07:28:00 -0000",
        "Wed, 21 Oct 2015 99999999999:28:00 GMT",
        "Wed, 99 Oct 2015 07:28:00 GMT",
    ],
)
def test_retry_after_that_cannot_be_read(value: str) -> None:
    """Nonsense is none, never an error of its own."""
    assert retry_after(httpx.Headers({"Retry-After": value})) is None


UNSEEN = {"429": status(429), "503": status(503), "503 page": page(503)}
UNCERTAIN = {
    "reset": RESET,
    "cut": Answer(body=b'{"data"', ending="cut"),
    "cut in pieces": Answer(body=[b'{"data"'], ending="cut"),
    "no answer": HANG,
    "500": status(500),
    "502": status(502),
    "502 page": page(502),
    "504 page": page(504),
    "garbage": Answer(body=b"OK"),
    "nothing": Answer(),
    "no data": said({"data": None}),
    "a list of two": said([{"data": {}}, {"data": {}}]),
}


@pytest.mark.parametrize("answer", UNSEEN)
def test_a_submit_that_was_not_seen_is_sent_again(
    wire: Wire, transport: Open, no_waits: None, answer: str
) -> None:
    """429 and 503 are said at the door: up to four attempts."""
    wire.on(GRAPHQL, *[UNSEEN[answer]] * 3, data(ok=1))
    assert transport(wire.url).submit(MUTATION, {}) == {"ok": 1}
    assert len(wire.at(GRAPHQL)) == 4


@pytest.mark.parametrize("answer", UNSEEN)
def test_a_submit_that_is_never_seen_is_unavailable(
    wire: Wire, transport: Open, no_waits: None, answer: str
) -> None:
    """Nothing is uncertain about it: nothing was started."""
    wire.on(GRAPHQL, UNSEEN[answer])
    with pytest.raises(gio.PlatformUnavailableError):
        transport(wire.url).submit(MUTATION, {})
    assert len(wire.at(GRAPHQL)) == 4


@pytest.mark.parametrize("answer", UNCERTAIN)
@pytest.mark.parametrize("before", [0, 2])
def test_a_submit_that_may_have_been_seen_is_never_sent_again(
    wire: Wire, transport: Open, no_waits: None, short_timeouts: None, answer: str, before: int
) -> None:
    """One request reached the platform; the error says that a job may be running."""
    wire.on(GRAPHQL, *[status(503)] * before, UNCERTAIN[answer])
    with pytest.raises(gio.SubmitUncertainError, match=r"may or may not.*导出任务"):
        transport(wire.url).submit(MUTATION, {})
    assert len(wire.at(GRAPHQL)) == before + 1


def test_a_submit_has_a_connection_of_its_own(wire: Wire, transport: Open) -> None:
    """One that was kept may be closed just then, and nobody could say whether it was seen."""
    wire.on(GRAPHQL, data(ok=1))
    opened = transport(wire.url)
    for send in (opened.query, opened.submit, opened.query, opened.submit):
        send(MUTATION, {})
    first, one, second, other = (asked.port for asked in wire.at(GRAPHQL))
    assert first == second
    assert len({first, one, other}) == 3


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused("no"), gio.GraphQLError),
        (refused("no", 400), gio.GraphQLError),
        (status(403), gio.PermissionDeniedError),
        (refused("no", code="FORBIDDEN"), gio.PermissionDeniedError),
    ],
)
def test_a_submit_that_was_refused_is_no_riddle(
    wire: Wire, transport: Open, answer: Answer, kind: type[gio.GioError]
) -> None:
    """The platform said no: that is the error, after one request."""
    wire.on(GRAPHQL, answer)
    with pytest.raises(kind):
        transport(wire.url).submit(MUTATION, {})
    assert len(wire.at(GRAPHQL)) == 1


# --- proxies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used(
    wire: Wire, transport: Open, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A platform that only a proxy can reach: token, GraphQL and download go through it."""
    monkeypatch.setenv(variable, wire.url)
    wire.on(GRAPHQL, data(ok=1)).on(DOWNLOAD, Answer(body=b"x"))
    opened = transport("http://cdp.example.invalid/op")
    assert opened.query(QUERY, {}) == {"ok": 1}
    with opened.download(FILE) as reply:
        assert b"".join(reply.chunks) == b"x"
    base = "http://cdp.example.invalid/op"
    assert [asked.target for asked in wire.asked] == [
        f"{base}{TOKEN}",
        f"{base}{GRAPHQL}",
        f"{base}{FILE}",
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_proxy_is_not_asked_for_this_machine(
    wire: Wire, nobody: str, transport: Open, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """It would look for the sandbox on its own."""
    for variable in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, nobody)
    wire.on(GRAPHQL, data(ok=1))
    assert transport(f"http://{host}:{wire.port}").query(QUERY, {}) == {"ok": 1}


def test_a_tunnel_that_is_refused_was_not_seen(
    wire: Wire, transport: Open, monkeypatch: pytest.MonkeyPatch, no_waits: None
) -> None:
    """A proxy that opens no way to an https platform: even a submit is tried again."""
    monkeypatch.setenv("HTTPS_PROXY", wire.url)
    wire.on("", status(502))
    with pytest.raises(gio.PlatformUnavailableError, match="proxy") as caught:
        transport("https://cdp.example.invalid", token="t").submit(MUTATION, {})
    assert caught.value.seen is False
    assert [asked.method for asked in wire.asked] == ["CONNECT"] * 4


@pytest.mark.parametrize(
    "proxy", ["socks5://u:geheim@127.0.0.1:1", "gopher://u:geheim@127.0.0.1:1", "http://h:port"]
)
def test_a_proxy_that_cannot_be_used_is_a_settings_error(
    transport: Open, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    """It is told by the variables to change, without the proxy's password."""
    monkeypatch.setenv("ALL_PROXY", proxy)
    if proxy.startswith("socks") and _can_speak_socks():
        pytest.skip("httpx speaks SOCKS here")
    with pytest.raises(gio.SettingsError, match="ALL_PROXY") as caught:
        transport("http://cdp.example.invalid")
    assert "geheim" not in str(caught.value)


def _can_speak_socks() -> bool:
    try:
        import socksio  # noqa: F401
    except ImportError:
        return False
    return True


# --- downloads -----------------------------------------------------------------------------------


def test_a_download_says_what_it_is(wire: Wire, transport: Open) -> None:
    """Where it starts, its size, its validator, its type, and the bytes."""
    headers = {"ETag": '"v1"', "Content-Type": "text/csv", "Accept-Ranges": "bytes"}
    wire.on(DOWNLOAD, Answer(body=b"0123456789", headers=headers))
    with transport(wire.url).download(FILE) as reply:
        assert (reply.start, reply.size, reply.validator) == (0, 10, '"v1"')
        assert (reply.content_type, reply.resumable) == ("text/csv", True)
        assert b"".join(reply.chunks) == b"0123456789"
    (asked,) = wire.at(DOWNLOAD)
    assert asked.method == "GET"
    assert asked.headers["accept-encoding"] == "identity"
    assert not {"range", "if-range"} & set(asked.headers)


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        ({"ETag": '"v1"', "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}, '"v1"'),
        ({"ETag": 'W/"v1"'}, None),
        (
            {"ETag": 'W/"v1"', "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"},
            "Wed, 21 Oct 2015 07:28:00 GMT",
        ),
        ({}, None),
    ],
)
def test_only_a_strong_validator_is_one(
    wire: Wire, transport: Open, headers: dict[str, str], validator: str | None
) -> None:
    """A weak ETag does not say that the bytes are the same; the date is taken then."""
    wire.on(DOWNLOAD, Answer(body=b"x", headers=headers))
    with transport(wire.url).download(FILE) as reply:
        assert reply.validator == validator


def _ranged(content: bytes, tag: str) -> Callable[[Asked], Answer]:
    """Answer as a server that knows Range and If-Range does."""

    def answer(asked: Asked) -> Answer:
        found = re.fullmatch(r"bytes=(\d+)-", asked.headers.get("range", ""))
        if not found or asked.headers.get("if-range") != tag:
            return Answer(200, content, {"ETag": tag})
        start = int(found[1])
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return Answer(206, content[start:], {"ETag": tag, "Content-Range": span})

    return answer


def test_a_download_goes_on_where_it_broke(wire: Wire, transport: Open) -> None:
    """Range and If-Range are sent; a 206 begins at the byte asked for, and knows the whole size."""
    wire.on(DOWNLOAD, _ranged(b"0123456789", '"v1"'))
    with transport(wire.url).download(FILE, start=4, validator='"v1"') as reply:
        assert (reply.start, reply.size) == (4, 10)
        assert b"".join(reply.chunks) == b"456789"
    (asked,) = wire.at(DOWNLOAD)
    assert (asked.headers["range"], asked.headers["if-range"]) == ("bytes=4-", '"v1"')


def test_a_file_that_changed_comes_from_its_beginning(wire: Wire, transport: Open) -> None:
    """If-Range makes the platform answer 200; the reply says that it starts at 0."""
    wire.on(DOWNLOAD, _ranged(b"0123456789", '"v2"'))
    with transport(wire.url).download(FILE, start=4, validator='"v1"') as reply:
        assert (reply.start, reply.size, reply.validator) == (0, 10, '"v2"')
        assert b"".join(reply.chunks) == b"0123456789"


def test_without_a_validator_nothing_is_resumed(wire: Wire, transport: Open) -> None:
    """Who cannot tell whether it is the same file begins again."""
    wire.on(DOWNLOAD, _ranged(b"0123456789", '"v1"'))
    with transport(wire.url).download(FILE, start=4) as reply:
        assert reply.start == 0
    assert "range" not in wire.at(DOWNLOAD)[0].headers


def test_a_range_that_begins_too_late_is_refused(wire: Wire, transport: Open) -> None:
    """Bytes between what was had and what comes would be lost without a word."""
    wire.on(DOWNLOAD, Answer(206, b"89", {"Content-Range": "bytes 8-9/10"}))
    opened = transport(wire.url)
    with (
        pytest.raises(BrokenTransferError, match="byte 4 was asked for and 8 came"),
        opened.download(FILE, start=4, validator='"v1"'),
    ):
        pass


@pytest.mark.parametrize(("whole", "ends"), [(4, True), (3, False), (9, False)])
def test_a_file_that_ends_where_it_broke(
    wire: Wire, transport: Open, whole: int, ends: bool
) -> None:
    """A 416 that names the size we have is an empty rest; of any other size it is a failure."""
    wire.on(DOWNLOAD, status(416, Content_Range=f"bytes */{whole}"))
    opened = transport(wire.url)
    if ends:
        with opened.download(FILE, start=4, validator='"v1"') as reply:
            assert (reply.start, reply.size, list(reply.chunks)) == (4, 4, [])
        return
    with (
        pytest.raises(BrokenTransferError, match="416"),
        opened.download(FILE, start=4, validator='"v1"'),
    ):
        pass


def test_a_range_that_begins_too_early_says_so(wire: Wire, transport: Open) -> None:
    """The reply's start is the platform's word, not ours."""
    wire.on(DOWNLOAD, Answer(206, b"23456789", {"Content-Range": "bytes 2-9/10"}))
    with transport(wire.url).download(FILE, start=4, validator='"v1"') as reply:
        assert (reply.start, reply.size) == (2, 10)


def test_compressed_bytes_are_unpacked(wire: Wire, transport: Open) -> None:
    """A gateway that compresses unasked: size and validator are of other bytes, so none."""
    headers = {"Content-Encoding": "gzip", "ETag": '"v1"', "Accept-Ranges": "bytes"}
    wire.on(DOWNLOAD, Answer(body=gzip.compress(b"gio_id\n1\n"), headers=headers))
    with transport(wire.url).download(FILE) as reply:
        assert (reply.size, reply.validator, reply.resumable) == (None, None, False)
        assert b"".join(reply.chunks) == b"gio_id\n1\n"


def test_a_size_may_be_unknown(wire: Wire, transport: Open) -> None:
    """A body in chunks says no length."""
    wire.on(DOWNLOAD, Answer(body=[b"ab", b"c"]))
    with transport(wire.url).download(FILE) as reply:
        assert reply.size is None
        assert b"".join(reply.chunks) == b"abc"


BROKEN = {
    "429": status(429, Retry_After="3"),
    "500": status(500),
    "502 page": page(502),
    "503": status(503),
    "504": status(504),
    "416": status(416),
    "reset": RESET,
    "no answer": HANG,
    "cut": Answer(body=b"01234", ending="cut"),
    "cut in pieces": Answer(body=[b"01234"], ending="cut"),
    "nowhere": moved("http://["),
    "no web": moved("ftp://a.cn/x"),
    "no host": moved("http://xn--/x"),
}


@pytest.mark.parametrize("answer", BROKEN)
def test_a_download_that_breaks_can_be_asked_for_again(
    wire: Wire, transport: Open, short_timeouts: None, answer: str
) -> None:
    """Who reads the file decides about that; nothing is tried again here."""
    wire.on(DOWNLOAD, BROKEN[answer])
    opened = transport(wire.url, token="t", api_key=None)
    with pytest.raises(BrokenTransferError) as caught, opened.download(FILE) as reply:
        b"".join(reply.chunks)
    assert len(wire.at(DOWNLOAD)) == 1
    assert caught.value.retry_after == (3.0 if answer == "429" else None)


def test_a_download_from_nobody_can_be_asked_for_again(nobody: str, transport: Open) -> None:
    """The network may come back."""
    opened = transport(nobody, token="t")
    with pytest.raises(BrokenTransferError, match="refused"), opened.download(FILE):
        pass


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (status(404), FileNotFoundError, "HTTP 404"),
        (status(403), gio.PermissionDeniedError, "HTTP 403"),
        (status(204), gio.DownloadError, "HTTP 204"),
        (status(304), gio.DownloadError, "HTTP 304"),
        (status(302), gio.DownloadError, "HTTP 302"),
        (status(418), gio.DownloadError, "HTTP 418"),
        (moved(FILE), gio.DownloadError, "without an end"),
    ],
)
def test_a_download_that_is_refused(
    wire: Wire, transport: Open, answer: Answer, kind: type[Exception], words: str
) -> None:
    """Asking again would not help."""
    wire.on(DOWNLOAD, answer)
    opened = transport(wire.url, token="t", api_key=None)
    with pytest.raises(kind, match=words), opened.download(FILE):
        pass


def test_a_redirect_on_the_platform_is_followed_with_credentials(
    wire: Wire, transport: Open
) -> None:
    """A file may lie at another path of the same origin."""
    wire.on(DOWNLOAD, moved("/files/a.csv?sign=1")).on("/files/a.csv", Answer(body=b"x"))
    opened = transport(wire.url, token="t", api_key=None, headers={"X-Gate": "g"})
    with opened.download(FILE) as reply:
        assert b"".join(reply.chunks) == b"x"
    last = wire.asked[-1]
    assert last.target == "/files/a.csv?sign=1"
    assert (last.headers["authorization"], last.headers["x-gate"]) == ("Token t", "g")


def test_a_redirect_to_another_origin_carries_no_credentials(
    wire: Wire, serve: Serve, transport: Open
) -> None:
    """Object storage gets the range, and neither token, cookie nor header."""
    storage = serve()
    cookie = {"Set-Cookie": "sid=jar; Path=/"}
    wire.on(DOWNLOAD, Answer(302, b"", {"Location": f"{storage.url}/bucket/a.csv", **cookie}))
    storage.on("/bucket/a.csv", _ranged(b"0123456789", '"v1"'))
    opened = transport(wire.url, token="t", api_key=None, headers={"Cookie": "c=1", "X-Gate": "g"})
    with opened.download(FILE, start=4, validator='"v1"') as reply:
        assert b"".join(reply.chunks) == b"456789"
    (asked,) = storage.asked
    assert asked.headers["range"] == "bytes=4-"
    assert not {"authorization", "cookie", "x-gate", "referer"} & set(asked.headers)


def test_a_redirect_back_carries_credentials_again(
    wire: Wire, serve: Serve, transport: Open
) -> None:
    """From the platform elsewhere and back: each hop has what its origin may know."""
    elsewhere = serve()
    wire.on(DOWNLOAD, moved(f"{elsewhere.url}/hop")).on("/back", Answer(body=b"x"))
    cookie = {"Set-Cookie": "theirs=1; Path=/"}
    elsewhere.on("/hop", Answer(302, b"", {"Location": f"{wire.url}/back", **cookie}))
    opened = transport(wire.url, token="t", api_key=None, headers={"X-Gate": "g"})
    with opened.download(FILE) as reply:
        assert b"".join(reply.chunks) == b"x"
    assert not {"authorization", "x-gate", "cookie"} & set(elsewhere.asked[0].headers)
    last = wire.asked[-1]
    assert (last.headers["authorization"], last.headers["x-gate"]) == ("Token t", "g")


def test_a_redirect_of_downloads_is_learnt_once(wire: Wire, transport: Open) -> None:
    """The first file costs a token in vain; where it leads to a file, no later one does."""
    wire.on(DOWNLOAD, lambda asked: moved(f"/files/{asked.target[-1]}/a.csv"))
    wire.on("/a.csv", Answer(body=b"x"))
    opened = transport(wire.url)
    for number in range(8):
        with opened.download(f"/download?file={number}") as reply:
            assert b"".join(reply.chunks) == b"x"
    assert wire.counts() == {TOKEN: 2, DOWNLOAD: 9}


def test_a_login_before_a_known_place_of_files_still_renews(wire: Wire, transport: Open) -> None:
    """To know where files lie says nothing of a redirect to somewhere else."""
    file = moved("/op/files/a.csv")
    wire.on("/a.csv", Answer(body=b"x")).on("/login", page())
    wire.on(DOWNLOAD, file, file, moved("/op/login"), file, moved("/op"), file)
    opened = transport(f"{wire.url}/op")
    for tokens in (2, 3, 4):
        with opened.download(FILE) as reply:
            assert b"".join(reply.chunks) == b"x"
        assert len(wire.at(TOKEN)) == tokens


def test_a_login_page_behind_a_redirect_is_not_a_file(wire: Wire, transport: Open) -> None:
    """What a gateway's login answers is handed on with its type, for the reader to refuse."""
    wire.on(DOWNLOAD, moved("/login")).on("/login", page())
    with transport(wire.url, token="t", api_key=None).download(FILE) as reply:
        assert reply.content_type.startswith("text/html")


def test_the_readers_own_errors_pass(wire: Wire, transport: Open) -> None:
    """What goes wrong inside of the block is not taken for a broken transfer."""
    wire.on(DOWNLOAD, Answer(body=b"x" * 100_000))
    opened = transport(wire.url)
    with pytest.raises(ZeroDivisionError), opened.download(FILE):
        raise ZeroDivisionError
    with opened.download(FILE) as reply:
        assert len(b"".join(reply.chunks)) == 100_000
