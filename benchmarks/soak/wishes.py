"""What is exported in a soak: items of every kind, names, charsets and columns of all sorts."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["WISHES", "Wish", "drawn"]


@dataclass(frozen=True)
class Wish:
    """An export that is wished for, as ``read_many`` takes it and as a verb does.

    Parameters
    ----------
    kind, name
        What is exported.
    options
        What else ``read_…`` of that kind takes.
    """

    kind: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def spec(self) -> dict[str, Any]:
        """The same for ``read_many``."""
        return {"kind": self.kind, "name": self.name, **self.options}

    def read(self, session: Any) -> Any:
        """Read it by the session's verb for it."""
        return getattr(session, f"read_{self.kind}")(self.name, **self.options)

    def save(self, session: Any, path: Path) -> None:
        """Submit it by the session's verb for it, and write Parquet."""
        job = getattr(session, f"submit_{self.kind}")(self.name, **self.options)
        job.to_parquet(path)


_CITY = {"properties": ["usr_city"]}
WISHES = (
    Wish("segment", "高价值用户", {"tags": ["会员等级", "订单交易笔数"], **_CITY}),
    Wish("segment", "分群4", {"charset": "UTF-8"}),
    Wish("segment", "全部用户", {"charset": "GBK", **_CITY}),
    Wish("segment", "空分群", {"tags": ["最近下单日期"]}),
    Wish("segment", "新客/老客对比", {"tags": ["偏好品类", "累计消费金额"]}),
    Wish("segment", "双 11 大促　加购 未支付", {"charset": "UTF-8", **_CITY}),
    Wish("segment", "C++ 人群 #1"),
    Wish("segment", "计算失败的分群"),
    Wish("tag", "tag_payment_times", {"detail": True}),
    Wish("tag", "券 & 满减 #敏感度", {"charset": "GBK", **_CITY}),
    Wish("tag", "tag_last_order_date"),
    Wish("tag", "累计消费金额", {"file_name": "金额 100%+"}),
    Wish("tag", "无人标签", _CITY),
    Wish("funnel", "漏斗1"),
    Wish("funnel", "计算失败的漏斗"),
    Wish("funnel", "漏斗2", {"charset": "GBK"}),
    Wish("event", "事件1"),
    Wish("event", "事件2", {"charset": "UTF-8"}),
    Wish("retention", "留存1"),
    Wish("retention", "留存3"),
    Wish("frequency", "分布1", {"charset": "UTF-8"}),
    Wish("frequency", "分布2"),
)


def drawn(count: int, *, seed: int = 7) -> list[Wish]:
    """Draw exports by lot, each wish about as often."""
    lot = random.Random(seed)
    rounds = -(-count // len(WISHES))
    wishes = [*WISHES] * rounds
    lot.shuffle(wishes)
    return wishes[:count]
