"""The parts of the benchmarks that decide: data, answers, ratios, goals, the README's section."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from benchmarks import answers, pickers, polling, profiles, report
from benchmarks.data import CHARSETS, SHAPES, Dataset, Recipe, common_users, make
from benchmarks.goals import goals
from benchmarks.measurement import Measured, Task, measure
from benchmarks.rounds import ratio, row
from benchmarks.setup import Setup, size_name
from benchmarks.sources import MemorySource
from gio_pandas import sandbox as embedded

MANY = 40_000

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="memory is read out of /proc")


def written(dataset: Dataset) -> list[list[str]]:
    """Read a dataset with the standard library: every row of every file, headers apart."""
    rows: list[list[str]] = []
    for path in dataset.paths:
        text = Path(path).read_bytes().decode(CHARSETS[dataset.recipe.charset])
        rows += list(csv.reader(io.StringIO(text, newline="")))[1:]
    return rows


def columns(frame: pd.DataFrame) -> dict[str, pa.Array]:
    return {name: pa.array(frame[name], from_pandas=True) for name in frame.columns}


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("shape", SHAPES)
def test_data_are_as_large_as_asked_for(tmp_path: Path, shape: str, charset: str) -> None:
    """The files fill the size in their charset, but for a row, and the manifest counts them."""
    dataset = make(tmp_path, Recipe(shape, charset, MANY, 2))
    assert MANY - 1000 < dataset.size <= MANY
    assert dataset.size == sum(Path(path).stat().st_size for path in dataset.paths)
    assert dataset.rows == len(written(dataset))


def test_data_hold_what_trips_readers_up(tmp_path: Path) -> None:
    """Ids have leading zeros and are all different; names have line breaks; some say NA."""
    dataset = make(tmp_path, Recipe("wide", "UTF-8", 50 * MANY, 3))
    rows = written(dataset)
    ids = [row[0] for row in rows]
    assert len(set(ids)) == len(ids) == dataset.rows
    assert dataset.columns["gio_id"]["zeros"] == sum(id_.startswith("0") for id_ in ids)
    assert 0.25 < sum(id_.startswith("0") for id_ in ids) / len(ids) < 0.35
    names = [row[7] for row in rows]
    assert dataset.columns["昵称"]["letters"] == sum(map(len, names))
    assert any("\n" in name for name in names)
    assert {"NA", "null", ""} <= set(names)
    assert dataset.columns["支付次数"]["sum"] == sum(int(row[4]) for row in rows if row[4])


def test_data_are_written_once_and_the_same_again(tmp_path: Path) -> None:
    """A folder is kept; what is written anew elsewhere has the same bytes."""
    recipe = Recipe("word", "GBK", MANY)
    first, again = make(tmp_path, recipe), make(tmp_path, recipe)
    other = make(tmp_path / "other", recipe)
    assert first == again
    assert Path(first.paths[0]).read_bytes() == Path(other.paths[0]).read_bytes()
    assert not list(tmp_path.glob("*.part"))


def test_a_dataset_several_times_over(tmp_path: Path) -> None:
    """It has its files as often, and the facts of them all."""
    dataset = make(tmp_path, Recipe("number", "UTF-16LE", MANY))
    four = dataset.times(4, tmp_path / "links")
    assert len(four.paths) == 4
    assert four.rows == len(written(four)) == 4 * dataset.rows
    assert four.columns["tag_payments"]["sum"] == 4 * dataset.columns["tag_payments"]["sum"]


def test_common_users_are_counted(tmp_path: Path) -> None:
    """What a join must find is what both files hold."""
    wide = make(tmp_path, Recipe("wide", "UTF-8", 100 * MANY))
    tag = make(tmp_path, Recipe("number", "UTF-8", 60 * MANY))
    ids = {row[0] for row in written(tag)}
    assert common_users(wide, tag) == sum(row[0] in ids for row in written(wide)) > 0


def test_a_right_frame_has_no_faults(tmp_path: Path) -> None:
    """The frame of this project is right, typed columns, missing values and all."""
    dataset = make(tmp_path, Recipe("wide", "UTF-16LE", 10 * MANY))
    job = MemorySource(paths=dataset.paths, charset="UTF-16LE").job()
    assert answers.faults(columns(job.to_pandas()), dataset.columns, dataset.rows) == []


def test_wrong_frames_are_found_out(tmp_path: Path) -> None:
    """Ids that lost zeros, words that went missing, rows that are gone: each is named."""
    dataset = make(tmp_path, Recipe("wide", "UTF-8", 50 * MANY))
    frame = pd.read_csv(dataset.paths[0])
    found = " ".join(answers.faults(columns(frame), dataset.columns, dataset.rows))
    assert f"{dataset.columns['gio_id']['zeros']:,} lost a zero" in found
    assert "昵称" in found
    cut = answers.faults(columns(frame.head(10)), dataset.columns, dataset.rows)
    assert cut == [f"10 rows of {dataset.rows:,}"]
    text = pd.read_csv(dataset.paths[0], dtype=str, keep_default_na=False, na_values=[""])
    text = text.astype({"支付次数": "Int64", "累计金额": float})
    assert answers.faults(columns(text), dataset.columns, dataset.rows) == []
    text["支付次数"] += 1
    assert "sum" in " ".join(answers.faults(columns(text), dataset.columns, dataset.rows))


def test_rounds_become_medians_and_ratios_of_the_same_round() -> None:
    """A disturbed round disturbs both sides of its own ratio, and no other."""
    ours = [Measured(wall_s=wall, peak_bytes=3_000_000) for wall in (1.0, 10.0, 2.0)]
    base = [Measured(wall_s=wall) for wall in (2.0, 20.0, 8.0)]
    assert ratio(ours, base) == 0.5
    summed = row(ours, size=2_000_000)
    assert (summed["wall_s"], summed["peak_x"]) == (2.0, 1.5)
    assert "wrong" not in summed
    assert row([Measured(faults=["a", "b"])])["wrong"] == "a; b"
    assert row([Measured(cannot="no")]) == {"cannot": "no"}
    assert ratio([Measured(cannot="no")], base) is None


def test_a_goal_needs_a_right_answer_and_a_figure() -> None:
    """What is fast and wrong, or was not measured, is not met."""
    one = {"data": "number UTF-16LE", "size": "1 GB", "files": 1, "way": "gio"}
    right = {**one, "to_b": 0.2, "peak_x": 1.1}
    for transfer, met in (
        (right, True),
        ({**right, "to_b": 0.3}, False),
        ({**right, "wrong": "a lost zero"}, False),
        ({**one, "cannot": "no memory"}, False),
    ):
        found = {row["goal"]: row["met"] for row in goals({"transfer": [transfer]})}
        assert found["tag"] is met


def test_the_polling_limit() -> None:
    """At most the greater of 0.6 s and 11 % of the job's length, never over 16 s."""
    assert [polling.limit(length) for length in (0.1, 60.0, 3600.0)] == [0.6, 6.6, 16.0]


