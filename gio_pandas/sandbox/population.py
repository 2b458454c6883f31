"""The users of the platform, computed when they are asked for and never kept.

Users are numbered from 0 and made in blocks: every column of every block has a random generator of
its own, so any block can be made alone, in any order, and is the same every time. That is what lets
a sandbox of tens of millions of users stream at the price of one block of memory.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gio_pandas.sandbox import calendar, words

BLOCK = 4096
FIRST_GIO_ID = 603_542
GIO_ID_STEP = 7

Values = Callable[[random.Random, int], list[str]]


@dataclass(frozen=True)
class Attribute:
    """A user attribute: its key, display name, and how its values are drawn.

    `awkward` puts the values of `words.AWKWARD` on the first users of the platform.
    """

    key: str
    name: str
    draw: Values
    awkward: bool = False


@dataclass(frozen=True)
class Audience:
    """Some users of the platform: a share of every block, the same share everywhere.

    The number of users before any block is known without making them, so a row can be found, and
    an export cut into files, at no cost.
    """

    key: str
    share: float

    def before(self, user: int) -> int:
        """Return how many members have a smaller number than `user` (at a block's edge)."""
        return round(self.share * user)


class Population:
    """The users and what is known of them.

    Parameters
    ----------
    seed
        Decides every value.
    size
        Number of users.
    """

    def __init__(self, seed: int, size: int) -> None:
        self._seed = seed
        self.size = size
        # One block of an export asks for its members, then its tags ask for theirs.
        self.members = lru_cache(maxsize=16)(self._members)

    @property
    def blocks(self) -> range:
        """The numbers of the blocks."""
        return range(-(-self.size // BLOCK))

    def span(self, block: int) -> range:
        """Return the numbers of the users in a block."""
        return range(block * BLOCK, min(self.size, (block + 1) * BLOCK))

    def count(self, audience: Audience) -> int:
        """Return how many users belong to an audience."""
        return audience.before(self.size)

    def _members(self, audience: Audience, block: int) -> Sequence[int]:
        """Return the places of an audience's members within a block, ascending."""
        span = self.span(block)
        count = audience.before(span.stop) - audience.before(span.start)
        if count == len(span):
            return range(count)
        # The awkward users come first, so that every group which is not tiny has them.
        sure = min(count, len(words.AWKWARD)) if block == 0 else 0
        generator = self._generator(audience.key, block)
        rest = _choose(generator, range(sure, len(span)), count - sure)
        return (*range(sure), *rest)

    def cut(self, audience: Audience, rows: range) -> Iterator[tuple[int, Sequence[int]]]:
        """Yield the blocks and places of the members from one row to another."""
        for block in self.blocks:
            span = self.span(block)
            first, last = audience.before(span.start), audience.before(span.stop)
            if last <= rows.start or first == last:
                continue
            if first >= rows.stop:
                return
            places = self.members(audience, block)
            yield block, places[max(0, rows.start - first) : rows.stop - first]

    def gio_ids(self, block: int, places: Sequence[int]) -> list[str]:
        """Return the platform's own ids of some users of a block."""
        first = FIRST_GIO_ID + self.span(block).start * GIO_ID_STEP
        return [str(first + place * GIO_ID_STEP) for place in places]

    def column(self, attribute: Attribute, block: int) -> list[str]:
        """Return one attribute of all users of a block; "" is a missing value."""
        span = self.span(block)
        if attribute.key == USER_ID.key:
            return [user_id(number) for number in span]
        values = attribute.draw(self._generator(attribute.key, block), len(span))
        if attribute.awkward and block == 0:
            values[: len(words.AWKWARD)] = words.AWKWARD[: len(values)]
        return values

    def drawn(self, audience: Audience, draw: Values, block: int) -> list[str]:
        """Return the values of an audience's members in a block, "" for everybody else."""
        places = self.members(audience, block)
        values = draw(self._generator(f"{audience.key} values", block), len(places))
        column = [""] * len(self.span(block))
        for place, value in zip(places, values, strict=True):
            column[place] = value
        return column

    def find(self, text: str) -> int | None:
        """Return the number of the user with that user id, else that gio_id, else None."""
        number = _user_number(text)
        if number is None and text.isdecimal():
            number, rest = divmod(int(text) - FIRST_GIO_ID, GIO_ID_STEP)
            if rest or text != str(int(text)):
                return None
        return number if number is not None and 0 <= number < self.size else None

    def _generator(self, key: str, block: int) -> random.Random:
        return random.Random(f"{self._seed}/{key}/{block}")


def _choose(generator: random.Random, places: range, count: int) -> list[int]:
    """Return some of the places, ascending; the fewer are drawn, in or out, the faster."""
    if count * 2 <= len(places):
        return sorted(generator.sample(places, count))
    left_out = set(generator.sample(places, len(places) - count))
    return [place for place in places if place not in left_out]


_SPECIAL_IDS = tuple(word for word in words.AWKWARD if word)
_ID_FORMS = ("C{:07d}", "C{:07d}", "{:08d}", "6228480{:012d}", "", "wx_{:x}", "0x{:06X}", "{}e10")
_ID_NUMBER = re.compile(r"C(\d+)|6228480(\d{12})|(\d{8})|wx_([0-9a-f]+)|0x([0-9A-F]+)|(\d+)e10")


def user_id(number: int) -> str:
    """Return the user id (`id_$basic_userId`) of a user; "" for one who never signed in.

    The first ids are the awkward words; the others are customer numbers, numbers with leading
    zeros, 19 digits, hexadecimal and exponent look-alikes.
    """
    if number < len(_SPECIAL_IDS):
        return _SPECIAL_IDS[number]
    return _ID_FORMS[number % len(_ID_FORMS)].format(number)


def _user_number(text: str) -> int | None:
    if text in _SPECIAL_IDS:
        return _SPECIAL_IDS.index(text)
    match = _ID_NUMBER.fullmatch(text)
    if match is None:
        return None
    base = 16 if match.lastindex in (4, 5) else 10
    number = int(match[match.lastindex or 0], base)
    return number if user_id(number) == text else None


def choice(values: Sequence[str], weights: Sequence[int] | None = None) -> Values:
    """Return a way to draw from a list of words."""
    return lambda generator, count: generator.choices(values, weights, k=count)


def whole(low: int, high: int, missing: float = 0.0) -> Values:
    """Return a way to draw whole numbers, small ones more often."""

    def draw(generator: random.Random, count: int) -> list[str]:
        toss, width = generator.random, high - low + 1
        return [
            "" if toss() < missing else str(low + int(toss() ** 2 * width)) for _ in range(count)
        ]

    return draw


def money(high: float) -> Values:
    """Return a way to draw amounts with two decimals."""
    return lambda generator, count: [f"{generator.random() ** 3 * high:.2f}" for _ in range(count)]


def date(first_ago: int, last_ago: int, missing: float = 0.0) -> Values:
    """Return a way to draw ISO dates between two numbers of days ago."""
    days = [calendar.day(ago) for ago in range(last_ago, first_ago)]
    return choice(days + [""] * round(len(days) * missing / (1 - missing)))


def digits(prefixes: Sequence[str], count_of_digits: int) -> Values:
    """Return a way to draw identifiers of digits that begin with one of some prefixes."""
    above = 10**count_of_digits

    def draw(generator: random.Random, count: int) -> list[str]:
        heads, toss = generator.choices(prefixes, k=count), generator.random
        return [head and f"{head}{int(toss() * above):0{count_of_digits}d}" for head in heads]

    return draw


def _moments(generator: random.Random, count: int) -> list[str]:
    days, toss = date(2000, 1)(generator, count), generator.random
    times = (divmod(int(toss() * 86_400), 60) for _ in days)
    pairs = zip(days, times, strict=True)
    return [
        f"{day} {minute // 60:02d}:{minute % 60:02d}:{second:02d}"
        for day, (minute, second) in pairs
    ]


def _emails(generator: random.Random, count: int) -> list[str]:
    hosts = generator.choices(("", *words.EMAIL_HOSTS), k=count)
    return [f"u{generator.randrange(10**6)}@{host}" if host else "" for host in hosts]


_NAMES = [surname + given for surname in words.SURNAMES for given in words.GIVEN_NAMES]
USER_ID = Attribute("id_$basic_userId", "用户ID", choice([""]))
UNION_ID = Attribute("id_unionid", "微信UnionID", digits(["", "oGZ", "oGz"], 12))
IDENTITIES = (USER_ID, UNION_ID)
_ATTRIBUTES = (
    Attribute("$basic_name", "姓名", choice(_NAMES)),
    Attribute("usr_gender", "性别", choice(["男", "女", "未知", ""], [45, 45, 5, 5])),
    Attribute("usr_sex", "性别编码", choice(["1", "2", "0"])),
    Attribute("usr_city", "城市", choice([*words.CITIES, ""])),
    Attribute("usr_phone", "手机号", digits(["0138", "0086139", "010", "021", ""], 8)),
    Attribute("usr_card_no", "会员卡号", digits(["6228", "9558", ""], 15)),
    Attribute("usr_nickname", "昵称", choice(words.NICKNAMES), awkward=True),
    Attribute("usr_note", "备注", choice(words.NOTES), awkward=True),
    Attribute("usr_age", "年龄", whole(18, 75, missing=0.08)),
    Attribute("usr_birthday", "生日", date(27_000, 6_600, missing=0.1)),
    Attribute("usr_register_time", "注册时间", _moments),
    Attribute("usr_email", "邮箱", _emails),
    Attribute("usr_balance", "账户余额", money(5_000)),
    Attribute("usr_is_vip", "是否VIP", choice(["true", "false", ""], [2, 7, 1])),
    Attribute(
        "usr_channel", "注册渠道", choice(["App Store", "小程序", "A&B 广告", "线下门店", "C++"])
    ),
)
ATTRIBUTES = {attribute.key: attribute for attribute in (*IDENTITIES, *_ATTRIBUTES)}
