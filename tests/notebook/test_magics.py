"""``%gio`` in a real shell, on a platform over a real socket."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from shells import Shell, opened

import gio_pandas as gio
from gio_pandas import current
from gio_pandas import sandbox as embedded
from gio_pandas.exports.ledger import ledger_path
from gio_pandas.notebook import progress
from gio_pandas.notebook.commands import COMMANDS, LISTINGS, overview

PROJECT = "默认项目"
NAMES = {
    "segment": "高价值用户",
    "tag": "tag_payment_times",
    "funnel": "漏斗1",
    "event": "事件1",
    "retention": "留存1",
    "frequency": "分布1",
}


@pytest.fixture
def connected(
    shell: Shell, sandbox: embedded.Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shell]:
    """Connect it, with the key in the environment."""
    monkeypatch.setenv("GIO_API_KEY", sandbox.api_key)
    session = shell.run(f"%gio connect {sandbox.url} --project {PROJECT}")
    with session:
        yield shell


def asked(sandbox: embedded.Sandbox, do: Callable[[], Any]) -> list[str]:
    """Say what the platform was asked meanwhile."""
    before = len(sandbox.requests)
    do()
    return [request.step for request in sandbox.requests[before:]]


# --- loading -------------------------------------------------------------------------------------


def put_in(shell: Shell) -> tuple[Any, ...]:
    """List all that an extension can leave in a shell."""
    ip = shell.ip
    magics = {kind: set(known) for kind, known in ip.magics_manager.magics.items()}
    callbacks = {name: list(known) for name, known in ip.events.callbacks.items()}
    names = {name for name in ip.user_ns if not re.match(r"_i?\d*$|_i+$|_o?h$|_d?h$", name)}
    user_magics = set(vars(ip.magics_manager.user_magics))
    return magics, callbacks, names, user_magics, list(ip.Completer.custom_matchers)


def test_unloading_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """No magic, matcher, callback or name stays; and it can be loaded again."""
    with opened(capsys) as shell:
        shell.run("1")
        before = put_in(shell)
        for _ in range(2):
            shell.run("%load_ext gio_pandas")
            assert put_in(shell) != before
            assert shell["gio"] is gio
            shell.run("%unload_ext gio_pandas")
            assert put_in(shell) == before
        assert "UsageError: Line magic function `%gio` not found." in shell.said("%gio")


def test_a_gio_of_the_users_own_stays(capsys: pytest.CaptureFixture[str]) -> None:
    """The name is taken where it is free, and given back where it is still ours."""
    with opened(capsys) as shell:
        shell.run("gio = 5\n%load_ext gio_pandas")
        assert shell["gio"] == 5
        shell.run("del gio\n%unload_ext gio_pandas\n%load_ext gio_pandas\ngio = 6")
        shell.run("%unload_ext gio_pandas")
        assert shell["gio"] == 6


def test_loading_asks_nothing(
    capsys: pytest.CaptureFixture[str], sandbox: embedded.Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where a platform is set, and not even what is set."""
    monkeypatch.setenv("GIO_URL", sandbox.url)
    monkeypatch.setenv("GIO_API_KEY", sandbox.api_key)
    with opened(capsys) as shell:
        assert asked(sandbox, lambda: shell.run("%load_ext gio_pandas")) == []
        assert asked(sandbox, lambda: shell.tab("%gio segment ")) == []
        assert current.connected() is None


def test_reloading_stays_connected(connected: Shell) -> None:
    """``%reload_ext`` runs the face once more; the session is the same, and all works once."""
    before = gio.current_session()
    connected.run("%reload_ext gio_pandas\n%load_ext gio_pandas")
    assert gio.current_session() is before
    assert len(connected.run("%gio projects")) == 4
    assert len(connected.ip.Completer.custom_matchers) == 1


# --- help ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["%gio", "%gio --help", "%gio -h", "%gio help"])
def test_help_shows_every_command(shell: Shell, line: str) -> None:
    """In a screen that fits, in English with the platform's own words."""
    said = shell.said(line)
    assert said == overview()
    assert all(f"  {name}" in said or f"%%gio {name}" in said for name in COMMANDS)
    for word in ("分群", "标签", "漏斗分析", "事件分析", "留存分析", "分布分析", "项目"):
        assert word in said
    assert max(map(len, said.splitlines())) <= 100
    assert len(said.splitlines()) < 45


