"""``read_profiles``: a row a user, whatever the platform makes of so many at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import stamina
from conformance.platform import ALWAYS, API_KEY, Fault, Options, Platform
from gateway import WANTED, Answer, Asked, Gateway
from hypothesis import given, settings
from hypothesis import strategies as st

import gio_pandas as gio
from gio_pandas import sandbox as embedded
from gio_pandas.api.models import Profile, Tag
from gio_pandas.exports import profiles
from gio_pandas.exports.frames import text_dtype
from gio_pandas.exports.poller import Limiter
from gio_pandas.exports.progress import Progress
from gio_pandas.sandbox.population import user_id

PROJECT = "默认项目"
TEXT = str(text_dtype())
USERS = [user_id(number) for number in range(120) if user_id(number)]
TAGS = ["tag_payment_times", "tag_member_level"]
PROPERTIES = ["usr_city", "usr_age", "usr_phone", "usr_note", "usr_nickname", "usr_$basic_name"]
ONE = """
query One($user: String!, $keys: [String!]) {
  dataCenterUserProfile(userId: $user, properties: $keys) { properties { key value } }
}
"""
SOON = 20.0
"""Seconds within which a program that was interrupted is over, on a busy machine too."""

Connect = Callable[..., gio.Session]
Start = Callable[..., embedded.Sandbox]


@pytest.fixture(autouse=True)
def no_pauses() -> Iterator[None]:
    """Ask again as often as ever, but at once."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Close in the end what a test opened."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def start(stack: ExitStack) -> Start:
    """Start a platform of these options."""
    return lambda **options: stack.enter_context(embedded.start(stage_seconds=0, **options))


@pytest.fixture
def connect(stack: ExitStack) -> Connect:
    """Open a session on a platform, as fast as it may be asked."""

    def open_session(platform: Any, **more: Any) -> gio.Session:
        key = getattr(platform, "api_key", API_KEY)
        known = {"api_key": key, "project": PROJECT, "requests_per_second": None, **more}
        return stack.enter_context(gio.Session(platform.url, **known))

    return open_session


@pytest.fixture
def session(sandbox: embedded.Sandbox, connect: Connect) -> gio.Session:
    """Open a session on the platform that all tests share."""
    return connect(sandbox)


def sizes(platform: embedded.Sandbox) -> list[int]:
    """Say for how many users each request asked."""
    of_users = ("userProfile", "dataCenterUserProfile")
    return [len(r.fields) for r in platform.requests if r.fields and r.fields[0] in of_users]


def cells(frame: pd.DataFrame) -> list[list[Any]]:
    """List a frame's rows, what is missing as None."""
    rows = frame.to_numpy(dtype=object).tolist()
    return [[None if pd.isna(value) else value for value in row] for row in rows]


# --- rows ----------------------------------------------------------------------------------------


def test_a_row_a_user_in_the_order_asked(session: gio.Session) -> None:
    """Duplicates stay, unknown users and missing ids are missing, and the ids are as asked."""
    asked = [USERS[30], "nobody", USERS[7], None, USERS[30], "", "no-one", "nobody"]
    frame = session.read_profiles(asked, properties=["usr_city", "usr_email"])
    assert list(frame.columns) == ["user_id", "城市", "邮箱"]
    rows = cells(frame)
    assert [row[0] for row in rows] == [one or None for one in asked]
    assert rows[0] == rows[4]
    assert rows[0][1]
    assert [row[1:] for row in rows if row[0] not in USERS] == [[None, None]] * 5
    assert frame.index.equals(pd.RangeIndex(8))
    assert frame.attrs["gio"]["unknown"] == ["nobody", "no-one"]


