"""``df.gio``: where a frame comes from, and the same again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
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
    assert list(source.columns) == ["value"]
    shown = source["value"].to_dict()
    assert list(shown) == list(frame.attrs["gio"])
    assert shown["name"] == "分群1"
    assert shown["rows"] == str(len(frame))
    assert shown["files"] == "下载用户列表.csv"
    assert "properties=['usr_city']" in shown["arguments"]
    assert "file_name" not in shown["arguments"]
    assert all(isinstance(value, str) for value in shown.values())


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
