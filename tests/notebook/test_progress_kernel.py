"""Progress in a real kernel: what goes over its wire, and what a notebook keeps of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from gio_pandas import sandbox as embedded

pytestmark = pytest.mark.timeout(180)

PLENTY = 60.0
VIEW = "application/vnd.jupyter.widget-view+json"
THREADS = "[one.name for one in threading.enumerate() if one.name == 'gio-progress']"

Messages = list[dict[str, Any]]


class Kernel:
    """A kernel, and all that it says."""

    def __init__(self, manager: Any, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client

    def begin(self, code: str) -> str:
        """Begin to run a cell."""
        return str(self.client.execute(code, allow_stdin=False))

    def hear(self, cell: str, until: str = "idle", *, count: int = 1) -> Messages:
        """Hear what it says up to the end of a cell, or to so many messages of a kind."""
        heard: Messages = []
        while count:
            message = self.client.get_iopub_msg(timeout=PLENTY)
            heard.append(message)
            is_end = message["content"].get("execution_state") == "idle"
            is_ours = message["parent_header"].get("msg_id") == cell
            count -= (is_end and is_ours) if until == "idle" else message["msg_type"] == until
        return heard

    def run(self, code: str) -> Messages:
        """Run a cell, and hear all of it."""
        return self.hear(self.begin(code))


@pytest.fixture(scope="module")
def platform() -> Iterator[embedded.Sandbox]:
    """Start a platform that takes a while for an export."""
    with embedded.start(users=500, stage_seconds=0.3) as platform:
        yield platform


@pytest.fixture(scope="module")
def kernel(platform: embedded.Sandbox) -> Iterator[Kernel]:
    """Start a kernel, connected to the platform."""
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=PLENTY)
    try:
        kernel = Kernel(manager, client)
        kernel.run(
            "import threading\nimport gio_pandas as gio\n"
            f"gio.connect({platform.url!r}, api_key={platform.api_key!r}, project='默认项目')"
        )
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def said(messages: Messages) -> str:
    """Give what was printed."""
    return "".join(message["content"].get("text", "") for message in messages)


def outputs(messages: Messages, kind: str) -> Messages:
    """Give the contents of messages of a kind."""
    return [message["content"] for message in messages if message["msg_type"] == kind]


@pytest.mark.parametrize(
    "code",
    ["frame = gio.read_segment('高价值用户')", "frame = await gio.aread_segment('高价值用户')"],
    ids=["read", "await"],
)
def test_a_widget_while_it_lasts_and_a_summary_to_keep(kernel: Kernel, code: str) -> None:
    """One output under the cell; all widgets are closed, and no thread goes on."""
    messages = kernel.run(f"{code}\nprint(len(frame), {THREADS})")
    [shown] = outputs(messages, "display_data")
    assert VIEW in shown["data"]
    assert 'role="progressbar"' in shown["data"]["text/html"]
    changes = [one for one in outputs(messages, "comm_msg") if one["data"]["method"] == "update"]
    assert any("DATA_READY" in str(one["data"]["state"]) for one in changes)
    [kept] = outputs(messages, "update_display_data")
    assert kept["transient"] == shown["transient"]
    assert set(kept["data"]) == {"text/plain", "text/html"}
    assert "50 rows, 1 file" in kept["data"]["text/plain"]
    opened, closed = (len(outputs(messages, f"comm_{word}")) for word in ("open", "close"))
    assert opened == closed > 0
    assert said(messages) == "50 []\n"


def test_silence_is_silence(kernel: Kernel) -> None:
    """Neither an output nor a comm."""
    messages = kernel.run("print(len(gio.read_segment('高价值用户', progress=False)))")
    assert said(messages) == "50\n"
    assert not [one for one in messages if one["msg_type"].startswith(("comm", "display"))]


def test_stop_ends_a_read_and_its_display(kernel: Kernel, platform: embedded.Sandbox) -> None:
    """At once; the output says how to go on, and the next cell runs with no thread left."""
    with embedded.start(users=50, stage_seconds=600) as slow:
        cell = kernel.begin(
            f"slow = gio.Session({slow.url!r}, api_key={slow.api_key!r}, project='默认项目')\n"
            "slow.read_segment('高价值用户')"
        )
        kernel.hear(cell, "display_data")
        kernel.manager.interrupt_kernel()
        messages = kernel.hear(cell)
    [kept] = outputs(messages, "update_display_data")
    assert "stopped after" in kept["data"]["text/plain"]
    assert "gio.attach(" not in kept["data"]["text/plain"]  # the error that follows says that
    [error] = outputs(messages, "error")
    assert error["ename"] == "KeyboardInterrupt"
    assert "gio.attach(" in error["evalue"]
    assert said(kernel.run(f"print({THREADS})")) == "[]\n"


def test_a_job_that_goes_on_is_kept_up_to_date(kernel: Kernel) -> None:
    """After its cell, and until it has ended; displayed again, both of its cards are."""
    cell = kernel.begin("job = gio.submit_segment('高价值用户')\ndisplay(job)\njob")
    messages = kernel.hear(cell)
    cards = [shown["transient"]["display_id"] for shown in outputs(messages, "display_data")]
    assert len(set(cards)) == 2
    ended: dict[str, str] = {}
    until = time.monotonic() + PLENTY
    while len(ended) < 2:
        assert time.monotonic() < until
        for shown in outputs(kernel.hear(cell, "update_display_data"), "update_display_data"):
            if "FINISH" in shown["data"]["text/plain"]:
                ended[shown["transient"]["display_id"]] = shown["data"]["text/html"]
    assert set(ended) == set(cards)
    last = kernel.run("job")
    assert "FINISH" in outputs(last, "execute_result")[0]["data"]["text/html"]
