"""The token: fetched once, renewed once, sent nowhere else."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from wire import (
    API_KEY,
    DOWNLOAD,
    GRAPHQL,
    RESET,
    TOKEN,
    Answer,
    Asked,
    Wire,
    data,
    moved,
    page,
    said,
    status,
)

import gio_pandas as gio
from gio_pandas import sandbox as embedded
from gio_pandas.api.answers import is_login_page
from gio_pandas.api.auth import TokenAuth, same_origin
from gio_pandas.api.transport import Transport
from gio_pandas.settings import Secret

QUERY = "query Projects { projects { id } }"
MUTATION = "mutation Submit { submit { id } }"
Open = Callable[..., Transport]


def _let_in(*tokens: str) -> Callable[[Asked], Answer]:
    """Answer 401 to any token but these."""
    accepted = {f"Token {token}" for token in tokens}

    def answer(asked: Asked) -> Answer:
        return data(ok=1) if asked.headers.get("authorization") in accepted else status(401)

    return answer


def test_a_token_request_is_as_documented(wire: Wire, transport: Open) -> None:
    """A form of four fields, no Authorization, and the answer's token in every later request."""
    wire.on(GRAPHQL, data(ok=1))
    transport(wire.url).query(QUERY, {})
    (asked,) = wire.at(TOKEN)
    assert (asked.method, asked.target) == ("POST", TOKEN)
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in asked.headers
    assert parse_qs(asked.body.decode(), strict_parsing=True) == {
        "grant_type": ["client_credentials"],
        "client_id": ["api"],
        "client_secret": [API_KEY],
        "scope": ["system"],
    }
    assert wire.at(GRAPHQL)[0].headers["authorization"] == "Token token-1"


def test_a_key_of_odd_characters_arrives_as_it_is(wire: Wire, transport: Open) -> None:
    """What means something in a form is escaped."""
    wire.on(GRAPHQL, data(ok=1))
    transport(wire.url, api_key="a+b&c=d%20/").query(QUERY, {})
    assert parse_qs(wire.at(TOKEN)[0].body.decode())["client_secret"] == ["a+b&c=d%20/"]


def test_opening_asks_nothing(wire: Wire, transport: Open) -> None:
    """The first request needs the first token, not the constructor."""
    transport(wire.url)
    assert wire.asked == []


def test_one_token_serves_every_request(wire: Wire, transport: Open) -> None:
    """Queries, submits and downloads share it."""
    wire.on(GRAPHQL, data(ok=1)).on(DOWNLOAD, Answer(body=b"x"))
    opened = transport(wire.url)
    opened.query(QUERY, {})
    opened.submit(MUTATION, {})
    with opened.download("/download?file=a") as reply:
        assert b"".join(reply.chunks) == b"x"
    assert wire.counts() == {TOKEN: 1, GRAPHQL: 2, DOWNLOAD: 1}
    used = {asked.headers.get("authorization") for asked in wire.at(GRAPHQL) + wire.at(DOWNLOAD)}
    assert used == {"Token token-1"}


def test_eight_threads_renew_a_token_once() -> None:
    """Threads that meet a dead token together cost one token request for each expiry."""
    with (
        embedded.start(stage_seconds=0, users=10) as platform,
        ThreadPoolExecutor(8) as pool,
        gio.Session(platform.url, api_key=platform.api_key) as session,
    ):
        barrier = threading.Barrier(8)

        def ask(_: int) -> Any:
            barrier.wait()
            return session.graphql(QUERY)

        for expiry in range(1, 6):
            assert len(list(pool.map(ask, range(8)))) == 8
            asked = [request for request in platform.requests if request.path == TOKEN]
            assert len(asked) == expiry
            platform.expire_tokens()


