"""The rows that the catalog is made of: the guide's, the named and the composed ones."""

import random
from collections.abc import Iterator

from gio_pandas.sandbox import words
from gio_pandas.sandbox.population import Values, choice, date, money, whole

TagRow = tuple[str, str, str, str, float, Values]
SegmentRow = tuple[str, float, str]
AnalysisRow = tuple[str, int, str]

SEGMENTS_EACH = 240
ANALYSES_EACH = 36
CHART_TYPES = {
    "CHARTS": "LINE",
    "FUNNELS": "FUNNEL",
    "RETENTIONS": "RETENTION",
    "FREQUENCIES": "FREQUENCY",
}
FILE_NAMES = {
    "CHARTS": "下载事件分析",
    "FUNNELS": "下载漏斗",
    "RETENTIONS": "下载留存",
    "FREQUENCIES": "下载分布",
}
BROKEN = "计算失败"

# Id ("" for a composed one), name, and the word in the keys of the project's own tags.
PROJECTS = (
    ("WlGk4Daj", "默认项目", "default"),
    ("", "电商小程序", "mini"),
    ("", "门店会员 & 积分", "store"),
    ("", "海外站 Global Store", "global"),
)

LEVELS = choice(words.LEVELS, [60, 20, 12, 6, 2])
_DAYS = (7, 14, 30, 60, 90, 180)


def _points(generator: random.Random, count: int) -> list[str]:
    # An INT tag by its type, but a few of its values are no 64 bit integers.
    odd = ("未知", "12.5", "9223372036854775808", "1e6")
    values = whole(0, 20_000)(generator, count)
    return [value if generator.random() < 0.99 else generator.choice(odd) for value in values]


def _arrays(generator: random.Random, count: int) -> list[str]:
    pairs = zip(*(generator.choices(words.PRODUCTS, k=count) for _ in range(2)), strict=True)
    return [f'["{one}","{two}"]' for one, two in pairs]


# Key, name, type, unit ("[]" for an array), share of the users who have it, values.
NAMED_TAGS: tuple[TagRow, ...] = (
    ("tag_payment_times", "订单交易笔数", "INT", "笔", 0.62, whole(1, 60)),
    ("tag_member_level", "会员等级", "STRING", "", 0.8, LEVELS),
    ("tag_total_amount", "累计消费金额", "DOUBLE", "元", 0.62, money(80_000)),
    ("tag_last_order_date", "最近下单日期", "DATE", "", 0.62, date(720, 1)),
    ("tag_member_points", "会员积分", "INT", "分", 0.7, _points),
    (
        "tag_rfm",
        "RFM分层",
        "STRING",
        "",
        0.55,
        choice(["重要价值", "重要发展", "一般保持", "一般挽留"]),
    ),
    (
        "tag_payment",
        "首选支付方式",
        "STRING",
        "",
        0.5,
        choice(["微信支付", "支付宝", "银行卡", "NA"]),
    ),
    ("tag_categories", "偏好品类", "STRING", "[]", 0.4, _arrays),
    ("tag_repurchase", "复购率 100%+ 人群", "DOUBLE", "", 0.2, money(1)),
    ("tag_coupon", "券 & 满减 #敏感度", "STRING", "", 0.3, choice(["高", "中", "低", "null"])),
    ("tag_full_width", "ＶＩＰ（全角）", "STRING", "", 0.1, choice(["是", "否"])),
    ("tag_everybody", "是否注册", "STRING", "", 1.0, choice(["true", "false"], [9, 1])),
    ("tag_nobody", "无人标签", "STRING", "", 0.0, LEVELS),
    ("tag_broken", "计算失败的标签", "INT", "次", 0.3, whole(0, 9)),
)
PLATFORM_TAG: TagRow = ("tag_platform_only", "平台专属标签", "STRING", "", 0.3, LEVELS)

