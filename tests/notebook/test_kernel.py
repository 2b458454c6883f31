"""``%gio`` in a real kernel: what goes over its wire, Stop, and a restart."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

from gio_pandas import sandbox as embedded

pytestmark = pytest.mark.timeout(180)

PROJECT = "默认项目"
PLENTY = 60.0
"""Seconds in which whatever a test waits for has come."""


@dataclass
class Answer:
    """What came of a cell."""

    status: str
    text: str = ""
    html: str = ""
    traceback: list[str] = field(default_factory=list)


class Kernel:
    """A kernel, as a front end speaks with it."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager, self.client = manager, client

    def run(self, code: str, answer: str | None = None) -> Answer:
        """Run a cell; what it asks the user is answered, if there is an answer."""
        messages: list[dict[str, Any]] = []
        reply = self.client.execute_interactive(
            code,
            timeout=PLENTY,
            output_hook=messages.append,
            allow_stdin=answer is not None,
            stop_on_error=False,
            stdin_hook=lambda _: self.client.input(answer),
        )
        found = Answer(reply["content"]["status"])
        for message in messages:
            content = message["content"]
            found.text += content.get("text", "") + content.get("data", {}).get("text/plain", "")
            found.html += content.get("data", {}).get("text/html", "")
            found.traceback += content.get("traceback", [])
        return found

    def tab(self, code: str) -> list[str]:
        """Press Tab at the end of some code."""
        content = self.client.complete(code, reply=True, timeout=PLENTY)["content"]
        start, end = content["cursor_start"], content["cursor_end"]
        return [code[:start] + match + code[end:] for match in content["matches"]]

    def connect(self, platform: embedded.Sandbox) -> None:
        """Connect it to a platform, with the key in the environment."""
        told = self.run(
            f"%load_ext gio_pandas\nimport os\nos.environ['GIO_API_KEY'] = {platform.api_key!r}\n"
            f"%gio connect {platform.url} --project {PROJECT}"
        )
        assert told.status == "ok"

    def stopped(self, code: str, is_time: Callable[[], bool]) -> tuple[Answer, float]:
        """Run a cell, press Stop when it is time, and say how long it then took to end."""
        # Else the kernel drops the cell that comes right after one that failed.
        identity = self.client.execute(code, allow_stdin=False, stop_on_error=False)
        _until(is_time)
        began = time.monotonic()
        self.manager.interrupt_kernel()
        while True:
            reply = self.client.get_shell_msg(timeout=PLENTY)
            if reply["parent_header"]["msg_id"] == identity:
                break
        seconds = time.monotonic() - began
        content = reply["content"]
        return Answer(content["status"], traceback=content.get("traceback", [])), seconds


def _until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PLENTY
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """Start a kernel with a home of its own."""
    home = tmp_path_factory.mktemp("kernel")
    folders = {
        f"XDG_{name}_HOME": str(home / name) for name in ("CACHE", "CONFIG", "DATA", "STATE")
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIO_")}
    own = {"HOME": str(home), "IPYTHONDIR": str(home / "ipython"), **folders}
    own["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    manager, client = start_new_kernel(
        startup_timeout=PLENTY, kernel_name="python3", env={**kept, **own}, cwd=str(home)
    )
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(started: Kernel, sandbox: embedded.Sandbox) -> Kernel:
    """Connect the kernel anew."""
    started.connect(sandbox)
    return started


def test_a_line_gives_a_frame(kernel: Kernel) -> None:
    """In a variable, shown as a table, and as its size in a line."""
    told = kernel.run("df = %gio segment 高价值用户 --tag 会员等级\ndf.shape")
    assert told.text.endswith("(1000, 3)")
    told = kernel.run('%gio segment "C++ 人群 #1" -o df')
    assert told.text.strip().splitlines()[-1].startswith("df: ")
    assert "<table" in kernel.run("%gio segments --head 3").html


def test_tab_offers_names(kernel: Kernel) -> None:
    """Over the kernel's own wire, with an emoji before the cursor, too."""
    kernel.run("%gio segments -o s")
    assert kernel.tab("%gio segment 高价")[:1] == ["%gio segment 高价值用户"]
    assert kernel.tab("# 😀\nx = %gio segment a&b") == ['# 😀\nx = %gio segment "A&B 渠道 100%"']
    assert kernel.tab("%gio segment x --ch") == ["%gio segment x --charset"]


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("%gio segmant x", "UsageError: There is no command 'segmant'."),
        ("%gio segment '高", "UsageError: A quote ' is not closed."),
        ("%gio segment 没有", "NotFoundError: There is no segment (分群) '没有'"),
        ("%gio jobs --since soon", "SettingsError: since='soon' is no span of time."),
    ],
)
def test_an_error_is_a_line(kernel: Kernel, line: str, first: str) -> None:
    """And the cell has failed, so that those after it are not run."""
    told = kernel.run(line)
    assert told.status == "error"
    lines = [*told.text.splitlines(), *told.traceback]
    assert len(lines) == 1
    assert lines[0].startswith(first)