def test_a_thread_that_meets_a_renewed_token_uses_it(wire: Wire, transport: Open) -> None:
    """A 401 of an old token, read after another thread has renewed it, asks for no third one."""
    released = threading.Event()
    first = threading.Event()

    def answer(asked: Asked) -> Answer:
        if asked.headers["authorization"] == "Token token-1":
            if not first.is_set():
                first.set()
                released.wait(10)  # this one's 401 comes late
            return status(401)
        return data(ok=1)

    wire.on(GRAPHQL, answer)
    opened = transport(wire.url)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(opened.query, QUERY, {})
        assert first.wait(10)
        opened.query(QUERY, {})
        released.set()
        assert late.result(10) == {"ok": 1}
    assert len(wire.at(TOKEN)) == 2


def test_a_401_is_renewed_and_asked_again(wire: Wire, transport: Open) -> None:
    """A dead token costs one token and one repetition; the new one is kept."""
    wire.on(GRAPHQL, _let_in("token-2"))
    opened = transport(wire.url)
    assert opened.query(QUERY, {}) == opened.query(QUERY, {}) == {"ok": 1}
    assert wire.counts() == {TOKEN: 2, GRAPHQL: 3}


def test_a_submit_is_repeated_after_a_401(wire: Wire, transport: Open) -> None:
    """Who is refused at the door has not been seen."""
    wire.on(GRAPHQL, _let_in("token-2"))
    assert transport(wire.url).submit(MUTATION, {}) == {"ok": 1}
    assert wire.counts() == {TOKEN: 2, GRAPHQL: 2}


def test_a_download_is_repeated_after_a_401(wire: Wire, transport: Open) -> None:
    """The token may die between two files."""
    wire.on(DOWNLOAD, _let_in("token-2"))
    with transport(wire.url).download("/download?file=a") as reply:
        assert b"".join(reply.chunks) == b'{"data": {"ok": 1}}'
    assert wire.counts() == {TOKEN: 2, DOWNLOAD: 2}


@pytest.mark.parametrize("send", ["query", "submit"])
def test_a_second_401_is_an_error(wire: Wire, transport: Open, send: str) -> None:
    """One renewal, one repetition, then an error that names the scheme; no loop."""
    wire.on(GRAPHQL, status(401))
    with pytest.raises(gio.AuthenticationError, match=r"'Token'.*auth_scheme") as caught:
        getattr(transport(wire.url), send)(MUTATION if send == "submit" else QUERY, {})
    assert wire.counts() == {TOKEN: 2, GRAPHQL: 2}
    assert API_KEY not in str(caught.value)


def test_a_second_401_to_a_download_is_an_error(wire: Wire, transport: Open) -> None:
    """Asking on and on would not help."""
    wire.on(DOWNLOAD, status(401))
    opened = transport(wire.url)
    with pytest.raises(gio.AuthenticationError), opened.download("/download?file=a"):
        pass
    assert wire.counts() == {TOKEN: 2, DOWNLOAD: 2}


def test_a_token_without_a_key_cannot_be_renewed(wire: Wire, transport: Open) -> None:
    """It is used as it is; when it dies, that is an error at once."""
    wire.on(GRAPHQL, data(ok=1), status(401))
    opened = transport(wire.url, api_key=None, token="mine")
    assert opened.query(QUERY, {}) == {"ok": 1}
    with pytest.raises(gio.AuthenticationError, match="api_key="):
        opened.query(QUERY, {})
    assert wire.counts() == {GRAPHQL: 2}


def test_a_token_with_a_key_is_used_first(wire: Wire, transport: Open) -> None:
    """The key is for the day when the token dies."""
    wire.on(GRAPHQL, _let_in("mine"))
    opened = transport(wire.url, token="mine")
    opened.query(QUERY, {})
    assert wire.counts() == {GRAPHQL: 1}
    wire.on(GRAPHQL, _let_in("token-1"))
    opened.query(QUERY, {})
    assert wire.counts() == {GRAPHQL: 3, TOKEN: 1}


@pytest.mark.parametrize(
    ("scheme", "sent"), [("Token", "Token mine"), ("Bearer", "Bearer mine"), ("", "mine")]
)
def test_the_scheme_stands_before_the_token(
    wire: Wire, transport: Open, scheme: str, sent: str
) -> None:
    """The empty scheme sends the bare token."""
    wire.on(GRAPHQL, data(ok=1))
    transport(wire.url, token="mine", auth_scheme=scheme).query(QUERY, {})
    assert wire.at(GRAPHQL)[0].headers["authorization"] == sent


