"""Names as they are shown."""

from __future__ import annotations

from gio_pandas.titles import cut, plain


def test_what_is_long_is_cut() -> None:
    """To so many letters, the mark of it among them; what fits is left alone."""
    assert cut("用户" * 5_000) == "用户" * 99 + "用…"
    assert cut("用户", 2) == "用户"


def test_nothing_breaks_the_line_or_turns_it_around() -> None:
    """Line ends, escapes, halves of letters and marks of direction are blanks."""
    assert plain("a\nb\x1b[2Jc\u202ed\u2066e\ud800f") == "a b [2Jc d e f"


def test_what_names_have_stays() -> None:
    """Chinese, its blank, and emoji that are joined out of several."""
    name = "双\u300011 \U0001f469\u200d\U0001f4bb"
    assert plain(name) == name
