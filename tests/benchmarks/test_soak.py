"""The soak: its books, and a small one, in which there must be nothing wrong."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from benchmarks import soak
from benchmarks.goals import goals
from benchmarks.soak import client
from benchmarks.soak.books import Books
from benchmarks.soak.faults import FAULTS, UNANSWERED
from benchmarks.soak.leftovers import left_over, possessions
from benchmarks.soak.wishes import WISHES
from gio_pandas.errors import GioError
from gio_pandas.exports.files import ChangedFileError
from gio_pandas.sandbox import Fault

ITEM = ("segment", "分群1")

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="open files are read out of /proc")


def books(
    *,
    started: str = "",
    noted: str = "",
    doubted: int = 0,
    told: str = "",
    asked: int = 3,
    seen: int | None = None,
    silent: int = 0,
    unanswered: int = 3,
) -> Books:
    """Keep books of segments, whose jobs have a letter each."""
    submits = len(noted) + doubted
    return Books(
        started=dict.fromkeys(started, "segment"),
        noted=dict.fromkeys(noted, "segment"),
        doubted=Counter(segment=doubted),
        told=set(told),
        asked=Counter({ITEM: asked}),
        submits=Counter({ITEM: submits}),
        seen=submits if seen is None else seen,
        silent=silent,
        unanswered=unanswered,
    )


@pytest.mark.parametrize(
    "right",
    [
        books(started="ab", noted="ab", told="ab"),
        books(started="abc", noted="ab", doubted=1, told="ab"),
        books(started="a", noted="a", doubted=2, told="a"),
        books(started="a", noted="a", told="a", seen=2, silent=1),
    ],
    ids=["all known", "one in doubt", "two in doubt that never ran", "one refused with a 200"],
)
def test_books_that_agree(right: Books) -> None:
    """A job is known, or in doubt: nothing is lost, and nothing was started twice."""
    assert (right.duplicated(), right.lost()) == (0, 0)
    assert right.untold() == right.invented() == set()


def test_a_job_too_many_is_found() -> None:
    """More than the ledger has; twice in the ledger; or sent again after no answer came."""
    assert books(started="abc", noted="ab", told="ab").duplicated() == 1
    assert books(started="abcd", noted="abcd", told="abcd", asked=3).duplicated() == 1
    again = books(started="ab", noted="a", doubted=1, told="a", seen=3)
    assert (again.duplicated(), again.lost()) == (1, 0)


def test_a_lost_job_is_found() -> None:
    """Nobody knows it; or a doubt hides it that was about a submit which never ran."""
    assert books(started="ab", noted="a", told="a").lost() == 1
    hidden = books(started="abc", noted="a", doubted=2, told="a", unanswered=1)
    assert hidden.lost() == 1


def test_what_is_said_of_jobs_is_compared() -> None:
    """An id that the ledger has and no error says; one that is said and no job has."""
    assert books(started="ab", noted="ab", told="a").untold() == {"b"}
    assert books(started="a", noted="a", told="ab").invented() == {"b"}


def job_of(frame: pd.DataFrame, job_id: str) -> pd.DataFrame:
    frame.attrs["gio"] = {"job": job_id}
    return frame


WISH = WISHES[0]
RIGHT = {WISH: pd.DataFrame({"gio_id": ["01", "02"], "数": [1, 2]}), WISHES[1]: None}


@pytest.mark.parametrize(
    ("frame", "wrong"),
    [
        (pd.DataFrame({"gio_id": ["01", "02"], "数": [1, 2]}), ""),
        (pd.DataFrame({"gio_id": ["01", "02"], "数": [1, 3]}), "other values"),
        (pd.DataFrame({"gio_id": ["01"], "数": [1]}), "1 rows for 2"),
        (pd.DataFrame({"gio_id": ["01", "02"], "数": [1.0, 2.0]}), "other columns"),
        (pd.DataFrame({"数": [1, 2], "gio_id": ["01", "02"]}), "other columns"),
    ],
    ids=["right", "value", "row", "dtype", "order"],
)
def test_a_frame_is_compared_whole(frame: pd.DataFrame, wrong: str) -> None:
    """Values, rows, dtypes and the columns' order are those of the frame without faults."""
    outcome = client.judged(WISH, job_of(frame, "a"), RIGHT)
    assert outcome.told == ("a",)
    assert outcome.wrong.startswith(wrong)
    assert bool(outcome.wrong) is bool(wrong)
    assert client.judged(WISHES[1], job_of(frame, "a"), RIGHT).wrong


def test_an_error_is_of_the_tree_and_names_its_job() -> None:
    """Its class is the one that the design names; the job may stand in a note."""
    error = ChangedFileError("gone", hint="Again.")
    error.add_note("The job: gio.attach('VGFn')")
    outcome = client.judged(WISH, error, RIGHT)
    assert (outcome.error, outcome.told, outcome.wrong) == ("DownloadError", ("VGFn",), "")
    assert client.judged(WISH, KeyError("x"), RIGHT).wrong == "an error that is not of the tree"
    assert client.judged(WISH, GioError("x", hint="y"), RIGHT).wrong


@linux_only
def test_what_stays_behind_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open file and a file on disk are named, one that is to stay is not."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("benchmarks.soak.leftovers._GRACE", 0.0)
    before = possessions()
    assert left_over(before, []) == []
    stays, forgotten = tmp_path / "stays", tmp_path / "forgotten"
    stays.touch()
    with forgotten.open("w"):
        found = left_over(before, [stays])
    assert [line.rpartition(" ")[2] for line in found] == [str(forgotten)] * 2
    assert left_over(before, [stays]) == [f"file {forgotten}"]


def test_every_fault_has_a_lot_of_its_own() -> None:
    """Faults that drew alike would hit the same requests, and some would never be seen."""
    faults = [Fault.parse(text) for text in FAULTS]
    assert len({fault.seed for fault in faults}) == len(faults)
    assert {f"{fault.name}:{fault.step}" for fault in faults} >= UNANSWERED


@linux_only
def test_a_small_soak_leaves_nothing_wrong() -> None:
    """Faults of many kinds are really played; no frame is wrong, no job started twice or lost.

    Nothing stays open either, and every export came to its end.
    """
    rows = soak.rows(soak.soak(40))
    count = {(row["what"], row["name"]): row["count"] for row in rows}
    said = [row for row in rows if "wrong" in row]
    assert {name: count["zero", name] for name in soak.ZEROS} == dict.fromkeys(soak.ZEROS, 0), said
    played = [row for row in rows if row["what"] == "fault"]
    assert len(played) > 10
    assert sum(row["count"] for row in played) > 40
    errors = sum(row["count"] for row in rows if row["what"] == "error")
    assert count["exports", "right"] + errors == count["exports", "asked for"] == 40
    assert count["exports", "right"] > 20
    assert all(row["met"] for row in goals({"soak": rows}))


def test_what_should_be_zero_and_is_not_misses_its_goal() -> None:
    """A row a thing, each with the limit 0."""
    rows = [{"what": "zero", "name": name, "count": int(name == "lost")} for name in soak.ZEROS]
    found = {row["data"]: row["met"] for row in goals({"soak": rows}) if row["goal"] == "soak"}
    assert found == {"wrong": True, "duplicated": True, "lost": False, "leaked": True}