def test_headers_alone_are_a_way_in(wire: Wire, transport: Open) -> None:
    """A gateway's cookie may be all that is needed: no token is fetched, none is sent."""
    wire.on(GRAPHQL, data(ok=1))
    transport(wire.url, api_key=None, headers={"Cookie": "sid=1"}).query(QUERY, {})
    (asked,) = wire.asked
    assert asked.headers["cookie"] == "sid=1"
    assert "authorization" not in asked.headers


def test_extra_headers_go_with_every_request_to_the_platform(wire: Wire, transport: Open) -> None:
    """Token, GraphQL and download requests carry them."""
    wire.on(GRAPHQL, data(ok=1)).on(DOWNLOAD, Answer(body=b"x"))
    opened = transport(wire.url, headers={"Cookie": "sid=1", "X-Gate": "名"})
    opened.query(QUERY, {})
    with opened.download("/download?file=a"):
        pass
    assert wire.counts() == {TOKEN: 1, GRAPHQL: 1, DOWNLOAD: 1}
    assert {asked.headers["cookie"] for asked in wire.asked} == {"sid=1"}
    assert {asked.headers["x-gate"].encode("latin-1").decode() for asked in wire.asked} == {"名"}


def test_another_origin_gets_no_credentials(
    wire: Wire, serve: Callable[[], Wire], transport: Open
) -> None:
    """A file elsewhere is fetched without token, headers or cookie, and its 401 renews nothing."""
    wire.on(GRAPHQL, Answer(body=b'{"data": {}}', headers={"Set-Cookie": "sid=jar; Path=/"}))
    elsewhere = serve().on("/file", Answer(body=b"x"), status(401))
    opened = transport(wire.url, headers={"Cookie": "mine=1", "X-Gate": "g"})
    opened.query(QUERY, {})
    with opened.download(f"{elsewhere.url}/file") as reply:
        assert b"".join(reply.chunks) == b"x"
    with pytest.raises(gio.AuthenticationError), opened.download(f"{elsewhere.url}/file"):
        pass
    assert len(elsewhere.asked) == 2
    assert not {"authorization", "cookie", "x-gate"} & set(elsewhere.asked[0].headers)
    assert len(wire.at(TOKEN)) == 1


# --- cookies -------------------------------------------------------------------------------------

SETS = {"Set_Cookie": "sid=1; Path=/"}
Serve = Callable[[], Wire]


def _with_sid(asked: Asked) -> Answer:
    """Let in who has the cookie, and give it to who has not."""
    known = "sid=1" in asked.headers.get("cookie", "").split("; ")
    return data(ok=1) if known else said({}, 401, **SETS)


@pytest.mark.parametrize("first", [TOKEN, GRAPHQL])
@pytest.mark.parametrize("send", ["query", "submit"])
def test_a_cookie_goes_with_the_very_next_request(
    wire: Wire, transport: Open, first: str, send: str
) -> None:
    """One that the token's answer sets, or a 401, is there when the request is sent after it."""
    if first == TOKEN:
        wire.on(TOKEN, said({"access_token": "token-1"}, **SETS))
    wire.on(GRAPHQL, _with_sid)
    assert getattr(transport(wire.url), send)(MUTATION, {}) == {"ok": 1}
    assert len(wire.at(GRAPHQL)) == (1 if first == TOKEN else 2)


def test_own_cookies_and_the_platforms_go_together(wire: Wire, transport: Open) -> None:
    """A gateway's cookie does not keep the platform's away; of one name yours is sent."""
    cookies = said({"access_token": "a"}, Set_Cookie="gw=theirs; Path=/")
    wire.on(TOKEN, cookies).on(GRAPHQL, _with_sid).on(DOWNLOAD, Answer(body=b"x"))
    opened = transport(wire.url, headers={"cookie": "gw=mine; b=名"})
    assert opened.query(QUERY, {}) == {"ok": 1}
    with opened.download("/download?file=a"):
        pass
    sent = [asked.headers["cookie"].encode("latin-1").decode() for asked in wire.asked]
    mine, joined = "gw=mine; b=名", "gw=mine; b=名; sid=1"
    assert sent == [mine, mine, joined, joined, joined]