def test_the_shells_own_help_shows_it(shell: Shell) -> None:
    """``%gio?`` finds the same text."""
    found = shell.ip.object_inspect("%gio")
    assert found["found"]
    assert found["docstring"] == overview()


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(shell: Shell, name: str) -> None:
    """Even where what it needs is missing; its examples can be read by itself."""
    command = COMMANDS[name]
    cell = f"{command.sign}gio {name} --help"
    said = shell.said(cell + ("\nx" if command.sign == "%%" else ""))
    assert said == command.help().strip()
    assert all(f"  {one.name}" in said for one in command.options)
    assert max(map(len, said.splitlines())) <= 100


def test_the_examples_can_be_run(connected: Shell, tmp_path: Path) -> None:
    """What the help shows is read, and what it needs is said by the platform."""
    for command in COMMANDS.values():
        for example in command.examples:
            if command.name in ("connect", "attach", "graphql"):
                continue
            said = connected.said(
                f"{example} --dry-run" if command.option("--dry-run") else example
            )
            assert "UsageError" not in said, example
    first = overview().split("The first steps:\n")[1].split("\n\n")[0].replace("  ", "")
    connected.run(first)
    assert len(connected["df"]) == 1000
    connected.run("gio.current_session().close()")


# --- lines that cannot be meant -------------------------------------------------------------------

WRONG = {
    "%gio segmant x": "There is no command 'segmant'. Did you mean %gio segment?",
    "%gio 留存 x": "There is no command '留存'. Did you mean %gio retention?",
    "%gio zzz": "There is no command 'zzz'. %gio --help lists them.",
    "%gio segment": "segment wants more: %gio segment NAME [options]",
    '%gio segment ""': "segment wants more: ",
    "%gio segment 高价值 用户": 'takes one name. Did you mean %gio segment "高价值 用户"?',
    "%gio segment “高价值 用户”": 'Did you mean %gio segment "高价值 用户"?',
    "%gio segment '高价值 用户": "A quote ' is not closed.",
    "%gio segment x --parqet y": "segment has no option --parqet. Did you mean --parquet?",
    "%gio funnel x --zzz": "funnel has no option --zzz. It has -o, --head,",
    "%gio use x --zzz": "use has no option --zzz. It has none.",
    "%gio pick --kind cohort": "pick --kind is one of segment, tag, funnel,",
    "%gio segment -新客": "A name that begins with - goes in quotes.",
    "%gio segment x -o": "segment -o wants a value, such as -o df.",
    "%gio segment x -o --head 3": "segment -o wants a value",
    "%gio segment x -o 1a": "segment -o takes the name of a variable, not '1a'.",
    "%gio segment x -o class": "takes the name of a variable",
    "%gio segment x -o a -o b": "segment -o is given twice.",
    "%gio segment x --tag": "segment --tag wants a value, such as --tag 会员等级.",
    "%gio segment x --tag ''": "segment --tag wants a value, such as --tag 会员等级.",
    "%gio segment x --reuse=": "segment --reuse wants a value, such as --reuse 30min.",
    "%gio segment x --parquet ''": "wants a value, such as --parquet users.parquet.",
    "%gio segments --project ' '": "segments --project wants a value, such as --project 默认项目.",
    "%gio segment x --head 0": "--head takes a whole number from 1 to 999999999, not '0'.",
    f"%gio segment x --head {'9' * 5_000}": "--head takes a whole number from 1 to 999999999",
    "%gio segment x --timeout soon": "takes seconds above 0, or none to wait for ever, not 'soon'.",
    "%gio segment x --timeout inf": "segment --timeout takes seconds above 0, or none",
    "%gio segment x --timeout 1e999": "segment --timeout takes seconds above 0, or none",
    "%gio segment x --timeout nan --dry-run": "segment --timeout takes seconds above 0, or none",
    "%gio doctor --timeout 0": "doctor --timeout takes seconds above 0, or none",
    "%gio doctor --timeout nan": "doctor --timeout takes seconds above 0, or none",
    f"%gio {'x' * 9_000}": "There is no command 'xxx",
    f"%gio segment x --{'x' * 9_000}": "segment has no option --xxx",
    f"%gio segment {'x' * 9_000} y": "segment takes one name.",
    f"%gio segments {'x' * 9_000}": "segments takes no name, only options",
    "%gio segments 高价值": "Did you mean %gio search 高价值?",
    "%gio list segments": "There is no command 'list'. Did you mean %gio segments?",
    "%gio segment x --bg=yes": "segment --bg takes no value.",
    "%gio segment x --bg --plot": "leave out --plot, and use job.to_pandas().gio.plot() later.",
    "%gio segment x --plot=yes": "segment --plot takes no value.",
    "%gio segment x --bg --head 3": "leave out --head, and use job.to_pandas() later.",
    "%gio segment x --bg --parquet a.parquet": "leave out --parquet, and use job.to_parquet(…)",
    "%gio segment x --tag {shell}": "{shell} is a dict, not text.",
    "%gio profile": "profile wants more: %gio profile ID… [options]",
    "%gio profile C1 --scope galaxy": "profile --scope is one of platform, project.",
    "%gio profile C1 --tag": "profile --tag wants a value, such as --tag 会员等级.",
    "%gio profiles C1": "There is no command 'profiles'. Did you mean %gio profile?",
    "%gio segments x": "segments takes no name, only options: %gio segments [options]",
    "%gio jobs --kind cohort": "jobs --kind is one of segment, tag, funnel,",
    "%gio graphql": "graphql wants the document in the cell below: %%gio graphql [options]",
    "%%gio segments\nx": "segments takes no cell: %gio segments [options], in a line of its own.",
    "%%gio graphql --var x\n{ x }": "--var takes a name and a value, such as --var projectId=",
}