def test_polls_are_simulated_within_no_time(tmp_path: Path) -> None:
    """Jobs of an hour are waited for on a clock of their own, and seen in time."""
    rows = polling.run(Setup(tmp_path, quick=True))
    assert [row["job_s"] for row in rows] == list(polling.LENGTHS)
    assert all(0 < row["delay_s"] <= row["worst_s"] <= 16 for row in rows)


def test_sizes_are_written_as_people_say_them() -> None:
    """Units of a thousand."""
    assert [size_name(size) for size in (1000, 10_000_000, 10**9)] == ["1 KB", "10 MB", "1 GB"]


RESULTS = {
    "machine": {"cores": 2, "ram_gb": 24, "python": "3.11", "pandas": "3.1", "pyarrow": "26"},
    "transfer": [
        {
            "data": "wide UTF-16LE",
            "size": "1 GB",
            "files": 1,
            "way": "script_text",
            "wall_s": 9.741,
            "to_b": 1.0,
            "peak_x": 2.44,
            "wrong": "昵称: 81 values are missing",
        },
        {"data": "wide UTF-16LE", "size": "1 GB", "files": 1, "way": "polars", "cannot": "…"},
    ],
    "goals": [
        {"goal": "wide", "data": "wide UTF-16LE, 1 GB", "figure": 0.4, "limit": 0.45, "met": True},
        {"goal": "wide", "data": "wide UTF-16LE, 200 MB", "figure": 9, "limit": 0.45, "met": False},
    ],
    "one_machine": [
        {"question": "join", "engine": "DuckDB", "users": 6000, "wall_s": 1.2, "peak_mb": 750.0}
    ],
}


