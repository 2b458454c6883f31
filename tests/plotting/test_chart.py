"""``plotting.chart`` and ``plotting.save``: what is refused, what is shown, what is written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import pytest
from browser import chromium, new_page

import gio_pandas as gio
from gio_pandas import plotting
from gio_pandas import sandbox as embedded

from .specs import days, frame, rows, spec, values

MIME = "application/vnd.vegalite.v5+json"
AWKWARD = ["人均.次数[元]", "a:Q", 'say "hi"', "it's", "datum.x", "a b", "x\\y", "甲\n乙", "$"]
EXPORTS = [
    *(("funnel", f"漏斗{number}") for number in (1, 2, 3)),
    *(("event", f"事件{number}") for number in (1, 2, 3)),
    *(("retention", f"留存{number}") for number in (1, 2)),
    *(("frequency", f"分布{number}") for number in (1, 2)),
    *(
        ("tag", name)
        for name in ("订单交易笔数", "会员等级", "最近下单日期", "累计消费金额", "无人标签")
    ),
    *(("segment", name) for name in ("高价值用户", "空分群")),
]


@pytest.fixture
def session(sandbox: embedded.Sandbox) -> Iterator[gio.Session]:
    """Open a session on the platform that all tests share."""
    with gio.Session(sandbox.url, api_key=sandbox.api_key, project="默认项目") as opened:
        yield opened


def funnel() -> pd.DataFrame:
    """Make a small funnel."""
    return frame("funnel", {"步骤": ["打开", "支付"], "用户数": [45_494, 4_279]}, "漏斗1")


# --- frames --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "name"), EXPORTS)
def test_every_export_has_a_chart(session: gio.Session, kind: str, name: str) -> None:
    """As it comes from the platform, it says what to draw; the accessor draws the same."""
    made = getattr(session, f"read_{kind}")(name)
    found = spec(made)
    assert name in found["description"]
    assert name in json.dumps(found["title"], ensure_ascii=False)
    assert made.gio.plot().to_dict() == plotting.chart(made).to_dict()


def test_the_frame_is_left_as_it_is() -> None:
    """Neither its values nor its names nor its attrs change."""
    made = funnel()
    before, attrs = made.copy(), json.dumps(made.attrs)
    spec(made, x="步骤", y="用户数")
    pd.testing.assert_frame_equal(made, before)
    assert json.dumps(made.attrs) == attrs


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("kind", plotting.KINDS)
def test_any_name_of_a_column_can_be_drawn(kind: str, name: str) -> None:
    """Names are titles and values, never Vega's fields, in which dots and brackets mean things."""
    first = [0.9, 0.2, 0.1] if kind == "retention" else [900, 20, 3]
    columns = {"gio_id": ["x", "y", "z"], name: first, f"{name}2": [1.5, 0.25, 0.125]}
    found = spec(frame(kind, columns), x=name if kind in ("tag", "segment") else "gio_id")
    fields = set(re.findall(r'"field": "([^"]*)"', json.dumps(found)))
    assert fields <= set(rows(found)[0]) | {"title", "text"}
    assert values(found, "users") or values(found, "value") or values(found, "share")


def test_the_title_is_what_was_exported_or_asked_for() -> None:
    """In one line, whatever the platform calls it."""
    made = funnel()
    assert spec(made)["title"] == "漏斗1"
    assert spec(made, title="九月")["title"] == "九月"
    made.attrs["gio"]["name"] = "a\u202eb\nc"
    assert spec(made)["title"] == "a b c"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"x": "步聚"}, r"x='步聚': there is no such column\. Did you mean '步骤'\?"),
    (
        {"color": "zzz"},
        r"color='zzz': there is no such column\. There are whole numbers: 用户数, 两; text",
    ),
    ({"y": "步骤"}, r"y='步骤': that column holds text\. Choose one of whole numbers or"),
    ({"y": []}, r"y=\[\] names no column"),
    ({"y": ["用户数", "x"]}, "y='x': there is no such column"),
    ({"x": "空"}, "x='空': that column has no values"),
    ({"x": "两"}, r"x='两': 2 columns have that name\. Rename them"),
    ({"kind": "pie"}, "There is no chart of 'pie'. Say it: .*'funnel'"),
]


