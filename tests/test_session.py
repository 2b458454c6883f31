"""Sessions: every verb, over a real socket, against what the platform's own bytes say."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import subprocess
import sys
import textwrap
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import Request, urlopen

import pandas as pd
import pytest
import stamina
from conformance import platform as conformance

import gio_pandas as gio
from gio_pandas import sandbox as embedded
from gio_pandas.exports.frames import text_dtype
from gio_pandas.exports.ledger import ledger_path

TEXT = str(text_dtype())
PROJECT_ID, PROJECT = "WlGk4Daj", "默认项目"
HIGH_VALUE = "高价值用户"
SECRET = "k-nobody-may-see-this"
ODD_PROPERTIES = ["usr_nickname", "usr_note", "usr_phone", "usr_card_no", "usr_is_vip", "usr_email"]
CODECS = {
    "UTF-16LE": "utf-16-le",
    "UTF-16BE": "utf-16-be",
    "UTF-8": "utf-8",
    "GBK": "gbk",
    "GB18030": "gb18030",
}
ANALYSES = [
    ("funnel", "漏斗1"),
    ("event", "事件1"),
    ("retention", "留存1"),
    ("frequency", "分布1"),
]

Start = Callable[..., embedded.Sandbox]
Connect = Callable[..., gio.Session]


@pytest.fixture(autouse=True)
def no_pauses() -> Iterator[None]:
    """Ask again as often as ever, but at once."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    """Start a small platform of these options, or give the one that there is."""
    platforms: dict[str, embedded.Sandbox] = {}

    def start_one(**options: Any) -> embedded.Sandbox:
        known = {"users": 300, "stage_seconds": 0, **options}
        key = repr(sorted(known.items()))
        if key not in platforms:
            platforms[key] = embedded.start(**known)
        return platforms[key]

    yield start_one
    with ThreadPoolExecutor(max(1, len(platforms))) as pool:
        list(pool.map(embedded.Sandbox.stop, platforms.values()))


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Open a session on a platform, in its first project unless told otherwise."""
    with ExitStack() as stack:

        def open_session(platform: embedded.Sandbox, **settings: Any) -> gio.Session:
            known = {"api_key": platform.api_key, "project": PROJECT, **settings}
            return stack.enter_context(gio.Session(platform.url, **known))

        yield open_session


@pytest.fixture
def session(sandbox: embedded.Sandbox, connect: Connect) -> gio.Session:
    """Open a session on the platform that all tests share."""
    return connect(sandbox)


@pytest.fixture
def small(start: Start, connect: Connect) -> gio.Session:
    """Open a session on a platform of a few hundred users."""
    return connect(start())


def raw(platform: embedded.Sandbox, job: gio.ExportJob, codec: str) -> list[list[str]]:
    """Read a finished job's files by other means than ours: the header, then every row."""
    form = {
        "grant_type": "client_credentials",
        "client_id": "api",
        "client_secret": platform.api_key,
        "scope": "system",
    }
    url = f"{platform.url}/accounts/oauth/access_token"
    with urlopen(Request(url, urlencode(form).encode())) as answer:
        token = json.load(answer)["access_token"]
    lines: list[list[str]] = []
    for uri in job.uris:
        file = uri if "/" not in uri else quote(uri, safe="")
        request = Request(f"{platform.url}/download?file={file}")
        request.add_header("Authorization", f"Token {token}")
        with urlopen(request) as answer:
            text = answer.read().decode(codec).removeprefix("\ufeff")
        header, *rows = csv.reader(io.StringIO(text, newline=""))
        assert not lines or lines[0] == header
        lines += rows if lines else [header, *rows]
    return lines


def cells(frame: pd.DataFrame) -> list[list[Any]]:
    """List a frame's rows, what is missing as the empty text."""
    return [["" if pd.isna(v) else v for v in row] for row in frame.to_numpy(dtype=object)]


def test_a_session_sends_nothing_before_its_first_verb() -> None:
    """Neither making a session nor showing or closing it needs a platform."""
    with gio.Session("https://127.0.0.1:1", api_key="k-123456", project="x") as session:
        assert repr(session) == "Session('https://127.0.0.1:1', project='x')"
    session.close()
    assert "k-123456" not in repr(session.settings)


@pytest.mark.parametrize(
    ("verb", "columns"),
    [
        ("list_projects", ["id", "name", "description", "creator", "created_at"]),
        ("list_tags", ["id", "name", "key", "type"]),
        ("list_segments", ["id", "name"]),
        ("list_funnels", ["id", "name"]),
        ("list_events", ["id", "name"]),
        ("list_retentions", ["id", "name"]),
        ("list_frequencies", ["id", "name"]),
    ],
)
def test_a_listing_is_what_the_platform_lists(
    session: gio.Session, verb: str, columns: list[str]
) -> None:
    """Rows in the platform's order, ids and names first, and no column of objects."""
    fields = {
        "list_projects": "projects",
        "list_tags": "tags(projectId: $projectId)",
        "list_segments": "segments(projectId: $projectId)",
        "list_funnels": "funnelAnalyses(projectId: $projectId)",
        "list_events": "eventAnalyses(projectId: $projectId)",
        "list_retentions": "retentionAnalyses(projectId: $projectId)",
        "list_frequencies": "frequencyAnalyses(projectId: $projectId)",
    }
    query = f"query Q($projectId: HashId!) {{ items: {fields[verb]} {{ id name }} }}"
    if verb == "list_projects":
        query = "query Q { items: projects { id name } }"
    items = session.graphql(query, {"projectId": PROJECT_ID})["items"]
    frame = getattr(session, verb)()
    assert list(frame.columns[: len(columns)]) == columns
    assert frame[["id", "name"]].to_dict("records") == items
    assert "object" not in map(str, frame.dtypes)


def test_tags_have_a_scope(session: gio.Session) -> None:
    """The platform's tags are others than a project's; a project that is set is the default."""
    whole, own = session.list_tags(scope="platform"), session.list_tags(scope="project")
    assert session.list_tags().equals(own)
    assert "tag_platform_only" in set(whole["key"]) - set(own["key"])
    assert "tag_default_1" in set(own["key"]) - set(whole["key"])
    types = dict(zip(own["key"], own["value_type"], strict=True))
    assert types["tag_payment_times"] == "INT"
    assert own.loc[own["key"] == "tag_categories", "is_array"].item()


