"""The client of a soak, in a process of its own: exports, looks at all it gets, and reports."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd

import gio_pandas as gio
from benchmarks import memory
from benchmarks.server import Platform, sandbox_process
from benchmarks.soak.books import Books
from benchmarks.soak.faults import FAULTS, UNANSWERED
from benchmarks.soak.leftovers import left_over, possessions
from benchmarks.soak.wishes import WISHES, Wish, drawn
from gio_pandas import errors
from gio_pandas.api.models import Kind
from gio_pandas.exports import ledger

__all__ = ["AT_ONCE", "Outcome", "judged"]

AT_ONCE = 16
_SHIFTS = 5
_LEAST = 20
"""A session serves a fifth of the exports, or so many; memory is looked at when it is closed."""

_BATCH = 8
_EVERY = 5
"""One export of so many is read by ``read_many``, so many at a time; another goes to Parquet."""

_SANDBOX = {"users": 3000, "parts": 3, "stage_seconds": 0.1}
_SENT_AGAIN = ("401", "429", "503")
_DOUBT = "SubmitUncertainError"
_NAMED = set(errors.__all__) - {"GioError"}
_ATTACH = re.compile(r"gio\.attach\('([^']+)'\)")

Result = pd.DataFrame | Exception
Way = Callable[[gio.Session, Sequence[Wish]], Sequence[Result]]
Right = Mapping[Wish, pd.DataFrame | None]
"""The frames as they are without faults; None where the platform cannot make one."""


@dataclass(frozen=True)
class Outcome:
    """What became of one export.

    Parameters
    ----------
    wish
        What was wished for.
    told
        The ids of jobs that the frame or the error names.
    error
        The class of the error, as the design names it; empty for a frame.
    wrong
        What is wrong with it; empty where nothing is.
    message
        The error's own words.
    """

    wish: Wish
    told: tuple[str, ...] = ()
    error: str = ""
    wrong: str = ""
    message: str = ""


def main() -> None:
    """Soak, and print what was found as JSON."""
    count = int(sys.argv[1])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with sandbox_process(**_SANDBOX) as platform:
            found = _soak(platform, drawn(count))
    found["wrong"] += [f"warned: {text}" for text in sorted(_of_the_ledger(caught))]
    print(json.dumps(found))


def _soak(platform: Platform, wishes: Sequence[Wish]) -> dict[str, Any]:
    with _session(platform) as session:
        right = _right_frames(session)
    earlier, before = set(platform.jobs()), possessions()
    platform.log()
    platform.misbehave(*FAULTS)
    tally = _Tally()
    shifts = max(1, min(_SHIFTS, len(wishes) // _LEAST))
    for shift in range(shifts):
        with _session(platform) as session:
            tally.outcomes += _worked(session, wishes[shift::shifts], right)
        tally.look(platform, f"{(shift + 1) / shifts:.0%}")
    left = left_over(before, [ledger.ledger_path()])
    return _report(tally, _books(platform, earlier, tally, right), left)


@dataclass
class _Tally:
    """What has happened so far: to the exports, on the platform, and in memory."""

    outcomes: list[Outcome] = field(default_factory=list)
    played: Counter[str] = field(default_factory=Counter)
    submits: Counter[str] = field(default_factory=Counter)
    resident: dict[str, int] = field(default_factory=dict)

    def look(self, platform: Platform, part: str) -> None:
        """Take down what came since the last look, when a part of all is done."""
        self.resident[part] = memory.resident_bytes()
        played, submits = platform.log()
        self.played += played
        self.submits += submits
        print(f"soak: {len(self.outcomes)} exports, {part}", file=sys.stderr, flush=True)


def _report(tally: _Tally, books: Books, left: list[str]) -> dict[str, Any]:
    outcomes = tally.outcomes
    return {
        "asked for": len(outcomes),
        "at once": AT_ONCE,
        "right": sum(not (one.error or one.wrong) for one in outcomes),
        "errors": Counter(one.error for one in outcomes if one.error),
        "played": tally.played,
        "wrong": [*_wrong(outcomes), *_told_wrong(books, outcomes)],
        "duplicated": books.duplicated(),
        "lost": books.lost(),
        "leaked": left,
        "resident": tally.resident,
    }


def _session(platform: Platform) -> gio.Session:
    return gio.Session(
        platform.url,
        api_key=platform.api_key,
        project="默认项目",
        timeout=120,
        requests_per_second=None,
    )


def _right_frames(session: gio.Session) -> Right:
    read = session.read_many([wish.spec for wish in WISHES], errors="return", max_workers=AT_ONCE)
    return {
        wish: None if isinstance(frame, gio.JobFailedError) else _frame(frame)
        for wish, frame in zip(WISHES, read, strict=True)
    }


def _frame(frame: Result) -> pd.DataFrame:
    if isinstance(frame, Exception):
        raise frame
    return frame


def _worked(session: gio.Session, wishes: Sequence[Wish], right: Right) -> list[Outcome]:
    """Read exports in threads: one by one, many by one call, and some by way of Parquet."""
    together = wishes[::_EVERY]
    batches = [together[at : at + _BATCH] for at in range(0, len(together), _BATCH)]
    tasks: list[tuple[Sequence[Wish], Way]] = [(batch, _together) for batch in batches]
    for number, wish in enumerate(wishes):
        if number % _EVERY:
            tasks.append(([wish], _saved if number % _EVERY == 1 else _alone))

    def work(task: tuple[Sequence[Wish], Way]) -> list[Outcome]:
        wanted, way = task
        results = _tried(session, wanted, way)
        return [judged(*pair, right) for pair in zip(wanted, results, strict=True)]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [outcome for outcomes in pool.map(work, tasks) for outcome in outcomes]


def _tried(session: gio.Session, wishes: Sequence[Wish], way: Way) -> Sequence[Result]:
    try:
        return way(session, wishes)
    except Exception as error:
        return [error] * len(wishes)


def _alone(session: gio.Session, wishes: Sequence[Wish]) -> Sequence[Result]:
    return [wish.read(session) for wish in wishes]


def _together(session: gio.Session, wishes: Sequence[Wish]) -> Sequence[Result]:
    return session.read_many([wish.spec for wish in wishes], errors="return")


def _saved(session: gio.Session, wishes: Sequence[Wish]) -> Sequence[Result]:
    """Write files, which are not there where that fails, and read them."""
    frames = []
    for wish in wishes:
        path = Path(tempfile.gettempdir()) / f"{uuid4()}.parquet"
        wish.save(session, path)
        frames.append(pd.read_parquet(path))
        path.unlink()
    return frames


def judged(wish: Wish, result: Result, right: Right) -> Outcome:
    """Say what became of an export, and what is wrong with it."""
    if isinstance(result, Exception):
        names = (kind.__name__ for kind in type(result).__mro__)
        error = next((name for name in names if name in _NAMED), "")
        words = "\n".join([str(result), *getattr(result, "__notes__", ())])
        told = tuple(dict.fromkeys(_ATTACH.findall(words)))
        wrong = "" if error else "an error that is not of the tree"
        return Outcome(wish, told, error or type(result).__name__, wrong, words)
    return Outcome(wish, (result.attrs["gio"]["job"],), wrong=_difference(result, right[wish]))


def _difference(frame: pd.DataFrame, right: pd.DataFrame | None) -> str:
    if right is None:
        return "a frame of what cannot be computed"
    if list(frame.columns) != list(right.columns) or list(frame.dtypes) != list(right.dtypes):
        return f"other columns: {dict(frame.dtypes)} for {dict(right.dtypes)}"
    if len(frame) != len(right):
        return f"{len(frame):,} rows for {len(right):,}"
    return "" if frame.equals(right) else "other values"


def _books(platform: Platform, earlier: set[str], tally: _Tally, right: Right) -> Books:
    entries = ledger.ledger_of(platform.url).entries(platform.url)
    entries = [entry for entry in entries if entry.id not in earlier]
    outcomes = tally.outcomes
    return Books(
        started={id_: _kind(Kind.of_job_id(id_)) for id_ in platform.jobs() if id_ not in earlier},
        noted={entry.id: _kind(entry.kind) for entry in entries if entry.id},
        doubted=Counter(_kind(entry.kind) for entry in entries if not entry.id),
        told={id_ for one in outcomes for id_ in one.told},
        asked=Counter((one.wish.kind, _name(one.wish, right)) for one in outcomes),
        submits=Counter((str(entry.kind), str(entry.name)) for entry in entries),
        seen=sum(n for status, n in tally.submits.items() if status not in _SENT_AGAIN),
        silent=sum(map(_is_silent, outcomes)),
        unanswered=sum(n for name, n in tally.played.items() if name in UNANSWERED),
    )


def _name(wish: Wish, right: Right) -> str:
    """Give an item's name, where it was wished for by its key."""
    frame = right[wish]
    return wish.name if frame is None else str(frame.attrs["gio"]["name"])


