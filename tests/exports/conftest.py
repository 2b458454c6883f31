"""What the tests of exports share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Give an empty folder to write to."""
    folder = tmp_path / "place"
    folder.mkdir()
    return folder
