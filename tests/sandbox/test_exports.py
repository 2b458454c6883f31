"""The rows and columns of user exports."""

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest

from .client import Client

Started = Callable[..., Client]
SIX = ["usr_gender", "usr_city", "usr_phone", "usr_card_no", "usr_nickname", "usr_note"]


def _columns(rows: list[list[str]]) -> dict[str, list[str]]:
    header, *body = rows
    return dict(zip(header, map(list, zip(*body, strict=True)), strict=True))


def test_nothing_asked_for_is_gio_id_alone(client: Client) -> None:
    """A segment without tags and properties has one column of ascending numbers."""
    header, *rows = client.rows(client.segment("高价值用户"))
    assert header == ["gio_id"]
    ids = [int(gio_id) for (gio_id,) in rows]
    assert ids == sorted(set(ids))
    assert len(ids) == 1_000


def test_columns_are_identities_attributes_tags(client: Client) -> None:
    """The user id follows gio_id as soon as anything is asked for, tags come last."""
    tag = client.ids("tags")["会员等级"]
    asked = {"properties": ["usr_city", "id_unionid", "$basic_name"], "tags": [tag]}
    header = client.rows(client.segment("分群1", **asked))[0]
    assert header == ["gio_id", "用户ID", "微信UnionID", "城市", "姓名", "会员等级"]
    assert client.rows(client.segment("分群1", tags=[tag]))[0] == ["gio_id", "用户ID", "会员等级"]


def test_what_is_asked_for_twice_is_there_once(client: Client) -> None:
    """Repeated properties, and a tag by id and by key, make one column each."""
    tag = client.ids("tags")["会员等级"]
    properties = ["usr_city", "tag_member_level", "usr_city", "id_$basic_userId"]
    header = client.rows(client.segment("分群1", properties=properties, tags=[tag]))[0]
    assert header == ["gio_id", "用户ID", "城市", "会员等级"]


def test_headers_can_be_keys(signed_in: Started) -> None:
    """headers="keys" writes keys for identities, attributes and tags."""
    client = signed_in(headers="keys")
    tag = client.ids("tags")["会员等级"]
    header = client.rows(client.segment("分群1", properties=["usr_gender"], tags=[tag]))[0]
    assert header == ["gio_id", "id_$basic_userId", "usr_gender", "tag_member_level"]
    assert client.rows(client.tag("tag_rfm"))[0] == ["gio_id", "tag_rfm"]


def test_a_segment_without_users_is_a_header_alone(signed_in: Started) -> None:
    """The empty segment and the tag nobody has give one file with its header, however cut."""
    client = signed_in(parts=3)
    assert client.text(client.segment("空分群")) == "gio_id\n"
    job = client.segment("空分群", properties=["usr_city"])
    assert client.text(job) == "gio_id,用户ID,城市\n"
    assert client.text(client.tag("tag_nobody")) == "gio_id,无人标签\n"


def test_a_platform_without_users(signed_in: Started) -> None:
    """With users=0 every group is empty and nobody has a profile."""
    client = signed_in(users=0)
    assert client.text(client.segment("全部用户")) == "gio_id\n"


def test_values_are_what_breaks_naive_readers(client: Client) -> None:
    """Words for nothing, look-alike numbers, quotes, line breaks, emoji: all are in one export."""
    columns = _columns(client.rows(client.segment("高价值用户", properties=SIX)))
    awkward = {"NA", "null", "None", "1e10", "0x1F", "true", "007", "9007199254740993", "", "-"}
    awkward |= {
        "𠮷野家",
        "😀🎉",
        "a,b",
        'say "hi"',
        "第一行\n第二行",
        "one\r\ntwo",
        "1,234",
        "'",
        '"',
    }
    for name in ("昵称", "备注", "用户ID"):
        assert awkward <= set(columns[name])
    assert any(re.fullmatch(r"0\d+", phone) for phone in columns["手机号"])
    cards = set(columns["会员卡号"])
    assert "" in cards
    assert {len(card) for card in cards} == {0, 19}
    ids = columns["用户ID"]
    for pattern in (r"C\d{7}", r"0\d{7}", r"\d{19}", r"0x[0-9A-F]{6}", r"\d+e10"):
        assert any(re.fullmatch(pattern, user_id) for user_id in ids)
    known = [user_id for user_id in ids if user_id]
    assert len(set(known)) == len(known) < len(ids)


