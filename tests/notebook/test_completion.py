"""What Tab offers in a line of ``%gio``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from IPython.core.completer import CompletionContext
from shells import Shell

import gio_pandas as gio
from gio_pandas import sandbox as embedded
from gio_pandas.notebook import choices
from gio_pandas.notebook.choices import CHARSETS
from gio_pandas.notebook.commands import COMMANDS
from gio_pandas.notebook.completion import Completion, Slot, slot

PROJECT = "默认项目"


@pytest.fixture
def listed(shell: Shell, sandbox: embedded.Sandbox) -> Iterator[Shell]:
    """Connect it, and list some of what there is."""
    with gio.connect(sandbox.url, api_key=sandbox.api_key, project=PROJECT):
        shell.run("%gio projects -o p\n%gio segments -o s\n%gio tags -o t")
        yield shell


def test_commands_are_completed(shell: Shell) -> None:
    """All of them, those that begin so, and those that only have it in them."""
    lines = [f"%gio {name}" for name, command in COMMANDS.items() if command.sign == "%"]
    assert shell.tab("%gio ") == lines
    assert shell.tab("%gio se") == ["%gio segments", "%gio search", "%gio segment"]
    assert shell.tab("x = %gio funn") == ["x = %gio funnels", "x = %gio funnel"]
    assert shell.tab("%gio ment") == ["%gio segments", "%gio segment"]
    assert shell.tab("%%gio ") == ["%%gio graphql"]


def test_options_and_their_values_are_completed(listed: Shell) -> None:
    """In both spellings, and once there is a name, without a letter of theirs."""
    assert listed.tab("%gio segment x --re") == [
        "%gio segment x --reuse",
        "%gio segment x --refresh",
    ]
    assert listed.tab("%gio segment --cha") == ["%gio segment --charset"]
    assert listed.tab("%gio segment x ")[:2] == ["%gio segment x -o", "%gio segment x --head"]
    assert listed.tab("%gio segment x --charset ") == [
        f"%gio segment x --charset {name}" for name in CHARSETS
    ]
    assert listed.tab("%gio tag x --charset=g") == [
        "%gio tag x --charset=GBK",
        "%gio tag x --charset=GB18030",
    ]
    assert listed.tab("%gio jobs --kind f") == [
        "%gio jobs --kind funnel",
        "%gio jobs --kind frequency",
    ]
    assert listed.tab("%gio segment x -o ") == [f"%gio segment x -o {name}" for name in "pst"]
    assert listed.tab("%gio profile C1 C2 --sc") == ["%gio profile C1 C2 --scope"]
    assert listed.tab("%gio profile C1 --tag 会员等") == ["%gio profile C1 --tag 会员等级"]
    assert listed.tab("%gio profile C1") == []
    assert listed.tab("%gio connect sa") == ["%gio connect sandbox:"]
    assert listed.tab("%%gio graphql --v") == ["%%gio graphql --var"]


def test_files_are_left_to_the_shell(
    listed: Shell, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows them better."""
    monkeypatch.chdir(str(tmp_path))
    open("用户.parquet", "w").close()
    assert listed.tab("%gio segment x --parquet 用") == ["%gio segment x --parquet 用户.parquet"]


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("%gio segment 高价", "%gio segment 高价值用户"),
        ("df = %gio segment 价值用", "df = %gio segment 高价值用户"),
        ("a, b['x'] = %gio segment 价值用", "a, b['x'] = %gio segment 高价值用户"),
        ("    %gio segment -o df 高价", "    %gio segment -o df 高价值用户"),
        ("%gio segment a&b", '%gio segment "A&B 渠道 100%"'),
        ("%gio segment Ａ＆Ｂ", '%gio segment "A&B 渠道 100%"'),
        ('%gio segment "100% 渠', '%gio segment "A&B 渠道 100%"'),
        ("%gio segment '渠道 A&", "%gio segment 'A&B 渠道 100%'"),
        ('%gio segment "双 11', '%gio segment "双 11 大促\u3000加购 未支付"'),
        ("%gio segment x --tag 会员等", "%gio segment x --tag 会员等级"),
        ("%gio segment x --tag=会员等", "%gio segment x --tag=会员等级"),
        ("%gio segment x --tag='会员等", "%gio segment x --tag='会员等级'"),
        ("%gio tag tag_payment_t", "%gio tag tag_payment_times"),
        ("%gio use 默认", "%gio use 默认项目"),
        ("%gio use 海外", '%gio use "海外站 Global Store"'),
        ("%gio segments --project 门店", '%gio segments --project "门店会员 & 积分"'),
    ],
)
def test_names_are_completed(listed: Shell, line: str, first: str) -> None:
    """Without case, in any width and from their middle; with quotes where they are needed."""
    assert listed.tab(line)[0] == first


