"""What the tests ask for, and how they hold a frame to what was written."""

from __future__ import annotations

from typing import Any

import pandas as pd

import gio_pandas as gio

from .platform import API_KEY
from .tables import Table
from .world import DEFAULT_PROJECT, OTHER_PROJECT, World, project

TEXT = "str" if int(pd.__version__.split(".")[0]) >= 3 else "string"
"""What text is: ``str`` on pandas 3, ``string[pyarrow]`` on pandas 2."""

VIP = "高价值用户"
VIP_ID = "qgQMXnD3"

SECRET_HEADERS = {"Cookie": "sid=a-cookie-nobody-may-see", "X-Gateway": "gw-secret-0123456789"}
SECRETS = [API_KEY, "secret-token", "a-cookie-nobody-may-see", "gw-secret-0123456789"]


TWO_PROJECTS = World(
    projects=(project(DEFAULT_PROJECT, "默认项目"), project(OTHER_PROJECT, "第二项目"))
)


# What a reader may be asked for: the verb and a name, id or key.
SEGMENT_HANDLES = [("read_segment", VIP_ID), ("read_segment", VIP)]
TAG_HANDLES = [("read_tag", handle) for handle in ("tag_rfm", "会员等级", "Tg000002")]
ANALYSIS_HANDLES = [
    ("read_funnel", "klGvyp7E"),
    ("read_funnel", "漏斗1"),
    ("read_event", "Ev000001"),
    ("read_event", "事件分析1"),
    ("read_retention", "Rt000001"),
    ("read_retention", "留存1"),
    ("read_frequency", "Fq000001"),
    ("read_frequency", "分布1"),
]
HANDLES = SEGMENT_HANDLES + TAG_HANDLES + ANALYSIS_HANDLES
ONE_OF_EACH = [SEGMENT_HANDLES[1], *TAG_HANDLES[:1], *ANALYSIS_HANDLES[1::2]]
CHARSETS = [("UTF-16LE", False), ("UTF-16LE", True), ("UTF-8", False), ("UTF-8", True)]
CHARSETS_AND_GBK = [*CHARSETS, ("GBK", False)]

# Values that careless reading changes, all of which GBK has too.
STRANGE = [
    "007",
    "9007199254740993123",
    "NA",
    "N/A",
    "#N/A",
    "nan",
    "null",
    "None",
    "1e10",
    "0x1F",
    "inf",
    "true",
    "-0",
    "+5",
    " 12",
    "12 ",
    "12.50",
    "1,234",
    "45.20%",
    "-",
    "2024-02-30",
    "2024-02-29",
    "2024-02-29T01:02:03Z",
    'say "hi"',
    '"',
    "'",
    "line\nbreak",
    "line\r\nbreak",
    "a;b\tc",
    "\\N",
    "=1+1",
    "会员，等级",
]
BEYOND_GBK = ["😀", "𠮷野家", "👨‍👩‍👧", "e\u0301", "x\ufeffy", "\u2028", "ÿ"]


def strange_table(values: list[str]) -> Table:
    """Tabulate the values, with an empty field at the start, between and at the end of a line."""
    rows = [(str(1000 + n), value, value, "") for n, value in enumerate(values)]
    return Table(("gio_id", "姓名", "usr_a", "usr_end"), (*rows, ("", "x", "", "x")))


def cells(frame: pd.DataFrame) -> list[list[str | None]]:
    """List a frame's rows, a missing value as None."""
    return [[None if pd.isna(v) else v for v in row] for row in frame.to_numpy(dtype=object)]


def expect(frame: pd.DataFrame, table: Table) -> None:
    """Hold the frame to be the table, all of it text."""
    assert tuple(frame.columns) == table.header
    assert cells(frame) == [[value or None for value in row] for row in table.rows]
    assert [str(dtype) for dtype in frame.dtypes] == [TEXT] * len(table.header)


def column(series: pd.Series) -> tuple[str, list[Any]]:
    """Say a column's dtype and values, a missing one as None."""
    return str(series.dtype), [None if pd.isna(value) else value for value in series]


def read_column(session: gio.Session, **more: Any) -> pd.Series:
    """Read the second column of the platform's one table, as a segment."""
    return session.read_segment(VIP, charset="UTF-8", **more).iloc[:, 1]


def user_list(values: list[str], name: str = "usr_x") -> Table:
    """Make a user list with the values in its second column."""
    rows = [(f"u{n}", value) for n, value in enumerate(values)]
    return Table(("gio_id", name), tuple(rows))


def expect_dates(series: pd.Series, values: list[str | None]) -> None:
    """Hold a column to be these points in time, in the zone they were written in."""
    assert str(series.dtype).startswith("datetime64")
    stamps = [None if value is None else pd.Timestamp(value) for value in values]
    assert [None if pd.isna(value) else value for value in series] == stamps
