"""The line of Python that does the same."""

from __future__ import annotations

from typing import Any

import pytest

from gio_pandas.notebook.code import call, literal, read_line


def test_a_line_says_what_was_chosen_and_no_more() -> None:
    """What was left as it is, is left out."""
    line = read_line(
        "segment", "高价值用户", target="df", tags=["会员等级"], properties=(), charset=None
    )
    assert line == 'df = gio.read_segment("高价值用户", tags=["会员等级"])'
    assert read_line("tag", "tag_a", verb="submit", detail=False) == 'gio.submit_tag("tag_a")'
    assert call("jobs", kind="tag", target="jobs") == 'jobs = gio.jobs(kind="tag")'


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
