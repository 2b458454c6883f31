"""Exports to measure with: written once, described by a manifest, the same for the same seed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks import answers

__all__ = ["CHARSETS", "SHAPES", "Dataset", "Recipe", "common_users", "make"]

VERSION = 1
"""Goes up when other bytes are written: what was kept is then written anew."""

CHARSETS = {"UTF-16LE": "utf-16-le", "UTF-8": "utf-8", "GBK": "gbk"}
SHAPES = ("wide", "number", "word")

_BLOCK = 1 << 18
_PRIME = 999_999_937
_SWAP = _BLOCK // 2 - 1
"""Puts a tag's users into another order than the user list's: a join has something to do."""

_CITIES = ("北京", "上海", "广州", "深圳", "杭州", "成都", "武汉", "西安", "呼和浩特", "乌鲁木齐")
_LEVELS = ("普通", "银卡", "金卡", "钻石")
_CHANNELS = ("app", "web", "小程序", "公众号")
_WORDS = ("高价值", "中价值", "低价值", "流失", "新用户", "沉睡")
_NAMES = ("小明", "阿强", "清风徐来", "Alice", "bob", "奶茶不加糖", "momo", "路人甲", "海阔天空")
_AWKWARD = ('你好,"世界"', "第一行\n第二行", "a,b;c", '"', "多\n行,\n多逗号")
_NO_NULLS = ("NA", "null", "None")
"""Words that are values here, and that careless readers take for missing ones."""

_KINDS: Mapping[str, Mapping[str, str]] = {
    "wide": {
        "gio_id": "text",
        "login_id": "text",
        "城市": "text",
        "会员等级": "text",
        "支付次数": "integer",
        "累计金额": "decimal",
        "注册日期": "date",
        "昵称": "text",
        "渠道": "text",
    },
    "number": {"gio_id": "text", "tag_payments": "integer"},
    "word": {"gio_id": "text", "tag_value": "text"},
}


@dataclass(frozen=True)
class Recipe:
    """What is to be written.

    Parameters
    ----------
    shape
        ``wide``: a user list of nine columns with missing values, quoted commas and line breaks;
        ``number`` and ``word``: a tag's export, the id and a value.
    charset
        UTF-16LE, UTF-8 or GBK; no byte order mark.
    size
        Bytes of all files together, in their charset; what is written is less by a row at most.
    files
        How many files, each with its header line.
    """

    shape: str
    charset: str
    size: int
    files: int = 1

    @property
    def name(self) -> str:
        """A folder's name."""
        return f"{self.shape}-{self.charset.lower()}-{self.size}-{self.files}-v{VERSION}"


