"""``df.gio``: where a frame comes from, and the same again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import gio_pandas as gio
from gio_pandas import sandbox as embedded
from gio_pandas.exports.ledger import ledger_path

Connect = Callable[..., gio.Session]


@pytest.fixture
def connect(sandbox: embedded.Sandbox) -> Iterator[Connect]:
    """Connect the module's own verbs to the platform that all tests share."""
    with ExitStack() as stack:

        def open_current(url: str = sandbox.url, **settings: Any) -> gio.Session:
            known = {"api_key": sandbox.api_key, "project": "默认项目", **settings}
            return stack.enter_context(gio.connect(url, **known))

        yield open_current


@pytest.fixture
def frame(connect: Connect) -> pd.DataFrame:
    """Read a segment with everything that can be asked for."""
    connect()
    return gio.read_segment(
        "分群1",
        tags=["会员等级", "订单交易笔数"],
        properties=["usr_city"],
        charset="UTF-8",
        dtype={"订单交易笔数": "Float64"},
        dtype_backend="numpy_nullable",
    )


def test_a_source_is_a_table(frame: pd.DataFrame) -> None:
    """A row a fact, in words that can be read at a glance."""
    source = frame.gio.source
    assert isinstance(source, pd.DataFrame)
    assert list(source.columns) == ["value"]
    shown = source["value"].to_dict()
    known = [key for key in frame.attrs["gio"] if key not in ("project_name", "decided_by")]
    assert list(shown) == known
    assert shown["project"] == f"默认项目 ({frame.attrs['gio']['project']})"
    assert shown["kind"] == "segment (分群)"
    assert shown["name"] == "分群1"
    assert shown["rows"] == str(len(frame))
    assert shown["files"] == "下载用户列表.csv"
    assert shown["columns"] == ", ".join(frame.columns)
    assert "properties=['usr_city']" in shown["arguments"]
    assert "file_name" not in shown["arguments"]
    assert all(isinstance(value, str) for value in shown.values())


def test_a_source_is_shown_whole(connect: Connect) -> None:
    """Neither as text nor as HTML is anything cut off, however much was asked for."""
    connect()
    properties = ["usr_city", "usr_age", "usr_phone", "usr_birthday", "usr_balance", "usr_email"]
    source = gio.read_segment("分群1", tags=["会员等级"], properties=properties).gio.source
    for shown in (repr(source), source._repr_html_()):
        for value in source["value"]:
            assert value.replace("'", "&#x27;") in shown or value in shown
        assert "..." not in shown


def test_an_accessor_says_what_it_is_of_and_what_it_offers(frame: pd.DataFrame) -> None:
    """In a notebook as a card, elsewhere as text; of some rows, how many there were."""
    few = frame.head(3)
    for shown in (repr(few.gio), few.gio._repr_html_()):
        for word in ("分群1", f"3 rows, 5 columns (of {len(frame)} rows that were read)"):
            assert word in shown
        for offer in (".source", ".describe()", ".enrich(", ".plot(", ".refresh()"):
            assert offer in shown
            assert hasattr(few.gio, offer.strip(".()"))
        assert " object at 0x" not in shown


@pytest.mark.parametrize(
    "attrs",
    [
        {},
        {"gio": 7, "gio_enriched": 7},
        {"gio": {"kind": 7, "rows": "x", "read": "soon", "columns": 3, "arguments": []}},
        {"gio_enriched": {"x": {"from": "tag", "matched": 1, "rows": 2}, "y": 7}},
        {"gio": {"name": "<script>", "kind": "segment", "project": None}},
    ],
)
def test_an_accessor_of_any_frame_can_be_looked_at(attrs: dict[str, Any]) -> None:
    """Whatever a file has brought in ``attrs``: no error, and nothing but text."""
    frame = pd.DataFrame({"x": [1]})
    frame.attrs.update(attrs)
    assert ".describe()" in repr(frame.gio)
    assert "<script>" not in frame.gio._repr_html_()
    if isinstance(attrs.get("gio"), dict):
        assert repr(frame.gio.source)


def test_refresh_runs_the_same_export_again(frame: pd.DataFrame) -> None:
    """The same rows, columns and dtypes, from a new job; the frame itself is left as it is."""
    before = frame.copy()
    again = frame.gio.refresh()
    pd.testing.assert_frame_equal(again, frame, check_frame_type=True)
    pd.testing.assert_frame_equal(frame, before)
    assert again.attrs["gio"]["job"] != frame.attrs["gio"]["job"]
    fixed = ("platform", "project", "kind", "id", "name", "charset", "rows", "arguments")
    assert all(again.attrs["gio"][name] == frame.attrs["gio"][name] for name in fixed)


@pytest.mark.parametrize(
    ("verb", "name", "options"),
    [
        ("tag", "tag_payment_times", {"detail": True, "file_name": "我的"}),
        ("tag", "平台专属标签", {}),
        ("tag", "tag_rfm", {"dtype": str}),
        ("funnel", "漏斗1", {"dtype": {"步骤": "int32"}}),
        ("event", "事件1", {}),
        ("retention", "留存1", {"dtype_backend": "pyarrow"}),
        ("frequency", "分布1", {}),
    ],
)
def test_every_kind_is_refreshed(
    connect: Connect, verb: str, name: str, options: dict[str, Any]
) -> None:
    """Each verb's own arguments are run again with it."""
    connect()
    frame = getattr(gio, f"read_{verb}")(name, **options)
    pd.testing.assert_frame_equal(frame.gio.refresh(), frame)


def test_refresh_needs_no_project_of_the_session(frame: pd.DataFrame, connect: Connect) -> None:
    """The frame knows its own project."""
    connect(project=None)
    assert len(frame.gio.refresh()) == len(frame)