def test_without_a_project_tags_are_the_platforms(
    sandbox: embedded.Sandbox, connect: Connect
) -> None:
    """Where none is set and none is passed, the scope is the platform."""
    session = connect(sandbox, project=None)
    assert session.list_tags().equals(session.list_tags(scope="platform"))
    assert "tag_mini_1" in set(session.list_tags(project="电商小程序")["key"])
    with pytest.raises(gio.SettingsError, match='Use "platform" or "project"'):
        session.list_tags(scope="everything")  # type: ignore[arg-type]


def test_a_project_is_chosen_by_name_id_or_argument(
    sandbox: embedded.Sandbox, connect: Connect
) -> None:
    """A session's project is a name or an id; a verb's own wins."""
    by_name, by_id = connect(sandbox, project=PROJECT), connect(sandbox, project=PROJECT_ID)
    listed = by_name.list_segments()
    assert listed.equals(by_id.list_segments())
    other = by_name.list_segments(project="门店会员 & 积分")
    assert not set(other["id"]) & set(listed["id"])
    assert by_name.list_segments(project="门店会员 ＆ 积分").equals(other)
    frame = by_name.read_segment(HIGH_VALUE, project="门店会员 & 积分")
    assert frame.attrs["gio"]["project_name"] == "门店会员 & 积分"


def test_another_project_is_used_from_now_on(sandbox: embedded.Sandbox, connect: Connect) -> None:
    """By name or id, also after the connections were closed; one that is not there changes nothing.

    It is the first question, before which a session is not open.
    """
    session = connect(sandbox, project=None)
    assert not session.is_open
    assert session.use(" 门店会员 & 积分 ") is session
    assert session.is_open
    assert session.settings.project == "门店会员 & 积分"
    listed = session.list_segments()
    assert listed.equals(session.list_segments(project="门店会员 & 积分"))
    with pytest.raises(gio.NotFoundError, match="Similar names: '默认项目'"):
        session.use("默认项日")
    session.close()
    assert session.list_segments().equals(listed)
    assert session.use(PROJECT_ID).read_segment(HIGH_VALUE).attrs["gio"]["project_name"] == PROJECT


def test_without_a_project_there_is_no_guess(sandbox: embedded.Sandbox, connect: Connect) -> None:
    """Of several projects none is taken; the error names them."""
    with pytest.raises(
        gio.SettingsError,
        match=r"has 4 projects .*gio\.use\(.*project=.*%gio use: '默认项目'.*'电商小程序'",
    ):
        connect(sandbox, project=None).list_segments()


@pytest.mark.parametrize(
    "handle", [HIGH_VALUE, "分群3", "V0G5yvGA", " 分群3 ", "双 11 大促 加购 未支付"]
)
def test_a_segment_is_read_by_name_or_id(small: gio.Session, handle: str) -> None:
    """Any word that means it reads it: ids as text, a row a user."""
    frame = small.read_segment(handle)
    assert list(frame.columns) == ["gio_id"]
    assert str(frame["gio_id"].dtype) == TEXT
    assert len(frame) == frame["gio_id"].nunique() > 0


@pytest.mark.parametrize("handle", ["tag_payment_times", "订单交易笔数"])
def test_a_tag_is_read_by_key_name_or_id(small: gio.Session, handle: str) -> None:
    """A tag's key, name and id all read the same; its type is the platform's."""
    tags = small.list_tags()
    by_id = small.read_tag(tags.loc[tags["key"] == "tag_payment_times", "id"].item())
    frame = small.read_tag(handle)
    assert list(frame.columns) == ["gio_id", "订单交易笔数"]
    assert [str(dtype) for dtype in frame.dtypes] == [TEXT, "int64"]
    assert frame.equals(by_id)


@pytest.mark.parametrize(("kind", "name"), ANALYSES)
def test_an_analysis_is_read_by_name_or_id(small: gio.Session, kind: str, name: str) -> None:
    """Each kind has its verbs; read is submit and to_pandas."""
    plural = "frequencies" if kind == "frequency" else f"{kind}s"
    listed = getattr(small, f"list_{plural}")()
    read, submit = getattr(small, f"read_{kind}"), getattr(small, f"submit_{kind}")
    frame = read(name)
    assert len(frame) > 1
    assert frame.equals(read(listed.loc[listed["name"] == name, "id"].item()))
    job = submit(name)
    assert (job.kind, job.name) == (kind, name)
    assert frame.equals(job.to_pandas())
    assert frame.equals(job.to_arrow().to_pandas(types_mapper=None).astype(frame.dtypes.to_dict()))


@pytest.mark.parametrize("kind", ["segment", "tag", "funnel"])
def test_a_submit_returns_at_once(start: Start, connect: Connect, kind: str) -> None:
    """The job is there with its id, before it is anywhere near its end."""
    session = connect(start(stage_seconds=3600))
    name = {"segment": HIGH_VALUE, "tag": "tag_rfm", "funnel": "漏斗1"}[kind]
    job = getattr(session, f"submit_{kind}")(name)
    assert job.id
    assert job.kind == kind
    assert job.uris == ()
    assert f"gio.attach({job.id!r})" in repr(job)


@pytest.mark.parametrize(
    "words",
    [["会员等级", "累计消费金额"], ["tag_member_level", "tag_total_amount"], "会员等级"],
)
def test_a_segments_tags_are_named_as_any_tag(small: gio.Session, words: Any) -> None:
    """Names and keys of tags are columns; a lone word is one tag, not its letters."""
    frame = small.read_segment(HIGH_VALUE, tags=words, properties="usr_city")
    expected = ["会员等级", "累计消费金额"][: 1 if isinstance(words, str) else 2]
    assert list(frame.columns) == ["gio_id", "用户ID", "城市", *expected]


def test_a_segments_tags_are_taken_by_id(small: gio.Session) -> None:
    """Ids of tags are columns, too, each with the platform's type."""
    tags = small.list_tags().set_index("key")["id"]
    keys = ["tag_last_order_date", "tag_total_amount", "tag_payment_times", "tag_everybody"]
    frame = small.read_segment("全部用户", tags=[tags[key] for key in keys])
    kinds = [str(dtype) for dtype in frame.dtypes[2:]]
    assert kinds == ["datetime64[us]", "float64", "Int64", TEXT]