@pytest.mark.parametrize("cell", WRONG)
def test_a_line_that_cannot_be_meant_is_told_in_a_line(
    connected: Shell, sandbox: embedded.Sandbox, cell: str
) -> None:
    """With what can be meant, before anything is asked of the platform."""
    connected.run("shell = {}")
    said: list[str] = []
    assert asked(sandbox, lambda: said.append(connected.said(cell))) == []
    assert len(said[0].splitlines()) == 1
    assert said[0].startswith("UsageError: ")
    assert len(said[0]) < 400
    assert WRONG[cell] in said[0]


REFUSED = {
    "%gio segment 高价值客户": "NotFoundError: There is no segment (分群) '高价值客户'",
    "%gio use 默认项日": "NotFoundError: There is no project (项目) '默认项日'",
    "%gio segment 高价值用户 --reuse soon": "SettingsError: reuse='soon' is no span of time.",
    "%gio segment 高价值用户 --charset klingon": "SettingsError: There is no charset 'klingon'.",
    "%gio jobs --since soon": "SettingsError: since='soon' is no span of time.",
    "%gio connect nowhere": "SettingsError: The url is not the address of a platform.",
    "%%gio graphql\n{ nothing }": "GraphQLError: ",
}


@pytest.mark.parametrize(
    "line",
    [
        "%gio segment 高价值用户 --reuse soon",
        "%gio segment 高价值用户 --charset klingon",
        "%gio segment 高价值用户 --parquet no/such/folder/a.parquet",
        "%gio segment 高价值用户 --bg --plot",
        "%gio attach VGFn --charset klingon",
    ],
)
def test_what_would_be_refused_is_not_written_as_python(
    connected: Shell, sandbox: embedded.Sandbox, line: str
) -> None:
    """``--dry-run`` says what the line itself says, as far as nobody needs to be asked."""
    said: list[str] = []
    for cell in (line, f"{line} --dry-run"):
        assert asked(sandbox, lambda cell=cell: said.append(connected.said(cell))) == []
    assert "Error: " in said[0]
    assert said[0] == said[1]


@pytest.mark.parametrize("cell", REFUSED)
def test_an_error_of_a_verb_is_a_line(connected: Shell, cell: str) -> None:
    """As it is in Python."""
    said = connected.said(cell)
    assert REFUSED[cell] in said
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1


