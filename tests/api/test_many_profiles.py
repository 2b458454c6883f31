"""Many users in one request, and platforms that do not answer many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wire import GRAPHQL, RESET, TOKEN, Answer, Asked, Wire, data, page, refused, said, status

import gio_pandas as gio
from gio_pandas import sandbox as embedded
from gio_pandas.api.client import Client
from gio_pandas.api.models import Profile
from gio_pandas.sandbox.population import user_id

Open = Callable[..., Client]
IDS = [*"ABCDEFGH"]
PROJECT = "WlGk4Daj"


def profile(user: str) -> dict[str, Any]:
    """Write a user as the platform answers them."""
    properties = [{"key": "usr_city", "name": "城市", "value": f"city of {user}"}]
    return {"id": user, "userId": user, "properties": properties}


class Platform:
    """Answers one user at a time, and up to ``most`` in one request; more as a test says."""

    def __init__(self, wire: Wire, refusal: Answer | None = None, most: int = 1) -> None:
        self.refusal, self.most = refusal, most
        self.sizes: list[int] = []
        self.broken: set[str] = set()
        wire.on(GRAPHQL, self.answer)

    def answer(self, asked: Asked) -> Answer:
        """Answer a request."""
        variables = asked.json()["variables"]
        users = [value for name, value in variables.items() if name[0] == "u"]
        self.sizes.append(len(users))
        if "userId" in variables:
            return self._alone(users[0])
        if self.refusal is not None and len(users) > self.most:
            return self.refusal
        errors = [
            {"message": "kaputt", "path": [f"p{n}", "properties"]}
            for n, user in enumerate(users)
            if user in self.broken
        ]
        fields = {f"p{n}": profile(user) for n, user in enumerate(users)}
        return said({"data": fields} | ({"errors": errors} if errors else {}))

    def _alone(self, user: str) -> Answer:
        return refused("kaputt") if user in self.broken else data(userProfile=profile(user))


def ask(opened: Client, ids: list[str] | None = None, pace: Any = lambda: None) -> Any:
    """Ask once."""
    found = opened.profiles(ids or IDS, project_id=PROJECT, properties=["usr_city"], pace=pace)
    return {user: found[user] and found[user].values["usr_city"] for user in found}


def cities(users: Any) -> dict[str, str]:
    """Say what is right."""
    return {user: f"city of {user}" for user in users}


@pytest.mark.parametrize("scope", ["project", "platform"])
def test_many_users_are_what_each_is_alone(
    sandbox: embedded.Sandbox, client: Open, scope: str
) -> None:
    """Values as variables: ids of every kind of letters come through, and unknown ones are None."""
    real = client(sandbox.url, api_key=sandbox.api_key)
    users = ["nobody", *(user_id(number) for number in range(60) if user_id(number))]
    tags = [tag for tag in real.data_center_tags() if tag.key == "tag_payment_times"]
    asked: dict[str, Any] = {"properties": ["usr_city", "tag_payment_times"]}
    if scope == "project":
        asked = {"properties": ["usr_city"], "tags": [tags[0].id]}
    before = len(sandbox.requests)
    project = {"project_id": PROJECT} if scope == "project" else {}
    found = real.profiles(users, **project, **asked, pace=lambda: None)
    assert len(sandbox.requests) == before + 1
    if scope == "project":
        alone = {user: real.user_profile(PROJECT, user, **asked) for user in users}
    else:
        alone = {user: real.data_center_user_profile(user, **asked) for user in users}
    assert found == alone
    assert found["nobody"] is None
    known = found[users[1]]
    assert isinstance(known, Profile)
    assert set(known.values) == {"usr_city", "tag_payment_times"}


def test_one_user_is_asked_for_without_an_alias(wire: Wire, client: Open) -> None:
    """What is not many needs none, and no pace."""
    Platform(wire)
    paced: list[int] = []
    assert ask(client(wire.url), ["A"], pace=lambda: paced.append(1)) == cities("A")
    assert wire.at(GRAPHQL)[0].json()["operationName"] == "UserProfile"
    assert paced == []


TOO_MANY = {
    "refused": refused("Aliases limit of 4 exceeded, found 8."),
    "refused as 400": refused("query is too complex", 400),
    "forbidden": refused("too complex", code="FORBIDDEN"),
    "without aliases": data(userProfile=profile("A")),
    "half of it": data(**{f"p{n}": profile(user) for n, user in enumerate("ABC")}),
    "blamed on nobody": refused("no", data={f"p{n}": profile(u) for n, u in enumerate(IDS)}),
    "400": said({"message": "no"}, 400),
    "403": status(403),
    "413": status(413),
    "414": status(414),
    "500": status(500),
    "504": status(504),
    "reset": RESET,
    "of other things": data(**{f"p{n}": ["odd"] for n in range(8)}),
}


@pytest.mark.parametrize("answer", TOO_MANY)
def test_a_platform_that_refuses_many_is_asked_for_half(
    wire: Wire, client: Open, no_waits: None, answer: str
) -> None:
    """One who is asked for alone tells that it is the number; from then on it is half of it."""
    platform = Platform(wire, TOO_MANY[answer], most=4)
    opened = client(wire.url)
    assert opened.users_per_request == 200
    paced: list[int] = []
    found = ask(opened, pace=lambda: paced.append(1))
    assert found.items() <= cities(IDS).items()
    assert 1 <= len(found) <= 4
    assert len(paced) == 1
    assert opened.users_per_request == 4
    assert platform.sizes[-1] == 1
    assert ask(opened, IDS[:4]) == cities(IDS[:4])
    assert platform.sizes[-1] == 4
    assert opened.users_per_request == 4


def test_it_goes_down_to_one(wire: Wire, client: Open) -> None:
    """A platform that takes no aliases at all is asked one by one, and never for none."""
    Platform(wire, refused("aliases are not allowed"))
    opened = client(wire.url)
    for users in (8, 4, 2):
        assert ask(opened, IDS[:users]) == cities("A")
    assert opened.users_per_request == 1
    assert ask(opened, ["B"]) == cities("B")
    assert opened.users_per_request == 1


def test_a_hiccup_is_no_refusal(wire: Wire, client: Open, no_waits: None) -> None:
    """Who is away for a moment is asked for as many once more."""
    for answer in (status(429), status(503), status(502), status(504), RESET):
        platform = Platform(wire)
        wire.on(GRAPHQL, answer, answer, platform.answer)
        opened = client(wire.url)
        assert ask(opened) == cities(IDS)
        assert opened.users_per_request == 200


@pytest.mark.parametrize("answer", [status(429), status(503)])
def test_who_wants_to_be_left_alone_is_not_asked_for_fewer(
    wire: Wire, client: Open, no_waits: None, answer: Answer
) -> None:
    """Too many requests are not too many users."""
    Platform(wire, answer)
    opened = client(wire.url)
    with pytest.raises(gio.PlatformUnavailableError):
        ask(opened)
    assert {len(asked.json()["variables"]) for asked in wire.at(GRAPHQL)} == {10}
    assert opened.users_per_request == 200


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (status(413), gio.PlatformUnavailableError),
        (status(504), gio.PlatformUnavailableError),
        (refused("tag not found"), gio.GraphQLError),
        (refused("no", code="FORBIDDEN"), gio.PermissionDeniedError),
        (status(403), gio.PermissionDeniedError),
        (data(), gio.PlatformUnavailableError),
        (page(), gio.AuthenticationError),
        (refused("who?", code="UNAUTHENTICATED"), gio.AuthenticationError),
    ],
)
def test_what_fails_for_one_alone_is_the_error(
    wire: Wire, client: Open, no_waits: None, answer: Answer, error: type[gio.GioError]
) -> None:
    """It is not their number then, and nothing is remembered."""
    wire.on(GRAPHQL, answer)
    opened = client(wire.url)
    with pytest.raises(error):
        ask(opened)
    assert opened.users_per_request == 200


def test_a_broken_alias_does_not_spoil_the_others(wire: Wire, client: Open) -> None:
    """Who has an error is asked for again, alone; what came beside the error does not count."""
    platform = Platform(wire)
    platform.broken = {"C", "F"}
    alone = platform._alone
    platform._alone = lambda user: alone("A") if user in "CF" else alone(user)  # type: ignore[method-assign]
    opened = client(wire.url)
    paced: list[int] = []
    found = ask(opened, pace=lambda: paced.append(1))
    assert found == cities(IDS) | {"C": "city of A", "F": "city of A"}
    assert platform.sizes == [8, 1, 1]
    assert len(paced) == 2
    assert opened.users_per_request == 200


def test_an_error_that_stays_says_of_whom_it_is(wire: Wire, client: Open) -> None:
    """Alone, too, the user is an error: it has the platform's words, and the id."""
    platform = Platform(wire)
    platform.broken = {"C"}
    with pytest.raises(gio.GraphQLError, match="kaputt") as failure:
        ask(client(wire.url))
    assert failure.value.__notes__ == ["The user that was asked for: 'C'"]