_DEFAULT_SEGMENTS: tuple[SegmentRow, ...] = (
    ("分群1", 0.031, "AVpZBzpK"),
    ("分群2", 0.052, "KzpNmzQk"),
    ("分群3", 0.25, "V0G5yvGA"),
    ("分群4", 0.42, "qgQMXnD3"),
    ("分群n", 0.007, "3mpxywGO"),
    ("新客", 0.05, ""),
    ("新客", 0.12, ""),
    # Two ids that differ in upper and lower case alone.
    ("华东大区", 0.21, "aBcDeFgH"),
    ("华南大区", 0.18, "AbCdEfGh"),
    ("A&B 渠道 100%", 0.06, ""),
    ("C++ 人群 #1", 0.04, ""),
    ("ＶＩＰ（北京）用户", 0.03, ""),
    ("双 11 大促　加购 未支付", 0.09, ""),
    ("近7日活跃+下单", 0.11, ""),
    ("新客/老客对比", 0.3, ""),
)
_COMMON_SEGMENTS: tuple[SegmentRow, ...] = (
    ("全部用户", 1.0, ""),
    ("高价值用户", 0.1, ""),
    ("流失预警用户", 0.15, ""),
    ("空分群", 0.0, ""),
    (BROKEN + "的分群", 0.1, ""),
)
_DEFAULT_FUNNELS = (
    ("漏斗1", "zqQR3po3"),
    ("漏斗2", "wWDrwQML"),
    ("漏斗3", "klGvyp7E"),
    ("漏斗n", "y9pm1pme"),
)
_SUBJECTS = {
    "CHARTS": ("事件", "次数趋势", "日活对比"),
    "FUNNELS": ("漏斗", "下单转化", "注册转化 A&B"),
    "RETENTIONS": ("留存", "次日留存", "周留存 100%"),
    "FREQUENCIES": ("分布", "次数分布", "金额分布 #1"),
}
_FURTHER = (words.BEHAVIOURS, words.SUBJECTS, words.REGIONS)
GUIDE_IDS = frozenset(
    [PROJECTS[0][0], *(row[2] for row in _DEFAULT_SEGMENTS), *(row[1] for row in _DEFAULT_FUNNELS)]
)


def composed_tags() -> Iterator[TagRow]:
    """Yield the platform's many ordinary tags."""
    for event, word in words.EVENTS.items():
        for days in _DAYS:
            name, key = f"近{days}天{event}", f"tag_{word}_{{}}_{days}d"
            share = round(0.05 + (len(word) * days % 60) / 100, 2)
            yield key.format("count"), f"{name}次数", "INT", "次", share, whole(1, days * 2)
            yield key.format("amount"), f"{name}金额", "DOUBLE", "元", share, money(days * 100)
            yield key.format("last"), f"{name}日期", "DATE", "", share, date(days, 0)


def project_tags(slug: str, name: str) -> Iterator[TagRow]:
    """Yield the tags which only one project has."""
    for number, product in enumerate(words.PRODUCTS, start=1):
        share = number / 20
        yield f"tag_{slug}_{number}", f"{name}·{product}偏好", "STRING", "", share, LEVELS


def segments(generator: random.Random, *, default: bool) -> list[SegmentRow]:
    """Return the segments of a project; the guide's are in the default one alone."""
    pairs = [city + behaviour for city in words.CITIES for behaviour in words.BEHAVIOURS]
    names = generator.sample(pairs, SEGMENTS_EACH)
    composed = [(f"{name}用户", round(0.4 * generator.random() ** 3, 4), "") for name in names]
    return [*(_DEFAULT_SEGMENTS if default else ()), *_COMMON_SEGMENTS, *composed]


def further_segments(generator: random.Random, count: int) -> Iterator[SegmentRow]:
    """Yield many segments with the names that years of campaigns leave behind."""
    for number in range(1, count + 1):
        behaviour, subject, region = map(generator.choice, _FURTHER)
        share = round(0.4 * generator.random() ** 3, 4)
        yield f"{behaviour}{subject}-{region}-{number:04d}", share, ""


def analyses(kind: str, *, default: bool) -> list[AnalysisRow]:
    """Return the analyses of one kind in a project: name, shape of the table, id or ""."""
    noun, *subjects = _SUBJECTS[kind]
    plain = [(f"{noun}{number}", "") for number in range(1, 10)]
    if default and kind == "FUNNELS":
        plain = [*_DEFAULT_FUNNELS, *plain[3:]]
    composed = [f"{city}{subject}" for city in words.CITIES for subject in subjects]
    rest = [(name, "") for name in composed[: ANALYSES_EACH - len(plain) - 1]]
    named = [*plain, (f"{BROKEN}的{noun}", ""), *rest]
    return [(name, shape, hash_id) for shape, (name, hash_id) in enumerate(named)]