@pytest.mark.parametrize("argument", ["tags", "properties"])
def test_names_of_columns_are_text(small: gio.Session, argument: str) -> None:
    """A number among them is a TypeError before anything is submitted."""
    with pytest.raises(TypeError, match=f"{argument}= takes names as text"):
        small.submit_segment(HIGH_VALUE, **{argument: [7]})


def test_a_tags_export_takes_its_own_arguments(small: gio.Session) -> None:
    """Properties, the detailed form and a file's name reach the platform."""
    short = small.submit_tag(
        "tag_rfm", properties=["usr_city"], detail=False, file_name="我的 标签+1"
    )
    assert list(short.to_pandas().columns) == ["gio_id", "RFM分层", "城市"]
    assert short.to_pandas().attrs["gio"]["files"] == ["我的 标签+1.csv"]
    assert "标签计算日期" in small.read_tag("tag_rfm", detail=True).columns


@pytest.mark.parametrize("uris", ["raw", "encoded"])
@pytest.mark.parametrize("bom", [False, True])
@pytest.mark.parametrize("charset", list(CODECS))
def test_a_frame_is_what_the_platforms_bytes_say(
    start: Start, connect: Connect, charset: str, bom: bool, uris: str
) -> None:
    """Whatever the charset, the mark and the spelling of uris: every cell as csv reads it."""
    platform = start(bom=bom, uris=uris)
    session = connect(platform, charset=charset)
    job = session.submit_segment("C++ 人群 #1", properties=ODD_PROPERTIES)
    frame = job.to_pandas(dtype=str)
    header, *rows = raw(platform, job, CODECS[charset])
    assert list(frame.columns) == header
    assert cells(frame) == rows
    assert {str(dtype) for dtype in frame.dtypes} == {TEXT}


@pytest.mark.parametrize("options", [{}, {"parts": 3}, {"rows_per_file": 40}, {"quote": "all"}])
@pytest.mark.parametrize("headers", ["names", "keys"])
def test_odd_users_survive(
    start: Start, connect: Connect, headers: str, options: dict[str, Any]
) -> None:
    """What breaks careless readers is in the frame as it was written, in any number of files."""
    platform = start(headers=headers, **options)
    job = connect(platform).submit_segment("全部用户", properties=ODD_PROPERTIES)
    frame = job.to_pandas()
    header, *rows = raw(platform, job, "utf-16-le")
    assert len(job.uris) == {"parts": 3, "rows_per_file": 8}.get(next(iter(options), ""), 1)
    assert list(frame.columns) == header
    assert cells(frame) == rows
    odd = {
        "NA",
        "null",
        "None",
        "1e10",
        "0x1F",
        "007",
        "9007199254740993",
        "𠮷野家",
        "第一行\n第二行",
    }
    assert odd <= set(frame.iloc[:, 1])
    assert odd <= set(frame.iloc[:, 2])


def test_columns_of_users_have_their_types(start: Start, connect: Connect) -> None:
    """Numbers, dates and words are told apart, and the values are those of the bytes."""
    platform = start()
    properties = ["usr_age", "usr_birthday", "usr_register_time", "usr_balance", "usr_sex"]
    job = connect(platform).submit_segment("全部用户", properties=[*properties, "usr_is_vip"])
    frame = job.to_pandas()
    header, *rows = raw(platform, job, "utf-16-le")
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    assert [str(dtype) for dtype in frame.dtypes[2:]] == [
        "Int64",
        "datetime64[us]",
        "datetime64[us]",
        "float64",
        "int64",
        TEXT,
    ]
    ages = [int(age) if age else None for age in columns["年龄"]]
    assert [None if pd.isna(age) else age for age in frame["年龄"]] == ages
    assert frame["账户余额"].tolist() == [float(value) for value in columns["账户余额"]]
    assert frame["生日"].dt.strftime("%Y-%m-%d").fillna("").tolist() == list(columns["生日"])
    times = frame["注册时间"].dt.strftime("%Y-%m-%d %H:%M:%S")
    assert times.tolist() == list(columns["注册时间"])


@pytest.mark.parametrize(("kind", "name"), [*ANALYSES, ("event", "事件2"), ("event", "事件3")])
def test_an_analysis_is_numbers_where_it_prints_numbers(
    start: Start, connect: Connect, kind: str, name: str
) -> None:
    """Thousands, percents and lone dashes are what they mean; the rest is as it was written."""
    platform = start()
    job = getattr(connect(platform), f"submit_{kind}")(name)
    frame = job.to_pandas()
    header, *rows = raw(platform, job, "utf-16-le")
    assert [label.partition(".")[0] for label in frame.columns] == header
    for position, written in enumerate(zip(*rows, strict=True)):
        series = frame.iloc[:, position]
        for value, text in zip(series, written, strict=True):
            if pd.api.types.is_numeric_dtype(series.dtype):
                assert (
                    (pd.isna(value) and text == "-") or f"{value:,}" == text or text_of(value, text)
                )
            elif str(series.dtype).startswith("datetime"):
                assert f"{value:%Y-%m-%d}" == text
            else:
                assert value == text
    numbers = [pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes]
    assert any(numbers)


def text_of(value: float, text: str) -> bool:
    """Tell whether a number prints as the text with as many decimals as it has."""
    places = len(text.rstrip("%").partition(".")[2])
    return text in (f"{value:,.{places}%}", f"{value:,.{places}f}")


def test_an_empty_group_keeps_its_columns(start: Start, connect: Connect) -> None:
    """A segment or tag of nobody is a frame with every column and no row."""
    session = connect(start(parts=3))
    tags = ["tag_payment_times", "tag_last_order_date", "会员等级"]
    frame = session.read_segment("空分群", tags=tags, properties=["usr_age"])
    assert list(frame.columns) == [
        *("gio_id", "用户ID", "年龄", "订单交易笔数", "最近下单日期", "会员等级"),
    ]
    assert [str(dtype) for dtype in frame.dtypes] == [
        *(TEXT, TEXT, TEXT, "int64", "datetime64[us]", TEXT),
    ]
    assert len(frame) == 0
    assert list(session.read_tag("无人标签").columns) == ["gio_id", "无人标签"]


