"""The result tables of analyses: made up, but the way real ones look."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from gio_pandas.sandbox import calendar, words
from gio_pandas.sandbox.catalog import Analysis

DAYS = 14
STEPS = ("打开应用", "浏览商品", "加入购物车", "提交订单", "支付成功")
NO_VALUE = "-"


@dataclass(frozen=True)
class Table:
    """A header, which may hold a name twice, and rows of text."""

    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def table(analysis: Analysis, seed: int) -> Table:
    """Return the result table of an analysis: its kind and shape decide the columns."""
    shapes = _SHAPES[analysis.kind]
    return shapes[analysis.shape % len(shapes)](random.Random(f"{seed}/table/{analysis.id}"))


def count(number: float) -> str:
    """Return a whole number with thousands separators, such as ``1,234``."""
    return f"{round(number):,}"


def percent(part: float, whole: float) -> str:
    """Return a share such as ``45.20%``, ``-`` of nothing."""
    return f"{part / whole:.2%}" if whole else NO_VALUE


def _level(generator: random.Random) -> int:
    return generator.randrange(1_200, 90_000)


def _around(generator: random.Random, level: float) -> float:
    """Return a number near a level: one day or city is like the next."""
    return level * generator.uniform(0.85, 1.15)


def _rates(generator: random.Random) -> list[float]:
    return [generator.uniform(0.3, 0.8) for _ in STEPS[1:]]


def _steps(generator: random.Random, level: float, rates: Sequence[float]) -> list[int]:
    """Return the users who reached each step, never more than the step before."""
    kept = [_around(generator, rate) for rate in rates]
    first = int(_around(generator, level))
    return list(accumulate(kept, lambda users, rate: int(users * rate), initial=first))


def _step_cells(users: Sequence[int]) -> tuple[str, ...]:
    return (*map(count, users), percent(users[-1], users[0]))


def _funnel_steps(generator: random.Random) -> Table:
    users = _steps(generator, _level(generator), _rates(generator))
    before = [0, *users[:-1]]
    rows = [
        (str(number), step, count(now), percent(now, then), percent(now, users[0]))
        for number, (step, now, then) in enumerate(zip(STEPS, users, before, strict=True), start=1)
    ]
    return Table(("步骤", "步骤名称", "用户数", "转化率", "总转化率"), rows)


def _funnel_by_day(generator: random.Random) -> Table:
    level, rates = _level(generator), _rates(generator)
    rows = [(day, *_step_cells(_steps(generator, level, rates))) for day in _days()]
    return Table(("日期", *STEPS, "总转化率"), rows)


def _funnel_by_city(generator: random.Random) -> Table:
    level, rates = _level(generator), _rates(generator)
    cities = (*words.CITIES[:10], "未知")
    users = [_steps(generator, level / (2 + rank), rates) for rank in range(len(cities))]
    total = [sum(step) for step in zip(*users, strict=True)]
    rows = [(city, *_step_cells(steps)) for city, steps in zip(cities, users, strict=True)]
    return Table(("城市", *STEPS, "总转化率"), [("总体", *_step_cells(total)), *rows])


def _event_by_day(generator: random.Random) -> Table:
    rows = []
    level, per_user, price = _level(generator), generator.uniform(1.5, 4), generator.uniform(5, 40)
    for day in _days():
        users = _around(generator, level)
        times = users * _around(generator, per_user)
        # Some days have no payment at all, which is not zero but nothing.
        missing = generator.random() < 0.15
        paid = NO_VALUE if missing else f"{users * _around(generator, price):,.2f}"
        rows.append((day, count(times), count(users), f"{times / users:.2f}", paid))
    return Table(("日期", "下单次数", "下单用户数", "人均次数", "支付金额（元）"), rows)


def _event_two_periods(generator: random.Random) -> Table:
    rows, level = [], _level(generator)
    for ago in range(DAYS, 0, -1):
        now, then = _around(generator, level), _around(generator, level)
        change = percent(now - then, then)
        rows.append((calendar.day(ago), count(now), calendar.day(ago + DAYS), count(then), change))
    return Table(("日期", "访问用户量", "日期", "访问用户量", "环比"), rows)


def _event_by_city(generator: random.Random) -> Table:
    level = _level(generator)
    rows = [
        (calendar.day(ago), city, device, count(_around(generator, level / (3 + rank))))
        for ago in range(3, 0, -1)
        for rank, city in enumerate(words.CITIES[:8])
        for device in ("iOS", "Android", "小程序, H5")
    ]
    return Table(("日期", "城市", "平台", "页面浏览量"), rows)


def _retention(unit: str, first: str, step: int) -> Callable[[random.Random], Table]:
    def triangle(generator: random.Random) -> Table:
        periods, level = 8, _level(generator) / 8
        rows = []
        for cohort in range(periods):
            start = int(_around(generator, level))
            kept = _decay(generator, start, periods - 1 - cohort)
            shares = [percent(users, start) for users in (start, *kept)]
            blank = [NO_VALUE] * (periods - len(shares))
            day = calendar.day((periods - cohort) * step)
            rows.append((day, count(start), *shares, *blank))
        later = (f"第{number}{unit}" for number in range(1, periods))
        return Table(("起始日期", "用户数", first, *later), rows)

    return triangle


def _decay(generator: random.Random, start: int, periods: int) -> list[int]:
    rate = generator.uniform(0.3, 0.5)
    later = [int(start * rate * 0.9**number) for number in range(periods)]
    # Retention wavers, but nobody comes back who never came.
    return [min(start, int(users * generator.uniform(0.92, 1.08))) for users in later]


_BUCKETS = ("1次", "2次", "3-5次", "6-10次", "11-20次", "21-50次", "50次以上")


def _buckets(generator: random.Random, level: float) -> list[int]:
    return [int(_around(generator, level) / rank**2) for rank in range(1, len(_BUCKETS) + 1)]


def _frequency(generator: random.Random) -> Table:
    users = _buckets(generator, _level(generator))
    rows = [
        (bucket, count(number), percent(number, sum(users)))
        for bucket, number in zip(_BUCKETS, users, strict=True)
    ]
    return Table(("次数区间", "用户数", "占比"), [*rows, ("合计", count(sum(users)), "100.00%")])


def _frequency_by_day(generator: random.Random) -> Table:
    rows, level = [], _level(generator)
    for day in _days():
        users = _buckets(generator, level)
        # Too few users to be shown.
        shares = [
            NO_VALUE if number < level / 45 else percent(number, sum(users)) for number in users
        ]
        rows.append((day, count(sum(users)), *shares))
    return Table(("日期", "总人数", *_BUCKETS), rows)


def _days() -> list[str]:
    return [calendar.day(ago) for ago in range(DAYS, 0, -1)]


_SHAPES: dict[str, tuple[Callable[[random.Random], Table], ...]] = {
    "FUNNELS": (
        _funnel_steps,
        _funnel_by_day,
        _funnel_by_city,
    ),
    "CHARTS": (_event_by_day, _event_two_periods, _event_by_city),
    "RETENTIONS": (_retention("天", "当天", 1), _retention("周", "当周", 7)),
    "FREQUENCIES": (_frequency, _frequency_by_day),
}
