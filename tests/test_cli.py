"""The command: what it prints, what it writes, and how it fails."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import stamina
from click.testing import CliRunner, Result

from gio_pandas import Session, sandbox
from gio_pandas.cli import main

API_KEY = "sandbox-api-key"
PROJECT = "默认项目"
LISTINGS = ("projects", "tags", "segments", "funnels", "events", "retentions", "frequencies")
# What is awkward to keep: ids, phones with leading zeros, 19 digits, dates beside date-times.
COLUMNS = ("usr_phone", "usr_card_no", "usr_age", "usr_birthday", "usr_register_time", "usr_note")
PROPERTIES = [word for key in COLUMNS for word in ("--property", key)]
# Ctrl-C as a terminal sends it, even where the tests themselves run with it ignored.
INTERRUPTIBLE = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from gio_pandas.cli import main; main()"
)

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def platform() -> Iterator[sandbox.Sandbox]:
    """Start a platform whose exports are finished at once."""
    with sandbox.start(users=3_000, stage_seconds=0, api_key=API_KEY) as platform:
        yield platform


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own settings out, and give the test a home of its own."""
    for name in [name for name in os.environ if name.startswith("GIO_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("HOME", str(folder))
    for name in ("CACHE", "CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(folder / name.lower()))
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    return folder


@pytest.fixture
def connected(platform: sandbox.Sandbox, monkeypatch: pytest.MonkeyPatch) -> sandbox.Sandbox:
    """Set the platform in the environment."""
    for name, value in _environment(platform).items():
        monkeypatch.setenv(name, value)
    platform.forget_requests()
    return platform


@pytest.fixture
def run() -> Run:
    """Run the command within this process."""
    return lambda *args: CliRunner().invoke(main, [str(arg) for arg in args])


def _environment(platform: sandbox.Sandbox) -> dict[str, str]:
    return {"GIO_URL": platform.url, "GIO_API_KEY": platform.api_key, "GIO_PROJECT": PROJECT}


def _process(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gio_pandas.cli", *map(str, args)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


@cache
def _demo() -> subprocess.CompletedProcess[str]:
    """Run the demo, once for all that is said of it."""
    return _process("demo")


def _interruptible(*args: object, env: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, **env},
    )


def _read_parquet(file: Path) -> pd.DataFrame:
    # pandas 2 reads text as Python's unless it is told otherwise; pandas 3 does not mind.
    with pd.option_context("mode.string_storage", "pyarrow"):
        return pd.read_parquet(file)


def _submits(platform: sandbox.Sandbox) -> list[str]:
    fields = [field for request in platform.requests for field in request.fields]
    return [field for field in fields if field.startswith("submit")]


def _width(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


def _ends_well(result: Result) -> Result:
    assert result.exit_code == 0, result.output
    return result


def test_help_of_every_command(run: Run) -> None:
    """Every command explains itself, and the group names them all."""
    group = _ends_well(run("--help")).stdout
    for name in main.commands:
        assert name in group
        assert len(_ends_well(run(name, "--help")).stdout.splitlines()) > 4


def test_version_as_a_process() -> None:
    """The module runs as a command of its own."""
    done = _process("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("gio-pandas, version ")


@pytest.mark.parametrize("what", LISTINGS)
def test_list_prints_a_table(what: str, run: Run, connected: sandbox.Sandbox) -> None:
    """A listing is a table of every row, its columns in line whatever the script."""
    result = _ends_well(run("list", what))
    header, *rows = result.stdout.splitlines()
    assert header.split()[:2] == ["id", "name"]
    assert result.stderr == f"{len(rows):,} {what}\n"
    assert {_width(row) for row in rows} == {_width(header)}
    assert _width(header) <= 100


@pytest.mark.parametrize("what", LISTINGS)
def test_list_as_csv(what: str, run: Run, connected: sandbox.Sandbox) -> None:
    """As CSV a listing has all columns, and its text comes back as it is."""
    text = _ends_well(run("list", what, "--csv")).stdout_bytes.decode("utf-8")
    with Session() as session:
        frame = getattr(session, f"list_{what}")()
    read = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    assert list(read.columns) == list(frame.columns)
    assert read["name"].tolist() == frame["name"].tolist()


def test_list_tags_of_a_scope(run: Run, connected: sandbox.Sandbox) -> None:
    """``--scope`` chooses between the platform's tags and the project's."""
    scopes = [run("list", "tags", "--scope", scope).stdout for scope in ("platform", "project")]
    with Session() as session:
        expected = [len(session.list_tags(scope=scope)) for scope in ("platform", "project")]
    assert [len(text.splitlines()) - 1 for text in scopes] == expected
    assert expected[0] != expected[1]


def test_list_of_another_project(run: Run, connected: sandbox.Sandbox) -> None:
    """``--project`` wins over the environment."""
    here = _ends_well(run("list", "segments")).stdout
    there = _ends_well(run("list", "segments", "--project", "电商小程序")).stdout
    assert here != there


def test_scope_is_for_tags(run: Run, connected: sandbox.Sandbox) -> None:
    """``--scope`` of anything but tags is a mistake of usage."""
    result = run("list", "segments", "--scope", "project")
    assert result.exit_code == 2
    assert "--scope is for tags" in result.stderr


def test_csv_keeps_text_as_text(run: Run, connected: sandbox.Sandbox, tmp_path: Path) -> None:
    """CSV opens in Excel, and has every text, number and date as the frame has it."""
    file = tmp_path / "users.csv"
    result = _ends_well(run("export", "segment", "高价值用户", "-o", file, *PROPERTIES))
    assert file.read_bytes().startswith(b"\xef\xbb\xbfgio_id,")
    with Session() as session:
        frame = session.read_segment("高价值用户", properties=COLUMNS)
    assert result.stdout.startswith(f"{file}: {len(frame)} rows in ")
    read = pd.read_csv(file, dtype=str, keep_default_na=False)
    assert read["手机号"].str.startswith("0").sum() > 100
    for name in ("用户ID", "手机号", "会员卡号", "备注"):
        assert read[name].tolist() == frame[name].fillna("").tolist(), name
    for name, form in (("生日", "%Y-%m-%d"), ("注册时间", "%Y-%m-%d %H:%M:%S")):
        assert read[name].tolist() == frame[name].dt.strftime(form).fillna("").tolist(), name
    assert read["年龄"].tolist() == [str(age) for age in frame["年龄"].astype(object).fillna("")]


def test_parquet_keeps_dtypes(run: Run, connected: sandbox.Sandbox, tmp_path: Path) -> None:
    """Parquet gives back the very frame, and where it comes from."""
    file = tmp_path / "users.parquet"
    _ends_well(run("export", "segment", "高价值用户", "-o", file, "--tag", "会员等级", *PROPERTIES))
    with Session() as session:
        frame = session.read_segment("高价值用户", tags=["会员等级"], properties=COLUMNS)
    read = _read_parquet(file)
    pd.testing.assert_frame_equal(read, frame)
    assert read.attrs["gio"]["name"] == "高价值用户"


@pytest.mark.parametrize(
    ("kind", "name"),
    [("funnel", "漏斗1"), ("event", "事件1"), ("retention", "留存1"), ("frequency", "分布1")],
)
def test_export_of_an_analysis(
    kind: str, name: str, run: Run, connected: sandbox.Sandbox, tmp_path: Path
) -> None:
    """Every kind of analysis can be exported, as what the session reads."""
    file = tmp_path / "analysis.parquet"
    _ends_well(run("export", kind, name, "-o", file))
    with Session() as session:
        frame = getattr(session, f"read_{kind}")(name)
    pd.testing.assert_frame_equal(_read_parquet(file), frame)


def test_export_of_a_tag_as_a_process(connected: sandbox.Sandbox, tmp_path: Path) -> None:
    """A tag is exported by its key; the job's id is told before the wait, the result after it."""
    file = tmp_path / "payments.csv"
    options = ("--detail", "--property", "usr_city", "--charset", "GB18030", "--timeout", "60")
    done = _process("export", "tag", "tag_payment_times", "-o", file, *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("Submitted tag 订单交易笔数: gio-pandas attach ")
    assert done.stdout.startswith(f"{file}: 1,860 rows in ")
    assert file.read_text("utf-8-sig").startswith("gio_id,")


@pytest.mark.parametrize(
    ("output", "words"),
    [("users.xlsx", ".csv or .parquet"), ("users", ".csv or .parquet"), ("no/u.csv", "no folder")],
)
def test_impossible_file_submits_nothing(
    output: str, words: str, run: Run, connected: sandbox.Sandbox, tmp_path: Path
) -> None:
    """A file that cannot be written is refused before the platform is asked for anything."""
    result = run("export", "segment", "高价值用户", "-o", tmp_path / output)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not connected.requests


@pytest.mark.parametrize(
    ("name", "start"),
    [("漏斗.png", b"\x89PNG"), ("a.SVG", b"<svg"), ("chart 1.html", b"<!DOCTYPE html>")],
)
def test_a_chart_needs_no_table(
    name: str, start: bytes, run: Run, connected: sandbox.Sandbox, tmp_path: Path
) -> None:
    """``--plot`` alone exports once and draws, whole, and says what is to be seen."""
    result = _ends_well(run("export", "funnel", "漏斗1", "--plot", tmp_path / name))
    assert "Funnel 漏斗1: 5 steps" in result.stdout
    assert len(_submits(connected)) == 1
    [file] = tmp_path.glob("*.*")
    assert file.name == name
    assert file.read_bytes().lstrip().startswith(start)


def test_a_table_and_its_chart(run: Run, connected: sandbox.Sandbox, tmp_path: Path) -> None:
    """``-o`` and ``--plot`` together are one export; ``attach`` draws, too."""
    table, picture = tmp_path / "a.csv", tmp_path / "a.svg"
    result = _ends_well(run("export", "retention", "留存1", "-o", table, "--plot", picture))
    assert [line.partition(": ")[0] for line in result.stdout.splitlines()] == [
        str(table),
        str(picture),
    ]
    assert len(_submits(connected)) == 1
    assert "第7天" in picture.read_text("utf-8")
    assert table.read_text("utf-8-sig").startswith("起始日期,")
    job = result.stderr.partition("gio-pandas attach ")[2].split()[0]
    again = tmp_path / "b.svg"
    _ends_well(run("attach", job, "--plot", again))
    assert again.read_bytes() == picture.read_bytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "Missing option '-o' / '--output', or '--plot'."),
        (("--plot", "a.jpg"), "End it in .png, .svg or .html."),
        (("--plot", "no/a.png"), "There is no folder"),
        (("-o", "a.csv", "--plot", "a.csv"), "End it in .png, .svg or .html."),
    ],
)
def test_impossible_chart_submits_nothing(
    options: tuple[str, ...],
    words: str,
    run: Run,
    connected: sandbox.Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What cannot be drawn into is refused before the platform is asked for anything."""
    monkeypatch.chdir(tmp_path)
    result = run("export", "funnel", "漏斗1", *options)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not connected.requests
    assert list(tmp_path.glob("*.*")) == []


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        ("funnel", ("--tag", "会员等级")),
        ("tag", ("--tag", "会员等级")),
        ("event", ("--property", "usr_city")),
        ("segment", ("--no-detail",)),
    ],
)
def test_option_of_another_kind(
    kind: str, option: tuple[str, ...], run: Run, connected: sandbox.Sandbox, tmp_path: Path
) -> None:
    """An option that the kind does not have is a mistake of usage, and nothing is submitted."""
    result = run("export", kind, "漏斗1", "-o", tmp_path / "a.csv", *option)
    assert result.exit_code == 2
    assert " is for a " in result.stderr
    assert not connected.requests


@pytest.mark.parametrize("option", [("--timeout", "soon"), ("--charset", "klingon")])
def test_impossible_option_submits_nothing(
    option: tuple[str, str], run: Run, connected: sandbox.Sandbox, tmp_path: Path
) -> None:
    """A timeout or charset that cannot be is refused before anything is submitted."""
    result = run("export", "funnel", "漏斗1", "-o", tmp_path / "a.csv", *option)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: SettingsError: ")
    assert not _submits(connected)


def test_failure_leaves_the_file_alone(
    run: Run, connected: sandbox.Sandbox, tmp_path: Path
) -> None:
    """When an export fails, the file of the last time is still there, and nothing beside it."""
    file = tmp_path / "out" / "funnel.csv"
    file.parent.mkdir()
    _ends_well(run("export", "funnel", "漏斗1", "-o", file))
    before = file.read_bytes()
    result = run("export", "funnel", "计算失败的漏斗", "-o", file)
    assert result.exit_code == 1
    assert "Error: JobFailedError: " in result.stderr
    assert [(path, path.read_bytes()) for path in file.parent.iterdir()] == [(file, before)]


def test_export_replaces_the_file(run: Run, connected: sandbox.Sandbox, tmp_path: Path) -> None:
    """A file that is there is replaced, through a link too."""
    file, link = tmp_path / "funnel.csv", tmp_path / "link.csv"
    file.write_text("old")
    link.symlink_to(file)
    _ends_well(run("export", "funnel", "漏斗1", "-o", link))
    assert link.is_symlink()
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")


def test_unknown_name_is_one_line(run: Run, connected: sandbox.Sandbox, tmp_path: Path) -> None:
    """An error is its type and what to do next, in one line, without a traceback."""
    result = run("export", "segment", "高价值客户", "-o", tmp_path / "a.csv")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("Error: NotFoundError: ")
    assert "'高价值用户'" in result.stderr


def test_namesakes_are_listed(run: Run, connected: sandbox.Sandbox, tmp_path: Path) -> None:
    """A name that several have is an error in one line, with a table of them below."""
    result = run("export", "segment", "新客", "-o", tmp_path / "a.csv")
    line, header, *rows = result.stderr.splitlines()
    assert line.startswith("Error: AmbiguousNameError: The segment (分群) name ")
    assert header.split() == ["id", "name", "creator", "updated"]
    assert [row.split()[1] for row in rows] == ["新客", "新客"]


def test_error_as_a_process() -> None:
    """With nothing set, a command fails in one line on standard error, with code 1."""
    done = _process("list", "projects")
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("Error: SettingsError: No platform is set.")


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal on POSIX alone")
def test_ctrl_c_lets_go_of_the_job(tmp_path: Path) -> None:
    """Ctrl-C ends the wait with code 130 and the line that picks the job up; no file is left."""
    with sandbox.start(stage_seconds=600) as platform:
        child = _interruptible(
            *("export", "segment", "高价值用户", "-o", tmp_path / "a.csv"),
            env=_environment(platform),
        )
        while not any("jobResult" in request.fields for request in platform.requests):
            assert child.poll() is None
        child.send_signal(signal.SIGINT)
        _, stderr = child.communicate()
    assert child.returncode == 130
    assert "Traceback" not in stderr
    assert stderr.splitlines()[-1].startswith("Interrupted: ")
    assert "gio-pandas attach " in stderr.splitlines()[-1]
    assert not list(tmp_path.glob("*.csv"))


def test_doctor_finds_all_well(run: Run, connected: sandbox.Sandbox) -> None:
    """Where all is well, every check is ok, and the smallest segment has been exported."""
    result = _ends_well(run("doctor"))
    checks = [line for line in result.stdout.splitlines()[1:] if not line.startswith(" ")]
    assert [line.split()[0] for line in checks] == ["ok"] * 5
    assert "small export  segment " in checks[-1]
    assert _submits(connected) == ["submitSegmentUserExportJob"]
    assert API_KEY not in result.output


def test_doctor_on_the_sandbox_as_a_process() -> None:
    """``sandbox:`` is checked like any other platform."""
    done = _process("doctor", "--url", "sandbox:")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["GIO_API_KEY", "GIO_TOKEN"])
def test_doctor_with_a_wrong_secret(
    name: str, run: Run, connected: sandbox.Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong key or token is found after the platform was, with advice, and is not printed."""
    monkeypatch.delenv("GIO_API_KEY")
    monkeypatch.setenv(name, "wrong-secret-0123456789")
    result = run("doctor")
    assert result.exit_code == 1
    assert "ok       reachable" in result.stdout
    assert "FAIL     token         AuthenticationError: " in result.stdout
    assert "api_key=" in result.stdout
    assert result.stdout.splitlines()[-2:] == ["skipped  projects", "skipped  small export"]
    assert "wrong-secret" not in result.output


def test_doctor_with_an_unknown_project(run: Run, connected: sandbox.Sandbox) -> None:
    """A project that is not there is found by its own check."""
    result = run("doctor", "--project", "默认项日")
    assert result.exit_code == 1
    assert "FAIL     projects      NotFoundError: " in result.stdout
    assert f"'{PROJECT}'" in result.stdout


def test_doctor_without_a_project(
    run: Run, connected: sandbox.Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no project set, the doctor says so and tries the first."""
    monkeypatch.delenv("GIO_PROJECT")
    assert "none is set: pass --project" in _ends_well(run("doctor")).stdout


def test_doctor_of_a_platform_that_is_away(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that does not answer fails the second check; those after it are skipped."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("GIO_API_KEY", API_KEY)
    with stamina.set_testing(True, attempts=1):
        result = run("doctor", "--url", f"http://127.0.0.1:{port}")
    assert result.exit_code == 1
    assert "FAIL     reachable     PlatformUnavailableError: No answer from " in result.stdout
    assert result.stdout.count("skipped") == 3


def test_doctor_with_nothing_set(run: Run, home: Path) -> None:
    """With nothing set, the doctor shows the three ways to set it, and what needs none."""
    result = run("doctor")
    assert result.exit_code == 1
    assert "FAIL     settings      No platform is set." in result.stdout
    for word in ("GIO_URL=", str(home), "api_key = ", "gio.connect(", "gio-pandas demo"):
        assert word in result.stdout, word
    assert result.stdout.count("skipped") == 4


def test_doctor_with_a_profile_that_others_can_read(run: Run, home: Path) -> None:
    """Trouble with the profile file is told as it is, without the secret in it."""
    file = home / "config" / "gio_pandas" / "profiles.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[default]\nurl = "https://cdp.example.cn"\napi_key = "hush-hush"\n')
    file.chmod(0o644)
    result = run("doctor")
    assert result.exit_code == 1
    assert "chmod 600" in result.stdout.splitlines()[1]
    assert "hush" not in result.output


def test_demo_shows_every_frame() -> None:
    """The demo prints each listing and each export: the line, the frame, its dtypes and times."""
    done = _demo()
    assert (done.returncode, done.stderr) == (0, "")
    for kind in ("segment", "tag", "funnel", "event", "retention", "frequency"):
        assert f">>> gio.read_{kind}(" in done.stdout
    for what in ("projects", "tags", "segments"):
        assert f">>> gio.list_{what}()" in done.stdout
    assert done.stdout.count("\nSubmit 0.") == 6
    for words in (
        "datetime64[",
        "int64",
        "float64",
        "会员卡号",
        "gio.connect(",
        "pick()",
        "doctor",
    ):
        assert words in done.stdout
    assert max(map(_width, done.stdout.splitlines())) <= 100


def test_demo_line_is_what_was_run() -> None:
    """What the demo prints can be typed: it is Python, and gives what stood below it."""
    done = _demo()
    lines = iter(done.stdout.splitlines())
    code = next(line for line in lines if line.startswith(">>> gio.read_segment("))[4:]
    while not code.endswith(")"):
        code += next(lines).removeprefix("...").strip()
    with Session("sandbox:", project=PROJECT) as gio:
        frame = eval(code, {"gio": gio})
    assert f"{len(frame):,} rows × {len(frame.columns)} columns" in done.stdout


@pytest.mark.parametrize("command", [["demo"], ["sandbox"], ["list", "tags", "--url", "sandbox:"]])
def test_sandbox_without_its_extra(command: list[str]) -> None:
    """Without the extra, what needs the sandbox says in one line what to install."""
    code = "import sys; sys.modules['ariadne'] = None; from gio_pandas.cli import main; "
    done = subprocess.run(
        [sys.executable, "-c", f"{code} main({json.dumps(command)})"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert 'pip install "gio-pandas[sandbox]"' in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal on POSIX alone")
def test_sandbox_runs_until_ctrl_c(run: Run) -> None:
    """The sandbox prints lines that work when pasted, answers, and ends well with Ctrl-C."""
    child = _interruptible(
        "sandbox", "--port", "0", "--users", "50", "--segments", "5", "--seed", "2", env={}
    )
    assert child.stdout is not None
    lines = iter(child.stdout.readline, "")
    pasted = next(line for line in lines if "export GIO_URL=" in line).split()[1:]
    assert all("=" in word for word in pasted)
    result = CliRunner(env=dict(word.split("=", 1) for word in pasted)).invoke(
        main, ["list", "segments"]
    )
    child.send_signal(signal.SIGINT)
    _, stderr = child.communicate()
    assert _ends_well(result).stdout.splitlines()[0].split()[:2] == ["id", "name"]
    assert (child.returncode, stderr) == (0, "")


def test_sandbox_on_a_port_that_is_taken(run: Run, platform: sandbox.Sandbox) -> None:
    """A port that is taken is an error in one line, with the way out."""
    result = run("sandbox", "--port", platform.url.rpartition(":")[2])
    assert result.exit_code == 1
    assert "--port 0" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_sandbox_with_an_impossible_option(run: Run) -> None:
    """What the sandbox cannot be is a mistake of usage."""
    result = run("sandbox", "--port", "0", "--users", "-1")
    assert result.exit_code == 2
    assert "users must be between 0 and" in result.stderr


def test_jobs_lists_what_was_submitted(
    connected: sandbox.Sandbox, run: Run, tmp_path: Path
) -> None:
    """The newest export stands on top, with the id that picks it up again."""
    for name in ("高价值用户", "分群1"):
        assert run("export", "segment", name, "-o", tmp_path / "users.csv").exit_code == 0
    result = run("jobs", "--kind", "segment", "--since", "1h")
    lines = result.stdout.splitlines()
    assert "submitted_at" in lines[0]
    assert "分群1" in lines[1]
    assert "FINISH" in lines[1]
    assert "高价值用户" in lines[2]
    assert "2 jobs" in result.stderr
    assert "0 jobs" in run("jobs", "--kind", "tag").stderr
    listed = pd.read_csv(io.BytesIO(run("jobs", "--csv").stdout_bytes))
    assert list(listed["name"]) == ["分群1", "高价值用户"]


def test_attach_writes_what_another_process_submitted(
    connected: sandbox.Sandbox, run: Run, tmp_path: Path
) -> None:
    """The id alone gives the file that the export would have given, and submits nothing."""
    with Session() as session:
        job = session.submit_tag("tag_payment_times")
        result = run("attach", job.id, "-o", tmp_path / "tag.csv")
        assert result.exit_code == 0, result.output
        other = Path(job.to_csv(tmp_path / "other.csv"))
    assert (tmp_path / "tag.csv").read_bytes() == other.read_bytes()
    assert len([asked for asked in connected.requests if asked.step == "submit"]) == 1


def test_reuse_joins_a_job_and_its_results_can_be_cleared(
    connected: sandbox.Sandbox, run: Run, tmp_path: Path
) -> None:
    """The second export joins the first one's job, and says so; a fresh one can be asked for."""
    told = []
    for name, *more in (("a.csv",), ("b.csv",), ("c.csv", "--refresh")):
        words = ("export", "segment", "高价值用户", "-o", tmp_path / name, "--reuse", "1h", *more)
        told.append(run(*words).stderr)
    assert [line.split(" ")[0] for line in told] == ["Submitted", "Joined", "Submitted"]
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert len([asked for asked in connected.requests if asked.step == "submit"]) == 2
    with Session() as session:
        session.read_segment("高价值用户", reuse="1h")
    assert "1 result\n" in run("cache").stderr
    assert "高价值用户" in run("cache").stdout
    assert "Freed" in run("cache", "--clear").stdout
    assert "0 results" in run("cache").stderr


def test_an_age_that_is_none_is_told(connected: sandbox.Sandbox, run: Run) -> None:
    """The error says how an age is written."""
    result = run("jobs", "--since", "soon")
    assert result.exit_code == 1
    assert "since='soon' is no span of time" in result.stderr
    assert "7d" in result.stderr


def test_a_broken_ledger_is_told_in_a_line(
    connected: sandbox.Sandbox, run: Run, home: Path
) -> None:
    """The list says why it is empty, and what to do."""
    folder = home / "state" / "gio_pandas"
    folder.mkdir(parents=True)
    (folder / "jobs.sqlite3").write_bytes(b"garbage" * 1000)
    told = run("jobs").stderr.splitlines()
    assert told[0].startswith("0 jobs")
    assert told[1].startswith(f"Warning: The ledger of jobs {folder}")
    assert told[1].endswith("move the file away: a new one is made then")
