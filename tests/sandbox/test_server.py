"""Starting and stopping."""

import ast
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from gio_pandas import sandbox

from .client import Client
from .process import run_python, start_python

ROOT = Path(sandbox.__file__).parent


def test_it_answers_as_soon_as_start_returns() -> None:
    """The url works at once, with no wait of the caller's own."""
    with sandbox.start() as platform, Client(platform) as client:
        assert platform.running
        assert platform.url.startswith("http://127.0.0.1:")
        assert client.ask_token().status_code == 200


def test_stop_leaves_nothing() -> None:
    """After stop() there is no thread more, the port is free, and stopping again is harmless."""
    before = set(threading.enumerate())
    platform = sandbox.start(stage_seconds=0)
    with Client(platform) as client:
        client.sign_in()
        client.files(client.segment("分群1"))
    platform.stop()
    platform.stop()
    assert not platform.running
    assert set(threading.enumerate()) == before
    with socket.create_server(("127.0.0.1", urlsplit(platform.url).port)):
        pass


def test_stop_breaks_off_a_running_download(started: Callable[..., Client]) -> None:
    """Stopping does not wait for a client that reads slowly, and leaves no thread."""
    before = set(threading.enumerate())
    client = started(users=20_000_000).sign_in()
    (uri,) = client.wait(client.segment("全部用户"))["uris"]
    with client.http.stream("GET", "/download", params={"file": uri}) as response:
        chunks = response.iter_raw()
        next(chunks)
        client.sandbox.stop()
        with pytest.raises(httpx.TransportError):
            for _ in chunks:
                pass
    assert set(threading.enumerate()) == before


def test_it_listens_on_loopback_alone(shared: sandbox.Sandbox) -> None:
    """No other address of this machine reaches it, not even another loopback one."""
    port = urlsplit(shared.url).port
    with pytest.raises(OSError):  # noqa: PT011 - refused or unreachable, as the system has it
        socket.create_connection(("127.0.0.2", port), timeout=2)


def test_the_port_can_be_chosen_and_a_taken_one_is_an_error(shared: sandbox.Sandbox) -> None:
    """A port in use raises OSError instead of starting elsewhere."""
    with pytest.raises(OSError, match="in use"):
        sandbox.start(port=urlsplit(shared.url).port)


def test_a_stopped_sandbox_does_not_start_again() -> None:
    """The handle stands for one run; a second start says so."""
    platform = sandbox.start()
    platform.stop()
    with pytest.raises(RuntimeError, match="another"):
        platform.start()


def test_unknown_and_impossible_options_are_refused() -> None:
    """A misspelled option is a TypeError, an impossible value a ValueError that names it."""
    with pytest.raises(TypeError, match="stage_second"):
        sandbox.start(stage_second=1)
    impossible: list[dict[str, Any]] = [
        {"uris": "both"},
        {"version": "12"},
        {"headers": "ids"},
        {"quote": "none"},
        {"users": -1},
        {"parts": 0},
        {"rows_per_file": 0},
        {"segments": -1},
        {"stage_seconds": -1},
        {"unauthorized_every": -1},
        {"max_aliases": -1},
        {"path_prefix": "cdp/"},
        {"faults": ["cut,file=no"]},
    ]
    for options in impossible:
        with pytest.raises(ValueError, match=next(iter(options))):
            sandbox.start(**options)


def test_embedded_is_one_sandbox_for_all_threads() -> None:
    """Every thread gets the same handle; a stopped one is replaced; the process ends cleanly."""
    code = """
import threading
from gio_pandas import sandbox
got = []
threads = [threading.Thread(target=lambda: got.append(sandbox.embedded())) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert len(set(map(id, got))) == 1
got[0].stop()
assert sandbox.embedded() is not got[0]
assert sandbox.embedded().running
print("fine")
"""
    assert run_python(code) == "fine"


def test_serve_runs_until_ctrl_c() -> None:
    """serve() calls on_ready with url and key, prints nothing itself and ends on SIGINT."""
    code = """
from gio_pandas import sandbox
sandbox.serve(0, on_ready=lambda url, key: print(url, key, flush=True), api_key="k")
print("ended")
"""
    with start_python(code) as process:
        assert process.stdout is not None
        url, key = process.stdout.readline().split()
        assert key == "k"
        assert httpx.get(url, trust_env=False).status_code == 404
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
    assert (output, errors, process.returncode) == ("ended\n", "", 0)


def test_a_missing_library_names_the_extra() -> None:
    """Without its libraries start() says what to install; importing the module still works."""
    code = """
sys.modules["ariadne"] = None
from gio_pandas import sandbox
try:
    sandbox.start()
except ModuleNotFoundError as error:
    print(error)
"""
    assert 'pip install "gio-pandas[sandbox]"' in run_python(code)


def test_importing_it_is_cheap() -> None:
    """The import brings in no web or GraphQL library; start() does."""
    code = """
import gio_pandas.sandbox
print(sorted({"ariadne", "graphql", "starlette", "uvicorn", "asyncio"} & set(sys.modules)))
"""
    assert run_python(code) == "[]"


def test_it_stands_alone() -> None:
    """The sandbox imports its three libraries, the standard library and itself, nothing else."""
    ours = {"ariadne", "graphql", "starlette", "uvicorn", *sys.stdlib_module_names}
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path.name} imports relatively"
                names = [node.module or ""]
            for name in names:
                allowed = name.partition(".")[0] in ours or name.startswith("gio_pandas.sandbox")
                assert allowed, f"{path.name} imports {name}"


def test_a_path_prefix_moves_every_endpoint(signed_in: Callable[..., Client]) -> None:
    """Under a prefix the three endpoints answer, and the same paths without it do not."""
    client = signed_in(path_prefix="/cdp/v1")
    assert client.sandbox.url.endswith("/cdp/v1")
    assert len(client.files(client.segment("分群1"))) == 1
    root = client.sandbox.url.removesuffix("/cdp/v1")
    assert client.http.post(f"{root}/graphql", json={"query": "{__typename}"}).status_code == 404
