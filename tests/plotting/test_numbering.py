"""Columns that number rows: they are no measures."""

from __future__ import annotations

import pandas as pd
import pytest

from gio_pandas.plotting import columns


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        ([1, 2, 3], True),
        ([0, 1], True),
        ([0, 1, 2, 0, 1, 2], True),
        ([1, 2, 3, 1, 2], True),
        ([0, 0, 1, 1, 2, 2], True),
        ([2022, 2023, 2024], True),
        ([2022, 2022, 2023, 2023], True),
        ([5, 8], False),
        ([1, 0, 0, 1], False),
        ([0, 1, 0, 1], False),
        ([1, 1, 1], False),
        ([0, 0, 1, 2], False),
        ([1.5, 2.5], False),
        ([10, 11, 12], False),
        ([2022, 2024], False),
        ([1, 2, None], False),
        ([7], False),
    ],
)
def test_numbers_of_rows_are_known(values: list[float | None], numbers: bool) -> None:
    """They rise by one from 0, 1 or a year, and may begin again or repeat evenly."""
    [column] = columns.read(pd.DataFrame({"n": values})).columns
    assert columns.is_numbering(column) is numbers