def test_another_port_sets_no_cookies(wire: Wire, serve: Serve, transport: Open) -> None:
    """A jar tells hosts apart, not ports: what another service sets is sent to nobody."""
    elsewhere = serve().on("/file", Answer(headers={"Set-Cookie": "sid=theirs; Path=/"}))
    wire.on(GRAPHQL, data(ok=1)).on(DOWNLOAD, moved(f"{elsewhere.url}/file"))
    opened = transport(wire.url)
    for _ in range(2):
        with opened.download("/download?file=a"):
            pass
    opened.query(QUERY, {})
    assert len(elsewhere.asked) == 2
    assert not [asked for asked in wire.asked + elsewhere.asked if "cookie" in asked.headers]


# --- refusals ------------------------------------------------------------------------------------

REFUSALS = {
    "401": (said({"error": "invalid_client"}, 401), "refused the API key"),
    "400": (said({"error": "invalid_request"}, 400), "refused the API key"),
    "403": (status(403), "refused the API key"),
    "no token": (said({"error": "invalid_client"}), "refused the API key"),
    "a number": (said({"access_token": 5}), "refused the API key"),
    "an empty token": (said({"access_token": ""}), "refused the API key"),
    "a token of two lines": (said({"access_token": "a\nb"}), "refused the API key"),
    "a Chinese token": (said({"access_token": "令牌"}), "refused the API key"),
    "a page": (page(), "no token service"),
    "a login": (moved("/login?next=/accounts/oauth/access_token"), "no token service"),
    "404": (page(404), "no token service"),
    "405": (status(405), "no token service"),
}


@pytest.mark.parametrize("answer", REFUSALS)
def test_a_token_that_is_refused_is_an_authentication_error(
    wire: Wire, transport: Open, answer: str
) -> None:
    """Whatever stands in place of a token: one request, an error, and the key is not shown."""
    wire.on(TOKEN, REFUSALS[answer][0])
    with pytest.raises(gio.AuthenticationError, match=REFUSALS[answer][1]) as caught:
        transport(wire.url).query(QUERY, {})
    assert wire.counts() == {TOKEN: 1}
    assert API_KEY not in str(caught.value)


@pytest.mark.parametrize("answer", [Answer(body=b"\xff{"), Answer(body=b""), said(["x"])])
def test_a_token_answer_that_cannot_be_read_is_no_refusal(
    wire: Wire, transport: Open, answer: Answer
) -> None:
    """What broke on the way says nothing of the key, and nothing was seen of what it was for."""
    wire.on(TOKEN, answer)
    with pytest.raises(gio.PlatformUnavailableError, match="cannot be read") as caught:
        transport(wire.url).submit(QUERY, {})
    assert not caught.value.seen
    assert wire.counts() == {TOKEN: 1}


