"""``python -m benchmarks.report JSON README…``: the speed section, out of the figures."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.rounds import Row
from benchmarks.soak import ZEROS
from benchmarks.ways import LABELS

__all__ = ["CHINESE", "ENGLISH", "language_of", "replaced", "section"]

_BLOCK = re.compile(r"(<!-- speed:begin -->\n).*?(<!-- speed:end -->)", re.DOTALL)
_SIZES = ("1 GB", "200 MB", "10 MB")
_QUESTIONS = ("group", "distinct", "join")


@dataclass(frozen=True)
class Language:
    """The words of a report."""

    intro: str
    goal_head: tuple[str, ...]
    goals: Mapping[str, str]
    way_head: str
    ways: Mapping[str, str]
    shapes: Mapping[str, str]
    wrong: str
    cannot: str
    machine_head: str
    questions: Mapping[str, str]
    cluster: str
    safety: str
    profiles: str
    soak: str
    picker_head: tuple[str, ...]
    pickers: Mapping[str, str]
    yes: str
    no: str


ENGLISH = Language(
    intro="Measured by `python -m benchmarks` on {cores} cores and {ram_gb} GB with Python "
    "{python}, pandas {pandas}, pyarrow {pyarrow} against the sandbox; medians, all ways turn by "
    "turn in one run: read the ratios, the seconds are this machine's.",
    goal_head=("goal", "at most", "measured", "met"),
    goals={
        "tag": "two-column tag export over HTTP to a DataFrame, of (b)'s time",
        "wide": "user list with quoted line breaks, the same",
        "wire": "on a wire of 100 MB/s, of (f)'s time",
        "memory": "peak memory of `to_pandas`, over the input's size",
        "parquet": "peak memory of `to_parquet`, MB",
        "decode": "decoding UTF-16LE to pandas, of pyarrow's parse of UTF-8 to Arrow",
        "polling": "job's end to next poll, of max(0.6 s, 11 % of the job), 16 s at most",
        "small": "1,000 rows, ms of processor time",
        "paint": "10,000 segments in JupyterLab, ms until they can be searched",
        "keystroke": "the same, ms from the slowest key to the list that follows it",
        "freeze": "the same, ms of the longest block of the page (0: none of 50)",
    },
    way_head="{size} UTF-16LE: seconds, × (b), peak memory ÷ input",
    ways=LABELS,
    shapes={"wide": "user list", "number": "tag of numbers", "word": "tag of words"},
    wrong="wrong",
    cannot="cannot",
    machine_head="{users} users as Parquet, on one machine",
    questions={
        "group": "group by city",
        "distinct": "exact distinct users",
        "join": "join with a tag on the id",
    },
    cluster="A {size} user list over HTTP into memory: {one:.1f} s in one process; {dask:.1f} s by "
    "{workers} Dask workers on the same machine, {first:.1f} s of it to find the types.",
    safety="A clean {size} export saved to disk with every check on takes {plain:.2f} × the time "
    "of plain httpx to a file ({summed:.2f} × where the platform cannot resume a download, so that "
    "every byte is summed up, too); writing a submit into the ledger takes {ledger:.1f} ms.",
    profiles="{users:,} users' profiles by `gio.read_profiles`: {requests} requests, "
    "{wall_s:.1f} s; by one request a user {scaled_s:,.0f} s (reckoned from {sample:,} of them), "
    "{times:.1f} × as long. The sandbox is on the same machine: what each request waits for on a "
    "network comes on top.",
    soak="{exports:,} exports, {at_once} at once, from a sandbox that played {faults:,} faults of "
    "{kinds} kinds on them: {right:,} right DataFrames and {errors:,} errors that say what to do; "
    "{wrong} wrong, {duplicated} started twice, {lost} lost, {leaked} files or threads left open. "
    "Memory: {grown:+.0f} MB from the first fifth to the last.",
    picker_head=(
        "{items:,} items to choose from in JupyterLab, ms",
        "the first time",
        "then",
        "a key",
        "longest block",
    ),
    pickers={
        "gio": "our list, searched in the browser",
        "gio_again": "`gio.SegmentPicker()` of what was listed before, asked for again behind it",
        "gio_plain": "our list of plain ipywidgets, searched in the kernel",
        "Select": "ipywidgets' `Select`",
        "Dropdown": "ipywidgets' `Dropdown`",
        "Combobox": "ipywidgets' `Combobox`",
    },
    yes="yes",
    no="**no**",
)
CHINESE = Language(
    intro="由 `python -m benchmarks` 在 {cores} 核、{ram_gb} GB 内存的机器上对沙箱测得（Python "
    "{python}、pandas {pandas}、pyarrow {pyarrow}）；取中位数，各方法在同一次运行中轮流执行："
    "请看比值，秒数只属于这台机器。",
    goal_head=("目标", "上限", "实测", "达到"),
    goals={
        "tag": "两列标签导出经 HTTP 到 DataFrame，与 (b) 的用时之比",
        "wide": "含引号内换行的用户列表，同上",
        "wire": "100 MB/s 的网络上，与 (f) 的用时之比",
        "memory": "`to_pandas` 的内存峰值 ÷ 输入大小",
        "parquet": "`to_parquet` 的内存峰值，MB",
        "decode": "UTF-16LE 解码到 pandas，与 pyarrow 把 UTF-8 解析到 Arrow 的用时之比",
        "polling": "任务结束到下一次轮询，与 max(0.6 秒, 任务时长的 11 %)（最多 16 秒）之比",
        "small": "1,000 行，CPU 毫秒",
        "paint": "JupyterLab 中 10,000 个分群，到可以搜索为止，毫秒",
        "keystroke": "同上，最慢的一次按键到列表更新，毫秒",
        "freeze": "同上，页面最长的一次阻塞，毫秒（0：没有达到 50 的）",
    },
    way_head="{size} UTF-16LE：秒，× (b)，内存峰值 ÷ 输入",
    ways={
        **LABELS,
        "script_text": "(b) 同上，id 用 dtype=str",
        "curl": "(f) curl 存成文件",
    },
    shapes={"wide": "用户列表", "number": "数值标签", "word": "文字标签"},
    wrong="结果有误",
    cannot="做不到",
    machine_head="{users} 个用户的 Parquet，单机",
    questions={"group": "按城市分组", "distinct": "精确去重用户数", "join": "按 id 与标签连接"},
    cluster="{size} 的用户列表经 HTTP 读入内存：单进程 {one:.1f} 秒；"
    "同一台机器上 {workers} 个 Dask worker {dask:.1f} 秒，其中 {first:.1f} 秒用于确定类型。",
    safety="一个正常的 {size} 导出，开着全部检查存到磁盘，用时是普通 httpx 写文件的 {plain:.2f} 倍"
    "（平台不支持断点续传、因而每个字节还要算校验和时为 {summed:.2f} 倍）；"
    "把一次提交写进台账用 {ledger:.1f} 毫秒。",
    profiles="用 `gio.read_profiles` 读取 {users:,} 个用户的画像：{requests} 次请求，"
    "{wall_s:.1f} 秒；每个用户一次请求需 {scaled_s:,.0f} 秒（由其中 {sample:,} 个换算），"
    "是前者的 {times:.1f} 倍。"
    "沙箱在同一台机器上，真实网络中每次请求的往返时间还要另加。",
    soak="{exports:,} 次导出，{at_once} 个并发，沙箱在其间制造了 {kinds} 种共 {faults:,} 次故障："
    "{right:,} 个正确的 DataFrame，{errors:,} 个写明下一步的错误；错误数据 {wrong}，重复启动 "
    "{duplicated}，丢失 {lost}，遗留的文件或线程 {leaked}。从前五分之一到最后，内存变化 "
    "{grown:+.0f} MB。",
    picker_head=(
        "JupyterLab 中 {items:,} 项的选择列表，毫秒",
        "首次显示",
        "此后",
        "一次按键",
        "最长阻塞",
    ),
    pickers={
        "gio": "我们的列表，在浏览器中搜索",
        "gio_again": "`gio.SegmentPicker()`，先显示已列出过的内容，再在后台重新查询",
        "gio_plain": "我们的列表（纯 ipywidgets），在内核中搜索",
        "Select": "ipywidgets 的 `Select`",
        "Dropdown": "ipywidgets 的 `Dropdown`",
        "Combobox": "ipywidgets 的 `Combobox`",
    },
    yes="是",
    no="**否**",
)


def section(results: Mapping[str, Any], words: Language) -> str:
    """Write the speed section.

    Parameters
    ----------
    results
        What ``python -m benchmarks`` wrote; a part that is not there has no table.
    words
        ``ENGLISH`` or ``CHINESE``.

    Returns
    -------
    str
        Markdown.
    """
    makers = (
        _goal_table,
        _way_table,
        _machine_table,
        _picker_table,
        _cluster_line,
        _safety_line,
        _profiles_line,
        _soak_line,
    )
    parts = [words.intro.format(**results["machine"])]
    parts += [table for make in makers if (table := make(results, words))]
    return "\n\n".join(parts) + "\n"


def replaced(text: str, block: str) -> str:
    """Put a block into a document, between its marks.

    Raises
    ------
    ValueError
        The document has no marks.
    """
    if not _BLOCK.search(text):
        raise ValueError("no <!-- speed:begin --> … <!-- speed:end --> in it")
    return _BLOCK.sub(lambda found: f"{found[1]}{block}{found[2]}", text)


def language_of(path: Path) -> Language:
    """Tell a document's language by its name: ``README.zh-CN.md`` is Chinese."""
    return CHINESE if ".zh" in path.name else ENGLISH


