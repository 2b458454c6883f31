"""Binder: what it would build of this repository, as its own builder says."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BINDER = ROOT / "binder"


@pytest.fixture(scope="module")
def dockerfile() -> str:
    """Let repo2docker say what it would do; nothing is built, and no Docker is asked."""
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_the_python_is_one_that_is_supported(dockerfile: str) -> None:
    """Left to itself Binder takes 3.10, which pandas 3 and this package do not run on."""
    [asked] = re.findall(r"python-3\.(\d+)", (BINDER / "runtime.txt").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert int(asked) >= int(project["requires-python"].rpartition(".")[2])
    assert f"environment-2epy-2d3-2e{asked}-2d" in dockerfile


def test_this_tree_is_installed_and_set_up(dockerfile: str) -> None:
    """Each of the files is used: the packages, after the tree is there, and what comes last."""
    copied = dockerfile.index("COPY --chown=0:0 src/ ${REPO_DIR}/")
    installed = dockerfile.index('pip install --no-cache-dir -r "binder/requirements.txt"')
    set_up = dockerfile.index("RUN ./binder/postBuild")
    assert copied < installed < set_up
    for package in (BINDER / "apt.txt").read_text().split():
        assert re.search(rf"apt-get install .*\b{re.escape(package)}\b", dockerfile)


def test_nothing_else_decides_what_is_built() -> None:
    """Binder prefers other files to these, in silence, wherever it finds them."""
    assert sorted(path.name for path in BINDER.iterdir()) == [
        *("apt.txt", "postBuild", "requirements.txt", "runtime.txt")
    ]
    assert not (ROOT / ".binder").exists()
    assert (BINDER / "postBuild").stat().st_mode & 0o111


def test_the_link_opens_a_notebook_that_is_there() -> None:
    """The address in both READMEs leads to the first notebook, in JupyterLab."""
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        linked = set(re.findall(r"mybinder\.org/v2/\S*?urlpath=lab/tree/([\w./-]+)", text))
        assert linked == {"notebooks/01-quickstart.ipynb"}
        assert (ROOT / linked.pop()).is_file()
