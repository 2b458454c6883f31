"""``gio.diff``: two exports compared, as frames, as jobs, and by name over a socket."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gio_pandas as gio
from gio_pandas import sandbox as embedded
from gio_pandas.exports.frames import text_dtype
from gio_pandas.exports.ledger import ledger_of

PROJECT = "默认项目"
HIGH_VALUE = "高价值用户"
TEXT = text_dtype()
WORDS = ("entered", "left", "changed", "same")

Open = Callable[..., gio.Session]


def users(**columns: Any) -> pd.DataFrame:
    """Make a list of users, in the dtypes that exports are read in."""
    frame = pd.DataFrame(columns)
    text = [name for name in frame if frame[name].dtype in (object, TEXT, "str")]
    return frame.astype(dict.fromkeys(text, TEXT))


def rows(changes: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Give the rows as plain values, None for what is missing."""
    plain = changes.astype(object).where(changes.notna(), None)
    return [tuple(row) for row in plain.to_numpy().tolist()]


def counts(changes: pd.DataFrame) -> tuple[int, ...]:
    """Give how many entered, left, changed and stayed the same."""
    return tuple(changes.attrs["gio_diff"][word] for word in WORDS)


MONDAY = users(
    gio_id=["3", "1", "2", "4"], 城市=["上海", None, "北京", "上海"], 年龄=[30, 20, 40, 50]
)
FRIDAY = users(
    gio_id=["9", "4", "1", "3", "8"],
    城市=["苏州", "上海", None, "北京", None],
    年龄=[1, 50, 20, 30, 2],
)


# --- what comes back ---------------------------------------------------------------------------


def test_a_row_for_each_user_who_is_not_as_before() -> None:
    """Those of before in their order, then who entered in that of after; both values each."""
    changes = gio.diff(MONDAY, FRIDAY)
    assert changes.columns.tolist() == [
        *("gio_id", "change", "城市_before", "城市_after", "年龄_before", "年龄_after")
    ]
    assert rows(changes) == [
        ("3", "changed", "上海", "北京", 30, 30),
        ("2", "left", "北京", None, 40, None),
        ("9", "entered", None, "苏州", None, 1),
        ("8", "entered", None, None, None, 2),
    ]
    assert changes.index.equals(pd.RangeIndex(4))


def test_those_who_stayed_the_same_are_there_on_request() -> None:
    """``keep_same`` leaves nobody out, and adds its word to the categories."""
    changes = gio.diff(MONDAY, FRIDAY, keep_same=True)
    assert changes["gio_id"].tolist() == ["3", "1", "2", "4", "9", "8"]
    assert changes["change"].cat.categories.tolist() == list(WORDS)
    assert (changes["change"] == "same").tolist() == [False, True, False, True, False, False]
    assert gio.diff(MONDAY, FRIDAY)["change"].cat.categories.tolist() == list(WORDS[:3])


def test_the_summary_is_known_and_shown() -> None:
    """``attrs`` has plain values, which survive JSON; ``df.gio`` says them in one line."""
    changes = gio.diff(MONDAY, FRIDAY)
    told = changes.attrs["gio_diff"]
    assert json.loads(json.dumps(told)) == told
    counted = {"before": 4, "after": 5, "entered": 2, "left": 1, "changed": 1, "same": 2}
    columns = {"columns": {"城市": 1, "年龄": 0}, "only_before": [], "only_after": []}
    assert told == {**counted, **columns, "on": ["gio_id"], "sources": [None, None]}
    line = (
        "4 users before, 5 after: 2 entered (进入), 1 left (离开), 1 changed (变化), 2 same (不变)"
    )
    assert repr(changes.gio) == line
    assert line in changes.gio._repr_html_()
    assert repr(changes[changes["change"] == "left"].gio) == line


def test_the_summary_survives_a_file(tmp_path: Path) -> None:
    """Parquet keeps what the frame has in ``attrs``."""
    changes = gio.diff(MONDAY, FRIDAY)
    changes.to_parquet(tmp_path / "changes.parquet")
    again = pd.read_parquet(tmp_path / "changes.parquet")
    assert repr(again.gio) == repr(changes.gio)
    assert rows(again) == rows(changes)