def test_without_a_platform_the_first_verb_says_what_to_do(shell: Shell) -> None:
    """In a line, too."""
    said = shell.said("%gio segments")
    assert said.startswith("SettingsError: No platform is set.")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    "line",
    [
        "https://cdp.example.cn --api-key {}",
        "https://cdp.example.cn --api-key={}",
        "https://cdp.example.cn --token {}",
        "https://cdp.example.cn {}",
        "{}",
        "--timeout {}",
        "--timeout 3 --timeout {}",
        "'{}",
    ],
)
def test_a_key_that_is_typed_is_not_repeated(connected: Shell, line: str) -> None:
    """Whatever place it is put in, the message does not have it, and the session stays."""
    before = gio.current_session()
    said = connected.said(f"%gio connect {line.format('a-key-of-mine')}")
    assert "Error: " in said
    assert "a-key" not in said
    assert gio.current_session() is before


def test_a_key_is_asked_for_by_whoever_asks_now(
    shell: Shell, sandbox: embedded.Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel puts its own question in Python's place for each cell, after we are loaded."""
    monkeypatch.setattr("getpass.getpass", lambda _: sandbox.api_key)
    with shell.run(f"%gio connect {sandbox.url} --ask-key") as session:
        assert len(session.list_projects()) == 4


# --- listings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LISTINGS)
def test_a_listing_is_the_verbs(connected: Shell, name: str) -> None:
    """The same frame as ``gio.list_…``, whole, in part, or in a variable."""
    whole = getattr(gio, f"list_{name}")()
    assert_frame_equal(connected.run(f"%gio {name}"), whole)
    assert_frame_equal(connected.run(f"%gio {name} --head 2"), whole.head(2))
    said = connected.said(f"%gio {name} -o found --head 2")
    first, _, rest = said.partition("\n")
    assert first == f"found: {len(whole):,} rows × {len(whole.columns)} columns"
    assert str(whole["name"].iloc[0]) in rest
    assert_frame_equal(connected["found"], whole)


def test_listings_take_their_options(connected: Shell) -> None:
    """A project by name, and which tags are meant."""
    other = "门店会员 & 积分"
    assert_frame_equal(
        connected.run(f"%gio segments --project '{other}'"), gio.list_segments(project=other)
    )
    assert_frame_equal(connected.run("%gio tags --scope platform"), gio.list_tags(scope="platform"))


def test_use_chooses_the_project(connected: Shell) -> None:
    """For verbs and magics alike; a name that is wrong changes nothing."""
    session = connected.run("%gio use '海外站 Global Store'")
    assert session is gio.current_session()
    assert session.settings.project == "海外站 Global Store"
    assert_frame_equal(gio.list_segments(), gio.list_segments(project="海外站 Global Store"))
    assert_frame_equal(connected.run("%gio segments"), gio.list_segments())
    connected.said("%gio use 没有")
    assert session.settings.project == "海外站 Global Store"


def test_search_is_the_verbs(connected: Shell) -> None:
    """All words that follow are what is looked for."""
    found = connected.run("%gio search 用户 高价值 --head 3")
    assert_frame_equal(found, gio.search("用户 高价值").head(3))
    assert found["name"].iloc[0] == "高价值用户"


# --- exports -------------------------------------------------------------------------------------


def same(ours: pd.DataFrame, its: pd.DataFrame) -> None:
    """Compare frames, and where they say that they come from."""
    assert_frame_equal(ours, its)
    for key in ("kind", "id", "project", "rows"):
        assert ours.attrs["gio"][key] == its.attrs["gio"][key]


@pytest.mark.parametrize("kind", NAMES)
def test_an_export_is_the_verbs(connected: Shell, kind: str) -> None:
    """The line's value is the frame of ``gio.read_…``."""
    connected.run(f"df = %gio {kind} {NAMES[kind]}")
    same(connected["df"], getattr(gio, f"read_{kind}")(NAMES[kind]))


def test_options_are_the_verbs(connected: Shell) -> None:
    """Repeated ones are lists; the variable has the whole, and a line says how large it is."""
    said = connected.said(
        "%gio segment 高价值用户 -o df --tag 会员等级 --tag=最近下单日期 --property usr_city "
        "--charset GBK --head 2"
    )
    wanted = gio.read_segment(
        "高价值用户", tags=["会员等级", "最近下单日期"], properties=["usr_city"], charset="GBK"
    )
    same(connected["df"], wanted)
    assert said.startswith(f"df: 1,000 rows × {len(wanted.columns)} columns\n")
    assert len(said.splitlines()) == 4
    assert connected.run("%gio segment 高价值用户 -o df") is None
    same(connected.run("%gio segment 高价值用户 --head 2"), gio.read_segment("高价值用户").head(2))


def test_a_variable_and_an_assignment_get_the_frame(connected: Shell) -> None:
    """``-o`` keeps a frame out of the cell's output, not out of the name that the line is for."""
    connected.run(
        "def read():\n    x = %gio segment 分群1 -o outer --head 2\n    return x\n"
        "inner = read()\n"
        "both = %gio segment 分群1 -o df"
    )
    for name in ("inner", "both", "df"):
        same(connected[name], connected["outer"])
    assert len(connected["outer"]) > 2
    connected.run("shown = %gio segment 分群1 -o df --dry-run")
    assert connected["shown"] is None


def test_a_chart_is_the_lines_value(connected: Shell) -> None:
    """``--plot`` gives the chart to be shown or kept; with ``--head`` rows are shown before it."""
    chart = connected.run("%gio funnel 漏斗1 --plot")
    assert chart.to_dict() == gio.read_funnel("漏斗1").gio.plot().to_dict()
    connected.run("kept = %gio retention 留存1 --plot")
    assert "Retention 留存1: 8 cohorts" in connected["kept"].to_dict()["description"]
    said = connected.said("%gio funnel 漏斗1 --plot --head 2")
    assert said.index("打开应用") < said.index("Funnel 漏斗1: 5 steps")
    assert "加入购物车" not in said


def test_a_variable_gets_the_frame_and_the_cell_its_chart(connected: Shell) -> None:
    """``-o`` with ``--plot``: the whole frame is kept, and the chart is on the screen."""
    said = connected.said("%gio funnel 漏斗1 --plot -o steps")
    same(connected["steps"], gio.read_funnel("漏斗1"))
    assert "steps: 5 rows" in said
    assert "Funnel 漏斗1: 5 steps" in said
    connected.run("both = %gio funnel 漏斗1 --plot -o steps")
    same(connected["both"], connected["steps"])


def test_a_table_without_a_chart_is_not_lost(connected: Shell) -> None:
    """Where nobody knows what to draw, the line says so, and gives what was waited for."""
    connected.run("job = gio.submit_funnel('漏斗1').id")
    ledger_path().unlink()  # an analysis's id does not say of which kind it is
    said = connected.said("df = %gio attach {job} --plot")
    assert said.startswith("No chart: This frame does not say what it was read as.")
    assert_frame_equal(connected["df"], gio.read_funnel("漏斗1"))


@pytest.mark.parametrize("name", ["A&B 渠道 100%", "C++ 人群 #1", "双 11 大促\u3000加购 未支付"])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_awkward_names_work(connected: Shell, name: str, quote: str) -> None:
    """Blanks, signs and full-width spaces belong to a name in quotes."""
    connected.run(f"df = %gio segment {quote}{name}{quote}")
    assert connected["df"].attrs["gio"]["name"] == name


def test_variables_make_loops(connected: Shell) -> None:
    """``{name}`` is a variable's value, of the function's own too, and nothing else is special."""
    connected.run(
        "def read(name):\n    df = %gio segment {name} --head 1\n    return df\n"
        "for n, name in enumerate(['分群1', 'A&B 渠道 100%']):\n    %gio segment {name} -o df_{n}\n"
        "inner = read('C++ 人群 #1')"
    )
    names = [connected[one].attrs["gio"]["name"] for one in ("df_0", "df_1", "inner")]
    assert names == ["分群1", "A&B 渠道 100%", "C++ 人群 #1"]
    connected.run("basic = 'no'")
    for word in ("$basic", "'{basic}'", '"{other}"', "a{1}"):
        said = connected.said(f"%gio segment {word} --dry-run")
        assert said == 'gio.read_segment("{}")'.format(word.strip("'\""))


def test_parquet_is_written(connected: Shell, tmp_path: Path) -> None:
    """Without a frame, unless one is asked for; a name that cannot be is told before."""
    path = tmp_path / "a b.parquet"
    said = connected.said(f"%gio segment 高价值用户 --parquet '{path}'")
    assert said == f"{path}: 1,000 rows"
    wanted = gio.read_segment("高价值用户")
    assert_frame_equal(pd.read_parquet(path), wanted)
    said = connected.said(f"%gio segment 高价值用户 --parquet '{path}' -o df")
    assert said == f"{path}: 1,000 rows\ndf: 1,000 rows × 1 column"
    assert_frame_equal(connected["df"], wanted)


def test_parquet_that_cannot_be_written_is_not_exported(
    connected: Shell, sandbox: embedded.Sandbox, tmp_path: Path
) -> None:
    """What is in the way is told before anything is submitted."""
    (tmp_path / "mine.txt").touch()
    said: list[str] = []
    line = f"%gio segment 高价值用户 --parquet '{tmp_path}/'"
    assert asked(sandbox, lambda: said.append(connected.said(line))) == []
    assert said[0].startswith("SettingsError: ")
    assert len(said[0].splitlines()) == 1


def test_a_job_in_the_background_is_there_at_once(connected: Shell) -> None:
    """In the variable, or as the line's value; nothing is waited for."""
    said = connected.said("%gio segment 高价值用户 --bg -o job")
    assert said.startswith("job: the job of segment 高价值用户")
    assert isinstance(connected["job"], gio.ExportJob)
    connected.run("other = %gio segment 高价值用户 --bg")
    assert connected["other"].id != connected["job"].id
    same(connected["job"].to_pandas(), gio.read_segment("高价值用户"))


def test_a_job_is_picked_up(connected: Shell, tmp_path: Path) -> None:
    """By its id, as a frame, a file, or a job; ``%gio jobs`` lists it."""
    job = gio.submit_segment("高价值用户", tags=["会员等级"])
    wanted = job.to_pandas()
    same(connected.run(f"%gio attach {job.id}"), wanted)
    connected.run(f"%gio attach {job.id} --parquet {tmp_path}/a.parquet")
    assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet"), wanted)
    connected.run(f"%gio attach {job.id} --bg -o again")
    assert connected["again"].id == job.id
    jobs = connected.run("%gio jobs --kind segment --since 1h")
    assert jobs["id"].iloc[0] == job.id
    assert len(connected.run("%gio jobs --kind funnel --since 1h")) == 0


def test_reuse_and_refresh_are_the_verbs(connected: Shell, sandbox: embedded.Sandbox) -> None:
    """A job is joined, or not."""
    name = gio.list_segments()["name"].iloc[20]
    line = f'%gio segment "{name}" --reuse 1h'
    assert "submit" in asked(sandbox, lambda: connected.run(line))
    assert "submit" not in asked(sandbox, lambda: connected.run(line))
    assert "submit" in asked(sandbox, lambda: connected.run(f"{line} --refresh"))


# --- the Python that a line stands for ------------------------------------------------------------

DRY = {
    "%gio profile C0000032 nobody --property usr_city": 'gio.read_profiles(["C0000032", "nobody"], '
    'properties=["usr_city"])',
    "%gio profile 00000034 -o df --head 1 --tag 会员等级 --scope platform": "df = "
    'gio.read_profiles(["00000034"], tags=["会员等级"], scope="platform")\ndf.head(1)',
    "%gio segment 高价值用户 -o df --tag 会员等级 --property usr_city": (
        'df = gio.read_segment("高价值用户", tags=["会员等级"], properties=["usr_city"])'
    ),
    "%gio segment 'C++ 人群 #1' --head 3 --timeout none --charset GBK": (
        'gio.read_segment("C++ 人群 #1", charset="GBK", timeout=None).head(3)'
    ),
    "%gio tag tag_payment_times -o df --head 3 --timeout 60": (
        'df = gio.read_tag("tag_payment_times", timeout=60)\ndf.head(3)'
    ),
    "%gio funnel 漏斗1 --reuse 1h --refresh --project 默认项目": (
        'gio.read_funnel("漏斗1", project="默认项目", reuse="1h", refresh=True)'
    ),
    "%gio segment 高价值用户 --bg -o df": 'df = gio.submit_segment("高价值用户")',
    "%gio segment 高价值用户 --parquet a.parquet": (
        'gio.submit_segment("高价值用户").to_parquet("a.parquet")'
    ),
    "%gio segment 高价值用户 --parquet a.parquet -o df": (
        'job = gio.submit_segment("高价值用户")\njob.to_parquet("a.parquet")\ndf = job.to_pandas()'
    ),
    "%gio segment 高价值用户 --plot": 'gio.read_segment("高价值用户").gio.plot()',
    "%gio segment 高价值用户 --plot --head 2": (
        'df = gio.read_segment("高价值用户")\ndisplay(df.head(2))\ndf.gio.plot()'
    ),
    "%gio segment 高价值用户 --plot -o df": ('df = gio.read_segment("高价值用户")\ndf.gio.plot()'),
    "%gio segment 高价值用户 --plot --parquet a.parquet": (
        'job = gio.submit_segment("高价值用户")\njob.to_parquet("a.parquet")\n'
        "job.to_pandas().gio.plot()"
    ),
    "%gio attach {job} --plot": 'gio.attach("{job}").to_pandas().gio.plot()',
    "%gio attach {job} -o df --timeout 60 --charset UTF-16LE": (
        'df = gio.attach("{job}", charset="UTF-16LE").to_pandas(timeout=60)'
    ),
    "%gio attach {job} --parquet a.parquet --timeout 60": (
        'gio.attach("{job}").to_parquet("a.parquet", timeout=60)'
    ),
}


@pytest.mark.parametrize("line", DRY)
def test_a_dry_run_prints_python_that_does_the_same(
    connected: Shell,
    sandbox: embedded.Sandbox,
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It sends nothing; run as it is printed, it gives what the line gives."""
    monkeypatch.chdir(tmp_path)
    connected.ip.user_ns["job"] = job = gio.submit_segment("高价值用户").id
    said: list[str] = []
    assert asked(sandbox, lambda: said.append(connected.said(f"{line} --dry-run"))) == []
    assert said == [DRY[line].replace("{job}", job)]
    done = connected.run(line), connected.ip.user_ns.pop("df", None)
    file = tmp_path / "a.parquet"
    whole = file.read_bytes() if file.exists() else b""
    file.unlink(missing_ok=True)
    python = connected.run(said[0]), connected.ip.user_ns.pop("df", None)
    assert file.exists() == bool(whole)
    if "--plot" in line:
        charts = [value[0].to_dict() for value in (done, python) if value[0] is not None]
        assert charts[0]["description"] == "高价值用户: 1,000 users"
        assert charts[0] == charts[-1]
        return
    assert type(done[1]) is type(python[1])
    if isinstance(done[1], pd.DataFrame):
        same(done[1], python[1])
    elif isinstance(done[0], pd.DataFrame):
        same(done[0], python[0])
    elif whole:
        assert_frame_equal(pd.read_parquet(file), gio.read_segment("高价值用户"))
    else:
        same(done[1].to_pandas(), python[1].to_pandas())


@pytest.mark.parametrize("name", ["it's", 'say "hi"', "a\\b", "$x", "{y}", "甲\u3000乙", "'\""])
def test_a_dry_run_writes_any_name(shell: Shell, name: str) -> None:
    """It needs no platform, and Python reads the name that was meant."""
    from gio_pandas.notebook.words import quoted

    said = shell.said(f"%gio segment {quoted(name)} --dry-run")
    assert eval(said.removeprefix("gio.read_segment")) == name


def test_profiles_are_read(connected: Shell) -> None:
    """A row for each id in the line, leading zeros and all; a variable stands for an id."""
    frame = connected.run(
        "who = '00000034'\n%gio profile C0000032 {who} nobody --property usr_city"
    )
    assert frame["user_id"].tolist() == ["C0000032", "00000034", "nobody"]
    assert frame["城市"].isna().tolist() == [False, False, True]
    said = connected.said("%gio profile C0000032 -o df --tag 会员等级")
    assert said.startswith("df: 1 row")
    assert list(connected["df"].columns) == ["user_id", "会员等级"]
    said = connected.said("%gio profile C0000032")
    assert said.startswith("SettingsError: read_profiles is asked for neither a tag nor a property")


def test_a_dry_run_imports_what_is_missing(shell: Shell) -> None:
    """Where the name gio is somebody else's, the printed Python says what it means by it."""
    shell.run("gio = None")
    assert shell.said("%gio segment x --dry-run").splitlines()[0] == "import gio_pandas as gio"


# --- anything else -------------------------------------------------------------------------------


def test_graphql_sends_the_cell(connected: Shell) -> None:
    """With variables, JSON where they are JSON; its answer is the value, or in a variable."""
    project = gio.list_projects()["id"].iloc[0]
    cell = "query ($projectId: HashId!) { segments(projectId: $projectId) { id name } }"
    answer = connected.run(f"%%gio graphql --var projectId={project}\n{cell}")
    assert [one["id"] for one in answer["segments"]] == gio.list_segments()["id"].tolist()
    said = connected.said(f"%%gio graphql -o answer --var projectId={project}\n{cell}")
    assert said == "answer: segments"
    assert connected["answer"] == answer


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--var a=3", {"a": 3}),
        ("--var a=[1,2] --var 'b={\"c\": null}'", {"a": [1, 2], "b": {"c": None}}),
        ("--var a=true --var b=WlGk4Daj", {"a": True, "b": "WlGk4Daj"}),
        ("--var a='\"12345678\"'", {"a": "12345678"}),
        ("--var a=NaN --var 'b=x y'", {"a": "NaN", "b": "x y"}),
        ("--var a=b=c --var d=", {"a": "b=c", "d": ""}),
    ],
)
def test_a_variable_is_json_where_it_is(typed: str, meant: dict[str, Any]) -> None:
    """Else it is text."""
    from gio_pandas.notebook.actions import read_variables
    from gio_pandas.notebook.commands import find, parse
    from gio_pandas.notebook.words import split

    assert read_variables(parse(find("graphql"), split(typed))) == meant