def test_a_tag_that_is_not_its_type_stays_text_aloud(session: gio.Session) -> None:
    """An INT tag with a value that is no integer is text, and a warning names the column."""
    with pytest.warns(UserWarning, match="'会员积分' is INT .*dtype="):
        frame = session.read_tag("tag_member_points")
    assert str(frame["会员积分"].dtype) == TEXT
    assert {"12.5", "1e6"} & set(frame["会员积分"])


def test_an_array_of_a_tag_is_text(small: gio.Session) -> None:
    """Arrays are shown as they are written."""
    frame = small.read_tag("tag_categories")
    assert str(frame["偏好品类"].dtype) == TEXT
    assert frame["偏好品类"].str.startswith('["').all()


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (str, {"gio_id": TEXT, "订单交易笔数": TEXT}),
        ({"订单交易笔数": "float64"}, {"gio_id": TEXT, "订单交易笔数": "float64"}),
        ({"gio_id": "int64"}, {"gio_id": "int64", "订单交易笔数": "int64"}),
    ],
)
def test_the_callers_dtype_wins(small: gio.Session, dtype: Any, expected: dict[str, str]) -> None:
    """Over the platform's type, and over what an identity is."""
    frame = small.read_tag("tag_payment_times", dtype=dtype)
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == expected


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        ("pyarrow", ["string[pyarrow]", "string[pyarrow]", "int64[pyarrow]", "double[pyarrow]"]),
        ("numpy_nullable", ["string", "string", "Int64", "Float64"]),
    ],
)
def test_the_callers_backend_is_used(small: gio.Session, backend: Any, expected: list[str]) -> None:
    """``dtype_backend`` means what it means to pandas."""
    frame = small.read_segment(
        HIGH_VALUE, properties=["usr_age", "usr_balance"], dtype_backend=backend
    )
    assert [str(dtype) for dtype in frame.dtypes] == expected


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"dtype_backend": "polars"}, "dtype_backend="),
        ({"charset": "latin-9000"}, "charset"),
        ({"timeout": 0}, "timeout="),
        ({"dtype": "nonsense"}, "dtype='nonsense'"),
        ({"dtype": {"gio_id": "int63"}}, "dtype='int63'"),
    ],
)
def test_options_are_checked_before_a_submit(
    start: Start, connect: Connect, options: dict[str, Any], match: str
) -> None:
    """A slip of the pen starts no export."""
    platform = start()
    platform.forget_requests()
    with pytest.raises(gio.SettingsError, match=match):
        connect(platform).submit_segment(HIGH_VALUE, **options)
    fields = {name for request in platform.requests for name in request.fields}
    assert not any(name.startswith("submit") for name in fields)


def test_a_number_asked_for_is_read_as_an_analysis_prints_it(small: gio.Session) -> None:
    """``dtype=`` converts 45,494 and 45.20%, as the columns beside it are converted."""
    plain = small.read_funnel("漏斗1")
    narrow = small.read_funnel("漏斗1", dtype={"用户数": "int32", "转化率": "Float64"})
    assert (str(narrow["用户数"].dtype), str(narrow["转化率"].dtype)) == ("int32", "Float64")
    assert narrow["用户数"].tolist() == plain["用户数"].tolist()


@pytest.mark.parametrize("job_id", [7, b"VGFn"])
def test_a_jobs_id_is_text(small: gio.Session, job_id: Any) -> None:
    """What cannot be an id is refused before anything is asked."""
    with pytest.raises(TypeError, match="job's id is text"):
        small.attach(job_id)


def test_an_older_platform_is_asked_by_the_tags_id(start: Start, connect: Connect) -> None:
    """Before 13.4 there is no submit by key; it is found once, and not asked for again."""
    platform = start(version="13.3")
    session = connect(platform)
    platform.forget_requests()
    first = session.read_tag("tag_payment_times", properties=["usr_city"])
    assert first.equals(session.read_tag("订单交易笔数", properties=["usr_city"]))
    asked = [name for request in platform.requests for name in request.fields]
    assert asked.count("submitTagUserExportJobByKey") == 1
    assert asked.count("submitTagUserExportJob") == 2


def test_a_submit_is_one_job(start: Start, connect: Connect) -> None:
    """Reading submits once, and names are looked up once for many reads."""
    platform = start(parts=2)
    session = connect(platform)
    platform.forget_requests()
    for _ in range(3):
        session.read_segment(HIGH_VALUE)
    asked = [name for request in platform.requests for name in request.fields]
    assert asked.count("submitSegmentUserExportJob") == 3
    assert asked.count("segments") == asked.count("projects") == 1


@pytest.mark.parametrize(("every", "parts"), [(2, 1), (3, 3), (5, 3)])
def test_tokens_that_die_on_the_way_are_renewed(
    start: Start, connect: Connect, every: int, parts: int
) -> None:
    """A 401 in the middle of anything costs a token, and no export is started twice."""
    platform = start(unauthorized_every=every, parts=parts)
    session = connect(platform)
    platform.forget_requests()
    frame = session.read_segment(HIGH_VALUE, tags=["会员等级"])
    assert len(frame) == 30
    submits = [r for r in platform.requests if "submitSegmentUserExportJob" in r.fields]
    assert [request.status for request in submits if request.status != 401] == [200]


def test_tokens_that_expired_are_renewed(start: Start, connect: Connect) -> None:
    """A session that lay idle goes on by itself."""
    platform = start()
    session = connect(platform)
    session.list_projects()
    platform.expire_tokens()
    assert len(session.read_segment(HIGH_VALUE)) == 30


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({"path_prefix": "/cdp"}, {}),
        ({"auth_scheme": "Bearer"}, {"auth_scheme": "Bearer"}),
        ({"auth_scheme": ""}, {"auth_scheme": ""}),
        ({"require_headers": {"Cookie": "sid=1"}}, {"headers": {"Cookie": "sid=1"}}),
        ({"content_length": False}, {}),
        ({"faithful_charset": False}, {}),
    ],
    ids=lambda value: next(iter(value), "-"),
)
def test_platforms_of_every_sort_are_spoken_with(
    start: Start, connect: Connect, options: dict[str, Any], settings: dict[str, Any]
) -> None:
    """A path prefix, another scheme, a gateway's cookie, no lengths, another charset."""
    frame = connect(start(**options), **settings).read_segment(HIGH_VALUE, properties=["usr_city"])
    assert len(frame) == 30
    assert "上海" in set(frame["城市"])