def test_a_chart_counts_who_entered_left_changed_and_stayed() -> None:
    """Of all users, also where the frame has a part of its rows; in the order of the words."""
    changes = gio.diff(MONDAY, FRIDAY)
    for frame in (changes, changes.head(1)):
        for kind in (None, "diff"):
            spec = frame.gio.plot(kind).to_dict()
            values = [(row["change"], row["users"]) for row in spec["data"]["values"]]
            assert values == [
                ("entered 进入", 2),
                ("left 离开", 1),
                ("changed 变化", 1),
                ("same 不变", 2),
            ]
            assert spec["title"]["subtitle"] == [
                "4 users before, 5 after · changed by column: 城市 1"
            ]
            assert spec["description"] == repr(changes.gio)
    assert changes.gio.plot(title="三月").to_dict()["title"]["text"] == "三月"


def test_a_chart_spreads_a_column_by_what_happened() -> None:
    """``x`` chooses it, and ``y`` has nothing to measure."""
    changes = gio.diff(MONDAY, FRIDAY)
    spec = changes.gio.plot(x="城市_after").to_dict()
    found = {(row["label"], row["group"]): row["users"] for row in spec["data"]["values"]}
    assert found[("苏州", "entered")] == 1
    assert found[("北京", "changed")] == 1
    for asked in ({"y": "年龄_after"}, {"color": "change"}):
        with pytest.raises(gio.SettingsError, match="x= chooses a column"):
            changes.gio.plot(**asked)
    with pytest.raises(gio.SettingsError, match="there is no such column"):
        changes.gio.plot(x="城市")


def test_dtypes_are_those_of_both_sides() -> None:
    """Text is never object, an integer with gaps no float, whatever has no gaps stays as it is."""
    before = MONDAY.assign(n=[1.5, 2, 3, 4], d=pd.Timestamp("2026-03-01"), b=True, c=MONDAY["城市"])
    after = FRIDAY.assign(n=[1, 2, 3, 4, 5], d=pd.Timestamp("2026-03-01"), b=True, c=1)
    changes = gio.diff(before.astype({"c": "category"}), after)
    found = {name: str(dtype) for name, dtype in changes.dtypes.items()}
    text, time = str(TEXT), str(before["d"].dtype)
    pairs = {
        "城市": (text, text),
        "年龄": ("Int64", "Int64"),
        "n": ("float64", "Int64"),
        "d": (time, time),
        "b": ("boolean", "boolean"),
        "c": ("category", "Int64"),
    }
    sides = {f"{name}_before": pair[0] for name, pair in pairs.items()}
    sides |= {f"{name}_after": pair[1] for name, pair in pairs.items()}
    assert found == {"gio_id": text, "change": "category", **sides}
    whole = gio.diff(MONDAY, MONDAY.assign(年龄=0))
    assert {str(whole[name].dtype) for name in ("年龄_before", "年龄_after")} == {"int64"}
    assert len(whole) == 4


@pytest.mark.parametrize("backend", ["pyarrow", "numpy_nullable", "object", "category"])
@pytest.mark.parametrize("swapped", [False, True])
def test_dtypes_decide_nothing(backend: str, swapped: bool) -> None:
    """The same is found whatever backend each side was read with; ids are text in the end."""

    def other(frame: pd.DataFrame) -> pd.DataFrame:
        if backend in ("object", "category"):
            return frame.astype({"gio_id": backend, "城市": backend, "年龄": backend})
        return frame.convert_dtypes(dtype_backend=backend)

    plain = gio.diff(MONDAY, FRIDAY, keep_same=True)
    sides = (other(MONDAY), FRIDAY) if swapped else (MONDAY, other(FRIDAY))
    for changes in (
        gio.diff(*sides, keep_same=True),
        gio.diff(other(MONDAY), other(FRIDAY), keep_same=True),
    ):
        assert rows(changes) == rows(plain)
        assert not [
            name for name in changes if changes[name].dtype == object and "年龄" not in name
        ]
        assert pd.api.types.is_string_dtype(changes["gio_id"].dtype)


def test_empty_lists_are_compared() -> None:
    """Everybody entered, everybody left, or nobody was ever there; the columns are the same."""
    nobody = MONDAY.head(0)
    assert counts(gio.diff(nobody, MONDAY)) == (4, 0, 0, 0)
    assert counts(gio.diff(MONDAY, nobody)) == (0, 4, 0, 0)
    nothing = gio.diff(nobody, nobody)
    assert nothing.empty
    assert nothing.columns.tolist() == gio.diff(MONDAY, FRIDAY).columns.tolist()
    assert gio.diff(users(gio_id=["1"]), users(gio_id=["2"])).columns.tolist() == [
        "gio_id",
        "change",
    ]