@pytest.mark.parametrize(
    "holder",
    [
        list,
        tuple,
        iter,
        pd.Series,
        pd.Index,
        np.array,
        pa.array,
        lambda ids: pa.chunked_array([ids]),
        lambda ids: np.array(ids, dtype=object),
        lambda ids: pd.Series(ids, dtype="string", index=[9, 9, 4]),
        lambda ids: pd.Series(ids, dtype="category"),
    ],
)
def test_ids_come_in_whatever_holds_them(session: gio.Session, holder: Any) -> None:
    """Any row of texts, whose own index has no part in the frame's."""
    ids = ["0x00000E", USERS[40], USERS[41]]
    frame = session.read_profiles(holder(ids), properties=["usr_city"])
    assert [row[0] for row in cells(frame)] == ids
    assert frame["城市"].notna().any()
    assert str(frame["user_id"].dtype) == TEXT


def test_one_id_is_a_list_of_one(session: gio.Session) -> None:
    """A text is not taken for its letters."""
    assert len(session.read_profiles(USERS[0], properties=["usr_city"])) == 1


@pytest.mark.parametrize("ids", [[7], pd.Series([7, 8]), np.array([7.5]), [b"7"], ["7", 7]])
def test_an_id_that_is_a_number_is_refused(
    sandbox: embedded.Sandbox, connect: Connect, ids: Any
) -> None:
    """Before anything is sent; the message says what a number has lost."""
    before = len(sandbox.requests)
    with pytest.raises(TypeError, match=r"leading zeros.*dtype=str"):
        connect(sandbox).read_profiles(ids, properties=["usr_city"])
    assert len(sandbox.requests) == before


def test_a_frame_is_no_ids(session: gio.Session) -> None:
    """Its column is meant, and the message says so."""
    with pytest.raises(TypeError, match=r"df\['gio_id'\]"):
        session.read_profiles(pd.DataFrame({"gio_id": ["1"]}), properties=["usr_city"])  # type: ignore[arg-type]


def test_nobody_is_an_empty_frame_with_its_columns(
    sandbox: embedded.Sandbox, session: gio.Session
) -> None:
    """And nobody is asked for."""
    before = len(sizes(sandbox))
    for ids in ([], [None, np.nan, pd.NA]):
        frame = session.read_profiles(ids, tags=["会员等级"], properties=["usr_city"])
        assert list(frame.columns) == ["user_id", "会员等级", "usr_city"]
        assert len(frame) == len(ids)
        assert frame.isna().all().all()
    assert len(sizes(sandbox)) == before


# --- columns -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["project", "platform", None])
def test_types_are_those_of_an_export(session: gio.Session, scope: Any) -> None:
    """A tag's own type decides, else the values; ids with leading zeros stay text."""
    frame = session.read_profiles(
        USERS,
        tags=_typed_tags(session),
        properties=["usr_phone", "usr_age", "usr_birthday", "usr_balance", "id_unionid"],
        scope=scope,
    )
    types = [str(dtype) for dtype in frame.dtypes]
    assert types[1:5] == ["Int64", "float64", "datetime64[us]", TEXT]
    assert types[5:] == [TEXT, "Int64", "datetime64[us]", "float64", TEXT]


def _typed_tags(session: gio.Session) -> list[str]:
    """Find a tag of each type that not everybody has."""
    tags = session.list_tags(scope="project")
    inner = tags[tags["users_ratio"].between(0.2, 0.9)].drop_duplicates("value_type")
    return [inner.set_index("value_type").loc[t, "id"] for t in ("INT", "DOUBLE", "DATE", "STRING")]


def test_the_platform_names_the_columns(session: gio.Session) -> None:
    """Display names, as given; the keys are in attrs, and tags are found by name, key or id."""
    tag = session.list_tags().set_index("key").loc["tag_payment_times", "id"]
    for word in (tag, "tag_payment_times", "订单交易笔数"):
        frame = session.read_profiles(USERS[:3], tags=[word], properties=["usr_$basic_name"])
        assert frame.attrs["gio"]["keys"] == {
            "订单交易笔数": "tag_payment_times",
            "姓名": "usr_$basic_name",
        }
        assert frame["姓名"].notna().all()


def test_what_is_asked_for_twice_is_one_column(session: gio.Session) -> None:
    """A tag by its name and its key, and by the key as a property."""
    frame = session.read_profiles(
        USERS[:3], tags=["订单交易笔数", "tag_payment_times"], properties=["tag_payment_times"]
    )
    assert list(frame.columns) == ["user_id", "订单交易笔数"]