@pytest.mark.parametrize("typed", ["a&b", "'渠道 A", '"#1', "双"])
def test_what_is_completed_can_be_run(listed: Shell, typed: str) -> None:
    """The line that Tab makes is read as the name that was meant."""
    line = listed.tab(f"%gio segment {typed}")[0]
    assert len(listed.run(f"{line} --head 1")) == 1


def test_a_quote_that_the_editor_has_closed_is_not_closed_twice(listed: Shell) -> None:
    """Editors put the second one there with the first."""
    assert listed.tab('%gio segment "高价', after='"') == ['%gio segment "高价值用户"']
    assert listed.tab("%gio segment x --tag='会员等", after="'") == [
        "%gio segment x --tag='会员等级'"
    ]


def test_names_that_several_have_are_completed_by_id(listed: Shell) -> None:
    """A name alone would be an error."""
    found = listed["s"].query("name == '新客'")["id"].tolist()
    assert len(found) > 1
    assert set(listed.tab("%gio segment 新客")) >= {f"%gio segment {one}" for one in found}
    assert "%gio segment 新客" not in listed.tab("%gio segment 新客")


def test_names_of_another_project_are_those_of_it(listed: Shell) -> None:
    """Where the line names one that was listed."""
    other = "门店会员 & 积分"
    assert listed.tab(f"%gio segment --project '{other}' 分") == []
    name = listed.run(f"%gio segments --project '{other}'")["name"].iloc[0]
    line = f"%gio segment --project '{other}' "
    assert listed.tab(line)[0].startswith(line)
    assert name in listed.tab(line)[0]


def test_jobs_are_completed(listed: Shell) -> None:
    """The newest first, as the ledger has them."""
    first, second = (gio.submit_segment("高价值用户").id for _ in range(2))
    completion = Completion(listed.ip)
    completion.warm()
    assert completion.is_warm(timeout=20)
    line = "%gio attach "
    found = completion.matches(CompletionContext("", line, len(line), 0, 500))["completions"]
    assert [one.text for one in found][:2] == [second, first]
    assert next(iter(found)).type == "segment"


@pytest.mark.parametrize(
    "line",
    ["%gio segment 高", "%gio funnel 上", "%gio use 默", "%gio segment x --tag ", "%gio attach V"],
)
def test_tab_asks_nothing(shell: Shell, sandbox: embedded.Sandbox, line: str) -> None:
    """Where nothing was listed, nothing is offered, and Python's own names are not, either."""
    with gio.connect(sandbox.url, api_key=sandbox.api_key, project=PROJECT) as session:
        shell.run("1")
        before = len(sandbox.requests)
        assert shell.tab(line) == []
        assert len(sandbox.requests) == before
        assert not session.is_open


def test_a_cell_makes_what_tab_looks_through(listed: Shell) -> None:
    """Verbs of Python fill the memory as magics do."""
    assert listed.tab("%gio funnel 漏斗1") == []
    gio.list_funnels()
    assert listed.tab("%gio funnel 漏斗1")[0] == "%gio funnel 漏斗1"
    assert len(listed.tab("%gio funnel ")) > 30


@pytest.mark.parametrize(
    "line",
    ["gio.read_seg", "%gi", "x = 5 % gio", "# %gio segment ", "%giox segment ", "%ls ", "import o"],
)
def test_other_lines_are_left_alone(line: str) -> None:
    """They are the shell's."""
    assert slot(line) is None