def test_the_frames_are_left_as_they_are() -> None:
    """Neither a value nor a dtype, an index or an attribute changes."""
    before, after = MONDAY.set_axis([7, 7, 8, 9]), FRIDAY.copy()
    kept = before.copy(), after.copy()
    gio.diff(before, after)
    pd.testing.assert_frame_equal(before, kept[0])
    pd.testing.assert_frame_equal(after, kept[1])


# --- values ------------------------------------------------------------------------------------

TIMES = pd.to_datetime(pd.Series(["2021-04-13 11:40:00", "2021-04-14"]), format="ISO8601")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1, 2], [1.0, 2.5], [True, False]),
        ([2**53 + 1, 2**53], [float(2**53)] * 2, [False, True]),
        ([1, 2, 7], ["1", "02", "x"], [True, False, False]),
        ([12.5, 0.1, 1e10], ["12.50", "0.1", "1e10"], [True, True, False]),
        ([True, False], ["True", "false"], [False, False]),
        ([True, False], [1, 0], [True, True]),
        (["a", " a", "A", "e\u0301"], ["a", "a", "a", "é"], [True, False, False, False]),
        (TIMES, ["2021-04-13T11:40", "20210414"], [True, False]),
        (TIMES, TIMES.astype("datetime64[ns]").astype("timestamp[ns][pyarrow]"), [True, True]),
        (TIMES, TIMES.dt.tz_localize("UTC"), [False, False]),
        (TIMES.dt.tz_localize("UTC"), ["2021-04-13 19:40+08:00", "x"], [True, False]),
        (TIMES, [1, 2], [False, False]),
        ([None, None, 1], [None, float("nan"), None], [True, True, False]),
        (pd.array([1, None], dtype="Float64"), [1, None], [True, True]),
        (pd.array([0.0, 0.0], dtype="Float64") / pd.array([0.0, 1.0]), [None, 0], [True, True]),
        ([date(2021, 4, 14), (1, 2)], [date(2021, 4, 14), (1, 3)], [True, False]),
    ],
)
def test_values_are_compared_as_values(one: Any, other: Any, expected: list[bool]) -> None:
    """Missing is missing, 1 is 1.0, and text is the number or time that it would be read as."""
    sides = [
        pd.DataFrame({"gio_id": [f"u{row}" for row in range(len(side))], "v": pd.Series(side)})
        for side in (one, other)
    ]
    for before, after in (sides, sides[::-1]):
        changes = gio.diff(before, after, keep_same=True)
        assert (changes["change"] == "same").tolist() == expected


NAMES = st.text("abc01 北", max_size=3)
VALUES = {
    "Int64": st.none() | st.integers(-3, 3) | st.just(2**53 + 1),
    "float64": st.none() | st.sampled_from([0.0, 1.0, -1.5, float(2**53)]),
    "text": st.none() | st.text("ab1 ", max_size=2),
    "category": st.none() | st.sampled_from(["a", "b"]),
}


@st.composite
def lists(draw: st.DrawFn) -> tuple[pd.DataFrame, dict[str, dict[str, Any]]]:
    """Make a list of users, and the same as plain dicts."""
    ids = draw(st.lists(NAMES, unique=True, max_size=6))
    plain: dict[str, dict[str, Any]] = {each: {} for each in ids}
    frame = pd.DataFrame({"id": pd.Series(ids, dtype=TEXT)})
    for name in draw(st.permutations(["m", "n"])):
        dtype = draw(st.sampled_from(sorted(VALUES)))
        found = [draw(VALUES[dtype]) for _ in ids]
        frame[name] = pd.Series(found, dtype=TEXT if dtype == "text" else dtype)
        for each, value in zip(ids, found, strict=True):
            plain[each][name] = value
    return frame, plain


def as_written(value: Any, other: Any) -> Any:
    """Read text as a number where the other side has one."""
    if isinstance(value, str) and isinstance(other, int | float):
        return int(value) if re.fullmatch("0|[1-9][0-9]*", value) else value
    return value