@pytest.mark.parametrize("number", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("send", ["query", "submit"])
def test_a_token_service_that_is_away_is_waited_for(
    wire: Wire, transport: Open, no_waits: None, number: int, send: str
) -> None:
    """Without a token nothing was submitted: even a submit is tried again."""
    wire.on(GRAPHQL, data(ok=1))
    wire.on(TOKEN, page(number), status(number), said({"access_token": "late"}))
    assert getattr(transport(wire.url), send)(QUERY, {}) == {"ok": 1}
    assert wire.counts() == {TOKEN: 3, GRAPHQL: 1}


def test_a_token_service_that_stays_away_is_unavailable(
    wire: Wire, transport: Open, no_waits: None
) -> None:
    """After four attempts the error has the status."""
    wire.on(TOKEN, status(503))
    with pytest.raises(gio.PlatformUnavailableError, match="HTTP 503") as caught:
        transport(wire.url).submit(MUTATION, {})
    assert (caught.value.status, caught.value.seen) == (503, False)
    assert wire.counts() == {TOKEN: 4}


def test_a_token_request_that_breaks_off_lets_the_next_one_try(
    wire: Wire, transport: Open, no_waits: None
) -> None:
    """The lock of the renewal does not outlive a broken connection, of a submit neither."""
    wire.on(GRAPHQL, data(ok=1)).on(TOKEN, RESET, RESET, said({"access_token": "late"}))
    assert transport(wire.url).submit(MUTATION, {}) == {"ok": 1}
    assert wire.counts() == {TOKEN: 3, GRAPHQL: 1}


def test_a_token_service_away_in_a_download_is_a_broken_transfer(
    wire: Wire, transport: Open
) -> None:
    """A renewal that fails in passing does not cost a finished export."""
    wire.on(DOWNLOAD, status(401)).on(TOKEN, said({"access_token": "a"}), status(503))
    opened = transport(wire.url)
    with (
        pytest.raises(Exception, match="gave no token") as caught,
        opened.download("/download?file=a"),
    ):
        pass
    assert type(caught.value).__name__ == "BrokenTransferError"


# --- login pages ---------------------------------------------------------------------------------

LOGINS = {
    "a page": page(),
    "a redirect": moved("/login?next=%2Fgraphql"),
    "see other": moved("/", 303),
}


@pytest.mark.parametrize("login", LOGINS)
def test_a_login_page_renews_the_token_of_a_query(wire: Wire, transport: Open, login: str) -> None:
    """A gateway's session ends with a page or a redirect; a query is asked once more."""
    wire.on(GRAPHQL, LOGINS[login], data(ok=1))
    assert transport(wire.url).query(QUERY, {}) == {"ok": 1}
    assert wire.counts() == {TOKEN: 2, GRAPHQL: 2}


@pytest.mark.parametrize("login", LOGINS)
def test_a_login_page_that_stays_is_an_authentication_error(
    wire: Wire, transport: Open, login: str
) -> None:
    """It is never taken for data, and the hint names the cookie."""
    wire.on(GRAPHQL, LOGINS[login])
    with pytest.raises(gio.AuthenticationError, match=r"web page.*Cookie"):
        transport(wire.url).query(QUERY, {})
    assert wire.counts() == {TOKEN: 2, GRAPHQL: 2}


@pytest.mark.parametrize("login", LOGINS)
def test_a_login_page_never_repeats_a_submit(wire: Wire, transport: Open, login: str) -> None:
    """The submit fails; what comes after it begins with a new token."""
    wire.on(GRAPHQL, LOGINS[login], data(ok=1))
    opened = transport(wire.url)
    with pytest.raises(gio.AuthenticationError):
        opened.submit(MUTATION, {})
    assert wire.counts() == {TOKEN: 1, GRAPHQL: 1}
    assert opened.query(QUERY, {}) == {"ok": 1}
    assert wire.at(GRAPHQL)[-1].headers["authorization"] == "Token token-2"


def test_a_login_page_does_not_forget_a_token_that_cannot_be_renewed(
    wire: Wire, transport: Open
) -> None:
    """A given token is all there is."""
    wire.on(GRAPHQL, page(), data(ok=1))
    opened = transport(wire.url, api_key=None, token="mine")
    with pytest.raises(gio.AuthenticationError):
        opened.submit(MUTATION, {})
    opened.query(QUERY, {})
    assert wire.at(GRAPHQL)[-1].headers["authorization"] == "Token mine"


def test_a_login_page_in_place_of_a_file_renews_the_token(wire: Wire, transport: Open) -> None:
    """A download is asked for once more."""
    wire.on(DOWNLOAD, page(), Answer(body=b"x"))
    with transport(wire.url).download("/download?file=a") as reply:
        assert b"".join(reply.chunks) == b"x"
    assert wire.counts() == {TOKEN: 2, DOWNLOAD: 2}


# --- streams -------------------------------------------------------------------------------------


def test_a_download_is_not_read_by_the_auth_flow(wire: Wire, transport: Open) -> None:
    """The first piece is here while the server still holds the rest back."""
    go_on = threading.Event()
    sent = itertools.count()
    piece = b"x" * 65536

    def pieces() -> Iterator[bytes]:
        for number in range(64):
            if number == 1:
                go_on.wait(10)
            next(sent)
            yield piece

    wire.on(DOWNLOAD, Answer(body=pieces()))
    with transport(wire.url).download("/download?file=a") as reply:
        chunks = iter(reply.chunks)
        first = next(chunks)
        assert next(sent) == 1  # one piece was sent so far
        go_on.set()
        rest = sum(len(chunk) for chunk in chunks)
    assert len(first) + rest == 64 * len(piece)


def test_a_dead_tokens_answer_is_closed_before_the_next_request(
    wire: Wire, transport: Open
) -> None:
    """A 401 in a stream gives its connection back: many in a row do not fill the pool."""
    wire.on(DOWNLOAD, *[status(401), Answer(body=b"x")] * 30)
    opened = transport(wire.url)
    for _ in range(30):
        with opened.download("/download?file=a") as reply:
            assert b"".join(reply.chunks) == b"x"
    assert len(wire.at(TOKEN)) == 31


# --- decisions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.cn/x", "https://a.cn/y?z", True),
        ("https://a.cn", "https://a.cn:443", True),
        ("http://a.cn:80/", "http://a.cn", True),
        ("https://A.cn", "https://a.cn", True),
        ("https://a.cn", "http://a.cn", False),
        ("https://a.cn", "https://a.cn:8443", False),
        ("https://a.cn", "https://b.a.cn", False),
        ("https://a.cn", "https://a.cn.evil.cn", False),
        ("https://a.cn", "https://evil.cn/https://a.cn", False),
        ("https://a.cn", "https://a.cn@evil.cn", False),
    ],
)
def test_same_origin(one: str, other: str, same: bool) -> None:
    """Scheme, host and port; a default port may be left out."""
    assert same_origin(httpx.URL(one), httpx.URL(other)) is same