def _goal_table(results: Mapping[str, Any], words: Language) -> str:
    lines = []
    for goal, name in words.goals.items():
        rows = [row for row in results.get("goals", ()) if row["goal"] == goal]
        if rows:
            met = all(row["met"] for row in rows)
            figures = " · ".join(_figure(row, words) for row in rows)
            lines.append((name, f"{rows[0]['limit']:g}", figures, words.yes if met else words.no))
    return _table(words.goal_head, lines)


def _figure(row: Row, words: Language) -> str:
    value = words.cannot if row["figure"] is None else f"{row['figure']:.3g}"
    data = row["data"].replace(" UTF-16LE", "")
    shape, comma, size = data.partition(", ")
    return f"{words.shapes.get(shape, shape)}{comma}{size}: {value}" if data else value


def _way_table(results: Mapping[str, Any], words: Language) -> str:
    rows = [
        row
        for row in results.get("transfer", ())
        if row["files"] == 1 and row["data"].endswith(" UTF-16LE")
    ]
    size = next((size for size in _SIZES if any(row["size"] == size for row in rows)), None)
    rows = [row for row in rows if row["size"] == size]
    shapes = [f"{shape} UTF-16LE" for shape in words.shapes]
    shapes = [shape for shape in shapes if any(row["data"] == shape for row in rows)]
    head = [words.way_head.format(size=size)] + [words.shapes[shape.split()[0]] for shape in shapes]
    named = [{**row, "way": words.ways[row["way"]]} for row in rows]
    return _grid(head, named, "way", "data", shapes, lambda row: _way_cell(row, words))