@given(lists(), lists())
@pytest.mark.filterwarnings("ignore:Ids of users who entered")
def test_it_is_what_dicts_would_tell(
    before: tuple[pd.DataFrame, dict[str, dict[str, Any]]],
    after: tuple[pd.DataFrame, dict[str, dict[str, Any]]],
) -> None:
    """Whatever the lists are: who is there, in which order, and what is said of each."""
    (frame, then), (other, now) = before, after

    def change(user: str) -> str:
        if user not in now:
            return "left"
        if user not in then:
            return "entered"
        pairs = [(then[user][name], now[user][name]) for name in ("m", "n")]
        alike = [as_written(one, two) == as_written(two, one) for one, two in pairs]
        return "same" if all(alike) else "changed"

    everyone = [*then, *(user for user in now if user not in then)]
    whole = [(user, change(user)) for user in everyone]
    everybody = gio.diff(frame, other, keep_same=True)
    assert list(zip(everybody["id"], everybody["change"], strict=True)) == whole
    changes = gio.diff(frame, other)
    assert list(zip(changes["id"], changes["change"], strict=True)) == [
        (user, what) for user, what in whole if what != "same"
    ]
    for name in ("m", "n"):
        for side, known in (("before", then), ("after", now)):
            shown = everybody[f"{name}_{side}"].astype(object)
            values = [known.get(user, {}).get(name) for user in everybody["id"]]
            assert [None if pd.isna(value) else value for value in shown] == values


# --- columns -----------------------------------------------------------------------------------


def test_what_one_side_has_is_said_and_left_out() -> None:
    """A column of one name is no column of another: nothing is guessed."""
    with pytest.warns(UserWarning, match=r"only before has 城市, only after has usr_city, n"):
        changes = gio.diff(MONDAY, FRIDAY.rename(columns={"城市": "usr_city"}).assign(n=1))
    assert changes.columns.tolist() == ["gio_id", "change", "年龄_before", "年龄_after"]
    assert changes.attrs["gio_diff"]["only_before"] == ["城市"]
    assert changes.attrs["gio_diff"]["only_after"] == ["usr_city", "n"]


def test_names_do_not_clash() -> None:
    """Neither with what is added to them, nor with ids that are called so."""
    frame = pd.DataFrame({"change": ["1"], "n_before": ["2"], "n": [1], "n_after": [3]})
    changes = gio.diff(frame, frame.assign(n=2), on=["change", "n_before"])
    assert changes.columns.tolist() == [
        *("change", "n_before", "change.1", "n_before.1", "n_after"),
        *("n_after_before", "n_after_after"),
    ]
    assert rows(changes) == [("1", "2", "changed", 1, 2, 3, 3)]


@pytest.mark.parametrize("side", ["before", "after"])
def test_columns_of_one_name_are_refused(side: str) -> None:
    """A frame may have them; which of them is meant cannot be known."""
    twice = MONDAY.set_axis(["gio_id", "n", "n"], axis=1)
    sides = {"before": MONDAY, "after": MONDAY, side: twice}
    with pytest.raises(gio.SettingsError, match=rf"Columns of {side} .*\(n\)\. Rename them"):
        gio.diff(**sides)


# --- ids ---------------------------------------------------------------------------------------


def test_the_id_column_is_found() -> None:
    """The platform's own id, else the first column, else an identity that both have."""
    before = users(x=["a", "b"], id_phone=["1", None], gio_id=["u1", "u2"])
    after = users(gio_id=["u2", "u1"], id_phone=["2", "1"], x=["b", "a"])
    assert rows(gio.diff(before, after)) == [("u2", "changed", "b", "b", None, "2")]
    mine, yours = before.drop(columns="gio_id"), after.drop(columns="gio_id")
    with pytest.raises(gio.SettingsError, match=r"before has rows without 'id_phone' \(1, .*on="):
        gio.diff(mine, yours)
    assert rows(gio.diff(mine, yours, on="x")) == [("b", "changed", None, "2")]
    assert rows(gio.diff(mine, yours[["x", "id_phone"]])) == [("b", "changed", None, "2")]


def test_several_columns_tell_rows_apart() -> None:
    """A user may have several rows, one for each value of another column."""
    before = users(id=["1", "1", "2"], day=["a", "b", "a"], n=[1, 2, 3])
    after = users(id=["1", "2", "1"], day=["b", "b", "a"], n=[1, 2, 1])
    with pytest.raises(gio.SettingsError, match=r"before has .*1 too many, such as that of '1'"):
        gio.diff(before, after)
    assert rows(gio.diff(before, after, on=["id", "day"])) == [
        ("1", "b", "changed", 2, 1),
        ("2", "a", "left", 3, None),
        ("2", "b", "entered", None, 2),
    ]


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (MONDAY.assign(gio_id=[3, 1, 2, 4]), "is int64, and ids are text"),
        (MONDAY.assign(gio_id=pd.Categorical([3, 1, 2, 4])), "is category, and ids are text"),
        (MONDAY.assign(gio_id=[3, "1", "2", "4"]), "ids are text"),
        (
            MONDAY.assign(gio_id=["3", None, "2", None]),
            r"\(2, the first at position 1\)\. .*dropna",
        ),
        (MONDAY.assign(gio_id=["3", "1", "3", "3"]), "2 too many, such as that of '3'"),
    ],
)
def test_ids_that_tell_nobody_are_refused(side: str, broken: pd.DataFrame, words: str) -> None:
    """Numbers, missing ones, one for two: which side it is, and what to do."""
    sides = {"before": MONDAY, "after": MONDAY, side: broken}
    with pytest.raises(gio.SettingsError, match=words) as caught:
        gio.diff(**sides)
    assert side in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("written", ["007", " 7", "7 ", "7.0", "0007.0"])
