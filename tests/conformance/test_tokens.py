"""Tokens: renewed when they die, once for all threads, and sent as the settings say."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import gio_pandas as gio

from .conftest import Connect, Serve
from .frames import (
    VIP,
)
from .platform import ALWAYS, API_KEY, Fault


@pytest.mark.parametrize("scheme", ["Token", "Bearer", ""])
def test_the_token_is_sent_in_the_scheme_set(serve: Serve, connect: Connect, scheme: str) -> None:
    """The scheme is a setting; the empty one sends the bare token."""
    platform = serve(auth_scheme=scheme)
    frame = connect(platform, auth_scheme=scheme).read_segment(VIP)
    assert len(frame) == 3
    assert len(platform.asked("token")) == 1


def test_making_a_session_does_not_touch_the_network(serve: Serve, connect: Connect) -> None:
    """The first verb does, and reports what is wrong."""
    platform = serve()
    repr(connect(platform))
    assert platform.requests == []


@pytest.mark.parametrize("nth", range(1, 7))
@pytest.mark.parametrize(("verb", "handle"), [("read_segment", VIP), ("read_tag", "会员等级")])
def test_a_token_that_dies_at_any_step_is_renewed_once(
    serve: Serve, connect: Connect, verb: str, handle: str, nth: int
) -> None:
    """A 401 in the middle costs one token and one repetition, and starts no second job."""
    platform = serve(faults=(Fault("any", 401, at=(nth,)),))
    frame = getattr(connect(platform), verb)(handle)
    happened = len([r for r in platform.requests if r.step != "token"]) >= nth
    assert len(frame) == 3
    assert platform.submits == 1
    assert len(platform.asked("token")) == (2 if happened else 1)


@pytest.mark.parametrize("step", ["query", "submit", "poll", "download"])
def test_a_401_at_a_step_is_renewed_once(serve: Serve, connect: Connect, step: str) -> None:
    """Whatever the request was for, it is sent again with a new token."""
    platform = serve(faults=(Fault(step, 401),))
    assert len(connect(platform).read_segment(VIP)) == 3
    assert (platform.submits, len(platform.asked("token"))) == (1, 2)


@pytest.mark.parametrize("lives", [1, 2, 3])
def test_tokens_that_die_young_are_renewed_again_and_again(
    serve: Serve, connect: Connect, lives: int
) -> None:
    """A platform whose tokens last for a few requests can be read."""
    platform = serve(token_lives=lives, parts=6)
    session = connect(platform)
    assert len(session.read_segment(VIP)) == 3
    assert len(session.list_tags()) == 5
    assert platform.submits == 1


def test_a_token_that_expires_at_once_is_still_used(serve: Serve, connect: Connect) -> None:
    """An ``expires_in`` of nothing does not keep the client busy with tokens for ever."""
    platform = serve(expires_in=0)
    assert len(connect(platform).read_segment(VIP)) == 3
    assert len(platform.asked("token")) <= len(platform.requests) // 2 + 1


def _at_once(session: gio.Session, work: Callable[[gio.Session], Any], threads: int = 8) -> None:
    barrier = threading.Barrier(threads)

    def run(_: int) -> None:
        barrier.wait()
        work(session)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, range(threads)))


def test_eight_threads_share_one_token(serve: Serve, connect: Connect) -> None:
    """Threads that start together ask for a token once, and once again when it dies."""
    platform = serve(token_delay=0.2)
    session = connect(platform)
    _at_once(session, lambda s: s.graphql("{ projects { id } }"))
    assert len(platform.asked("token")) == 1
    platform.revoke()
    _at_once(session, lambda s: s.graphql("{ projects { id } }"))
    assert len(platform.asked("token")) == 2


def test_eight_threads_read_through_a_renewal(serve: Serve, connect: Connect) -> None:
    """Reads in threads are all right, and start one job each, while tokens die under them."""
    platform = serve(token_lives=40, parts=2)
    session = connect(platform)
    names = [segment["name"] for segment in platform.world.segments]
    _at_once(session, lambda s: [len(s.read_segment(name)) for name in names])
    assert platform.submits == 8 * len(names)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_wrong_key_is_an_authentication_error(
    serve: Serve, connect: Connect, status: int
) -> None:
    """A key the platform does not know is an error that says so, and is not tried on and on."""
    platform = serve(wrong_key_status=status)
    with pytest.raises(gio.AuthenticationError):
        connect(platform, api_key="wrong-key-0123456789").list_projects()
    assert len(platform.asked("token")) <= 2


def test_a_token_is_enough(serve: Serve, connect: Connect) -> None:
    """A token that is given needs no key; when it dies the error says so."""
    platform = serve()
    platform.tokens["given-token-0123456789"] = 20
    session = connect(platform, api_key=None, token="given-token-0123456789")
    assert len(session.read_segment(VIP)) == 3
    assert platform.asked("token") == []
    platform.revoke()
    with pytest.raises(gio.AuthenticationError):
        session.list_projects()


def test_a_token_is_never_accepted(serve: Serve, connect: Connect) -> None:
    """A platform that refuses every token is an error after one renewal, not a loop."""
    platform = serve(faults=(Fault("any", 401, at=ALWAYS),))
    with pytest.raises(gio.AuthenticationError):
        connect(platform).list_projects()
    assert len(platform.asked("token")) == 2


def test_headers_reach_every_endpoint(serve: Serve, connect: Connect) -> None:
    """Cookies and other headers that a gateway wants are a setting."""
    headers = {"Cookie": "sid=a-cookie-nobody-may-see", "X-Gateway": "gw-secret-0123456789"}
    platform = serve(required_headers=headers, prefix="/op/v2")
    assert len(connect(platform, headers=headers).read_segment(VIP)) == 3


def test_a_cookie_may_be_all_that_is_needed(serve: Serve, connect: Connect) -> None:
    """An installation that knows its users by a cookie needs neither key nor token."""
    headers = {"Cookie": "sid=a-cookie-nobody-may-see"}
    platform = serve(auth_scheme=None, required_headers=headers)
    session = connect(platform, api_key=None, headers=headers)
    assert len(session.read_segment(VIP)) == 3
    assert platform.asked("token") == []


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_platform_may_live_under_a_prefix(serve: Serve, slash: str) -> None:
    """A path prefix is part of the platform's address, with or without a slash at its end."""
    platform = serve(prefix="/op")
    with gio.Session(platform.url + slash, api_key=API_KEY) as session:
        assert len(session.read_segment(VIP)) == 3