@pytest.mark.parametrize("kind", ["segment", "tag", "funnel"])
def test_a_job_is_taken_up_by_another_session(start: Start, connect: Connect, kind: str) -> None:
    """On another machine, too, an id is enough, with the blanks that copying leaves around it."""
    platform = start()
    name = {"segment": HIGH_VALUE, "tag": "tag_rfm", "funnel": "漏斗2"}[kind]
    job = getattr(connect(platform), f"submit_{kind}")(name)
    ledger_path().unlink()
    attached = connect(platform, project=None).attach(f" {job.id}\n")
    assert attached.id == job.id
    assert attached.kind == ("analysis" if kind == "funnel" else kind)
    assert attached.name is None
    frame = attached.to_pandas()
    assert frame.equals(job.to_pandas())
    assert frame.attrs["gio"]["job"] == job.id


def test_an_attached_job_asks_nothing_before_it_is_used(connect: Connect, start: Start) -> None:
    """``attach`` is no request, and a charset that is none is refused."""
    platform = start()
    platform.forget_requests()
    session = connect(platform)
    session.attach("whatever", charset="GBK")
    assert platform.requests == ()
    with pytest.raises(gio.SettingsError, match="charset"):
        session.attach("whatever", charset="latin-9000")


def test_a_job_is_awaited_without_blocking(start: Start, connect: Connect) -> None:
    """``await job`` gives the frame, several at once, while the loop goes on."""
    session = connect(start(stage_seconds=0.02))
    jobs = [session.submit_segment(HIGH_VALUE), session.submit_tag("tag_rfm")]
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.005)

    async def main() -> list[pd.DataFrame]:
        ticking = asyncio.create_task(tick())
        frames = await asyncio.gather(*map(awaited, jobs))
        ticking.cancel()
        return frames

    async def awaited(job: gio.ExportJob) -> pd.DataFrame:
        return await job

    frames = asyncio.run(main())
    assert [list(frame.columns) for frame in frames] == [["gio_id"], ["gio_id", "RFM分层"]]
    assert ticks > 5


def test_a_wait_that_is_cancelled_ends_at_once(start: Start, connect: Connect) -> None:
    """A job that is awaited no longer is let go of, and the error says how to get it again."""
    job = connect(start(stage_seconds=60)).submit_segment(HIGH_VALUE)

    async def awaited() -> pd.DataFrame:
        return await job

    began = time.monotonic()
    with pytest.raises(TimeoutError) as caught:
        asyncio.run(asyncio.wait_for(awaited(), timeout=0.3))
    assert time.monotonic() - began < 5
    assert f"gio.attach({job.id!r})" in str(caught.value.__cause__)


def names_of(session: gio.Session) -> dict[str, str]:
    """Name one thing of each kind that there is on the platform."""
    listings = {"frequency": "frequencies"}
    listed = {
        kind: getattr(session, f"list_{listings.get(kind, f'{kind}s')}")()["name"][0]
        for kind in ("funnel", "event", "retention", "frequency")
    }
    return {"tag": "tag_rfm", "segment": HIGH_VALUE, **listed}


def test_every_kind_is_read_without_blocking(start: Start, connect: Connect) -> None:
    """``aread_…`` gives what ``read_…`` gives, all of them at once, while the loop goes on."""
    session = connect(start(stage_seconds=0.02))
    names = names_of(session)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.005)

    async def main() -> list[pd.DataFrame]:
        ticking = asyncio.create_task(tick())
        reads = [getattr(session, f"aread_{kind}")(name) for kind, name in names.items()]
        frames = await asyncio.gather(*reads)
        ticking.cancel()
        return frames

    for (kind, name), frame in zip(names.items(), asyncio.run(main()), strict=True):
        assert frame.equals(getattr(session, f"read_{kind}")(name))
        assert frame.attrs["gio"]["kind"] == kind
    assert ticks > 5


async def cancelled(read: Coroutine[Any, Any, pd.DataFrame], is_time: Callable[[], bool]) -> str:
    """Cancel a read when it is time, and give its last words."""
    task = asyncio.create_task(read)
    while not is_time():
        assert not task.done()
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    while any(thread.name == "gio-await" for thread in threading.enumerate()):
        await asyncio.sleep(0.01)
    return str(caught.value)


def test_a_submit_that_is_not_answered_holds_up_nothing() -> None:
    """The loop goes on beside it, and lets go of it; the ledger has what may have been started."""
    faults = (conformance.Fault("submit", "hang", conformance.ALWAYS),)
    with conformance.Platform(conformance.Options(faults=faults)) as platform:
        session = gio.Session(platform.url, api_key=conformance.API_KEY, project="默认项目")
        words = asyncio.run(
            cancelled(session.aread_segment(HIGH_VALUE), lambda: bool(platform.asked("submit")))
        )
        assert "gio.jobs() lists what was started" in words
        assert list(session.jobs()["stage"]) == ["UNCERTAIN"]
        session.close()


def test_an_error_comes_out_of_the_await(start: Start, connect: Connect) -> None:
    """The same ones as without it."""
    session = connect(start())
    with pytest.raises(gio.NotFoundError, match="没有这个"):
        asyncio.run(session.aread_segment("没有这个"))
    with pytest.raises(TypeError, match="no option 'tag'"):
        asyncio.run(session.aread_segment(HIGH_VALUE, tag="x"))  # type: ignore[call-arg]


def test_a_read_that_is_cancelled_lets_go(start: Start, connect: Connect) -> None:
    """At once; the job goes on, and the error has the line that picks it up."""
    platform = start(stage_seconds=60)
    platform.forget_requests()  # of other tests
    session = connect(platform)

    def is_polled() -> bool:
        return any("jobResult" in request.fields for request in platform.requests)

    words = asyncio.run(cancelled(session.aread_segment(HIGH_VALUE), is_polled))
    [job_id] = session.jobs()["id"]
    assert f"gio.attach({job_id!r})" in words