def test_ids_that_are_nearly_the_same_are_told_of(written: str) -> None:
    """They are not taken for one another."""
    before, after = users(id=["7", "1"]), users(id=["1", written])
    with pytest.warns(UserWarning, match=rf"\(1, such as '{written}' and '7'\)"):
        changes = gio.diff(before, after)
    assert counts(changes) == (1, 1, 0, 1)


@pytest.mark.parametrize(
    ("on", "words"),
    [
        ("id", "on= names id, which before does not have. Its columns: gio_id, 城市, 年龄"),
        (["gio_id", "n"], "on= names n, which before"),
        ([], "on= names no column"),
    ],
)
def test_on_names_columns_that_both_have(on: Any, words: str) -> None:
    """Else the error has those that there are."""
    with pytest.raises(gio.SettingsError, match=words):
        gio.diff(MONDAY, FRIDAY.assign(n=1), on=on)


def test_without_an_id_in_common_on_is_asked_for() -> None:
    """Two lists of which the one has names, the other keys, and no id that both have."""
    with pytest.raises(gio.SettingsError, match=r"before \(用户\) and after \(user\).*on="):
        gio.diff(users(用户=["1"]), users(user=["1"]))


# --- what is taken -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((MONDAY,), "after= is a DataFrame or a job, not NoneType"),
        ((None, MONDAY), "before= is a DataFrame or a job"),
        ((MONDAY, "name"), "after= is a DataFrame or a job, not str"),
        (("name", MONDAY), "with a name there is no after="),
    ],
)
def test_what_is_neither_frame_nor_job_is_refused(arguments: Any, words: str) -> None:
    """Before anything else is done."""
    with pytest.raises(TypeError, match=words):
        gio.diff(*arguments)


@pytest.mark.parametrize("name", ["kind", "since", "session", "tags", "reuse", "timeout"])
def test_what_goes_with_a_name_is_refused_without_one(name: str) -> None:
    """It would have no effect."""
    with pytest.raises(TypeError, match=f"{name}= goes with a name"):
        gio.diff(MONDAY, FRIDAY, **{name: 1})


# --- over a socket -----------------------------------------------------------------------------


@pytest.fixture
def open_day() -> Iterator[Open]:
    """Open a session on a platform of its own, which is at the same address every day."""
    with ExitStack() as stack:
        ports: list[int] = []

        def open_one(**options: Any) -> gio.Session:
            stack.pop_all().close()
            known = {"users": 300, "stage_seconds": 0, "port": ports[-1] if ports else 0}
            platform = stack.enter_context(embedded.start(**{**known, **options}))
            ports.append(int(platform.url.rpartition(":")[2]))
            session = gio.connect(platform.url, api_key=platform.api_key, project=PROJECT)
            return stack.enter_context(session)

        yield open_one


def read_raw(folder: Path) -> dict[str, list[str]]:
    """Read what the platform wrote with nothing but Python's own csv: each user's row."""
    found = {}
    for path in sorted(folder.iterdir()):
        with path.open(encoding="utf-8", newline="") as file:
            found |= {row[0]: row for row in list(csv.reader(file))[1:]}
    return found


def told(changes: pd.DataFrame) -> dict[str, str]:
    """Give what is said of each user."""
    return dict(zip(changes.iloc[:, 0], changes["change"], strict=True))


def expected(then: dict[str, list[str]], now: dict[str, list[str]]) -> dict[str, str]:
    """Say of two lists of users what is to be said."""
    found = {user: "changed" for user in then if user in now and then[user] != now[user]}
    found |= {user: "left" for user in then if user not in now}
    return found | {user: "entered" for user in now if user not in then}


MANY = {"tags": ["会员等级", "订单交易笔数"], "properties": ["usr_city", "usr_age"]}


