"""The line of Python that does the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gio_pandas.notebook.code import call, literal, read_line


def test_a_line_says_what_was_chosen_and_no_more() -> None:
    """What was left as it is, is left out."""
    line = read_line(
        "segment", "高价值用户", target="df", tags=["会员等级"], properties=(), charset=None
    )
    assert line == 'df = gio.read_segment("高价值用户", tags=["会员等级"])'
    assert read_line("tag", "tag_a", verb="submit", detail=None) == 'gio.submit_tag("tag_a")'
    assert call("jobs", kind="tag", target="jobs") == 'jobs = gio.jobs(kind="tag")'


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ({"timeout": None}, "timeout=None"),
        ({"timeout": 0}, "timeout=0"),
        ({"timeout": ...}, ""),
        ({"refresh": False}, ""),
        ({"refresh": 0}, "refresh=0"),
        ({"progress": False}, "progress=False"),
        ({"project": ""}, 'project=""'),
        ({"columns": []}, "columns=[]"),
        ({"columns": np.array(["甲", "乙"])}, 'columns=["甲", "乙"]'),
        ({"columns": pd.Index(["甲"])}, 'columns=["甲"]'),
        ({"tags": (word for word in ("甲", "乙"))}, 'tags=["甲", "乙"]'),
        ({"tags": iter(())}, ""),
        ({"tags": "甲"}, 'tags="甲"'),
        ({"properties": {"usr_city": 1}.keys()}, 'properties=["usr_city"]'),
        ({"dtype": str}, "dtype=str"),
        ({"dtype": {"甲": np.float64}}, 'dtype={"甲": "float64"}'),
        ({"dtype": pd.Int64Dtype()}, 'dtype="Int64"'),
        ({"memory_limit": np.int64(5)}, "memory_limit=5"),
        ({"reuse": timedelta(hours=1)}, 'reuse="3600s"'),
        ({"reuse": timedelta(seconds=0.25)}, 'reuse="0.25s"'),
        ({"strange": None}, "strange=None"),
    ],
)
def test_only_what_the_verb_does_anyhow_is_left_out(options: Any, written: str) -> None:
    """0 is not False, None is not nothing; and what is gone through once is written as a list."""
    comma = ", " if written else ""
    assert read_line("segment", "x", **options) == f'gio.read_segment("x"{comma}{written})'


def test_a_tags_detail_is_said() -> None:
    """False asks for another export than None does."""
    assert read_line("tag", "a", detail=False) == 'gio.read_tag("a", detail=False)'


@pytest.mark.parametrize(
    "value",
    [
        'mit "Anführung"',
        "it's",
        "back\\slash",
        "zwei\nZeilen",
        "\u200b\x00\x7f\ud800",
        "高价值 用户😀",
        ["甲", 1, None],
        ("甲",),
        ("甲", "乙"),
        {"甲": [1.5, True]},
        3,
        None,
    ],
)
def test_a_literal_is_read_back_as_what_it_was(value: Any) -> None:
    """Whatever is in a name, the line runs."""
    assert eval(literal(value)) == value
    assert "\n" not in literal(value)
