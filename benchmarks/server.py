"""The sandbox in a process of its own, so that its work is not counted as the client's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_CODE = """
import sys
from gio_pandas.cli import main
main(["sandbox", "--port", "0", *sys.argv[1:]])
"""


@contextmanager
def sandbox_process(*arguments: str) -> Iterator[tuple[str, str]]:
    """Run ``gio-pandas sandbox`` and give its url and API key."""
    server = subprocess.Popen(
        [sys.executable, "-c", _CODE, *arguments], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    try:
        said: dict[str, str] = {}
        while not {"url", "api_key"} <= said.keys():
            line = server.stdout.readline()
            if not line:
                raise RuntimeError("the sandbox did not start")
            name, _, value = line.strip().partition("=")
            said[name.strip()] = value.strip().strip('"')
        yield said["url"], said["api_key"]
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()