def _way_cell(row: Row, words: Language) -> str:
    if "cannot" in row:
        return words.cannot
    figures = f"{row['wall_s']:.3g}, {row['to_b']:.2f}"
    if "peak_x" in row:
        figures += f", {row['peak_x']:.2f}"
    return f"{figures} {words.wrong}" if "wrong" in row else figures


def _machine_table(results: Mapping[str, Any], words: Language) -> str:
    rows = [row for row in results.get("one_machine", ()) if row["question"] in _QUESTIONS]
    if not rows:
        return ""
    engines = list(dict.fromkeys(row["engine"] for row in rows))
    head = [words.machine_head.format(users=f"{rows[0]['users']:,}"), *engines]
    named = [{**row, "question": words.questions[row["question"]]} for row in rows]
    return _grid(head, named, "question", "engine", engines, lambda row: _machine_cell(row, words))


def _picker_table(results: Mapping[str, Any], words: Language) -> str:
    rows = [row for row in results.get("pickers", ()) if "cannot" not in row]
    figures = ("first_ms", "paint_ms", "key_ms", "longest_ms")
    lines = [
        (words.pickers[row["way"]], *(f"{row[name]:g}" if name in row else "" for name in figures))
        for row in rows
    ]
    return _table([head.format(**rows[0]) for head in words.picker_head] if rows else (), lines)