def test_dtype_wins(session: gio.Session) -> None:
    """One for all columns, or one by name; a name that is not there is an error."""
    asked: dict[str, Any] = {"tags": ["订单交易笔数"], "properties": ["usr_age"]}
    text = session.read_profiles(USERS, **asked, dtype=str)
    assert {str(dtype) for dtype in text.dtypes} == {TEXT}
    one = session.read_profiles(USERS, **asked, dtype={"年龄": "float64"})
    assert [str(dtype) for dtype in one.dtypes] == [TEXT, "Int64", "float64"]
    arrow = session.read_profiles(USERS, **asked, dtype_backend="pyarrow")
    assert str(arrow["年龄"].dtype) == "int64[pyarrow]"
    with pytest.raises(gio.DecodeError, match="dtype= names 岁数"):
        session.read_profiles(USERS, **asked, dtype={"岁数": "str"})
    with pytest.raises(gio.SettingsError, match="no-such-dtype"):
        session.read_profiles(USERS, **asked, dtype="no-such-dtype")


def test_nothing_asked_for_is_refused(session: gio.Session) -> None:
    """The platform wants one of both; so the message says, before anything is sent."""
    with pytest.raises(gio.SettingsError, match="neither a tag nor a property"):
        session.read_profiles(USERS)
    with pytest.raises(gio.SettingsError, match="scope='galaxy'"):
        session.read_profiles(USERS, properties=["usr_city"], scope="galaxy")  # type: ignore[arg-type]
    with pytest.raises(gio.NotFoundError, match="会员级"):
        session.read_profiles(USERS, tags=["会员级"])


def frame_of(properties: Sequence[Any], asked: Sequence[str] = (), **more: Any) -> pd.DataFrame:
    """Make the frame of one user, who has these properties: key, name, value."""
    entries = [dict(zip(("key", "name", "value"), entry, strict=True)) for entry in properties]
    found = Profile.from_json({"id": "1", "userId": "u", "properties": entries})
    known: dict[str, Any] = {"platform": "p", "project": None, "tags": [], "properties": asked}
    return profiles.to_frame(["u"], {"u": found}, profiles.Inquiry(**{**known, **more}))


def test_columns_of_one_name_stay_apart() -> None:
    """Two keys with one display name, and one that is called as the first column is."""
    entries = [("a", "城市", "x"), ("b", "城市", "y"), ("c", "user_id", "007")]
    frame = frame_of(entries, ["a", "b", "c"])
    assert list(frame.columns) == ["user_id", "城市", "城市.1", "user_id.1"]
    assert cells(frame) == [["u", "x", "y", "007"]]
    assert frame.attrs["gio"]["keys"] == {"城市": "a", "城市.1": "b", "user_id.1": "c"}


def test_ids_are_known_by_name_or_key() -> None:
    """Whatever they look like, they are text."""
    entries = [("id_card", "卡号", "12"), ("usr_x", "会员ID", "12"), ("usr_y", "数", "12")]
    frame = frame_of(entries, ["id_card", "usr_x", "usr_y"])
    assert [str(dtype) for dtype in frame.dtypes] == [TEXT, TEXT, TEXT, "int64"]


def test_a_value_that_is_not_of_the_tags_type_stays_text() -> None:
    """With a warning that says which."""
    tag = Tag(id="T0000001", name="次数", key="tag_times", value_type="INT")
    with pytest.warns(UserWarning, match="'次数' is INT on the platform"):
        frame = frame_of([("tag_times", "次数", "many")], tags=[tag])
    assert cells(frame) == [["u", "many"]]


def test_a_list_of_values_stays_text() -> None:
    """What the platform calls an array is not taken apart, nor for a number."""
    tag = Tag(id="T0000001", name="次数", key="tag_times", value_type="INT", is_array=True)
    assert cells(frame_of([("tag_times", "次数", "1")], tags=[tag])) == [["u", "1"]]


