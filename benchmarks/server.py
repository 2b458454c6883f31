"""The sandbox in a process of its own, so that its work is not counted as the client's."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_CODE = """
import json, sys
from gio_pandas import sandbox
sandbox.serve(0, on_ready=lambda *way_in: print(*way_in, flush=True), **json.loads(sys.argv[1]))
"""


@contextmanager
def sandbox_process(**options: Any) -> Iterator[tuple[str, str]]:
    """Run a sandbox with these options and give its url and API key."""
    server = subprocess.Popen(
        [sys.executable, "-c", _CODE, json.dumps(options)], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    try:
        url, api_key = server.stdout.readline().split()
        yield url, api_key
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()