def test_null_beside_an_error_of_nobody_is_no_unknown_user(wire: Wire, client: Open) -> None:
    """Whose profile is null, and for what reason, does not go by a guess."""
    fields: dict[str, Any] = {f"p{n}": None for n in range(8)}
    wire.on(GRAPHQL, refused("no", data=fields), data(userProfile=profile("A")))
    assert ask(client(wire.url)) == cities("A")


def test_a_token_that_dies_in_between_is_renewed(wire: Wire, client: Open) -> None:
    """The same users are asked for once more, and it is no refusal."""
    platform = Platform(wire)
    wire.on(GRAPHQL, status(401), platform.answer)
    opened = client(wire.url)
    assert ask(opened) == cities(IDS)
    assert wire.counts() == {TOKEN: 2, GRAPHQL: 2}
    assert opened.users_per_request == 200


def test_values_of_other_kinds_come_as_json_writes_them(wire: Wire, client: Open) -> None:
    """Documented is text; a number, a truth value or a list loses nothing either."""
    values = [12, 12.5, True, ["金卡", "银卡"], None, "", "text"]
    entries = [{"key": f"k{n}", "name": None, "value": v} for n, v in enumerate(values)]
    wire.on(GRAPHQL, data(userProfile={"id": "A", "userId": None, "properties": entries}))
    found = client(wire.url).user_profile(PROJECT, "A", properties=["k0"])
    assert found is not None
    told = ["12", "12.5", "true", '["金卡", "银卡"]', None, "", "text"]
    assert list(found.values.values()) == told
    assert set(found.names.values()) == {""}


def test_two_values_of_one_key_are_not_understood(wire: Wire, client: Open) -> None:
    """One of both would be lost in silence; the same one twice is none too many."""
    one, other = ({"key": "k", "name": "k", "value": value} for value in "12")
    twice = data(userProfile={"id": "A", "userId": "A", "properties": [one, one]})
    wire.on(GRAPHQL, twice, data(userProfile={"id": "A", "properties": [one, other]}))
    opened = client(wire.url)
    found = opened.user_profile(PROJECT, "A", properties=["k"])
    assert found is not None
    assert found.values == {"k": "1"}
    with pytest.raises(gio.PlatformUnavailableError, match="two values of 'k'"):
        opened.user_profile(PROJECT, "A", properties=["k"])