@dataclass(frozen=True)
class Dataset:
    """What was written.

    Parameters
    ----------
    recipe
        What was asked for.
    paths
        The files, in order.
    size
        Their bytes together.
    rows
        Their rows together, without header lines.
    columns
        What each column holds; see ``answers.of_column``.
    """

    recipe: Recipe
    paths: tuple[str, ...]
    size: int
    rows: int
    columns: dict[str, answers.Facts]

    def as_json(self) -> dict[str, Any]:
        """Give plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Dataset:
        """Read what ``as_json`` gave."""
        known = {**raw, "recipe": Recipe(**raw["recipe"]), "paths": tuple(raw["paths"])}
        return cls(**known)

    def times(self, count: int, folder: Path) -> Dataset:
        """Give the same files several times over, as files of their own that take no space."""
        folder.mkdir(parents=True, exist_ok=True)
        paths: list[str] = []
        for copy in range(count):
            for number, path in enumerate(self.paths):
                link = folder / f"{self.recipe.name}-{copy}-{number}.csv"
                link.unlink(missing_ok=True)
                os.link(path, link)
                paths.append(str(link))
        return Dataset(
            Recipe(self.recipe.shape, self.recipe.charset, self.size * count, len(paths)),
            tuple(paths),
            self.size * count,
            self.rows * count,
            answers.merged([self.columns] * count),
        )


def make(folder: Path, recipe: Recipe) -> Dataset:
    """Give the files of a recipe, writing them where they are not there yet.

    Parameters
    ----------
    folder
        Where the files are kept; each recipe has a folder inside, which is whole or absent.
    recipe
        What to write.
    """
    home = folder / recipe.name
    manifest = home / "manifest.json"
    if not manifest.exists():
        rough = folder / f"{recipe.name}.{os.getpid()}.part"
        rough.mkdir(parents=True)
        try:
            dataset = _write(rough, home, recipe)
            (rough / "manifest.json").write_text(json.dumps(dataset.as_json(), indent=1))
            rough.rename(home)
        finally:
            shutil.rmtree(rough, ignore_errors=True)
    return Dataset.from_json(json.loads(manifest.read_text()))


def common_users(wide: Dataset, tag: Dataset) -> int:
    """Count the users of a user list that have a tag."""
    return int(((np.arange(wide.rows) ^ _SWAP) < tag.rows).sum())


def _write(rough: Path, home: Path, recipe: Recipe) -> Dataset:
    names = [f"part-{number + 1}.csv" for number in range(recipe.files)]
    rows, found = 0, []
    for name in names:
        with (rough / name).open("wb") as file:
            left = recipe.size // recipe.files
            header = _header(recipe)
            left -= file.write(header)
            for block in _blocks(recipe, rows, left):
                file.write(block.data)
                rows += block.rows
                found.append(block.facts)
    return Dataset(
        recipe=recipe,
        paths=tuple(str(home.resolve() / name) for name in names),
        size=sum((rough / name).stat().st_size for name in names),
        rows=rows,
        columns=answers.merged(found),
    )


def _header(recipe: Recipe) -> bytes:
    return (",".join(_KINDS[recipe.shape]) + "\n").encode(CHARSETS[recipe.charset])


@dataclass(frozen=True)
class _Block:
    data: bytes
    rows: int
    facts: dict[str, answers.Facts]


def _blocks(recipe: Recipe, start: int, left: int) -> Iterator[_Block]:
    """Give rows until ``left`` bytes are full."""
    kinds = _KINDS[recipe.shape]
    while True:
        index = np.arange(start, start + _BLOCK, dtype=np.int64)
        written, values = _columns(recipe.shape, index)
        lines = _joined(written)
        ends = np.cumsum(_sizes(lines, recipe.charset))
        rows = int(np.searchsorted(ends, left, side="right"))
        if rows:
            values = {name: column.slice(0, rows) for name, column in values.items()}
            facts = answers.of_table(values, kinds)
            yield _Block(_encoded(lines.slice(0, rows), recipe.charset), rows, facts)
        if rows < _BLOCK:
            return
        left -= int(ends[-1])
        start += _BLOCK


def _joined(columns: list[pa.Array]) -> pa.Array:
    lines = pc.binary_join_element_wise(*columns, ",", null_handling="replace", null_replacement="")
    return pc.binary_join_element_wise(lines, "\n", "")


def _sizes(lines: pa.Array, charset: str) -> Any:
    """Count the bytes of each line; every letter here has one byte in UTF-8, or three."""
    letters = pc.utf8_length(lines).to_numpy().astype(np.int64)
    if charset == "UTF-16LE":
        return letters * 2
    octets = pc.binary_length(lines).to_numpy().astype(np.int64)
    return octets if charset == "UTF-8" else letters + (octets - letters) // 2


def _encoded(lines: pa.Array, charset: str) -> bytes:
    _, offsets, data = lines.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)
    span = slice(int(ends[lines.offset]), int(ends[lines.offset + len(lines)]))
    octets: bytes = data[span].to_pybytes()
    return octets if charset == "UTF-8" else octets.decode().encode(CHARSETS[charset])


def _columns(shape: str, index: Any) -> tuple[list[pa.Array], dict[str, pa.Array]]:
    """Make columns of a block: as they are written, and as the values that they mean."""
    random = np.random.default_rng([int(index[0]), SHAPES.index(shape)])
    if shape == "wide":
        return _wide(index, random)
    ids = _ids(index ^ _SWAP)
    if shape == "number":
        numbers = pa.array(random.geometric(0.02, len(index)))
        written, value = numbers.cast(pa.string()), numbers
    else:
        written = value = _picked(_WORDS, random, len(index))
    return [ids, written], dict(zip(_KINDS[shape], (ids, value), strict=True))


def _wide(index: Any, random: Any) -> tuple[list[pa.Array], dict[str, pa.Array]]:
    rows = len(index)
    ids, logins = _ids(index), _with_gaps(_logins(index), random, 0.2)
    cities = _with_gaps(_picked(_CITIES, random, rows), random, 0.05)
    levels = _picked(_LEVELS, random, rows)
    counts = _with_gaps(pa.array(random.geometric(0.02, rows)), random, 0.03)
    cents = random.integers(0, 500_000, rows)
    days = pa.array(random.integers(16_436, 20_089, rows).astype(np.int32))
    dates = days.cast(pa.date32())
    written_names, names = _names(random, rows)
    channels = _with_gaps(_picked(_CHANNELS, random, rows), random, 0.01)
    written = [ids, logins, cities, levels, counts.cast(pa.string()), _money(cents)]
    written += [dates.cast(pa.string()), written_names, channels]
    values = [ids, logins, cities, levels, counts, pa.array(cents / 100), dates, names, channels]
    return written, dict(zip(_KINDS["wide"], values, strict=True))


def _ids(index: Any) -> pa.Array:
    """Give identifiers of ten digits, all different; three of ten begin with a zero."""
    numbers = index * 736_338_717 % _PRIME + np.where(index % 10 < 3, 0, 1_000_000_000)
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 10, "0")


def _logins(index: Any) -> pa.Array:
    return pa.array(13_000_000_000 + index * 523_145_321 % _PRIME).cast(pa.string())


def _money(cents: Any) -> pa.Array:
    whole = pa.array(cents // 100).cast(pa.string())
    part = pc.utf8_lpad(pa.array(cents % 100).cast(pa.string()), 2, "0")
    return pc.binary_join_element_wise(whole, part, ".")


def _names(random: Any, rows: int) -> tuple[pa.Array, pa.Array]:
    """Give nicknames as written and as meant: some are missing, 4 % need quotes, few say NA."""
    plain = [f"{name}{number}" for name in _NAMES for number in range(0, 9000, 7)]
    pool = [*plain, *_AWKWARD, *_NO_NULLS]
    picks = random.integers(0, len(plain), rows)
    chance = random.random(rows)
    awkward = chance < 0.04
    picks[awkward] = len(plain) + random.integers(0, len(_AWKWARD), int(awkward.sum()))
    words = chance > 0.999
    picks[words] = len(pool) - 1 - random.integers(0, len(_NO_NULLS), int(words.sum()))
    taken = pa.array(picks, mask=(chance > 0.5) & (chance < 0.6))
    return pa.array([_quoted(name) for name in pool]).take(taken), pa.array(pool).take(taken)


def _quoted(text: str) -> str:
    if not set(text) & set(',"\n'):
        return text
    return '"' + text.replace('"', '""') + '"'


def _picked(words: tuple[str, ...], random: Any, rows: int) -> pa.Array:
    return pa.array(words).take(pa.array(random.integers(0, len(words), rows)))


def _with_gaps(column: pa.Array, random: Any, share: float) -> pa.Array:
    return pc.if_else(pa.array(random.random(len(column)) >= share), column, None)