def _cluster_line(results: Mapping[str, Any], words: Language) -> str:
    found = {row["way"]: row for row in results.get("cluster", ()) if "cannot" not in row}
    if len(found) < 2:
        return ""
    dask = found["dask"]
    return words.cluster.format(
        size=dask["size"],
        one=found["gio"]["wall_s"],
        dask=dask["wall_s"],
        workers=dask["workers"],
        first=dask["first_pass_s"],
    )


def _safety_line(results: Mapping[str, Any], words: Language) -> str:
    rows = results.get("safety", ())
    saved = {row["checksums"]: row for row in rows if row["way"] == "gio_file"}
    ledger = next((row.get("ms") for row in rows if row["way"] == "ledger.add"), None)
    ratios = {summed: row.get("to_httpx") for summed, row in saved.items()}
    if len(saved) < 2 or None in (ledger, *ratios.values()):
        return ""
    return words.safety.format(
        size=saved[False]["size"], plain=ratios[False], summed=ratios[True], ledger=ledger
    )


def _profiles_line(results: Mapping[str, Any], words: Language) -> str:
    found = {row["way"]: row for row in results.get("profiles", ()) if "times" in row}
    if len(found) < 2:
        return ""
    ours, alone = found["gio"], found["one_by_one"]
    figures = {"scaled_s": alone["scaled_s"], "times": alone["times"], "sample": alone["asked"]}
    return words.profiles.format(**{**ours, **figures})


def _soak_line(results: Mapping[str, Any], words: Language) -> str:
    rows = results.get("soak", ())
    if not rows:
        return ""
    count = {(row["what"], row["name"]): row["count"] for row in rows}
    return words.soak.format(
        **{zero: count["zero", zero] for zero in ZEROS},
        exports=count["exports", "asked for"],
        at_once=count["exports", "at once"],
        right=count["exports", "right"],
        errors=sum(row["count"] for row in rows if row["what"] == "error"),
        faults=sum(row["count"] for row in rows if row["what"] == "fault"),
        kinds=len({row["name"].partition(":")[0] for row in rows if row["what"] == "fault"}),
        grown=count["memory", "grown"],
    )


def _machine_cell(row: Row, words: Language) -> str:
    if "cannot" in row:
        return words.cannot
    figures = f"{row['wall_s']:.2f} s, {row['peak_mb'] / 1000:.2f} GB"
    return f"{figures} {words.wrong}" if "wrong" in row else figures


def _grid(
    head: Iterable[str],
    rows: list[Row],
    down: str,
    across: str,
    columns: list[str],
    cell: Callable[[Row], str],
) -> str:
    lines = []
    for name in dict.fromkeys(row[down] for row in rows):
        found = {row[across]: cell(row) for row in rows if row[down] == name}
        lines.append((name, *(found.get(column, "") for column in columns)))
    return _table(head, lines)


def _table(head: Iterable[str], lines: Sequence[tuple[str, ...]]) -> str:
    if not lines:
        return ""
    head = tuple(head)
    written = [head, ("---",) * len(head), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in written)


def main() -> None:
    """Rewrite the documents' speed sections, or check that they are what the figures say."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("results", type=Path, metavar="JSON")
    parser.add_argument("documents", type=Path, nargs="+", metavar="README")
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 if stale")
    arguments = parser.parse_args()
    results = json.loads(arguments.results.read_text())
    stale = []
    for path in arguments.documents:
        text = path.read_text()
        fresh = replaced(text, section(results, language_of(path)))
        if fresh != text:
            stale.append(path.name)
            if not arguments.check:
                path.write_text(fresh)
    if arguments.check and stale:
        sys.exit(f"not what {arguments.results} says: {', '.join(stale)}")


if __name__ == "__main__":
    main()