def test_a_missing_value_at_the_end_of_a_line_is_an_empty_field(client: Client) -> None:
    """A line may end in a comma, and every line has as many fields as the header."""
    text = client.text(client.segment("全部用户", properties=["usr_gender"]))
    assert ",\n" in text
    assert {len(row) for row in csv.reader(io.StringIO(text, newline=""))} == {3}


def test_dates_and_numbers_are_in_plain_forms(client: Client) -> None:
    """Dates, times, ages and amounts look as databases write them; some are missing."""
    forms = {
        "生日": r"\d{4}-\d\d-\d\d|",
        "注册时间": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
        "年龄": r"\d\d|",
        "账户余额": r"\d+\.\d\d",
        "是否VIP": "true|false|",
    }
    keys = ["usr_birthday", "usr_register_time", "usr_age", "usr_balance", "usr_is_vip"]
    columns = _columns(client.rows(client.segment("全部用户", properties=keys)))
    for name, form in forms.items():
        assert all(re.fullmatch(form, value) for value in columns[name])
        assert ("" in columns[name]) == form.endswith("|")


def test_minimal_quotes_are_there_where_needed(client: Client) -> None:
    """Only fields with commas, quotes and line breaks are quoted."""
    text = client.text(client.segment("高价值用户", properties=["usr_nickname"]))
    lines = text.split("\n")
    assert lines[0] == "gio_id,用户ID,昵称"
    assert '603619,"a,b","a,b"' in lines
    assert '603626,"say ""hi""","say ""hi"""' in lines
    assert "603542,NA,NA" in lines


def test_all_quotes_leave_missing_values_bare(signed_in: Started) -> None:
    """quote="all" quotes header and numbers, and a missing value stays an empty field."""
    client = signed_in(quote="all")
    lines = client.text(client.segment("全部用户", properties=["usr_gender"])).split("\n")
    assert lines[0] == '"gio_id","用户ID","性别"'
    assert re.fullmatch(r'"603542","NA",("\w+")?', lines[1])
    assert any(re.fullmatch(r'"\d+","C\d+",', line) for line in lines)


def test_both_quotings_say_the_same(signed_in: Started) -> None:
    """However fields are quoted, a CSV reader gets the same rows."""
    one, other = (
        client.rows(client.segment("高价值用户", properties=SIX))
        for client in (signed_in(quote="minimal"), signed_in(quote="all"))
    )
    assert one == other


def test_the_short_form_of_a_tag(client: Client) -> None:
    """User and value, only of users who have it; properties asked for come after."""
    header, *rows = client.rows(client.tag("tag_payment_times"))
    assert header == ["gio_id", "订单交易笔数"]
    assert len(rows) == 6_200
    assert all(re.fullmatch(r"[1-9]\d?", value) for _, value in rows)
    job = client.tag("tag_payment_times", properties=["usr_city"], detailExport=False)
    header, *wide = client.rows(job)
    assert header == ["gio_id", "订单交易笔数", "城市"]
    assert [row[:2] for row in wide] == rows


def test_the_detailed_form_of_a_tag(client: Client) -> None:
    """DetailExport adds every identity and the day the tag was computed."""
    job = client.tag("tag_rfm", detailExport=True, properties=["usr_city", "id_unionid"])
    header, *rows = client.rows(job)
    assert header == ["gio_id", "用户ID", "微信UnionID", "RFM分层", "标签计算日期", "城市"]
    short = client.rows(client.tag("tag_rfm"))[1:]
    assert [[row[0], row[3]] for row in rows] == short


