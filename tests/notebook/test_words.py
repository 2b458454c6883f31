"""The words of a line, as a person types them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gio_pandas.notebook.words import quoted, scan, split

AWKWARD = st.text(alphabet="ab高 \t\u3000'\"=-{}$\\.“”「", max_size=12)


def texts(line: str) -> list[str]:
    return [word.text for word in split(line)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  segment\t高价值用户 ", ["segment", "高价值用户"]),
        ('segment "高价值 用户"', ["segment", "高价值 用户"]),
        ("segment '高价值 用户' -o df", ["segment", "高价值 用户", "-o", "df"]),
        ("--tag='会员 等级' --tag=\"a b\"", ["--tag=会员 等级", "--tag=a b"]),
        ('""', [""]),
        ("it's 5\"屏", ["it's", '5"屏']),
        ("""'say "hi"' "it's" 'a'"'"'b'""", ['say "hi"', "it's", "a'b"]),
        (r"C:\data\用户 'D:\a b\'", ["C:\\data\\用户", "D:\\a b\\"]),
        ("“高价值 用户” 「重点」", ["“高价值", "用户”", "「重点」"]),
        ("双\u300011 A&B #1 a;b $x", ["双\u300011", "A&B", "#1", "a;b", "$x"]),
        ("""filter={"a":1} 'filter={"a": 1}'""", ['filter={"a":1}', 'filter={"a": 1}']),
    ],
)
def test_a_line_is_split_as_it_is_meant(line: str, words: list[str]) -> None:
    """Blanks are between words, quotes around them; all else is a letter of theirs."""
    assert texts(line) == words


@pytest.mark.parametrize("line", ["segment '高价值", 'a "b c', "--tag='x", "'a'\"b"])
def test_a_quote_that_is_not_closed_is_told(line: str) -> None:
    """The message says which."""
    with pytest.raises(ValueError, match=r"A quote ['\"] is not closed"):
        split(line)
    assert scan(line)[-1].is_open


@given(AWKWARD)
def test_what_is_quoted_is_one_word_again(text: str) -> None:
    """Whatever a name has in it, completion can write it so that it is read back."""
    for quote in ("", "'", '"'):
        [word] = split(quoted(text, quote))
        assert word.text == text
        assert not word.is_option
        assert word.with_variables(lambda name: f"<{name}>").text == text


@given(AWKWARD)
def test_a_line_that_is_being_typed_is_always_read(text: str) -> None:
    """No line is an error to Tab, and every word knows where it stands."""
    words = scan(text)
    assert all(first.end <= second.start for first, second in pairwise(words))
    assert all(0 <= word.start < word.end <= len(text) for word in words)


@pytest.mark.parametrize(
    "name", ["高价值用户", "it's", "A&B", "双\u300011", "$basic_name", "C++", "#1"]
)
def test_a_plain_name_is_not_quoted(name: str) -> None:
    """Quotes are used where they are needed."""
    assert quoted(name) == name


def test_a_quote_that_was_begun_is_kept() -> None:
    """Unless the name has it in itself, or would be taken for a variable."""
    assert quoted("a b", "'") == "'a b'"
    assert quoted("it's", "'") == '"it\'s"'
    assert quoted("{name}", '"') == "'{name}'"


VARIABLES = {"name": "高价值 用户", "n": "7", "row.id": "x"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{name}", ["高价值 用户"]),
        ("--tag={name}", ["--tag=高价值 用户"]),
        ("\"{name}\" '{name}'", ["高价值 用户", "{name}"]),
        ("df_{n} out/{n}.parquet", ["df_7", "out/7.parquet"]),
        ("{row.id} {row.name}", ["x", "{row.name}"]),
        ("{other} {} {1} {n+1} {n!r} $n", ["{other}", "{}", "{1}", "{n+1}", "{n!r}", "$n"]),
    ],
)
def test_a_variable_stands_for_its_value(line: str, words: list[str]) -> None:
    """A word stays one word whatever the value has in it; what is no variable is what it says."""
    assert [word.with_variables(VARIABLES.get).text for word in split(line)] == words


def test_what_comes_of_a_variable_is_no_option() -> None:
    """Nor is what stands in quotes: a name may begin with a dash."""
    words = [word.with_variables(lambda _: "-o") for word in split("{name} '-o' -o --head=3 -")]
    assert [word.is_option for word in words] == [False, False, True, True, False]