def test_a_frame_of_another_platform_is_not_refreshed(
    frame: pd.DataFrame, connect: Connect, sandbox: embedded.Sandbox
) -> None:
    """An id means another thing elsewhere: the error says where to connect first."""
    connect("http://127.0.0.1:1")
    with pytest.raises(gio.SettingsError, match=rf"gio\.connect\('{sandbox.url}', …\) first"):
        frame.gio.refresh()


def test_a_frame_of_an_attached_job_is_refreshed(frame: pd.DataFrame, connect: Connect) -> None:
    """What was submitted from this machine can be submitted again."""
    attached = gio.attach(frame.attrs["gio"]["job"]).to_pandas()
    again = attached.gio.refresh()
    pd.testing.assert_frame_equal(again, frame)
    assert again.attrs["gio"]["job"] != frame.attrs["gio"]["job"]


@pytest.mark.parametrize("step", [pd.read_parquet, pd.read_pickle])
def test_a_frame_out_of_a_file_is_refreshed(
    frame: pd.DataFrame, tmp_path: Path, step: Callable[[Path], pd.DataFrame]
) -> None:
    """Parquet and pickle bring along all that is needed."""
    frame.to_parquet(tmp_path / "frame")
    if step is pd.read_pickle:
        frame.to_pickle(tmp_path / "frame")
    pd.testing.assert_frame_equal(step(tmp_path / "frame").gio.refresh(), frame)


def test_a_frame_out_of_our_own_parquet_is_refreshed(connect: Connect, tmp_path: Path) -> None:
    """What ``to_parquet`` wrote, a folder of files too, knows what it came of."""
    connect()
    job = gio.submit_segment("分群1", properties=["usr_city", "usr_age"])
    job.to_parquet(tmp_path / "users/")
    again = pd.read_parquet(tmp_path / "users")
    pd.testing.assert_frame_equal(again.gio.refresh(), job.to_pandas())


def test_a_source_is_lost_rather_than_wrong(frame: pd.DataFrame, connect: Connect) -> None:
    """Two exports put together are neither of them; how to keep a source is said."""
    other = gio.read_segment("分群2")
    for both in (frame.merge(other, on="gio_id"), pd.concat([frame, other])):
        with pytest.raises(gio.SettingsError, match=r"does not say .*attrs\.update"):
            both.gio.refresh()
    same = pd.concat([frame.head(2), frame.tail(2)])
    assert len(same.gio.refresh()) == len(frame)
    assert len(frame.groupby("城市").sum(numeric_only=True).gio.refresh()) == len(frame)


def test_refresh_stays_in_the_frames_own_project(connect: Connect) -> None:
    """Whatever project was chosen since."""
    connect()
    frame = gio.read_segment("高价值用户")
    gio.use("电商小程序")
    again = frame.gio.refresh()
    assert again.attrs["gio"]["id"] == frame.attrs["gio"]["id"]
    assert again.attrs["gio"]["project_name"] == "默认项目"


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "many"},
        {"kind": "analysis"},
        {"kind": None},
        {"arguments": None},
        {"id": None, "job": None},
        {"platform": ...},
        {"project": ...},
        {"arguments": ...},
    ],
)
def test_a_source_that_is_not_whole_is_not_run(
    frame: pd.DataFrame, connect: Connect, change: dict[str, Any]
) -> None:
    """A file may have brought anything: one line, and nothing is submitted."""
    source = {**frame.attrs["gio"], **change}
    frame.attrs["gio"] = {key: value for key, value in source.items() if value is not ...}
    submitted = len(gio.jobs())
    with pytest.raises(gio.SettingsError, match=r"source is not whole.*gio\.read_"):
        frame.gio.refresh()
    assert len(gio.jobs()) == submitted


def test_a_dtype_that_cannot_be_spelled_is_refused(frame: pd.DataFrame, connect: Connect) -> None:
    """Arrow's decimals have parameters that their name does not bring back."""
    frame.attrs["gio"]["arguments"]["dtype"] = {"城市": "decimal128(10, 2)[pyarrow]"}
    with pytest.raises(gio.SettingsError, match=r"decimal128.* is none that pandas knows"):
        frame.gio.refresh()


def test_a_frame_of_another_machines_job_is_not_refreshed(
    frame: pd.DataFrame, connect: Connect
) -> None:
    """A job's id tells what it was, not what was asked for; its source is still shown."""
    ledger_path().unlink()
    attached = gio.attach(frame.attrs["gio"]["job"]).to_pandas()
    assert attached.gio.source.loc["job", "value"] == frame.attrs["gio"]["job"]
    with pytest.raises(gio.SettingsError, match=r"attached job .*gio\.read_"):
        attached.gio.refresh()


@pytest.mark.parametrize("attrs", [{}, {"gio": "no"}, {"other": {}}])
def test_another_frame_has_no_source(attrs: dict[str, Any]) -> None:
    """A frame that was not read here says so, in one line."""
    frame = pd.DataFrame({"x": [1]})
    frame.attrs.update(attrs)
    for ask in (lambda: frame.gio.source, lambda: frame.gio.refresh()):
        with pytest.raises(gio.SettingsError, match=r"does not say .*gio\.read_"):
            ask()


@pytest.mark.parametrize(
    "step",
    [
        lambda frame: frame[frame["城市"] == "上海"],
        lambda frame: frame.copy(),
        lambda frame: frame.rename(columns={"城市": "city"}),
        lambda frame: frame.assign(x=1),
        lambda frame: frame[["城市"]],
    ],
)
def test_a_source_survives_pandas_own_steps(
    frame: pd.DataFrame, step: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    """What is filtered, copied or renamed still says where it comes from."""
    assert step(frame).gio.source.equals(frame.gio.source)