def test_a_verb_in_a_running_loop_needs_no_help(start: Start, connect: Connect) -> None:
    """A notebook's kernel runs a loop: the verbs that block are for it all the same."""
    session = connect(start(stage_seconds=0.02))

    async def cell() -> tuple[pd.DataFrame, list[pd.DataFrame]]:
        frame = session.read_segment(HIGH_VALUE)
        return frame, session.read_many([("segment", HIGH_VALUE), ("tag", "tag_rfm")])

    frame, frames = asyncio.run(cell())
    assert frame.equals(frames[0])
    assert "nest_asyncio" not in sys.modules


def test_progress_is_off_where_the_settings_say_so(
    start: Start, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Verb > GIO_PROGRESS > the default; what was submitted so is waited for so."""
    platform = start()
    assert connect(platform).submit_segment(HIGH_VALUE).order.progress == "auto"
    monkeypatch.setenv("GIO_PROGRESS", "off")
    session = connect(platform)
    job = session.submit_segment(HIGH_VALUE)
    assert job.order.progress == "off"
    assert session.attach(job.id).order.progress == "off"
    assert session.submit_segment(HIGH_VALUE, progress=True).order.progress == "on"
    with pytest.raises(TypeError, match="True, False or None"):
        session.read_segment(HIGH_VALUE, progress="no")  # type: ignore[arg-type]


def test_how_long_such_exports_took_is_known(start: Start, connect: Connect) -> None:
    """From what was submitted and seen to the end from here."""
    session = connect(start())
    assert session.submit_segment(HIGH_VALUE).usual() is None
    session.read_segment(HIGH_VALUE)
    seconds, known = session.submit_segment(HIGH_VALUE).usual() or (-1.0, 0)
    assert known == 1
    assert seconds >= 0


def test_a_job_outlives_the_closing_of_its_session(start: Start, connect: Connect) -> None:
    """As the next verb does, a job opens the connections again."""
    with connect(start()) as session:
        job = session.submit_segment(HIGH_VALUE)
    assert len(job.to_pandas()) == len(session.read_segment(HIGH_VALUE))


def test_an_attached_job_does_not_make_up_its_times(start: Start, connect: Connect) -> None:
    """When it was submitted and finished is not known on another machine, and not said."""
    session = connect(start())
    job_id = session.submit_segment(HIGH_VALUE).id
    ledger_path().unlink()
    source = session.attach(job_id).to_pandas().attrs["gio"]
    assert (source["submitted"], source["finished"]) == (None, None)
    assert source["read"]


@pytest.mark.parametrize("job_id", ["", "  "])
def test_what_is_no_jobs_id_is_refused(small: gio.Session, job_id: str) -> None:
    """Before anything is asked."""
    with pytest.raises(gio.SettingsError, match="no job's id"):
        small.attach(job_id)


def test_words_may_come_from_any_iterable(small: gio.Session) -> None:
    """A generator or a column of a frame names columns as a list does; None names none."""
    names = iter(["usr_city", "usr_age"])
    assert list(small.read_segment(HIGH_VALUE, properties=names).columns)[-2:] == ["城市", "年龄"]
    tags = small.list_tags()["name"].head(2)
    assert list(small.read_segment(HIGH_VALUE, tags=tags).columns)[-2:] == list(tags)
    assert list(small.read_segment(HIGH_VALUE, tags=None).columns) == ["gio_id"]  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not a frame"):
        small.read_segment(HIGH_VALUE, tags=small.list_tags())


def test_an_option_that_is_none_is_refused_before_anything_is_asked() -> None:
    """With the one that was meant, as Python does for its own."""
    with gio.Session("http://127.0.0.1:9", api_key="k") as session:
        with pytest.raises(TypeError, match="no option 'chartset': did you mean 'charset'"):
            session.read_segment(HIGH_VALUE, chartset="GBK")
        with pytest.raises(TypeError, match="no option 'tags'"):
            session.read_funnel("漏斗1", tags=["a"])


INTERRUPTED = """
import os, signal, sys, threading, time
import gio_pandas as gio

session = gio.Session(sys.argv[1], api_key=sys.argv[2], project="默认项目")
job = session.submit_segment("全部用户", properties=["usr_note"]).wait()
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
began = time.monotonic()
try:
    job.to_pandas()
except KeyboardInterrupt as let_go:
    print(time.monotonic() - began, let_go)
"""


def test_ctrl_c_ends_a_download_at_once(start: Start) -> None:
    """A kernel's Stop is heard while a file comes, not behind its last byte."""
    platform = start(users=20_000_000)
    command = [sys.executable, "-c", INTERRUPTED, platform.url, platform.api_key]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    seconds, _, words = said.partition(" ")
    assert float(seconds) < 10
    assert "gio.attach(" in words


def test_sessions_of_two_platforms_do_not_mix(start: Start, connect: Connect) -> None:
    """Two sessions at once are two worlds."""
    one, other = connect(start()), connect(start(seed=2, users=200))
    frames = [session.read_segment("全部用户") for session in (one, other, one)]
    assert [len(frame) for frame in frames] == [300, 200, 300]
    tags = [session.list_tags().set_index("key")["id"]["tag_rfm"] for session in (one, other)]
    assert tags[0] != tags[1]
    with pytest.raises(gio.NotFoundError):
        one.read_tag(tags[1])


def test_threads_share_a_session(start: Start, connect: Connect) -> None:
    """Many threads at once, while their token dies: each gets its own frame whole."""
    platform = start(parts=2)
    session = connect(platform)
    names = ["高价值用户", "分群3", "分群4", "全部用户"] * 4
    with ThreadPoolExecutor(8) as pool:
        reading = pool.map(session.read_segment, names)
        platform.expire_tokens()
        frames = list(reading)
    sizes = {
        name: {len(f) for n, f in zip(names, frames, strict=True) if n == name} for name in names
    }
    assert sizes == {"高价值用户": {30}, "分群3": {75}, "分群4": {126}, "全部用户": {300}}
    assert {frame.attrs["gio"]["name"] for frame in frames} == set(names)


def test_a_closed_session_opens_again(small: gio.Session) -> None:
    """Closing lets go of connections, not of the session."""
    assert len(small.list_projects()) == 4
    small.close()
    small.close()
    assert len(small.list_projects()) == 4


def test_any_document_is_sent(small: gio.Session) -> None:
    """``graphql`` gives the answer's data, and takes variables."""
    query = "query One($id: HashId!, $p: HashId!) { segment(id: $id, projectId: $p) { name } }"
    answer = small.graphql(query, {"id": "V0G5yvGA", "p": PROJECT_ID})
    assert answer == {"segment": {"name": "分群3"}}


def test_a_frame_says_where_it_comes_from(start: Start, connect: Connect) -> None:
    """attrs["gio"] is plain, survives pandas' own copies, and holds no secret."""
    platform = start(require_headers={"Cookie": f"sid={SECRET}"}, api_key=SECRET)
    session = connect(platform, headers={"Cookie": f"sid={SECRET}"})
    frame = session.read_segment(HIGH_VALUE, tags=["会员等级"], dtype={"会员等级": "category"})
    source = frame.attrs["gio"]
    words = json.dumps(source, ensure_ascii=False)
    assert json.loads(words) == source
    assert SECRET not in words
    assert SECRET not in repr(session) + repr(session.settings) + str(vars(session.settings))
    assert source["platform"] == platform.url
    assert (source["kind"], source["name"], source["rows"]) == ("segment", HIGH_VALUE, 30)
    assert (source["project"], source["project_name"]) == (PROJECT_ID, PROJECT)
    assert source["arguments"]["dtype"] == {"会员等级": "category"}
    assert frame.head(3).attrs["gio"] == source


class _Handler(BaseHTTPRequestHandler):
    """A platform of one segment whose steps are what a test says."""

    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if urlsplit(self.path).path.endswith("access_token"):
            self._say(200, {"access_token": "t"})
            return
        query = json.loads(body)["query"]
        known = {
            "submitSegment": {"data": {"submitSegmentUserExportJob": {"id": "J", "stage": "NONE"}}},
            "jobResult": {"data": {"jobResult": {"stage": "FINISH", "uris": ["/a.csv"]}}},
            "segments": {"data": {"segments": [{"id": "Sg000001", "name": "甲"}]}},
            "projects": {"data": {"projects": [{"id": "Pr000001", "name": "乙"}]}},
        }
        step = next(name for name in known if name in query)
        self._act(self.server.steps.get(step, known[step]))

    def do_GET(self) -> None:
        self._act(self.server.steps.get("download", b"gio_id\n1\n"))

    def _act(self, step: Any) -> None:
        self.server.asked.append(step)
        if step is None:  # hang up without a word
            self.close_connection = True
        elif isinstance(step, int):
            self._say(step, {})
        else:
            self._say(200, step)

    def _say(self, status: int, body: Any) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        kind = "text/csv" if isinstance(body, bytes) else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def odd() -> Iterator[Callable[..., gio.Session]]:
    """Open a session on a platform whose steps go as told."""
    with ExitStack() as stack:

        def open_session(**steps: Any) -> gio.Session:
            server: Any = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), _Handler))
            server.daemon_threads = True
            server.steps, server.asked = steps, []
            thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            url = f"http://127.0.0.1:{server.server_port}"
            session = stack.enter_context(gio.Session(url, api_key=SECRET))
            session.asked = server.asked  # type: ignore[attr-defined]
            return session

        yield open_session