@pytest.mark.parametrize(("asked", "words"), REFUSED)
def test_what_cannot_be_meant_is_told(asked: dict[str, Any], words: str) -> None:
    """In a line, with what can be."""
    made = pd.concat([funnel(), pd.DataFrame({"空": [None, None], "两": [1, 2]})], axis=1)
    made = pd.concat([made, pd.DataFrame({"两": ["a", "b"]})], axis=1)
    with pytest.raises(gio.SettingsError, match=words) as told:
        plotting.chart(made, **({"kind": "funnel"} | asked))
    assert len(str(told.value).splitlines()) == 1


def test_a_frame_of_anywhere_says_its_kind() -> None:
    """What was not read here can be drawn all the same, once the kind is said."""
    made = pd.DataFrame({"步骤": ["打开", "支付"], "用户数": [10, 5]})
    with pytest.raises(gio.SettingsError, match=r"does not say what it was read as.*'funnel'"):
        made.gio.plot()
    assert (
        made.gio.plot("funnel").to_dict()["description"]
        == "Funnel: 2 steps, 10 to 5 users (50.00 %)"
    )


# --- shown ---------------------------------------------------------------------------------------


def test_a_notebook_is_given_all_it_may_need() -> None:
    """What JupyterLab draws by itself, a picture for other viewers, and a line of text."""
    bundle, sizes = plotting.chart(funnel())._repr_mimebundle_()
    assert set(bundle) == {MIME, "image/png", "text/plain"}
    assert bundle["text/plain"] == "Funnel 漏斗1: 2 steps, 45,494 to 4,279 users (9.41 %)"
    assert bundle[MIME]["$schema"].endswith("/v5.json")
    assert bundle["image/png"].startswith(b"\x89PNG")
    wide = int.from_bytes(bundle["image/png"][16:20], "big")
    assert sizes["image/png"]["width"] == round(wide / 1.5)


@pytest.mark.parametrize("kind", ["funnel", "event", "retention", "frequency", "segment"])
def test_a_changed_chart_is_still_shown(kind: str) -> None:
    """``properties`` and the like give a chart of the same class, which needs no renderer."""
    columns = {"d": days(3), "n": [9, 5, 4], "a": [0.5, 0.4, 0.2], "b": [0.4, 0.3, 0.1]}
    chart = plotting.chart(frame(kind, columns))
    changed = chart.properties(title="另一个")
    assert type(changed) is type(chart)
    bundle = changed._repr_mimebundle_()[0]
    assert bundle[MIME]["title"] == "另一个"
    assert bundle["text/plain"] == chart.to_dict()["description"]


def test_nothing_of_altair_is_changed_for_others() -> None:
    """The user's renderer, theme and limits stay, and do not decide how ours are shown."""
    before = alt.renderers.active, alt.data_transformers.active
    with alt.renderers.enable("png"), alt.data_transformers.enable("json"):
        bundle = plotting.chart(funnel())._repr_mimebundle_()[0]
        assert rows(bundle[MIME])
        assert alt.renderers.active == "png"
        assert alt.data_transformers.active == "json"
    assert (alt.renderers.active, alt.data_transformers.active) == before


def test_charts_can_be_put_together() -> None:
    """Side by side with others: no settings of ours are in the way, and the user's win."""
    chart = plotting.chart(funnel())
    assert rows((chart | chart).to_dict())
    assert rows((chart & alt.Chart(pd.DataFrame({"x": [1]})).mark_bar().encode(x="x")).to_dict())
    assert "Noto Sans CJK SC, Source Han Sans SC, PingFang SC" in chart.to_dict()["config"]["font"]
    mine = chart.configure(font="Comic Sans").configure_axis(labelFontSize=20).to_dict()["config"]
    assert mine["font"] == "Comic Sans"
    assert mine["axis"]["labelFontSize"] == 20
    assert mine["axis"]["labelLimit"] == chart.to_dict()["config"]["axis"]["labelLimit"]


DRAW = """
import json, sys
import pandas as pd
from gio_pandas import plotting
assert 'altair' not in sys.modules
days = pd.date_range('2026-06-01', periods=3)
table = {'d': [*days, *days], 'c': list('aabbcc'), 'e': list('xyxyxy'), 'n': range(60, 0, -10)}
for kind in plotting.KINDS:
    for _ in range(2):
        shares = {'c': list('ab'), 'x': [.5, .4], 'y': [.3, .2]}
        frame = pd.DataFrame(shares if kind == 'retention' else table)
        if kind in ('frequency', 'funnel'):
            frame = frame.drop(columns='e')
        print(json.dumps(plotting.chart(frame, kind).to_dict(), sort_keys=True))
"""