@pytest.mark.parametrize(
    ("kind", "name", "options"),
    [
        ("segment", "分群1", MANY),
        ("segment", "分群2", {}),
        ("tag", "tag_payment_times", {"properties": ["usr_city", "usr_age"]}),
        ("tag", "会员等级", {"detail": True}),
    ],
)
def test_two_days_of_a_platform_are_compared(
    open_day: Open, tmp_path: Path, kind: str, name: str, options: dict[str, Any]
) -> None:
    """What is found is what the files themselves say, of every kind of column."""
    frames, raw = [], []
    for seed, count in ((1, 3000), (2, 3300)):
        session = open_day(seed=seed, users=count, parts=3)
        job = getattr(session, f"submit_{kind}")(name, charset="UTF-8", **options)
        job.download(tmp_path / str(seed))
        raw.append(read_raw(tmp_path / str(seed)))
        # Tags have another id on a platform of another seed.
        frames.append(job.to_pandas(timeout=60))
        frames[-1].attrs["gio"]["id"] = name
    changes = gio.diff(*frames)
    assert told(changes) == expected(*raw)
    assert counts(changes)[0] > 0
    assert counts(changes)[1] > 0
    assert repr(changes.gio).startswith(f"{kind} (")
    assert [source["rows"] for source in changes.attrs["gio_diff"]["sources"]] == list(
        map(len, raw)
    )


def test_jobs_are_compared(open_day: Open, tmp_path: Path) -> None:
    """Files with quotes and gaps, with columns that are of numbers and times on one day alone."""
    days = {
        "day-1": ['"01","上,海",7,2026-03-01', "2,,,2026-03-02", "3,x,9,"],
        "day-2": ['"01","上,海",7,2026-03-01', "3,x,不详,", '1,"",5,never'],
    }
    paths = {name: tmp_path / f"{name}.csv" for name in days}
    for name, path in paths.items():
        path.write_text("\n".join(["gio_id,城市,年龄,日期", *days[name], ""]), encoding="utf-8")
    session = open_day(results={name: [path] for name, path in paths.items()})
    jobs = [session.attach(name, charset="UTF-8") for name in days]
    changes = gio.diff(*jobs)
    assert rows(changes)[:2] == [
        ("2", "left", None, None, None, None, pd.Timestamp("2026-03-02"), None),
        ("3", "changed", "x", "x", 9, "不详", None, None),
    ]
    assert told(changes) == {"2": "left", "3": "changed", "1": "entered"}


def test_exports_of_different_things_are_told_of(open_day: Open) -> None:
    """They are compared all the same: who is in the one, and not in the other."""
    session = open_day()
    one, other = session.read_segment("分群1"), session.read_segment("分群2")
    with pytest.warns(
        UserWarning, match=r"not of the same thing: segment \(分群\) '分群1' \(\w{8}\) in"
    ):
        changes = gio.diff(one, other)
    assert repr(changes.gio).startswith("segment (分群) '分群1' → segment (分群) '分群2': ")
    tag = session.read_tag("tag_payment_times", columns=["gio_id"])
    with pytest.warns(UserWarning, match="not of the same kind"):
        gio.diff(one, tag)
    funnel = session.read_funnel("漏斗1")
    with pytest.raises(
        gio.SettingsError, match=r"after is of funnel \(漏斗分析\) '漏斗1', which is no list"
    ):
        gio.diff(one, funnel)


def test_the_wrong_order_is_told_of(open_day: Open) -> None:
    """Who entered would be called one who left."""
    session = open_day()
    one, other = session.read_segment("分群1"), session.read_segment("分群1")
    one.attrs["gio"]["submitted"] = "2026-03-01T09:00:00+00:00"
    assert counts(gio.diff(one, other))[:3] == (0, 0, 0)
    with pytest.warns(UserWarning, match=r"before was exported later .*\(2026-03-01 .*swap them"):
        gio.diff(other, one)


# --- by name -----------------------------------------------------------------------------------


def submits(session: gio.Session) -> int:
    """Count the exports that were submitted from here."""
    return len(session.jobs())


def exported(session: gio.Session, age: timedelta, **options: Any) -> gio.ExportJob:
    """Submit an export, and have it submitted earlier."""
    job = session.submit_segment("分群1", charset="UTF-8", **options)
    ledger_of(session.settings.url).add(job.order, job.id, job.stage, datetime.now(UTC) - age)
    return job


DAY = timedelta(days=1)