def readable(error: gio.GioError) -> None:
    """Hold an error to say what happened and what to do next in its first line, and no secret."""
    first = str(error).splitlines()[0]
    assert first == f"{error.what.rstrip('.')}. {error.hint}"
    assert len(error.hint) > 10
    shown = "".join(traceback.format_exception(error))
    assert SECRET not in shown + repr(vars(error))
    notes = getattr(error, "__notes__", [])
    assert error._render_traceback_() == [f"{type(error).__name__}: {error}", *notes]


Suffer = Callable[[gio.Session, Connect, Start, Callable[..., gio.Session]], Any]
MISHAPS: dict[str, tuple[type[gio.GioError], str, Suffer]] = {
    "settings": (gio.SettingsError, "gio.connect", lambda *_: gio.Session()),
    "no project": (
        gio.SettingsError,
        "project=",
        lambda _, connect, start, __: connect(start(), project=None).list_segments(),
    ),
    "key": (
        gio.AuthenticationError,
        "GIO_API_KEY",
        lambda _, connect, start, __: connect(start(), api_key=SECRET).list_projects(),
    ),
    "right": (
        gio.PermissionDeniedError,
        "administrator",
        lambda *given: given[3](segments=403).list_segments(),
    ),
    "name": (gio.NotFoundError, "names: '高价值用户'", lambda s, *_: s.read_segment("高价值客户")),
    "namesakes": (gio.AmbiguousNameError, "Pass the id", lambda s, *_: s.read_segment("新客")),
    "document": (gio.GraphQLError, "Check", lambda s, *_: s.graphql("query { nonsense }")),
    "refused property": (
        gio.GraphQLError,
        "Check",
        lambda s, *_: s.read_segment(HIGH_VALUE, properties=["usr_nonsense"]),
    ),
    "network": (
        gio.PlatformUnavailableError,
        "Check the address",
        lambda *_: gio.Session("http://127.0.0.1:1", api_key=SECRET).list_projects(),
    ),
    "busy": (
        gio.PlatformUnavailableError,
        "Try again",
        lambda *given: given[3](segments=503).list_segments(),
    ),
    "no answer to a submit": (
        gio.SubmitUncertainError,
        "导出任务",
        lambda *given: given[3](submitSegment=None).read_segment("甲"),
    ),
    "bad gateway at a submit": (
        gio.SubmitUncertainError,
        "导出任务",
        lambda *given: given[3](submitSegment=502).read_segment("甲"),
    ),
    "failed job": (
        gio.JobFailedError,
        "export it again",
        lambda s, *_: s.read_segment("计算失败的分群"),
    ),
    "slow job": (
        gio.JobTimeoutError,
        "gio.attach",
        lambda _, connect, start, __: connect(start(stage_seconds=3600)).read_segment(
            HIGH_VALUE, timeout=0.02
        ),
    ),
    "no files": (
        gio.DownloadError,
        "Export it again",
        lambda *given: given[3](
            jobResult={"data": {"jobResult": {"stage": "FINISH", "uris": []}}}
        ).read_segment("甲"),
    ),
    "file gone": (
        gio.DownloadError,
        "run the export again",
        lambda *given: given[3](download=404).read_segment("甲"),
    ),
    "message for a file": (
        gio.DownloadError,
        "Run the export again",
        lambda *given: given[3](download={"error": "expired"}).read_segment("甲"),
    ),
    "page for a file": (
        gio.AuthenticationError,
        "cookie",
        lambda *given: given[3](download=b"<!DOCTYPE html><html>login").read_segment("甲"),
    ),
    "no table": (
        gio.DecodeError,
        "Run the export again",
        lambda *given: given[3](download=b"gio_id,n\n1\n").read_segment("甲"),
    ),
    "no charset": (
        gio.DecodeError,
        "charset=",
        lambda *given: given[3](download=b"gio_id\n\xff\xff\xff\n").read_segment("甲"),
    ),
    "dtype": (
        gio.DecodeError,
        "Its columns: gio_id",
        lambda s, *_: s.read_segment(HIGH_VALUE, dtype={"年岭": "int64"}),
    ),
    "too large": (
        gio.MemoryLimitError,
        "to_parquet",
        lambda small, *_: small.read_segment(HIGH_VALUE, memory_limit="100 B"),
    ),
}


