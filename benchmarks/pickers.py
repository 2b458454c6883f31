"""Ten thousand segments to choose from, in a JupyterLab: when the list is there, and each key."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import lab
from benchmarks.rounds import Row
from benchmarks.setup import Setup

__all__ = ["run"]

ITEMS = 10_000
WORDS = "价值用户 1"
_BEFORE = f"""
import gio_pandas as gio, ipywidgets
from gio_pandas.sandbox import start
platform = start(segments={ITEMS}, stage_seconds=0)
session = gio.connect(platform.url, api_key=platform.api_key, project="默认项目")
choices = gio.SegmentPicker().load().choices[:{ITEMS}]
from gio_pandas.notebook.choosing import chooser, row
rows = [row(choice) for choice in choices]
names = [choice.name for choice in choices]
options = [(choice.name, choice.value) for choice in choices]

def searchable(plain):
    made = chooser(label="分群 Segment", plain=plain)
    made.items = rows
    return made
"""


@dataclass(frozen=True)
class Way:
    """One way to choose: its cell, and what of the page shows that it is painted.

    Parameters
    ----------
    cell
        The code.
    part, count
        What is waited for, and how many of it.
    listed
        The part that changes while one types; "" where nothing is looked for.
    enter
        Whether that takes an Enter.
    """

    cell: str
    part: str
    count: int
    listed: str = ""
    enter: bool = False


WAYS: Mapping[str, Way] = {
    "gio": Way("searchable(None)", ".gio-list .gio-row", 50, ".gio-list"),
    "gio_again": Way("gio.SegmentPicker()", ".gio-list .gio-row", 50, ".gio-list"),
    "gio_plain": Way("searchable(True)", "select option", 50, "select", True),
    "Select": Way("ipywidgets.Select(options=options)", "select option", ITEMS),
    "Dropdown": Way("ipywidgets.Dropdown(options=options)", "select option", ITEMS),
    "Combobox": Way("ipywidgets.Combobox(options=names)", "datalist option", ITEMS),
}


@dataclass(frozen=True)
class Seen:
    """What was measured in one round, in milliseconds."""

    paint: float
    keys: list[float]
    longest: float


def run(setup: Setup) -> list[Row]:
    """Show each way once a round, all of them in one notebook, after a round that warms up.

    All have their items in the kernel; ``gio_again`` is a picker of what was listed before, which
    it shows at once, and looks up anew behind that.

    Returns
    -------
    list of dict
        A row a way, its figures in milliseconds: ``first_ms`` and ``paint_ms``, from running the
        cell to the painted list, the first time in the page and the median of the others;
        ``key_ms``, from a keystroke to the list that follows it, where one does: the median;
        ``slowest_key_ms`` and ``longest_ms``, a round's slowest key and the longest task that
        blocked the page in it (0 if none took 50 ms): the median of the rounds, and, with
        ``worst_`` before it, the worst, in which all that the machine did beside is.
    """
    if cannot := lab.missing():
        return [{"way": way, "cannot": cannot} for way in WAYS]
    seen: dict[str, list[Seen]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder, lab.notebook(Path(folder)) as notebook:
        notebook.execute(_BEFORE)
        for number in range(setup.rounds + 1):
            for way in WAYS:
                one = _round(notebook, WAYS[way])
                seen[way].append(one)
                said = f"{one.paint:.0f} ms, longest task {one.longest:.0f} ms"
                print(f"pickers, {way}, {number} of {setup.rounds}: {said}", file=sys.stderr)
    return [_row(way, rounds) for way, rounds in seen.items()]


def _round(notebook: lab.Notebook, way: Way) -> Seen:
    try:
        paint = notebook.run(way.cell, way.part, way.count)
        keys: list[float] = []
        if way.listed:
            field = "input[type=text]"
            keys = notebook.type(way.listed, WORDS, field, enter=way.enter)
        return Seen(paint, keys, notebook.longest_task())
    finally:
        notebook.clear()


def _row(way: str, rounds: list[Seen]) -> Row:
    first, *others = rounds
    row: Row = {
        "way": way,
        "items": ITEMS,
        "first_ms": round(first.paint),
        "paint_ms": round(statistics.median(one.paint for one in others)),
    }
    if all(one.keys for one in others):
        row["key_ms"] = round(statistics.median(key for one in others for key in one.keys), 1)
        row["slowest_key_ms"] = round(statistics.median(max(one.keys) for one in others), 1)
        row["worst_key_ms"] = round(max(max(one.keys) for one in rounds), 1)
    row["longest_ms"] = round(statistics.median(one.longest for one in rounds))
    row["worst_longest_ms"] = round(max(one.longest for one in rounds))
    return row