def test_doctor_checks_the_session(connected: Shell, sandbox: embedded.Sandbox) -> None:
    """Each check in a line, no secret shown; the session stays open, and is the current one."""
    session = gio.current_session()
    said = connected.said("%gio doctor")
    states = re.findall(r"^(ok|FAIL|skipped) ", said, re.MULTILINE)
    assert states == ["ok"] * 5
    assert sandbox.api_key not in said
    assert "********" in said
    below = [line for line in said.splitlines() if line.startswith(" " * 9)]
    assert len({re.match(r" +\S+ +", line).end() for line in below}) == 1  # columns are aligned
    assert gio.current_session() is session


def test_doctor_shows_no_progress(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines are what is to be read."""
    monkeypatch.setattr(progress, "is_terminal", lambda _: True)
    with (
        embedded.start(stage_seconds=0.5) as slow,
        gio.connect(slow.url, api_key=slow.api_key, project=PROJECT),
    ):
        said = shell.said("%gio doctor")
        assert "small export  segment" in said
        assert "queued" not in said
        assert "queued" in shell.said("%gio segment 高价值用户 --head 1")  # which does show it


def test_doctor_says_what_is_missing(shell: Shell) -> None:
    """Without a platform it says how to set one; what rests on it is skipped."""
    said = shell.said("%gio doctor")
    assert "FAIL     settings" in said
    assert "export GIO_URL=" in said
    assert said.count("skipped") == 4


def test_pick_shows_the_picker(connected: Shell) -> None:
    """It is ``gio.pick()``, which puts its frame into the variable that is named."""
    screen = connected.run("%gio pick -o df --kind tag")
    assert type(screen) is type(gio.pick())
    assert screen.into == "df"
