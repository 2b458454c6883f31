"""Run the notebooks of this folder by nbval, strictly, where nothing of the developer's own is."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from notebooks.execute import CELL_SECONDS, SANITIZE, sealed

HOMES = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Choose how nbval runs, once somebody collects from this folder, and only then."""
    if not config.pluginmanager.hasplugin("nbval"):
        raise pytest.UsageError('nbval runs the notebooks: pip install -e ".[test]"')
    config.option.nbval = True
    config.option.nbval_current_env = True
    config.option.nbval_cell_timeout = CELL_SECONDS
    config.option.nbval_sanitize_with = str(SANITIZE)
    homes = TemporaryDirectory(prefix="gio-notebooks-", ignore_cleanup_errors=True)
    config.stash[HOMES] = Path(homes.name)
    config.add_cleanup(homes.cleanup)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Let the kernel, which the first cell of a notebook starts, have a home of its own."""
    with sealed(item.config.stash[HOMES] / item.path.stem):
        return (yield)