def test_the_same_table_is_the_same_chart() -> None:
    """Within a notebook and in another run: no name is made up, counted, or drawn by lot."""
    runs = [
        subprocess.run(
            [sys.executable, "-c", DRAW],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    lines = runs[0].splitlines()
    assert lines[::2] == lines[1::2]
    assert "view_" not in runs[0]


# --- written -------------------------------------------------------------------------------------


def test_a_page_needs_no_network(tmp_path: Path) -> None:
    """HTML has all of what draws it inside."""
    path = tmp_path / "漏斗 1.html"
    plotting.save(plotting.chart(funnel()), path)
    page = path.read_text("utf-8")
    assert "打开" in page
    assert not re.findall(r"<(?:script|link)[^>]+(?:src|href)=", page)
    assert not re.findall(r"""(?:import|from)\s*\(?["']https?:""", page)


RUN = "</script><script>window.ran = 1</script>"


@pytest.mark.timeout(60)
def test_a_page_runs_nothing_that_stands_in_a_table(tmp_path: Path) -> None:
    """Whoever fills in a nickname runs no script at those who open the chart; it is drawn."""
    told = ["<!--<script>", RUN, "\u2028{sign 0 003c}\\", "\\<"]
    named = {f"{RUN}步": [*told, "a"], "<b>数": [9, 8, 7, 6, 5]}
    made = frame("funnel", named, f"图{RUN}")
    path = tmp_path / "a.html"
    plotting.save(plotting.chart(made), path)
    page = path.read_text("utf-8")
    assert RUN not in page
    assert not set("\u2028\u2029") & set(page)
    with chromium() as browser, new_page(browser) as opened:
        failures: list[str] = []
        opened.on("pageerror", lambda error: failures.append(str(error)))
        opened.goto(path.as_uri())
        drawn = opened.locator("svg.marks").text_content(timeout=30_000) or ""
        assert opened.evaluate("window.ran") is None
    assert failures == []
    assert f"图{RUN}" in drawn
    assert all(text in drawn for text in ("<!--<script>", "{sign 0 003c}\\", "\\<"))


def test_pictures_are_written(tmp_path: Path) -> None:
    """PNG at twice its size on the screen, SVG with its text; what was there is replaced."""
    chart = plotting.chart(funnel())
    svg, png = tmp_path / "漏斗.SVG", tmp_path / "漏斗.png"
    png.write_bytes(b"old")
    for path in (svg, str(png)):
        plotting.save(chart, path)
    assert all(word in svg.read_text("utf-8") for word in ("打开", "45,494", "9.4%"))
    small = chart._repr_mimebundle_()[1]["image/png"]["width"]
    assert int.from_bytes(png.read_bytes()[16:20], "big") == pytest.approx(2 * small, abs=4)
    assert {path.name for path in tmp_path.iterdir()} == {svg.name, png.name, "home"}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("a.jpg", r"'.*a\.jpg' is no picture that can be written\. End it in \.png, \.svg or"),
        ("png", "End it in"),
        ("no/a.png", "There is no folder"),
        (".", "End it in"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, path: str, words: str) -> None:
    """With what can be written; nothing is left behind."""
    with pytest.raises(gio.SettingsError, match=words):
        plotting.save(plotting.chart(funnel()), tmp_path / path)
    assert list(tmp_path.glob("*.*")) == []


def test_a_picture_is_whole_or_not_there(tmp_path: Path) -> None:
    """What cannot be drawn leaves the picture of the last time alone."""
    path = tmp_path / "a.svg"
    plotting.save(plotting.chart(funnel()), path)
    before = path.read_bytes()
    broken = alt.Chart(alt.InlineData(values=[{"x": 1}])).mark_bar().encode(x=alt.X(wrong=1))
    with pytest.raises(Exception, match="wrong"):
        plotting.save(broken, path)
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.glob("*.*")] == [
        ("a.svg", before)
    ]


# --- without the extra ---------------------------------------------------------------------------


def test_without_altair_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is looked at."""
    monkeypatch.setitem(sys.modules, "altair", None)
    for ask in (lambda: plotting.chart(funnel()), lambda: plotting.save(None, "a.png")):
        with pytest.raises(gio.SettingsError, match=r'pip install "gio-pandas\[plot\]"'):
            ask()


def test_without_what_draws_here_a_browser_still_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A notebook shows the chart, without a picture for other viewers; a file is refused."""
    chart = plotting.chart(funnel())
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    assert set(chart._repr_mimebundle_()) == {MIME, "text/plain"}
    with pytest.raises(gio.SettingsError, match=r'pip install "gio-pandas\[plot\]"'):
        plotting.save(chart, tmp_path / "a.png")