@pytest.mark.parametrize(
    ("key", "form"),
    [
        ("tag_member_level", r"\w+会员"),
        ("tag_total_amount", r"\d+\.\d\d"),
        ("tag_last_order_date", r"20\d\d-\d\d-\d\d"),
        ("tag_categories", r'\["\w+","\w+"\]'),
        ("tag_everybody", "true|false"),
    ],
)
def test_tag_values_follow_their_types(client: Client, key: str, form: str) -> None:
    """Words, amounts, dates, arrays and booleans in their usual forms."""
    assert all(re.fullmatch(form, row[1]) for row in client.rows(client.tag(key))[1:])


def test_one_int_tag_holds_more_than_integers(client: Client) -> None:
    """会员积分 is an INT by its type, yet some values are no 64 bit integers."""
    values = {row[1] for row in client.rows(client.tag("tag_member_points"))[1:]}
    odd = {value for value in values if not value.isdecimal()}
    assert odd == {"未知", "12.5", "1e6"}
    assert "9223372036854775808" in values
    assert len(values) > 1_000


def test_a_tag_has_the_same_values_in_every_export(client: Client) -> None:
    """A segment's tag column agrees with the tag's own export, empty for users without it."""
    tag = client.ids("tags")["会员等级"]
    own = dict(client.rows(client.tag("tag_member_level"))[1:])
    rows = client.rows(client.segment("分群4", tags=[tag]))[1:]
    assert len(rows) == 4_200
    assert all(own.get(gio_id, "") == level for gio_id, _, level in rows)


def test_the_same_seed_gives_the_same_bytes(signed_in: Started) -> None:
    """Two sandboxes with the same options export identical bytes, every time they are asked."""
    contents = []
    for options in ({"seed": 7}, {"seed": 7}, {"seed": 8}):
        client = signed_in(**options)
        job = client.segment("高价值用户", properties=SIX, charset="UTF-16LE")
        contents += [client.files(job), client.files(job), client.files(client.tag("tag_rfm"))]
    assert contents[0] == contents[1] == contents[3]
    assert contents[2] == contents[5]
    assert contents[0] != contents[6]


def test_users_are_the_same_in_a_larger_population(signed_in: Started) -> None:
    """Whole blocks of users do not change when the platform grows."""
    rows = [
        client.rows(client.segment("全部用户", properties=SIX))[:4_000]
        for client in (signed_in(), signed_in(users=20_000))
    ]
    assert rows[0] == rows[1]


def _joined(client: Client, job: dict[str, Any]) -> tuple[list[int], list[list[str]]]:
    """Return how many rows each file has, and all rows under one header."""
    parts = [
        list(csv.reader(io.StringIO(content.decode(), newline=""))) for content in client.files(job)
    ]
    assert len({tuple(part[0]) for part in parts}) == 1
    return [len(part) - 1 for part in parts], [row for part in parts for row in part[1:]]


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ({"parts": 4}, [250] * 4),
        ({"parts": 3}, [333, 333, 334]),
        ({"rows_per_file": 400}, [400, 400, 200]),
        ({"rows_per_file": 1_000}, [1_000]),
    ],
)
def test_a_big_export_is_cut_into_files(
    signed_in: Started, client: Client, options: dict[str, int], sizes: list[int]
) -> None:
    """Each file has the header, the files in order hold the rows of the uncut export."""
    cut = signed_in(**options)
    job = cut.segment("高价值用户", properties=SIX)
    assert _joined(cut, job) == (
        sizes,
        client.rows(client.segment("高价值用户", properties=SIX))[1:],
    )
    names = [uri.rpartition("/")[2] for uri in cut.wait(job)["uris"]]
    if len(sizes) > 1:
        assert names == [f"下载用户列表_{number}.csv" for number in range(1, len(sizes) + 1)]