def _kind(kind: Kind | str | None) -> str:
    """Name a kind as coarsely as a job's id does."""
    found = Kind(kind) if kind else None
    return "" if found is None else "analysis" if found.is_analysis else found.value


def _is_silent(outcome: Outcome) -> bool:
    """Tell an error that names no job, and is in no doubt whether there is one."""
    return bool(outcome.error) and not outcome.told and outcome.error != _DOUBT


def _wrong(outcomes: Sequence[Outcome]) -> list[str]:
    return [
        f"{one.wish.kind} {one.wish.name}: {one.wrong} {one.message}".strip()
        for one in outcomes
        if one.wrong
    ]


def _told_wrong(books: Books, outcomes: Sequence[Outcome]) -> list[str]:
    """Say which errors keep their job to themselves, and which jobs are none."""
    silent = Counter(one.message for one in outcomes if _is_silent(one))
    found = [f"no error and no frame names the job {id_}" for id_ in sorted(books.untold())]
    if found:
        found += [f"an error without a job, {n} times: {text}" for text, n in silent.items()]
    return found + [f"there is no job {id_}" for id_ in sorted(books.invented())]


def _of_the_ledger(caught: Sequence[warnings.WarningMessage]) -> set[str]:
    return {text for one in caught if "ledger" in (text := str(one.message))}


if __name__ == "__main__":
    main()