@pytest.mark.parametrize("mishap", list(MISHAPS))
def test_every_error_is_one_line_with_a_next_step(
    mishap: str,
    small: gio.Session,
    connect: Connect,
    start: Start,
    odd: Callable[..., gio.Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever goes wrong comes out of the tree, readable, and tells what to do."""
    monkeypatch.setattr("gio_pandas.exports.job._NAMING", 0.1)  # seconds for a file to be named
    kind, step, suffer = MISHAPS[mishap]
    with pytest.raises(gio.GioError) as caught:
        suffer(small, connect, start, odd)
    assert type(caught.value) is kind
    assert step in str(caught.value)
    readable(caught.value)


def test_every_error_of_the_tree_can_be_met() -> None:
    """No class of the tree is without a mishap above."""
    known = {getattr(gio, name) for name in gio.__all__ if name.endswith("Error")}
    assert known - {gio.GioError} == {kind for kind, _, _ in MISHAPS.values()}


@pytest.mark.parametrize("step", [None, 500, 502, 504])
def test_a_submit_that_may_have_been_seen_is_not_repeated(
    odd: Callable[..., gio.Session], step: int | None
) -> None:
    """No second job is started where the first one may be running."""
    session = odd(submitSegment=step)
    with pytest.raises(gio.SubmitUncertainError):
        session.submit_segment("甲")
    assert session.asked.count(step) == 1  # type: ignore[attr-defined]


def test_an_error_while_reading_leads_back_to_the_job(odd: Callable[..., gio.Session]) -> None:
    """What goes wrong after the submit has the job's line with it."""
    with pytest.raises(gio.DecodeError) as caught:
        odd(download=b"").read_segment("甲")
    assert caught.value.__notes__ == ["The job: gio.attach('J')"]
    assert caught.value.file == "/a.csv"


def test_the_ways_of_waiting_are_the_sessions_or_the_verbs(start: Start, connect: Connect) -> None:
    """A timeout is the session's unless the verb has one; both end on time."""
    session = connect(start(stage_seconds=3600), timeout=0.02)
    began = time.monotonic()
    for options in ({}, {"timeout": 0.03}):
        with pytest.raises(gio.JobTimeoutError, match=r"within 0\.0[23] s"):
            session.read_segment(HIGH_VALUE, **options)
    assert time.monotonic() - began < 2


def test_nothing_warns_where_all_is_well(small: gio.Session) -> None:
    """A frame that loses nothing comes without a word."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small.read_segment(HIGH_VALUE, tags=["会员等级"], properties=["usr_age"])


def _in_a_process(script: str, platform: embedded.Sandbox, **environ: str | None) -> str:
    """Run a script in a process of its own, and give what it prints."""
    known = {**os.environ, "GIO_URL": platform.url, "GIO_API_KEY": platform.api_key, **environ}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)],
        env={name: value for name, value in known.items() if value is not None},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_a_submit_without_an_id_is_told_when_it_is_attached(
    small: gio.Session, missing: Any
) -> None:
    """It comes out of the listing's first column where a submit was not answered."""
    with pytest.raises(gio.SettingsError, match=r"UNCERTAIN.*导出任务"):
        small.attach(missing)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_does_not_take_its_parents_answers(sandbox: embedded.Sandbox) -> None:
    """A session that was used before a fork works in both processes, over connections of each."""
    printed = _in_a_process(
        """
        import os
        import gio_pandas as gio

        session = gio.Session()
        session.graphql("{ projects { id } }")
        is_child = os.fork() == 0
        field = "dataCenterTags" if is_child else "projects"
        answers = [session.graphql("{ %s { id } }" % field) for _ in range(30)]
        print(field, all(list(answer) == [field] for answer in answers), flush=True)
        if is_child:
            os._exit(0)
        os.wait()
        """,
        sandbox,
    )
    assert sorted(printed.splitlines()) == ["dataCenterTags True", "projects True"]


@pytest.mark.skipif(os.name != "posix", reason="a home is found otherwise")
def test_a_user_without_a_home_can_export(sandbox: embedded.Sandbox) -> None:
    """As in a container: what would be kept at home lasts as long as the process."""
    printed = _in_a_process(
        """
        import pwd

        def nobody(uid):
            raise KeyError(uid)

        pwd.getpwuid = nobody
        import gio_pandas as gio

        frame = gio.read_segment("高价值用户", project="默认项目", reuse="1h")
        again = gio.read_segment("高价值用户", project="默认项目", reuse="1h")
        print(len(frame), again.equals(frame), len(gio.jobs()), len(gio.cache_info()))
        """,
        sandbox,
        HOME=None,
        XDG_STATE_HOME=None,
        XDG_CACHE_HOME=None,
        XDG_CONFIG_HOME=None,
    )
    assert printed.split() == ["1000", "True", "1", "1"]