@pytest.mark.parametrize("key", ["T0000001", "tag_times"])
def test_a_tag_is_known_by_its_key_or_its_id(key: str) -> None:
    """An answer may call it by what it was asked for."""
    tag = Tag(id="T0000001", name="次数", key="tag_times", value_type="INT")
    assert cells(frame_of([(key, "次数", "3")], tags=[tag])) == [["u", 3]]


def test_what_nobody_asked_for_is_told() -> None:
    """Where a column is empty for it: its values may be under another key."""
    with pytest.warns(UserWarning, match="nothing for usr_city, but city"):
        frame_of([("city", "城市", "x")], ["usr_city"])
    assert cells(frame_of([("usr_city", "", "x"), ("more", "", "y")], ["usr_city"])) == [["u", "x"]]


# --- where it comes from -------------------------------------------------------------------------


def test_the_frame_knows_where_it_is_from(session: gio.Session) -> None:
    """In plain values, as any frame's; it shows, and the same users can be asked for again."""
    frame = session.read_profiles([*USERS[:5], "nobody"], tags=["会员等级"], properties=["usr_age"])
    source = json.loads(json.dumps(frame.attrs["gio"]))
    assert source["kind"] == "profiles"
    assert source["project_name"] == PROJECT
    assert source["rows"] == 6
    assert "tag_member_level" in str(frame.gio.source)
    again = frame.gio.refresh(session)
    pd.testing.assert_frame_equal(again, frame)
    assert again.attrs["gio"]["arguments"] == source["arguments"]
    some = frame.iloc[2:4].reset_index(drop=True)
    pd.testing.assert_frame_equal(some.gio.refresh(session), some, check_dtype=False)
    with pytest.raises(gio.SettingsError, match=r"no column user_id.*gio\.read_profiles"):
        frame.drop(columns="user_id").gio.refresh(session)


def test_the_platforms_own_profiles_are_refreshed_as_such(session: gio.Session) -> None:
    """The scope is remembered, not the session's project."""
    frame = session.read_profiles(USERS[:5], tags=["会员等级"], scope="platform")
    assert frame.attrs["gio"]["project"] is None
    pd.testing.assert_frame_equal(frame.gio.refresh(session), frame)


# --- how many at once ----------------------------------------------------------------------------