def test_a_job_in_the_background_has_a_card(kernel: Kernel) -> None:
    """The variable is there at once; and shown by itself, a job is a card as well."""
    told = kernel.run("%gio segment 高价值用户 --bg -o job")
    job = kernel.run("print(job.id)").text.strip()
    assert job in told.html
    assert job in kernel.run(f"%gio attach {job} --bg").html


def test_a_key_is_asked_for(started: Kernel, sandbox: embedded.Sandbox) -> None:
    """It is in no output; where nobody can be asked, a line says what to do."""
    started.run("%load_ext gio_pandas\nimport os\nos.environ.pop('GIO_API_KEY', None)")
    line = f"%gio connect {sandbox.url} --project {PROJECT} --ask-key"
    told = started.run(line, answer=sandbox.api_key)
    assert told.status == "ok"
    assert sandbox.api_key not in told.text + told.html
    assert "<table" in started.run("%gio projects").html
    assert "nobody can be asked here. Set GIO_API_KEY" in started.run(line).text


@pytest.mark.parametrize("what", ["wait", "download"])
def test_stop_lets_go_at_once(started: Kernel, what: str) -> None:
    """Of a wait and of a download, in a line that says how the job is had again."""
    options = {"wait": {"stage_seconds": 600}, "download": {"stage_seconds": 0, "users": 20_000}}
    if what == "download":
        options[what] |= {"bytes_per_second": 2_000.0, "parts": 2}
    with embedded.start(**options[what]) as platform:
        started.connect(platform)
        took = []
        for _ in range(3):
            platform.forget_requests()
            told, seconds = started.stopped(
                "df = %gio segment 高价值用户",
                lambda: any(
                    one.step == {"wait": "poll"}.get(what, what) for one in platform.requests
                ),
            )
            assert told.status == "error"
            assert len(told.traceback) == 1
            assert (
                "KeyboardInterrupt: stopped waiting; the job goes on: gio.attach("
                in (told.traceback[0])
            )
            took.append(seconds)
        # Of three, the quickest: the machine may be busy with something else.
        assert min(took) < 0.5


@pytest.mark.parametrize(
    ("code", "first"),
    [
        ("df = gio.read_segment('高价值用户')", "KeyboardInterrupt: stopped waiting; "),
        ("df = await gio.aread_segment('高价值用户')", "CancelledError: stopped waiting; "),
    ],
)
def test_whoever_stops_a_verb_is_told_in_a_line(started: Kernel, code: str, first: str) -> None:
    """How the job is had again, and none of our frames."""
    with embedded.start(stage_seconds=600) as platform:
        started.connect(platform)
        told, _ = started.stopped(
            code, lambda: any(one.step == "poll" for one in platform.requests)
        )
    assert told.status == "error"
    [line] = told.traceback
    assert line.startswith(f"{first}the job goes on: gio.attach(")


def test_after_a_restart_a_job_is_picked_up(kernel: Kernel, sandbox: embedded.Sandbox) -> None:
    """By its id, which Tab offers out of the ledger; the frame is the one that was asked for."""
    kernel.run("job = %gio segment 高价值用户 --tag 会员等级 --bg")
    job = kernel.run("print(job.id)").text.strip()
    kernel.manager.restart_kernel(now=True)
    kernel.client.wait_for_ready(timeout=PLENTY)
    kernel.connect(sandbox)
    _until(lambda: f"%gio attach {job}" in kernel.tab("%gio attach "))
    told = kernel.run(f"df = %gio attach {job}\nprint(df.shape, df.attrs['gio']['name'])")
    assert told.text.strip().endswith("(1000, 3) 高价值用户")


def test_unloading_leaves_nothing(kernel: Kernel) -> None:
    """Neither the magic, nor its completion, nor the name."""
    kernel.run("%unload_ext gio_pandas")
    assert "`%gio` not found" in kernel.run("%gio projects").text
    assert not [line for line in kernel.tab("%gio seg") if "segments" in line]
    assert "NameError" in kernel.run("gio").traceback[-1]