def test_a_name_is_compared_with_what_was_kept(open_day: Open, tmp_path: Path) -> None:
    """The platform has forgotten it; the new export is kept in turn, for the next time."""
    session = open_day(users=3000)
    columns = {"properties": ["usr_city", "usr_age"]}
    exported(session, 8 * DAY, **columns).download(tmp_path / "1")
    asked = {"kind": "segment", "charset": "UTF-8", **columns}
    session.earlier_job("分群1", reuse="1d", **asked).to_pandas()
    session = open_day(seed=2, users=3300)
    changes = gio.diff("分群1", since="7d", **asked)
    assert submits(session) == 2
    job = session.attach(session.jobs()["id"][0])
    job.download(tmp_path / "2")
    assert told(changes) == expected(read_raw(tmp_path / "1"), read_raw(tmp_path / "2"))
    assert "changed" in told(changes).values()
    open_day(seed=3, users=3300)
    again = gio.diff("分群1", **asked)
    assert again.attrs["gio_diff"]["sources"][0]["job"] == job.id
    assert counts(again)[2] > 0


def test_a_name_is_compared_with_what_the_platform_has(open_day: Open) -> None:
    """Nothing was kept; another session may do it."""
    session = open_day()
    job = exported(session, DAY)
    gio.connect("http://127.0.0.1:1", api_key="k")
    changes = gio.diff("分群1", kind="segment", since="1d", charset="UTF-8", session=session)
    sources = changes.attrs["gio_diff"]["sources"]
    assert sources[0]["job"] == job.id != sources[1]["job"]
    assert counts(changes) == (0, 0, 0, changes.attrs["gio_diff"]["before"])


def test_a_tag_is_compared_by_its_key(open_day: Open) -> None:
    """With the arguments that it was exported with."""
    session = open_day()
    session.read_tag("tag_payment_times", properties=["usr_city"])
    changes = gio.diff("tag_payment_times", kind="tag", properties=["usr_city"], keep_same=True)
    assert len(changes) == len(session.read_tag("tag_payment_times"))
    assert changes.attrs["gio_diff"]["columns"] == {"订单交易笔数": 0, "城市": 0}


@pytest.mark.parametrize(
    ("ages", "options", "words"),
    [
        (
            [],
            {"since": "7d"},
            r"No earlier export of segment \(分群\) '分群1' with the same arguments",
        ),
        ([2 * DAY], {"tags": ["会员等级"]}, "No earlier export .* with the same arguments"),
        (
            [2 * DAY, DAY],
            {"since": "7d"},
            "The first export of .* known here is of .*, and none of",
        ),
        ([DAY / 48], {"reuse": "1h"}, "The first export of .* known here is of"),
    ],
)
def test_where_nothing_that_old_is_known_nothing_is_submitted(
    open_day: Open, ages: list[timedelta], options: dict[str, Any], words: str
) -> None:
    """One line says so, and what to do."""
    session = open_day()
    for age in ages:
        exported(session, age)
    with pytest.raises(gio.NotFoundError, match=rf"{words}.*reuse= .*gio\.jobs\(\)") as caught:
        gio.diff("分群1", kind="segment", charset="UTF-8", **options)
    assert "\n" not in str(caught.value)
    assert submits(session) == len(ages)


def test_what_nobody_has_any_more_is_not_compared(open_day: Open) -> None:
    """Neither kept here nor on the platform, which was set up anew."""
    exported(open_day(), 8 * DAY)
    session = open_day(seed=2)
    with pytest.raises(gio.NotFoundError, match=r"are known \(1\), but neither this machine nor"):
        gio.diff("分群1", kind="segment", charset="UTF-8")
    assert submits(session) == 1


def test_what_was_read_otherwise_is_compared_all_the_same(open_day: Open) -> None:
    """Kept with another dtype: the values are the same ones."""
    asked = {"kind": "segment", "charset": "UTF-8", "properties": ["usr_age"]}
    exported(open_day(users=3000), DAY, properties=["usr_age"], dtype=str)
    gio.earlier_job("分群1", dtype=str, **asked).to_pandas()
    open_day(seed=2, users=3000)
    changes = gio.diff("分群1", **asked)
    assert changes["年龄_before"].dtype == TEXT
    assert changes["年龄_after"].dtype == "Int64"
    assert changes.attrs["gio_diff"]["same"] > 0