def test_the_section_says_what_the_figures_say() -> None:
    """In both languages: one row a goal, met only if all of it is; wrong answers marked."""
    english = report.section(RESULTS, report.ENGLISH)
    assert "| 0.45 | user list, 1 GB: 0.4 · user list, 200 MB: 9 | **no** |" in english
    assert "| (b) the same, ids dtype=str | 9.74, 1.00, 2.44 wrong |" in english
    assert "| (e) polars.read_csv | cannot |" in english
    assert "| join with a tag on the id | 1.20 s, 0.75 GB |" in english
    assert "| 9.74, 1.00, 2.44 结果有误 |" in report.section(RESULTS, report.CHINESE)


def test_the_section_is_silent_where_a_part_was_not_run() -> None:
    """No line of the costs of safety, nor of the soak, without their figures."""
    cannot = [{"way": "gio_file", "checksums": summed, "cannot": "no"} for summed in (True, False)]
    for more in ({}, {"safety": [], "soak": []}, {"safety": [*cannot, {"way": "ledger.add"}]}):
        for words in (report.ENGLISH, report.CHINESE):
            assert report.section(RESULTS | more, words) == report.section(RESULTS, words)


def test_the_section_says_what_profiles_cost() -> None:
    """With what was counted, and what was reckoned from a sample said so; else nothing."""
    ours = {"way": "gio", "users": 10_000, "asked": 10_000, "requests": 52, "wall_s": 9.96}
    alone = {"way": "one_by_one", "asked": 1000, "scaled_s": 1096.26, "times": 110.06}
    rows = [ours | {"times": 1.0}, alone]
    for words in (report.ENGLISH, report.CHINESE):
        told = report.section(RESULTS | {"profiles": rows}, words)
        for figure in ("10,000", " 52 ", "10.0 ", "1,096 ", "1,000 ", "110.1 "):
            assert figure in told.replace("：", ": ")
        silent = report.section(RESULTS | {"profiles": [ours, {"cannot": "no"} | alone]}, words)
        assert silent == report.section(RESULTS, words)


def test_profiles_are_measured_and_right() -> None:
    """Both ways give the values that the platform has; one that is not is found out."""
    with embedded.start(users=300, stage_seconds=0) as platform:
        access = {"url": platform.url, "api_key": platform.api_key}
        ids = profiles._everybody(**access)
        for way in ("gio", "one_by_one"):
            trial = profiles.begin(**access, way=way, ids=ids[:40])
            result = trial.run()
            assert trial.faults(result) == []
            wrong = result.iloc[::-1] if way == "gio" else {}
            assert trial.faults(wrong) == ["other users than were asked for"]
            if way == "gio":
                assert "of 20 users are wrong" in trial.faults(result.assign(城市="?"))[0]
            trial.close()


def test_the_section_says_what_safety_costs_and_what_a_soak_found() -> None:
    """One line each, in both languages."""
    file = {"way": "gio_file", "size": "200 MB"}
    safety = [
        {**file, "checksums": False, "to_httpx": 1.254},
        {**file, "checksums": True, "to_httpx": 1.5},
        {"way": "ledger.add", "ms": 1.26},
    ]
    counts = {
        "exports": {"asked for": 1000, "at once": 16, "right": 950},
        "error": {"DownloadError": 30, "DecodeError": 20},
        "fault": {"503:poll": 2000, "503:submit": 100, "cut:download": 1},
        "zero": {"wrong": 0, "duplicated": 0, "lost": 3, "leaked": 0},
        "memory": {"grown": 4.6},
    }
    rows = [
        {"what": what, "name": name, "count": count}
        for what, named in counts.items()
        for name, count in named.items()
    ]
    english, chinese = (
        report.section(RESULTS | {"safety": safety, "soak": rows}, words)
        for words in (report.ENGLISH, report.CHINESE)
    )
    assert (
        "A clean 200 MB export saved to disk with every check on takes 1.25 × the time" in english
    )
    assert "takes 1.3 ms" in english
    assert (
        "1,000 exports, 16 at once, from a sandbox that played 2,101 faults of 2 kinds" in english
    )
    assert "950 right DataFrames and 50 errors that say what to do; 0 wrong" in english
    assert "3 lost" in english
    assert "1.25 倍" in chinese
    assert "丢失 3" in chinese