def test_many_users_are_few_requests(start: Start, connect: Connect) -> None:
    """Two hundred a request, each user once, however often asked for."""
    platform = start(users=2000)
    users = [user_id(number) or "nobody" for number in range(800)]
    frame = connect(platform).read_profiles(users * 2, properties=["usr_city"])
    assert len(frame) == 1600
    known = len(set(users))
    assert sorted(sizes(platform)) == sorted([200] * (known // 200) + [known % 200])


def test_a_platform_that_takes_fewer_is_asked_for_fewer(start: Start, connect: Connect) -> None:
    """Half as many until it takes them, and no more than that as long as the session is open."""
    platform = start(users=500, max_aliases=30)
    session = connect(platform)
    frame = session.read_profiles(USERS, properties=["usr_city"])
    right = connect(start(users=500)).read_profiles(USERS, properties=["usr_city"])
    pd.testing.assert_frame_equal(frame, right)
    # One alone after each refusal, and that one is not asked for again.
    number = len(USERS)
    assert sizes(platform)[:4] == [number, 1, number // 2, 1]
    assert sizes(platform)[4] == number // 4 <= 30
    assert sum(sizes(platform)) == number + number // 2 + number
    platform.forget_requests()
    session.read_profiles(USERS, properties=["usr_city"])
    assert max(sizes(platform)) <= 30
    assert sum(sizes(platform)) == number


def _too_long(most: int) -> Callable[[Asked], Answer | None]:
    """Refuse, as a gateway does, what is longer."""
    return lambda asked: Answer(413, b"<h1>Too Large</h1>") if len(asked.body) > most else None


@pytest.fixture
def gateway(sandbox: embedded.Sandbox, stack: ExitStack) -> Gateway:
    """Open a gateway before the platform that all tests share."""
    return stack.enter_context(Gateway(sandbox.url))


def test_a_gateway_that_refuses_long_requests_gets_shorter_ones(
    gateway: Gateway, sandbox: embedded.Sandbox, connect: Connect, session: gio.Session
) -> None:
    """HTTP 413 says the same as a GraphQL server's own words."""
    gateway.rule = _too_long(4000)
    behind = connect(gateway, api_key=sandbox.api_key, headers=WANTED)
    frame = behind.read_profiles(USERS, properties=PROPERTIES)
    pd.testing.assert_frame_equal(frame, session.read_profiles(USERS, properties=PROPERTIES))
    assert max(len(asked.body) for asked in gateway.asked) > 4000
    gateway.asked.clear()
    behind.read_profiles(USERS, properties=PROPERTIES)
    assert max(len(asked.body) for asked in gateway.asked) <= 4000


@pytest.mark.parametrize(
    "fault",
    [
        "401:query@2+4",
        "429:query@2,retry_after=0",
        "503:query@2-3",
        "504:query@3",
        "reset:query@2+4",
        "drop:query@3",
        "truncated_json:query@2",
        "garbled:query@3",
        "graphql_error:query@2",
        "partial_data:query@2+4",
        "timeout_page:query@3",
    ],
)
def test_what_goes_wrong_for_a_moment_is_gone_over(
    start: Start, connect: Connect, session: gio.Session, fault: str
) -> None:
    """Every user is answered for as ever: an expired token, a refusal, a broken answer."""
    platform = start(faults=[fault])
    users = [user_id(number) or "nobody" for number in range(280)]
    frame = connect(platform).read_profiles(users, properties=["usr_city", "usr_age"])
    assert platform.played
    pd.testing.assert_frame_equal(
        frame, session.read_profiles(users, properties=["usr_city", "usr_age"])
    )


def test_what_stays_wrong_is_an_error_of_a_user(session: gio.Session) -> None:
    """It has the platform's words, and says who was asked for."""
    with pytest.raises(gio.GraphQLError, match="no_such_key") as failure:
        session.read_profiles(USERS, properties=["usr_city", "no_such_key"])
    assert "The user that was asked for" in failure.value.__notes__[0]


def test_a_platform_that_is_away_is_an_error(start: Start, connect: Connect) -> None:
    """Not an endless wait, nor half a frame."""
    platform = start(faults=["503:query@2-"])
    with pytest.raises(gio.PlatformUnavailableError, match="503"):
        connect(platform).read_profiles(USERS, properties=["usr_city"])


# --- the same as one by one ----------------------------------------------------------------------

Truth = Mapping[str, Mapping[str, str | None] | None]


@pytest.fixture(scope="module")
def platforms() -> Iterator[tuple[list[gio.Session], Truth]]:
    """Start platforms that take 5, 40 and any number of users; ask one for each user alone."""
    with ExitStack() as stack:
        sessions = []
        for most in (5, 40, None):
            platform = stack.enter_context(embedded.start(users=500, max_aliases=most))
            known = {"api_key": platform.api_key, "requests_per_second": None}
            opened = gio.Session(platform.url, project=PROJECT, **known)  # type: ignore[arg-type]
            sessions.append(stack.enter_context(opened))
        yield sessions, {user: _alone(sessions[0], user) for user in [*USERS[:60], "nobody"]}


def _alone(session: gio.Session, user: str) -> Mapping[str, str | None] | None:
    answer = session.graphql(ONE, {"user": user, "keys": [*PROPERTIES, *TAGS]})
    found = answer["dataCenterUserProfile"]
    return found and {entry["key"]: entry["value"] for entry in found["properties"]}


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_many_at_once_are_what_each_is_alone(
    platforms: tuple[list[gio.Session], Truth], data: st.DataObject
) -> None:
    """Any users in any order, any columns, however many a platform takes: the same values."""
    sessions, truth = platforms
    users = data.draw(st.lists(st.sampled_from([*truth, None]), max_size=90))
    tags = data.draw(st.lists(st.sampled_from(TAGS), unique=True))
    keys = data.draw(st.lists(st.sampled_from(PROPERTIES), min_size=not tags, unique=True))
    scope = data.draw(st.sampled_from(["project", "platform"]))
    session = data.draw(st.sampled_from(sessions))
    frame = session.read_profiles(users, tags=tags, properties=keys, scope=scope, dtype=str)
    columns = [key.replace("usr_$", "$") for key in (*tags, *keys)]
    rows = [(user, truth[user] if user else None) for user in users]
    expected = [[user, *((known or {}).get(c) for c in columns)] for user, known in rows]
    assert cells(frame) == expected


# --- how fast, and how far -----------------------------------------------------------------------


class Steady:
    """A platform that answers at once, for two hundred users at most."""

    users_per_request = 200

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.looks: list[Progress] = []
        self.tracker: profiles.UserTracker | None = None

    def profiles(self, user_ids: Sequence[str], **_: Any) -> dict[str, Profile | None]:
        """Answer, and look how far it is."""
        self.asked.append(list(user_ids))
        if self.tracker is not None:
            self.looks.append(self.tracker.snapshot())
        return dict.fromkeys(user_ids)


def inquiry() -> profiles.Inquiry:
    """Ask for a city."""
    return profiles.Inquiry(platform="p", project=None, tags=[], properties=["usr_city"])


def test_the_platform_is_asked_no_oftener_than_it_allows() -> None:
    """By all threads together: five requests at two a second take two seconds at least."""
    now = [0.0]
    limiter = Limiter(2, clock=lambda: now[0])

    def sleep(seconds: float) -> None:
        now[0] += seconds

    platform, users = Steady(), [str(number) for number in range(1000)]
    tracker = profiles.UserTracker(1000)
    found = profiles.ask(platform, users, inquiry(), limiter=limiter, tracker=tracker, sleep=sleep)
    assert sorted(found) == sorted(users)
    assert len(platform.asked) == 5
    assert now[0] >= 2.0


def test_it_is_told_how_far_it_is() -> None:
    """Users that were answered for, of all."""
    platform, tracker = Steady(), profiles.UserTracker(500)
    platform.tracker = tracker
    users = [str(number) for number in range(500)]
    profiles.ask(platform, users, inquiry(), limiter=Limiter(None), tracker=tracker)
    assert platform.looks[0].exports == (0, 500)
    assert platform.looks[-1].exports in [(done, 500) for done in (200, 300, 400)]
    assert platform.looks[-1].title == "profiles (用户画像) of 500 users"
    assert tracker.snapshot().exports == (500, 500)


# --- Ctrl-C --------------------------------------------------------------------------------------

READING = """
import sys, threading, time
import gio_pandas as gio

session = gio.Session(sys.argv[1], api_key=sys.argv[2], project="默认项目", requests_per_second=100)
try:
    session.read_profiles([str(n) for n in range(1000)], properties=["usr_city"])
except KeyboardInterrupt as stop:
    print(stop, flush=True)
until = time.monotonic() + 10
def left():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("gio-")]
while left() and time.monotonic() < until:
    time.sleep(0.01)
print(left(), flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal of this kind")
@pytest.mark.parametrize("at", [2, 3])
def test_ctrl_c_lets_go(at: int) -> None:
    """At once, while one request hangs or several do: a line that says so, and no thread stays."""
    fault = Fault("query", "hang", range(at, ALWAYS.stop))
    with Platform(Options(faults=(fault,))) as platform:
        command = [sys.executable, "-c", READING, platform.url, API_KEY]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            until = time.monotonic() + SOON
            while len(platform.asked("query")) < at + 3 * (at > 2):
                assert time.monotonic() < until
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=SOON)
    words, left = said.splitlines()
    assert words == "stopped reading profiles; nothing goes on, run it again"
    assert left == "[]"


# --- another platform ----------------------------------------------------------------------------


def test_another_platform_answers_the_same(connect: Connect, stack: ExitStack) -> None:
    """One that leaves missing values out, and has names of its own; types are the tags'."""
    platform = stack.enter_context(Platform(Options()))
    frame = connect(platform).read_profiles(
        ["0071", "603542", "9007199254740993123"],
        tags=["订单交易笔数", "复购率", "tag_last_day", "tag_code"],
        properties=["usr_city", "usr_age"],
    )
    assert [str(dtype) for dtype in frame.dtypes] == [
        *(TEXT, "Int64", "float64", "datetime64[us]", TEXT),
        *(TEXT, "int64"),
    ]
    assert list(frame.columns)[:3] == ["user_id", "订单交易笔数", "复购率"]
    assert cells(frame)[0][1:3] == [12, None]
    assert cells(frame)[1][4:] == ["1", "北京", 31]


@pytest.mark.parametrize("scope", ["project", "platform"])
@pytest.mark.parametrize(
    "what", [400, 401, 403, 413, 429, 502, 503, 504, "reset", "cut", "cut-chunked"]
)
def test_another_platform_that_stumbles_once_answers_the_same(
    connect: Connect, stack: ExitStack, what: int | str, scope: Any
) -> None:
    """Whatever the first request for several users meets, in whichever scope."""
    ids = ["0071", "no-one", "603542", "9007199254740993123", "0071"]
    steady = stack.enter_context(Platform(Options()))
    asked: dict[str, Any] = {"properties": ["usr_city", "usr_age"], "scope": scope}
    right = connect(steady).read_profiles(ids, **asked)
    first = [n for n, one in enumerate(steady.asked("query"), 1) if "u0" in one.variables]
    fault = Fault("query", what, (first[0],))
    stumbling = stack.enter_context(Platform(Options(faults=(fault,))))
    pd.testing.assert_frame_equal(connect(stumbling).read_profiles(ids, **asked), right)
    assert right.attrs["gio"]["unknown"] == ["no-one"]
    assert len(stumbling.asked("query")) > len(steady.asked("query"))


@pytest.mark.parametrize("what", ["page", "redirect"])
def test_another_platforms_login_page_is_no_profile(
    connect: Connect, stack: ExitStack, what: str
) -> None:
    """A gateway whose session is over answers it in place of anything: an error, at once.

    It is asked once more, with a new token.
    """
    fault = Fault("query", what, range(2, ALWAYS.stop))
    platform = stack.enter_context(Platform(Options(faults=(fault,))))
    with pytest.raises(gio.AuthenticationError, match="login"):
        connect(platform).read_profiles(["0071", "603542"], properties=["usr_city"])
    assert [len(one.variables) for one in platform.asked("query")] == [0, 4, 4]


def test_another_platform_that_fails_for_all_says_so(connect: Connect, stack: ExitStack) -> None:
    """Its schema takes the document, its warehouse does not: so it is for one alone."""
    platform = stack.enter_context(Platform(Options(failing=("userProfile",))))
    with pytest.raises(gio.GraphQLError, match="the warehouse did not answer"):
        connect(platform).read_profiles(["0071", "603542"], properties=["usr_city"])


def test_where_things_lie(tmp_path: Path, session: gio.Session) -> None:
    """Provenance survives Parquet, as that of any frame."""
    frame = session.read_profiles(USERS[:3], properties=["usr_city"])
    frame.to_parquet(tmp_path / "a.parquet")
    assert pd.read_parquet(tmp_path / "a.parquet").attrs == frame.attrs


def test_many_unknown_ids_are_counted_in_the_source() -> None:
    """A source that is shown does not list a hundred thousand ids."""
    frame = pd.DataFrame({"user_id": []})
    frame.attrs["gio"] = {"kind": "profiles", "unknown": [f"id-{n}" for n in range(100_000)]}
    assert "100,000 ids, such as id-0, id-1, id-2" in repr(frame.gio.source)
    assert len(repr(frame.gio.source)) < 1_000


@pytest.mark.parametrize("given", [None, 7, b"C001"])
def test_what_holds_no_ids_is_told(given: Any, session: gio.Session) -> None:
    """Nothing, a number or bytes are no list of ids."""
    with pytest.raises(TypeError, match=r"takes ids, such as"):
        session.read_profiles(given, properties=["usr_city"])
