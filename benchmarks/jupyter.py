"""A JupyterLab server in a process of its own, with a home, settings and runtime files apart.

The tests in a browser use it, too.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Server", "jupyter_lab"]

START_SECONDS = 60.0
STOP_SECONDS = 15.0
FOLDERS = {
    "HOME": "home",
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    **{f"XDG_{name}_HOME": f"home/{name.lower()}" for name in ("CACHE", "CONFIG", "DATA", "STATE")},
}
SETTINGS = {
    # The news would cover a corner of the page.
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    # Cells out of sight would not be in the page at all.
    "notebook-extension/tracker": {"windowingMode": "none"},
}
# What would reach the developer's own settings, or another interpreter's packages.
FOREIGN = ("GIO_", "JUPYTER", "IPYTHON", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "MPLBACKEND")


@dataclass(frozen=True)
class Server:
    """Where a server answers, and the folder whose notebooks it shows."""

    url: str
    token: str
    root: Path

    @property
    def page(self) -> str:
        """Where JupyterLab begins, as if nobody had been there before."""
        return f"{self.url}lab?token={self.token}&reset"


@contextmanager
def jupyter_lab(folder: Path) -> Iterator[Server]:
    """Run JupyterLab on this interpreter, so that kernels have what it has."""
    root, token = folder / "notebooks", secrets.token_hex(16)
    environment = _environment(folder)
    for place in (root, *(Path(environment[name]) for name in FOLDERS)):
        place.mkdir(parents=True, exist_ok=True)
    _write_settings(folder / FOLDERS["JUPYTERLAB_SETTINGS_DIR"])
    log = folder / "server.log"
    with log.open("wb") as words:
        process = subprocess.Popen(
            _command(root, token), env=environment, stdout=words, stderr=words, cwd=root
        )
    try:
        url = _until_it_answers(process, folder / FOLDERS["JUPYTER_RUNTIME_DIR"], log)
        yield Server(url, token, root)
    finally:
        _stop(process)


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.upper().startswith(FOREIGN)}
    apart = {name: str(folder / place) for name, place in FOLDERS.items()}
    keyring = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    return {**kept, **apart, **keyring, "JUPYTER_PREFER_ENV_PATH": "1", "NO_PROXY": "*"}


def _write_settings(folder: Path) -> None:
    for name, settings in SETTINGS.items():
        path = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings), encoding="utf-8")


def _command(root: Path, token: str) -> list[str]:
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": "0",
        "ServerApp.root_dir": str(root),
        "ServerApp.open_browser": "False",
        "ServerApp.allow_root": "True",
        "IdentityProvider.token": token,
        "LabApp.expose_app_in_browser": "True",
    }
    given = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "jupyterlab", *given]


def _until_it_answers(process: subprocess.Popen[bytes], runtime: Path, log: Path) -> str:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        for path in runtime.glob("jpserver-*.json"):
            with suppress(OSError, ValueError):
                known = json.loads(path.read_text(encoding="utf-8"))
                _ask(f"{known['url']}api/status?token={known['token']}")
                return str(known["url"])
        time.sleep(0.05)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-3000:]}")


def _ask(url: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as answer:
        answer.read()


def _stop(process: subprocess.Popen[bytes]) -> None:
    # It ends its kernels, then itself.
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