def test_a_young_job_may_stand_for_the_new_export(open_day: Open) -> None:
    """``reuse`` as ever; what it joins is never what it is compared with."""
    session = open_day()
    old, young = exported(session, 3 * DAY), exported(session, DAY / 24)
    changes = gio.diff("分群1", kind="segment", charset="UTF-8", reuse="2h")
    found = [source["job"] for source in changes.attrs["gio_diff"]["sources"]]
    assert found == [old.id, young.id]
    assert submits(session) == 2
    anew = gio.diff("分群1", kind="segment", charset="UTF-8", reuse="2h", refresh=True)
    assert anew.attrs["gio_diff"]["sources"][0]["job"] == young.id
    assert submits(session) == 3


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({}, gio.SettingsError, 'kind= is missing.*kind="segment" or kind="tag"'),
        ({"kind": "funnel"}, gio.SettingsError, "kind='funnel' is none"),
        ({"kind": "segmant"}, gio.SettingsError, "Did you mean 'segment'"),
        ({"kind": "segment", "since": "lately"}, gio.SettingsError, "since='lately'"),
        ({"kind": "segment", "since": "2999-01-01"}, gio.SettingsError, "in the future"),
        ({"kind": "segment", "detail": True}, gio.SettingsError, "has no option 'detail'"),
        ({"kind": "tag"}, gio.NotFoundError, "分群1"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    open_day: Open, options: dict[str, Any], error: type[gio.GioError], words: str
) -> None:
    """Before anything is submitted."""
    session = open_day()
    exported(session, DAY)
    with pytest.raises(error, match=words):
        gio.diff("分群1", **options)
    assert submits(session) == 1


@pytest.mark.parametrize("kind", ["segment", "tag", "funnel", "event", "retention", "frequency"])
def test_every_kind_has_its_earlier_job(open_day: Open, kind: str) -> None:
    """It gives what was read then; nothing is submitted."""
    names = {"segment": "分群1", "tag": "tag_payment_times", "funnel": "漏斗1"}
    name = names.get(kind) or {"event": "事件1", "retention": "留存1"}.get(kind, "分布1")
    session = open_day()
    frame = getattr(session, f"read_{kind}")(name)
    job = gio.earlier_job(name, kind=kind)
    assert job.id == frame.attrs["gio"]["job"]
    pd.testing.assert_frame_equal(job.to_pandas(), frame)
    assert submits(session) == 1


def test_ids_in_the_index_are_ids() -> None:
    """Who has set the id as the index is not compared by another column."""
    before = users(gio_id=["1", "2"], 城市=["上海", "北京"], v=[1, 2]).set_index("gio_id")
    after = users(gio_id=["2", "3"], 城市=["上海", "北京"], v=[1, 2]).set_index("gio_id")
    kept = before.copy()
    found = gio.diff(before, after).attrs["gio_diff"]
    assert (found["entered"], found["left"], found["changed"]) == (1, 1, 1)
    pd.testing.assert_frame_equal(before, kept)


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_texts_of_several_zones_are_compared_with_times(zone: str | None) -> None:
    """Such a column is text just because its values have several offsets."""
    texts = ["2024-01-01T08:00:00+08:00", "2024-01-01T00:00:00Z", "2024-01-01 00:00:00", "odd"]
    times = pd.to_datetime(["2024-01-01"] * 4).tz_localize(zone)
    ids = ["1", "2", "3", "4"]
    found = gio.diff(users(gio_id=ids, t=texts), users(gio_id=ids, t=times))
    assert list(found["gio_id"]) == (["3", "4"] if zone else ["1", "2", "4"])


def test_large_numbers_as_text_are_compared_exactly() -> None:
    """A float that two whole numbers share is only one of them."""
    before = users(gio_id=["1", "2"], n=["9007199254740993", "9007199254740992"])
    after = users(gio_id=["1", "2"], n=[9007199254740992.0] * 2)
    assert list(gio.diff(before, after)["gio_id"]) == ["1"]


def test_cells_that_are_arrays_are_compared() -> None:
    """Lists and arrays are equal when all that is in them is."""
    before = users(gio_id=["1", "2"], n=[np.array([1, 2]), np.array([1])])
    after = users(gio_id=["1", "2"], n=[np.array([1, 2]), np.array([2])])
    assert list(gio.diff(before, after)["gio_id"]) == ["2"]


@pytest.mark.parametrize("told", [{}, {"before": 1}, {"before": "1"}, 7, None])
def test_what_is_told_of_changes_may_be_damaged(told: object) -> None:
    """A file may say anything: the frame is shown as any other, and a chart is one clear error."""
    frame = users(gio_id=["1"])
    frame.attrs["gio_diff"] = told
    assert "1 rows" in repr(frame.gio)
    with pytest.raises(gio.SettingsError, match="read as"):
        frame.gio.plot()
