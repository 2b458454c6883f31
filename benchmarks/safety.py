"""What safety costs: a clean export saved with every check on, and a submit written down."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from benchmarks import small_read
from benchmarks.measurement import Measured, Task, Trial
from benchmarks.rounds import Row, compare, ratio, row
from benchmarks.server import sandbox_process
from benchmarks.setup import MB, Setup
from benchmarks.transfer import read_in_ways

__all__ = ["begin", "run"]

WAYS = ("gio_file", "httpx_file", "curl")
TIMES = {"ledger.add": 200, "read_segment": 30, "by_hand": 30}
"""How often each small thing is done in one measurement."""

PROJECT = "默认项目"


def run(setup: Setup) -> list[Row]:
    """Measure the saving of an export, and small things by the piece.

    Returns
    -------
    list of dict
        Rows as ``transfer.read_in_ways``; ``checksums`` tells whether the platform could not take
        up a broken download, so that what comes is summed up, too. Then rows of ``way`` and ``ms``,
        the milliseconds on the clock that one of it takes: ``ledger.add`` writes a submit into a
        file; ``read_segment`` is the whole verb, of 1,000 users that are there at once, and
        ``by_hand`` a script that does the same with ids and a token that it knows already, and
        without a ledger; ``to_hand`` is the median of the rounds' ratios.
    """
    dataset = setup.dataset("wide", "UTF-16LE", setup.size(200 * MB, 50 * MB))
    rows: list[Row] = []
    for ranges in (True, False):
        with setup.over_http([dataset], ranges=ranges) as reading:
            found = read_in_ways(setup, reading, dataset, WAYS)
        rows += [{**one, "checksums": not ranges} for one in found]
    return rows + _small_rows(setup)


def _small_rows(setup: Setup) -> list[Row]:
    with sandbox_process(stage_seconds=0) as platform:
        way_in = {"url": platform.url, "api_key": platform.api_key, "token": platform.token()}
        tasks = {
            way: Task("benchmarks.safety", {"way": way, "folder": str(setup.data), **way_in})
            for way in TIMES
        }
        measured = compare("safety", tasks, setup.rounds)
    rows = [_small_row(way, rounds) for way, rounds in measured.items()]
    for one in rows[1:]:
        one["to_hand"] = ratio(measured[one["way"]], measured["by_hand"])
    return rows


def _small_row(way: str, rounds: list[Measured]) -> Row:
    summed = row(rounds)
    if "cannot" not in summed:
        summed["ms"] = round(summed.pop("wall_s") / TIMES[way] * 1000, 2)
    spared = ("walls", "cpu_s", "peak_mb")  # of many, not of one
    return {"way": way} | {name: value for name, value in summed.items() if name not in spared}


class _Repeated(Trial):
    def __init__(self, act: Callable[[], Any], times: int, state: Any) -> None:
        self._act = act
        self._times = times
        self._state = state

    def run(self) -> Any:
        for _ in range(self._times):
            last = self._act()
        return last

    def faults(self, result: Any) -> list[str]:
        return [] if result is None or len(result) == 1000 else [f"{len(result)} rows of 1000"]

    def close(self) -> None:
        self._state.cleanup()


def begin(*, way: str, folder: str, url: str, api_key: str, token: str) -> Trial:
    """Make something ready to be done many times, with once behind it.

    Parameters
    ----------
    way
        One of ``TIMES``.
    folder
        Where a ledger is made, which is gone afterwards.
    url, api_key, token
        A sandbox, and ways in.
    """
    state = tempfile.TemporaryDirectory(dir=folder, prefix="ledger-")
    os.environ["XDG_STATE_HOME"] = state.name
    if way == "ledger.add":
        act = _adding(Path(state.name) / "jobs.sqlite3")
    else:
        act = _reading(way, url, api_key, token)
        act()
    return _Repeated(act, TIMES[way], state)


def _adding(path: Path) -> Callable[[], None]:
    from gio_pandas.api.models import Kind
    from gio_pandas.exports.job import Order
    from gio_pandas.exports.ledger import Ledger

    ledger = Ledger(path)
    order = Order(
        platform="https://cdp.example.cn",
        kind=Kind.SEGMENT,
        item_id="AVpZBzpK",
        name=small_read.SEGMENT,
        project_id="WlGk4Daj",
        project_name=PROJECT,
        arguments={"charset": "UTF-16LE", "tags": [], "properties": ["usr_city"]},
    )
    numbers = iter(range(10**6))
    return lambda: ledger.add(order, f"VGFn{next(numbers)}", "NONE", datetime.now(UTC))


def _reading(way: str, url: str, api_key: str, token: str) -> Callable[[], Any]:
    import gio_pandas as gio

    session = gio.Session(url, api_key=api_key, project=PROJECT)
    if way == "read_segment":
        return lambda: session.read_segment(small_read.SEGMENT)
    segment_id = str(session.list_segments().set_index("name").loc[small_read.SEGMENT, "id"])
    http = httpx.Client(trust_env=False)
    return lambda: small_read.by_hand(http, url, token, segment_id)