@pytest.mark.parametrize(
    ("number", "headers", "login"),
    [
        (200, {"content-type": "text/html; charset=utf-8"}, True),
        (200, {"content-type": "application/xhtml+xml"}, True),
        (200, {"content-type": "application/json"}, False),
        (200, {"content-type": "text/html", "content-length": "999999"}, True),
        (200, {"content-type": "text/html", "content-length": "1000000"}, False),
        (200, {"content-type": "text/html", "content-disposition": "Attachment"}, False),
        (200, {}, False),
        (302, {"location": "/login"}, True),
        (307, {"location": "/login"}, True),
        (304, {}, False),
        (302, {}, False),
        (404, {"content-type": "text/html"}, False),
        (502, {"content-type": "text/html"}, False),
    ],
)
def test_is_login_page(number: int, headers: dict[str, str], login: bool) -> None:
    """A page with status 200, or a redirect that leads somewhere; a file is none of both."""
    assert is_login_page(httpx.Response(number, headers=headers)) is login


def test_a_token_request_is_told_from_the_others() -> None:
    """Its failure says nothing of the request it was made for; a path prefix is part of it."""
    auth = TokenAuth("https://a.cn/op", api_key=Secret("k"), token=None, scheme="Token", headers={})
    assert auth.is_token_request(httpx.Request("POST", f"https://a.cn/op{TOKEN}"))
    assert not auth.is_token_request(httpx.Request("POST", f"https://a.cn{TOKEN}"))
    assert not auth.is_token_request(httpx.Request("POST", "https://a.cn/op/graphql"))


def test_no_log_has_a_secret(
    wire: Wire, transport: Open, caplog: pytest.LogCaptureFixture, no_waits: None
) -> None:
    """Not even with every library's log at DEBUG, nor when it goes wrong."""
    caplog.set_level(logging.DEBUG)
    wire.on(GRAPHQL, status(401), status(502), data(ok=1))
    transport(wire.url, headers={"Cookie": "sid=geheim"}).query(QUERY, {})
    assert "HTTP/1.1 401" in caplog.text
    told = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert not [secret for secret in (API_KEY, "token-1", "token-2", "geheim") if secret in told]
