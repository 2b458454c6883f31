"""Who and what a platform knows: projects, tags, segments, analyses, and users to export."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from .tables import Table

Record = dict[str, Any]

DEFAULT_PROJECT = "WlGk4Daj"
OTHER_PROJECT = "Zz9Yy8Xx"

_AUTHORED: Record = {
    "creator": "王芳",
    "creatorId": "Cr3at0r1",
    "createdAt": "2021-04-13T11:40:42Z",
    "updater": "李雷",
    "updaterId": "Upd4t3r1",
    "updatedAt": "2021-04-14T08:00:00Z",
}
_DETECTOR: Record = {
    "stage": "FINISH",
    "description": "",
    "detectedAt": "2021-04-14T00:00:00Z",
    "totalUsers": 5_000_000_000,
    "usersRatio": 0.125,
}


def project(id_: str, name: str) -> Record:
    """Describe one project."""
    return {
        **{k: v for k, v in _AUTHORED.items() if not k.startswith("updat")},
        "id": id_,
        "name": name,
        "description": None,
        "owner": "王芳",
        "ownerId": "Cr3at0r1",
        "projectMemberCount": 7,
    }


def tag(id_: str, key: str, name: str, value_type: str = "STRING") -> Record:
    """Describe one tag."""
    return {
        **_AUTHORED,
        "id": id_,
        "key": key,
        "name": name,
        "type": "HORIZONTAL",
        "description": "…",
        "businessType": None,
        "valueType": {"type": value_type, "unit": None, "isArray": False},
        "ownerId": "Cr3at0r1",
        "detector": _DETECTOR,
    }


def segment(id_: str, name: str, **more: Any) -> Record:
    """Describe one segment."""
    return {
        **_AUTHORED,
        "id": id_,
        "name": name,
        "description": None,
        "scheduler": "DAILY",
        "createdBy": "RULE",
        "detector": _DETECTOR,
        "ownerId": "Cr3at0r1",
        **more,
    }


def analysis(id_: str, name: str) -> Record:
    """Describe one funnel, event, retention or frequency analysis."""
    return {
        **_AUTHORED,
        "id": id_,
        "name": name,
        "description": None,
        "timeRange": "day:8,1",
        "chartType": "LINE",
        "isSystem": False,
        "businessType": None,
    }


USERS: tuple[Record, ...] = (
    {
        "gio_id": "603542",
        "usr_city": "北京",
        "usr_gender": "男",
        "usr_age": "31",
        "tag_payment_times": "7",
        "tag_rfm": "金,卡",
        "tag_ratio": "0.5",
        "tag_last_day": "2021-04-01",
        "tag_code": "1",
    },
    {
        "gio_id": "9007199254740993123",
        "usr_city": "",
        "usr_gender": "女",
        "usr_age": "28",
        "tag_payment_times": "",
        "tag_rfm": "",
        "tag_ratio": "2",
        "tag_last_day": "2021-03-31",
        "tag_code": "2",
    },
    {
        "gio_id": "0071",
        "usr_city": 'Xi"an',
        "usr_gender": "",
        "usr_age": "45",
        "tag_payment_times": "12",
        "tag_rfm": "银卡",
        "tag_ratio": "",
        "tag_last_day": "",
        "tag_code": "10",
    },
)
FUNNEL = Table(
    ("日期", "总转化率", "步骤1", "步骤2"),
    (("2021-04-01", "45.20%", "1,234", "558"), ("2021-04-02", "40.00%", "980", "-")),
)


@dataclass(frozen=True)
class World:
    """All that a platform can list and export."""

    projects: tuple[Record, ...] = (project(DEFAULT_PROJECT, "默认项目"),)
    tags: tuple[Record, ...] = (
        tag("Tg000001", "tag_payment_times", "订单交易笔数", "INT"),
        tag("Tg000002", "tag_rfm", "会员等级"),
        tag("Tg000003", "tag_ratio", "复购率", "DOUBLE"),
        tag("Tg000004", "tag_last_day", "最近下单日", "DATE"),
        tag("Tg000005", "tag_code", "渠道编号"),
    )
    segments: tuple[Record, ...] = (
        segment("AVpZBzpK", "分群1"),
        segment("qgQMXnD3", "高价值用户"),
        segment("KzpNmzQk", "沉睡用户"),
    )
    funnels: tuple[Record, ...] = (analysis("klGvyp7E", "漏斗1"), analysis("wWDrwQML", "漏斗2"))
    events: tuple[Record, ...] = (analysis("Ev000001", "事件分析1"),)
    retentions: tuple[Record, ...] = (analysis("Rt000001", "留存1"),)
    frequencies: tuple[Record, ...] = (analysis("Fq000001", "分布1"),)
    users: tuple[Record, ...] = USERS
    result: Table = field(default=FUNNEL)

    def with_segments(self, *segments: Record) -> World:
        """Copy this world, with these segments and no others."""
        return replace(self, segments=segments)

    def with_tag_type(self, key: str, value_type: str) -> World:
        """Copy this world, with another value type of one tag."""
        changed = (
            tag(t["id"], t["key"], t["name"], value_type) if t["key"] == key else t
            for t in self.tags
        )
        return replace(self, tags=tuple(changed))

    def user_list(self, columns: list[str], *, names: bool = False) -> Table:
        """Tabulate the users: gio_id first, then the columns asked for, by key or by name."""
        named = {t["key"]: t["name"] for t in self.tags} if names else {}
        header = ("gio_id", *(named.get(key, key) for key in columns))
        rows = tuple(tuple(user.get(k, "") for k in ("gio_id", *columns)) for user in self.users)
        return Table(header, rows)