@pytest.mark.parametrize(
    "line",
    [
        *("", "x", "segment", "segment '", "segment --", "segment --tag", "segment --tag="),
        *("segment x -o", "segment -- ", "segment - ", "zzz ", "zzz --tag ", "graphql "),
        *("search a ", "--help ", "'", '"seg'),
    ],
)
def test_whatever_is_typed_is_no_error(listed: Shell, line: str) -> None:
    """Tab is pressed anywhere; what is offered replaces what was typed."""
    completion = Completion(listed.ip)
    for whole in (f"%gio {line}", f"%%gio {line}", f"x = %gio {line}"):
        result = completion.matches(CompletionContext("", whole, len(whole), 0, 500))
        assert whole.endswith(result["matched_fragment"])
        assert len(result["completions"]) > 0  # else IPython asks for Python's names
        assert all(one.type for one in result["completions"])
        assert result["suppress"] is True


def test_only_the_line_with_the_cursor_counts(listed: Shell) -> None:
    """In a cell of several lines."""
    cell = "x = 1\n%gio segment 高价\ny = 2"
    context = CompletionContext("", cell, len("%gio segment 高价"), 1, 500)
    found = Completion(listed.ip).matches(context)["completions"]
    assert [one.text for one in found][:1] == ["高价值用户"]


def test_what_is_being_typed_is_known() -> None:
    """Its kind, its text without quotes, and what of the line it replaces."""
    assert slot("%gio segment --tag='会 员") == Slot(
        "tag", "'会 员", "会 员", "'", COMMANDS["segment"], None, "%"
    )
    assert slot("%gio segment --project=甲 x --tag ") == Slot(
        "tag", "", "", "", COMMANDS["segment"], "甲", "%"
    )


def test_a_type_is_a_short_word(listed: Shell) -> None:
    """Editors have a narrow column for it, made for Latin letters."""
    completion = Completion(listed.ip)
    for line in (
        "",
        "segment ",
        "tag ",
        "use ",
        "segment x --",
        "segment x --charset ",
        "connect ",
    ):
        whole = f"%gio {line}"
        found = completion.matches(CompletionContext("", whole, len(whole), 0, 500))["completions"]
        types = {str(one.type) for one in found}
        assert types
        assert all(word.isascii() and len(word) <= 8 for word in types)


@pytest.mark.parametrize("line", ["for x in y: %gio seg", "if x: %gio segment 高", "x: %%gio gra"])
def test_inside_of_a_block_nobody_looks_for_anything(listed: Shell, line: str) -> None:
    """No magic can stand there; IPython would search its whole world for one."""
    result = Completion(listed.ip).matches(CompletionContext("", line, len(line), 0, 500))
    assert (list(result["completions"]), result["suppress"]) == ([], True)
    assert listed.tab(line) == []


def test_names_that_are_not_made_ready_are_matched_as_they_are(
    listed: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever presses Tab does not wait for the index, which is made behind it."""
    monkeypatch.setattr(choices, "_FEW", 0)
    gio.list_segments()  # a new listing, which nobody has looked at
    completion = Completion(listed.ip)

    def tab(line: str) -> list[str]:
        found = completion.matches(CompletionContext("", line, len(line), 0, 500))["completions"]
        return [one.text for one in found]

    offer = choices.remembered(gio.current_session(), "segment")
    assert offer is not None
    assert not offer.is_ready
    assert "高价值用户" in tab("%gio segment 高价")
    assert completion.is_warm(timeout=20)
    assert offer.is_ready
    assert "高价值用户" in tab("%gio segment 价值用")


def test_thousands_of_names_are_looked_through(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    """As many as are shown are given, the best first."""
    with (
        embedded.start(stage_seconds=0, segments=5_000) as platform,
        gio.connect(platform.url, api_key=platform.api_key, project=PROJECT),
    ):
        shell.run("%gio segments -o s")
        assert len(shell["s"]) > 5_000
        assert len(shell.tab("%gio segment ")) == 500
        assert shell.tab("%gio segment 高价值用户")[0] == "%gio segment 高价值用户"
        last = shell["s"]["name"].iloc[-1]
        assert shell.tab(f"%gio segment '{last}")[0] == f"%gio segment '{last}'"