def test_a_readme_is_rewritten_between_its_marks_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands around the marks stays; ``--check`` changes nothing and fails when stale."""
    results, readme = tmp_path / "results.json", tmp_path / "README.zh-CN.md"
    results.write_text(json.dumps(RESULTS), encoding="utf-8")
    stale = "前\n<!-- speed:begin -->\nold\n<!-- speed:end -->\n后\n"
    readme.write_text(stale, encoding="utf-8")
    command = ["report", str(results), str(readme)]
    monkeypatch.setattr(sys, "argv", [*command, "--check"])
    with pytest.raises(SystemExit, match=r"README\.zh-CN\.md"):
        report.main()
    assert readme.read_text(encoding="utf-8") == stale
    monkeypatch.setattr(sys, "argv", command)
    report.main()
    fresh = readme.read_text(encoding="utf-8")
    assert fresh.startswith("前\n<!-- speed:begin -->\n由 ")
    assert fresh.endswith("<!-- speed:end -->\n后\n")
    monkeypatch.setattr(sys, "argv", [*command, "--check"])
    report.main()


def test_a_document_without_marks_is_refused() -> None:
    """Nothing is guessed about where the section belongs."""
    with pytest.raises(ValueError, match="speed:begin"):
        report.replaced("no marks", "block")


@linux_only
def test_a_measurement_counts_another_process(tmp_path: Path) -> None:
    """Seconds, peak and faults come back from the process that read."""
    setup = Setup(tmp_path)
    reading = setup.from_memory()
    dataset = setup.dataset("number", "UTF-16LE", MANY)
    right, wrong = (measure(reading(way, dataset)) for way in ("gio", "script"))
    assert not right.cannot
    assert right.wall_s > 0
    assert right.faults == []
    assert "lost a zero" in wrong.faults[0]
    assert (
        "KeyError" in measure(Task("benchmarks.ways", {**reading("x", dataset).arguments})).cannot
    )


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readmes_say_what_was_measured(name: str) -> None:
    """No figure in their speed sections is typed in; ``benchmarks.report`` writes them all."""
    root = Path(__file__).parents[2]
    results = json.loads((root / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    text = (root / name).read_text(encoding="utf-8")
    words = report.language_of(root / name)
    assert report.replaced(text, report.section(results, words)) == text


@linux_only
def test_an_export_is_saved_whole_by_either_way(tmp_path: Path) -> None:
    """Both this project's way and the script's write every byte."""
    setup = Setup(tmp_path)
    dataset = setup.dataset("wide", "UTF-16LE", MANY, 2)
    with setup.over_http([dataset]) as reading:
        found = [measure(reading(way, dataset)) for way in ("gio_file", "httpx_file")]
    assert [(one.cannot, one.faults) for one in found] == [("", []), ("", [])]


@linux_only
def test_a_ledger_is_written_in_a_folder_that_vanishes(tmp_path: Path) -> None:
    """What is measured is not the user's own ledger, and nothing of it stays."""
    arguments = {
        "way": "ledger.add",
        "folder": str(tmp_path),
        "url": "",
        "api_key": "",
        "token": "",
    }
    measured = measure(Task("benchmarks.safety", arguments))
    assert not measured.cannot
    assert measured.wall_s > 0
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


PICKERS = {
    "pickers": [
        {"way": "gio", "items": 10_000, "first_ms": 167, "paint_ms": 151, "key_ms": 2.0}
        | {"slowest_key_ms": 7.9, "worst_key_ms": 11.3, "longest_ms": 0, "worst_longest_ms": 76},
        {"way": "Select", "items": 10_000, "first_ms": 543, "paint_ms": 620, "longest_ms": 560},
        {"way": "Combobox", "cannot": "no Chromium"},
    ]
}


def test_a_list_to_choose_from_has_three_goals() -> None:
    """Ours alone: until it is painted, the slowest key of a round, and what blocks the page."""
    found = {row["goal"]: (row["figure"], row["met"]) for row in goals(PICKERS)}
    assert found == {"paint": (151, True), "keystroke": (7.9, True), "freeze": (0, True)}
    nothing = goals({"pickers": [{"way": "gio", "cannot": "no Chromium"}]})
    assert [row["met"] for row in nothing] == [False] * 3


@pytest.mark.parametrize("words", [report.ENGLISH, report.CHINESE], ids=["en", "zh"])
def test_lists_to_choose_from_stand_beside_each_other(words: report.Language) -> None:
    """A row a way, nothing where one cannot search, and no row for what could not be measured."""
    text = report.section({"machine": RESULTS["machine"], **PICKERS}, words)
    rows = [line.split(" | ")[1:] for line in text.splitlines() if line.startswith("| ")]
    assert rows[2:] == [["167", "151", "2", "0 |"], ["543", "620", "", "560 |"]]
    assert set(words.pickers) == set(pickers.WAYS)
